"""Thousands of curves of one formula fitted in one call: Levenberg-Marquardt within bounds, a curve at a time in each thread.

The formula's own code gives J'J, J'r and the sum of squares in one pass over a curve's rows; it is reached by its address, so
one compiled driver serves every formula. Which thread fits a curve does not change its bits. A fit does what MINPACK's lmder
does, with three differences: parameters at a bound that the gradient pushes out stay there, the fit ends where the step to
the minimum, without damping, would change nothing that can be seen, and the steps of a robust fit know how its loss bends.
"""

from itertools import count as numbers

import numpy as np

from .bounded_step import (
    GRADIENT,
    SCALE,
    STEP,
    VECTORS,
    bounded_step,
    divisor,
    find_free,
    full_step,
    invert,
    is_negligible,
    model_change,
    scale_system,
    slope_of,
    take_full_step,
    update_scale,
    use_full_step,
    vector,
)
from .damped_step import norm
from .fields import STOP
from .graph_call import call_graph
from .memory import read_double, read_int, write_double, write_int
from .simd.jit import inner, kernel
from .team import read_flag, take_next

# -- The plan: positions in a row of 64-bit integers.
_next = numbers().__next__
CURVES = _next()
PARAMETERS = _next()
MAX_EVALUATIONS = _next()
FUNCTION = _next()  # the formula's code
RESULTS = _next()  # numbers that the formula's code gives: more than J'J, J'r and the sum of squares for a robust loss
CHUNK = _next()  # curves that a thread takes at once
LEAVES = _next()  # arrays of data
SOURCES = _next()  # for each: its place in the table, its address, and bytes from a row to the next (0: shared by all curves)
LENGTHS = _next()  # places in the table that hold how many rows there are
LENGTH_PLACES = _next()
STARTS = _next()  # int64 for each curve: its first row
ROWS = _next()  # int64 for each curve: how many rows it has
SQUARES = _next()  # float64 for each curve: the sum of squares of its values, as the residuals weigh them
POPT = _next()  # (curves, parameters) float64: where to start, then what was found
LOW = _next()  # (curves, parameters)
HIGH = _next()
PCOV = _next()  # (curves, parameters, parameters): the inverse of J'J
COST = _next()  # (curves,)
STATUS = _next()  # (curves,) int64
EVALUATIONS = _next()  # (curves,) int64
THREAD_SCRATCH = _next()  # for each thread SCRATCH_FIELDS integers
CONTROL = _next()
NEXT = _next() + 15  # the next chunk that nobody has taken, on a cache line of its own
FIELDS = NEXT + 16

# -- What a thread works with: addresses.
TABLE, TRIAL, OUT, WORK, ORDER, SCRATCH_FIELDS = range(6)

CONVERGED, UNDETERMINED, OUT_OF_EVALUATIONS, NOT_FINITE, TOO_FEW_ROWS, STUCK, INTERRUPTED = 1, 2, 0, -1, -2, -3, -4

_FIRST_RADIUS = 100.0  # times the length of the scaled parameters, as MINPACK has it
_ACCEPTED = 1e-4  # of the reduction that the linear model promises
_FTOL = 1e-18  # what is left to gain, relatively: a step of 1e-9 times the parameters' errors, or so
_NOISE = 1e-13  # of a sum of squares, relatively
_EPS = np.finfo(float).eps
_FLAT = 1e-7  # cosine between residuals and columns, where the columns do not determine the parameters


def scratch_doubles(count, results):
    """Numbers that a thread needs for its own."""
    return 2 * count * count + VECTORS * count + results


def _make_run():
    """The Python function of the kernel ``run(plan, thread)``."""

    @inner("")
    def bind(plan, table, curve):
        """Have the formula's code read the data of a curve."""
        for j in range(read_int(plan, LEAVES)):
            source = read_int(plan, SOURCES) + 24 * j
            start = read_int(read_int(plan, STARTS), curve) * read_int(source, 2)
            write_int(table, read_int(source, 0), read_int(source, 1) + start)
        for j in range(read_int(plan, LENGTHS)):
            write_int(table, read_int(read_int(plan, LENGTH_PLACES), j), read_int(read_int(plan, ROWS), curve))

    @inner("")
    def fit(plan, curve, own):
        """Fit one curve; its status."""
        k, table, trial, out = read_int(plan, PARAMETERS), read_int(own, TABLE), read_int(own, TRIAL), read_int(own, OUT)
        work, order, code = read_int(own, WORK), read_int(own, ORDER), read_int(plan, FUNCTION)
        offset, size, last = 8 * k * curve, read_int(plan, RESULTS), (k + 1) * (k + 2) // 2 - 1
        # What a robust loss adds (fitting/normal_equations.py): J'J for the covariance, and the columns' squared lengths.
        more, lengths = (8 * (last + 1), 8 * (size - k)) if size > last + 1 else (0, 0)
        p, low, high = read_int(plan, POPT) + offset, read_int(plan, LOW) + offset, read_int(plan, HIGH) + offset
        inverse = read_int(plan, PCOV) + 8 * k * k * curve
        scale, gradient, step = vector(work, k, SCALE), vector(work, k, GRADIENT), vector(work, k, STEP)
        now = vector(work, k, VECTORS)
        bind(plan, table, curve)
        for i in range(k):
            write_double(trial, i, read_double(p, i))
            write_double(scale, i, 0.0)
        call_graph(code, table)
        for i in range(size):
            write_double(now, i, read_double(out, i))
        evaluations = 1
        squares = read_double(read_int(plan, SQUARES), curve)
        radius, damping, remaining = -1.0, 0.0, np.inf
        status = OUT_OF_EVALUATIONS
        for i in range(size):
            if not np.isfinite(read_double(now, i)):
                status = NOT_FINITE
        while status == OUT_OF_EVALUATIONS:
            cost = read_double(now, last)
            update_scale(now, k, work, lengths)
            scale_system(now, k, work)
            free = find_free(p, low, high, gradient, k, order)
            noise = _NOISE * cost + 4.0 * _EPS * np.sqrt(cost * squares)
            before, remaining = remaining, full_step(work, k, order, free)
            if remaining < np.inf and (  # else there is no such step
                remaining <= _FTOL * cost
                or remaining <= 16.0 * _EPS * _EPS * squares
                or is_negligible(p, work, k, order, free)
                or (remaining <= noise and remaining > 0.5 * before)
            ):
                take_full_step(p, low, high, work, k, order, free)
                status = CONVERGED
                break
            if remaining == np.inf and slope_of(gradient, order, free) <= _FLAT * np.sqrt(cost):
                status = CONVERGED
                break
            length = 0.0
            for i in range(k):
                length += (read_double(scale, i) * read_double(p, i)) ** 2
            length = np.sqrt(length)
            if radius < 0.0:
                radius = _FIRST_RADIUS * length if length > 0.0 else _FIRST_RADIUS
            accepted, is_whole = False, remaining < np.inf and use_full_step(p, low, high, radius, work, k, order, free)
            while not accepted and evaluations < read_int(plan, MAX_EVALUATIONS):
                if is_whole:
                    damping, is_whole = 0.0, False
                else:
                    free = find_free(p, low, high, gradient, k, order)
                    damping = bounded_step(work, k, order, free, radius, damping, p, low, high)
                gain, step_length, same = -model_change(work, k), norm(step, k), True
                for i in range(k):
                    value = read_double(p, i) + read_double(step, i) / divisor(scale, i)
                    value = min(max(value, read_double(low, i)), read_double(high, i))
                    same = same and value == read_double(p, i)
                    write_double(trial, i, value)
                if same:
                    break
                if radius > step_length and evaluations == 1:
                    radius = step_length
                call_graph(code, table)
                evaluations += 1
                new = read_double(out, last)
                finite = True
                for i in range(size):
                    finite = finite and np.isfinite(read_double(out, i))
                ratio = (cost - new) / gain if finite and gain > 0.0 else -1.0
                if finite and 0.0 < gain <= noise and new <= cost + noise:
                    ratio = 1.0  # no difference that can be measured: the model knows better
                if ratio <= 0.25:
                    shrink = 0.5
                    if ratio < 0.0:
                        slope = 0.0
                        for i in range(k):
                            slope += read_double(gradient, i) * read_double(step, i)
                        shrink = 0.5 * slope / (slope + 0.5 * (cost - new)) if finite and slope < 0.0 else 0.1
                        if not (shrink >= 0.1 and new < 100.0 * cost):
                            shrink = 0.1
                    radius = shrink * min(radius, 10.0 * step_length)
                    damping /= shrink
                elif damping == 0.0 or ratio >= 0.75:
                    radius = 2.0 * step_length
                    damping *= 0.5
                if ratio >= _ACCEPTED:
                    accepted = True
                    for i in range(k):
                        write_double(p, i, read_double(trial, i))
                    for i in range(size):
                        write_double(now, i, read_double(out, i))
            if not accepted:
                if evaluations < read_int(plan, MAX_EVALUATIONS):
                    status = CONVERGED if remaining <= 1e3 * noise else STUCK
                break
        if status == CONVERGED and not invert(now + more, k, work, order, inverse):
            status = UNDETERMINED
        write_double(read_int(plan, COST), curve, read_double(now, last))
        write_int(read_int(plan, EVALUATIONS), curve, evaluations)
        return status

    def run(plan, thread):
        """Fit curves until none is left, for one thread of the team. ``plan`` is the address of the plan."""
        own = read_int(plan, THREAD_SCRATCH) + 8 * SCRATCH_FIELDS * thread
        curves, control, k = read_int(plan, CURVES), read_int(plan, CONTROL), read_int(plan, PARAMETERS)
        chunk = read_int(plan, CHUNK)
        first = chunk * take_next(plan + 8 * NEXT)
        while first < curves and not read_flag(control, STOP):
            for curve in range(first, min(first + chunk, curves)):
                if read_flag(control, STOP):
                    break
                few = read_int(read_int(plan, ROWS), curve) < k
                write_int(read_int(plan, STATUS), curve, TOO_FEW_ROWS if few else fit(plan, curve, own))
            first = chunk * take_next(plan + 8 * NEXT)

    return run


def run_kernel():
    """The compiled ``run(plan, thread)``. It serves every formula."""
    return kernel("curves", "void(int64, int64)", _make_run)
