"""The sums behind a loss's means over the batch, of a group of its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ...kernels.simd.vector import Vector
from ...kernels.simd.vocabulary import Simd
from ..tracing.node import Node
from .block_code import BlockWriter, Sample
from .row_graphs import LossGraph


class SumsWriter(BlockWriter):
    """Writes the instructions of one pass over the batch: the sums go to ``g``, each to its place among all means."""

    def __init__(self, s: Simd, loss: LossGraph, arguments: Sequence[Any], level: int) -> None:
        places, _ = loss.places()
        found = [(mean.of, places[mean.leaf.index]) for mean in loss.means if mean.level == level]
        self._numbers = [(node, place) for node, place in found if not node.shape]
        self._vectors = [(node, place) for node, place in found if node.shape]
        super().__init__(s, loss, arguments, [node for node, _ in found])

    def write(self) -> None:
        s, target = self.s, self.arguments["g"]
        for node, place in self._vectors:
            self._for_each_vector(node.size, partial(self._add, place, None))
        totals = [s.variable(s.constant(0.0)) for _ in self._numbers]
        with self._blocks():
            mask = s.first_lanes(self.count)
            for (node, _), total in zip(self._numbers, totals, strict=True):
                total.set(total.get() + s.keep(mask, self._number(node)))
        for (_, place), total in zip(self._numbers, totals, strict=True):
            s.store_scalar(s.lane(s.sum(total.get())), s.offset(target, place))

    def _writes(self) -> list[tuple[Node, Callable[[Sample, Any, Vector | None, Vector], None]]]:
        def write(place: int, sample: Sample, j: Any, mask: Vector | None, values: Vector) -> None:
            self._add(place, values, j, mask)

        return [(node, partial(write, place)) for node, place in self._vectors]

    def _add(self, place: int, values: Vector | None, j: Any, mask: Vector | None) -> None:
        """Add a sample's values from output j on to their sums; None: begin with 0."""
        s = self.s
        address = s.offset(s.offset(self.arguments["g"], place), j)
        total = s.constant(0.0) if values is None else s.load_some(address, mask) + values
        s.store(total, address) if mask is None else s.store_masked(total, address, mask)
