"""The normal distribution and the error function's kin over vectors.

Coefficients: tests/kernels/fit_coefficients.py. e^(-x^2) takes the rounding error of the square along, so the tails have all
their digits as far as there are numbers.
"""

import math

from .called import called, results
from .double_double import two_product
from .error_function import scaled_tail
from .exponential import exp_minus_1, reduce_exp, scale
from .logarithm import log, log_of_sum, log_value

# erfinv(x) / x, where w = -log(1 - x^2): of w from 0 to 5, and of sqrt(w) from sqrt(5) to 4 and from 4 to sqrt(38).
_ERFINV_CENTER = (
    3.7410654711236935e-11,
    2.3084829707344974e-10,
    -9.693630567115212e-10,
    -1.475285708560293e-09,
    1.1025378653681546e-08,
    -7.397210188617435e-09,
    -7.0879482945351e-08,
    2.0011441190417487e-07,
    1.3581916367059452e-07,
    -1.854178890278775e-06,
    2.8516600541914403e-06,
    8.652828062762427e-06,
    -4.143207367616244e-05,
    2.0472395037709897e-05,
    0.0002921906855461145,
    -0.0008341356408355454,
    -0.0004878983983671671,
    0.008525400950756228,
    -0.019573561059545413,
    -0.026108235777393043,
    0.6166006918604174,
    1.501409351110792,
)
_ERFINV_MIDDLE = (
    2.544288552764405e-10,
    -2.8323992480605833e-09,
    5.913892899943746e-09,
    1.1881054527372407e-08,
    -7.617456900376063e-08,
    1.27407147721904e-07,
    1.4104039174936842e-07,
    -1.24486844718624e-06,
    2.652308728197019e-06,
    3.0482263100837436e-07,
    -1.679747168133423e-05,
    4.527303570574062e-05,
    -3.595770812375781e-05,
    -0.0001342594361223904,
    0.0006008359605846276,
    -0.0013730404174154343,
    0.002349562460922254,
    -0.0037101358031386444,
    0.005569334211999582,
    0.8851584844828454,
    2.951328578343118,
)
_ERFINV_FAR = (
    -4.386396194994124e-12,
    1.9954176203200223e-11,
    -3.2344355229754735e-11,
    -1.0667505581319932e-11,
    2.3664524310231193e-10,
    -9.619831899141045e-10,
    2.7519168875327268e-09,
    -6.30426497983154e-09,
    1.228667368839811e-08,
    -2.175453842786643e-08,
    4.0202375556099274e-08,
    -9.879069722332872e-08,
    3.5116316806560326e-07,
    -1.4900617802778982e-06,
    6.417787414235514e-06,
    -2.6100988457151478e-05,
    9.374579342720927e-05,
    -0.0002424912820359738,
    -0.00022108814392239544,
    1.0933250144607833,
    4.932959119696899,
)

# x + phi(x) / Phi(x) for x = -y, times (3 + y) / 3, as a polynomial of (15 - 84 / (3 + y)) / 13: for 0 <= y <= 39.
_GAP = (
    1.0016323918087982e-09,
    9.493856176067263e-10,
    -1.2620456153540152e-08,
    -2.481229701275239e-08,
    5.8289854067057164e-08,
    2.2786885104310752e-07,
    -1.7590564859297192e-08,
    -1.1572862118804172e-06,
    -1.3449371094261589e-06,
    3.5082595295270916e-06,
    9.592811699796314e-06,
    -3.901566300415841e-06,
    -4.135688567462405e-05,
    -2.4698137508639457e-05,
    0.00013096327407936874,
    0.00019888585563986695,
    -0.0003154762060994541,
    -0.000924410162698306,
    0.0005331596400209422,
    0.00354061057619722,
    -0.0003121141665522287,
    -0.012878686973940475,
    -0.0013796346517863914,
    0.05074548697466509,
    -0.006669990094242693,
    -0.2603461824359851,
    0.5862403920473911,
)

_FAR = 39.0  # where scaled_tail ends
_DENSITY = 1.0 / math.sqrt(2.0 * math.pi)

# The asymptotic series of sqrt(2 pi) y times the scaled tail, and of y times the gap, in powers of 1 / y^2.
_TAIL_SERIES = (10395.0, -945.0, 105.0, -15.0, 3.0, -1.0, 1.0)
_GAP_SERIES = (110410.0, -8162.0, 706.0, -74.0, 10.0, -2.0, 1.0)


def tail(s, y):
    """e^(y^2 / 2) times the probability beyond y >= 0, of any size."""
    inverse = 1.0 / s.maximum(s.constant(_FAR), y)
    far = inverse * _DENSITY * s.polynomial(inverse * inverse, _TAIL_SERIES)
    return s.select(y > _FAR, far, scaled_tail(s, s.minimum(s.constant(_FAR), y)))


def bell(s, y, factor, half, rising=False):
    """``factor`` e^(-y^2), or e^(-y^2 / 2), down to the smallest numbers; ``rising``: with the other sign of the exponent."""
    square, lost = two_product(s, y, y)
    if half:
        square, lost = 0.5 * square, 0.5 * lost
    n, r = reduce_exp(s, square, lost) if rising else reduce_exp(s, -square, -lost)
    return scale(s, factor * (1.0 + exp_minus_1(s, r)), n)


@called
def erfc(s, x):
    """1 - erf(x)."""
    y = s.minimum(s.constant(27.4), s.abs(x))
    value = bell(s, y, 2.0 * tail(s, y * math.sqrt(2.0)), half=False)
    return s.select(x < 0.0, 2.0 - value, value)


def _beyond(s, y):
    """The probability beyond y >= 0."""
    y = s.minimum(s.constant(38.7), y)
    return bell(s, y, tail(s, y), half=True)


@called
def ndtr(s, x):
    """The standard normal distribution function."""
    beyond = _beyond(s, s.abs(x))
    return s.select(x < 0.0, beyond, 1.0 - beyond)


@called
@results(2)
def _logarithm_and_slope(s, x):
    """(log of the distribution function, density over distribution function): what is needed together is found together."""
    size, negative, low_tail = s.abs(x), x < 0.0, x < -1.0
    scaled = tail(s, size)
    bell_size = s.minimum(s.constant(38.7), size)
    bell_value = bell(s, bell_size, s.constant(1.0), half=True)
    beyond = bell_value * scaled
    # The logarithm of the tail, or of the distribution function as 1 + a small number.
    gap = s.select(negative, beyond - 1.0, -beyond)
    whole = 1.0 + gap
    u, lost = s.select(low_tail, scaled, whole), s.select(low_tail, 0.0, gap - (whole - 1.0))
    logarithm = log_value(s, *log_of_sum(s, u, lost))
    value = s.select(low_tail, s.fma(x * -0.5, x, logarithm), logarithm)
    slope = s.select(negative, s.constant(_DENSITY), bell_value * _DENSITY) / s.select(negative, scaled, 1.0 - beyond)
    return s.select(x.differs(x), x, value), slope


def log_ndtr(s, x):
    """The logarithm of the standard normal distribution function."""
    return _logarithm_and_slope(s, x)[0]


def mills(s, x):
    """The standard normal density over the distribution function: the derivative of log_ndtr."""
    return _logarithm_and_slope(s, x)[1]


@called
def mills_gap(s, x):
    """x + mills(x), where x is negative without the difference."""
    y = s.abs(x)
    inverse = 1.0 / (3.0 + s.minimum(s.constant(_FAR), y))
    near = 3.0 * inverse * s.polynomial(s.fma(inverse, -84.0 / 13.0, 15.0 / 13.0), _GAP)
    inverse = 1.0 / s.maximum(s.constant(_FAR), y)
    far = inverse * s.polynomial(inverse * inverse, _GAP_SERIES)
    return s.select(x < 0.0, s.select(y > _FAR, far, near), x + mills(s, x))


@called
def erfinv(s, x):
    """The inverse of the error function; infinite at -1 and 1, NaN beyond."""
    size = s.abs(x)
    w = -log(s, (1.0 - size) * (1.0 + size))
    root = s.sqrt(s.maximum(s.constant(5.0), w))
    center = s.polynomial(s.fma(w, 0.4, -1.0), _ERFINV_CENTER)
    low, high = math.sqrt(5.0), math.sqrt(38.0)
    middle = s.polynomial((root - 0.5 * (low + 4.0)) * (2.0 / (4.0 - low)), _ERFINV_MIDDLE)
    far = s.polynomial((root - 0.5 * (high + 4.0)) * (2.0 / (high - 4.0)), _ERFINV_FAR)
    value = x * s.select(w < 5.0, center, s.select(root < 4.0, middle, far))
    value = s.select(size < 1.0, value, s.select(size.equals(1.0), s.copysign(s.constant(math.inf), x), math.nan))
    return value
