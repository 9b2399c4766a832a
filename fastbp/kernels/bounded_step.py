"""Steps of a least-squares fit within bounds, on the sums J'J and J'r of one curve.

All that a fit works with lies one after the other at the address ``work``: the matrix J'J of scaled columns, the triangle of
its factor, VECTORS vectors with a number for each parameter, and after them what the formula's code gave last, ``now``.
"""

import numpy as np

from .damped_step import damped_step, factor, is_within, norm, solve_lower, solve_upper
from .memory import read_double, read_int, write_double, write_int
from .simd.jit import inner

# SCALE: the greatest lengths of the columns of J so far. GRADIENT: J'r by scaled columns. STEP: of the scaled parameters.
# SOLVED: a step of those parameters alone that are free, in their order. RIGHT, ROOM: for solving.
SCALE, GRADIENT, STEP, SOLVED, RIGHT, ROOM, VECTORS = range(7)

_XTOL = 1e-14  # of a parameter, relatively: no step


@inner("")
def vector(work, k, which):
    """Where one of the vectors begins; VECTORS: where ``now`` does."""
    return work + 8 * (2 * k * k + which * k)


@inner("")
def divisor(scale, i):
    """The length by which a column is divided: 1 for one that has always been 0."""
    return read_double(scale, i) if read_double(scale, i) > 0.0 else 1.0


@inner("")
def update_scale(now, k, work, lengths):
    """Set SCALE: from J'J, or from the squared lengths of the columns that begin so many bytes further, if not 0."""
    scale = vector(work, k, SCALE)
    for i in range(k):
        square = read_double(now + lengths, i) if lengths else read_double(now, i * (i + 1) // 2 + i)
        write_double(scale, i, max(read_double(scale, i), np.sqrt(square)))


@inner("")
def scale_system(now, k, work):
    """Set the matrix and GRADIENT, for columns of length 1 at most."""
    scale, gradient = vector(work, k, SCALE), vector(work, k, GRADIENT)
    for i in range(k):
        by = divisor(scale, i)
        for j in range(i + 1):
            value = read_double(now, i * (i + 1) // 2 + j) / by / divisor(scale, j)
            write_double(work, i * k + j, value)
            write_double(work, j * k + i, value)
        write_double(gradient, i, read_double(now, k * (k + 1) // 2 + i) / by)


@inner("")
def find_free(p, low, high, gradient, k, order):
    """Write down the parameters that may move: not those at a bound beyond which the sum of squares falls. How many."""
    free = 0
    for i in range(k):
        value, slope = read_double(p, i), read_double(gradient, i)
        if (value > read_double(low, i) or slope < 0.0) and (value < read_double(high, i) or slope > 0.0):
            write_int(order, free, i)
            free += 1
    return free


@inner("")
def slope_of(gradient, order, free):
    """The length of the gradient of the free parameters."""
    total = 0.0
    for m in range(free):
        total += read_double(gradient, read_int(order, m)) ** 2
    return np.sqrt(total)


@inner("")
def full_step(work, k, order, free):
    """Set SOLVED to the step of the free parameters to the linear model's minimum; how much that takes off the sum of squares.

    Infinity where there is no such step.
    """
    triangle, gradient = work + 8 * k * k, vector(work, k, GRADIENT)
    right, solved = vector(work, k, RIGHT), vector(work, k, SOLVED)
    if not factor(work, k, order, free, 0.0, triangle):
        return np.inf
    for m in range(free):
        write_double(right, m, -read_double(gradient, read_int(order, m)))
    solve_lower(triangle, k, free, right, solved)
    gain = norm(solved, free) ** 2
    solve_upper(triangle, k, free, solved)
    return gain


@inner("")
def is_negligible(p, work, k, order, free):
    """Whether the step in SOLVED changes no digit of the parameters."""
    scale, solved = vector(work, k, SCALE), vector(work, k, SOLVED)
    for m in range(free):
        i = read_int(order, m)
        if not abs(read_double(solved, m)) <= _XTOL * abs(read_double(p, i)) * divisor(scale, i):
            return False
    return True


@inner("")
def take_full_step(p, low, high, work, k, order, free):
    """Move by the step in SOLVED."""
    scale, solved = vector(work, k, SCALE), vector(work, k, SOLVED)
    for m in range(free):
        i = read_int(order, m)
        value = read_double(p, i) + read_double(solved, m) / divisor(scale, i)
        write_double(p, i, min(max(value, read_double(low, i)), read_double(high, i)))


@inner("")
def use_full_step(p, low, high, radius, work, k, order, free):
    """Set STEP to the step in SOLVED if that is within the radius and the bounds, and so what ``bounded_step`` would find."""
    scale, step, solved = vector(work, k, SCALE), vector(work, k, STEP), vector(work, k, SOLVED)
    if not is_within(norm(solved, free), radius):
        return False
    for i in range(k):
        write_double(step, i, 0.0)
    for m in range(free):
        i = read_int(order, m)
        value = read_double(p, i) + read_double(solved, m) / divisor(scale, i)
        if value < read_double(low, i) or value > read_double(high, i):
            return False
        write_double(step, i, read_double(solved, m))
    return True


@inner("")
def model_change(work, k):
    """How much the linear model's sum of squares changes by the step in STEP."""
    gradient, step = vector(work, k, GRADIENT), vector(work, k, STEP)
    change = 0.0
    for i in range(k):
        pull = 2.0 * read_double(gradient, i)
        for j in range(k):
            pull += read_double(work, i * k + j) * read_double(step, j)
        change += pull * read_double(step, i)
    return change


@inner("")
def bounded_step(work, k, order, free, radius, damping, p, low, high):
    """Set STEP to the damped step of the free parameters; the damping.

    Where one would go beyond a bound it goes there, and the others step anew. Overwrites ``order``.
    """
    scale, gradient, step = vector(work, k, SCALE), vector(work, k, GRADIENT), vector(work, k, STEP)
    solved, right, room = vector(work, k, SOLVED), vector(work, k, RIGHT), vector(work, k, ROOM)
    for i in range(k):
        write_double(step, i, 0.0)
    left = free
    while left > 0:
        for m in range(left):
            i = read_int(order, m)
            pull = read_double(gradient, i)
            for j in range(k):  # the steps of those that have gone to a bound
                pull += read_double(work, i * k + j) * read_double(step, j)
            write_double(right, m, -pull)
        damping = damped_step(work, k, order, left, right, radius, damping, work + 8 * k * k, solved, room)
        inside = 0
        for m in range(left):
            i = read_int(order, m)
            by = divisor(scale, i)
            value, change = read_double(p, i), read_double(solved, m) / by
            if value + change < read_double(low, i):
                write_double(step, i, (read_double(low, i) - value) * by)
            elif value + change > read_double(high, i):
                write_double(step, i, (read_double(high, i) - value) * by)
            else:
                write_double(solved, inside, read_double(solved, m))
                write_int(order, inside, i)
                inside += 1
        if inside == left:
            for m in range(left):
                write_double(step, read_int(order, m), read_double(solved, m))
            break
        left = inside
    return damping


@inner("")
def _length(now, i):
    return np.sqrt(read_double(now, i * (i + 1) // 2 + i))


@inner("")
def invert(now, k, work, order, inverse):
    """Write the inverse of J'J, infinity where there is none; whether there is one. Overwrites all but ``now``."""
    triangle, column = work + 8 * k * k, vector(work, k, ROOM)
    for i in range(k):
        write_int(order, i, i)
        for j in range(k):
            write_double(inverse, i * k + j, np.inf)
    for i in range(k):
        for j in range(i + 1):
            scale = _length(now, i) * _length(now, j)
            write_double(work, i * k + j, read_double(now, i * (i + 1) // 2 + j) / scale if scale > 0.0 else 0.0)
    if not factor(work, k, order, k, 0.0, triangle):
        return False
    for j in range(k):
        for i in range(k):
            write_double(column, i, 1.0 if i == j else 0.0)
        solve_lower(triangle, k, k, column, column)
        solve_upper(triangle, k, k, column)
        for i in range(k):
            write_double(inverse, i * k + j, read_double(column, i) / (_length(now, i) * _length(now, j)))
    return True
