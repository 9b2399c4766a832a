"""The chain rule with the formula: each node's rate of change comes from its arguments' rates (forward mode).

Slopes may be infinite where nothing changes: that of ``sqrt(a * x)`` at x = 0, whatever a is. 0 times infinity is NaN, so a
rate that is known to be zero is not multiplied at all: that of a node on which the leaf has no effect, and, where the slope
is infinite, one that has a factor of zero in this row whatever the leaf is.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..tracing.node import Node, NodeTape
from ..tracing.simplify import is_constant
from ..tracing.walks import live
from .chain_rule import shares

_THROUGH_ZERO = {
    "neg",
    "abs",
    "sign",
    "sqrt",
    "expm1",
    "log1p",
    "sin",
    "tan",
    "arcsin",
    "arctan",
    "sinh",
    "tanh",
    "erf",
    "relu",
}
Factors = frozenset[Node]


def push(outputs: Sequence[Node], tangents: dict[Node, Node]) -> list[Node]:
    """The rates of change of the outputs when the given leaves (or elements of leaves) change at the given rates."""
    if not outputs:
        return []
    tape = outputs[0].tape
    rates = {node.index: rate for node, rate in tangents.items()}
    for node in live(outputs, list(tangents)):
        if node.index not in rates and node.op != "size":
            rate = _rate(tape, node, rates, {leaf.index for leaf in tangents})
            if rate is not None and not is_constant(rate, 0):
                rates[node.index] = rate
    return [rates.get(node.index, tape.constant(0.0)) for node in outputs]


def _rate(tape: NodeTape, node: Node, rates: dict[int, Node], leaves: set[int]) -> Node | None:
    """A node's rate from those of its arguments; None where it does not change."""
    if not any(a.index in rates for a in node.args):
        return None
    if node.op in ("sum", "element", "slice", "stack"):
        return _linear(tape, node, [rates.get(a.index, tape.constant(0.0)) for a in node.args])
    total = None
    for k, argument in enumerate(node.args):
        if argument.index in rates:
            share = shares(tape, rates[argument.index], node)[k]
            if share is not None:
                if k == 0 and _may_be_steep(node):
                    share = _unless_zero(tape, share, rates[argument.index], leaves)
                total = share if total is None else tape.make("add", total, share)
    return total


def _linear(tape: NodeTape, node: Node, rates: list[Node]) -> Node:
    """The rate of a sum, a pick or a stack."""
    if node.op == "stack":
        return tape.stack(rates)
    (rate,) = rates
    if node.op == "sum":
        return tape.sum(rate) if rate.shape else tape.make("mul", rate, tape.size(node.args[0]))
    if not rate.shape:
        return rate
    return tape.element(rate, node.attr) if node.op == "element" else tape.slice(rate, *node.attr)


def _may_be_steep(node: Node) -> bool:
    """Whether its slope by its first argument may be infinite where it is finite itself."""
    if node.op == "pow":
        return node.args[1].op != "constant" or node.args[1].attr < 1.0
    return node.op in ("sqrt", "arcsin", "arccos")


def _unless_zero(tape: NodeTape, share: Node, rate: Node, leaves: set[int]) -> Node:
    """The share, but 0 where a factor of the rate is 0."""
    for factor in sorted(_factors(rate, leaves), key=lambda node: node.index):
        if factor.op != "constant":
            is_zero = tape.make("eq", factor, tape.constant(0.0))
            share = tape.make("where", is_zero, tape.constant(0.0), share)
    return share


def _factors(rate: Node, leaves: set[int]) -> Factors:
    """Nodes that do not change with the leaves and make the rate 0 where they are 0."""
    changing = set(leaves)
    known: dict[int, Factors] = {}
    for node in live([rate]):
        if node.index not in leaves and not any(a.index in changing for a in node.args):
            known[node.index] = frozenset([node])
            continue
        changing.add(node.index)
        of = [known[a.index] for a in node.args]
        if node.op == "mul":
            known[node.index] = of[0] | of[1]
        elif node.op == "div" or node.op in _THROUGH_ZERO:
            known[node.index] = of[0]
        elif node.op in ("add", "sub"):
            known[node.index] = of[0] & of[1]
        else:
            known[node.index] = frozenset()
    return known[rate.index]
