"""Formulas of one number as steps, which other programs' formulas become too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..activations import Activation
from ..graph.tracing.functions import apply
from ..graph.tracing.traversal import live
from .operations import formula

Step = tuple[str, Any]  # an operator and the numbers of the steps of its operands; ("input", None); ("constant", its value)


def steps_of(activation: Activation) -> list[Step]:
    """An elementwise activation, the result last."""
    graph, places, steps = formula(activation), dict[int, int](), list[Step]()
    for node in live([graph.value]):
        places[node.index] = len(steps)
        what = None if node.op == "input" else node.attr if node.op == "constant" else [places[a.index] for a in node.args]
        steps.append((node.op, what))
    return steps


class Formula:
    """A function of each number that computes by steps; it can be traced, and pickled.

    Parameters
    ----------
    steps : sequence of Step
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = list(steps)

    def __call__(self, z: Any) -> Any:
        values: list[Any] = []
        for op, what in self.steps:
            if op == "input":
                values.append(z)
            elif op == "constant":
                values.append(what)
            else:
                values.append(apply(op, *(values[i] for i in what)))
        return values[-1]
