"""Bessel functions of whole orders over vectors.

J and Y of orders 0 and 1: polynomials up to 8, where Y has a logarithm of its own, and Hankel's expansion beyond (Abramowitz &
Stegun 1964, 9.2). Higher orders by recurrence: upwards where that is stable, else downwards and scaled (Miller), and by the
power series near 0. e^-x I0(x) is the mean of e^(-x (1 - cos t)), and its derivatives of order k are (-1)^k times the means
with a factor (1 - cos t)^k, which have no cancellation.
"""

import math

import numpy as np
from llvmlite import ir

from ..simd.element_types import I64
from . import coefficients
from .called import called
from .exponential import exp
from .logarithm import log
from .lookup import table
from .trigonometric import cos, sin

NEAR = 8.0
_POINTS, _MEAN_END = 30, 30.0  # of the trapezium rule, which is right to all digits up to that end


def _of(name):
    return getattr(coefficients, name)


def _hankel(s, order, size):
    """(factor P, factor Q, cos c, sin c) with J = P cos c - Q sin c and Y = P sin c + Q cos c, for sizes from 8 on."""
    inverse = 1.0 / size
    w = (NEAR * inverse) * (NEAR * inverse)
    t = s.fma(w, 2.0, -1.0)
    factor = s.sqrt(inverse * (2.0 / math.pi))
    p, q = s.polynomial(t, _of(f"P{order}")), s.polynomial(t, _of(f"Q{order}")) * inverse
    cosine, sine = cos(s, size), sin(s, size)
    difference, total = (sine - cosine) * math.sqrt(0.5), (sine + cosine) * math.sqrt(0.5)
    angle = (total, difference) if order == 0 else (difference, -total)
    return factor * p, factor * q, *angle


def _first_kind(s, order, size):
    """J0 or J1 of a number from 0 on, and what Hankel's expansion gives of Y."""
    near = size < NEAR
    t = s.fma(size * size, 2.0 / NEAR**2, -1.0)
    small = s.polynomial(s.minimum(s.constant(1.0), t), _of(f"J{order}_NEAR"))
    p, q, cosine, sine = _hankel(s, order, s.maximum(s.constant(NEAR), size))
    far = s.fma(p, cosine, -(q * sine))
    value = s.select(near, small * size if order else small, far)
    return s.select(size.differs(size), size, value), s.fma(p, sine, q * cosine)


@called
def j0(s, x):
    """J of order 0."""
    return _first_kind(s, 0, s.abs(x))[0]


@called
def j1(s, x):
    """J of order 1."""
    return s.copysign(s.constant(1.0), x) * _first_kind(s, 1, s.abs(x))[0]


def _second_kind(s, order, x):
    """Y0 or Y1: infinite at 0, NaN below."""
    first, far = _first_kind(s, order, s.abs(x))
    near = x < NEAR
    small_x = s.select(near & (x > 0.0), x, 1.0)
    rest = s.polynomial(s.fma(small_x * small_x, 2.0 / NEAR**2, -1.0), _of(f"Y{order}_NEAR"))
    if order:
        rest = s.fma(rest, small_x, (-2.0 / math.pi) / small_x)
    value = s.select(near, s.fma(log(s, small_x) * (2.0 / math.pi), first, rest), far)
    return s.select(x > 0.0, value, s.select(x.equals(0.0), s.constant(-math.inf), math.nan))


@called
def y0(s, x):
    """Y of order 0."""
    return _second_kind(s, 0, x)


@called
def y1(s, x):
    """Y of order 1."""
    return _second_kind(s, 1, x)


def _upwards(s, order, inverse, before, now):
    for k in range(1, order):
        before, now = now, s.fma(now, inverse * (2.0 * k), -before)
    return now


def _power_series(s, order, size, sign, terms):
    """(x / 2)^order / order! times the series of J (sign -1) or I (sign 1), in x^2 / 4."""
    half = 0.5 * size
    square = half * half * sign
    series = [1.0]
    for k in range(1, terms):
        series.append(series[-1] / (k * (order + k)))
    power, factorial = s.constant(1.0), 1.0
    for k in range(1, order + 1):
        power, factorial = power * half, factorial * k
    return s.polynomial(square, series[::-1]) * power * (1.0 / factorial)


def _downwards(s, order, size, inverse, first, second):
    """J below its turning point: the recurrence downwards from where it is as good as 0, scaled by J0 or J1."""
    after, now, found = s.constant(0.0), s.constant(1e-250), None
    for k in range(2 * order + 24, 0, -1):
        after, now = now, s.fma(now, inverse * (2.0 * k), -after)
        if k - 1 == order:
            found = now
    larger = s.abs(now) > s.abs(after)
    return found * s.select(larger, first, second) / s.select(larger, now, after)


def j(order):
    """J of an order from 2 on."""

    def function(s, x):
        size = s.abs(x)
        first, second = j0(s, size), j1(s, size)
        inverse = 1.0 / s.maximum(s.constant(0.5), size)
        value = _upwards(s, order, inverse, first, second)
        end = 2.0 * math.sqrt(order + 1.0)  # of the power series
        if end < order:
            bounded = s.minimum(s.constant(float(order)), s.maximum(s.constant(end), size))
            value = s.select(size < float(order), _downwards(s, order, bounded, 1.0 / bounded, first, second), value)
        series = _power_series(s, order, s.minimum(s.constant(end), size), -1.0, 26)
        value = s.select(size < end, series, value)
        return s.copysign(s.constant(1.0), x) * value if order % 2 else value

    function.__name__ = f"bessel_j_{order}"
    return called(function)


def y(order):
    """Y of an order from 2 on."""

    def function(s, x):
        inverse = 1.0 / s.select(x > 0.0, x, 1.0)
        before, now = y0(s, x), y1(s, x)
        for k in range(1, order):
            following = s.fma(now, inverse * (2.0 * k), -before)
            before, now = now, s.select(now.equals(-math.inf), now, following)
        return s.select(x.differs(x), x, now)

    function.__name__ = f"bessel_y_{order}"
    return called(function)


def _scaled(s, order, size):
    """e^-x I0(x), or e^-x I1(x) over x up to 8, of a number from 0 on."""
    bounded = s.minimum(s.constant(NEAR), size)
    near = s.polynomial(s.fma(bounded, 2.0 / NEAR, -1.0), _of(f"I{order}E_NEAR"))
    inverse = 1.0 / s.maximum(s.constant(NEAR), size)
    far = s.polynomial(s.fma(inverse, 2.0 * NEAR, -1.0), _of(f"I{order}E_FAR")) * s.sqrt(inverse)
    return s.select(size < NEAR, near * bounded if order else near, s.select(size.differs(size), size, far))


@called
def i0e(s, x):
    """e^-|x| I0(x)."""
    return _scaled(s, 0, s.abs(x))


@called
def i1e(s, x):
    """e^-|x| I1(x)."""
    return s.copysign(_scaled(s, 1, s.abs(x)), x)


def moment(order):
    """The mean of (1 - cos t)^order e^(-|x| (1 - cos t)): the trapezium rule up to 30, the asymptotic series beyond."""
    angles = (np.arange(_POINTS) + 0.5) * (math.pi / _POINTS)
    heights = 2.0 * np.sin(0.5 * angles) ** 2
    series = [math.gamma(order + 0.5) / (math.pi * math.sqrt(2.0))]
    for k in range(1, 26):
        series.append(series[-1] * (k - 0.5) * (order + k - 0.5) / (2.0 * k))

    def function(s, x):
        size = s.abs(x)
        bounded = s.minimum(s.constant(_MEAN_END), size)
        starts = table(s, "bessel_heights", heights), table(s, f"bessel_weights_{order}", heights**order / _POINTS)
        total = s.variable(s.constant(0.0))
        with s.loop(ir.Constant(I64, _POINTS)) as k:
            height, weight = (s.load_spread(s.offset(start, k)) for start in starts)
            total.set(s.fma(weight, exp(s, -(bounded * height)), total.get()))
        inverse = 1.0 / s.maximum(s.constant(_MEAN_END), size)
        far = s.polynomial(inverse, series[::-1]) * s.sqrt(inverse)
        for _ in range(order):
            far = far * inverse
        return s.select(size < _MEAN_END, total.get(), s.select(size.differs(size), size, far))

    function.__name__ = f"bessel_moment_{order}"
    return called(function)


def _unscaled(s, value, x):
    """e^|x| times a value, which may be a number where e^|x| is none."""
    half = exp(s, 0.5 * s.abs(x))
    return s.select(s.abs(x).equals(math.inf), s.copysign(s.constant(math.inf), value), value * half * half)


@called
def i0(s, x):
    """I of order 0."""
    return _unscaled(s, i0e(s, x), x)


@called
def i1(s, x):
    """I of order 1."""
    return _unscaled(s, i1e(s, x), x)


def i(order):
    """I of an order from 2 to 10: the power series up to 40, Hankel's expansion beyond."""
    end = 40.0
    above = [1.0]
    for k in range(1, 24):
        above.append(above[-1] * -(4.0 * order * order - (2.0 * k - 1.0) ** 2) / (8.0 * k))

    def function(s, x):
        size = s.abs(x)
        near = _power_series(s, order, s.minimum(s.constant(end), size), 1.0, 64)
        inverse = 1.0 / s.maximum(s.constant(end), size)
        far = s.polynomial(inverse, above[::-1]) * s.sqrt(inverse * (0.5 / math.pi))
        far = _unscaled(s, far, s.maximum(s.constant(end), size))
        value = s.select(size < end, near, s.select(size.differs(size), size, far))
        return s.copysign(value, x) if order % 2 else value

    function.__name__ = f"bessel_i_{order}"
    return called(function)
