"""Logarithms times something, and of odds, over vectors: no branch, no call."""

import math

from .logarithm import arctanh, log, log1p


def logit(s, x):
    """log(x / (1 - x)), with all digits near 1/2 too; infinite at 0 and 1, NaN outside."""
    middle = s.abs(x - 0.5) < 0.2
    near = arctanh(s, s.fma(x, 2.0, -1.0))
    value = s.select(middle, near + near, log(s, x / (1.0 - x)))
    return s.select(x.equals(1.0), math.inf, value)


def _times(s, x, y, logarithm):
    return s.select(x.equals(0.0) & y.equals(y), 0.0, x * logarithm)


def xlogy(s, x, y):
    """x log(y), and 0 where x is 0."""
    return _times(s, x, y, log(s, y))


def xlog1py(s, x, y):
    """x log(1 + y), and 0 where x is 0."""
    return _times(s, x, y, log1p(s, y))
