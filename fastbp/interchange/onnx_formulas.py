"""Formulas as ONNX operators, and ONNX operators as formulas."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

Write = Callable[..., str]  # (writer, names of the operands) -> name of the result


class Nodes(Protocol):
    """What a formula needs of the writer of a graph; see onnx_export.Writer."""

    def node(self, op: str, *inputs: str, **attributes: Any) -> str: ...
    def number(self, value: float) -> str: ...
    def truth(self, value: bool) -> str: ...
    def is_nan(self, x: str) -> str: ...


def _op(name: str) -> Write:
    return lambda w, *x: w.node(name, *x)


def _power(base: float) -> Write:
    return lambda w, x: w.node("Exp", w.node("Mul", x, w.number(math.log(base))))


def _logarithm(base: float) -> Write:
    return lambda w, x: w.node("Mul", w.node("Log", x), w.number(1 / math.log(base)))


def _near_zero(near: Callable[[Nodes, str], str], far: Callable[[Nodes, str], str]) -> Write:
    """``near(x)`` where x is within 0.01 of 0, ``far(x)`` elsewhere."""

    def write(w: Nodes, x: str) -> str:
        small = w.node("Less", w.node("Abs", x), w.number(0.01))
        return w.node("Where", small, near(w, w.node("Where", small, x, w.number(0.0))), far(w, x))

    return write


def _series(*coefficients: float) -> Callable[[Nodes, str], str]:
    """x times a polynomial of x, the constant first."""

    def write(w: Nodes, x: str) -> str:
        total = w.number(coefficients[-1])
        for c in reversed(coefficients[:-1]):
            total = w.node("Add", w.node("Mul", total, x), w.number(c))
        return w.node("Mul", total, x)

    return write


_expm1 = _near_zero(
    _series(1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720), lambda w, x: w.node("Sub", w.node("Exp", x), w.number(1.0))
)
_log1p = _near_zero(
    _series(1, -1 / 2, 1 / 3, -1 / 4, 1 / 5, -1 / 6, 1 / 7), lambda w, x: w.node("Log", w.node("Add", x, w.number(1.0)))
)


def _extreme(comparison: str) -> Write:
    """The smaller or the larger one; NaN wherever one of them is NaN, which ONNX leaves open."""
    return lambda w, x, y: w.node("Where", w.node("Or", w.node(comparison, x, y), w.is_nan(x)), x, y)


def _extreme_but_nan(comparison: str) -> Write:
    return lambda w, x, y: w.node("Where", w.node("Or", w.node(comparison, x, y), w.is_nan(y)), x, y)


def _hypot(w: Nodes, x: str, y: str) -> str:
    x, y = w.node("Abs", x), w.node("Abs", y)
    more = w.node("Less", x, y)
    large, small = w.node("Where", more, y, x), w.node("Where", more, x, y)
    ratio = w.node("Div", small, w.node("Where", w.node("Equal", large, w.number(0.0)), w.number(1.0), large))
    return w.node("Mul", large, w.node("Sqrt", w.node("Add", w.node("Mul", ratio, ratio), w.number(1.0))))


def _logaddexp(w: Nodes, x: str, y: str) -> str:
    same, difference = w.node("Equal", x, y), w.node("Abs", w.node("Sub", x, y))
    difference = w.node("Where", same, w.number(0.0), difference)
    return w.node("Add", _extreme("Greater")(w, x, y), _log1p(w, w.node("Exp", w.node("Neg", difference))))


def _softplus(w: Nodes, x: str) -> str:
    return w.node("Add", w.node("Relu", x), _log1p(w, w.node("Exp", w.node("Neg", w.node("Abs", x)))))


def _sigmoid_derivative(w: Nodes, x: str) -> str:
    small = w.node("Exp", w.node("Neg", w.node("Abs", x)))
    more = w.node("Add", small, w.number(1.0))
    return w.node("Div", small, w.node("Mul", more, more))


def _one_minus_square(w: Nodes, x: str) -> str:
    return w.node("Mul", w.node("Sub", w.number(1.0), x), w.node("Add", w.number(1.0), x))


# What stands for each operator of fastbp's graph. Only operators that onnxruntime has for float and double.
OPERATORS: dict[str, Write] = {
    **{name: _op(name.capitalize()) for name in ("add", "sub", "mul", "div", "pow", "and", "or", "not", "where")},
    **{name: _op(name.capitalize()) for name in ("neg", "abs", "sign", "sqrt", "exp", "log", "sin", "cos", "tan", "erf")},
    **{name: _op(name.capitalize()) for name in ("sinh", "cosh", "tanh", "sigmoid", "relu")},
    **{f"arc{name}": _op(f"A{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "exp2": _power(2.0),
    "expm1": _expm1,
    "log2": _logarithm(2.0),
    "log10": _logarithm(10.0),
    "log1p": _log1p,
    "softplus": _softplus,
    "lt": _op("Less"),
    "le": _op("LessOrEqual"),
    "eq": _op("Equal"),
    "ne": lambda w, x, y: w.node("Not", w.node("Equal", x, y)),
    "minimum": _extreme("Less"),
    "maximum": _extreme("Greater"),
    "fmin": _extreme_but_nan("Less"),
    "fmax": _extreme_but_nan("Greater"),
    "hypot": _hypot,
    "logaddexp": _logaddexp,
    "sigmoid_derivative": _sigmoid_derivative,
    "one_minus_square": _one_minus_square,
    "cosine_of": lambda w, x, y: w.node("Div", x, _hypot(w, x, y)),
}


def write_formula(writer: Nodes, z: Any, value: Any, name: str) -> str:
    """The operators of a formula of ``name``'s tensor; the name of the result."""
    from ..graph.tracing.traversal import live

    called = {z.index: name}
    for node in live([value]):
        if node is z:
            continue
        if node.op == "constant":
            called[node.index] = writer.truth(node.attr) if isinstance(node.attr, bool) else writer.number(node.attr)
        else:
            called[node.index] = OPERATORS[node.op](writer, *(called[a.index] for a in node.args))
    return called[value.index]
