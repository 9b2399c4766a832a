"""A graph as one compiled call: forward and backward in the same loop over the data."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...engine import threads
from ...engine.guards import checked
from ...engine.memory import aligned_zeros, empty, zeros
from ...kernels.fields import CONTROL_SIZE
from ...kernels.simd import native
from ..tracing.node import Node
from ..tracing.node_graph import NodeGraph
from ..tracing.text import as_key
from .loops import BLOCK, TableLayout, make_plan
from .machine_code import Writer

MIN_PARALLEL_ROWS = 4 * 8192  # from so many rows on several threads are faster
_CALL = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)


class Program:
    """A compiled graph.

    Parameters
    ----------
    inputs : sequence of Node
        The arguments, in the order in which they will be given.
    outputs : sequence of Node
        What to compute; vectors known by their elements too.
    dtype : "float64" or "float32"
    """

    def __init__(self, inputs: Sequence[Node], outputs: Sequence[Node], dtype: str) -> None:
        self.outputs, self.dtype = list(outputs), np.dtype(dtype)
        primitive = [part for node in outputs for part in _parts(node)]
        self.plan = make_plan(inputs, primitive)
        self.layout = TableLayout(self.plan)
        graph = NodeGraph("f", list(inputs), primitive)
        key = f"formula of {self.dtype.name}: {as_key(graph, sizes=False)}"
        self._code = native.load(key, self._write)
        self.run, *rest = (_CALL(address) for address in self._code.addresses)
        count = len(self.plan.loops)
        self.loops, self.ends, self.results = rest[:count], rest[count : 2 * count], rest[-1]
        self.tape = inputs[0].tape
        with np.errstate(over="ignore"):
            self._constants = np.array([node.attr for node in self.plan.constants], self.dtype)
        self.constants = _address(self._constants)

    def _write(self, module: Any, name: str) -> list[str]:
        return Writer(module, self.plan, self.layout, self.dtype.name, name).write()

    def __call__(self, values: Sequence[Any], out: Sequence[np.ndarray] | None = None) -> list[Any]:
        """The outputs for these inputs.

        Parameters
        ----------
        values : sequence
            For each input a number or an array of one dimension.
        out : sequence of array, optional
            Contiguous arrays for the outputs that have rows, in their order (new ones if not given).
        """
        return self.collect(*self.raw(values, out))

    def collect(self, scalars: np.ndarray, rows: Sequence[np.ndarray]) -> list[Any]:
        """The outputs, from the single numbers and the arrays with rows that compiled code has written."""
        numbers, arrays = iter(scalars.tolist()), {node.index: array for node, array in zip(self.plan.rows, rows, strict=True)}
        return [_assembled(node, numbers, arrays, self.dtype) for node in self.outputs]

    def raw(self, values: Sequence[Any], out: Sequence[np.ndarray] | None = None) -> tuple[np.ndarray, Sequence[np.ndarray]]:
        """All single numbers in one array, and the arrays with rows."""
        bound = BoundProgram(self, values)
        rows = [empty("rows", node.shape, self.dtype) for node in self.plan.rows] if out is None else out
        bound.set_outputs(rows)
        return bound(), rows

    def execute(self, address: int, keep: Any) -> None:
        """Run all loops, in several threads where they are available."""
        with threads.team(threads.get_num_threads()) as count:
            if count == 1:
                self.run(address, 0)
                return
            control = zeros("control", CONTROL_SIZE, np.int64)
            for loop, end in zip(self.loops, self.ends, strict=True):
                threads.run(loop, address, count, control, wait=False, keep=(control, keep))
                end(address, 0)
            self.results(address, 0)


class BoundProgram:
    """A program and its data: only the contents of the arrays may change from call to call.

    Arrays that are contiguous and of the program's type are read where they are. One call at a time. ``scalars`` is where the
    single numbers go (a new array if left out). ``apart`` is for programs that run in different threads: all that one writes
    lies on cache lines of its own.
    """

    def __init__(self, program: Program, values: Sequence[Any], scalars: np.ndarray | None = None, apart: bool = False) -> None:
        self.program = program
        plan, layout, dtype = program.plan, program.layout, program.dtype
        zeroed, new = (aligned_zeros, aligned_zeros) if apart else (zeros, empty)
        self._table = table = zeroed("table", layout.length, np.int64)
        captured = [program.tape.arrays[node.attr] for node in plan.leaves[len(values) :]]
        self._arrays = []  # the table holds their addresses
        for i, (node, value) in enumerate(zip(plan.leaves, [*values, *captured], strict=True)):
            array = np.ascontiguousarray(value, dtype)
            if array.size != node.size:
                raise ValueError(f"{node.name or 'data'} must have {node.size} values, got {array.size}")
            self._arrays.append(array)
            table[i] = array.ctypes.data
        self._scalars = new("numbers", len(plan.scalars), dtype) if scalars is None else scalars
        table[layout.scalars] = _address(self._scalars)
        sums = new("sums", len(plan.sums), np.float64)
        table[layout.sums], table[layout.constants] = _address(sums), program.constants
        self._arrays.append(sums)
        self._max_rows = 0
        self.partials: list[np.ndarray] = []  # for each loop the sums of its blocks
        for k, loop in enumerate(plan.loops):
            (length,) = loop.length.shape
            table[layout.rows_of_loop[k]] = length
            blocks = -(-length // BLOCK)
            self.partials.append(new("partial sums", blocks * loop.width, np.float64).reshape(blocks, loop.width))
            table[layout.partials_of_loop[k]] = _address(self.partials[-1])
            self._max_rows = max(self._max_rows, length)
        for leaf, place in layout.sizes.items():
            (table[place],) = program.tape.nodes[leaf].shape
        for index, place in layout.starts.items():
            table[place] = program.tape.nodes[index].attr[0]
        self._places = [layout.row[node.index] for node in plan.rows]
        self._out: Sequence[np.ndarray] = ()
        self.address = table.ctypes.data

    def set_outputs(self, out: Sequence[np.ndarray]) -> None:
        """Set where results with rows go: contiguous arrays."""
        for place, array in zip(self._places, out, strict=True):
            self._table[place] = array.ctypes.data
        self._out = out

    @checked
    def __call__(self) -> np.ndarray:
        """Compute; the single numbers, in one array that the next call overwrites."""
        if self._max_rows < MIN_PARALLEL_ROWS:
            self.program.run(self.address, 0)
        else:
            self.program.execute(self.address, self)
        return self._scalars


def _address(array: np.ndarray) -> int:
    """Where an array begins; 0 for an empty one."""
    return array.ctypes.data if array.size else 0


def _parts(node: Node) -> list[Node]:
    """The parts of an output that compiled code computes: single numbers and nodes with rows."""
    return list(node.args) if node.op in ("stack", "join", "assemble") else [node]


def _assembled(node: Node, numbers: Any, rows: dict[int, np.ndarray], dtype: np.dtype) -> Any:
    """An output from the parts that compiled code has computed."""
    if node.op == "stack":
        return np.array([next(numbers) for _ in node.args], dtype)
    if node.op == "join":
        joined = np.empty(node.shape, dtype)
        for place, part in zip(node.attr, node.args, strict=True):
            joined[place.start : place.stop : place.step] = rows[part.index] if part.shape else next(numbers)
        return joined
    if node.op != "assemble":
        return rows[node.index] if node.shape else next(numbers)
    values = [rows[a.index] if a.shape else next(numbers) for a in node.args]
    whole = node.attr[0]
    result = np.zeros(node.shape, dtype)
    for value in values[:whole]:
        result += value
    for place, value in zip(node.attr[1:], values[whole:], strict=True):
        result[slice(*place) if isinstance(place, tuple) else place] += value
    return result
