"""A plan as machine code: one function for each loop over the data, and one that runs them all.

Rows come in blocks of fixed size. A thread takes the next block that is not taken, adds up the block's sums and keeps
them beside the other blocks'; at the end they are added in the order of the blocks. So results are the same bits however
many threads there are. The last rows of a block that fill no vector are read and written behind a mask.

Each iteration of a loop works on a vector of twice the machine's width: two independent strands of instructions keep the
processor busy where one would wait for its own results, and share the constants.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from llvmlite import ir

from ...kernels.math.double_double import two_sum
from ...kernels.simd.element_types import I32, I64
from ...kernels.simd.machine import machine
from ...kernels.simd.vector import Variable, Vector
from ...kernels.simd.vocabulary import Simd
from ..tracing.node import Node
from ..tracing.traversal import reachable
from .emit import EMITTERS, Known, emit_constant, emit_node
from .function import write_function
from .loops import BLOCK, Loop, Plan, TableLayout

_maximum = EMITTERS["maximum"]
_LEAVES = ("input", "captured", "slice")  # what rows are read from


class Writer:
    """Writes the functions of one plan into one LLVM module."""

    def __init__(self, module: Any, plan: Plan, layout: TableLayout, dtype: str, name: str) -> None:
        self.module, self.plan, self.layout, self.dtype, self.name = module, plan, layout, dtype, name

    def write(self) -> list[str]:
        """All functions; their names: the one that runs everything, the loops, the loops' ends, the results."""
        loops = [self._function(f"_loop{k}", partial(self._loop, k)) for k in range(len(self.plan.loops))]
        ends = [self._function(f"_end{k}", partial(self._end, k)) for k in range(len(self.plan.loops))]
        results = self._function("_results", self._results)

        def run(s: Simd, table: Any, thread: Any) -> None:
            for loop, end in zip(loops, ends, strict=True):
                s.b.call(loop, [table, thread])
                s.b.call(end, [table, thread])
            s.b.call(results, [table, thread])

        return [function.name for function in (self._function("_run", run), *loops, *ends, results)]

    def _function(self, suffix: str, body: Callable[[Simd, Any, Any], None]) -> ir.Function:
        """A function of the table's address and the thread's number."""
        return write_function(self.module, self.name + suffix, 2, self.dtype, body, 2 * machine().lanes(self.dtype))

    # -- reading the table

    def _entry(self, s: Simd, table: Any, place: int) -> Any:
        return s.b.load(s.b.inttoptr(s.b.add(table, ir.Constant(I64, 8 * place)), I64.as_pointer()))

    def _double(self, s: Simd, address: Any, place: Any) -> Any:
        offset = place if isinstance(place, ir.Value) else ir.Constant(I64, place)
        where = s.b.add(address, s.b.mul(offset, ir.Constant(I64, 8)))
        return s.b.inttoptr(where, ir.DoubleType().as_pointer())

    # -- nodes

    def _value(self, s: Simd, table: Any, node: Node, known: Known) -> Vector:
        """A node's vector, written where it is first needed."""
        return emit_node(s, node, known, lambda leaf: self._leaf(s, table, leaf))

    def _leaf(self, s: Simd, table: Any, node: Node) -> Any:
        """A number from memory or from the code, in every lane; None for an operator."""
        if node.index in self.layout.constant_place:
            address = self._entry(s, table, self.layout.constants)
            return s.load_spread(s.offset(address, self.layout.constant_place[node.index]))
        if node.op == "constant":
            return emit_constant(s, node.attr)
        if node.op in ("sum", "max"):
            value = s.b.load(self._double(s, self._entry(s, table, self.layout.sums), self.layout.sum_place[node.index]))
            return s.broadcast(value if self.dtype == "float64" else s.b.fptrunc(value, s.element))
        if node.op == "size":
            return s.broadcast(s.b.sitofp(self._entry(s, table, self.layout.sizes[node.args[0].index]), s.element))
        if node.op == "element":
            return s.load_spread(s.offset(self._entry(s, table, self.layout.leaf[node.args[0].index]), node.attr))
        if node.op in ("input", "captured"):  # a single number: rows are read at the start of an iteration
            return s.load_spread(self._entry(s, table, self.layout.leaf[node.index]))
        return None

    # -- functions

    def _loop(self, k: int, s: Simd, table: Any, thread: Any) -> None:
        """Take blocks until none is left."""
        loop, b = self.plan.loops[k], s.b
        rows = self._entry(s, table, self.layout.rows_of_loop[k])
        known: Known = {}
        for node in self._needed(loop):  # what does not change from row to row goes before the loop
            if not node.shape:
                self._value(s, table, node, known)
        counter = b.inttoptr(b.add(table, ir.Constant(I64, 8 * self.layout.counter)), I64.as_pointer())
        sums = [Variable(s, s.constant(start)) for start in _starts(loop)]
        body, done = b.append_basic_block("block"), b.append_basic_block("left")
        take = b.append_basic_block("take")
        b.branch(take)
        b.position_at_end(take)
        number = b.atomic_rmw("add", counter, ir.Constant(I64, 1), "monotonic")
        start = b.mul(number, ir.Constant(I64, BLOCK))
        b.cbranch(b.icmp_signed("<", start, rows), body, done)
        b.position_at_end(body)
        end = b.add(start, ir.Constant(I64, BLOCK))
        stop = b.select(b.icmp_signed("<", end, rows), end, rows)
        for variable, nothing in zip(sums, _starts(loop), strict=True):
            variable.set(s.constant(nothing))
        with s.loop(stop, start, s.lanes) as first:
            self._iteration(s, table, loop, sums, dict(known), first, b.sub(stop, first))
        partials = self._entry(s, table, self.layout.partials_of_loop[k])
        results = [self._over_lanes(s, node, variable.get()) for node, variable in zip(loop.sums, sums, strict=False)]
        for high, low in zip(sums[len(loop.sums) :: 2], sums[len(loop.sums) + 1 :: 2], strict=True):
            results += _exact_lane_sum(s, high.get(), low.get())
        for j, value in enumerate(results):
            place = b.add(b.mul(number, ir.Constant(I64, len(results))), ir.Constant(I64, j))
            b.store(value, self._double(s, partials, place))
        b.branch(take)
        b.position_at_end(done)

    def _iteration(self, s: Simd, table: Any, loop: Loop, sums: list[Any], known: Known, first: Any, left: Any) -> None:
        """One vector of rows."""
        whole = s.b.icmp_signed(">=", left, s.index(s.lanes))
        self._read(s, table, loop, known, first, left, whole)
        added = [node.args[0] for node in loop.sums]
        factors = [a for node in loop.exact for a in node.args]
        for node in (*added, *factors, *loop.stores):
            self._value(s, table, node, known)
        with s.b.if_else(whole, likely=True) as (all_rows, some_rows):
            with all_rows:
                self._write(s, table, loop, known, first, None)
                counted = [known[node.index] for node in (*added, *factors)]
                end_whole = s.b.block
            with some_rows:
                mask = s.first_lanes(left)
                self._write(s, table, loop, known, first, mask)
                nothing = [*(_nothing(node) for node in loop.sums), *[0.0] * len(factors)]
                masked = [s.select(mask, v, start) for v, start in zip(counted, nothing, strict=True)]
                end_some = s.b.block
        values = [_either(s, (v, end_whole), (m, end_some)) for v, m in zip(counted, masked, strict=True)]
        for node, value, variable in zip(loop.sums, values, sums, strict=False):
            variable.set(_maximum(s, variable.get(), value) if node.op == "max" else variable.get() + value)
        products = zip(values[len(added) :: 2], values[len(added) + 1 :: 2], strict=True)
        parts = sums[len(added) :]
        for (x, y), high, low in zip(products, parts[::2], parts[1::2], strict=True):
            _add_product(s, high, low, x, y)

    def _read(self, s: Simd, table: Any, loop: Loop, known: Known, first: Any, left: Any, whole: Any) -> None:
        """Load one vector of every leaf that the loop needs."""
        leaves = [node for node in self._needed(loop) if node.op in _LEAVES and node.shape]
        addresses, steps = [], []
        for node in leaves:
            leaf, row = node, first
            steps.append(1)
            if node.op == "slice":
                leaf, steps[-1] = node.args[0], range(*node.attr).step
                place = self.layout.starts.get(node.index)
                start = s.index(node.attr[0]) if place is None else self._entry(s, table, place)
                row = s.b.add(s.b.mul(first, s.index(steps[-1])), start)
            addresses.append(s.offset(self._entry(s, table, self.layout.leaf[leaf.index]), row))
        with s.b.if_else(whole, likely=True) as (all_rows, some_rows):
            with all_rows:
                full = [s.load(a) if step == 1 else _load_apart(s, a, step) for a, step in zip(addresses, steps, strict=True)]
                end_full = s.b.block
            with some_rows:
                mask = s.first_lanes(left)
                part = [
                    s.load_masked(a, mask) if step == 1 else _load_apart(s, a, step, left)
                    for a, step in zip(addresses, steps, strict=True)
                ]
                end_part = s.b.block
        for node, v, m in zip(leaves, full, part, strict=True):
            known[node.index] = _either(s, (v, end_full), (m, end_part))

    def _write(self, s: Simd, table: Any, loop: Loop, known: Known, first: Any, mask: Any) -> None:
        """Store one vector of every result with rows."""
        for node in loop.stores:
            address = s.offset(self._entry(s, table, self.layout.row[node.index]), first)
            if mask is None:
                s.store(known[node.index], address)
            else:
                s.store_masked(known[node.index], address, mask)

    def _needed(self, loop: Loop) -> list[Node]:
        """What the rows of a loop need, arguments before their users; without what single numbers are made of."""
        roots = [*(a for node in (*loop.sums, *loop.exact) for a in node.args), *loop.stores]
        found = reachable(roots, lambda node: node.args if node.shape and node.op not in _LEAVES else ())
        return sorted(found, key=lambda node: node.index)

    def _over_lanes(self, s: Simd, node: Node, x: Any) -> Any:
        """The sum of all lanes, or the largest, as a float64; in a fixed order."""
        if node.op == "max":
            return s.as_double(s.lane(s.reduce(x, partial(_maximum, s))))
        if self.dtype == "float64":
            return s.lane(s.sum(x))
        wide = Simd(s.b, "float64", lanes=s.lanes)
        return wide.lane(wide.sum(wide.wrap(s.b.fpext(x.value, wide.vector))))

    def _end(self, k: int, s: Simd, table: Any, thread: Any) -> None:
        """Add the blocks' sums in the order of the blocks, and reset the counter of blocks for the next loop."""
        loop, b = self.plan.loops[k], s.b
        count = loop.width
        rows = self._entry(s, table, self.layout.rows_of_loop[k])
        blocks = b.sdiv(b.add(rows, ir.Constant(I64, BLOCK - 1)), ir.Constant(I64, BLOCK))
        partials, sums = self._entry(s, table, self.layout.partials_of_loop[k]), self._entry(s, table, self.layout.sums)
        totals = [Variable(s, ir.Constant(ir.DoubleType(), _nothing(node))) for node in loop.sums]
        if loop.sums:
            with s.loop(blocks) as block:
                for j, total in enumerate(totals):
                    place = b.add(b.mul(block, ir.Constant(I64, count)), ir.Constant(I64, j))
                    found = b.load(self._double(s, partials, place))
                    total.set(_larger(b, total.get(), found) if loop.sums[j].op == "max" else b.fadd(total.get(), found))
        for node, total in zip(loop.sums, totals, strict=True):
            b.store(total.get(), self._double(s, sums, self.layout.sum_place[node.index]))
        counter = b.inttoptr(b.add(table, ir.Constant(I64, 8 * self.layout.counter)), I64.as_pointer())
        b.store(ir.Constant(I64, 0), counter)

    def _results(self, s: Simd, table: Any, thread: Any) -> None:
        """The results that are single numbers."""
        known: Known = {}
        address = self._entry(s, table, self.layout.scalars)
        for i, node in enumerate(self.plan.scalars):
            value = self._value(s, table, node, known)
            s.store_scalar(s.lane(value), s.offset(address, i))


def _nothing(node: Node) -> float:
    """What a sum or a maximum begins with."""
    return -math.inf if node.op == "max" else 0.0


def _starts(loop: Loop) -> list[float]:
    return [*(_nothing(node) for node in loop.sums), *[0.0] * (loop.width - len(loop.sums))]


def _larger(b: Any, x: Any, y: Any) -> Any:
    """The larger of two numbers; NaN if either is."""
    return b.select(b.or_(b.fcmp_ordered(">", x, y), b.fcmp_unordered("uno", x, x)), x, y)


def _load_apart(s: Simd, address: Any, step: int, left: Any = None) -> Any:
    """A vector of elements that are ``step`` apart; beyond ``left`` of them the last one again."""
    value = ir.Constant(s.vector, ir.Undefined)
    for lane in range(s.lanes):
        place: Any = s.index(lane)
        if left is not None:
            last = s.b.sub(left, s.index(1))
            place = s.b.select(s.b.icmp_signed("<", place, last), place, last)
        element = s.load_scalar(s.offset(address, s.b.mul(place, s.index(step))))
        value = s.b.insert_element(value, element, ir.Constant(I32, lane))
    return s.wrap(value)


def _either(s: Simd, *cases: tuple[Vector, Any]) -> Vector:
    """One vector from those of the basic blocks that may come before (a phi)."""
    phi = s.b.phi(cases[0][0].value.type)
    for vector, block in cases:
        phi.add_incoming(vector.value, block)
    joined: Vector = s.wrap(phi)
    return joined


def _add_product(s: Simd, high: Any, low: Any, x: Any, y: Any) -> None:
    """Add x y to a sum of two parts, losing nothing that the parts can hold. Needs fused multiply-add."""
    product = x * y
    total, lost = two_sum(high.get(), product)
    high.set(total)
    low.set(low.get() + (lost + s.fma(x, y, -product)))


def _exact_lane_sum(s: Simd, high: Any, low: Any) -> list[Any]:
    """The sum of all lanes of a sum of two parts."""
    half = s.lanes // 2
    while half:
        order = [i ^ half for i in range(s.lanes)]
        high, lost = two_sum(high, s.shuffle(high, high, order))
        low = low + s.shuffle(low, low, order) + lost
        half //= 2
    return [s.lane(high), s.lane(low)]
