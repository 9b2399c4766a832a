"""A custom loss as machine code.

The function goes through a batch in blocks of as many samples as a vector has lanes. In the graph of one sample (batch.py)
single numbers become vectors over the block's samples, and vectors become vectors over the outputs, one sample after the
other. Values pass from one form to the other through slots on the stack, a number for each sample of the block: columns,
sums over the outputs, and single numbers that outputs are combined with.
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
from .function import write_function
from .record import Record
from .row_graphs import LossGraph


def write_loss(module: Any, name: str, loss: LossGraph, dtype: str) -> list[str]:
    """A function with the arguments of kernels/loss.py: overwrites g and row_loss."""

    def body(s: Simd, *arguments: Any) -> None:
        _LossWriter(s, loss, arguments).write()

    return [write_function(module, name, len(ARGUMENTS), dtype, body).name]


class _Sample(NamedTuple):
    """One sample of a block, for the code of a loop over them: its position in the block, and where its arrays begin."""

    place: Any
    starts: dict[int, Any]
    g: Any


class _LossWriter:
    """Writes the instructions of one loss."""

    def __init__(self, s: Simd, loss: LossGraph, arguments: Sequence[Any]) -> None:
        self.s, self.loss, self.arguments = s, loss, dict(zip(ARGUMENTS, arguments, strict=True))
        self.units = loss.y_pred.size
        self.wholes, self.pieces = _parts(loss.gradient)
        nodes = live([loss.value, *self.wholes, *(node for _, node in self.pieces)])
        self.columns = [node for node in nodes if node.op == "element" and node.args[0].op == "input"]
        self.sums = [node for node in nodes if node.op == "sum"]
        self.levels = sum_levels(nodes)
        self.slots: dict[int, Any] = {}
        record, address = Record(loss.graph.nodes), self.arguments["parameter"]
        self.arrays = record.load_arrays(s, address)
        self.same: Known = {
            loss.scale.index: spread_bits(s, self.arguments["scale"]),
            **record.load_numbers(s, address),
        }
        for node in nodes:  # what is the same for all samples
            if node.op == "element" and node.args[0].op == "captured":
                self.same[node.index] = s.load_spread(s.offset(self.arrays[node.args[0].index], node.attr))
            elif not node.shape and node.op != "sum" and (node.op == "size" or all(a.index in self.same for a in node.args)):
                emit_row_node(s, node, self.same)

    def write(self) -> None:
        s, b, rows = self.s, self.s.b, self.arguments["rows"]
        with s.loop(rows, step=s.lanes) as first:
            left, most = b.sub(rows, first), s.index(s.lanes)
            self.first, self.count = first, b.select(b.icmp_signed("<", left, most), left, most)
            self.numbers: Known = dict(self.same)
            self.kept = {node.index for node in (*self.columns, *self.sums)}
            self._read_columns()
            for level in range(1 + max(self.levels.values(), default=0)):
                self._pass(level)
            self._store_losses()
            if not self._is_stored_early:
                self._store_gradient()

    # -- samples and their numbers

    @contextmanager
    def _samples(self) -> Iterator[_Sample]:
        """A loop over the samples of the block."""
        s, b, at = self.s, self.s.b, self.arguments
        with s.loop(self.count) as place:
            r = b.add(self.first, place)
            p = b.add(at["p"], b.mul(r, at["p_row"]))
            y = b.add(at["y"], b.mul(sample_of(s, at["order"], r), at["y_row"]))
            g = b.add(at["g"], b.mul(r, at["g_row"]))
            yield _Sample(place, {self.loss.y_pred.index: p, self.loss.y_true.index: y}, g)

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

    def _kept_numbers(self, nodes: list[Node], sample: _Sample) -> Known:
        """Those numbers of one sample, each in every lane."""
        known = dict(self.same)
        for node in nodes:
            number = self.s.load_spread(self.s.offset(self._slot(node), sample.place))
            known[node.index] = number.differs(0.0) if node.is_logical else number
        return known

    # -- outputs of one sample

    def _outputs(self, node: Node, known: Known, sample: _Sample, j: Any, mask: Vector | None) -> Vector:
        """A vector of outputs from output j on."""
        s = self.s

        def read(n: Node) -> Vector | None:
            if n.op not in ("input", "slice", "captured"):
                return None
            leaf = n.args[0] if n.op == "slice" else n
            start = self.arrays[leaf.index] if leaf.op == "captured" else sample.starts[leaf.index]
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

    # -- what is computed

    @property
    def _is_stored_early(self) -> bool:
        """Whether the gradient is one vector of outputs, to be stored in the same pass as sums are added up."""
        return not self.pieces and len(self.wholes) == 1 and bool(self.wholes[0].shape)

    def _pass(self, level: int) -> None:
        """The sums over outputs that need only sums of the passes before."""
        s = self.s
        sums = [node for node in self.sums if self.levels[node.args[0].index] == level]
        stores = [node for node in self.wholes if self._is_stored_early and self.levels[node.index] == level]
        numbers = self._keep_for([*(node.args[0] for node in sums), *stores])
        widths = dict.fromkeys([*(node.args[0].size for node in sums), *(node.size for node in stores)])
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
                    for node in stores:
                        if node.size == width:
                            gradient = self._outputs(node, here, sample, j, mask)
                            s.store(s.keep(mask, gradient), s.offset(sample.g, j))

                self._for_each_vector(width, add)
            for node in sums:
                total = s.lane(s.sum(totals[node.index].get()))
                s.store_scalar(total, s.offset(self._slot(node), sample.place))

    def _store_losses(self) -> None:
        s, b = self.s, self.s.b
        value, wide = self._number(self.loss.value).value, Simd(b, "float64", s.lanes)
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
