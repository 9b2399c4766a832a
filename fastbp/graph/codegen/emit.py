"""Each operator as vector instructions, in the vocabulary of kernels/simd/vocabulary.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from ...kernels.math import functions as vmath
from ...kernels.simd.vector import Vector
from ..tracing.node import Node
from ..tracing.special.operator import OperatorTable
from ..tracing.special.table import SPECIAL
from ..tracing.traversal import evaluate_node

Known = dict[int, Vector]  # by the nodes' indices


def _minimum(s: Any, x: Any, y: Any) -> Any:
    return s.select((x < y) | x.differs(x), x, y)


def _maximum(s: Any, x: Any, y: Any) -> Any:
    return s.select((x > y) | x.differs(x), x, y)


def _sign(s: Any, x: Any) -> Any:
    return s.select(x > 0.0, 1.0, s.select(x < 0.0, -1.0, s.select(x.equals(0.0), 0.0, x)))


def _fmin(s: Any, x: Any, y: Any) -> Any:
    return s.select((x < y) | y.differs(y), x, y)


def _fmax(s: Any, x: Any, y: Any) -> Any:
    return s.select((x > y) | y.differs(y), x, y)


# Operators with the same name in kernels/math/functions.py.
_NAMED = (
    *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "pow", "softplus", "logaddexp"),
    *("sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "sigmoid", "sigmoid_derivative", "erf"),
    *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "hypot", "cosine_of", "one_minus_square"),
)

_EMITTERS: dict[str, Callable[..., Any]] = {
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
    "fmin": _fmin,
    "fmax": _fmax,
    "relu": lambda s, x: s.select(x <= 0.0, 0.0, x),
    **{name: getattr(vmath, name) for name in _NAMED},
    **{name: operator.emit for name, operator in SPECIAL.items()},
}
EMITTERS = OperatorTable(_EMITTERS, lambda operator: operator.emit)


def emit_constant(s: Any, value: float | bool) -> Vector:
    """The same value in every lane."""
    if isinstance(value, bool):
        kind = ir.VectorType(ir.IntType(1), s.lanes)
        return Vector(s, ir.Constant(kind, [int(value)] * s.lanes))
    spread: Vector = s.constant(value)
    return spread


def emit_node(s: Any, node: Node, known: Known, leaf: Callable[[Node], Vector | None]) -> Vector:
    """A node's vector: known, or given by ``leaf``, or an operator on the vectors of its arguments."""

    def operator(now: Node) -> Any:
        if now.op == "pow" and now.args[1].op == "constant" and now.args[1].attr == 0.0:
            return s.constant(1.0)
        return EMITTERS[now.op](s, *(known[a.index] for a in now.args))

    return evaluate_node(node, known, leaf, operator)


def emit_row_node(s: Any, node: Node, known: Known, read: Callable[[Node], Vector | None] = lambda _: None) -> Vector:
    """``emit_node`` where all lengths are known when code is written, and ``read`` gives what is in memory."""

    def leaf(now: Node) -> Any:
        found = read(now)
        if found is None and now.op == "constant":
            return emit_constant(s, now.attr)
        if found is None and now.op == "size":
            return s.constant(now.args[0].size)
        return found

    return emit_node(s, node, known, leaf)
