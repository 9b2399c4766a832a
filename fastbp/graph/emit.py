"""Each operator as vector instructions, in the vocabulary of kernels/simd.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from ..kernels import vmath
from ..kernels.simd import I32, Vector

try:
    from ..kernels import vtrig
except ImportError:
    vtrig = None  # type: ignore[assignment]


def _library(name: str, arguments: int) -> Callable[..., Any]:
    """A function of the C library, called for one lane after the other."""

    def emit(s: Any, *vectors: Any) -> Any:
        symbol = name if s.dtype == "float64" else name + "f"
        function = s.intrinsic(symbol, s.element, [s.element] * arguments)
        result = ir.Constant(s.vector, ir.Undefined)
        for i in range(s.lanes):
            value = s.b.call(function, [s.lane(v, i) for v in vectors])
            result = s.b.insert_element(result, value, ir.Constant(I32, i))
        return s.wrap(result)

    return emit


def _vector(name: str, c_name: str, arguments: int = 1) -> Callable[..., Any]:
    return getattr(vtrig, name, None) or _library(c_name, arguments)


def _minimum(s: Any, x: Any, y: Any) -> Any:
    return s.select((x < y) | x.differs(x), x, y)


def _maximum(s: Any, x: Any, y: Any) -> Any:
    return s.select((x > y) | x.differs(x), x, y)


def _sign(s: Any, x: Any) -> Any:
    return s.select(x > 0.0, 1.0, s.select(x < 0.0, -1.0, s.select(x.equals(0.0), 0.0, x)))


EMITTERS: dict[str, Callable[..., Any]] = {
    "add": lambda s, x, y: x + y,
    "sub": lambda s, x, y: x - y,
    "mul": lambda s, x, y: x * y,
    "div": lambda s, x, y: x / y,
    "neg": lambda s, x: -x,
    "abs": lambda s, x: s.abs(x),
    "sign": _sign,
    "sqrt": lambda s, x: s.sqrt(x),
    "lt": lambda s, x, y: x < y,
    "le": lambda s, x, y: x <= y,
    "eq": lambda s, x, y: x.equals(y),
    "ne": lambda s, x, y: x.differs(y),
    "and": lambda s, x, y: x & y,
    "or": lambda s, x, y: x | y,
    "not": lambda s, x: ~x,
    "where": lambda s, condition, x, y: s.select(condition, x, y),
    "minimum": _minimum,
    "maximum": _maximum,
    "relu": lambda s, x: s.select(x <= 0.0, 0.0, x),
    **{name: getattr(vmath, name) for name in ("exp", "expm1", "log", "log1p", "tanh", "sigmoid", "softplus", "erf")},
    "sin": _vector("sin", "sin"),
    "cos": _vector("cos", "cos"),
    "tan": _vector("tan", "tan"),
    "arcsin": _vector("arcsin", "asin"),
    "arccos": _vector("arccos", "acos"),
    "arctan": _vector("arctan", "atan"),
    "sinh": _vector("sinh", "sinh"),
    "cosh": _vector("cosh", "cosh"),
    "pow": _vector("pow", "pow", 2),
}


def emit_constant(s: Any, value: float | bool) -> Vector:
    """The same value in every lane."""
    if isinstance(value, bool):
        kind = ir.VectorType(ir.IntType(1), s.lanes)
        return Vector(s, ir.Constant(kind, [int(value)] * s.lanes))
    return s.constant(value)
