"""What is observed of a network while it learns: the kernels' tables for it, and their records as arrays."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..kernels import fields as at
from ..kernels.activation import DERIVATIVES, STORES_DERIVATIVE
from ..kernels.codes import CUSTOM_ACTIVATION, LINEAR
from ..kernels.layers.dense_task import task_rows
from ..kernels.simd.element_types import element_type
from ..layers.stages import Stage
from .buffers import float_bits
from .memory import address, aligned_zeros, zeros
from .parameters import Parameters
from .plan import Plan
from .shapes import Shape

COLUMN_OF_ROWS = 1  # float64 before the sums of a group: how many rows it has


class Observed(NamedTuple):
    """What was observed in some steps.

    ``steps`` are those of the optimizer before each, counted from 0; ``passes`` the pass of the call that each is of;
    ``records`` (steps, stages, RECORD_FIELDS) as kernels/fields.py has them.
    """

    steps: list[int]
    passes: list[int]
    records: np.ndarray


class Observer:
    """Has the kernels observe every so many steps of each pass, its first one among them.

    Parameters
    ----------
    every : int
    take : callable
        Called with an ``Observed`` after each call that learns.

    Attributes
    ----------
    steps_before : int
        Steps of the pass before the data that comes next, where a pass is not of one piece.
    """

    def __init__(self, every: int, take: Callable[[Observed], None]) -> None:
        self.every, self.take, self.steps_before = every, take, 0


class Observation:
    """The observing of some passes by a plan.

    Parameters
    ----------
    observer : Observer
    plan : Plan
    parameters : Parameters
    stages : sequence of Stage
    count, steps : int
        How many passes, and the steps of one.
    taken : int
        Steps of the optimizer before them.
    """

    def __init__(
        self,
        observer: Observer,
        plan: Plan,
        parameters: Parameters,
        stages: Sequence[Stage],
        count: int,
        steps: int,
        taken: int,
    ) -> None:
        if "monitor" not in plan.buffers:
            _prepare(plan, parameters, stages)
        before, layers = observer.steps_before, int(plan.fields[at.LAYERS])
        places = self._places = range(-before % observer.every, steps, observer.every)
        self._passes = [i for i in range(count) for _ in places]
        self._steps = [taken + i * steps + place for i in range(count) for place in places]
        self._records = zeros("records", (len(self._steps), layers, at.RECORD_FIELDS))
        self._take, self._table, self._collected = observer.take, plan.buffers["monitor"], 0
        self._table[at.EVERY], self._table[at.PASS_STEPS_BEFORE] = observer.every, before
        self._table[at.RECORDS], self._table[at.RECORDED] = address(self._records), 0
        plan[at.MONITOR] = address(self._table)

    def skip(self, done: int) -> None:
        """Have so many steps of the first pass observed already, by another process."""
        self._collected = self._table[at.RECORDED] = sum(place < done for place in self._places)
        self._steps = [step - done for step in self._steps]  # the optimizer's are counted from those that were done

    def collect(self) -> None:
        """Hand on what has been recorded since the last time."""
        start, self._collected = self._collected, int(self._table[at.RECORDED])
        new = slice(start, self._collected)
        if start < self._collected:
            self._take(Observed(self._steps[new], self._passes[new], self._records[new]))


def _prepare(plan: Plan, parameters: Parameters, stages: Sequence[Stage]) -> None:
    """Lay out the tables and sums of a plan's monitor."""
    layers, groups, buffers = int(plan.fields[at.LAYERS]), max(1, int(plan.fields[at.GROUPS])), plan.buffers
    watched = buffers["watched"] = np.zeros((layers, at.WATCHED_FIELDS), np.int64)
    units, parts, chunks = COLUMN_OF_ROWS, 0, 0
    for shape, stage, row, entry in zip(parameters.shapes, stages, plan.table, watched, strict=False):
        entry[at.UNITS_AT], entry[at.PARTS_AT], entry[at.CHUNKS_AT] = units, parts, chunks
        rows, heights = _learnt(shape, parameters.dtype)
        units += at.SUMS_OF_UNIT * shape.vectors_out * shape.lanes
        parts += heights * shape.vectors_out
        entry[at.PARTS_END], entry[at.WEIGHT_VECTORS] = parts, rows * shape.vectors_out
        chunks += -(-rows * shape.vectors_out // at.CHUNK)
        flat_below = stage.activation.flatness.below if row[at.ACTIVATION] == stage.activation.code else 0.0
        entry[at.FLAT_BELOW] = float_bits(flat_below)
        entry[at.DERIVATIVE_FROM] = _derivative_from(row) if flat_below else LINEAR
    buffers["unit_sums"] = aligned_zeros("unit_sums", groups * units, np.float64)
    buffers["gradient_sums"] = aligned_zeros("gradient_sums", parts, np.float64)
    buffers["weight_sums"] = aligned_zeros("weight_sums", chunks * at.SUMS_OF_WEIGHTS, np.float64)
    buffers["weights_before"] = aligned_zeros("weights_before", parameters.size, parameters.dtype)
    table = buffers["monitor"] = zeros("monitor", at.MONITOR_FIELDS, np.int64)
    table[at.WATCHED], table[at.GRADIENT_SUMS] = address(watched), address(buffers["gradient_sums"])
    table[at.WEIGHT_SUMS] = address(buffers["weight_sums"])
    table[at.UNIT_SUMS], table[at.UNIT_SUMS_ROW] = address(buffers["unit_sums"]), 8 * units
    table[at.WEIGHTS_BEFORE] = address(buffers["weights_before"]) - address(parameters.weights)


def _learnt(shape: Shape, dtype: np.dtype) -> tuple[int, int]:
    """Rows of weights that a layer learns, and how many parts its gradient has one below the other."""
    if not shape.trainable:
        return 0, 0
    if not shape.is_dense:
        return shape.learnt_vectors, shape.learnt_vectors
    return shape.rows, -(-shape.units_in // task_rows(shape, element_type(dtype)))


def _derivative_from(row: np.ndarray) -> int:
    """How kernels get at the derivative of a layer's activation, as ``observe_outputs`` has it; LINEAR where they cannot."""
    code = int(row[at.ACTIVATION])
    if code in STORES_DERIVATIVE:
        return CUSTOM_ACTIVATION if row[at.DERIVATIVE] else LINEAR
    return code if code in DERIVATIVES else LINEAR
