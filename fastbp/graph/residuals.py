"""A model's residuals and their Jacobian, each one compiled pass over the data, for curve_fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .compile import Bound, Program
from .errors import trace_error
from .functions import as_node
from .grad import rows_by_parameters
from .surroundings import fingerprint
from .tape import Tape
from .trace import Rows, argument, argument_names, tracing

_MOST_KEPT = 64
_known: dict[Any, tuple[Program, Program, Any]] = {}


def _identity(f: Callable[..., Any]) -> tuple[Any, ...]:
    """Equal for functions of the same text that see the same things around them."""
    return getattr(f, "__code__", id(f)), fingerprint(f)


def programs(f: Callable[..., Any], xdata: np.ndarray, count: int, weighted: bool) -> tuple[Program, Program]:
    """Compiled residuals (f(x, *p) - y) w, and their Jacobian; the inputs are the parameters, x (or its rows), y and w.

    Raises
    ------
    TraceError and whatever else f raises
        If f cannot be traced.
    """
    key = (_identity(f), xdata.shape, count, weighted)
    if key not in _known:
        if len(_known) >= _MOST_KEPT:
            _known.pop(next(iter(_known)))
        _known[key] = *_trace(f, xdata, count, weighted), f
    return _known[key][:2]


def _trace(f: Callable[..., Any], xdata: np.ndarray, count: int, weighted: bool) -> tuple[Program, Program]:
    tape = Tape()
    parameters = [tape.input(name) for name in argument_names(f, count + 1)[1:]]
    x = argument(tape, "x", xdata)
    length = xdata.shape[-1:]
    y = tape.input("y", length)
    inputs = [*parameters, *(x.nodes if isinstance(x, Rows) else [x]), y]
    with tracing(tape):
        model = as_node(tape, f(x, *parameters))
    if model.shape not in ((), length):
        raise trace_error(f"The formula gives {model.shape} values for {length} rows.", "One value for each row is needed.")
    residual = tape.make("sub", model, y)
    if weighted:
        weights = tape.input("w", length)
        inputs.append(weights)
        residual = tape.make("mul", residual, weights)
    columns = [column for (column,) in rows_by_parameters(residual, parameters)]
    return Program(inputs, [residual], "float64"), Program(inputs, columns, "float64")


class Residuals:
    """What scipy calls: residuals and Jacobian of one fit.

    Parameters
    ----------
    compiled : pair of Program
        From ``programs``.
    data : list of array
        x (or its rows), y, and the weights if there are any.
    count : int
        Parameters.
    transform : callable, optional
        Applied to residuals and to the Jacobian's columns (a full covariance of the errors).
    """

    def __init__(self, compiled: tuple[Program, Program], data: list[np.ndarray], count: int, transform: Any = None) -> None:
        self._p = np.empty(count)
        rows = len(data[-1])
        each = [self._p[i : i + 1] for i in range(count)]
        self._residual = Bound(compiled[0], [*each, *data])
        # MINPACK and trf are done with the last Jacobian when they ask for the next one.
        self._columns = np.empty((count, rows))
        self._jacobian = Bound(compiled[1], [*each, *data])
        self._rows, self._transform = rows, transform

    def residuals(self, p: np.ndarray, *_: Any) -> np.ndarray:
        self._p[:] = p
        found = np.empty(self._rows)
        self._residual([found])
        return found if self._transform is None else self._transform(found)

    def columns(self, p: np.ndarray, *_: Any) -> np.ndarray:
        """The Jacobian with a row for each parameter."""
        self._p[:] = p
        self._jacobian(list(self._columns))
        return self._columns if self._transform is None else self._transform(self._columns.T).T

    def jacobian(self, p: np.ndarray, *_: Any) -> np.ndarray:
        return self.columns(p).T
