"""e^(x^2) erfc(x) and its derivatives over vectors.

The derivative of order n is (-1)^n times 2 / sqrt(pi) times the integral of (2 t)^n e^(-t^2 - 2 x t) over t > 0: but for
factors a repeated integral of erfc (Abramowitz & Stegun 1964, 7.2.9), and so positive. For x >= 0 each has a polynomial, far
out a series; below, the recurrence in n has no cancellation.
"""

import math

from . import coefficients
from .called import called
from .normal import bell, tail

_FAR = 28.0  # where the polynomials end
_SMALLEST = -26.7  # below it is infinite


def _far(s, order, x):
    """The asymptotic series."""
    terms = [(-1.0) ** j * math.factorial(order + 2 * j) / (math.factorial(j) * 4.0**j) for j in range(7)]
    inverse = 1.0 / x
    value = s.polynomial(inverse * inverse, terms[::-1]) * inverse * (1.0 / math.sqrt(math.pi))
    for _ in range(order):
        value = value * inverse
    return value


def _right(s, order, size):
    """Of a number from 0 on."""
    if order == 0:
        return 2.0 * tail(s, size * math.sqrt(2.0))
    bounded = s.minimum(s.constant(_FAR), size)
    flat = 1.0 / (3.0 + bounded)
    near = s.polynomial(s.fma(flat, -93.0 / 14.0, 17.0 / 14.0), getattr(coefficients, f"ERFCX_{order}"))
    for _ in range(order + 1):
        near = near * flat
    return s.select(size > _FAR, _far(s, order, s.maximum(s.constant(_FAR), size)), near)


def erfcx(order):
    """The size of its derivative of an order."""

    def function(s, x):
        size = s.abs(x)
        value = s.variable(_right(s, order, s.select(x < 0.0, 0.0, size)))
        with s.b.if_then(s.any(x < 0.0), likely=False):
            bounded = s.maximum(s.constant(_SMALLEST), s.minimum(s.constant(0.0), x))
            grown = bell(s, bounded, s.constant(2.0), half=False, rising=True) - _right(s, 0, -bounded)
            before, now = s.constant(2.0 / math.sqrt(math.pi)), grown
            for n in range(1, order + 1):
                factor = 2.0 * (n - 1) if n > 1 else 1.0
                before, now = now, s.fma(bounded * -2.0, now, before * factor)
            value.set(s.select(x < 0.0, s.select(x < _SMALLEST, math.inf, now), value.get()))
        return s.select(x.differs(x), x, value.get())

    function.__name__ = f"erfcx_{order}"
    return called(function)
