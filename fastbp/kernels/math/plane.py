"""Points of the plane over vectors: how far they are from the origin, and in which direction. No branch, no call."""

import math

from ..simd.machine import machine
from .double_double import ordered_sum, two_product
from .trigonometric import ARCTAN, half_pi_pair

# Outside of the first pair a square may overflow or lose digits: there points are multiplied by the second pair.
_ENDS = {"float32": (2.0**-60, 2.0**60), "float64": (2.0**-500, 2.0**500)}
_MAX_SUMMED = {"float32": 2.0**126, "float64": 2.0**1022}  # of two numbers up to this one the sum is finite
_FACTORS = {"float32": (2.0**100, 2.0**-100), "float64": (2.0**700, 2.0**-700)}


def _scaled_size(s, x, y):
    """(factor, 1 / factor, factor times the distance of (x, y) from 0): a power of 2 that keeps squares in range."""
    size = s.maximum(s.abs(x), s.abs(y))
    (small, large), (up, down) = _ENDS[s.dtype], _FACTORS[s.dtype]
    too_large, too_small = size > large, size < small
    factor = s.select(too_large, s.constant(down), s.select(too_small, s.constant(up), s.constant(1.0)))
    inverse = s.select(too_large, s.constant(up), s.select(too_small, s.constant(down), s.constant(1.0)))
    x, y = factor * x, factor * y
    return factor, inverse, s.sqrt(s.fma(x, x, y * y))


def hypot(s, x, y):
    """The square root of x^2 + y^2, wherever that is a number; infinite where x or y is."""
    _, inverse, size = _scaled_size(s, x, y)
    far = s.abs(x).equals(math.inf) | s.abs(y).equals(math.inf)
    return s.select(far, math.inf, size * inverse)


def cosine_of(s, x, y):
    """x / hypot(x, y), the cosine of the angle of the point (x, y); 0 at the origin."""
    factor, _, size = _scaled_size(s, x, y)
    # A quotient may be small: it is multiplied by a large factor before the division, by a small one after it.
    before, after = s.maximum(factor, s.constant(1.0)), s.minimum(factor, s.constant(1.0))
    value = x * before / s.select(size.equals(0.0), 1.0, size) * after
    x_far, y_far = s.abs(x).equals(math.inf), s.abs(y).equals(math.inf)
    at_end = s.select(x_far, s.select(y_far, s.constant(math.sqrt(0.5)), 1.0), 0.0)
    return s.select(x_far | y_far, s.copysign(at_end, x), value)


def one_minus_square(s, x):
    """1 - x^2, to all digits near x = 1."""
    return s.fma(-x, x, 1.0) if machine().fma else (1.0 - x) * (1.0 + x)


def arctan2(s, y, x):
    """The angle from -pi to pi of the point (x, y), as C99 has it on the axes, for signed zeros and infinities."""
    a, b = s.abs(y), s.abs(x)
    steep = a > b
    above, below = s.select(steep, b, a), s.select(steep, a, b)
    both_far = a.equals(math.inf) & b.equals(math.inf)
    above, below = s.select(both_far, 1.0, above), s.select(below.equals(0.0) | both_far, 1.0, below)
    down = s.select(below > _MAX_SUMMED[s.dtype], s.constant(0.25), 1.0)
    above, below = above * down, below * down
    far = above > 0.5 * below  # arctan(t) = pi / 4 + arctan((t - 1) / (t + 1))
    t = s.select(far, above - below, above) / s.select(far, above + below, below)
    square = t * t
    tail = t * square * s.polynomial(square, ARCTAN[s.dtype])
    # The angle is a multiple of pi / 4 and t + tail, with a sign.
    left = s.copysign(s.constant(1.0), x) < 0.0
    quarters = s.select(steep, 2.0, s.select(left, 4.0, s.constant(0.0)))
    minus = steep ^ left
    quarters = s.select(far, s.select(minus, quarters - 1.0, quarters + 1.0), quarters)
    t, tail = s.select(minus, -t, t), s.select(minus, -tail, tail)
    high, low = half_pi_pair(s)
    angle, rounding = two_product(s, quarters, s.constant(0.5 * high))
    start, lost = ordered_sum(angle, t)
    return s.copysign(start + (lost + (rounding + s.fma(quarters, 0.5 * low, tail))), y)
