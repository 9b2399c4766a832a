"""A model's residuals and their Jacobian, each one compiled pass over the data, for curve_fit."""

from __future__ import annotations

import math
import operator
from collections import OrderedDict
from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from functools import cache
from types import MethodType
from typing import Any, NamedTuple

import numpy as np

from ..engine.memory import empty
from ..graph.autodiff.recipes import rows_by_parameters
from ..graph.codegen.program import BoundProgram, Program
from ..graph.tracing.branches import Branches
from ..graph.tracing.closure_fingerprint import ClosureFingerprint
from ..graph.tracing.errors import trace_error
from ..graph.tracing.node import Node
from ..graph.tracing.node_array import flat_node
from ..graph.tracing.tape import Tape
from ..graph.tracing.trace import argument, argument_names, results, trace_within

MAX_CACHED = 64  # traced fits
MAX_WAYS = 64  # through a formula's branches
MIN_REDUCED_ROWS = 1000  # from so many rows on scipy is handed a small problem with the same solution
MAX_REDUCED_PARAMETERS = 16  # up to so many
_NEGLIGIBLE = Decimal("1e-29")
_cache: OrderedDict[Any, tuple[list[Way], ClosureFingerprint, Any]] = OrderedDict()
_STEP = math.sqrt(np.finfo(float).eps)  # of differences, as in scipy


def _identity(f: Callable[..., Any]) -> Any:
    """What tells a function from others as long as it lives; a method is made anew whenever it is asked for."""
    return (id(f.__self__), id(f.__func__)) if isinstance(f, MethodType) else id(f)


def program_data(x: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> list[np.ndarray]:
    """What the programs of a ``Way`` read besides the parameters, in their order."""
    return [x, y, *([] if weights is None else [weights])]


class Way(NamedTuple):
    """Compiled residuals (f(x, *p) - y) w, and their Jacobian or the products of its columns.

    The inputs are the parameters, x, y and w. ``guard`` tells whether these are those of the formula for the values that it
    is given: its way through its branches. None: it has no branches.
    """

    programs: list[Program]
    guard: Program | None


def find_way(f: Callable[..., Any], data: list[np.ndarray], p: np.ndarray, reduced: bool) -> Way:
    """The way of a formula for some parameters, compiled if it is a new one.

    Raises
    ------
    TraceError and whatever else f raises
        If f cannot be traced.
    """
    xdata, ydata, *weights = data
    if not isinstance(xdata, np.ndarray) or not xdata.ndim:
        raise TypeError(f"x must be an array of numbers, got {xdata!r}")
    key = (_identity(f), xdata.shape, ydata.shape, len(p), len(weights), reduced)
    entry = _cache.get(key)
    if entry is None or not entry[1].unchanged():
        entry = _cache[key] = [], ClosureFingerprint(f), f  # which keeps its id
        if len(_cache) > MAX_CACHED:
            _cache.popitem(last=False)
    ways, fingerprint, _ = entry
    for way in ways:
        if way.guard is None or way.guard([*p, *data])[0]:
            return way
    ways.insert(0, _compile(f, fingerprint, data, p, reduced))
    del ways[MAX_WAYS:]
    return ways[0]


def can_reduce(rows: int, count: int) -> bool:
    """Whether ``ReducedResiduals`` serve: for much data, few parameters, and a CPU that multiplies and adds in one."""
    from ..kernels.simd.machine import machine

    return rows >= MIN_REDUCED_ROWS and count <= MAX_REDUCED_PARAMETERS and machine().fma


def _compile(
    f: Callable[..., Any], fingerprint: ClosureFingerprint, data: list[np.ndarray], p: np.ndarray, reduced: bool
) -> Way:
    count, names = len(p), argument_names(f, len(p) + 1)[1:]
    inputs, parameters, residual, guard = trace_within(fingerprint, f, lambda tape, g: _trace(tape, g, data, names, p))
    columns = [column for (column,) in rows_by_parameters(residual, parameters)]
    if reduced and residual.op not in ("stack", "join"):
        every = [*columns, residual]
        columns = [residual.tape.exact_dot(every[i], every[j]) for i in range(count + 1) for j in range(i + 1)]
    compiled = [Program(inputs, [residual], "float64"), Program(inputs, columns, "float64")]
    return Way(compiled, None if guard is None else Program(inputs, [guard.tape.number(guard)], "float64"))


def _trace(
    tape: Tape, f: Callable[..., Any], data: list[np.ndarray], names: list[str], p: np.ndarray
) -> tuple[list[Node], list[Node], Node, Node | None]:
    """The inputs, the parameters among them, the residual, and what must hold for it to be that of the formula."""
    xdata, ydata, *given = data
    shape = ydata.shape
    parameters = [tape.input(name) for name in names]
    x = argument(tape, "x", xdata)
    y = tape.input("y", (ydata.size,))
    weights = [tape.input("w", (ydata.size,)) for _ in given]
    inputs = [*parameters, flat_node(x), y, *weights]
    values = [*np.asarray(p, float), *(np.ravel(array) for array in data)]
    tape.branches = Branches({node.index: value for node, value in zip(inputs, values, strict=True)}, set(), "float64")
    found = results(tape, f, x, *parameters)
    if len(found) != 1 or found[0].shape not in ((), shape):
        what = f"a tuple of {len(found)}" if len(found) != 1 else f"{found[0].size} values of shape {found[0].shape}"
        rows = f"{shape[0]} rows" if len(shape) == 1 else f"ydata of shape {shape}"
        raise trace_error(f"The formula gives {what} for {rows}.", "One value for each is needed.", f)
    residual = tape.make("sub", flat_node(found[0]), y)
    for factor in weights:
        residual = tape.make("mul", residual, factor)
    return inputs, parameters, residual, tape.branches.guard()


class Residuals:
    """What scipy calls: residuals and Jacobian of one fit.

    Parameters
    ----------
    compiled : list of Program
        Of a ``Way``.
    data : list of array
        x, y, and the weights if there are any.
    count : int
        Parameters.
    transform : callable, optional
        Applied to residuals and to the Jacobian's columns (a full covariance of the errors).
    """

    def __init__(self, compiled: list[Program], data: list[np.ndarray], count: int, transform: Any = None) -> None:
        self.count, self._p, self._transform = count, np.empty(count), transform
        each = [self._p[i : i + 1] for i in range(count)]
        self._residual, self._second = (BoundProgram(program, [*each, *data]) for program in compiled)
        self._found = empty("residuals", data[1].size)
        self._in_parts = any(node.op in ("stack", "join") for program in compiled for node in program.outputs)
        if self._in_parts:
            self._parts = [[empty("rows", node.shape) for node in program.plan.rows] for program in compiled]
            self._residual.set_outputs(self._parts[0])
        else:
            self._residual.set_outputs([self._found])
        self._prepare()

    def _prepare(self) -> None:
        program = self._second.program
        if self._in_parts:
            self._second.set_outputs(self._parts[1])
            return
        rows = [node.index for node in program.plan.rows]
        self._which = [rows.index(node.index) for node in program.outputs]  # equal columns are worked out once
        # MINPACK and trf are done with the last Jacobian when they ask for the next one.
        self._columns = empty("columns", (len(rows), len(self._found)))
        self._second.set_outputs(list(self._columns))

    def residuals(self, p: np.ndarray, *_: Any) -> np.ndarray:
        """All residuals, in a new array."""
        values = self._values(p)
        return values if self._transform is None else self._transform(values)

    def columns(self, p: np.ndarray, *_: Any) -> np.ndarray:
        """The Jacobian with a row for each parameter."""
        self._p[:] = p
        numbers = self._second()
        if self._in_parts:
            columns = np.array(self._second.program.collect(numbers, self._parts[1]))
        else:
            columns = self._columns if len(self._columns) == len(self._which) else self._columns[self._which]
        if not math.isfinite(np.vdot(columns, columns)):
            self._fill_by_differences(columns, p)
        return columns if self._transform is None else self._transform(columns.T).T

    def jacobian(self, p: np.ndarray, *_: Any) -> np.ndarray:
        """The Jacobian with a column for each parameter."""
        return self.columns(p).T

    def _fill_by_differences(self, columns: np.ndarray, p: np.ndarray) -> None:
        """Differences for derivatives that the chain rule does not find: 0 times infinity, as in exp(-b / x) at x = 0."""
        here = self._values(p)
        for i, column in enumerate(columns):
            lost = ~np.isfinite(column) & np.isfinite(here)
            if not lost.any():
                continue
            for step in (_STEP * (abs(p[i]) or 1.0), -_STEP * (abs(p[i]) or 1.0)):  # back where there is nothing ahead
                beside = p.copy()
                beside[i] += step
                difference = (self._values(beside) - here) / step
                found = lost & np.isfinite(difference)
                column[found] = difference[found]
                lost &= ~found

    def _values(self, p: np.ndarray) -> np.ndarray:
        """The residuals before the transform."""
        self._p[:] = p
        numbers = self._residual()
        if self._in_parts:
            found: np.ndarray = self._residual.program.collect(numbers, self._parts[0])[0]
            return found
        return self._found.copy()


class ReducedResiduals(Residuals):
    """A problem of n + 1 rows whose sums of squares, gradients and steps are those of all the data.

    With [J r] = Q R (Q's columns orthonormal) |J d + r| = |R d'| for any step d, so the triangle R is all that a minimiser
    of squares needs. R is the Cholesky factor of the products of the columns of [J r]. Products lose half of the digits, so
    they are summed to twice the digits of float64 and factored in decimal numbers: R is as exact as from orthogonal
    transformations, and the data are gone through once, storing nothing. Where products are infinite or NaN although the
    residuals are not, R comes from all of J after all.

    Parameters
    ----------
    whole : callable
        Gives the programs for ``Residuals`` of the same problem.
    """

    def __init__(self, compiled: list[Program], data: list[np.ndarray], count: int, whole: Callable[[], list[Program]]) -> None:
        super().__init__(compiled, data, count)
        self._all = cache(lambda: Residuals(whole(), data, count))

    def _prepare(self) -> None:
        size = len(self._p) + 1
        self._places = np.tril_indices(size)
        self._at: tuple[bytes, np.ndarray] = (b"", np.empty(0))

    def _triangle(self, p: np.ndarray) -> np.ndarray:
        key = p.tobytes()
        if self._at[0] != key:
            self._p[:] = p
            self._second()
            size = len(self._p) + 1
            # One pair of float64 for each product and block.
            pairs = zip(self._second.partials, self._second.program.plan.loops, strict=True)
            blocks = next(sums for sums, loop in pairs if loop.exact).reshape(-1, size * (size + 1) // 2, 2)
            self._at = key, cholesky(blocks, size) if np.isfinite(blocks).all() else self._triangle_of_all(p)
        return self._at[1]

    def _triangle_of_all(self, p: np.ndarray) -> np.ndarray:
        """By orthogonal transformations of the columns themselves."""
        residuals = self._values(p)
        if not np.isfinite(residuals).all():
            return np.full((len(p) + 1, len(p) + 1), np.nan)
        return np.asarray(np.linalg.qr(np.vstack([self._all().columns(p), residuals]).T, mode="r"))

    def residuals(self, p: np.ndarray, *_: Any) -> np.ndarray:
        """The triangle's last column."""
        return self._triangle(np.asarray(p, float))[:, -1].copy()

    def columns(self, p: np.ndarray, *_: Any) -> np.ndarray:
        """The triangle's other columns, as rows."""
        return self._triangle(np.asarray(p, float))[:, :-1].T.copy()


def cholesky(blocks: np.ndarray, size: int) -> np.ndarray:
    """The upper triangle R with R'R the matrix whose lower triangle is the sum over ``blocks``, of pairs of float64."""
    triangle = np.zeros((size, size))
    with localcontext(Context(prec=40)):
        sums = iter([_sum(parts) for parts in blocks.transpose(1, 0, 2).reshape(blocks.shape[1], -1).tolist()])
        rows: list[list[Decimal]] = []  # of the lower triangle, R transposed
        for i in range(size):
            row: list[Decimal] = []
            for j in range(i):
                left = next(sums) - _dot(row, rows[j])
                row.append(left / rows[j][j] if rows[j][j] else Decimal(0))
            square = next(sums)
            left = square - _dot(row, row)
            # A column that depends on those before it leaves nothing but the errors of the sums.
            row.append(left.sqrt() if left > square * _NEGLIGIBLE else Decimal(0))
            rows.append(row)
            triangle[: i + 1, i] = [float(v) for v in row]
    return triangle


def _sum(parts: list[float]) -> Decimal:
    """The sum to twice the digits of float64."""
    high = math.fsum(parts)
    return Decimal(high) + Decimal(math.fsum([*parts, -high]))


def _dot(x: list[Decimal], y: list[Decimal]) -> Decimal:
    """Of two rows, as far as the shorter one goes."""
    return sum(map(operator.mul, x, y), Decimal(0))
