"""Elementary functions of vectors, without a branch and without a call.

Each takes the Simd ``s`` and a Vector and appends its instructions. Polynomials are near-minimax (Chebyshev) fits made in
40-digit arithmetic, rational ones least-squares fits reweighted until the relative error is level; the relative error of
the fit is named beside the coefficients. Special values are right: signed zeros, infinities, NaN.
"""

import math

LOG2_E = 1.4426950408889634

# (exp(r) - 1 - r) / r^2 for |r| <= ln 2 / 2: 6.5e-8 and 1.4e-18.
_EXP = {
    "float32": (0.00139267763, 0.00836325567, 0.0416665496, 0.166665765, 0.5),
    "float64": (
        2.09156687124655056e-9,
        2.51053529593882287e-8,
        2.75572710121243967e-7,
        2.75572550731247763e-6,
        0.0000248015873279779905,
        0.000198412698750788249,
        0.00138888888888828502,
        0.00833333333332606118,
        0.0416666666666666709,
        0.16666666666666671,
        0.5,
    ),
}

# ln 2 in two parts: the first has so few bits that its product with an exponent is exact.
_LN_2 = {
    "float32": (0.693359375, -2.1219444005469057e-4),
    "float64": (0.6931471803691238, 1.9082149292705877e-10),
}

# tanh(x) / x as a rational function of x^2 for |x| <= 9.02: 2.1e-8.
_TANH_P = (1.3318753906442161e-08, 2.058324561783083e-05, 0.003494020158515216, 0.13379705860197924, 1.0)
_TANH_Q = (7.761887192649993e-07, 0.0003283069302665416, 0.025871018508241993, 0.467130211115064, 1.0)
_TANH_END = 9.02  # from here on float32 has 1

# erf(x) / x as a polynomial of x^2 for |x| <= 1: 1.2e-9 and 7.4e-18.
_ERF = {
    "float32": (7.87587506e-5, -0.000801686429, 0.00518908742, -0.026854212, 0.112835947, -0.376126267, 1.12837917),
    "float64": (
        -7.79589882700214224e-10,
        1.37200645467776856e-8,
        -1.62084838018717059e-7,
        1.64474247033173624e-6,
        -0.0000149247369074196603,
        0.000120552949048397079,
        -0.000854832597538969208,
        0.00522397760711642273,
        -0.0268661706432377704,
        0.112837916709450063,
        -0.376126389031835404,
        1.12837916709551257,
    ),
}

# erfc(y) exp(y^2) / t as a polynomial of t = 2 / (2 + y) for 1 <= y <= 28: 6.8e-9 and 1.3e-17.
_TAIL = {
    "float32": (
        -0.00643531104,
        0.116025052,
        -0.260232252,
        0.111206852,
        0.0461021204,
        0.183610185,
        0.246011858,
        0.282143389,
        0.28209364,
    ),
    "float64": (
        -0.19289546932849836,
        1.50588985744261607,
        -5.38139304936203991,
        11.5794129962771349,
        -16.5901935647478679,
        16.5463673630182399,
        -11.7694144297271472,
        6.19505119705435737,
        -2.62449316888408252,
        0.914163082869631058,
        -0.175123341161074204,
        0.0429451752522108528,
        -0.0611429209950981899,
        -0.0557538945010637481,
        -0.0045072151367827967,
        0.0837543873058398729,
        0.17630883467448543,
        0.246832958125673491,
        0.28209479142562366,
        0.282094791777498008,
    ),
}

_RANGE = {"float32": (-104.0, 89.0), "float64": (-746.0, 710.0)}  # beyond, exp is 0 or infinite
_MANTISSA = {"float32": 23, "float64": 52}
_BIAS = {"float32": 127, "float64": 1023}


def clamp(s, x, low, high):
    """x within [low, high]; NaN stays NaN."""
    x = s.minimum(s.constant(high), x)
    return s.maximum(s.constant(low), x)


def power_of_two(s, n):
    """2^n for whole numbers n (as floats) in the range of normal numbers."""
    return s.from_bits((s.to_int(n) + _BIAS[s.dtype]) << _MANTISSA[s.dtype])


def _reduce(s, x):
    """(n, r, r^2 q) with x = n ln 2 + r, |r| <= ln 2 / 2 and exp(r) = 1 + r + r^2 q."""
    high, low = _LN_2[s.dtype]
    n = s.round(x * LOG2_E)
    r = s.fma(n, s.constant(-high), x)
    r = s.fma(n, s.constant(-low), r)
    return n, r, r * r * s.polynomial(r, _EXP[s.dtype])


def exp(s, x):
    """e^x."""
    n, r, rest = _reduce(s, clamp(s, x, *_RANGE[s.dtype]))
    # Two factors, so that neither overflows before the product does, and results below the normal numbers are right.
    half = s.round(n * 0.5)
    return (1.0 + (r + rest)) * power_of_two(s, half) * power_of_two(s, n - half)


def _exp_of_negative(s, x):
    """e^x for x <= 0, cheaper: numbers below the smallest normal one become 0."""
    lowest = -87.3 if s.dtype == "float32" else -708.3
    n, r, rest = _reduce(s, s.maximum(s.constant(lowest), x))
    value = (1.0 + (r + rest)) * power_of_two(s, n)
    return s.select(x < lowest, 0.0, value)


def expm1(s, x):
    """e^x - 1, exact to the last bits near 0."""
    low, high = (-20.0, 89.0) if s.dtype == "float32" else (-40.0, 710.0)
    n, r, rest = _reduce(s, clamp(s, x, low, high))
    half = s.round(n * 0.5)
    first, second = power_of_two(s, half), power_of_two(s, n - half)
    small = r + rest
    # 2^n (1 + small) - 1; near 0 there is nothing but ``small``, whose sign of zero must survive.
    value = (small * first + (first - 1.0 / second)) * second
    return s.select(n.equals(0.0), s.select(x.equals(0.0), x, small), value)


def log(s, x):
    """Natural logarithm: -inf at 0, NaN below."""
    shift, tiny = (23, 1.1754943508222875e-38) if s.dtype == "float32" else (52, 2.2250738585072014e-308)
    subnormal = x < tiny
    scaled = s.select(subnormal, x * float(1 << (shift + 1)), x)
    bits = s.bits_of(scaled)
    # The mantissa within [sqrt(1/2), sqrt(2)): move the boundary between exponents there.
    root_half = 0x3F3504F3 if s.dtype == "float32" else 0x3FE6A09E667F3BCD
    moved = bits - root_half
    exponent = s.to_float(moved >> shift)
    exponent = s.select(subnormal, exponent - float(shift + 1), exponent)
    m = s.from_bits((moved & ((1 << shift) - 1)) + root_half)
    f = m - 1.0
    ratio = f / (2.0 + f)
    z = ratio * ratio
    terms = 5 if s.dtype == "float32" else 11
    series = z * s.polynomial(z, [2.0 / (2 * k + 1) for k in range(terms, 0, -1)])
    half_square = 0.5 * f * f
    high, low = _LN_2[s.dtype]
    value = exponent * high - ((half_square - (ratio * (half_square + series) + exponent * low)) - f)
    value = s.select(x.equals(math.inf), x, value)
    return s.select(x > 0.0, value, s.select(x.equals(0.0), -math.inf, s.select(x.differs(x), x, math.nan)))


def log1p(s, x):
    """log(1 + x), exact to the last bits near 0."""
    u = 1.0 + x
    lost = x - (u - 1.0)  # what rounding 1 + x dropped
    value = log(s, u)
    corrected = s.select((u > 0.0) & (u < math.inf), value + lost / u, value)
    return s.select(u.equals(1.0), x, corrected)


def tanh(s, x):
    """Hyperbolic tangent."""
    if s.dtype == "float32":
        z = clamp(s, x, -_TANH_END, _TANH_END)
        square = z * z
        value = z * s.polynomial(square, _TANH_P) / s.polynomial(square, _TANH_Q)
        return clamp(s, value, -1.0, 1.0)
    negative = expm1(s, -2.0 * s.abs(x))
    return s.copysign(-negative / (negative + 2.0), x)


def sigmoid(s, x):
    """1 / (1 + e^-x)."""
    small = _exp_of_negative(s, -s.abs(x))
    return s.select(x < 0.0, small, s.constant(1.0)) / (1.0 + small)


def sigmoid_pair(s, x):
    """(sigmoid, its derivative), the latter without cancellation at either end."""
    small = _exp_of_negative(s, -s.abs(x))
    scale = 1.0 / (1.0 + small)
    return s.select(x < 0.0, small, s.constant(1.0)) * scale, small * scale * scale


def softplus(s, x):
    """log(1 + e^x)."""
    return s.maximum(s.constant(0.0), x) + log1p(s, _exp_of_negative(s, -s.abs(x)))


def softplus_pair(s, x):
    """(softplus, its derivative)."""
    return softplus(s, x), sigmoid(s, x)


def silu(s, x):
    """x sigmoid(x)."""
    return x * sigmoid(s, x)


def silu_pair(s, x):
    """(silu, its derivative)."""
    p, slope = sigmoid_pair(s, x)
    return x * p, s.fma(x, slope, p)


def _erfc_tail(s, y):
    """erfc(y) for y >= 1."""
    y = s.minimum(s.constant(28.0), y)
    t = 2.0 / (2.0 + y)
    # y^2 = high^2 + (y - high)(y + high), with so few bits in ``high`` that its square is exact.
    drop = 12 if s.dtype == "float32" else 27
    high = s.from_bits(s.bits_of(y) & -(1 << drop))
    power = _exp_of_negative(s, -(high * high)) * exp(s, -(y - high) * (y + high))
    return t * s.polynomial(t, _TAIL[s.dtype]) * power


def erf(s, x):
    """The error function."""
    size = s.abs(x)
    small = x * s.polynomial(x * x, _ERF[s.dtype])
    large = s.copysign(1.0 - _erfc_tail(s, s.maximum(s.constant(1.0), size)), x)
    return s.select(size < 1.0, small, large)


def normal_cdf(s, x):
    """The probability of a standard normal variable below x: (1 + erf(x / sqrt 2)) / 2, exact to the last bits below 0."""
    y = x * math.sqrt(0.5)
    size = s.abs(y)
    small = 0.5 + 0.5 * y * s.polynomial(y * y, _ERF[s.dtype])
    tail = 0.5 * _erfc_tail(s, s.maximum(s.constant(1.0), size))
    return s.select(size < 1.0, small, s.select(y > 0.0, 1.0 - tail, tail))


def gelu(s, x):
    """x times the normal distribution's cdf (Hendrycks & Gimpel 2016, arXiv:1606.08415)."""
    return s.select(x.equals(-math.inf), -0.0, x * normal_cdf(s, x))


def gelu_pair(s, x):
    """(gelu, its derivative)."""
    cdf = normal_cdf(s, x)
    density = (1.0 / math.sqrt(2.0 * math.pi)) * _exp_of_negative(s, -0.5 * x * x)
    return s.select(x.equals(-math.inf), -0.0, x * cdf), cdf + x * density


_GELU_SLOPE, _GELU_CUBIC = math.sqrt(2.0 / math.pi), 0.044715


def gelu_tanh(s, x):
    """The approximation x sigmoid(2 u) with u = sqrt(2/pi) (x + 0.044715 x^3)."""
    return x * sigmoid(s, 2.0 * _GELU_SLOPE * (x + _GELU_CUBIC * x * x * x))


def gelu_tanh_pair(s, x):
    """(gelu_tanh, its derivative)."""
    p, slope = sigmoid_pair(s, 2.0 * _GELU_SLOPE * (x + _GELU_CUBIC * x * x * x))
    inner = 2.0 * _GELU_SLOPE * (1.0 + 3.0 * _GELU_CUBIC * x * x)
    return x * p, p + x * slope * inner
