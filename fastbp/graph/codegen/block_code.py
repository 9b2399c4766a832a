"""What the code of a custom loss goes through: a batch in blocks of as many samples as a vector has lanes.

In the graph of one sample (batch.py) single numbers become vectors over the block's samples, and vectors become vectors over
the outputs, one sample after the other. Values pass from one form to the other through slots on the stack, a number for each
sample of the block: columns, sums over the outputs, and single numbers that outputs are combined with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from llvmlite import ir

from ...kernels.activation import spread_bits
from ...kernels.loss import ARGUMENTS
from ...kernels.memory import sample_of
from ...kernels.simd.element_types import I64
from ...kernels.simd.vector import Vector
from ...kernels.simd.vocabulary import Simd
from ..tracing.node import Node
from ..tracing.traversal import live, reachable, sum_levels
from .emit import Known, emit_row_node
from .record import Record
from .row_graphs import LossGraph


class Sample(NamedTuple):
    """One sample of a block, for the code of a loop over them: its position in the block, and where its arrays begin."""

    place: Any
    starts: dict[int, Any]
    g: Any


class BlockWriter:
    """Writes the instructions that compute some nodes of a loss for a block of samples.

    Parameters
    ----------
    s : Simd
    loss : LossGraph
    arguments : sequence
        Those of kernels/loss.py.
    outputs : sequence of Node
    """

    def __init__(self, s: Simd, loss: LossGraph, arguments: Sequence[Any], outputs: Sequence[Node]) -> None:
        self.s, self.loss, self.arguments = s, loss, dict(zip(ARGUMENTS, arguments, strict=True))
        self.units = loss.y_pred.size
        nodes = live(outputs)
        of_samples = {loss.y_true.index, loss.y_pred.index}
        self.columns = [node for node in nodes if node.op == "element" and node.args[0].index in of_samples]
        self.sums = [node for node in nodes if node.op == "sum"]
        self.levels = sum_levels(nodes)
        self.slots: dict[int, Any] = {}
        record, address = Record(loss.graph.nodes), self.arguments["parameter"]
        self.arrays = record.load_arrays(s, address)  # and vectors of means over the batch: what all samples have in common
        self.same: Known = {
            loss.scale.index: spread_bits(s, self.arguments["scale"]),
            **record.load_numbers(s, address),
        }
        if loss.is_of_batch:
            self._read_means(record.load_means(s, address))
        for node in nodes:  # what is the same for all samples
            if node.op == "element" and node.args[0].index in self.arrays:
                self.same[node.index] = s.load_spread(s.offset(self.arrays[node.args[0].index], node.attr))
            elif not node.shape and node.op != "sum" and (node.op == "size" or all(a.index in self.same for a in node.args)):
                emit_row_node(s, node, self.same)

    def _read_means(self, address: Any) -> None:
        """What has been found out about the batch: its means, and the number of its samples."""
        s, loss = self.s, self.loss
        places, _ = loss.places()
        for mean in loss.means:
            place = s.offset(address, places[mean.leaf.index])
            if mean.leaf.shape:
                self.arrays[mean.leaf.index] = place
            else:
                self.same[mean.leaf.index] = s.load_spread(place)
        if loss.samples is not None:
            wide = s.doubles()
            count = wide.round(wide.constant(1.0) / spread_bits(wide, self.arguments["scale"]))
            self.same[loss.samples.index] = s.narrow(count)

    @contextmanager
    def _blocks(self) -> Iterator[None]:
        """A loop over the blocks. In it, all sums over the outputs are there."""
        s, b, rows = self.s, self.s.b, self.arguments["rows"]
        with s.loop(rows, step=s.lanes) as first:
            left, most = b.sub(rows, first), s.index(s.lanes)
            self.first, self.count = first, b.select(b.icmp_signed("<", left, most), left, most)
            self.numbers: Known = dict(self.same)
            self.kept = {node.index for node in (*self.columns, *self.sums)}
            self._read_columns()
            for level in range(1 + max(self.levels.values(), default=0)):
                self._pass(level)
            yield

    # -- samples and their numbers

    @contextmanager
    def _samples(self) -> Iterator[Sample]:
        """A loop over the samples of the block."""
        s, b, at = self.s, self.s.b, self.arguments
        with s.loop(self.count) as place:
            r = b.add(self.first, place)
            p = b.add(at["p"], b.mul(r, at["p_row"]))
            y = b.add(at["y"], b.mul(sample_of(s, at["order"], r), at["y_row"]))
            g = b.add(at["g"], b.mul(r, at["g_row"]))
            yield Sample(place, {self.loss.y_pred.index: p, self.loss.y_true.index: y}, g)

    def _slot(self, node: Node) -> Any:
        """The address of a number for each sample of the block."""
        if node.index not in self.slots:
            s, b = self.s, self.s.b
            with b.goto_entry_block():
                array = b.alloca(ir.ArrayType(s.element, s.lanes))
                self.slots[node.index] = b.ptrtoint(array, I64)
                s.store(s.constant(0.0), self.slots[node.index])
        return self.slots[node.index]

    def _read_columns(self) -> None:
        s = self.s
        if self.columns:
            with self._samples() as sample:
                for node in self.columns:
                    column = s.offset(sample.starts[node.args[0].index], node.attr)
                    s.store_scalar(s.load_scalar(column), s.offset(self._slot(node), sample.place))

    def _number(self, node: Node) -> Vector:
        """A single number of each sample, as a vector over the block."""

        def read(n: Node) -> Vector | None:
            return self.s.load(self._slot(n)) if n.op in ("element", "sum") else None

        return emit_row_node(self.s, node, self.numbers, read)

    def _keep(self, node: Node) -> None:
        """Store a number of each sample in its slot, if it is not there yet."""
        if node.index not in self.kept:
            number = self._number(node)
            self.s.store(self.s.select(number, 1.0, self.s.constant(0.0)) if node.is_logical else number, self._slot(node))
            self.kept.add(node.index)

    def _keep_for(self, nodes: Sequence[Node]) -> list[Node]:
        """The single numbers that enter nodes with outputs, each in its slot."""
        entering = reachable(nodes, lambda node: node.args if node.shape else ())
        found = [node for node in entering if not node.shape and node.index not in self.same]
        for node in found:
            self._keep(node)
        return found

    def _kept_numbers(self, nodes: list[Node], sample: Sample) -> Known:
        """Those numbers of one sample, each in every lane."""
        known = dict(self.same)
        for node in nodes:
            number = self.s.load_spread(self.s.offset(self._slot(node), sample.place))
            known[node.index] = number.differs(0.0) if node.is_logical else number
        return known

    # -- outputs of one sample

    def _outputs(self, node: Node, known: Known, sample: Sample, j: Any, mask: Vector | None) -> Vector:
        """A vector of outputs from output j on."""
        s = self.s

        def read(n: Node) -> Vector | None:
            if n.op not in ("input", "slice", "captured"):
                return None
            leaf = n.args[0] if n.op == "slice" else n
            start = self.arrays[leaf.index] if leaf.index in self.arrays else sample.starts[leaf.index]
            loaded: Vector = s.load_some(s.offset(s.offset(start, n.attr[0]) if n.op == "slice" else start, j), mask)
            return loaded

        return emit_row_node(s, node, known, read)

    def _for_each_vector(self, width: int, body: Callable[[Any, Vector | None], None]) -> None:
        """``body(first, mask)`` for each of the vectors that hold ``width`` outputs."""
        s, rest = self.s, width % self.s.lanes
        if width - rest == s.lanes:
            body(s.index(0), None)
        elif width > rest:
            with s.loop(s.index(width - rest), step=s.lanes) as j:
                body(j, None)
        if rest:
            body(s.index(width - rest), s.first_lanes(s.index(rest)))

    # -- sums over the outputs

    def _writes(self) -> list[tuple[Node, Callable[[Sample, Any, Vector | None, Vector], None]]]:
        """Vectors of outputs to be written as soon as all is known that they need: ``write(sample, j, mask, values)``."""
        return []

    def _pass(self, level: int) -> None:
        """The sums over outputs that need only sums of the passes before."""
        s = self.s
        sums = [node for node in self.sums if self.levels[node.args[0].index] == level]
        writes = [(node, write) for node, write in self._writes() if self.levels[node.index] == level]
        numbers = self._keep_for([*(node.args[0] for node in sums), *(node for node, _ in writes)])
        widths = dict.fromkeys([*(node.args[0].size for node in sums), *(node.size for node, _ in writes)])
        if not widths:
            return
        with self._samples() as sample:
            known = self._kept_numbers(numbers, sample)
            totals = {node.index: s.variable(s.constant(0.0)) for node in sums}
            for width in widths:

                def add(j: Any, mask: Vector | None, width: int = width) -> None:
                    here = dict(known)
                    for node in sums:
                        if node.args[0].size == width:
                            value = self._outputs(node.args[0], here, sample, j, mask)
                            totals[node.index].set(totals[node.index].get() + s.keep(mask, value))
                    for node, write in writes:
                        if node.size == width:
                            write(sample, j, mask, self._outputs(node, here, sample, j, mask))

                self._for_each_vector(width, add)
            for node in sums:
                total = s.lane(s.sum(totals[node.index].get()))
                s.store_scalar(total, s.offset(self._slot(node), sample.place))
