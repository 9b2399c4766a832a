"""The step of Levenberg and Marquardt within a trust region, on small systems of equations at plain addresses.

J. J. More, "The Levenberg-Marquardt algorithm: implementation and theory" (1978): the damping is the one whose step is as long
as the radius of the region in which the model is trusted. There J is factored; here J'J is, of columns that are scaled to
length 1 or less. All numbers are float64 and matrices are stored by rows, of which the lower triangle is used.
"""

import numpy as np

from .memory import read_double, read_int, write_double
from .simd.jit import inner

_PIVOT = 4 * np.finfo(float).eps  # times the unknowns: what is left of a column that the others make, relatively
_TINY = np.finfo(float).tiny
_ENOUGH = 0.1  # of the radius: how far a step's length may be from it
_MAX_DAMPINGS = 40


@inner("")
def factor(matrix, stride, which, count, damping, triangle):
    """The Cholesky factor of the rows and columns ``which`` (int64) of a matrix plus ``damping`` on its diagonal.

    Whether there is one, to the precision of float64.
    """
    for i in range(count):
        row = stride * read_int(which, i)
        for j in range(i + 1):
            value = read_double(matrix, row + read_int(which, j))
            if i == j:
                whole = value + damping
                value = whole
            for n in range(j):
                value -= read_double(triangle, i * stride + n) * read_double(triangle, j * stride + n)
            if i != j:
                write_double(triangle, i * stride + j, value / read_double(triangle, j * stride + j))
            elif not value > _PIVOT * count * whole:
                return False
            else:
                write_double(triangle, i * stride + i, np.sqrt(value))
    return True


@inner("")
def solve_lower(triangle, stride, count, right, solution):
    """Solve L x = right."""
    for i in range(count):
        value = read_double(right, i)
        for j in range(i):
            value -= read_double(triangle, i * stride + j) * read_double(solution, j)
        write_double(solution, i, value / read_double(triangle, i * stride + i))


@inner("")
def solve_upper(triangle, stride, count, solution):
    """Solve L' x = solution in place."""
    for k in range(count):
        i = count - 1 - k
        value = read_double(solution, i)
        for j in range(i + 1, count):
            value -= read_double(triangle, j * stride + i) * read_double(solution, j)
        write_double(solution, i, value / read_double(triangle, i * stride + i))


@inner("")
def norm(vector, count):
    total = 0.0
    for i in range(count):
        total += read_double(vector, i) ** 2
    return np.sqrt(total)


@inner("")
def is_within(length, radius):
    """Whether a step without damping is short enough."""
    return length - radius <= _ENOUGH * radius


@inner("")
def _newton(triangle, stride, count, step, length, radius, scratch):
    """How much more damping Newton's method asks for, so that the step is as long as the radius."""
    for i in range(count):
        write_double(scratch, i, read_double(step, i) / length)
    solve_lower(triangle, stride, count, scratch, scratch)
    return (length - radius) / (radius * norm(scratch, count) ** 2)


@inner("")
def damped_step(matrix, stride, which, count, right, radius, damping, triangle, step, scratch):
    """The step within the radius that solves (A + damping I) step = right best; the damping.

    ``damping`` is where to begin. Overwrites triangle, step and scratch.
    """
    low, length = 0.0, 0.0
    regular = factor(matrix, stride, which, count, 0.0, triangle)
    if regular:
        solve_lower(triangle, stride, count, right, step)
        solve_upper(triangle, stride, count, step)
        length = norm(step, count)
        if is_within(length, radius):
            return 0.0
        low = _newton(triangle, stride, count, step, length, radius, scratch)
    steepest = norm(right, count)
    high = steepest / radius
    if high == 0.0:
        high = _TINY / min(radius, _ENOUGH)
    damping = min(max(damping, low), high)
    if damping == 0.0:
        damping = steepest / length if length > 0.0 else 1e-3 * high
    miss = length - radius if regular else 0.0
    for _ in range(_MAX_DAMPINGS):
        if damping == 0.0:
            damping = max(_TINY, 1e-3 * high)
        if not factor(matrix, stride, which, count, damping, triangle):
            low = max(low, damping)
            damping = max(10.0 * damping, _PIVOT * count)
            high = max(high, damping)
            continue
        solve_lower(triangle, stride, count, right, step)
        solve_upper(triangle, stride, count, step)
        length, before = norm(step, count), miss
        miss = length - radius
        if abs(miss) <= _ENOUGH * radius or (low == 0.0 and miss <= before < 0.0):
            break
        correction = _newton(triangle, stride, count, step, length, radius, scratch)
        if miss > 0.0:
            low = max(low, damping)
        else:
            high = min(high, damping)
        damping = max(low, damping + correction)
    return damping
