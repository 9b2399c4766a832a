"""The chain rule: adds the nodes of a graph's derivatives.

Reverse mode goes backwards from the result: each node passes its derivative on to its arguments; forward_mode.py has the
other mode. The derivatives are nodes of the same tape, so they can be differentiated again.

Where a formula sums over data, the factors that are the same in every row are kept outside of the sum. So the derivative of
``sqrt(sum(r * r))`` needs one pass over the data, not one for the sum and another one for the derivatives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tracing.node import Node, NodeTape
from ..tracing.node_array import MAX_UNROLLED
from ..tracing.simplify import is_constant
from ..tracing.traversal import dependent, live
from .pieces import joined_pieces
from .rules import RULES

# The derivative with respect to a node with rows: {factor: part}, the sum of factor * part, factors being single numbers.
Parts = dict[Node, Node]

LEAVES = {"input", "constant", "captured", "variable", "size"}


def _add(parts: Parts, factor: Node, part: Node) -> None:
    if part.op == "neg":  # a - b rather than a + (-b)
        parts[factor] = parts[factor] - part.args[0] if factor in parts else part
    else:
        parts[factor] = parts[factor] + part if factor in parts else part


def _total(tape: NodeTape, parts: Parts) -> Node | None:
    total = None
    for factor, part in parts.items():
        term = part if factor.op == "constant" and factor.attr == 1.0 else tape.make("mul", factor, part)
        total = term if total is None else tape.make("add", total, term)
    return total


def gradient(output: Node, wrt: Sequence[Node], seed: Node | None = None) -> list[Node]:
    """The derivatives of a single number with respect to each node of ``wrt``, walking backwards.

    Parameters
    ----------
    output : Node
        A single number; with ``seed`` it may have rows.
    wrt : sequence of Node
        Arguments or variables.
    seed : Node, optional
        The derivative of some result with respect to ``output``; 1 if not given.

    Returns
    -------
    list of Node
        Of the shapes of ``wrt``.
    """
    tape = output.tape
    one = tape.constant(1.0)
    nodes = live([output], wrt)
    changing = dependent(nodes, wrt)
    ends = {node.index for node in wrt}
    scalar: dict[int, Node] = {}  # derivatives with respect to single numbers
    rows: dict[int, Parts] = {}  # with respect to nodes with rows
    places: dict[int, list[tuple[Any, Node]]] = {}  # with respect to elements and slices of a leaf
    _accumulate(tape, output, {one: one if seed is None else seed}, output, scalar, rows)
    for node in reversed(nodes):
        if node.index not in changing or node.op in LEAVES or node.index in ends:
            continue
        parts = rows.get(node.index) if node.shape else _single(one, scalar.get(node.index))
        if not parts:
            continue
        if node.op in ("element", "slice"):
            total = _total(tape, parts)
            assert total is not None
            places.setdefault(node.args[0].index, []).append((node.attr, total))
            continue
        if node.op == "sum":
            rows.setdefault(node.args[0].index, {})
            _add(rows[node.args[0].index], scalar[node.index], one)
            continue
        if node.op == "max":  # equal largest values have equal parts of the derivative
            (argument,) = node.args
            is_largest = tape.make("eq", argument, node)
            share = tape.make("div", scalar[node.index], tape.sum(is_largest))
            rows.setdefault(argument.index, {})
            _add(rows[argument.index], one, tape.make("where", is_largest, share, tape.constant(0.0)))
            continue
        if node.op == "join":
            total = _total(tape, parts)
            assert total is not None
            for place, argument in zip(node.attr, node.args, strict=True):
                part = total
                if total.shape:
                    part = tape.rows(total, place) if argument.shape else tape.element(total, place[0])
                _accumulate(tape, argument, {one: part}, argument, scalar, rows)
            continue
        if node.op == "stack":
            total = _total(tape, parts)
            assert total is not None
            for i, argument in enumerate(node.args):
                _accumulate(tape, argument, {one: tape.element(total, i) if total.shape else total}, argument, scalar, rows)
            continue
        for factor, part in parts.items():
            for argument, contribution in zip(node.args, contributions(tape, part, node), strict=True):
                if contribution is not None and argument.index in changing:
                    _accumulate(tape, argument, {factor: contribution}, node, scalar, rows)
    return [_gather(tape, w, scalar.get(w.index), rows.get(w.index, {}), places.get(w.index, [])) for w in wrt]


def contributions(tape: NodeTape, part: Node, node: Node) -> Sequence[Node | None]:
    """What one part of a node's derivative adds to those of its arguments.

    Where a condition set the part to zero it sets the contributions to zero: a derivative there may be infinite, and 0 times
    that is NaN.
    """
    choices = []
    while part.op == "where" and any(is_constant(choice, 0) for choice in part.args[1:]):
        choices.append(part)
        part = part.args[1 if is_constant(part.args[2], 0) else 2]
    found: Sequence[Node | None] = RULES[node.op](part, node, *node.args)
    for choice in reversed(choices):
        condition, x, y = choice.args
        if is_constant(y, 0):
            found = tuple(s if s is None else tape.make("where", condition, s, y) for s in found)
        else:
            found = tuple(s if s is None else tape.make("where", condition, x, s) for s in found)
    return found


def _single(one: Node, value: Node | None) -> Parts:
    return {} if value is None else {one: value}


def _accumulate(
    tape: NodeTape, argument: Node, parts: Parts, node: Node, scalar: dict[int, Node], rows: dict[int, Parts]
) -> None:
    """Add what ``node`` passes on to one of its arguments; a single number gets the sum over the node's rows."""
    for factor, part in parts.items():
        if argument.shape:
            _add(rows.setdefault(argument.index, {}), factor, part)
            continue
        if node.shape:
            part = tape.sum(part) if part.shape else tape.make("mul", part, tape.size(node))
        part = tape.make("mul", factor, part)
        known = scalar.get(argument.index)
        scalar[argument.index] = part if known is None else tape.make("add", known, part)


def _gather(tape: NodeTape, leaf: Node, single: Node | None, parts: Parts, places: list[tuple[Any, Node]]) -> Node:
    """The whole derivative with respect to one leaf, in its shape."""
    zero = tape.constant(0.0)
    if not leaf.shape:
        return zero if single is None else single
    length = leaf.shape[0]
    total = _total(tape, parts)
    if not tape.adds_pieces and (length > MAX_UNROLLED or any(isinstance(place, tuple) for place, _ in places)):
        joined = joined_pieces(tape, leaf, places) if places else None
        if joined is not None:
            return joined if total is None else tape.make("add", joined, total)
    if length > MAX_UNROLLED:
        whole = [] if total is None else [total]
        if not places and total is not None and total.shape:
            return total
        return tape.assemble(length, whole, places)
    if not places and total is not None and total.shape:
        return total
    elements = [zero if total is None else tape.element(total, i) if total.shape else total for i in range(length)]
    for place, value in places:
        covered = range(*place) if isinstance(place, tuple) else [place]
        for i, k in enumerate(covered):
            elements[k] = tape.make("add", elements[k], tape.element(value, i) if value.shape else value)
    return tape.stack(elements)
