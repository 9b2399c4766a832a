"""x to the power of y over vectors: no branch, no call.

x^y = e^(y log x) magnifies the error of log x up to 745 times. So for float64 the logarithm has 64 bits or more, as a sum of
two floats; float32 is computed in float64.
"""

import math

from .double_double import ordered_sum, two_product
from .exponential import clamp, exp
from .logarithm import LN_2_PARTS, log, mantissa_and_exponent

# (atanh(q) / q - 1 - q^2 / 3) / q^4 as a polynomial of q^2 for |q| <= (sqrt 2 - 1) / (sqrt 2 + 1), minimax as in
# exponential.py: a relative error of 1.1e-20.
_ATANH = (
    0.06598007192637247,
    0.0662842661479038,
    0.07693377866942139,
    0.09090892201743063,
    0.11111111259743502,
    0.14285714285051068,
    0.20000000000001125,
)
_THIRD, _THIRD_LOW = 1.0 / 3.0, 1.850371707708594e-17  # 1/3 as the sum of two floats


def log_in_two_parts(s, x):
    """(high, low): log(x) as their sum, for positive finite x."""
    n, f = mantissa_and_exponent(s, x)
    # log(1 + f) = 2 atanh(q) with q = f / (2 + f); every step keeps its rounding error.
    d, d_low = ordered_sum(s.constant(2.0), f)
    inverse = 1.0 / d
    q = f * inverse
    product, lost = two_product(s, q, d)
    q_low = (((f - product) - lost) - q * d_low) * inverse
    square, square_low = two_product(s, q, q)
    square_low = s.fma(q + q, q_low, square_low)
    # atanh(q) = q + q u with u = square (1/3 + square polynomial)
    c, c_low = ordered_sum(s.constant(_THIRD), square * s.polynomial(square, _ATANH))
    c_low = c_low + _THIRD_LOW
    u, u_low = two_product(s, square, c)
    u_low = s.fma(square, c_low, s.fma(square_low, c, u_low))
    v, v_low = two_product(s, q, u)
    v_low = s.fma(q, u_low, s.fma(q_low, u, v_low))
    high, low = ordered_sum(q, v)
    low = low + (v_low + q_low)
    part_1, part_2 = LN_2_PARTS[s.dtype]
    high, lost = ordered_sum(n * part_1, high + high)
    return ordered_sum(high, (low + low) + s.fma(n, part_2, lost))


def _power_of_positive(s, x, y):
    """x^y where x is positive and both are finite (elsewhere anything)."""
    if s.dtype == "float32":
        wide, x, y = s.doubles(), s.widen(x), s.widen(y)
        return s.narrow(exp(wide, y * log(wide, x)))
    high, low = log_in_two_parts(s, x)
    product, lost = two_product(s, y, high)
    ends = s.abs(product) < 1000.0  # beyond it nothing depends on the low part, which may be NaN
    return exp(s, clamp(s, product, -1000.0, 1000.0), s.select(ends, s.fma(y, low, lost), 0.0))


def pow(s, x, y):
    """x^y with the special values of C99: 1 for x = 1 or y = 0, a sign where y is odd, NaN for x < 0 and y not whole."""
    size, far = s.abs(x), s.abs(y).equals(math.inf)
    value = _power_of_positive(s, size, y)
    vanishes = (size < 1.0) ^ (y < 0.0)
    extreme = far | size.equals(0.0) | size.equals(math.inf)
    value = s.select(extreme, s.select(vanishes, 0.0, s.constant(math.inf)), value)
    whole = s.floor(y).equals(y)
    half = 0.5 * y
    odd = whole & s.floor(half).differs(half)
    value = s.select(odd, s.copysign(value, x), value)
    value = s.select((x < 0.0) & (x > -math.inf) & ~whole, math.nan, value)
    value = s.select(x.differs(x) | y.differs(y), math.nan, value)
    one = x.equals(1.0) | y.equals(0.0) | (x.equals(-1.0) & far)
    return s.select(one, 1.0, value)
