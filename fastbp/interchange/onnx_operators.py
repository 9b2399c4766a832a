"""ONNX's elementwise operators as functions of fastbp's formulas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

from .. import activations
from ..graph.tracing.functions import apply
from .formulas import Formula, steps_of

Attributes = Mapping[str, Any]
Element = Callable[..., Any]  # (attributes, *operands)


def _same(name: str) -> Element:
    return lambda a, *x: apply(name, *x)


def _of(activation: Any, **settings: tuple[str, float]) -> Element:
    """An activation's formula; settings by ONNX's name of each, and its default there."""

    def compute(a: Attributes, x: Any) -> Any:
        given = {name: float(a.get(theirs, default)) for name, (theirs, default) in settings.items()}
        return activation._formula(x, **{**dict(activation.settings), **given})

    return compute


def _fold(name: str) -> Element:
    return lambda a, *x: reduce(lambda left, right: apply(name, left, right), x)


def _clip(a: Attributes, x: Any, low: Any = None, high: Any = None) -> Any:
    x = x if low is None else apply("maximum", x, low)
    return x if high is None else apply("minimum", x, high)


def _hard_sigmoid(a: Attributes, x: Any) -> Any:
    line = a.get("alpha", 0.2) * x + a.get("beta", 0.5)
    return apply("maximum", apply("minimum", line, 1.0), 0.0)


def _thresholded(a: Attributes, x: Any) -> Any:
    return apply("where", apply("le", x, float(a.get("alpha", 1.0))), 0.0, x)


def _selu(a: Attributes, x: Any) -> Any:
    alpha, gamma = a.get("alpha", 1.6732632423543772), a.get("gamma", 1.0507009873554805)
    return gamma * activations.elu._formula(x, alpha)


def _gelu(a: Attributes, x: Any) -> Any:
    return activations.gelu._formula(x, a.get("approximate", b"none") in (b"tanh", "tanh"))


ELEMENTWISE: dict[str, Element] = {
    **{name.capitalize(): _same(name) for name in ("add", "sub", "mul", "div", "pow", "and", "or", "not", "where")},
    **{name.capitalize(): _same(name) for name in ("neg", "abs", "sign", "sqrt", "exp", "log", "sin", "cos", "tan", "erf")},
    **{name.capitalize(): _same(name) for name in ("sinh", "cosh", "tanh", "sigmoid", "relu", "softplus")},
    **{f"A{name}": _same(f"arc{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "Less": _same("lt"),
    "LessOrEqual": _same("le"),
    "Greater": lambda a, x, y: apply("lt", y, x),
    "GreaterOrEqual": lambda a, x, y: apply("le", y, x),
    "Equal": _same("eq"),
    "IsNaN": lambda a, x: apply("ne", x, x),
    "Min": _fold("minimum"),
    "Max": _fold("maximum"),
    "Sum": _fold("add"),
    "Reciprocal": lambda a, x: apply("div", 1.0, x),
    "Clip": _clip,
    "LeakyRelu": _of(activations.leaky_relu, negative_slope=("alpha", 0.01)),
    "Elu": _of(activations.elu, alpha=("alpha", 1.0)),
    "Celu": _of(activations.celu, alpha=("alpha", 1.0)),
    "Selu": _selu,
    "Softsign": _of(activations.softsign),
    "Mish": _of(activations.mish),
    "HardSwish": _of(activations.hard_silu),
    "HardSigmoid": _hard_sigmoid,
    "ThresholdedRelu": _thresholded,
    "Gelu": _gelu,
}

# Those that are one of fastbp's activations, with their settings by ONNX's names and defaults there.
NAMED: dict[str, tuple[str, dict[str, tuple[str, float]]]] = {
    "Relu": ("relu", {}),
    "LeakyRelu": ("leaky_relu", {"negative_slope": ("alpha", 0.01)}),
    "Elu": ("elu", {"alpha": ("alpha", 1.0)}),
    "Celu": ("celu", {"alpha": ("alpha", 1.0)}),
    "Exp": ("exponential", {}),
    "Tanh": ("tanh", {}),
    "Sigmoid": ("sigmoid", {}),
    "Softplus": ("softplus", {}),
    "Softsign": ("softsign", {}),
    "Mish": ("mish", {}),
    "HardSwish": ("hard_silu", {}),
}


def named(op: str, attributes: Attributes) -> Any:
    """The activation that an operator of one number is."""
    name, settings = NAMED[op]
    given = {ours: float(attributes.get(theirs, default)) for ours, (theirs, default) in settings.items()}
    return getattr(activations, name)(**given)


class OnnxFormula:
    """A function of each number by ONNX's operators.

    Parameters
    ----------
    steps : sequence of (operator, attributes, operands)
        An operand is the number of a step, the argument being 0, or a constant in a list of one.
    """

    def __init__(self, steps: Sequence[tuple[str, Attributes, Sequence[Any]]]) -> None:
        self._steps = steps

    def __call__(self, z: Any) -> Any:
        values = [z]
        for op, attributes, operands in self._steps:
            given = (values[i] if isinstance(i, int) else i[0] if i else None for i in operands)
            values.append(ELEMENTWISE[op](attributes, *given))
        return values[-1]

    def formula(self) -> Formula:
        """The same by fastbp's own operators."""
        return Formula(steps_of(activations.custom(self, "formula")))
