"""Circular functions and their inverses over vectors: no branch but one, taken where an argument is huge.

Fits as in ``vexp``: minimax, in 50-digit arithmetic; the numbers are relative errors.
"""

from functools import lru_cache

from llvmlite import ir

from .exact import ordered_sum, two_product, two_sum
from .simd import FLOATS, I64, Simd, define, machine
from .vexp import magic

# (sin(r) - r) / r^3 as a polynomial of r^2 for |r| <= pi / 4: 4.0e-9 and 3.8e-18.
_SIN = {
    "float32": (-0.00019518095, 0.008332188, -0.16666655),
    "float64": (
        1.5895433126613609e-10,
        -2.5050734386966332e-08,
        2.7557313538503625e-06,
        -0.00019841269829358512,
        0.00833333333332184,
        -0.1666666666666663,
    ),
}

# (cos(r) - 1 + r^2 / 2) / r^4 as a polynomial of r^2 for |r| <= pi / 4: 1.2e-10 and 5.7e-20.
_COS = {
    "float32": (2.4432327e-05, -0.001388731, 0.041666646),
    "float64": (
        -1.1358683440449967e-11,
        2.087570427267703e-09,
        -2.755731421008375e-07,
        2.4801587288983695e-05,
        -0.0013888888888873325,
        0.041666666666666595,
    ),
}

# (arcsin(y) - y) / y^3 as a polynomial of y^2 for 0 <= y <= 1/2: 4.9e-9 and 1.5e-17.
_ARCSIN = {
    "float32": (0.042166412, 0.024180774, 0.045469772, 0.074953064, 0.16666752),
    "float64": (
        0.03193412986914071,
        -0.016255546757894545,
        0.019547810655587427,
        0.006520985328607102,
        0.012170790656661656,
        0.013885001032193815,
        0.01735972783119182,
        0.02237175656974179,
        0.030381959196398717,
        0.04464285682695338,
        0.0750000000033858,
        0.16666666666665403,
    ),
}

# (arctan(t) - t) / t^3 as a polynomial of t^2 for |t| <= 1/2: 2.8e-10 and 2.2e-19.
_ARCTAN = {
    "float32": (0.03901323, -0.08007193, 0.10947971, -0.14273064, 0.19999553, -0.33333328),
    "float64": (
        -0.008365503410123676,
        0.023655384337524232,
        -0.03711958396504709,
        0.0458951424589904,
        -0.05230041373504562,
        0.058778148735231725,
        -0.06666224914982295,
        0.0769227763494939,
        -0.09090907705101561,
        0.11111111070032474,
        -0.1428571428499801,
        0.19999999999993764,
        -0.33333333333333315,
    ),
}

# Up to here n pi/2 can be taken away part by part.
_ORDINARY = {"float32": 6000.0, "float64": 1.6e6}

# Digits of each part of pi/2: with a fused multiply-add as many as there are, for what is left of x - n part_1 is exact.
# Without it so few that n part is exact, for all parts but the last.
_DIGITS_FUSED = {"float32": (24, 24, 24), "float64": (53, 53, 53)}
_DIGITS = {"float32": (12, 12, 12, 24), "float64": (33, 33, 33, 53)}

_FRACTION = 1161  # binary digits of 2/pi that the largest float64 needs


@lru_cache(maxsize=1)
def _pi():
    """pi times 2^1300, in whole numbers (Machin 1706: pi/4 = 4 arccot 5 - arccot 239)."""

    def arccot(k):
        total, power, i = 0, (1 << 1364) // k, 0
        while power:
            total += (-1) ** i * (power // (2 * i + 1))
            power //= k * k
            i += 1
        return total

    return (4 * (4 * arccot(5) - arccot(239))) >> 64


def half_pi(digits):
    """pi/2 as the sum of floats that have so many binary digits each."""
    rest, parts = _pi(), []
    for count in digits:
        below = max(rest.bit_length() - count, 0)
        nearest = (rest + (1 << below >> 1)) >> below << below
        parts.append(nearest / (1 << 1301))
        rest -= nearest
    return parts


def _parts(s):
    return half_pi((_DIGITS_FUSED if machine().fma else _DIGITS)[s.dtype])


def _reduce(s, size):
    """(quadrant, r, low) with size = n pi/2 + r, |r| <= pi/4, for 0 <= size <= ORDINARY; the quadrant is n in its lowest bits.

    Without a fused multiply-add the roundings add up: ``low`` is what r lacks. Else it is None.
    """
    rounded = s.fma(size, 2**1301 / _pi(), magic(s))
    n, r, low = rounded - magic(s), size, None
    for part in _parts(s):
        if machine().fma:
            r = s.fma(n, -part, r)
        else:
            r, lost = ordered_sum(r, n * -part)
            low = lost if low is None else low + lost
    return s.bits_of(rounded), r, low


def _reduce_twice_as_exact(s, size):
    """(quadrant, r, what r lacks): the same, and what rounding took from it."""
    rounded = s.fma(size, 2**1301 / _pi(), magic(s))
    n, r, low = rounded - magic(s), size, s.constant(0.0)
    for part in _parts(s):
        product, lost = two_product(s, n, s.constant(-part))
        r, rounding = two_sum(r, product)
        r, low = two_sum(r, low + (rounding + lost))
    return s.bits_of(rounded), r, low


def _digits_of_turns(b, place):
    """Three 64-bit pieces, lowest first, of floor(2/pi 2^1161) without its last 8 ``place`` binary digits."""
    name, size = "two_over_pi", 152
    if name in b.module.globals:
        table = b.module.get_global(name)
    else:
        digits = ((1 << 1301 + _FRACTION) // _pi()).to_bytes(size, "little")
        kind = ir.ArrayType(ir.IntType(8), size)
        table = ir.GlobalVariable(b.module, kind, name)
        table.linkage, table.global_constant, table.initializer = "internal", True, kind(bytearray(digits))
    start = b.add(b.ptrtoint(table, I64), place)
    loads = [b.load(b.inttoptr(b.add(start, I64(8 * i)), I64.as_pointer())) for i in range(3)]
    for load in loads:
        load.align = 1
    return loads


_FOLDED = ir.LiteralStructType([FLOATS["float64"], FLOATS["float64"], I64])


def _fold_huge(b, x):
    """{r, low, n}: x = n pi/2 + r + low as in ``_reduce``, for one float64 above 1000 of any size (Payne & Hanek 1983).

    x 2/pi modulo 4 needs only some of the digits of 2/pi: those before are multiples of 4, those behind are too small.
    """
    wide = ir.IntType(128)
    bits = b.bitcast(x, I64)
    skipped = b.sub(I64(2046), b.lshr(bits, I64(52)))
    mantissa = b.or_(b.and_(bits, I64((1 << 52) - 1)), I64(1 << 52))
    mantissa = b.zext(b.shl(mantissa, b.and_(b.neg(skipped), I64(7))), wide)
    low, middle, high = (b.zext(v, wide) for v in _digits_of_turns(b, b.lshr(b.add(skipped, I64(7)), I64(3))))
    turns = b.add(b.mul(mantissa, middle), b.lshr(b.mul(mantissa, low), wide(64)))
    turns = b.add(turns, b.shl(b.mul(mantissa, high), wide(64)))  # in units of 2^-126
    n = b.trunc(b.lshr(b.add(turns, wide(1 << 125)), wide(126)), I64)
    fraction = b.shl(turns, wide(2))  # in units of 2^-128, from -1/2 to 1/2
    negative = b.icmp_signed("<", fraction, wide(0))
    size = b.select(negative, b.neg(fraction), fraction)
    zeros = b.ctlz(size, ir.Constant(ir.IntType(1), 0))
    size = b.shl(size, zeros)
    unit = b.bitcast(b.shl(b.sub(I64(1023), b.trunc(zeros, I64)), I64(52)), x.type)  # 2^-zeros
    unit = b.select(negative, b.fneg(unit), unit)

    def piece(digits, below):
        number = b.uitofp(b.trunc(b.lshr(size, wide(below)), ir.IntType(digits)), x.type)
        return b.fmul(number, x.type(2.0 ** (below - 128)))

    first, rest = piece(32, 96), b.fadd(piece(64, 32), piece(32, 0))
    high, low = half_pi((20, 53))
    large = b.fmul(first, x.type(high))  # exact
    small = b.fadd(b.fmul(first, x.type(low)), b.fmul(rest, x.type(high + low)))
    r = b.fadd(large, small)
    result = ir.Constant(_FOLDED, ir.Undefined)
    for i, part in enumerate((r, b.fsub(small, b.fsub(r, large)))):
        result = b.insert_value(result, b.fmul(part, unit), i)
    return b.insert_value(result, n, 2)


def _for_huge(s, function):
    """``function`` over vectors of any size: folded lane by lane, and computed in float64."""

    def body(b, x, quarters):
        wide = Simd(b, "float64", lanes=s.lanes)
        x = wide.wrap(b.fpext(x, wide.vector) if s.dtype == "float32" else x)
        size = wide.maximum(wide.abs(x), wide.constant(_ORDINARY["float32"]))
        finite = wide.minimum(size, wide.constant(1.7976931348623157e308))
        fold = define(b.module, "fold_huge", [wide.element], _fold_huge, _FOLDED)
        folded = [finite.value, finite.value, wide.bits_of(finite).value]
        for i in range(s.lanes):
            lane = b.call(fold, [wide.lane(finite, i)])
            folded = [b.insert_element(v, b.extract_value(lane, k), I64(i)) for k, v in enumerate(folded)]
        r, low, quadrant = map(wide.wrap, folded)
        r = r + (x - x)  # infinities have no angle
        result = function(wide, x, quadrant + wide.broadcast(quarters), r, low).value
        return b.fptrunc(result, s.vector) if s.dtype == "float32" else result

    return define(s.b.module, f"huge{function.__name__}_{s.suffix}", [s.vector, I64], body, s.vector)


def _for_any_size(s, function, x, reduce, quarters=0):
    """``function(s, x, quadrant, r, low)`` for the angle |x| + quarters pi/2, ``reduce`` giving the last three."""
    quadrant, r, low = reduce(s, s.abs(x))
    value = s.variable(function(s, x, quadrant + quarters, r, low))
    huge = s.abs(x) > _ORDINARY[s.dtype]
    with s.b.if_then(s.any(huge), likely=False):
        right = s.wrap(s.b.call(_for_huge(s, function), [x.value, I64(quarters)]))
        value.set(s.select(huge, right, value.get()))
    return value.get()


def _is_odd(s, quadrant):
    return (quadrant << (8 * s.itemsize - 1)) < 0


def _turn(s, value, signs):
    """``value`` with its sign changed where ``signs`` (integers) are negative."""
    return s.from_bits(s.bits_of(value) ^ (signs & (-1 << (8 * s.itemsize - 1))))


def _sine(s, x, quadrant, r, low):
    """With the sign of x."""
    square = r * r
    sine = s.polynomial(square, _SIN[s.dtype])
    sine = s.fma(r * square, sine, r) if low is None else r + s.fma(r * square, sine, low)
    cosine = s.fma(square, s.polynomial(square, _COS[s.dtype]), -0.5)
    cosine = s.fma(square, cosine, 1.0) if low is None else 1.0 + s.fma(square, cosine, -r * low)
    value = s.select(_is_odd(s, quadrant), cosine, sine)
    return _turn(s, value, s.bits_of(x) ^ (quadrant << (8 * s.itemsize - 2)))


def _tangent(s, x, quadrant, r, low):
    # Sine and cosine to more digits than a float has, for their quotient would add up three roundings.
    square = r * r
    tail = s.fma(r * square, s.polynomial(square, _SIN[s.dtype]), low)
    sine = r + tail
    sine_low = (r - sine) + tail
    half = 0.5 * square
    most = 1.0 - half
    tail = ((1.0 - most) - half) + (square * square * s.polynomial(square, _COS[s.dtype]) - r * low)
    # What rounding took from the square.
    tail = tail - 0.5 * two_product(s, r, r)[1]
    cosine = most + tail
    cosine_low = (most - cosine) + tail
    odd = _is_odd(s, quadrant)
    above, above_low = s.select(odd, cosine, sine), s.select(odd, cosine_low, sine_low)
    below, below_low = s.select(odd, -sine, cosine), s.select(odd, -sine_low, cosine_low)
    quotient = above / below
    product, lost = two_product(s, quotient, below)
    rest = ((above - product) - lost) + (above_low - quotient * below_low)
    return _turn(s, quotient + rest / below, s.bits_of(x))


def sin(s, x):
    """The sine."""
    return _for_any_size(s, _sine, x, _reduce)


def cos(s, x):
    """The cosine: the same instructions as the sine's, but for the last few."""
    return _for_any_size(s, _sine, s.abs(x), _reduce, 1)


def tan(s, x):
    """The tangent."""
    return _for_any_size(s, _tangent, x, _reduce_twice_as_exact)


def _half_pi_pair(s):
    digits = 24 if s.dtype == "float32" else 53
    return half_pi((digits, digits))


def _arcsine(s, size):
    """(y, arcsin(y) - y, mask): y is ``size``, or where the mask is set (above 1/2) sqrt((1 - size) / 2)."""
    above = size > 0.5
    square = s.select(above, s.fma(size, -0.5, 0.5), size * size)
    y = s.select(above, s.sqrt(square), size)
    return y, y * square * s.polynomial(square, _ARCSIN[s.dtype]), above


def arcsin(s, x):
    """The angle from -pi/2 to pi/2 whose sine is x; NaN outside of [-1, 1]."""
    y, tail, above = _arcsine(s, s.abs(x))
    high, low = _half_pi_pair(s)
    larger, lost = ordered_sum(s.constant(high), -(y + y))
    return s.copysign(s.select(above, larger + (lost - ((tail + tail) - low)), y + tail), x)


def arccos(s, x):
    """The angle from 0 to pi whose cosine is x; NaN outside of [-1, 1]."""
    y, tail, above = _arcsine(s, s.abs(x))
    high, low = _half_pi_pair(s)
    signed_y, signed_tail = s.copysign(y, x), s.copysign(tail, x)
    value = high - (signed_y + (signed_tail - low))
    twice = s.select(x > 0.0, y + tail, high - (y + (tail - low)))
    return s.select(above, twice + twice, value)


def arctan(s, x):
    """The angle from -pi/2 to pi/2 whose tangent is x."""
    size = s.abs(x)
    # arctan(x) = pi/4 + arctan((x - 1) / (x + 1)) = pi/2 - arctan(1 / x)
    middle, far = size > 0.5, size > 2.5
    above = s.select(far, -1.0, s.select(middle, size - 1.0, size))
    t = above / s.select(far, size, s.select(middle, size + 1.0, 1.0))
    high, low = (s.select(far, part, s.select(middle, 0.5 * part, s.constant(0.0))) for part in _half_pi_pair(s))
    square = t * t
    tail = s.fma(t * square, s.polynomial(square, _ARCTAN[s.dtype]), low)
    return s.copysign(high + (t + tail), x)
