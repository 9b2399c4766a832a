"""Logarithms and the functions made of them, over vectors: no branch, no call. Fits as in exponential.py."""

import math

import numpy as np

from .double_double import ordered_sum, two_product

# ln 2 in two parts: the first has so few bits that its product with an exponent is exact.
LN_2_PARTS = {
    "float32": (0.693359375, -2.1219444005469057e-4),
    "float64": (0.6931471803691238, 1.9082149292705877e-10),
}

# (2 atanh(q) - 2 q) / q^3 as a polynomial of q^2 for |q| <= (sqrt 2 - 1) / (sqrt 2 + 1): 1.8e-9 and 2.8e-18.
_LOG = {
    "float32": (0.298771918, 0.399774402, 0.666667759),
    "float64": (
        0.1480815774976697,
        0.15312941195736812,
        0.18183602805611732,
        0.22222197941127067,
        0.2857142874728737,
        0.399999999993998,
        0.6666666666666735,
    ),
}

MANTISSA_BITS = {"float32": 23, "float64": 52}


def log_of_sum(s, x, low=None):
    """(n, f) with x + low = 2^n (1 + f), for positive normal x; ``low`` is less than a unit in the last place of x."""
    shift = MANTISSA_BITS[s.dtype]
    # The mantissa within [sqrt(1/2), sqrt(2)): move the boundary between exponents there.
    root_half = 0x3F3504F3 if s.dtype == "float32" else 0x3FE6A09E667F3BCD
    moved = s.bits_of(x) - root_half
    n = s.to_float(moved >> shift)
    f = s.from_bits((moved & ((1 << shift) - 1)) + root_half) - 1.0
    if low is not None:
        one = s.bits_of(s.constant(1.0))
        f = s.fma(low, s.maximum(s.constant(0.0), s.from_bits(one - (moved & -(1 << shift)))), f)
    return n, f


def log_value(s, n, f):
    """n ln 2 + log(1 + f)."""
    q = f / (2.0 + f)
    z = q * q
    square = 0.5 * f * f
    part_1, part_2 = LN_2_PARTS[s.dtype]
    inner = s.fma(q, s.fma(z, s.polynomial(z, _LOG[s.dtype]), square), n * part_2)
    return s.fma(n, part_1, f - (square - inner))


def mantissa_and_exponent(s, x):
    """(n, f) with x = 2^n (1 + f) and 1 + f within [sqrt(1/2), sqrt(2)), for positive finite x, subnormal ones too."""
    tiny = 1.1754943508222875e-38 if s.dtype == "float32" else 2.2250738585072014e-308
    up = MANTISSA_BITS[s.dtype] + 1
    subnormal = x < tiny
    n, f = log_of_sum(s, s.select(subnormal, x * float(1 << up), x))
    return s.select(subnormal, n - float(up), n), f


def log(s, x):
    """Natural logarithm: -inf at 0, NaN below."""
    value = log_value(s, *mantissa_and_exponent(s, x))
    value = s.select(x.equals(math.inf), x, value)
    return s.select(x > 0.0, value, s.select(x.equals(0.0), s.constant(-math.inf), s.constant(math.nan)))


def log_of_normal(s, x):
    """Natural logarithm of positive normal numbers."""
    return log_value(s, *log_of_sum(s, x))


def log1p(s, x):
    """log(1 + x), exact to the last bits near 0."""
    u = 1.0 + x
    bigger, smaller = s.maximum(x, s.constant(1.0)), s.minimum(x, s.constant(1.0))
    value = log_value(s, *log_of_sum(s, u, smaller - (u - bigger)))
    value = s.select(x.equals(math.inf), x, s.copysign(value, x))
    return s.select(u > 0.0, value, s.select(u.equals(0.0), s.constant(-math.inf), s.constant(math.nan)))


def _log_to_base(s, x, inverse, exponent):
    """log(x) times ``inverse``, where ``exponent`` is the logarithm of 2: each is a sum of two numbers.

    The first part of ``exponent`` has so few bits that its product with a whole number is exact.
    """
    n, f = mantissa_and_exponent(s, x)
    q = f / (2.0 + f)
    z = q * q
    square = 0.5 * f * f
    high, low = ordered_sum(f, -square)
    low = s.fma(q, s.fma(z, s.polynomial(z, _LOG[s.dtype]), square), low)
    nearest = float(np.dtype(s.dtype).type(inverse[0]))
    product, lost = two_product(s, high, s.constant(nearest))
    lost = s.fma(low, nearest, s.fma(high, (inverse[0] - nearest) + inverse[1], lost))
    total, rest = ordered_sum(n * exponent[0], product)
    value = total + (rest + s.fma(n, exponent[1], lost))
    value = s.select(x.equals(math.inf), x, value)
    return s.select(x > 0.0, value, s.select(x.equals(0.0), s.constant(-math.inf), s.constant(math.nan)))


def log2(s, x):
    """The logarithm to base 2, exact for powers of 2."""
    return _log_to_base(s, x, (1.4426950408889634, 2.0355273740931033e-17), (1.0, 0.0))


def log10(s, x):
    """The logarithm to base 10, exact for powers of 10."""
    exponent = (
        (0.301025390625, 4.6050389811952137e-06) if s.dtype == "float32" else (0.3010299956640665, -8.532344317057107e-14)
    )
    return _log_to_base(s, x, (0.4342944819032518, 1.098319650216765e-17), exponent)


# From here on arcsinh(x) and arccosh(x) are log(2 x).
_LARGE = {"float32": 2.0**13, "float64": 2.0**28}


def _log_of_root(s, size, high, low):
    """log(1 + high + low) for positive numbers; where ``size`` is large log(2 size)."""
    large = size > _LARGE[s.dtype]
    u = 1.0 + high
    bigger, smaller = s.maximum(high, s.constant(1.0)), s.minimum(high, s.constant(1.0))
    n, f = log_of_sum(s, s.select(large, size, u), s.select(large, 0.0, (smaller - (u - bigger)) + low))
    return s.select(size < math.inf, log_value(s, s.select(large, n + 1.0, n), f), size)


def arcsinh(s, x):
    """The number whose hyperbolic sine is x."""
    size = s.abs(x)
    square = size * size
    high, low = ordered_sum(size, square / (1.0 + s.sqrt(1.0 + square)))
    return s.copysign(_log_of_root(s, size, high, low), x)


def arccosh(s, x):
    """The number from 0 on whose hyperbolic cosine is x; NaN below 1."""
    t = x - 1.0
    high, low = ordered_sum(s.sqrt(s.fma(t, t, t + t)), t)  # x^2 - 1 = t^2 + 2 t
    return s.select(x >= 1.0, _log_of_root(s, x, high, low), math.nan)


def arctanh(s, x):
    """The number whose hyperbolic tangent is x; infinite at -1 and 1, NaN beyond."""
    size = s.abs(x)
    d, d_low = ordered_sum(s.constant(1.0), -size)
    inverse = 1.0 / d
    # (1 + x) / (1 - x) - 1, and its rounding error.
    twice = size + size
    q = twice * inverse
    product, lost = two_product(s, q, d)
    low = (((twice - product) - lost) - q * d_low) * inverse
    u = 1.0 + q
    bigger, smaller = s.maximum(q, s.constant(1.0)), s.minimum(q, s.constant(1.0))
    value = 0.5 * log_value(s, *log_of_sum(s, u, (smaller - (u - bigger)) + low))
    value = s.select(size < 1.0, value, s.select(size.equals(1.0), s.constant(math.inf), s.constant(math.nan)))
    return s.copysign(value, x)
