"""A dense layer back and the update of its weights in one pass over them: for batches of a few rows.

Some inputs' weights at a time, panel by panel: what the layer below needs of them is taken before they move. The weights are
read once and written once, and their transposed copy is neither read nor written.
"""

from .. import fields as at
from .. import gradient as gradients
from ..codes import MOMENTUM, SGD, STORE
from ..matrix import gemm, one_pass
from ..memory import read_int, write_int
from ..simd.element_types import itemsize
from ..simd.jit import inner
from ..simd.machine import machine
from .apply_gradient import make_apply_gradient
from .dense_gradient import make_bias_row
from .dense_panels import make_panels


def make_one_pass(dtype, full, differentiate_strip, close_rows):
    """``one_pass_back`` for one element type."""
    (width_of, panel_row, _), pass_panel, add_lanes = make_panels(dtype), one_pass.pass_panel(dtype), one_pass.add_lanes(dtype)
    clear_padding, product = gradients.clear_padding(dtype), gemm.product(dtype)
    apply_gradient, bias_row = make_apply_gradient(dtype, full), make_bias_row(dtype)
    ITEM, LANES, VECTOR = itemsize(dtype), machine().lanes(dtype), machine().vector_bytes

    @inner(dtype)
    def move_panel(plan, layer, v, width, first, count, batch, bias, passes_on):
        """Some inputs' weights in one panel: what goes back through them, then their step."""
        zeros, target = read_int(plan, at.ZEROS), read_int(plan, at.ONE_PASS)
        weights, row = panel_row(layer, v, first)
        if passes_on:
            rule = read_int(plan, at.OPTIMIZER)
            moves = not full and (rule == SGD or (rule == MOMENTUM and batch == 1))  # one_pass.MOVED
            pass_panel(plan, layer, v, width, first, count, batch, bias, rule if moves else STORE)
            if moves:
                return
        else:  # nothing below wants to know
            source, source_row = read_int(layer, at.INPUT) + first * ITEM, read_int(layer, at.INPUT_ROW)
            delta, delta_row = read_int(layer, at.DELTA) + v * VECTOR, read_int(layer, at.DELTA_ROW)
            product(width, source, ITEM, source_row, delta, delta_row, zeros, 0, target, row, batch, count)
            if bias:
                bias_row(plan, layer, 0, v, batch, zeros, target + count * row)
        part = first // read_int(plan, at.ONE_PASS_ROWS) * read_int(layer, at.VECTORS_OUT)
        apply_gradient(plan, layer, 0, part + v, 0, v, width, weights, target, count + bias, bias)

    @inner(dtype)
    def one_pass_back(plan, layer, below, batch):
        """DELTA of the layer below, unless that is 0, and the step of this layer's weights.

        Overwrites them too, their state, and the plan's scratch.
        """
        units, vectors, block = read_int(layer, at.UNITS_IN), read_int(layer, at.VECTORS_OUT), read_int(plan, at.ONE_PASS_ROWS)
        end = vectors - 1
        left = read_int(layer, at.UNITS_OUT) - end * LANES
        if left < LANES:  # padding may hold anything, and sums go over whole vectors here
            clear_padding(read_int(layer, at.DELTA) + end * VECTOR, read_int(layer, at.DELTA_ROW), batch, left)
        for first in range(0, units, block):
            count = min(block, units - first)
            bias, v = read_int(layer, at.BIAS) if first + count == units else 0, 0
            while v < vectors:
                width = width_of(vectors - v)
                move_panel(plan, layer, v, width, first, count, batch, bias, below)
                v += width
            if below:
                target, target_row = read_int(below, at.DELTA) + first * ITEM, read_int(below, at.DELTA_ROW)
                sums, sums_row = read_int(plan, at.ONE_PASS_SUMS), read_int(plan, at.BATCH) * VECTOR
                add_lanes(sums, sums_row, count, target, target_row, batch)
        if below:
            differentiate_strip(below, 0, 0, 0, batch, read_int(layer, at.VECTORS_IN))
            close_rows(below, 0, 0, batch)
        if read_int(layer, at.STALE):
            write_int(read_int(layer, at.STALE), 0, 1)

    return one_pass_back
