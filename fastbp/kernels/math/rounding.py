"""Whole numbers near a number, and division with remainder, over vectors: exact, as C99 and NumPy have them."""

import math

from .called import called
from .double_double import two_product

_MAX_QUOTIENT = 2.0**52  # below it the quotient's whole part is found by one division
_STEP = 2.0**52
_LARGE, _SMALL, _SCALE = 2.0**900, 2.0**-900, 2.0**120  # where products without a fused multiply-add need scaling


def floor(s, x):
    """The largest whole number that is not larger."""
    return s.floor(x)


def ceil(s, x):
    """The smallest whole number that is not smaller."""
    return -s.floor(-x)


def trunc(s, x):
    """Without its fraction."""
    return s.copysign(s.floor(s.abs(x)), x)


def rint(s, x):
    """The nearest whole number, halves to even."""
    return s.round(x)


def copysign(s, x, y):
    """The size of x with the sign of y."""
    return s.copysign(x, y)


def heaviside(s, x, y):
    """0 for negative x, 1 for positive ones, y at 0."""
    return s.select(x < 0.0, 0.0, s.select(x > 0.0, 1.0, s.select(x.equals(0.0), y, x)))


def _rest(s, a, b):
    """a without the multiples of b, for a >= 0, b > 0 and a / b < 2^52."""
    large, small = a > _LARGE, b < _SMALL
    up = s.select(large, 1.0 / _SCALE, s.select(small, _SCALE, s.constant(1.0)))
    a, b = a * up, b * up
    product, lost = two_product(s, s.floor(a / b), b)
    rest = (a - product) - lost
    rest = s.select(rest < 0.0, rest + b, rest)  # the quotient was rounded up to a whole number
    return rest * s.select(large, _SCALE, s.select(small, 1.0 / _SCALE, s.constant(1.0)))


def _reduced(s, a, b):
    """a without large multiples of b: less than 2^52 of them are left."""
    step, rest = s.variable(b), s.variable(a)

    def grow():
        larger = step.get() * _STEP
        fits = larger <= a
        step.set(s.select(fits, larger, step.get()))
        return s.any(fits)

    def shrink():
        now = step.get()
        above = now > b
        rest.set(s.select(above, _rest(s, rest.get(), now), rest.get()))
        step.set(s.select(above, now * (1.0 / _STEP), now))
        return s.any(above)

    s.repeat_while(grow)
    s.repeat_while(shrink)
    return rest.get()


@called
def fmod(s, x, y):
    """The rest of x / y with the sign of x; NaN for infinite x and for y = 0."""
    valid = (s.abs(x) < math.inf) & (s.abs(y) > 0.0)
    far = s.abs(y).equals(math.inf)
    a = s.select(valid & ~far, s.abs(x), 0.0)
    b = s.select(valid & ~far, s.abs(y), 1.0)
    rest = s.variable(a)
    many = a >= b * _MAX_QUOTIENT
    with s.b.if_then(s.any(many), likely=False):
        rest.set(s.select(many, _reduced(s, s.select(many, a, 0.0), b), a))
    value = s.select(far, s.abs(x), _rest(s, rest.get(), b))
    value = s.select(valid, s.copysign(value, x), math.nan)
    return s.select(y.differs(y), y, value)


@called
def mod(s, x, y):
    """The rest of x / y with the sign of y, as Python's %."""
    rest = fmod(s, x, y)
    opposite = (rest < 0.0) ^ (y < 0.0)
    value = s.select(opposite, rest + y, rest)
    return s.select(rest.equals(0.0), s.copysign(rest, y), value)


@called
def floor_divide(s, x, y):
    """x // y: the whole number below x / y, found from the rest, which is exact."""
    rest = fmod(s, x, y)
    quotient = (x - rest) / y
    opposite = ((rest < 0.0) ^ (y < 0.0)) & rest.differs(0.0)
    quotient = s.select(opposite, quotient - 1.0, quotient)
    whole = s.floor(quotient)
    whole = s.select(quotient - whole > 0.5, whole + 1.0, whole)
    whole = s.select(quotient.equals(0.0), s.copysign(s.constant(0.0), x / y), whole)
    return s.select(y.equals(0.0), x / y, whole)
