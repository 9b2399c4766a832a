"""Trigonometric functions and their inverses over vectors: no branch except one, taken where an argument is huge.

Fits as in exponential.py: minimax, in 50-digit arithmetic; the numbers are relative errors.
"""

import math

from .argument_reduction import for_any_size, half_pi, reduce, reduce_to_double_double
from .double_double import ordered_sum, two_product

# (sin(r) - r) / r^3 as a polynomial of r^2 for |r| <= pi / 4: 4.0e-9 and 3.8e-18.
_SIN = {
    "float32": (-0.00019518095, 0.008332188, -0.16666655),
    "float64": (
        1.5895433126613609e-10,
        -2.5050734386966332e-08,
        2.7557313538503625e-06,
        -0.00019841269829358512,
        0.00833333333332184,
        -0.1666666666666663,
    ),
}

# (cos(r) - 1 + r^2 / 2) / r^4 as a polynomial of r^2 for |r| <= pi / 4: 1.2e-10 and 5.7e-20.
_COS = {
    "float32": (2.4432327e-05, -0.001388731, 0.041666646),
    "float64": (
        -1.1358683440449967e-11,
        2.087570427267703e-09,
        -2.755731421008375e-07,
        2.4801587288983695e-05,
        -0.0013888888888873325,
        0.041666666666666595,
    ),
}

# (arcsin(y) - y) / y^3 as a polynomial of y^2 for 0 <= y <= 1/2: 4.9e-9 and 1.5e-17.
_ARCSIN = {
    "float32": (0.042166412, 0.024180774, 0.045469772, 0.074953064, 0.16666752),
    "float64": (
        0.03193412986914071,
        -0.016255546757894545,
        0.019547810655587427,
        0.006520985328607102,
        0.012170790656661656,
        0.013885001032193815,
        0.01735972783119182,
        0.02237175656974179,
        0.030381959196398717,
        0.04464285682695338,
        0.0750000000033858,
        0.16666666666665403,
    ),
}

# (arctan(t) - t) / t^3 as a polynomial of t^2 for |t| <= 1/2: 2.8e-10 and 2.2e-19.
ARCTAN = {
    "float32": (0.03901323, -0.08007193, 0.10947971, -0.14273064, 0.19999553, -0.33333328),
    "float64": (
        -0.008365503410123676,
        0.023655384337524232,
        -0.03711958396504709,
        0.0458951424589904,
        -0.05230041373504562,
        0.058778148735231725,
        -0.06666224914982295,
        0.0769227763494939,
        -0.09090907705101561,
        0.11111111070032474,
        -0.1428571428499801,
        0.19999999999993764,
        -0.33333333333333315,
    ),
}


def _is_odd(s, quadrant):
    return (quadrant << (8 * s.itemsize - 1)) < 0


def _flip_sign(s, value, signs):
    """``value`` with its sign changed where ``signs`` (integers) are negative."""
    return s.from_bits(s.bits_of(value) ^ (signs & (-1 << (8 * s.itemsize - 1))))


def _sine_and_cosine(s, r, low):
    """Of r + low, for |r| <= pi/4."""
    square = r * r
    sine = s.polynomial(square, _SIN[s.dtype])
    sine = s.fma(r * square, sine, r) if low is None else r + s.fma(r * square, sine, low)
    cosine = s.fma(square, s.polynomial(square, _COS[s.dtype]), -0.5)
    return sine, s.fma(square, cosine, 1.0) if low is None else 1.0 + s.fma(square, cosine, -r * low)


def _sine(s, x, quadrant, r, low):
    """With the sign of x."""
    sine, cosine = _sine_and_cosine(s, r, low)
    value = s.select(_is_odd(s, quadrant), cosine, sine)
    return _flip_sign(s, value, s.bits_of(x) ^ (quadrant << (8 * s.itemsize - 2)))


def _tangent(s, x, quadrant, r, low):
    # Sine and cosine to more digits than a float has: their quotient would add up three rounding errors.
    square = r * r
    tail = s.fma(r * square, s.polynomial(square, _SIN[s.dtype]), low)
    sine = r + tail
    sine_low = (r - sine) + tail
    half = 0.5 * square
    most = 1.0 - half
    tail = ((1.0 - most) - half) + (square * square * s.polynomial(square, _COS[s.dtype]) - r * low)
    # The rounding error of the square.
    tail = tail - 0.5 * two_product(s, r, r)[1]
    cosine = most + tail
    cosine_low = (most - cosine) + tail
    odd = _is_odd(s, quadrant)
    above, above_low = s.select(odd, cosine, sine), s.select(odd, cosine_low, sine_low)
    below, below_low = s.select(odd, -sine, cosine), s.select(odd, -sine_low, cosine_low)
    quotient = above / below
    product, lost = two_product(s, quotient, below)
    rest = ((above - product) - lost) + (above_low - quotient * below_low)
    return _flip_sign(s, quotient + rest / below, s.bits_of(x))


def sin(s, x):
    """The sine."""
    return for_any_size(s, _sine, x, reduce)


def cos(s, x):
    """The cosine: the sine a quarter of a turn on."""
    return for_any_size(s, _sine, s.abs(x), reduce, 1)


def cos_and_sin_of_turns(s, x):
    """Cosine and sine of 2 pi x, for |x| <= 1/2."""
    quarters = s.round(4.0 * x)
    sine, cosine = _sine_and_cosine(s, s.fma(quarters, -0.25, x) * (2 * math.pi), None)  # the difference is exact
    quadrant, to_sign = s.to_int(quarters), 8 * s.itemsize - 2
    odd = _is_odd(s, quadrant)
    cos = _flip_sign(s, s.select(odd, sine, cosine), (quadrant + 1) << to_sign)
    return cos, _flip_sign(s, s.select(odd, cosine, sine), quadrant << to_sign)


def tan(s, x):
    """The tangent."""
    return for_any_size(s, _tangent, x, reduce_to_double_double)


def half_pi_pair(s):
    digits = 24 if s.dtype == "float32" else 53
    return half_pi((digits, digits))


def _arcsine(s, size):
    """(y, arcsin(y) - y, mask): y is ``size``, or where the mask is set (above 1/2) sqrt((1 - size) / 2)."""
    above = size > 0.5
    square = s.select(above, s.fma(size, -0.5, 0.5), size * size)
    y = s.select(above, s.sqrt(square), size)
    return y, y * square * s.polynomial(square, _ARCSIN[s.dtype]), above


def arcsin(s, x):
    """The angle from -pi/2 to pi/2 whose sine is x; NaN outside of [-1, 1]."""
    y, tail, above = _arcsine(s, s.abs(x))
    high, low = half_pi_pair(s)
    larger, lost = ordered_sum(s.constant(high), -(y + y))
    return s.copysign(s.select(above, larger + (lost - ((tail + tail) - low)), y + tail), x)


def arccos(s, x):
    """The angle from 0 to pi whose cosine is x; NaN outside of [-1, 1]."""
    y, tail, above = _arcsine(s, s.abs(x))
    high, low = half_pi_pair(s)
    signed_y, signed_tail = s.copysign(y, x), s.copysign(tail, x)
    value = high - (signed_y + (signed_tail - low))
    twice = s.select(x > 0.0, y + tail, high - (y + (tail - low)))
    return s.select(above, twice + twice, value)


def arctan(s, x):
    """The angle from -pi/2 to pi/2 whose tangent is x."""
    size = s.abs(x)
    # arctan(x) = pi/4 + arctan((x - 1) / (x + 1)) = pi/2 - arctan(1 / x)
    middle, far = size > 0.5, size > 2.5
    above = s.select(far, -1.0, s.select(middle, size - 1.0, size))
    t = above / s.select(far, size, s.select(middle, size + 1.0, 1.0))
    high, low = (s.select(far, part, s.select(middle, 0.5 * part, s.constant(0.0))) for part in half_pi_pair(s))
    square = t * t
    tail = s.fma(t * square, s.polynomial(square, ARCTAN[s.dtype]), low)
    return s.copysign(high + (t + tail), x)
