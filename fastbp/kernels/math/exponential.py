"""Exponentials and the functions made of them, over vectors: no branch, no call.

Each function takes the Simd ``s`` and a Vector and appends its instructions. Polynomials are minimax fits found by Remez's
exchange in 50-digit arithmetic; then each coefficient in turn, lowest power first, was rounded to the element type and the
rest fitted again. The number beside a fit is what it contributes to the relative error of the function.

Results are monotone because every last step adds a small, smooth correction to a number whose rounding is monotone.
"""

import math

import numpy as np
from llvmlite import ir

from ..simd.element_types import I32
from ..simd.machine import machine
from .double_double import ordered_sum, two_product
from .logarithm import LN_2_PARTS, MANTISSA_BITS, log_of_sum, log_value

LOG2_E = 1.4426950408889634
LN_2, LN_2_LOW = 0.6931471805599453, 2.3190468138462996e-17

# (exp(r) - 1 - r) / r^2 for |r| <= ln 2 / 2: 3.4e-9 and 6.6e-20.
_EXP = {
    "float32": (0.00139201584, 0.00836934336, 0.0416665934, 0.166665152, 0.5),
    "float64": (
        2.0918984089423676e-09,
        2.5111411828496817e-08,
        2.7557258921218286e-07,
        2.755723686041891e-06,
        2.4801587343388767e-05,
        0.00019841269894194094,
        0.00138888888888748,
        0.008333333333317951,
        0.041666666666666685,
        0.16666666666666682,
        0.5,
    ),
}

# (tanh(r) - r) / r^3 as a polynomial of r^2 for |r| <= ln 2 / 2: 3.9e-8 and 8.9e-18.
_TANH = {
    "float32": (-0.0492608808, 0.13301526, -0.333327204),
    "float64": (
        0.0004771858711732537,
        -0.0014318766388769363,
        0.0035893413538779432,
        -0.008863046540980902,
        0.021869481074880178,
        -0.05396825380634343,
        0.13333333333166042,
        -0.33333333333332765,
    ),
}

# Beyond these, exp is 0 or infinite.
_EXP_RANGE = {"float32": (-104.0, 89.0), "float64": (-746.0, 710.0)}


def magic(s):
    """1.5 times 2 to the number of mantissa bits: adding it rounds to a whole number, found in the sum's lowest bits."""
    return 1.5 * (1 << MANTISSA_BITS[s.dtype])


def clamp(s, x, low, high):
    """x within [low, high]; NaN stays NaN."""
    x = s.minimum(s.constant(high), x)
    return s.maximum(s.constant(low), x)


def power_of_two(s, n):
    """2^n for whole numbers n (as floats) in the range of normal numbers."""
    return s.from_bits((s.bits_of(n + magic(s)) << MANTISSA_BITS[s.dtype]) + s.bits_of(s.constant(1.0)))


def _scale_avx512(s, x, n):
    """One instruction. Shorter vectors are the low lanes of a full one."""
    lanes = 64 // s.itemsize
    full, mask, kind = ir.VectorType(s.element, lanes), ir.IntType(lanes), "ps" if s.dtype == "float32" else "pd"
    x, n = x.value, n.value
    if s.lanes < lanes:
        undefined = ir.Constant(s.vector, ir.Undefined)
        picks = ir.Constant(ir.VectorType(I32, lanes), [min(i, s.lanes) for i in range(lanes)])
        x, n = (s.b.shuffle_vector(v, undefined, picks) for v in (x, n))
    function = s.intrinsic(f"llvm.x86.avx512.mask.scalef.{kind}.512", full, [full] * 3 + [mask, I32])
    everywhere, current_rounding = ir.Constant(mask, -1), ir.Constant(I32, 4)
    result = s.b.call(function, [x, n, x, everywhere, current_rounding])
    if s.lanes < lanes:
        result = s.b.shuffle_vector(result, result, ir.Constant(ir.VectorType(I32, s.lanes), list(range(s.lanes))))
    return s.wrap(result)


def scale(s, x, n, normal=False):
    """x 2^n for whole numbers n (as floats); with overflow and gradual underflow unless ``normal`` says there is none."""
    if s.lanes * s.itemsize <= 64 == machine().vector_bytes:
        return _scale_avx512(s, x, n)
    if normal:
        return x * power_of_two(s, n)
    # Two factors, so that neither overflows before the product does.
    half = s.round(n * 0.5)
    return x * power_of_two(s, half) * power_of_two(s, n - half)


def reduce_exp(s, x, low=None):
    """(n, r) with x = n ln 2 + r, |r| <= ln 2 / 2, for x that has been clamped; ``low`` is a small number added to x."""
    part_1, part_2 = LN_2_PARTS[s.dtype]
    n = s.fma(x, LOG2_E, magic(s)) - magic(s)
    r = s.fma(n, -part_2, s.fma(n, -part_1, x))
    return n, r if low is None else r + low


def exp_minus_1(s, r):
    """e^r - 1 for |r| <= ln 2 / 2."""
    return s.fma(r * r, s.polynomial(r, _EXP[s.dtype]), r)


def exp(s, x, low=None):
    """e^x, or e^(x + low)."""
    n, r = reduce_exp(s, clamp(s, x, *_EXP_RANGE[s.dtype]), low)
    return scale(s, 1.0 + exp_minus_1(s, r), n)


def exp2(s, x):
    """2^x, exact for whole numbers."""
    x = clamp(s, x, *{"float32": (-151.0, 129.0), "float64": (-1076.0, 1025.0)}[s.dtype])
    n = s.round(x)
    nearest = float(np.dtype(s.dtype).type(LN_2))
    r, lost = two_product(s, x - n, s.constant(nearest))
    low = s.fma(x - n, (LN_2 - nearest) + LN_2_LOW, lost)
    total, rest = ordered_sum(s.constant(1.0), r)
    return scale(s, total + (rest + s.fma(r * r, s.polynomial(r, _EXP[s.dtype]), low)), n)


def _exp_minus_1_scaled(s, x, halvings):
    """(e^x - 1) / 2^halvings for x above -20 (float32) or -40 (float64)."""
    n, r = reduce_exp(s, x)
    w = exp_minus_1(s, r)
    # 2^n (w + (1 - 2^-n)): the parenthesis is exact wherever it matters.
    return scale(s, w + (1.0 - scale(s, s.constant(1.0), -n)), n - float(halvings) if halvings else n)


def expm1(s, x):
    """e^x - 1, exact to the last bits near 0."""
    low, high = (-20.0, 89.0) if s.dtype == "float32" else (-40.0, 710.0)
    return s.copysign(_exp_minus_1_scaled(s, clamp(s, x, low, high), 0), x)


def sinh(s, x):
    """(e^x - e^-x) / 2."""
    high = 90.0 if s.dtype == "float32" else 711.0
    half = _exp_minus_1_scaled(s, s.minimum(s.constant(high), s.abs(x)), 1)
    # With m = e^|x| - 1: m - m rest, or m / 2 + rest, whichever adds the smaller number.
    m = half + half
    rest = half / (m + 1.0)
    small = m < 1.0
    value = s.fma(s.select(small, -m, s.constant(1.0)), rest, s.select(small, m, half))
    value = s.select(half.equals(math.inf), half, value)
    return s.select(s.abs(x) < 1e-8, x, s.copysign(value, x))


def cosh(s, x):
    """(e^x + e^-x) / 2."""
    high = 90.0 if s.dtype == "float32" else 711.0
    n, r = reduce_exp(s, s.minimum(s.constant(high), s.abs(x)))
    half = scale(s, 1.0 + exp_minus_1(s, r), n - 1.0)
    return half + 0.25 / half


def tanh_start(s, x):
    """(t, u) with |x| = n ln 2 + r, t = tanh(r) and u = 2 * 4^-n: the first half of tanh."""
    end = 9.02 if s.dtype == "float32" else 19.07  # from here on it is 1
    size = s.minimum(s.constant(end), s.abs(x))
    # One part of ln 2 is enough: n is small, and the rounding error of n ln 2 is damped by 4^-n. The number added to round
    # is such that the low bits are half of an exponent.
    shifted = magic(s) + {"float32": 64.0, "float64": 512.0}[s.dtype]
    rounded = s.fma(size, -LOG2_E, s.constant(shifted))
    r = s.fma(rounded - shifted, LN_2, size)
    square = r * r
    t = s.fma(square * r, s.polynomial(square, _TANH[s.dtype]), r)
    return t, s.from_bits(s.bits_of(rounded) << (MANTISSA_BITS[s.dtype] + 1))


def tanh_end(s, x, t, u):
    """tanh(x) from what ``tanh_start`` gave."""
    # tanh = 1 - 2 u (1 - t) / ((2 + u) + (2 - u) t): each step is monotone in t.
    value = s.fma(s.fma(-u, t, u) / s.fma(2.0 - u, t, 2.0 + u), -2.0, 1.0)
    sign = s.bits_of(x) & (-1 << (8 * s.itemsize - 1))
    return s.from_bits(s.bits_of(s.select(u.equals(2.0), t, value)) | sign)


def tanh(s, x):
    """Hyperbolic tangent."""
    return tanh_end(s, x, *tanh_start(s, x))


def _logistic(s, x, high, low=None):
    """(x clamped, n, u, w, d) with sigmoid(x) = u / d, where x = n ln 2 + r, u = 2^n, 1 + w = e^-r and d = u + 1 + w.

    ``low`` is a small number added to x.
    """
    x = clamp(s, x, _MAX_UNDERFLOW[s.dtype], high)
    n, r = reduce_exp(s, x, low)
    w = exp_minus_1(s, -r)
    u = scale(s, s.constant(1.0), n)
    return x, n, u, w, (1.0 + u) + w


# Up to here sigmoid(x), and x times it, round to 0; and the largest x with a normal e^-x.
_MAX_UNDERFLOW = {"float32": -120.0, "float64": -760.0}
_MAX_NORMAL = {"float32": 87.0, "float64": 708.0}


def sigmoid(s, x, low=None):
    """1 / (1 + e^-x); ``low`` is a small number added to x."""
    _, _, u, _, d = _logistic(s, x, 40.0, low)
    return u / d


def softplus_pair(s, x):
    """(log(1 + e^x), its derivative, which is the sigmoid)."""
    end = 17.0 if s.dtype == "float32" else 37.0  # from here on softplus(x) = x
    e = exp(s, s.minimum(s.constant(end), x))
    u = 1.0 + e
    bigger, smaller = s.maximum(e, s.constant(1.0)), s.minimum(e, s.constant(1.0))
    value = log_value(s, *log_of_sum(s, u, smaller - (u - bigger)))
    return s.select(x <= end, value, x), e / u


def softplus(s, x):
    """log(1 + e^x)."""
    return softplus_pair(s, x)[0]


def logaddexp(s, x, y):
    """log(e^x + e^y); equal infinities stay."""
    difference = s.select(x.equals(y), 0.0, x - y)
    return s.maximum(x, y) + softplus(s, -s.abs(difference))


def sigmoid_derivative(s, x):
    """The derivative of the sigmoid, e^x / (1 + e^x)^2."""
    e = exp(s, -s.abs(x))
    u = 1.0 + e
    return e / (u * u)


def times_sigmoid(s, factor, x, low=None):
    """factor sigmoid(x + low), correct also where the sigmoid itself would be 0."""
    _, n, _, _, d = _logistic(s, x, 40.0, low)
    return scale(s, factor / d, n)


def times_sigmoid_pair(s, factor, x, low=None):
    """(factor sigmoid(x + low), the sigmoid, the sigmoid's derivative)."""
    _, n, u, w, d = _logistic(s, x, _MAX_NORMAL[s.dtype], low)
    inverse = 1.0 / d
    value = u * inverse
    return scale(s, factor * inverse, n), value, value * ((1.0 + w) * inverse)


def silu(s, x):
    """x sigmoid(x)."""
    return times_sigmoid(s, s.maximum(s.constant(_MAX_UNDERFLOW[s.dtype]), x), x)


def silu_pair(s, x):
    """(silu, its derivative)."""
    factor = s.maximum(s.constant(_MAX_UNDERFLOW[s.dtype]), x)
    product, value, derivative = times_sigmoid_pair(s, factor, x)
    return product, s.fma(s.minimum(s.constant(_MAX_NORMAL[s.dtype]), factor), derivative, value)
