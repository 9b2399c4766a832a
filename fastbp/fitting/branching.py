"""The residuals of a fit, along whichever way through its branches the formula takes for the parameters at hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph.codegen.program import BoundProgram
from ..graph.tracing.errors import trace_error
from .residuals import MAX_WAYS, ReducedResiduals, Residuals, Way, find_way, program_data

Find = Callable[[np.ndarray], tuple[Way, Residuals]]


def compiled_problem(
    f: Callable[..., Any],
    x: Any,
    y: np.ndarray,
    start: np.ndarray,
    weights: np.ndarray | None,
    transform: Any = None,
    reduced: bool = False,
) -> Any:
    """What scipy calls: the residuals (f(x, *p) - y) w and their derivatives; ``reduced`` to fewer if the formula allows it.

    ``start`` are parameters, which say what way is compiled first; ``transform`` is that of ``Residuals``.

    Raises
    ------
    TraceError and whatever else f raises
        If f cannot be traced.
    """
    data, start = program_data(x, y, weights), np.asarray(start, float)

    def find(p: np.ndarray) -> tuple[Way, Residuals]:
        way, here = find_way(f, data, p, reduced), np.array(p, float)
        if way.programs[1].outputs[0].op == "exact_dot":
            return way, ReducedResiduals(way.programs, data, len(p), lambda: find_way(f, data, here, False).programs)
        return way, Residuals(way.programs, data, len(p), transform)

    way, problem = find(start)
    return problem if way.guard is None else BranchingResiduals(find, data, way, problem)


class BranchingResiduals:
    """Those of a formula that branches on its parameters, each way through its branches compiled once.

    Parameters
    ----------
    find : callable
        Gives the way for some parameters, and the residuals along it.
    data : list of array
    way, problem : Way, Residuals
        The first.
    """

    def __init__(self, find: Find, data: list[np.ndarray], way: Way, problem: Residuals) -> None:
        self._find, self._data, self._p = find, data, np.empty(problem.count)
        self._known: list[tuple[BoundProgram | None, Residuals]] = []
        self._add(way, problem)

    def _add(self, way: Way, problem: Residuals) -> None:
        each = [self._p[i : i + 1] for i in range(len(self._p))]
        guard = None if way.guard is None else BoundProgram(way.guard, [*each, *self._data])
        self._known.insert(0, (guard, problem))

    def _at(self, p: np.ndarray) -> Residuals:
        """The residuals for these parameters."""
        self._p[:] = p
        for i, (guard, _) in enumerate(self._known):
            if guard is None or guard()[0]:
                self._known.insert(0, self._known.pop(i))
                return self._known[0][1]
        if len(self._known) == MAX_WAYS:
            raise trace_error(
                f"A formula to fit takes more than {MAX_WAYS} ways through its branches.",
                "What changes with every step takes fastbp.where.",
            )
        self._add(*self._find(self._p))  # where rounding has it otherwise than the guard, both ways are right
        return self._known[0][1]

    def residuals(self, p: np.ndarray, *_: Any) -> np.ndarray:
        """See ``Residuals``."""
        return self._at(p).residuals(p)

    def columns(self, p: np.ndarray, *_: Any) -> np.ndarray:
        """See ``Residuals``."""
        return self._at(p).columns(p)

    def jacobian(self, p: np.ndarray, *_: Any) -> np.ndarray:
        """See ``Residuals``."""
        return self._at(p).jacobian(p)
