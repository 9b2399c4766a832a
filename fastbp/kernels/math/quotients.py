"""sin(pi x) / (pi x) and (e^x - 1) / x with their derivatives, over vectors.

Both are integrals over t from 0 to 1, of cos(pi x t) and of e^(x t), and the derivatives of order n are those of t^n times the
derivative of the integrand. Near 0 they are power series of terms that do not cancel, elsewhere recurrences in n.
"""

import math

from .called import called
from .exponential import exp, expm1
from .turns import cos_and_sin_of_half_turns


def _sinc_series(order, terms=22):
    """Powers of u^2, the highest first, of the derivative of sin(u) / u; u times that for odd orders."""
    first = (order + 1) // 2
    found = [(-1.0) ** k / ((2 * k + 1) * math.factorial(2 * k - order)) for k in range(first, first + terms)]
    return found[::-1]


def sinc(order):
    """The derivative of an order of sin(pi x) / (pi x)."""
    series = _sinc_series(order)

    def function(s, x):
        u = x * math.pi
        cosine, sine = cos_and_sin_of_half_turns(s, x)
        inverse = 1.0 / s.select(x.equals(0.0), 1.0, u)
        value = s.select(x.equals(0.0), 1.0, sine * inverse)
        now = (sine, cosine, -sine, -cosine)
        for k in range(1, order + 1):
            value = s.fma(value, -float(k), now[k % 4]) * inverse
        if order:
            square = u * u
            near = s.polynomial(s.minimum(s.constant(float(order * order) + 1.0), square), series)
            near = near * u if order % 2 else near
            value = math.pi**order * s.select(square < float(order * order), near, value)
        return s.select(s.abs(x).equals(math.inf), math.nan, value)

    function.__name__ = f"sinc_{order}"
    return called(function)


def exprel(order):
    """The derivative of an order of (e^x - 1) / x: the integral of t^order e^(x t)."""
    end = order + 1.0  # up to here the series
    terms = 32
    above = [1.0 / (math.factorial(k) * (k + order + 1)) for k in range(terms)][::-1]
    below = [math.factorial(order) / math.factorial(order + k + 1) for k in range(terms)][::-1]

    def function(s, x):
        far_x = s.select(s.abs(x) < end, end, x)
        inverse = 1.0 / far_x
        power = exp(s, far_x)
        value = expm1(s, far_x) * inverse
        for k in range(1, order + 1):
            value = s.fma(value, -float(k), power) * inverse
        if order:
            size = s.minimum(s.constant(end), s.abs(x))
            rising, falling = s.polynomial(size, above), exp(s, -size) * s.polynomial(size, below)
            value = s.select(s.abs(x) < end, s.select(x < 0.0, falling, rising), s.select(power < math.inf, value, power))
        else:
            tiny = x.equals(0.0)
            value = s.select(tiny, 1.0, expm1(s, x) / s.select(tiny, 1.0, x))
        return s.select(s.abs(x).equals(math.inf), s.maximum(x, s.constant(0.0)), value)

    function.__name__ = f"exprel_{order}"
    return called(function)
