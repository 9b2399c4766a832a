"""A dense layer back and the update of its weights in one pass over them: for batches of a few rows.

Some inputs' weights at a time, panel by panel: what the layer below needs of them is taken before they move. The weights are
read once and written once, and their transposed copy is neither read nor written.
"""

from .. import fields as at
from .. import gradient as gradients
from ..codes import MOMENTUM, SGD, STORE
from ..matrix import gemm, one_pass
from ..matrix.one_pass import ROWS_TOGETHER, code_of
from ..memory import read_int, write_int
from ..simd.element_types import itemsize
from ..simd.jit import inner
from ..simd.machine import machine
from .apply_gradient import make_apply_gradient
from .dense_gradient import make_bias_row
from .dense_panels import make_panels


def make_one_pass(dtype, full, differentiate_strip, close_rows):
    """``one_pass_back`` for one element type."""
    (width_of, panel_row, _), code_for, pass_over = make_panels(dtype), inner(dtype)(code_of), one_pass.pass_over(dtype)
    add_lanes, clear_padding, product = one_pass.add_lanes(dtype), gradients.clear_padding(dtype), gemm.product(dtype)
    apply_gradient, bias_row = make_apply_gradient(dtype, full), make_bias_row(dtype)
    ITEM, LANES, VECTOR = itemsize(dtype), machine().lanes(dtype), machine().vector_bytes

    @inner(dtype)
    def moves_with(rule, rows):
        """Whether the last ``rows`` of a batch may move the weights at once (one_pass.MOVED)."""
        return not full and (rule == SGD or (rule == MOMENTUM and rows == 1))

    @inner(dtype)
    def pass_rows(plan, layer, v, width, first, count, batch, bias):
        """All rows of the batch over some inputs' weights in a panel. Whether the weights have moved."""
        rule, left, moves = read_int(plan, at.OPTIMIZER), batch, False
        while left:  # odd ones first
            rows = 1 if left & 1 else 2 if left & 2 else ROWS_TOGETHER
            moves = rows == left and moves_with(rule, rows)
            pass_over(code_for(rule if moves else STORE, rows, width), plan, layer, v, first, count, batch - left, bias)
            left -= rows
        return moves

    @inner(dtype)
    def lowest_gradient(plan, layer, v, width, first, count, batch, bias):
        """The gradient alone: nothing below wants to know."""
        row, target, zeros = width * VECTOR, read_int(plan, at.ONE_PASS), read_int(plan, at.ZEROS)
        source, source_row = read_int(layer, at.INPUT) + first * ITEM, read_int(layer, at.INPUT_ROW)
        delta, delta_row = read_int(layer, at.DELTA) + v * VECTOR, read_int(layer, at.DELTA_ROW)
        product(width, source, ITEM, source_row, delta, delta_row, zeros, 0, target, row, batch, count)
        if bias:
            bias_row(plan, layer, 0, v, batch, zeros, target + count * row)

    @inner(dtype)
    def move_panel(plan, layer, v, width, first, count, batch, bias, passes_on):
        """Some inputs' weights in one panel: what goes back through them, then their step."""
        if passes_on:
            if pass_rows(plan, layer, v, width, first, count, batch, bias):
                return
        else:
            lowest_gradient(plan, layer, v, width, first, count, batch, bias)
        part = first // read_int(plan, at.ONE_PASS_ROWS) * read_int(layer, at.VECTORS_OUT) + v
        weights, _ = panel_row(layer, v, first)
        apply_gradient(plan, layer, 0, part, 0, v, width, weights, read_int(plan, at.ONE_PASS), count + bias, bias)

    @inner(dtype)
    def clear_delta(layer, batch):
        """Have zeros in the padding of DELTA, which may hold anything: sums go over whole vectors here."""
        end = read_int(layer, at.VECTORS_OUT) - 1
        left = read_int(layer, at.UNITS_OUT) - end * LANES
        if left < LANES:
            clear_padding(read_int(layer, at.DELTA) + end * VECTOR, read_int(layer, at.DELTA_ROW), batch, left)

    @inner(dtype)
    def one_pass_back(plan, layer, below, batch):
        """DELTA of the layer below, unless that is 0, and the step of this layer's weights.

        Overwrites them too, their state, and the plan's scratch.
        """
        units, vectors, block = read_int(layer, at.UNITS_IN), read_int(layer, at.VECTORS_OUT), read_int(plan, at.ONE_PASS_ROWS)
        clear_delta(layer, batch)
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
