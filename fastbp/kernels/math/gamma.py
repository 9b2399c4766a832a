"""The gamma function, its logarithm and the derivatives of that, over vectors.

Stirling's series far out, recurrences towards a middle interval with a polynomial of its own, and Euler's reflection for
negative numbers (Abramowitz & Stegun 1964, 6.1 to 6.4). Coefficients: tests/kernels/fit_coefficients.py.
"""

import math

from .called import called
from .double_double import two_product, two_sum
from .exponential import clamp, exp_minus_1, reduce_exp, scale
from .logarithm import log
from .power import log_in_two_parts
from .turns import cos_and_sin_of_half_turns

# log gamma(2 + d) / d as a polynomial of 2 d, for |d| <= 1/2.
GAMMALN = (
    -2.943025091543748e-14,
    1.2345447235230874e-13,
    -3.646155586866453e-13,
    1.5406673737439663e-12,
    -6.878918801035825e-12,
    2.924867873716732e-11,
    -1.2444505508836123e-10,
    5.339628272805235e-10,
    -2.304571826674516e-09,
    1.001332617019718e-08,
    -4.387327521544026e-08,
    1.9425294274976835e-07,
    -8.716982757351021e-07,
    3.981793164251527e-06,
    -1.86367798703102e-05,
    9.032844783545014e-05,
    -0.00046159693929212654,
    0.0025726010534730787,
    -0.016838075263299522,
    0.1612335167120566,
    0.42278433509846713,
)

# digamma(z) / (z - its root) as a polynomial of 2 z - 3, for 1 <= z <= 2.
_DIGAMMA = (
    2.832706668021759e-11,
    -8.498137230186096e-11,
    9.206434499177992e-11,
    -2.7619635330317715e-10,
    1.2358072433984831e-09,
    -3.7075072647122386e-09,
    1.0542687624027994e-08,
    -3.163020268955334e-08,
    9.542050972688906e-08,
    -2.86315275846934e-07,
    8.589127353033379e-07,
    -2.57809436305308e-06,
    7.741232223504057e-06,
    -2.325824239445257e-05,
    6.995018873950506e-05,
    -0.00021074841140458636,
    0.0006368880303257201,
    -0.0019350666648590097,
    0.005936795278305649,
    -0.018550615381735115,
    0.060135621060196744,
    -0.2118137106407303,
    0.9510558760318328,
)
_ROOT, _ROOT_LOW = 1.4616321449683622, 9.549995429965697e-17

# Bernoulli's numbers B_2, B_4, ...
BERNOULLI = (
    *(1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798),
    *(-174611 / 330, 854513 / 138),
)
STIRLING = tuple(b / (2 * k * (2 * k - 1)) for k, b in enumerate(BERNOULLI[:8], 1))[::-1]
LOG_ROOT_2_PI = 0.9189385332046728


@called
def gammaln(s, x):
    """log |gamma(x)|."""
    size = s.abs(x)
    reflected = x < -0.5
    y = s.select(reflected, size, x)
    far = y > 8.5
    n = s.round(s.minimum(s.constant(8.0), y))
    product = s.constant(1.0)
    for j in range(1, 7):  # gamma(y) = (y - 1) (y - 2) ... gamma(2 + d)
        product = product * s.select(n > j + 1.5, y - float(j), 1.0)
    below = s.select(n > 0.5, y, s.abs(y * (1.0 + y)))
    logarithm = log(s, s.select(far, y, s.select(n > 1.5, product, below)))
    d = y - n
    near = s.fma(d, s.polynomial(d + d, GAMMALN), s.select(n > 1.5, logarithm, -logarithm))
    inverse = 1.0 / y
    series = inverse * s.polynomial(inverse * inverse, STIRLING)
    stirling = s.fma(y - 0.5, logarithm - 1.0, series + (LOG_ROOT_2_PI - 0.5))
    value = s.variable(s.select(far, s.select(y < math.inf, stirling, y), near))
    with s.b.if_then(s.any(reflected), likely=False):
        _, sine = cos_and_sin_of_half_turns(s, x)
        other = log(s, math.pi / (size * s.abs(sine))) - value.get()
        other = s.select(sine.equals(0.0), s.select(size < math.inf, s.constant(math.inf), x), other)
        value.set(s.select(reflected, other, value.get()))
    return value.get()


@called
def gamma(s, x):
    """The gamma function; NaN at negative whole numbers."""
    size = s.abs(x)
    y = s.minimum(s.constant(200.0), size)
    shifted = y < 12.0
    product = s.constant(1.0)
    for j in range(12):
        product = product * s.select(shifted, y + float(j), 1.0)
    z = s.select(shifted, y + 12.0, y)
    z_low = s.select(shifted, y - (z - 12.0), 0.0)
    # The logarithm in two parts: its error is that of the result.
    high, low = log_in_two_parts(s, z)
    total, lost = two_product(s, z - 0.5, high)
    total, rounding = two_sum(total, -z)
    inverse = 1.0 / z
    small = s.fma(z - 0.5, low, s.fma(z_low, high, inverse * s.polynomial(inverse * inverse, STIRLING)))
    rest = LOG_ROOT_2_PI + small
    total, more = two_sum(total, rest)
    low = ((small - (rest - LOG_ROOT_2_PI)) + lost) + (rounding + more)
    negative = x < 0.0
    total, low = s.select(negative, -total, total), s.select(negative, -low, low)
    factor = s.variable(1.0 / product)
    with s.b.if_then(s.any(negative), likely=False):
        _, sine = cos_and_sin_of_half_turns(s, x)
        factor.set(s.select(negative, (product / x) * (-math.pi / sine), factor.get()))
        factor.set(s.select(negative & sine.equals(0.0), math.nan, factor.get()))
    n, r = reduce_exp(s, clamp(s, total, -900.0, 900.0), low)
    value = scale(s, factor.get() * (1.0 + exp_minus_1(s, r)), n)
    value = s.select(x > 180.0, math.inf, value)
    return s.select(x.equals(0.0), s.copysign(s.constant(math.inf), x), s.select(x.differs(x), x, value))


_DIGAMMA_SERIES = tuple(b / (2 * k) for k, b in enumerate(BERNOULLI[:8], 1))[::-1]


@called
def digamma(s, x):
    """The derivative of gammaln; NaN at negative whole numbers."""
    negative = x < 0.0
    y = s.select(negative, 1.0 - x, x)
    far, small = y >= 9.0, y < 1.0
    n = s.floor(s.minimum(s.constant(8.0), y))
    z = s.select(small, y + 1.0, y - (n - 1.0))
    above, below = s.select(small, s.constant(-1.0), 0.0), s.select(small, y, 1.0)
    for j in range(1, 8):  # the sum of 1 / (y - j) as one quotient
        taken = n > j + 0.5
        factor = s.select(taken, y - float(j), 1.0)
        above = s.fma(above, factor, s.select(taken, below, 0.0))
        below = below * factor
    quotient = s.select(far, s.constant(1.0), above) / s.select(far, y, below)
    near = s.fma((z - _ROOT) - _ROOT_LOW, s.polynomial(s.fma(z, 2.0, -3.0), _DIGAMMA), quotient)
    square = quotient * quotient
    series = s.fma(square, s.polynomial(square, _DIGAMMA_SERIES), 0.5 * quotient)
    value = s.variable(s.select(far, log(s, s.select(far, y, 1.0)) - series, near))
    with s.b.if_then(s.any(negative), likely=False):
        cosine, sine = cos_and_sin_of_half_turns(s, x)
        other = s.select(sine.equals(0.0), math.nan, value.get() - math.pi * cosine / sine)
        value.set(s.select(negative, other, value.get()))
    return s.select(x.equals(0.0), s.copysign(s.constant(math.inf), -x), value.get())


def _cotangents(order, cotangent, cosecant):
    """pi^-order-1 times (-1)^order times the derivatives of pi cot(pi x); ``cosecant`` is 1 / sin^2."""
    if order == 1:
        return -cosecant
    if order == 2:
        return 2.0 * cotangent * cosecant
    square = cotangent * cotangent
    if order == 3:
        return -cosecant * (4.0 * square + 2.0 * cosecant)
    return cotangent * cosecant * (8.0 * square + 16.0 * cosecant)


def polygamma(order):
    """The derivative of digamma of an order from 1 to 4."""
    shift, sign = 12, (-1.0) ** (order + 1)
    factorial = float(math.factorial(order))
    series = [b * math.factorial(2 * k + order - 1) / math.factorial(2 * k) for k, b in enumerate(BERNOULLI, 1)][::-1]

    def function(s, x):
        negative = x < 0.0
        y = s.select(negative, 1.0 - x, x)
        shifted = y < float(shift)
        above, below = s.constant(0.0), s.constant(1.0)
        for j in range(shift):  # the sum of (y + j)^(-order - 1) as one quotient
            root = s.select(shifted, y + float(j), 1.0)
            factor = root
            for _ in range(order):
                factor = factor * root
            above, below = s.fma(above, factor, below), below * factor
        inverse = 1.0 / s.select(shifted, y + float(shift), y)
        power = inverse
        for _ in range(order - 1):
            power = power * inverse
        tail = s.fma(inverse, s.polynomial(inverse * inverse, series), 0.5 * factorial)
        tail = power * s.fma(inverse, tail, factorial / order)
        sum_of_powers = s.select(shifted, factorial * (above / below), 0.0)
        value = s.variable(sign * (tail + sum_of_powers))
        with s.b.if_then(s.any(negative), likely=False):
            cosine, sine = cos_and_sin_of_half_turns(s, x)
            cotangent, cosecant = cosine / sine, 1.0 / (sine * sine)
            other = math.pi ** (order + 1) * _cotangents(order, cotangent, cosecant)
            other = (-1.0) ** order * value.get() - other
            other = s.select(sine.equals(0.0), math.inf if order % 2 else math.nan, other)
            value.set(s.select(negative, other, value.get()))
        return value.get()

    function.__name__ = f"polygamma_{order}"
    return called(function)
