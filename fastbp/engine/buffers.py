"""The tables and buffers of a plan: where each layer's activations and gradients lie, and what the update works through.

Memory of a plan beyond the data and the parameters, with ``r(u)`` = bytes of a row of ``u`` units (``row_bytes``), ``n`` = rows
whose activations are kept (the batch, or one block for each thread where the batch is cut into groups):

    activations and their gradients   n * (r(inputs) + sum of 2 r(units), 3 r(units) where a derivative is stored)
    the gradient of the input         n * r(inputs), where the batch is kept for ``backward``
    groups                            GROUPS * bytes of the parameters
    packed inputs (``MIN_PACKED_BYTES``)   batch * bytes of the inputs of one task of the update, for each thread
    the loss of each row              8 * batch
    statistics of the batch           7 * r(units) for each layer that normalizes by them
    and some kilobytes: for each thread one tile of the gradient, the table of the layers, the list of the update's tasks.

A network that normalizes by the batch keeps all of it, however large: each layer's statistics are of all rows.

A fit needs 8 bytes more for each sample that is shuffled, and a copy of the parameters and the optimizer's state to go back to.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..kernels import fields as at
from ..kernels.activation import STORES_DERIVATIVE
from ..kernels.codes import LINEAR
from ..kernels.layers.batch_norm_units import STATISTICS
from ..kernels.layers.dense_task import scratch_bytes, task_rows
from ..kernels.matrix.panels import PANEL_VECTORS
from ..kernels.matrix.tile import LINE, tile_rows
from ..kernels.simd.machine import machine
from ..layers.stages import Stage
from .memory import address, aligned_zeros, zeros
from .one_pass import one_pass_inputs
from .parameters import Parameters
from .shapes import Shape
from .tasks import partition, update_tasks
from .work import lowest_trainable

GROUPS = 16  # parts of a batch that is too large to keep; each has a gradient, so few, but enough for many threads
MIN_GROUPED_BYTES = 512 * 1024  # bytes of activations that no longer stay in a core's cache between the phases
MAX_GROUP_GRADIENT_BYTES = 1024 * 1024  # bytes of all the groups' gradients, up to which that is the faster way
MIN_PACKED_BYTES = 1024 * 1024  # bytes of a layer's input that lie on more pages than a core keeps the addresses of
MIN_PACKED_PANELS = 4  # panels that must go through packed inputs for the copy to pay
MAX_BLOCK_ROWS = 128  # most rows that go through all layers together
MAX_KEPT_BYTES = 256 * 1024 * 1024  # bytes of activations beyond which it is the only sensible way


def float_bits(value: float) -> int:
    """A float64 as the integer with the same bits: how it travels among addresses."""
    bits: int = struct.unpack("q", struct.pack("d", value))[0]
    return bits


def row_bytes(units: int, dtype: np.dtype) -> int:
    """Bytes from one row of activations to the next. Powers of two would crowd into few sets of the cache."""
    size: int = -(-units // machine().lanes(dtype)) * machine().vector_bytes
    return size + LINE if size >= 4 * LINE and size % (2 * LINE) == 0 else size


def choose_block(shapes: Sequence[Shape], dtype: np.dtype) -> int:
    """Rows that go through all layers together: so many that a layer's input and output stay in the first-level cache.

    Where those would be few, many, so that a panel of weights is read once for many rows.
    """
    widest = max(row_bytes(s.units_in, dtype) + row_bytes(s.units_out, dtype) for s in shapes if s.weighted or len(shapes) == 1)
    rows = min(MAX_BLOCK_ROWS, 24 * 1024 // widest)
    rows = MAX_BLOCK_ROWS if rows < 32 else rows
    tile: int = tile_rows()
    return rows - rows % tile


def activation_bytes(shapes: Sequence[Shape], dtype: np.dtype, rows: int) -> int:
    return rows * (row_bytes(shapes[0].units_in, dtype) + sum(2 * row_bytes(s.units_out, dtype) for s in shapes))


def is_grouped(parameters: Parameters, shapes: Sequence[Shape], batch: int) -> bool:
    """Whether a batch to learn from is cut into groups rather than kept whole."""
    size = activation_bytes(shapes, parameters.dtype, batch)
    small = GROUPS * parameters.weights.nbytes <= MAX_GROUP_GRADIENT_BYTES
    return size > (MIN_GROUPED_BYTES if small else MAX_KEPT_BYTES)


class Builder:
    """Collects buffers while a plan is laid out."""

    def __init__(self, parameters: Parameters, shapes: Sequence[Shape], stages: Sequence[Stage]) -> None:
        self.parameters, self.stages, self.dtype = parameters, stages, parameters.dtype
        self.shapes = [*shapes, *parameters.without_weights(stages[len(shapes) :])]
        self.fields = zeros("plan", at.FIELDS, np.int64)
        self.rows = zeros("layers", (at.ROWS_BEFORE_TABLE + len(self.shapes), at.LAYER_FIELDS), np.int64)
        self.table = self.rows[at.ROWS_BEFORE_TABLE :]
        self.buffers: dict[str, np.ndarray] = {}

    def buffer(self, name: str, count: int, dtype: Any) -> int:
        """A zeroed buffer; its address."""
        self.buffers[name] = aligned_zeros(name, count, dtype)
        return address(self.buffers[name])

    def describe_layers(self, one_pass: bool) -> None:
        """Sizes, codes and parameters of each layer. In one pass over the weights no transposed copies are read."""
        item, variables = self.dtype.itemsize, 0
        for i, (shape, stage, row) in enumerate(zip(self.shapes, self.stages, self.table, strict=True)):
            row[at.KIND] = stage.kind
            row[at.UNITS_IN], row[at.UNITS_OUT] = shape.units_in, shape.units_out
            row[at.VECTORS_IN], row[at.VECTORS_OUT] = shape.vectors_in, shape.vectors_out
            row[at.ACTIVATION], row[at.ALPHA] = stage.activation.code, float_bits(stage.activation.alpha)
            row[at.TRAINABLE], row[at.LEARNT_VECTORS] = shape.trainable, shape.learnt_vectors
            row[at.SEED] = stage.seed or 0
            row[at.FIRST_VARIABLE], variables = variables, variables + shape.variables * shape.trainable
            for position, setting in enumerate(stage.settings):
                row[at.SETTING_0 + position] = float_bits(setting)
            if shape.weighted:
                row[at.BIAS], row[at.WEIGHTS] = shape.bias, address(self.parameters.weights) + shape.offset * item
                if i > 0 and shape.is_dense:
                    row[at.STALE] = address(self.parameters.stale) + 8 * self.parameters.shapes.index(shape)
                if i > 0 and shape.is_dense and not one_pass:
                    row[at.TRANSPOSED] = address(self.parameters.transposed) + shape.transposed_offset * item
            row[at.ERROR], row[at.FEEDBACK] = address(row), row[at.TRANSPOSED]

    def place_activations(self, rows: int, copies: int, learns: bool, trained: int, keep: bool) -> None:
        """Buffers for ``rows`` rows of every layer, ``copies`` times over; gradients for ``trained`` of them.

        With ``keep`` there is one for the gradient of the input too. Without, there is none below what is trainable.
        """
        lowest = 0 if keep else lowest_trainable(self.shapes)
        self.fields[at.BACKWARD_END] = lowest + 1
        places, size = [], 0

        def reserve(row: np.ndarray, field: int, stride: int) -> None:
            nonlocal size
            places.append((row, field, size))
            size += -(-rows * stride // 128) * 128

        source_row = row_bytes(self.shapes[0].units_in, self.dtype)
        reserve(self.table[0], at.INPUT, source_row)
        if keep:
            reserve(self.rows[0], at.DELTA, source_row)
        for i, (shape, row) in enumerate(zip(self.shapes, self.table, strict=True)):
            stride = row_bytes(shape.units_out, self.dtype)
            row[at.INPUT_ROW], row[at.OUTPUT_ROW], row[at.DELTA_ROW] = source_row, stride, stride
            reserve(row, at.OUTPUT, stride)
            if (learns and lowest <= i < trained) or i == trained - 1:  # the loss writes the last one, wanted or not
                reserve(row, at.DELTA, stride)
            if learns and lowest <= i < trained and row[at.ACTIVATION] in STORES_DERIVATIVE:
                reserve(row, at.DERIVATIVE, stride)
            if learns and lowest <= i < trained and row[at.KIND] in at.ROW_NORMS:
                reserve(row, at.ROW_NUMBERS, at.KEPT_NUMBERS * self.dtype.itemsize)
            source_row = stride
        base = self.buffer("activations", size * copies, np.uint8)
        for row, field, offset in places:
            row[field] = base + offset
        self.table[1:, at.INPUT] = self.table[:-1, at.OUTPUT]
        self.fields[at.ARENA] = size

    def place_statistics(self, layers: Iterable[int]) -> None:
        """Buffers for what these layers have to know of the whole batch."""
        for i in layers:
            size = self.shapes[i].vectors_out * machine().vector_bytes
            self.table[i, at.BATCH_STATISTICS] = self.buffer(f"statistics_{i}", STATISTICS * size, np.uint8)

    def describe_input(self) -> None:
        """The two rows before the table, for the gradient with respect to the input (kernels/fields.py)."""
        below, first = self.rows[: at.ROWS_BEFORE_TABLE]
        first[:] = self.table[0]
        first[at.TRANSPOSED] = first[at.FEEDBACK] = address(self.parameters.transposed)
        below[at.KIND], below[at.ACTIVATION], below[at.DELTA_ROW] = at.ELEMENTWISE, LINEAR, first[at.INPUT_ROW]
        below[at.UNITS_OUT], below[at.VECTORS_OUT] = first[at.UNITS_IN], first[at.VECTORS_IN]

    def partition_update(self, threads: int, batch: int) -> None:
        """The tasks of the update and which thread has which. ``batch`` is 0 where the gradients are there already."""
        tasks, starts = partition(update_tasks(self.shapes, self.dtype, threads), self.shapes, threads)
        self.buffers["tasks"] = np.array(tasks, np.int64)
        self.buffers["starts"] = np.array(starts, np.int64)
        self.buffers["single_thread_starts"] = np.array([0, len(tasks)])
        self.fields[at.SINGLE_THREAD_STARTS] = address(self.buffers["single_thread_starts"])
        self.fields[at.TASKS] = address(self.buffers["tasks"])
        self.fields[at.TASK_STARTS] = address(self.buffers["starts"])
        size = scratch_bytes(self.dtype) + (self._choose_packed(batch) if batch else 0)
        size += 8 * sum(shape.variables for shape in self.shapes)
        self.fields[at.SCRATCH_ROW] = -(-size // 128) * 128
        self.fields[at.SCRATCH] = self.buffer("scratch", int(self.fields[at.SCRATCH_ROW]) * threads, np.uint8)

    def describe_one_pass(self, batch: int) -> None:
        """Room for the gradient of some inputs' weights, and for what goes back to these inputs."""
        inputs, vector = one_pass_inputs(batch), machine().vector_bytes
        self.fields[at.ONE_PASS_ROWS] = inputs
        self.fields[at.ONE_PASS] = self.buffer("one_pass", (inputs + 1) * PANEL_VECTORS * vector, np.uint8)
        self.fields[at.ONE_PASS_SUMS] = self.buffer("one_pass_sums", inputs * batch * vector, np.uint8)

    def _choose_packed(self, batch: int) -> int:
        """Mark the layers whose inputs are packed for the update; the bytes that one thread needs for it."""
        needed = 0
        for shape, row in zip(self.shapes, self.table, strict=True):
            is_large = batch * row_bytes(shape.units_in, self.dtype) > MIN_PACKED_BYTES
            is_wide = shape.vectors_out >= MIN_PACKED_PANELS * PANEL_VECTORS
            row[at.PACKED] = shape.is_dense and shape.trainable and is_large and is_wide
            if row[at.PACKED]:
                needed = batch * task_rows(shape, self.dtype) * self.dtype.itemsize
        return needed
