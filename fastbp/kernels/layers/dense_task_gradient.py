"""The gradient of one task of a dense layer's update: some rows of dW over the whole batch, left in the nearest cache."""

from .. import fields as at
from .. import memory
from ..matrix import gemm, transpose
from ..matrix.gradient_product import full_task_rows
from ..matrix.gradient_product import gradient_product as gradient_product_function
from ..matrix.panels import PANEL_VECTORS
from ..matrix.tile import LINE
from ..memory import read_int
from ..simd.element_types import itemsize
from ..simd.jit import inner
from ..simd.machine import machine
from .dense_gradient import make_bias_row
from .dense_panels import make_panels
from .dense_task import dot_task_rows, scratch_bytes


def make_pack_inputs(dtype):
    """``pack_inputs`` for one element type."""
    gather_rows = memory.gather_rows(dtype)
    ITEM, TASK_ROWS = itemsize(dtype), full_task_rows(machine().lanes(dtype))
    PACKED_INPUTS = scratch_bytes(dtype)  # where they begin in the scratch

    @inner(dtype)
    def pack_inputs(layer, first, last, batch, scratch):
        """Where inputs first .. last of all rows are, and the bytes from one row's to the next row's: copied if that pays.

        A layer's input is gone through once for each panel, a few units from each row: close together they stay in cache.
        """
        source, source_row = read_int(layer, at.INPUT) + first * ITEM, read_int(layer, at.INPUT_ROW)
        if not read_int(layer, at.PACKED):
            return source, source_row
        packed = scratch + PACKED_INPUTS
        gather_rows(source, source_row, 0, packed, TASK_ROWS * ITEM, batch, last - first)
        return packed, TASK_ROWS * ITEM

    return pack_inputs


def make_dot_units_gradient(dtype):
    """``dot_units_gradient`` for one element type."""
    product, transpose_block, bias_row = gemm.product(dtype), transpose.transpose(dtype), make_bias_row(dtype)
    ITEM, LANES, VECTOR = itemsize(dtype), machine().lanes(dtype), machine().vector_bytes
    DOT_TASK_ROWS = dot_task_rows(dtype)

    @inner(dtype)
    def dot_units_gradient(plan, layer, v, first, last, batch, target):
        """Rows first .. last of dW for up to MAX_DOT_UNITS units: DELTA.T @ INPUT in tiles without padding, then transposed.

        Room for the bias and for the tile before it is transposed follows ``target``.
        """
        units, rows, transposed = read_int(layer, at.UNITS_OUT), last - first, target + (DOT_TASK_ROWS + 1) * VECTOR
        source, source_row = read_int(layer, at.INPUT) + first * ITEM, read_int(layer, at.INPUT_ROW)
        delta, delta_row = read_int(layer, at.DELTA), read_int(layer, at.DELTA_ROW)
        width, zeros = (rows + LANES - 1) // LANES, read_int(plan, at.ZEROS)
        row = width * VECTOR
        product(width, delta, ITEM, delta_row, source, source_row, zeros, 0, transposed, row, batch, units)
        for j in range(width):
            k = j * LANES
            transpose_block(transposed + j * VECTOR, row, target + k * VECTOR, VECTOR, units, rows - k)
        if read_int(layer, at.BIAS) and last == read_int(layer, at.UNITS_IN):
            bias_row(plan, layer, 0, v, batch, zeros, target + rows * VECTOR)

    return dot_units_gradient


def make_prefetch_transposed(dtype):
    """``prefetch_transposed`` for one element type."""
    prefetch, (_, _, transposed_block) = memory.prefetch(dtype), make_panels(dtype)
    LANES = machine().lanes(dtype)

    @inner(dtype)
    def prefetch_transposed(layer, v, width, first, last):
        """Ask for the transposed copy of rows first .. last of panel v."""
        for k in range(first, last, LANES):
            out = v * LANES
            target, target_row = transposed_block(layer, k // LANES, out)
            prefetch(target, target_row, min(width * LANES, read_int(layer, at.UNITS_OUT) - out))

    return prefetch_transposed


def make_place_of_gradient(dtype):
    """``place_of_gradient`` for one element type."""

    @inner(dtype)
    def place_of_gradient(plan):
        """Bytes from a parameter to its gradient where that is written before any weight moves, else 0."""
        kept = read_int(plan, at.KEPT)
        return kept if kept else read_int(plan, at.STORED)

    return place_of_gradient


def make_prefetch_task(dtype):
    """``prefetch_task`` for one element type."""
    prefetch, prefetch_transposed = memory.prefetch(dtype), make_prefetch_transposed(dtype)
    place_of_gradient = make_place_of_gradient(dtype)
    VECTOR = machine().vector_bytes

    @inner(dtype)
    def prefetch_task(plan, layer, v, width, first, last, rows, weights):
        """Ask for the memory that the update will touch: it comes while the gradient is formed."""
        lines, stored = (rows * width * VECTOR + LINE - 1) // LINE, place_of_gradient(plan)
        if stored:
            prefetch(weights + stored, LINE, lines)
            return
        place = weights
        for i in range(read_int(plan, at.PREFETCH_ARRAYS)):
            prefetch(place, LINE, lines)
            place = weights + read_int(plan, at.STATE) + i * read_int(plan, at.SLOT)
        if read_int(layer, at.TRANSPOSED):
            prefetch_transposed(layer, v, width, first, last)

    return prefetch_task


def make_full_task(dtype):
    """``full_task`` for one element type."""
    gradient_product, (_, panel_row, transposed_block) = gradient_product_function(dtype), make_panels(dtype)
    place_of_gradient = make_place_of_gradient(dtype)
    LANES, VECTOR = machine().lanes(dtype), machine().vector_bytes

    @inner(dtype)
    def full_task(plan, layer, source, source_step, v, batch, target, next_v, next_first):
        """The gradient of a task that fills its tiles. Meanwhile the next one's parameters and their state are prefetched."""
        delta, delta_row = read_int(layer, at.DELTA) + v * VECTOR, read_int(layer, at.DELTA_ROW)
        weights, _ = panel_row(layer, next_v, next_first)
        state = weights + read_int(plan, at.STATE)
        second = state + read_int(plan, at.SLOT)
        transposed, step = transposed_block(layer, next_first // LANES, next_v * LANES)
        zeros, stored = read_int(plan, at.ZEROS), place_of_gradient(plan)
        if stored:
            weights += stored
            state, second, transposed, step = weights, weights, weights, LINE
        gradient_product(source, source_step, delta, delta_row, zeros, target, batch, weights, state, second, transposed, step)

    return full_task


def make_panel_gradient(dtype):
    """``panel_gradient`` for one element type."""
    (width_of, panel_row, _), product = make_panels(dtype), gemm.product(dtype)
    full_task, prefetch_task, bias_row = make_full_task(dtype), make_prefetch_task(dtype), make_bias_row(dtype)
    ITEM, VECTOR, TASK_ROWS = itemsize(dtype), machine().vector_bytes, full_task_rows(machine().lanes(dtype))

    @inner(dtype)
    def panel_gradient(plan, layer, source, source_step, v, last_vector, first, last, batch, target):
        """Rows first .. last of panel v of the gradient over the whole batch, at ``target``; the bias after the last input."""
        width = width_of(read_int(layer, at.VECTORS_OUT) - v)
        weights, row = panel_row(layer, v, first)
        zeros, prefetches = read_int(plan, at.ZEROS), read_int(plan, at.PREFETCH_ARRAYS)
        if prefetches and width == PANEL_VECTORS and last - first == TASK_ROWS:
            next_v, next_first = (v, last) if v + width >= last_vector else (v + width, first)
            full_task(plan, layer, source, source_step, v, batch, target, next_v, next_first)
        else:
            if prefetches:
                prefetch_task(plan, layer, v, width, first, last, last - first, weights)
            delta, delta_row = read_int(layer, at.DELTA) + v * VECTOR, read_int(layer, at.DELTA_ROW)
            product(width, source, ITEM, source_step, delta, delta_row, zeros, 0, target, row, batch, last - first)
        if read_int(layer, at.BIAS) and last == read_int(layer, at.UNITS_IN):
            bias_row(plan, layer, 0, v, batch, zeros, target + (last - first) * row)

    return panel_gradient
