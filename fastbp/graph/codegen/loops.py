"""Which loops over the data a graph needs, and what each of them computes.

One loop computes all that needs only one pass over data of one length: every sum and every result with rows whose
operands need no sum of the same data first. Nothing with rows is kept between loops: it is computed again where it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..tracing.node import Node
from ..tracing.text import is_runtime_constant, is_runtime_start
from ..tracing.traversal import live, sum_levels

BLOCK = 8192  # rows whose sums are added up together


@dataclass
class Loop:
    """One pass over the data of one length: ``sums`` and maxima to find, ``exact`` sums of products, ``stores`` to write."""

    length: Node  # a leaf with as many rows
    sums: list[Node] = field(default_factory=list)
    stores: list[Node] = field(default_factory=list)
    exact: list[Node] = field(default_factory=list)

    @property
    def width(self) -> int:
        """Numbers that one block leaves behind: an exact sum is a float64 and its rounding error."""
        return len(self.sums) + 2 * len(self.exact)


@dataclass
class Plan:
    """What a compiled graph does, in order: the loops, then the results that are single numbers."""

    leaves: list[Node]  # inputs and captured arrays
    loops: list[Loop]
    scalars: list[Node]
    rows: list[Node]
    nodes: list[Node]
    constants: list[Node]  # numbers that are passed to the code rather than compiled into it

    @property
    def sums(self) -> list[Node]:
        return [node for loop in self.loops for node in loop.sums]


def make_plan(inputs: Sequence[Node], outputs: Sequence[Node]) -> Plan:
    """The loops for these results: single numbers and nodes with rows."""
    nodes = live(outputs)
    leaves = [*inputs, *(node for node in nodes if node.op == "captured")]
    levels = sum_levels(nodes)
    loops: dict[tuple[int, int], Loop] = {}

    exact_level = max((levels[a.index] for node in outputs if node.op == "exact_dot" for a in node.args), default=0)

    def loop_for(node: Node, level: int = 0) -> Loop:
        key = (level or levels[node.index], node.shape[0])
        return loops.setdefault(key, Loop(node.tape.rows_of(node)))

    for node in nodes:
        if node.op in ("sum", "max"):
            loop_for(node.args[0]).sums.append(node)
    scalars: list[Node] = []
    rows: list[Node] = []
    for node in outputs:
        if node.op == "exact_dot":
            loop_for(node.args[0], exact_level).exact.append(node)
        elif not node.shape:
            scalars.append(node)
        elif node.index not in {known.index for known in rows}:
            rows.append(node)
            loop_for(node).stores.append(node)
    ordered = [loops[key] for key in sorted(loops, key=lambda key: key[0])]  # not by length: the code is for any lengths
    return Plan(leaves, ordered, scalars, rows, nodes, [node for node in nodes if is_runtime_constant(node)])


class TableLayout:
    """Positions in the table of 64-bit integers that the functions are given."""

    def __init__(self, plan: Plan) -> None:
        self.leaf = {node.index: i for i, node in enumerate(plan.leaves)}
        start = len(plan.leaves)
        self.counter = start  # the next block
        self.sums = start + 1  # address of the sums, float64
        self.scalars = start + 2  # address of the results that are single numbers
        self.constants = start + 3  # address of the constants
        self.constant_place = {node.index: i for i, node in enumerate(plan.constants)}
        self.row = {node.index: start + 4 + i for i, node in enumerate(plan.rows)}
        start += 4 + len(plan.rows)
        self.rows_of_loop = [start + 2 * i for i in range(len(plan.loops))]
        self.partials_of_loop = [start + 2 * i + 1 for i in range(len(plan.loops))]
        self.sizes: dict[int, int] = {}  # lengths that the formula itself uses
        start += 2 * len(plan.loops)
        for node in plan.nodes:
            if node.op == "size":
                self.sizes[node.args[0].index] = start
                start += 1
        self.starts: dict[int, int] = {}  # first rows of slices
        for node in plan.nodes:
            if is_runtime_start(node):
                self.starts[node.index] = start
                start += 1
        self.length = start
        self.sum_place = {node.index: i for i, node in enumerate(plan.sums)}
