"""Gradient trainer on a formula: the plan of an epoch for the kernel in kernels/formula.py, and the parameters' form."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import optimizers
from ..arguments import number
from ..data import columns
from ..engine import threads as pool
from ..engine.epoch import Epoch
from ..engine.guards import checked
from ..engine.memory import address, aligned_zeros, empty, zeros
from ..graph.autodiff.chain_rule import gradient
from ..graph.codegen.program import MIN_PARALLEL_ROWS, BoundProgram, Program
from ..graph.tracing.branches import Branches
from ..graph.tracing.errors import trace_error
from ..graph.tracing.node import Node
from ..graph.tracing.node_array import NodeArray, cells_of, flat_node, shaped
from ..graph.tracing.tape import Tape
from ..graph.tracing.trace import argument_names, results
from ..graph.tracing.traversal import live
from ..graph.tracing.tree import flatten
from ..kernels import formula as at
from ..kernels.fields import CONTROL_SIZE
from ..kernels.optimizer import RUNNING_PRODUCTS, SCALARS
from ..kernels.simd.machine import machine

MAX_WAYS = 64  # through a formula's branches
MAX_PARAMETERS = 4096  # each is a separate number in the compiled code
MIN_INTERRUPTIBLE_OPERATORS = 2e7  # of an epoch that runs in another thread, so that Ctrl-C reaches the calling one

_TOO_MANY_WAYS = "What differs from row to row takes fastbp.where; so does what changes with every step."
_INTO_DATA = (
    "What has a value for each row belongs into data: the formula takes it as an argument, and gets the rows of a batch."
)


def _no_leaf(value: Any) -> bool:
    """A list of numbers is handed to the formula as a list."""
    return False


def _leaf(path: str, value: Any) -> Any:
    """A parameter as a float or an array of floats."""
    if not np.ndim(value):
        return number(path, value[()] if isinstance(value, np.ndarray) else value)
    return np.array(columns(path, value, True), np.float64)


def _source(array: np.ndarray, buffer: np.ndarray) -> tuple[int, ...]:
    """What the kernel wants to know of an array and of the buffer for a batch of it."""
    column = array.strides[1] if array.ndim == 2 else 0
    return address(array), array.strides[0], column, len(buffer), address(buffer), buffer.strides[0]


def _refuse_rows_from_around(results: list[Node]) -> None:
    """A value for each row that does not come with the data would meet other rows in each batch."""
    data: set[int] = set()
    around: set[int] = set()
    for node in live(results):
        if not node.shape or node.op == "stack":
            continue
        for rows, leaf in ((data, "input"), (around, "captured")):
            if node.op == leaf or any(a.index in rows for a in node.args):
                rows.add(node.index)
        if node.index in data and node.index in around:
            raise trace_error(f"A formula to fit computes with an array of {node.shape[0]} values around it.", _INTO_DATA)


class FormulaTrainer:
    """A formula, its parameters and its data, ready to run an epoch."""

    def __init__(
        self,
        f: Callable[..., Any],
        arrays: list[np.ndarray],
        params: Any,
        optimizer: optimizers.Optimizer,
        batch: int,
        shuffle: bool,
        seed: int,
    ) -> None:
        leaves, self._structure = flatten(params, _no_leaf, "params")
        self._leaves = [(path, _leaf(path, value)) for path, value in leaves]
        numbers = [v for _, value in self._leaves for v in np.ravel(value)]
        if not 1 <= len(numbers) <= MAX_PARAMETERS:
            raise ValueError(
                f"params must hold 1 to {MAX_PARAMETERS} numbers, got {len(numbers)}: for more there is Sequential"
            )
        self.dtype, samples = arrays[0].dtype.name, len(arrays[0])
        self.steps, self._samples, self._optimizer, self.diverged_at = -(-samples // batch), samples, optimizer, 0
        padded = -(-(len(numbers) + 2) // machine().lanes(arrays[0].dtype)) * machine().lanes(arrays[0].dtype)
        self._w, self._outputs = (aligned_zeros(name, padded, self.dtype) for name in ("parameters", "outputs"))
        self.parameters = self._w[: len(numbers)]
        with np.errstate(all="ignore"):
            self.parameters[:] = numbers
        self._state = aligned_zeros("optimizer state", padded * max(optimizer.slots, 1), self.dtype)
        self._state[:padded] = optimizer.initial_state
        self._control, self._result = zeros("control", CONTROL_SIZE, np.int64), zeros("result", at.RESULT_SIZE)
        widths = [array.shape[1] if array.ndim == 2 else 1 for array in arrays]
        buffers = [aligned_zeros("batch", batch * width, self.dtype).reshape(width, batch) for width in widths]
        sources = np.array([_source(array, buffer) for array, buffer in zip(arrays, buffers, strict=True)], np.int64)
        for array, buffer in zip(arrays, buffers, strict=True):
            buffer[:] = np.atleast_2d(array[:batch].T)
        self._f, self._arrays, self._buffers, self._bounds = f, arrays, buffers, list[BoundProgram]()
        self._graphs: dict[int, list[np.ndarray]] = {at.WAYS: [], at.LAST_WAYS: []}
        self._tables: dict[int, np.ndarray] = {}
        self._rows = {at.WAYS: batch, at.LAST_WAYS: samples % batch or batch}
        self._threads = pool.get_num_threads() if batch >= MIN_PARALLEL_ROWS else 1
        hyper, schedule = np.array(optimizer.hyper), zeros("running products", RUNNING_PRODUCTS)
        order, random = empty("order", samples, np.int64), zeros("generator", 1, np.uint64)
        scalars = aligned_zeros("scalars", SCALARS, self.dtype)
        schedule[:], order[:], random[:] = 1.0, np.arange(samples), seed
        self._plan = plan = zeros("plan", at.FIELDS, np.int64)
        plan[[at.SAMPLES, at.BATCH, at.SHUFFLE, at.ARRAYS]] = samples, batch, shuffle, len(sources)
        for ways in (at.WAYS, at.LAST_WAYS)[: 1 + (samples % batch > 0)]:
            self._add_way(ways)
        plan[[at.PARAMETER_COUNT, at.VECTORS]] = len(numbers), padded // machine().lanes(arrays[0].dtype)
        plan[[at.SLOT, at.OPTIMIZER]] = padded * arrays[0].itemsize, optimizer.code
        for place, array in {
            at.ORDER: order,
            at.RANDOM: random,
            at.SOURCES: sources,
            at.OUTPUTS: self._outputs,
            at.PARAMETERS: self._w,
            at.STATE: self._state,
            at.HYPER: hyper,
            at.RUNNING_PRODUCTS: schedule,
            at.SCALARS: scalars,
            at.CONTROL: self._control,
            at.RESULT: self._result,
        }.items():
            plan[place] = address(array)
        self._interruptible = samples * self._operators > MIN_INTERRUPTIBLE_OPERATORS
        self._keep = self, arrays, buffers, order, random, sources, hyper, schedule, scalars

    @property
    def ways(self) -> int:
        """How many have been compiled."""
        return sum(map(len, self._graphs.values()))

    def _add_way(self, ways: int) -> None:
        """Trace and compile the formula along the way through its branches that the present parameters and batch take."""
        graphs = self._graphs[ways]
        if len(graphs) == MAX_WAYS:
            raise trace_error(
                f"A formula to fit takes more than {MAX_WAYS} ways through its branches.", _TOO_MANY_WAYS, self._f
            )
        graphs.append(self._graph(self._f, self._arrays, self._rows[ways], self._buffers))
        self._plan[[ways + at.WAY_COUNT, ways + at.WAY_TAKEN]] = len(graphs), len(graphs) - 1
        table = self._tables[ways] = np.array([address(graph) for graph in graphs], np.int64)
        self._plan[ways + at.WAY_GRAPHS] = address(table)

    def _graph(self, f: Callable[..., Any], arrays: list[np.ndarray], rows: int, buffers: list[np.ndarray]) -> np.ndarray:
        """The formula and its gradient on so many rows, compiled: a row of integers for the kernel."""
        tape = Tape()
        tape.shape_hint = _INTO_DATA
        parameters: list[Node] = []

        def stand_in(path: str, value: Any) -> Node:
            new = [tape.input(path if not np.ndim(value) else f"{path}[{i}]") for i in range(np.size(value))]
            parameters.extend(new)
            return shaped(tape.stack(new), np.shape(value)) if np.ndim(value) else new[0]

        handed = self._structure.rebuild(iter([stand_in(path, value) for path, value in self._leaves]))
        names = argument_names(f, len(arrays) + 1)[1:]
        columns_of = [
            [tape.input(name if array.ndim == 1 else f"{name}[:, {j}]", (rows,)) for j in range(len(buffer))]
            for name, array, buffer in zip(names, arrays, buffers, strict=True)
        ]
        seen = [
            nodes[0] if array.ndim == 1 else NodeArray(tape, cells_of(nodes, (1, len(nodes))), (0,), (rows,)).simplified()
            for array, nodes in zip(arrays, columns_of, strict=True)
        ]
        inputs = [*parameters, *(node for nodes in columns_of for node in nodes)]
        values = [*(self._w[i : i + 1] for i in range(len(parameters))), *(row[:rows] for buffer in buffers for row in buffer)]
        known = {node.index: value.copy() if node.shape else value[0] for node, value in zip(inputs, values, strict=True)}
        tape.branches = Branches(known, set(), self.dtype)
        found = results(tape, f, handed, *seen)
        _refuse_rows_from_around([flat_node(node) for node in found])
        if len(found) != 1 or found[0].shape:
            what = f"{found[0].size} values" if len(found) == 1 else f"{len(found)} results"
            raise trace_error(f"A formula to fit must give a single number, not {what}.", "Use fastbp.mean over the data.", f)
        guard = tape.branches.guard()
        flag = [] if guard is None else [tape.number(guard)]
        program = Program(inputs, [*gradient(found[0], parameters), found[0], *flag], self.dtype)
        self._operators = len(program.plan.nodes)
        bound = BoundProgram(program, values, self._outputs)
        calls = [call for pair in zip(program.loops, program.ends, strict=True) for call in pair] + [program.results]
        self._bounds.append(bound)
        places = [ctypes.cast(call, ctypes.c_void_p).value for call in calls]
        return np.array([bound.address, len(program.loops), len(flag), *places], np.int64)

    def prepare(self, announce: Callable[[], None]) -> None:
        """Have the kernel that ``run`` needs; ``announce()`` goes before its compilation."""
        self._kernel = at.run_kernel(self.dtype, announce)

    @checked
    def run(self) -> Epoch:
        """One pass over the data."""
        self._result[:] = 0
        self._plan[[at.FIRST_STEP, at.FORCED]] = 0
        start = time.perf_counter()
        threads = self._run_steps()
        while self._result[at.LOST_AT]:
            step, self._result[at.LOST_AT] = int(self._result[at.LOST_AT]) - 1, 0
            is_last = step == self.steps - 1 and self._rows[at.LAST_WAYS] < self._rows[at.WAYS]
            self._add_way(at.LAST_WAYS if is_last else at.WAYS)
            # Where rounding has it otherwise than the flag, both ways are right.
            self._plan[[at.FIRST_STEP, at.FORCED]] = step, 1
            threads = self._run_steps()
        seconds, steps = time.perf_counter() - start, int(self._result[at.STEPS])
        self.diverged_at = int(self._result[at.DIVERGED_AT])
        if not self.diverged_at and not np.isfinite(self.parameters).all():
            self.diverged_at = steps
        loss = float(self._result[at.LOSS_SUM]) / self._samples
        return Epoch(loss, self._samples, steps, seconds, 0, threads, None)

    def _run_steps(self) -> int:
        """From ``FIRST_STEP`` on; the number of threads."""
        self._control[:] = 0
        with pool.team(max(self._threads, 2 if self._interruptible else 1)) as team:
            threads = min(team, self._threads)
            self._plan[at.THREADS] = threads
            wait = self._interruptible and team > 1
            pool.run(self._kernel, address(self._plan), threads, self._control, wait, self._keep)
        return threads

    def shaped(self, parameters: np.ndarray) -> Any:
        """Parameters in the form in which they were given."""
        numbers = iter(parameters.tolist())

        def take(value: Any) -> Any:
            return (
                np.array([next(numbers) for _ in np.ravel(value)], self.dtype).reshape(np.shape(value))
                if np.ndim(value)
                else next(numbers)
            )

        return self._structure.rebuild(iter([take(value) for _, value in self._leaves]))
