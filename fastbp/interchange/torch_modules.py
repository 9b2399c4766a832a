"""Modules of torch for what torch.nn has not. They are made when they are first asked for, as pickle does by their names."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

# fastbp's operators by torch's functions: those of the same name, and the others.
_SAME_NAMES = (
    *("abs", "sign", "sqrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "sinh", "cosh"),
    *("tanh", "arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh", "sigmoid", "relu", "erf", "fmin", "fmax"),
    *("minimum", "maximum", "hypot", "logaddexp", "pow", "where"),
)
_OTHERS: dict[str, Callable[..., Any]] = {
    "add": lambda t, x, y: x + y,
    "sub": lambda t, x, y: x - y,
    "mul": lambda t, x, y: x * y,
    "div": lambda t, x, y: x / y,
    "neg": lambda t, x: -x,
    "lt": lambda t, x, y: x < y,
    "le": lambda t, x, y: x <= y,
    "eq": lambda t, x, y: x == y,
    "ne": lambda t, x, y: x != y,
    "and": lambda t, x, y: x & y,
    "or": lambda t, x, y: x | y,
    "not": lambda t, x: ~x,
    "softplus": lambda t, x: t.logaddexp(x, t.zeros_like(x)),
    "sigmoid_derivative": lambda t, x: t.sigmoid(x) * t.sigmoid(-x),
    "one_minus_square": lambda t, x: (1 - x) * (1 + x),
    "cosine_of": lambda t, x, y: x / t.hypot(x, y),
}
OPERATORS = {*_SAME_NAMES, *_OTHERS}


@cache
def _classes() -> dict[str, Any]:
    import torch

    def compute(op: str, values: list[Any]) -> Any:
        return _OTHERS[op](torch, *values) if op in _OTHERS else getattr(torch, op)(*values)

    class Formula(torch.nn.Module):
        """A formula of each number: the steps of formulas.py, and the activation's name and settings, if it has one."""

        def __init__(self, steps: Any, activation: Any) -> None:
            super().__init__()
            self.steps, self.activation = steps, activation

        def forward(self, z: Any) -> Any:
            values: list[Any] = []
            for op, what in self.steps:
                if op == "input":
                    values.append(z)
                elif op == "constant":
                    kind = torch.bool if isinstance(what, bool) else z.dtype
                    values.append(torch.tensor(what, dtype=kind, device=z.device))
                else:
                    values.append(compute(op, [values[i] for i in what]))
            return values[-1]

        def extra_repr(self) -> str:
            return str(self.activation or "of one's own")

    class Standardize(torch.nn.Module):
        """Each number about its mean, in standard deviations; or inverted, from there back."""

        def __init__(self, mean: Any, deviation: Any, invert: bool) -> None:
            super().__init__()
            self.register_buffer("mean", mean)
            self.register_buffer("deviation", deviation)
            self.invert = invert

        def forward(self, x: Any) -> Any:
            return x * self.deviation + self.mean if self.invert else (x - self.mean) / self.deviation

        def extra_repr(self) -> str:
            return f"invert={self.invert}"

    class Unit(torch.nn.Module):
        """Each row over its length."""

        def forward(self, x: Any) -> Any:
            return torch.nn.functional.normalize(x, dim=-1, eps=1e-12)

    found = {cls.__name__: cls for cls in (Formula, Standardize, Unit)}
    for name, cls in found.items():
        cls.__qualname__ = name
    return found


def __getattr__(name: str) -> Any:
    if name in ("Formula", "Standardize", "Unit"):
        return _classes()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
