"""Forward mode of the chain rule: each node's tangent is computed from its arguments' tangents.

Derivatives may be infinite where nothing changes: that of ``sqrt(a * x)`` at x = 0, whatever a is. 0 times infinity is NaN, so
a tangent that is known to be zero is not multiplied at all: that of a node on which the leaf has no effect, and, where the
derivative is infinite, one that has a factor of zero in this row whatever the leaf is.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..tracing.node import Node, NodeTape
from ..tracing.simplify import is_constant
from ..tracing.traversal import live
from .chain_rule import contributions
from .pieces import filled

# Operators that are 0 at 0.
_ZERO_AT_ZERO = {
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


def jvp(outputs: Sequence[Node], leaves: dict[Node, Node]) -> list[Node]:
    """The outputs' tangents, from those of leaves (or of elements of leaves): the Jacobian times a vector, as in JAX."""
    if not outputs:
        return []
    tape = outputs[0].tape
    tangents = {node.index: tangent for node, tangent in leaves.items()}
    indices = set(tangents)
    for node in live(outputs, list(leaves)):
        if node.index not in tangents and node.op != "size":
            tangent = _tangent(tape, node, tangents, indices)
            if tangent is not None and not is_constant(tangent, 0):
                tangents[node.index] = tangent
    return [tangents.get(node.index, tape.constant(0.0)) for node in outputs]


def _tangent(tape: NodeTape, node: Node, tangents: dict[int, Node], leaves: set[int]) -> Node | None:
    """A node's tangent from those of its arguments; None where it does not change."""
    if not any(a.index in tangents for a in node.args):
        return None
    if node.op in ("sum", "max", "element", "slice", "stack", "join", "assemble"):
        return _linear(tape, node, [tangents.get(a.index, tape.constant(0.0)) for a in node.args])
    total = None
    for k, argument in enumerate(node.args):
        if argument.index in tangents:
            contribution = contributions(tape, tangents[argument.index], node)[k]
            if contribution is not None:
                if k == 0 and _may_have_infinite_derivative(node):
                    contribution = _unless_zero(tape, contribution, tangents[argument.index], leaves)
                total = contribution if total is None else tape.make("add", total, contribution)
    return total


def _linear(tape: NodeTape, node: Node, tangents: list[Node]) -> Node:
    """The tangent of a sum, an element, a slice, a stack or a long vector made of parts."""
    if node.op == "stack":
        return tape.stack(tangents)
    if node.op == "assemble":
        whole = node.attr[0]
        return tape.assemble(node.shape[0], tangents[:whole], list(zip(node.attr[1:], tangents[whole:], strict=True)))
    if node.op == "join":
        parts = [filled(tangent, argument) for tangent, argument in zip(tangents, node.args, strict=True)]
        return tape.join(node.shape[0], list(zip(node.attr, parts, strict=True)))
    (tangent,) = tangents
    if node.op == "max":
        if not tangent.shape:
            return tangent
        is_largest = tape.make("eq", node.args[0], node)
        chosen = tape.make("where", is_largest, tangent, tape.constant(0.0))
        return tape.make("div", tape.sum(chosen), tape.sum(is_largest))
    if node.op == "sum":
        return tape.sum(tangent) if tangent.shape else tape.make("mul", tangent, tape.size(node.args[0]))
    if not tangent.shape:
        return tangent
    return tape.element(tangent, node.attr) if node.op == "element" else tape.slice(tangent, *node.attr)


def _may_have_infinite_derivative(node: Node) -> bool:
    """Whether its derivative with respect to its first argument may be infinite where it is finite itself."""
    if node.op == "pow":
        return node.args[1].op != "constant" or node.args[1].attr < 1.0
    return node.op in ("sqrt", "arcsin", "arccos")


def _unless_zero(tape: NodeTape, contribution: Node, tangent: Node, leaves: set[int]) -> Node:
    """The contribution, but 0 where a factor of the tangent is 0."""
    for factor in sorted(_factors(tangent, leaves), key=lambda node: node.index):
        if factor.op != "constant":
            is_zero = tape.make("eq", factor, tape.constant(0.0))
            contribution = tape.make("where", is_zero, tape.constant(0.0), contribution)
    return contribution


def _factors(tangent: Node, leaves: set[int]) -> Factors:
    """Nodes that do not change with the leaves and make the tangent 0 where they are 0."""
    changing = set(leaves)
    known: dict[int, Factors] = {}
    for node in live([tangent]):
        if node.index not in leaves and not any(a.index in changing for a in node.args):
            known[node.index] = frozenset([node])
            continue
        changing.add(node.index)
        of = [known[a.index] for a in node.args]
        if node.op == "mul":
            known[node.index] = of[0] | of[1]
        elif node.op == "div" or node.op in _ZERO_AT_ZERO:
            known[node.index] = of[0]
        elif node.op in ("add", "sub"):
            known[node.index] = of[0] & of[1]
        else:
            known[node.index] = frozenset()
    return known[tangent.index]
