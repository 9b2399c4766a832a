"""A described network becomes a flat plan: sizes, codes, addresses, chunking, thread count.

Memory of a plan beyond the data and the parameters, with ``r(u)`` = bytes of a row of ``u`` units (``row_bytes``), ``n`` = rows
whose activations are kept (the batch, or one block for each thread where the batch is cut into groups):

    activations and their gradients   n * (r(inputs) + sum of 2 r(units), 3 r(units) where a derivative is stored)
    groups                            GROUPS * bytes of the parameters
    packed inputs (``PACKED_FROM``)   batch * bytes of the inputs of one piece of the update, for each thread
    the loss of each row              8 * batch
    and some kilobytes: for each thread one tile of the gradient, the table of the layers, the list of the update's pieces.

A fit needs 8 bytes more for each sample that is shuffled, and a copy of the parameters and the optimizer's state to go back to.
"""

import struct
from dataclasses import dataclass, field

import numpy as np

from ..kernels import fields as at
from ..kernels.activation import STORED
from ..kernels.codes import SOFTMAX
from ..kernels.layers.dense import LINE, piece_rows, scratch_bytes
from ..kernels.matrix.gemm import tile_rows
from ..kernels.matrix.panels import FULL
from ..kernels.simd.machine import machine
from .parameters import address, aligned_zeros
from .tasks import pieces, share
from .threads import get_num_threads

GROUPS = 16  # parts of a batch that is too large to keep; each has a gradient, so few, but enough for many threads
GROUPED_FROM = 512 * 1024  # bytes of activations that no longer stay in a core's cache between the phases
GROUPED_UP_TO = 1024 * 1024  # bytes of all the groups' gradients, up to which that is the faster way
STAGED_UP_TO = 16 * 1024  # bytes of data that are copied rather than asked for their address
LONGEST_REST = 64  # runs on one thread after teams that did not pay
PACKED_FROM = 1024 * 1024  # bytes of a layer's input that lie on more pages than a core keeps the addresses of
PANELS_TO_PACK = 4  # panels that must go through packed inputs for the copy to pay
BLOCK_ROWS = 128  # most rows that go through all layers together
KEPT_UP_TO = 256 * 1024 * 1024  # bytes of activations beyond which it is the only sensible way
FLOP_PER_THREAD = 1.5e6  # work of a step that pays for one more thread's waiting at the barrier


def float_bits(value):
    """A float64 as the integer with the same bits: how it travels among addresses."""
    return struct.unpack("q", struct.pack("d", value))[0]


def step_flop(shapes, batch):
    """Floating-point operations of one training step's products: no input gradient for the first layer."""
    products = [s.units_in * s.units_out for s in shapes if s.weighted]
    return 6 * batch * sum(products) - 2 * batch * (products[0] if shapes[0].weighted else 0)


def forward_flop(shapes, batch):
    return 2 * batch * sum(s.units_in * s.units_out for s in shapes if s.weighted)


def choose_threads(flop, wanted=None):
    """Threads for a step of ``flop`` operations: as asked for, or as many as pay, of those that may be used."""
    if wanted is not None:
        return wanted
    paying = int(flop / FLOP_PER_THREAD)
    return 1 if paying <= 1 else min(paying, get_num_threads())


def row_bytes(units, dtype):
    """Bytes from one row of activations to the next. Powers of two would crowd into few sets of the cache."""
    vector = machine().vector_bytes
    lanes = machine().lanes(dtype)
    size = -(-units // lanes) * vector
    return size + LINE if size >= 4 * LINE and size % (2 * LINE) == 0 else size


def is_small(size):
    """Whether so many bytes of data are better copied than asked for their address."""
    return size <= STAGED_UP_TO


@dataclass(frozen=True)
class Fusion:
    """How the last layer and the loss meet: all stages, how many of them the loss is a function of, the loss's code."""

    stages: tuple
    trained: int
    loss: int


def fuse(stages, loss):
    """Sigmoid or softmax with its cross-entropy becomes a loss of logits, and a stage that predictions alone go through."""
    if loss is None:
        return Fusion(stages, len(stages), 0)
    if loss.from_logits:
        return Fusion(stages, len(stages), loss.code_from_logits)
    last = stages[-1]
    activation = SOFTMAX if last.kind == at.SOFTMAX else last.activation.code
    is_fused = activation == loss.output_activation
    if is_fused and last.kind == at.DENSE:
        stages = (*stages[:-1], *last.apart())
    if not is_fused or len(stages) == 1:
        return Fusion(stages, len(stages), loss.code)
    return Fusion(stages, len(stages) - 1, loss.code_from_logits)


@dataclass
class Plan:
    """The tables and buffers of one way to run a network. Buffers live as long as the plan.

    ``fields`` and ``table`` are what kernels read (fields.py). Whoever runs a plan fills in the data's addresses.
    """

    fields: np.ndarray
    table: np.ndarray
    dtype: np.dtype
    threads: int
    batch: int
    buffers: dict = field(default_factory=dict)

    def __post_init__(self):
        self.address = address(self.fields)
        self._staged = {}
        self._rest, self._patience = 0, 1

    def __setitem__(self, position, value):
        self.fields[position] = value

    def place(self, position, array):
        """Say where data lies: its address, and the bytes of a row in the field after it.

        A small array is copied to a place the plan knows. Asking NumPy for an address takes longer.
        """
        if is_small(array.nbytes):
            self.stage(position, array.shape, array.dtype)[...] = array
        else:
            self.fields[position], self.fields[position + 1] = address(array), array.strides[0]

    def stage(self, position, shape, dtype):
        """The plan's own array for small data at a field, and the field set to it."""
        staged, where = self._staged.get(position, (None, 0))
        if staged is None or staged.shape != shape:
            staged = np.empty(shape, dtype)
            where = address(staged)
            self._staged[position] = staged, where
        self.fields[position], self.fields[position + 1] = where, staged.strides[0]
        return staged

    def staged(self, position):
        """The plan's own array at a field, if it has one and the field is set to it."""
        staged, where = self._staged.get(position, (None, 0))
        return staged if self.fields[position] == where else None

    def view(self, layer, position, units):
        """The rows of one layer's buffer (``layout.OUTPUT``, ``layout.DELTA``) as an array (batch, units)."""
        activations, stride = self.buffers["activations"], int(self.table[layer, at.DELTA_ROW])
        start = int(self.table[layer, position]) - address(activations)
        rows = activations[start : start + self.batch * stride].reshape(self.batch, stride)
        return rows.view(self.dtype)[:, :units]

    def rests(self):
        """Whether to run with one thread for now, because the last team mostly waited for processors that others have."""
        self._rest -= 1
        return self._rest >= 0

    def learn_from_run(self, alone):
        """After a team went solo, rest for some runs, and longer each time it happens again."""
        if alone:
            return
        result = self.buffers["result"]
        went_solo, result[at.WENT_SOLO] = result[at.WENT_SOLO], 0
        self._patience = min(2 * self._patience, LONGEST_REST) if went_solo else 1
        self._rest = self._patience if went_solo else 0

    def use_threads(self, threads):
        """Run with all of the plan's threads, or with one: the results are the same."""
        self.fields[at.THREADS] = threads
        if "starts" in self.buffers:
            alone = threads != self.threads
            self.fields[at.TASK_STARTS] = self.fields[at.STARTS_ALONE] if alone else address(self.buffers["starts"])

    @property
    def memory(self):
        """Bytes of the plan's own buffers."""
        return sum(b.nbytes for b in self.buffers.values())


class _Builder:
    """Collects buffers while a plan is laid out."""

    def __init__(self, parameters, stages):
        self.parameters, self.stages, self.dtype = parameters, stages, parameters.dtype
        self.shapes = [*parameters.shapes, *parameters.without_weights(stages[len(parameters.shapes) :])]
        self.fields = np.zeros(at.FIELDS, np.int64)
        self.table = np.zeros((len(self.shapes), at.LAYER_FIELDS), np.int64)
        self.buffers = {}

    def buffer(self, name, count, dtype):
        self.buffers[name] = aligned_zeros(count, dtype)
        return address(self.buffers[name])

    def describe_layers(self):
        """Sizes, codes and parameters of each layer."""
        item = self.dtype.itemsize
        for i, (shape, stage, row) in enumerate(zip(self.shapes, self.stages, self.table, strict=True)):
            row[at.KIND] = stage.kind
            row[at.UNITS_IN], row[at.UNITS_OUT] = shape.units_in, shape.units_out
            row[at.VECTORS_IN], row[at.VECTORS_OUT] = shape.vectors_in, shape.vectors_out
            row[at.ACTIVATION], row[at.ALPHA] = stage.activation.code, float_bits(stage.activation.alpha)
            if shape.weighted:
                row[at.BIAS], row[at.WEIGHTS] = shape.bias, address(self.parameters.weights) + shape.offset * item
                if i > 0:
                    row[at.TRANSPOSED] = address(self.parameters.transposed) + shape.transposed_offset * item

    def place_activations(self, rows, copies, learns, trained):
        """Buffers for ``rows`` rows of every layer, ``copies`` times over; gradients for ``trained`` of them."""
        places, size = [], 0

        def reserve(row, field, stride):
            nonlocal size
            places.append((row, field, size))
            size += -(-rows * stride // 128) * 128

        source_row = row_bytes(self.shapes[0].units_in, self.dtype)
        reserve(0, at.INPUT, source_row)
        for i, shape in enumerate(self.shapes):
            row = self.table[i]
            stride = row_bytes(shape.units_out, self.dtype)
            row[at.INPUT_ROW], row[at.OUTPUT_ROW], row[at.DELTA_ROW] = source_row, stride, stride
            reserve(i, at.OUTPUT, stride)
            if (learns and i < trained) or i == trained - 1:  # the loss writes the last one, wanted or not
                reserve(i, at.DELTA, stride)
            if learns and i < trained and row[at.ACTIVATION] in STORED:
                reserve(i, at.STORED, stride)
            source_row = stride
        base = self.buffer("activations", size * copies, np.uint8)
        for row, position, offset in places:
            self.table[row, position] = base + offset
        self.table[1:, at.INPUT] = self.table[:-1, at.OUTPUT]
        self.fields[at.ARENA] = size

    def share_update(self, threads, batch):
        """The pieces of the update and which thread has which. ``batch`` is 0 where the gradients are there already."""
        tasks, starts = share(pieces(self.shapes, self.dtype, threads), self.shapes, threads)
        self.buffers["tasks"] = np.array(tasks, np.int64)
        self.buffers["starts"] = np.array(starts, np.int64)
        self.buffers["starts_alone"] = np.array([0, len(tasks)])
        self.fields[at.STARTS_ALONE] = address(self.buffers["starts_alone"])
        self.fields[at.TASKS] = address(self.buffers["tasks"])
        self.fields[at.TASK_STARTS] = address(self.buffers["starts"])
        size = scratch_bytes(self.dtype) + (self._choose_packed(batch) if batch else 0)
        self.fields[at.SCRATCH_ROW] = -(-size // 128) * 128
        self.fields[at.SCRATCH] = self.buffer("scratch", int(self.fields[at.SCRATCH_ROW]) * threads, np.uint8)

    def _choose_packed(self, batch):
        """Mark the layers whose inputs are packed for the update; the bytes that one thread needs for it."""
        needed = 0
        for shape, row in zip(self.shapes, self.table, strict=True):
            is_large = batch * row_bytes(shape.units_in, self.dtype) > PACKED_FROM
            row[at.PACKED] = shape.weighted and is_large and shape.vectors_out >= PANELS_TO_PACK * FULL
            if row[at.PACKED]:
                needed = batch * piece_rows(shape, self.dtype) * self.dtype.itemsize
        return needed


def choose_block(shapes, dtype):
    """Rows that go through all layers together: so many that a layer's input and output stay in the first-level cache.

    Where those would be few, many, so that a panel of weights is read once for many rows.
    """
    widest = max(row_bytes(s.units_in, dtype) + row_bytes(s.units_out, dtype) for s in shapes if s.weighted or len(shapes) == 1)
    rows = min(BLOCK_ROWS, 24 * 1024 // widest)
    rows = BLOCK_ROWS if rows < 32 else rows
    return rows - rows % tile_rows()


def activation_bytes(shapes, dtype, rows):
    return rows * (row_bytes(shapes[0].units_in, dtype) + sum(2 * row_bytes(s.units_out, dtype) for s in shapes))


def is_grouped(parameters, batch):
    """Whether a batch to learn from is cut into groups rather than kept whole."""
    size = activation_bytes(parameters.shapes, parameters.dtype, batch)
    small = GROUPS * parameters.weights.nbytes <= GROUPED_UP_TO
    return size > (GROUPED_FROM if small else KEPT_UP_TO)


def make_plan(parameters, fusion, phases, batch, threads, keep=False, cuts=()):
    """Lay out one way to run a network.

    Parameters
    ----------
    parameters : Parameters
    fusion : Fusion
    phases : int
        Bits of ``layout.PHASES``.
    batch : int
        Rows of a step.
    threads : int
    keep : bool
        Whether the activations of the whole batch must be there afterwards.
    cuts : sequence of int
        Layers that need the whole batch to have gone through those before them: the network is cut into segments there.
    """
    builder = _Builder(parameters, fusion.stages)
    shapes, fields = builder.shapes, builder.fields
    learns, updates = bool(phases & at.BACKWARD), bool(phases & at.UPDATE)
    grouped = not keep and not cuts and (not learns or is_grouped(parameters, batch))
    block = choose_block(shapes, parameters.dtype)
    builder.describe_layers()
    builder.place_activations(block if grouped else batch, threads if grouped else 1, learns or keep, fusion.trained)
    if updates or keep:
        builder.share_update(threads, 0 if grouped else batch)
    fields[at.PHASES], fields[at.BATCH], fields[at.LAYERS], fields[at.THREADS] = phases, batch, fusion.trained, threads
    fields[at.OUTPUT_LAYERS] = len(shapes)
    fields[at.EPOCHS] = 1
    builder.buffers["segments"] = np.array([0, *cuts, fusion.trained], np.int64)
    fields[at.SEGMENTS], fields[at.SEGMENT_STARTS] = 1 + len(cuts), address(builder.buffers["segments"])
    fields[at.TABLE], fields[at.BLOCK] = address(builder.table), block
    fields[at.LOSS] = fusion.loss
    fields[at.ROW_LOSS] = builder.buffer("row_loss", batch, np.float64)
    fields[at.CONTROL] = builder.buffer("control", at.CONTROL_SIZE, np.int64)
    fields[at.RESULT] = builder.buffer("result", at.RESULT_SIZE, np.float64)
    fields[at.ONES] = builder.buffer("ones", machine().lanes(parameters.dtype), parameters.dtype)
    builder.buffers["ones"][:] = 1
    fields[at.ZEROS] = builder.buffer("zeros", FULL * machine().vector_bytes, np.uint8)
    if grouped:
        fields[at.GROUPS] = GROUPS
        if learns:
            first = builder.buffer("gradients", GROUPS * parameters.size, parameters.dtype)
            fields[at.GRADIENTS] = first - address(parameters.weights)
            fields[at.GROUP] = parameters.weights.nbytes
    return Plan(fields, builder.table, parameters.dtype, threads, batch, builder.buffers)
