"""A dense layer back and the update of its weights in one pass over them: for batches of a few rows.

Some inputs' weights at a time, panel by panel: what the layer below needs of them is taken before they move. The weights are
read once and written once, and their transposed copy is neither read nor written.
"""

from .. import fields as at
from .. import gradient as gradients
from ..matrix import gemm, one_pass
from ..matrix.one_pass import MOVES_AT_ONCE, ROWS_TOGETHER, code_of
from ..memory import read_int, write_int
from ..simd.element_types import itemsize
from ..simd.jit import inner
from ..simd.machine import machine
from .apply_gradient import make_apply_gradient
from .dense_gradient import make_bias_row
from .dense_panels import make_panels


def make_one_pass(dtype, full, differentiate_strip, close_rows):
    """``one_pass`` for one element type."""
    (width_of, panel_row, _), code_for = make_panels(dtype), inner(dtype)(code_of)
    gradient_and_sums, move_and_sum = one_pass.gradient_and_sums(dtype), one_pass.move_and_sum(dtype)
    add_lanes, clear_padding, product = one_pass.add_lanes(dtype), gradients.clear_padding(dtype), gemm.product(dtype)
    apply_gradient, bias_row = make_apply_gradient(dtype, full), make_bias_row(dtype)
    ITEM, LANES, VECTOR = itemsize(dtype), machine().lanes(dtype), machine().vector_bytes
    LAST_AT_ONCE = max(MOVES_AT_ONCE)

    @inner(dtype)
    def panel_gradient(plan, layer, v, width, first, last, batch, sums):
        """Rows first .. last of panel v of dW to the scratch, and their part of ``sums``, or of none where that is 0."""
        weights, row = panel_row(layer, v, first)
        source, source_row = read_int(layer, at.INPUT) + first * ITEM, read_int(layer, at.INPUT_ROW)
        delta, delta_row = read_int(layer, at.DELTA) + v * VECTOR, read_int(layer, at.DELTA_ROW)
        zeros, target = read_int(plan, at.ZEROS), read_int(plan, at.ONE_PASS)
        if sums == 0:
            product(width, source, ITEM, source_row, delta, delta_row, zeros, 0, target, row, batch, last - first)
            return
        start, start_row, sums_row = zeros, 0, batch * VECTOR
        for r in range(0, batch, ROWS_TOGETHER):
            rows, place = min(ROWS_TOGETHER, batch - r), sums + r * VECTOR
            from_place, from_row = (place, sums_row) if v else (zeros, 0)
            x, dz = source + r * source_row, delta + r * delta_row
            gradient_and_sums(
                code_for(rows, width), x, source_row, dz, delta_row, weights, start, start_row, target,
                from_place, from_row, place, sums_row, last - first,
            )  # fmt: skip
            start, start_row = target, row

    @inner(dtype)
    def move_panel(plan, layer, v, width, first, last, biases, batch, sums):
        """Rows first .. last of panel v, and the bias after the last one: their part of ``sums``, then the step."""
        code, (weights, row), rows = read_int(plan, at.OPTIMIZER), panel_row(layer, v, first), last - first
        if not full and batch == 1 and sums and 0 < code <= LAST_AT_ONCE:
            x, dz = read_int(layer, at.INPUT) + first * ITEM, read_int(layer, at.DELTA) + v * VECTOR
            from_place, from_row = (sums, VECTOR) if v else (read_int(plan, at.ZEROS), 0)
            state, slot = weights + read_int(plan, at.STATE), read_int(plan, at.SLOT)
            move_and_sum(
                code_for(code, width), x, dz, weights, from_place, from_row, sums, VECTOR,
                read_int(plan, at.SCALARS), state, slot, rows, biases,
            )  # fmt: skip
            return
        panel_gradient(plan, layer, v, width, first, last, batch, sums)
        gradient = read_int(plan, at.ONE_PASS)
        if biases:
            bias_row(plan, layer, 0, v, batch, read_int(plan, at.ZEROS), gradient + rows * row)
        part = first // read_int(plan, at.ONE_PASS_ROWS) * read_int(layer, at.VECTORS_OUT) + v
        apply_gradient(plan, layer, 0, part, 0, v, width, weights, gradient, rows + biases, biases)

    @inner(dtype)
    def one_pass_back(plan, layer, below, batch):
        """DELTA of the layer below, unless that is 0, and the step of this layer's weights.

        Overwrites them too, their state, and the plan's scratch.
        """
        units, vectors, block = read_int(layer, at.UNITS_IN), read_int(layer, at.VECTORS_OUT), read_int(plan, at.ONE_PASS_ROWS)
        left = read_int(layer, at.UNITS_OUT) - (vectors - 1) * LANES
        if left < LANES:  # padding may hold anything
            clear_padding(read_int(layer, at.DELTA) + (vectors - 1) * VECTOR, read_int(layer, at.DELTA_ROW), batch, left)
        sums = read_int(plan, at.ONE_PASS_SUMS) if below else 0
        for first in range(0, units, block):
            last = min(first + block, units)
            biases, v = read_int(layer, at.BIAS) if last == units else 0, 0
            while v < vectors:
                width = width_of(vectors - v)
                move_panel(plan, layer, v, width, first, last, biases, batch, sums)
                v += width
            if below:
                target, target_row = read_int(below, at.DELTA) + first * ITEM, read_int(below, at.DELTA_ROW)
                for r in range(batch):
                    add_lanes(sums + r * VECTOR, batch * VECTOR, last - first, target + r * target_row)
        if below:
            differentiate_strip(below, 0, 0, 0, batch, read_int(layer, at.VECTORS_IN))
            close_rows(below, 0, 0, batch)
        if read_int(layer, at.STALE):
            write_int(read_int(layer, at.STALE), 0, 1)

    return one_pass_back
