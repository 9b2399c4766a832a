"""Leaves, vectors and their parts, on a tape on which equal nodes are one node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any

import numpy as np

from .errors import trace_error
from .node import Node, NodeTape, Shape
from .node_array import MAX_UNROLLED
from .traversal import evaluate_node

_WITH_ROWS = ("input", "captured", "variable")  # leaves that are not part of another one


class VectorTape(NodeTape):
    """All nodes of one formula, in the order in which they were made (so a node's arguments stand before it)."""

    adds_pieces = False

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._known: dict[Any, Node] = {}
        self.arrays: dict[int, np.ndarray] = {}  # arrays that the formula refers to without having them as arguments

    # -- leaves

    def input(self, name: str, shape: Shape = ()) -> Node:
        """A new argument."""
        return self._new("input", (), name, shape)

    def constant(self, value: Any) -> Node:
        """A number; equal numbers are one node (0.0 and -0.0 are not equal, NaN is equal to NaN)."""
        value = bool(value) if isinstance(value, bool | np.bool_) else float(value)
        return self._shared("constant", (), value, (), key=(type(value), repr(value)))

    def captured(self, array: np.ndarray) -> Node:
        """An array from outside the formula; its contents are read at each call."""
        if array.size == 0:
            raise trace_error("A formula cannot compute with an empty array.", "Give at least one number.")
        self.arrays[id(array)] = array
        return self._shared("captured", (), id(array), (array.size,))

    def size(self, node: Node) -> Node:
        """How many rows a node has, known when the graph runs."""
        if node.op in ("stack", "join"):
            return self.constant(node.shape[0])
        return self._shared("size", (self.rows_of(node),), None, ())

    def rows_of(self, node: Node) -> Node:
        """The first leaf that has as many rows as the node: lengths are read from it."""
        for leaf in self.nodes:
            if leaf.op in ("input", "captured", "slice", "variable") and leaf.shape == node.shape:
                return leaf
        raise AssertionError("a node with rows comes from a leaf with rows")

    # -- vectors and their elements

    def stack(self, elements: list[Node]) -> Node:
        """A short vector that is given by its elements."""
        if any(e.shape for e in elements):
            raise AssertionError("a stack is of single numbers")
        if any(e.is_logical for e in elements) and not all(e.is_logical for e in elements):
            elements = [self.number(e) for e in elements]
        return self._shared("stack", tuple(elements), None, (len(elements),))

    def assemble(self, length: int, whole: list[Node], pieces: list[tuple[Any, Node]]) -> Node:
        """A long vector: the sum of ``whole`` vectors, and of ``pieces`` that have a place (an index or a range) in it."""
        attr = (len(whole), *(place for place, _ in pieces))
        args = (*whole, *(node for _, node in pieces))
        return self._shared("assemble", args, attr, (length,), key=(length, attr, *(a.index for a in args)))

    def join(self, length: int, pieces: list[tuple[range, Node]]) -> Node:
        """A vector from pieces that fill it: vectors, each with the places of its values, and single numbers."""
        flat: list[tuple[range, Node]] = []
        for place, node in pieces:
            if node.op == "stack":
                flat += [(place[i : i + 1], element) for i, element in enumerate(node.args)]
            elif node.op == "join":
                flat += [(place[p.start : p.stop : p.step], part) for p, part in zip(node.attr, node.args, strict=True)]
            elif node.shape == (1,):
                flat.append((place, self.element(node, 0)))
            else:
                flat.append((place, node))
        if len(flat) == 1 and flat[0][1].shape:
            return flat[0][1]
        flat.sort(key=lambda piece: piece[0].start)
        nodes = [node for _, node in flat]
        if not any(node.shape for node in nodes):
            return self.stack(nodes)
        if any(node.is_logical for node in nodes) and not all(node.is_logical for node in nodes):
            nodes = [self.number(node) for node in nodes]
        return self._shared("join", tuple(nodes), tuple(place for place, _ in flat), (length,))

    def element(self, node: Node, i: int) -> Node:
        """One element; of an operator, the operator of the elements."""

        def pick(leaf: Node) -> Node | None:
            if leaf.op == "stack":
                return leaf.args[i]
            if leaf.op == "join":
                place, part = next((p, part) for p, part in zip(leaf.attr, leaf.args, strict=True) if i in p)
                return self.element(part, place.index(i)) if part.shape else part
            if leaf.op == "slice":
                return self._shared("element", leaf.args, range(*leaf.attr)[i], ())
            return self._shared("element", (leaf,), i, ()) if leaf.op in _WITH_ROWS else None

        return self._picked(node, pick)

    def slice(self, node: Node, start: int, stop: int, step: int = 1) -> Node:
        """Rows at equal distances; of an operator, the operator of the slices."""
        place = range(start, stop, step)
        if place != range(node.shape[0]) and node.shape[0] <= MAX_UNROLLED:
            return self.stack([self.element(node, i) for i in place])
        return self.rows(node, place)

    def rows(self, node: Node, place: range) -> Node:
        """The same by the places of the rows; vectors of parameters too stay whole."""
        if place == range(node.shape[0]):
            return node
        if len(place) == 1:
            return self.stack([self.element(node, i) for i in place])

        def pick(leaf: Node) -> Node | None:
            if leaf.op == "stack":
                return self.stack([leaf.args[i] for i in place])
            if leaf.op == "join":
                return self.join(len(place), list(self._pieces_within(leaf, place)))
            if leaf.op == "slice":
                return self._slice(leaf.args[0], range(*leaf.attr)[place.start : place.stop : place.step])
            return self._slice(leaf, place) if leaf.op in _WITH_ROWS else None

        return self._picked(node, pick)

    def _slice(self, leaf: Node, place: range) -> Node:
        """Its attribute is what builds the range; steps of 1 are left out."""
        attr = (place[0], place[-1] + 1, *([place.step] if place.step != 1 else []))
        return self._shared("slice", (leaf,), attr, (len(place),))

    def _pieces_within(self, joined: Node, place: range) -> Iterator[tuple[range, Node]]:
        """The parts of a join's pieces that lie in some places, and where in those."""
        for own, part in zip(joined.attr, joined.args, strict=True):
            if own == place:
                yield range(len(place)), part
            elif not part.shape:
                if own[0] in place:
                    at = place.index(own[0])
                    yield range(at, at + 1), part
            else:
                here = np.arange(own.start, own.stop, own.step)
                taken = np.flatnonzero((here >= place.start) & (here < place.stop) & ((here - place.start) % place.step == 0))
                if len(taken):
                    gap = int(taken[1] - taken[0]) if len(taken) > 1 else 1
                    first, last = int(taken[0]), int(taken[-1])
                    target = place.index(own[first])
                    distance = max(gap * own.step // place.step, 1)
                    where = range(target, target + distance * (len(taken) - 1) + 1, distance)
                    yield where, self.rows(part, range(first, last + 1, gap))

    def _picked(self, node: Node, pick: Callable[[Node], Node | None]) -> Node:
        """A node's operators applied to what ``pick`` takes from the leaves with rows; for an operator it gives None."""
        done: dict[int, Node] = {}

        def leaf(now: Node) -> Node | None:
            self.check_whole(now)
            return pick(now) if now.shape else now

        return evaluate_node(node, done, leaf, lambda now: self.make(now.op, *(done[a.index] for a in now.args)))

    def check_whole(self, node: Node) -> None:
        """Refuse a vector that only a result can be, since its pieces are put together after the compiled code has run."""
        if node.op == "assemble":
            raise trace_error(
                "A formula cannot compute further with a derivative by many parts of a long vector.",
                "Differentiate with respect to single numbers, or vectors as a whole.",
            )

    def sum(self, node: Node) -> Node:
        """The sum over all rows."""
        return self._reduced("sum", "add", self.number(node))

    def max(self, node: Node) -> Node:
        """The largest row; NaN if any is."""
        return self._reduced("max", "maximum", self.number(node))

    def _reduced(self, op: str, combine: str, node: Node) -> Node:
        self.check_whole(node)
        if not node.shape:
            return node
        if node.op not in ("stack", "join"):
            return self._shared(op, (node,), None, ())
        parts = [self._reduced(op, combine, part) for part in node.args]
        return reduce(lambda x, y: self.make(combine, x, y), parts)

    def exact_dot(self, x: Node, y: Node) -> Node:
        """The sum of the products over all rows, in twice the precision; only as a result, not inside of a formula."""
        return self._shared("exact_dot", (x, y), None, ())

    def variable(self, node: Node) -> Node:
        """A stand-in for a node, to differentiate with respect to; it is equal to no other node."""
        return self._new("variable", (node,), None, node.shape)

    # -- equal nodes are one

    def _shared(self, op: str, args: tuple[Node, ...], attr: Any, shape: Shape, key: Any = None) -> Node:
        key = (op, *(a.index for a in args), attr) if key is None else (op, key)
        if key not in self._known:
            self._known[key] = self._new(op, args, attr, shape)
        return self._known[key]

    def _new(self, op: str, args: tuple[Node, ...], attr: Any, shape: Shape) -> Node:
        node = Node(self, len(self.nodes), op, args, attr, shape)
        self.nodes.append(node)
        return node
