"""The logarithm of the beta function, and differences of polygamma functions, over vectors.

Where both are large, log B is made of Stirling's series, whose large terms are left out by hand (Didonato & Morris 1992, ACM
TOMS 18, 360). Differences are sums of differences of powers, each as a product, and Euler-Maclaurin's formula for the rest.
"""

import math

from .called import called
from .gamma import BERNOULLI, LOG_ROOT_2_PI, STIRLING, digamma, gammaln, polygamma
from .logarithm import log, log1p

_LARGE = 10.0  # from here on Stirling's series
_SHIFT = 12


def of_stirling(s, x):
    """Stirling's series of log gamma(x), without its first terms."""
    inverse = 1.0 / x
    return inverse * s.polynomial(inverse * inverse, STIRLING)


def _of_large(s, a, b):
    """log B for b >= a >= 10."""
    ratio = a / b
    total = a + b
    series = (of_stirling(s, a) + of_stirling(s, b)) - of_stirling(s, total)
    start = s.fma(log(s, b), -0.5, LOG_ROOT_2_PI) + series
    return start + s.fma(a - 0.5, log(s, ratio / (1.0 + ratio)), -(b * log1p(s, ratio)))


def _of_one_large(s, a, b, log_gamma_a):
    """log B for b >= 10 and 0 < a < 10."""
    total = a + b
    series = of_stirling(s, b) - of_stirling(s, total)
    gap = s.fma(-(b - 0.5), log1p(s, a / b), s.fma(-a, log(s, total), a)) + series
    return log_gamma_a + gap


@called
def betaln(s, x, y):
    """log |B(x, y)|."""
    for _ in range(2):  # a whole number up to 0 and another one: what is left of the two poles
        pole = (x <= 0.0) & s.floor(x).equals(x) & s.floor(y).equals(y) & (1.0 - x - y > 0.0)
        x, y = y, s.select(pole, 1.0 - x - y, x)
    a, b = s.minimum(x, y), s.maximum(x, y)
    log_gamma_a = gammaln(s, a)
    plain = (log_gamma_a + gammaln(s, b)) - gammaln(s, a + b)
    large, one_large = a >= _LARGE, (b >= _LARGE) & (a + b >= _LARGE)
    value = _of_one_large(s, s.select(one_large, a, 1.0), s.select(one_large, b, _LARGE), log_gamma_a)
    value = s.select(one_large, value, plain)
    value = s.select(large, _of_large(s, s.select(large, a, _LARGE), s.select(large, b, _LARGE)), value)
    at_pole = ((a <= 0.0) & s.floor(a).equals(a)) | ((b <= 0.0) & s.floor(b).equals(b))
    value = s.select(at_pole | ((b.equals(math.inf)) & (a < 0.0)), math.inf, s.select(b.equals(math.inf), -math.inf, value))
    return s.select(x.differs(x) | y.differs(y), math.nan, value)


def _power_gap(s, u, v, gap, order):
    """u^order - v^order, where gap = u - v."""
    total, power = s.constant(1.0), s.constant(1.0)
    for _ in range(order - 1):
        power = power * v
        total = s.fma(total, u, power)
    return gap * total


def _series_gap(s, u, v, gap, start, coefficients):
    """The sum of coefficient k times u^(start + 2 k) - v^(start + 2 k)."""
    total = s.constant(0.0)
    for k, coefficient in enumerate(coefficients):
        total = s.fma(_power_gap(s, u, v, gap, start + 2 * k), coefficient, total)
    return total


def polygamma_gap(order):
    """(-1)^order times the polygamma function at a + b minus that at a: positive for positive a and b."""
    factorial = float(math.factorial(order))
    bernoulli = [b * math.factorial(2 * k + order - 1) / math.factorial(2 * k) for k, b in enumerate(BERNOULLI[:7], 1)]

    def function(s, a, b):
        plain_a = digamma(s, a) if order == 0 else polygamma(order)(s, a)
        total = a + b
        plain = (digamma(s, total) if order == 0 else polygamma(order)(s, total)) - plain_a
        valid = (a > 0.0) & (b > 0.0)
        x, step = s.select(valid, a, 1.0), s.select(valid, b, 1.0)
        value = s.constant(0.0)
        for j in range(_SHIFT):
            u, v = 1.0 / (x + float(j)), 1.0 / ((x + step) + float(j))
            value = value + _power_gap(s, u, v, step * u * v, order + 1)
        x = x + float(_SHIFT)
        u, v = 1.0 / x, 1.0 / (x + step)
        gap = step * u * v
        value = s.fma(_power_gap(s, u, v, gap, order + 1), 0.5, value)
        integral = _power_gap(s, u, v, gap, order) * (1.0 / order) if order else log1p(s, step * u)
        value = value + integral
        value = s.fma(value, factorial, _series_gap(s, u, v, gap, order + 2, bernoulli))
        return s.select(valid, value, plain * (-1.0) ** order)

    function.__name__ = f"polygamma_gap_{order}"
    return called(function)
