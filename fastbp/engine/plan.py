"""A plan: one way to run a network, as the tables and buffers that kernels read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..kernels import fields as at
from ..kernels.matrix.one_pass import ROWS_TOGETHER
from ..kernels.matrix.panels import PANEL_VECTORS
from ..kernels.simd.machine import machine
from .buffers import GROUPS, Builder, choose_block, float_bits, is_grouped
from .epoch import Diverged
from .fusion import Fusion
from .memory import address, empty
from .parameters import Parameters
from .rules import describe_rules
from .shapes import Shape

MAX_STAGED_BYTES = 16 * 1024  # data that are copied rather than asked for their address
MAX_REST = 64  # runs on one thread after teams that did not pay


def is_small(size: int) -> bool:
    """Whether so many bytes of data are better copied than asked for their address."""
    return size <= MAX_STAGED_BYTES


@dataclass
class Plan:
    """The tables and buffers of one way to run a network. Buffers live as long as the plan.

    ``fields`` and ``rows`` are what kernels read (kernels/fields.py). Whoever runs a plan fills in the data's addresses.
    """

    fields: np.ndarray
    rows: np.ndarray
    dtype: np.dtype
    phases: int
    threads: int
    batch: int
    buffers: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.address = address(self.fields)
        self._staged: dict[int, tuple[np.ndarray, int]] = {}
        self._rest, self._patience = 0, 1

    def __setitem__(self, position: int, value: int) -> None:
        self.fields[position] = value

    def place(self, position: int, array: np.ndarray) -> None:
        """Say where data lies: its address, and the bytes of a row in the field after it.

        A small array is copied to a place the plan knows. Asking NumPy for an address takes longer.
        """
        if is_small(array.nbytes):
            self.stage(position, array.shape, array.dtype)[...] = array
        else:
            self.point(position, array)

    def point(self, position: int, array: np.ndarray) -> None:
        """The same without a copy, however small it is: what is written there later is read."""
        self.fields[position], self.fields[position + 1] = address(array), array.strides[0]

    def stage(self, position: int, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """The plan's own array for small data at a field, and the field set to it."""
        found = self._staged.get(position)
        if found is None or found[0].shape != shape:
            staged = empty("staged data", shape, dtype)
            found = self._staged[position] = staged, address(staged)
        staged, where = found
        self.fields[position], self.fields[position + 1] = where, staged.strides[0]
        return staged

    def output(self, rows: int, units: int) -> np.ndarray:
        """An array for predictions, the plan's own where it is small, and the fields set to it."""
        if is_small(rows * units * self.dtype.itemsize):
            return self.stage(at.OUT, (rows, units), self.dtype)
        out = empty("predictions", (rows, units), self.dtype)
        self.fields[at.OUT], self.fields[at.OUT_ROW] = address(out), out.strides[0]
        return out

    def staged(self, position: int) -> np.ndarray | None:
        """The plan's own array at a field, if it has one and the field is set to it."""
        found = self._staged.get(position)
        return found[0] if found is not None and self.fields[position] == found[1] else None

    def output_gradient(self) -> np.ndarray:
        """The gradient with respect to the output of the last layer (batch, units), to be written."""
        return self._delta(self.table[-1])

    def input_gradient(self) -> np.ndarray:
        """The gradient with respect to the input (batch, features), as the last backward pass left it."""
        return self._delta(self.rows[0])

    def _delta(self, row: np.ndarray) -> np.ndarray:
        activations, stride = self.buffers["activations"], int(row[at.DELTA_ROW])
        start = int(row[at.DELTA]) - address(activations)
        rows = activations[start : start + self.batch * stride].reshape(self.batch, stride)
        return rows.view(self.dtype)[:, : row[at.UNITS_OUT]]

    def rests(self) -> bool:
        """Whether to run with one thread for now, because the last team mostly waited for processors that others have."""
        self._rest -= 1
        return self._rest >= 0

    def learn_from_run(self, single_thread: bool) -> None:
        """After a team was given up, rest for some runs, and longer each time it happens again."""
        if single_thread:
            return
        result = self.buffers["result"]
        was_given_up, result[at.BECAME_SINGLE_THREAD] = result[at.BECAME_SINGLE_THREAD], 0
        self._patience = min(2 * self._patience, MAX_REST) if was_given_up else 1
        self._rest = self._patience if was_given_up else 0

    def use_threads(self, threads: int) -> None:
        """Run with all of the plan's threads, or with one: the results are the same."""
        self.fields[at.THREADS] = threads
        if "starts" in self.buffers:
            single_thread = threads != self.threads
            starts = self.buffers["single_thread_starts" if single_thread else "starts"]
            self.fields[at.TASK_STARTS] = address(starts)

    def check(self) -> None:
        """Raise Diverged if the run did."""
        result = self.buffers["result"]
        if result[at.DIVERGED_AT]:
            raise Diverged(int(result[at.DIVERGED_AT]), bool(result[at.DIVERGED_WEIGHTS]))

    @property
    def is_cut_below_loss(self) -> bool:
        """Whether the whole batch comes through all layers before any row's loss."""
        return bool(self.fields[at.SEGMENTS] > 1 and self.buffers["segments"][-2] == self.fields[at.LAYERS])

    @property
    def table(self) -> np.ndarray:
        """The layers' rows."""
        return self.rows[at.ROWS_BEFORE_TABLE :]

    @property
    def memory(self) -> int:
        """Bytes of the plan's own buffers."""
        return sum(b.nbytes for b in self.buffers.values())


def make_plan(
    parameters: Parameters,
    shapes: Sequence[Shape],
    fusion: Fusion,
    phases: int,
    batch: int,
    threads: int,
    keep: bool = False,
    cuts: Sequence[int] = (),
    groups: int | None = None,
    one_pass: bool = False,
) -> Plan:
    """Lay out one way to run a network.

    Parameters
    ----------
    parameters : Parameters
    shapes : sequence of Shape
        Of the network's stages that the plan has: not those that are random, where nothing is to be.
    fusion : Fusion
    phases : int
        Bits of ``fields.PHASES``.
    batch : int
        Rows of a step.
    threads : int
    keep : bool
        Whether the activations of the whole batch must be there afterwards.
    cuts : sequence of int
        Layers that the whole batch must have come to before its rows go through them: the network is cut into segments there.
        The number of layers stands for the loss.
    groups : int, optional
        Parts of the batch that have a gradient each; chosen by the sizes if left out.
    one_pass : bool
        Whether the way back and the update are one pass over the weights: of a batch of few rows, by one thread.
    """
    builder = Builder(parameters, shapes, fusion.stages)
    fields = builder.fields
    updates, learns = bool(phases & at.UPDATE), bool(phases & at.BACKWARD) and any(shape.trainable for shape in shapes)
    phases = phases if learns else phases & ~at.BACKWARD
    grouped = (
        not keep and not cuts and not one_pass and (not learns or groups is not None or is_grouped(parameters, shapes, batch))
    )
    block = choose_block(builder.shapes, parameters.dtype)
    builder.describe_layers(one_pass)
    describe_rules(builder, phases, fusion.trained)
    builder.place_activations(block if grouped else batch, threads if grouped else 1, learns or keep, fusion.trained, keep)
    builder.place_statistics(i for i in cuts if i < len(shapes) and shapes[i].normalizes_batch)
    if keep:
        builder.describe_input()
    if updates or keep:
        builder.partition_update(threads, 0 if grouped else batch)
    if one_pass:
        builder.describe_one_pass(batch)
    fields[at.PHASES], fields[at.BATCH], fields[at.LAYERS], fields[at.THREADS] = phases, batch, fusion.trained, threads
    fields[at.OUTPUT_LAYERS] = len(builder.shapes)
    fields[at.EPOCHS] = 1
    builder.buffers["segments"] = np.array([-1, *cuts, fusion.trained], np.int64)
    fields[at.SEGMENTS], fields[at.SEGMENT_STARTS] = 1 + len(cuts), address(builder.buffers["segments"])
    fields[at.TABLE], fields[at.BLOCK] = address(builder.table), block
    fields[at.LOSS], fields[at.PENALTY_FACTOR] = fusion.loss, float_bits(1.0)
    fields[at.ROW_LOSS] = builder.buffer("row_loss", batch, np.float64)
    fields[at.CONTROL] = builder.buffer("control", at.CONTROL_SIZE, np.int64)
    fields[at.RESULT] = builder.buffer("result", at.RESULT_SIZE, np.float64)
    fields[at.ONES] = builder.buffer("ones", machine().lanes(parameters.dtype), parameters.dtype)
    builder.buffers["ones"][:] = 1
    fields[at.ZEROS] = builder.buffer("zeros", max(PANEL_VECTORS, ROWS_TOGETHER) * machine().vector_bytes, np.uint8)
    if grouped:
        fields[at.GROUPS] = groups or GROUPS
        if learns:
            first = builder.buffer("gradients", int(fields[at.GROUPS]) * parameters.size, parameters.dtype)
            fields[at.GRADIENTS] = first - address(parameters.weights)
            fields[at.GROUP] = parameters.weights.nbytes
    return Plan(fields, builder.rows, parameters.dtype, phases, threads, batch, builder.buffers)
