"""A custom loss as machine code: the value of each sample, and the gradient with respect to its outputs.

One that depends on means over the batch has a function for each pass over the batch besides, which adds up what those are
means of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...kernels.loss import ARGUMENTS
from ...kernels.simd.vector import Vector
from ...kernels.simd.vocabulary import Simd
from ..tracing.node import Node
from .batch_sums import SumsWriter
from .block_code import BlockWriter, Sample
from .function import write_function
from .row_graphs import LossGraph


def write_loss(module: Any, name: str, loss: LossGraph, dtype: str) -> list[str]:
    """Functions with the arguments of kernels/loss.py: one that overwrites g and row_loss, then one for each pass of means."""

    def write(name: str, body: Callable[..., None]) -> str:
        return str(write_function(module, name, len(ARGUMENTS), dtype, body).name)

    found = [write(name, lambda s, *arguments: _LossWriter(s, loss, arguments).write())]
    for level in range(len(loss.places()[1])):
        found.append(write(f"{name}_{level}", lambda s, *given, k=level: SumsWriter(s, loss, given, k).write()))
    return found


class _LossWriter(BlockWriter):
    """Writes the instructions of one loss."""

    def __init__(self, s: Simd, loss: LossGraph, arguments: Sequence[Any]) -> None:
        self.wholes, self.pieces = _parts(loss.gradient)
        super().__init__(s, loss, arguments, [loss.value, *self.wholes, *(node for _, node in self.pieces)])

    def write(self) -> None:
        with self._blocks():
            self._store_losses()
            if not self._is_stored_early:
                self._store_gradient()

    @property
    def _is_stored_early(self) -> bool:
        """Whether the gradient is one vector of outputs, to be stored in the same pass as sums are added up."""
        return not self.pieces and len(self.wholes) == 1 and bool(self.wholes[0].shape)

    def _writes(self) -> list[tuple[Node, Callable[[Sample, Any, Vector | None, Vector], None]]]:
        s = self.s

        def write(sample: Sample, j: Any, mask: Vector | None, gradient: Vector) -> None:
            s.store(s.keep(mask, gradient), s.offset(sample.g, j))

        return [(self.wholes[0], write)] if self._is_stored_early else []

    def _store_losses(self) -> None:
        s, b = self.s, self.s.b
        value, wide = self._number(self.loss.value).value, s.doubles()
        double = wide.wrap(value if s.dtype == "float64" else b.fpext(value, wide.vector))
        at = b.add(self.arguments["row_loss"], b.mul(self.first, s.index(8)))
        wide.store_masked(double, at, s.first_lanes(self.count))

    def _store_gradient(self) -> None:
        """The gradient where it has parts: first those for all outputs, then those for slices and single outputs."""
        s = self.s
        singles = [(place, node) for place, node in self.pieces if isinstance(place, int)]
        slices = [(place, node) for place, node in self.pieces if not isinstance(place, int)]
        numbers = self._keep_for([*self.wholes, *(node for _, node in slices)])
        for _, node in singles:
            self._keep(node)
        with self._samples() as sample:
            known = self._kept_numbers(numbers, sample)

            def begin(j: Any, mask: Vector | None) -> None:
                here, total = dict(known), s.constant(0.0)
                for node in self.wholes:
                    total = total + self._outputs(node, here, sample, j, mask)
                s.store(s.keep(mask, total), s.offset(sample.g, j))

            self._for_each_vector(self.units, begin)
            for (start, stop), node in slices:

                def add(j: Any, mask: Vector | None, start: int = start, node: Node = node) -> None:
                    at = s.offset(s.offset(sample.g, start), j)
                    total = s.load_some(at, mask) + self._outputs(node, dict(known), sample, j, mask)
                    s.store(total, at) if mask is None else s.store_masked(total, at, mask)

                self._for_each_vector(stop - start, add)
            for place, node in singles:
                at = s.offset(sample.g, place)
                number = s.load_scalar(s.offset(self._slot(node), sample.place))
                s.store_scalar(s.b.fadd(s.load_scalar(at), number), at)


def _parts(gradient: Node) -> tuple[list[Node], list[tuple[Any, Node]]]:
    """A gradient as whole vectors to be added up, and pieces with their places."""
    if gradient.op == "stack":
        return [], [(i, node) for i, node in enumerate(gradient.args) if not (node.op == "constant" and node.attr == 0)]
    if gradient.op == "assemble":
        whole = gradient.attr[0]
        return list(gradient.args[:whole]), list(zip(gradient.attr[1:], gradient.args[whole:], strict=True))
    return [gradient], []
