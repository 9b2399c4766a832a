"""Traversals of a graph: what is needed, what depends on what, and the same formula with other leaves. None is recursive,
since formulas may be thousands of operators deep."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from .errors import trace_error
from .node import Node, NodeTape

Value = TypeVar("Value")


def reachable(roots: Iterable[Node], operands: Callable[[Node], Iterable[Node]]) -> list[Node]:
    """The roots and all that is reachable from them through ``operands``, each once."""
    seen: set[int] = set()
    waiting = list(roots)
    found = []
    while waiting:
        node = waiting.pop()
        if node.index not in seen:
            seen.add(node.index)
            found.append(node)
            waiting.extend(operands(node))
    return found


def live(outputs: Sequence[Node], stop: Sequence[Node] = ()) -> list[Node]:
    """The nodes that the outputs need, each after its arguments; what only the nodes of ``stop`` need is left out."""
    ends = {node.index for node in stop}
    found = reachable(outputs, lambda node: () if node.index in ends else node.args)
    return sorted(found, key=lambda node: node.index)


def dependent(nodes: Sequence[Node], wrt: Sequence[Node]) -> set[int]:
    """Indices of ``wrt`` and of the nodes whose values change with it; ``nodes`` are in order."""
    changing = {node.index for node in wrt}
    for node in nodes:
        if node.op != "size" and any(a.index in changing for a in node.args):
            changing.add(node.index)
    return changing


def sum_levels(nodes: Sequence[Node]) -> dict[int, int]:
    """For each node, by its index, how many sums are nested in it; ``nodes`` are in order."""
    levels: dict[int, int] = {}
    for node in nodes:
        levels[node.index] = max((levels[a.index] for a in node.args), default=0) + (node.op in ("sum", "max"))
    return levels


def evaluate_node(
    node: Node, known: dict[int, Value], leaf: Callable[[Node], Value | None], operator: Callable[[Node], Value]
) -> Value:
    """A node's value, of whatever kind values are, and on the way those of its arguments.

    Parameters
    ----------
    known : dict
        Values by the nodes' indices; new ones are added.
    leaf : callable
        The value of a node that needs no arguments, None for others.
    operator : callable
        The value of a node whose arguments are known.
    """
    waiting = [node]
    while waiting:
        now = waiting[-1]
        if now.index not in known:
            value = leaf(now)
            if value is None:
                missing = [a for a in now.args if a.index not in known]
                if missing:
                    waiting += missing
                    continue
                value = operator(now)
            known[now.index] = value
        waiting.pop()
    return known[node.index]


def substitute(outputs: Sequence[Node], replace: dict[Node, Node]) -> list[Node]:
    """The outputs with some leaves replaced by other nodes."""
    if not outputs:
        return []
    tape = outputs[0].tape
    new: dict[int, Node] = {old.index: node for old, node in replace.items()}
    for node in live(outputs, list(replace)):
        if node.index not in new:
            args = [new[a.index] for a in node.args]
            new[node.index] = node if all(a is b for a, b in zip(args, node.args, strict=True)) else _copy(tape, node, args)
    return [new[node.index] for node in outputs]


def _copy(tape: NodeTape, node: Node, args: list[Node]) -> Node:
    """The same operator on other arguments."""
    if node.op == "sum":
        return tape.sum(args[0])
    if node.op == "max":
        return tape.max(args[0])
    if node.op == "join":
        return tape.join(node.shape[0], list(zip(node.attr, args, strict=True)))
    if node.op == "size":
        return tape.size(args[0])
    if node.op == "element":
        return tape.element(args[0], node.attr)
    if node.op == "slice":
        return tape.slice(args[0], *node.attr)
    if node.op == "stack":
        return tape.stack(args)
    if node.op == "variable":
        return tape.variable(args[0])
    if node.op == "assemble":
        raise trace_error("Derivatives of long vectors cannot be nested.", "Use single numbers or vectors of up to 64 values.")
    return tape.make(node.op, *args)
