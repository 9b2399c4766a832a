"""Means over the samples of a batch that a formula computes further with.

In the graph of one sample each is a leaf: a number, or a vector of one for each output, that is the same for all samples and
known once the batch has been gone through. What it is the mean of is kept beside it, and may use other means.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .errors import trace_error
from .node import Node
from .traversal import live, reachable

if TYPE_CHECKING:
    from .tape import Tape


class BatchMeans:
    """The means over the batch on one tape.

    Parameters
    ----------
    tape : Tape

    Attributes
    ----------
    of_samples : set of int
        Indices of the leaves that differ from sample to sample.
    samples : Node or None
        The number of samples, where a formula has asked for it.
    """

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self.of_samples: set[int] = set()
        self.samples: Node | None = None
        self._of: dict[int, Node] = {}  # what each leaf is the mean of
        self._leaves: dict[int, Node] = {}  # by the index of that

    def size(self) -> Node:
        """The number of samples."""
        if self.samples is None:
            self.samples = self._tape.input("samples")
        return self.samples

    def is_same(self, node: Node) -> bool:
        """Whether a node has the same value for all samples."""
        return not any(n.index in self.of_samples for n in live([node]))

    def over(self, node: Node) -> Node:
        """The mean of a node over the samples; factors that are the same for all of them stay outside of it."""
        tape, node = self._tape, self._tape.number(node)
        if node.op == "stack":
            return tape.stack([self.over(element) for element in node.args])
        if self.is_same(node):
            return node
        if node.op == "neg":
            return tape.make("neg", self.over(node.args[0]))
        if node.op in ("mul", "div") and self.is_same(node.args[1]):
            return tape.make(node.op, self.over(node.args[0]), node.args[1])
        if node.op == "mul" and self.is_same(node.args[0]):
            return tape.make("mul", node.args[0], self.over(node.args[1]))
        if node.index not in self._leaves:
            if any(n.op in ("assemble", "join") for n in live([node])):
                raise trace_error(
                    "A loss cannot take single ones of many means over the batch.", "Take the columns first, then their means."
                )
            leaf = self._tape.input(f"mean {len(self._of)}", node.shape)
            self._leaves[node.index], self._of[leaf.index] = leaf, node
        return self._leaves[node.index]

    def of(self, leaf: Node) -> Node:
        """What a leaf is the mean of."""
        return self._of[leaf.index]

    def operands(self, node: Node) -> Sequence[Node]:
        """What a node is computed from: of a mean, what it is the mean of."""
        return (self._of[node.index],) if node.index in self._of else node.args

    def needed(self, outputs: Sequence[Node]) -> list[Node]:
        """The means that outputs need, each after those that it is made of."""
        found = [node for node in reachable(outputs, self.operands) if node.index in self._of]
        return sorted(found, key=lambda node: node.index)

    def levels(self, leaves: Sequence[Node]) -> list[int]:
        """For each of some means, which are all that they need, how many passes over the batch come before its own."""
        found: dict[int, int] = {}
        for leaf in leaves:
            found[leaf.index] = max((1 + found[n.index] for n in live([self.of(leaf)]) if n.index in found), default=0)
        return [found[leaf.index] for leaf in leaves]
