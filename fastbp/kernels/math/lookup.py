"""Polynomials on intervals, whose coefficients are tables in the code: the interval of each lane, and its polynomial there."""

import math

from llvmlite import ir

from ..simd.element_types import I32, I64
from .called import called


def table(s, name, values):
    """Where float64 constants begin; equal names are the same table."""
    module = s.b.module
    if name in module.globals:
        found = module.get_global(name)
    else:
        kind = ir.ArrayType(ir.DoubleType(), len(values))
        found = ir.GlobalVariable(module, kind, name)
        found.linkage, found.global_constant, found.initializer = "internal", True, kind(list(map(float, values)))
    return s.b.ptrtoint(found, I64)


def _gather(s, start, places):
    """The float64 at ``places``, integers, of a table."""
    addresses = s.broadcast(start) + (places << 3)
    pointers = ir.VectorType(ir.PointerType(), s.lanes)
    mask = ir.VectorType(ir.IntType(1), s.lanes)
    call = s.intrinsic(f"llvm.masked.gather.{s.suffix}.v{s.lanes}p0", s.vector, [pointers, I32, mask, s.vector])
    everywhere = ir.Constant(mask, [1] * s.lanes)
    given = [s.b.inttoptr(addresses.value, pointers), I32(8), everywhere, s.constant(0.0).value]
    return s.wrap(s.b.call(call, given))


def interval(name, knots):
    """The code of: how many of the knots but the first and the last are not larger than x."""
    inner = [float(k) for k in knots[1:-1]]
    levels = len(inner).bit_length()

    def function(s, x):
        place = s.int_constant(0)
        if inner:
            start = table(s, f"{name}_knots", inner + [math.inf] * ((1 << levels) - len(inner)))
            for level in reversed(range(levels)):
                step = 1 << level
                passed = x >= _gather(s, start, place + (step - 1))
                place = s.select(passed, place + step, place)
        return s.minimum(s.to_float(place), s.constant(float(len(inner))))

    function.__name__ = name
    return called(function)


def polynomial(name, knots, coefficients, left, right):
    """The code of a polynomial of x minus the interval's first knot; ``left`` and ``right``, if given, hold outside.

    The coefficients are those of the highest power in each interval, then those of the next one, and so on.
    """
    first, last = float(knots[0]), float(knots[-1])

    def function(s, x, interval):
        place = s.to_int(interval)
        offset = x - _gather(s, table(s, f"{name}_starts", knots[:-1]), place)
        value = None
        for power, row in enumerate(coefficients):
            coefficient = _gather(s, table(s, f"{name}_{power}", row), place)
            value = coefficient if value is None else s.fma(value, offset, coefficient)
        if left is not None:
            value = s.select(x < first, left, value)
        if right is not None:
            value = s.select(x > last, right, value)
        return s.select(x.differs(x), x, value)

    function.__name__ = name
    return called(function)
