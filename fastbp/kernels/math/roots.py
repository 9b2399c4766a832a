"""The cube root over vectors: no branch, no call."""

import math

from .exponential import power_of_two
from .logarithm import mantissa_and_exponent

# The cube root of numbers from 2^-1.5 to 2^1.5 to some digits, the highest power first; two steps give all of them.
_START = (0.0072387, -0.072267, 0.29203, -0.63425, 0.97762, 0.43023)


def cbrt(s, x):
    """The cube root, of negative numbers too."""
    size = s.abs(x)
    n, f = mantissa_and_exponent(s, s.select((size > 0.0) & (size < math.inf), size, 1.0))
    thirds = s.round(n * (1.0 / 3.0))
    a = (1.0 + f) * power_of_two(s, s.fma(thirds, -3.0, n))
    root = s.polynomial(a, _START)
    for _ in range(2):  # Halley's method
        cube = root * root * root
        root = s.fma(root, (a - cube) / s.fma(cube, 2.0, a), root)
    root = s.copysign(root * power_of_two(s, thirds), x)
    return s.select((size > 0.0) & (size < math.inf), root, x)
