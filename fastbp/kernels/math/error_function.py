"""The error function and the Gaussian error linear units made of it, over vectors: no branch, no call.

Fits as in exponential.py: minimax, in 50-digit arithmetic; the numbers are relative errors.
"""

import math

import numpy as np

from .double_double import two_product, two_sum
from .exponential import clamp, exp_minus_1, reduce_exp, scale, times_sigmoid, times_sigmoid_pair

# erf(x) / x - 1 as a polynomial of x^2 for |x| <= 1: 1.4e-9 and 1.4e-17.
_ERF = {
    "float32": (
        7.80690316e-05,
        -0.00079978531,
        0.0051871622,
        -0.0268533472,
        0.112835787,
        -0.37612626,
        0.128379166,
    ),
    "float64": (
        -7.890194259366584e-10,
        1.3769826788519581e-08,
        -1.6219652844131239e-07,
        1.6448808958313503e-06,
        -1.492483951695795e-05,
        0.00012055299475667839,
        -0.0008548326089089706,
        0.005223977608261672,
        -0.02686617064315571,
        0.11283791670942499,
        -0.37612638903183415,
        0.12837916709551256,
    ),
}

# exp(x^2 / 2) / t times the standard normal distribution function of -x as a polynomial of 1 - 2 t, where t = 3 / (3 + x):
# 5.6e-9 for 0 <= x <= 19 and 1.2e-16 for 0 <= x <= 39.
_TAIL = {
    "float32": (
        2.0867983e-05,
        4.6379686e-05,
        -8.56930201e-05,
        -0.000347781548,
        0.000343945634,
        0.00232475088,
        -0.00348811597,
        -0.0157545041,
        0.0766726285,
        -0.169777319,
        0.243027896,
    ),
    "float64": (
        -1.362949301262667e-09,
        -3.4231161099480856e-09,
        1.5549953865038825e-09,
        1.3690253774986664e-08,
        2.028675946571388e-08,
        3.0324929378267624e-09,
        -7.856936336819556e-08,
        -1.8476111752897125e-07,
        -6.065039184103763e-09,
        7.428209457314174e-07,
        1.2174512880951367e-06,
        -1.168178119119128e-06,
        -6.897711135039588e-06,
        -4.416690948618383e-06,
        2.627118770182942e-05,
        5.146508408139099e-05,
        -8.552515942058873e-05,
        -0.000348609571838697,
        0.00034253075704416836,
        0.002324207082157069,
        -0.003487622341299155,
        -0.0157543417143831,
        0.07667257332487173,
        -0.1697773273058293,
        0.24302789671112432,
    ),
}


def scaled_tail(s, x):
    """exp(x^2 / 2) times the standard normal distribution function of -x, for 0 <= x <= 19 (float32) or 39 (float64)."""
    d = 3.0 + x
    t = 3.0 / d
    # The rounding error of t: the tail magnifies it more than twice.
    product, lost = two_product(s, t, d)
    low = (((3.0 - product) - lost) - t * (x - (d - 3.0))) * (t * (1.0 / 3.0))
    p = s.polynomial(s.fma(low, -2.0, s.fma(t, -2.0, 1.0)), _TAIL[s.dtype])
    return s.fma(t, p, low * p)


def erf(s, x):
    """The error function. Without a fused multiply-add its last digit may fall from one x to the next just below |x| = 1."""
    # From ``end`` on it is 1.
    end = 4.0 if s.dtype == "float32" else 6.0
    y = s.minimum(s.constant(end), s.abs(x))
    square = y * y
    small = s.fma(y, s.polynomial(square, _ERF[s.dtype]), y)
    n, r = reduce_exp(s, -square)
    e = scale(s, 1.0 + exp_minus_1(s, r), n, normal=True)
    large = s.fma(e * -2.0, scaled_tail(s, y * math.sqrt(2.0)), 1.0)
    return s.copysign(s.select(y < 1.0, small, large), x)


def gelu_pair(s, x):
    """(x times the normal distribution function, its derivative) (Hendrycks & Gimpel 2016, arXiv:1606.08415)."""
    end = 15.0 if s.dtype == "float32" else 39.0
    bounded = clamp(s, x, -end, end)
    square, lost = two_product(s, bounded, bounded)
    n, r = reduce_exp(s, -0.5 * square, -0.5 * lost)
    w = exp_minus_1(s, r)  # 2^n (1 + w) is sqrt(2 pi) times the density
    tail = scaled_tail(s, s.abs(bounded))  # 2^n (1 + w) times this is the probability beyond |x|
    e = scale(s, 1.0 + w, n)
    larger = s.fma(-e, tail, 1.0)
    below = x < 0.0
    product = bounded * tail
    value = s.select(below, scale(s, s.fma(product, w, product), n), x * larger)
    cdf = s.select(below, tail * e, larger)
    return value, s.fma(bounded * (1.0 / math.sqrt(2.0 * math.pi)), e, cdf)


def gelu(s, x):
    """x times the normal distribution function."""
    return gelu_pair(s, x)[0]


# 2 sqrt(2 / pi), that times 0.044715, and their rounding errors.
_LINEAR, _LINEAR_LOW = 1.5957691216057308, -9.96930880911092e-17
_CUBIC, _CUBIC_LOW = 0.07135481627260025, -6.175149918155315e-19


def _inner(s, x):
    """(u, low) with u + low = 2 sqrt(2/pi) (x + 0.044715 x^3): e^u magnifies a relative error of u by |u|."""
    parts = []
    for constant, low in ((_LINEAR, _LINEAR_LOW), (_CUBIC, _CUBIC_LOW)):
        nearest = float(np.dtype(s.dtype).type(constant))
        parts.append((nearest, (constant - nearest) + low))
    (linear, linear_low), (cubic, cubic_low) = parts
    square, square_low = two_product(s, x, x)
    rise, rise_low = two_product(s, square, s.constant(cubic))
    rise_low = s.fma(square_low, cubic, s.fma(square, cubic_low, rise_low))
    factor, factor_low = two_sum(s.constant(linear), rise)
    u, u_low = two_product(s, x, factor)
    return u, s.fma(x, factor_low + (rise_low + linear_low), u_low)


def gelu_tanh_pair(s, x):
    """(x sigmoid(u) with u = 2 sqrt(2/pi) (x + 0.044715 x^3), its derivative)."""
    bounded = clamp(s, x, -22.0, 22.0)
    product, value, derivative = times_sigmoid_pair(s, s.maximum(bounded, x), *_inner(s, bounded))
    return product, s.fma(bounded * derivative, s.fma(bounded * bounded, 3.0 * _CUBIC, _LINEAR), value)


def gelu_tanh(s, x):
    """x sigmoid(u): the approximation of gelu with a hyperbolic tangent."""
    bounded = clamp(s, x, -22.0, 22.0)
    return times_sigmoid(s, s.maximum(bounded, x), *_inner(s, bounded))
