"""Argument reduction: angles of any size within one eighth of a turn, for the trigonometric functions."""

from functools import lru_cache

from llvmlite import ir

from ..simd.element_types import FLOATS, I64
from ..simd.llvm_function import define
from ..simd.machine import machine
from ..simd.vocabulary import Simd
from .double_double import ordered_sum, two_product, two_sum
from .exponential import magic

# Up to here n pi/2 can be subtracted part by part (Cody & Waite 1980).
_MAX_CODY_WAITE = {"float32": 6000.0, "float64": 1.6e6}

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


def reduce(s, size):
    """(quadrant, r, low) with size = n pi/2 + r, |r| <= pi/4, for 0 <= size <= _MAX_CODY_WAITE.

    The lowest bits of the quadrant are those of n. Without a fused multiply-add rounding errors add up: ``low`` is the error
    of r. With one it is None.
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


def reduce_to_double_double(s, size):
    """(quadrant, r, low) as in ``reduce``, where ``low`` is the rounding error of r."""
    rounded = s.fma(size, 2**1301 / _pi(), magic(s))
    n, r, low = rounded - magic(s), size, s.constant(0.0)
    for part in _parts(s):
        product, lost = two_product(s, n, s.constant(-part))
        r, rounding = two_sum(r, product)
        r, low = two_sum(r, low + (rounding + lost))
    return s.bits_of(rounded), r, low


def _digits_of_two_over_pi(b, place):
    """Three 64-bit parts, lowest first, of floor(2/pi 2^1161) without its last 8 ``place`` binary digits."""
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
    """{r, low, n} with x = n pi/2 + r + low, for one float64 above 1000 (Payne & Hanek 1983).

    x 2/pi modulo 4 needs only some of the digits of 2/pi: those before contribute multiples of 4, those after are too small.
    """
    wide = ir.IntType(128)
    bits = b.bitcast(x, I64)
    skipped = b.sub(I64(2046), b.lshr(bits, I64(52)))
    mantissa = b.or_(b.and_(bits, I64((1 << 52) - 1)), I64(1 << 52))
    mantissa = b.zext(b.shl(mantissa, b.and_(b.neg(skipped), I64(7))), wide)
    low, middle, high = (b.zext(v, wide) for v in _digits_of_two_over_pi(b, b.lshr(b.add(skipped, I64(7)), I64(3))))
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

    def part(digits, below):
        number = b.uitofp(b.trunc(b.lshr(size, wide(below)), ir.IntType(digits)), x.type)
        return b.fmul(number, x.type(2.0 ** (below - 128)))

    first, rest = part(32, 96), b.fadd(part(64, 32), part(32, 0))
    high, low = half_pi((20, 53))
    large = b.fmul(first, x.type(high))  # exact
    small = b.fadd(b.fmul(first, x.type(low)), b.fmul(rest, x.type(high + low)))
    r = b.fadd(large, small)
    result = ir.Constant(_FOLDED, ir.Undefined)
    for i, part in enumerate((r, b.fsub(small, b.fsub(r, large)))):
        result = b.insert_value(result, b.fmul(part, unit), i)
    return b.insert_value(result, n, 2)


def _for_huge(s, function):
    """``function`` of angles of any size: reduced lane by lane, and computed in float64."""

    def body(b, x, quarters):
        wide = Simd(b, "float64", lanes=s.lanes)
        x = wide.wrap(b.fpext(x, wide.vector) if s.dtype == "float32" else x)
        size = wide.maximum(wide.abs(x), wide.constant(_MAX_CODY_WAITE["float32"]))
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


def for_any_size(s, function, x, reduce, quarters=0):
    """``function(s, x, quadrant, r, low)`` for the angle |x| + quarters pi/2, ``reduce`` giving the last three."""
    quadrant, r, low = reduce(s, s.abs(x))
    value = s.variable(function(s, x, quadrant + quarters, r, low))
    huge = s.abs(x) > _MAX_CODY_WAITE[s.dtype]
    with s.b.if_then(s.any(huge), likely=False):
        right = s.wrap(s.b.call(_for_huge(s, function), [x.value, I64(quarters)]))
        value.set(s.select(huge, right, value.get()))
    return value.get()
