"""curve_fit_many: thousands of curves of one formula fitted in one compiled call (kernels/curves.py), in all threads."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arguments import integer
from ..engine import threads as pool
from ..engine.memory import address, aligned_zeros
from ..graph.codegen.program import BoundProgram
from ..kernels import curves as at
from ..kernels.fields import CONTROL_SIZE
from .bounds import bounds_pair
from .curve_data import CurveData, curve_data
from .curve_fit import start_and_bounds
from .many_fits import ManyFits
from .normal_equations import Sums, check_loss, trace_sums

MIN_PARALLEL_VALUES = 20_000  # from so many values on several threads are faster
MAX_CHUNK = 32  # curves that a thread takes at once, so that two threads seldom write to the same cache line
MIN_CHUNKS = 16  # for each thread, so that none is long done before the others
MIN_INTERRUPTIBLE_VALUES = 1_000_000  # in another thread, so that Ctrl-C reaches the calling one


def curve_fit_many(
    f: Callable[..., Any],
    xs: Any,
    ys: Any,
    p0: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    bounds: Any = (-np.inf, np.inf),
    *,
    loss: str = "linear",
    f_scale: float = 1.0,
    max_nfev: int | None = None,
) -> ManyFits:
    """Fit one formula to many curves: pixels, wells, decays. Each curve gets parameters of its own.

    The formula is traced once and compiled with its exact derivatives. Levenberg and Marquardt's method is compiled too and
    goes through the curves in all threads; the bits do not depend on their number. A fit that fails is marked, and stops no
    other.

    Parameters
    ----------
    f : callable
        ``f(x, a, b, ...)`` as for ``fastbp.curve_fit``. It has to be one that can be traced.
    xs : array
        (n,), shared by all curves, or (m, n), one for each. Of several variables: (1, k, n) or (m, k, n); f takes them as
        ``x[0]``, ``x[1]``.
    ys : array (m, n), or list of m arrays of different lengths
        The curves. NaN marks what is missing. For a list xs is a list too, of arrays (rows,) or (k, rows).
    p0 : array (k,) or (m, k), optional
        Where to start, as for ``curve_fit``.
    sigma : number, array (n,) or (m, n), or list like ys, optional
        Standard deviations of ys.
    absolute_sigma : bool
        Whether sigma is meant absolutely; else only its ratios count.
    bounds : pair of (lower, upper), or scipy.optimize.Bounds
        Each a number, or an array (k,) or (m, k).
    loss : {"linear", "soft_l1", "huber", "cauchy", "arctan"}
        As in ``scipy.optimize.least_squares``: all but the first let outliers count for less.
    f_scale : float
        Residuals that are larger than that are outliers.
    max_nfev : int, optional
        Evaluations of the formula for one curve; 200 (k + 1) if not given.

    Returns
    -------
    ManyFits
        ``.popt``, ``.pcov``, ``.perr``, ``.chisqr``, ``.redchi``, ``.status``, ``.success``, ``.messages``, ``.nfev``.

    Raises
    ------
    ValueError, TypeError
        For arguments that do not fit. TraceError, a TypeError, where f does what a graph cannot hold.

    References
    ----------
    J. J. More, "The Levenberg-Marquardt algorithm: implementation and theory", Numerical Analysis, Springer 1978.

    Examples
    --------
    >>> import fastbp, numpy as np
    >>> x, rates = np.linspace(0, 4, 100), np.linspace(0.5, 2, 1000)
    >>> decays = 3 * np.exp(-np.outer(rates, x)) + 0.5
    >>> fits = fastbp.curve_fit_many(lambda x, a, b, c: a * np.exp(-b * x) + c, x, decays, p0=[1, 1, 0])
    >>> fits.popt.shape, bool(np.allclose(fits.popt[:, 1], rates))
    ((1000, 3), True)
    """
    if not callable(f):
        raise TypeError(f"f must be a function, got {f!r}")
    scale = check_loss(loss, f_scale)
    with np.errstate(all="ignore"):
        data = curve_data(xs, ys, sigma)
    start, low, high = _starts(f, p0, bounds, len(data.rows))
    count = start.shape[1]
    limit = 200 * (count + 1) if max_nfev is None else integer("max_nfev", max_nfev, 1)
    arguments = count, data.variables, data.max_rows, data.weights is not None, loss, scale, data.equal
    job = _Job(trace_sums(f, *arguments), data, start, low, high, limit)
    job.run()
    return job.fits(absolute_sigma)


def _starts(f: Callable[..., Any], p0: Any, bounds: Any, curves: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p0 and the bounds of each curve."""
    try:
        low, high = (np.asarray(b, float) for b in bounds_pair(bounds))
    except (TypeError, ValueError):
        raise ValueError(f"bounds must be a pair of numbers or arrays, got {bounds!r}") from None
    if p0 is None:
        if max(low.ndim, high.ndim) > 1:
            raise ValueError("p0 must be given where bounds differ from curve to curve")
        begin, low, high = start_and_bounds(f, None, (low, high))
    else:
        begin = np.asarray(p0, float)
        if begin.ndim not in (1, 2) or begin.size == 0 or (begin.ndim == 2 and len(begin) != curves):
            raise ValueError(f"p0 must have shape (k,) or ({curves}, k) for k parameters, got {begin.shape}")
    shape = curves, begin.shape[-1]
    try:
        start, low, high = (np.array(np.broadcast_to(a, shape), order="C") for a in (begin, low, high))
    except ValueError:
        raise ValueError(f"bounds must be numbers, or arrays of shape ({shape[1]},) or {shape}, got {bounds!r}") from None
    if not (low < high).all():
        raise ValueError("bounds must have each lower bound below the upper one")
    outside = ((start < low) | (start > high)).any(axis=1)
    if outside.any():
        raise ValueError(f"p0 must lie within bounds; that of curve {np.argmax(outside)} does not")
    return start, low, high


class _Job:
    """All that one call works with."""

    def __init__(self, sums: Sums, data: CurveData, start: np.ndarray, low: np.ndarray, high: np.ndarray, limit: int) -> None:
        self._data, self._popt = data, start
        m, k = start.shape
        self._pcov, self._cost = np.full((m, k, k), np.nan), np.full(m, np.nan)
        self._status, self._evaluations = np.full(m, at.INTERRUPTED), np.zeros(m, np.int64)
        self._control = np.zeros(CONTROL_SIZE, np.int64)
        values = m * data.max_rows
        self._threads = min(pool.get_num_threads(), m) if values >= MIN_PARALLEL_VALUES else 1
        self._interruptible = values >= MIN_INTERRUPTIBLE_VALUES
        program, layout = sums.program, sums.program.layout
        sources = [*data.x, data.y, *([] if data.weights is None else [data.weights])]
        places = [layout.leaf[node.index] for node in sums.data]
        table = [(p, address(s.values), 0 if s.is_shared else 8) for p, s in zip(places, sources, strict=True)]
        indices = {node.index for node in sums.data}
        lengths = [layout.rows_of_loop[i] for i, loop in enumerate(program.plan.loops) if loop.length.index in indices]
        lengths += [place for leaf, place in layout.sizes.items() if leaf in indices]
        scratch = [self._scratch(sums, k) for _ in range(self._threads)]
        own = np.array([row for row, _ in scratch], np.int64)
        arrays: dict[int, np.ndarray] = {
            at.SOURCES: np.array(table, np.int64),
            at.LENGTH_PLACES: np.array(lengths, np.int64),
            at.STARTS: np.ascontiguousarray(data.starts, np.int64),
            at.ROWS: np.ascontiguousarray(data.rows, np.int64),
            at.SQUARES: _squares(data),
            at.POPT: start,
            at.LOW: low,
            at.HIGH: high,
            at.PCOV: self._pcov,
            at.COST: self._cost,
            at.STATUS: self._status,
            at.EVALUATIONS: self._evaluations,
            at.THREAD_SCRATCH: own,
            at.CONTROL: self._control,
        }
        self._plan = plan = np.zeros(at.FIELDS, np.int64)
        plan[[at.CURVES, at.PARAMETERS, at.MAX_EVALUATIONS]] = m, k, limit
        plan[at.RESULTS] = len(program.outputs)
        plan[at.CHUNK] = min(MAX_CHUNK, -(-m // (MIN_CHUNKS * self._threads)))
        plan[[at.LEAVES, at.LENGTHS]] = len(table), len(lengths)
        plan[at.FUNCTION] = ctypes.cast(program.run, ctypes.c_void_p).value or 0
        for place, array in arrays.items():
            plan[place] = address(array)
        self._keep = sums, data, arrays, scratch

    def _scratch(self, sums: Sums, k: int) -> tuple[list[int], Any]:
        """What one thread works with: its own table for the formula's code, and room for the small systems of equations."""
        numbers, trial = (
            aligned_zeros("scratch", count, np.float64) for count in (at.scratch_doubles(k, len(sums.program.outputs)), k)
        )
        order, rows = aligned_zeros("order", k, np.int64), np.zeros(self._data.max_rows)
        bound = BoundProgram(sums.program, [*(trial[i : i + 1] for i in range(k)), *(rows for _ in sums.data)], apart=True)
        out = bound()  # which is where the numbers go
        return [bound.address, *map(address, (trial, out, numbers, order))], (bound, out, numbers, trial, order)

    def run(self) -> None:
        """Fit all curves."""
        kernel = at.run_kernel()
        with pool.team(max(self._threads, 2 if self._interruptible else 1)) as team:
            threads = min(team, self._threads)
            pool.run(
                kernel, address(self._plan), threads, self._control, self._interruptible and team > 1, (self._plan, self._keep)
            )

    def fits(self, absolute_sigma: bool) -> ManyFits:
        """The results."""
        data, failed = self._data, self._status <= 0
        self._popt[failed] = np.nan
        self._pcov[failed] = np.nan
        count = self._popt.shape[1]
        if not absolute_sigma:
            free = data.rows - count
            with np.errstate(all="ignore"):
                self._pcov *= (self._cost / free)[:, None, None]
            self._pcov[(free <= 0) & ~failed] = np.inf
        return ManyFits(self._popt, self._pcov, self._cost, self._status, self._evaluations, data.rows)


def _squares(data: CurveData) -> np.ndarray:
    """The sum of squares of each curve's values, weighted as the residuals are: what rounding errors are measured by."""
    weighted = data.y.values
    if data.weights is not None:
        weighted = weighted * data.weights.values
    flat = (weighted**2).ravel()
    if flat.size == 0:
        return np.zeros(len(data.rows))
    filled = data.rows > 0
    sums = np.zeros(len(data.rows))
    sums[filled] = np.add.reduceat(flat, data.starts[filled])
    return sums
