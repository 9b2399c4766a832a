"""A task of a dense layer's update: gradient, optimizer step, and the transposed copy of the new weights."""

from .. import fields as at
from .. import memory
from ..matrix import transpose
from ..matrix.dots import max_dot_units
from ..matrix.gradient_product import full_task_rows
from ..memory import read_int
from ..simd.jit import inner, nothing
from ..simd.machine import machine
from .apply_gradient import make_apply_gradient, make_apply_stored
from .dense_panels import make_panels
from .dense_task import dot_task_rows
from .dense_task_gradient import make_dot_units_gradient, make_pack_inputs, make_panel_gradient, make_prefetch_transposed
from .feedback import make_follow_signs


def make_refresh_transposed(dtype, full):
    """``refresh_transposed`` for one element type."""
    transpose_block, (_, _, transposed_block) = transpose.transpose(dtype), make_panels(dtype)
    follow_signs = make_follow_signs(dtype) if full else nothing
    LANES, VECTOR = machine().lanes(dtype), machine().vector_bytes

    @inner(dtype)
    def refresh_transposed(layer, v, width, first, last, weights):
        """Copy rows first .. last of panel v into the transposed panels. ``weights`` is the address of row first.

        Feedback that has the signs of the weights follows.
        """
        units, row = read_int(layer, at.UNITS_OUT), width * VECTOR
        for k in range(first, last, LANES):
            for j in range(width):
                out = (v + j) * LANES
                target, target_row = transposed_block(layer, k // LANES, out)
                transpose_block(weights + (k - first) * row + j * VECTOR, row, target, target_row, last - k, units - out)
        if read_int(layer, at.SIGNED):
            follow_signs(layer, v, width, first, last)

    return refresh_transposed


def make_transpose_weights(dtype, full):
    """``transpose_weights`` for one element type."""
    (width_of, panel_row, _), refresh_transposed = make_panels(dtype), make_refresh_transposed(dtype, full)
    LANES = machine().lanes(dtype)

    @inner(dtype)
    def transpose_weights(layer, thread, threads):
        """This thread's part of the transposed copy, brought up to date."""
        vectors = read_int(layer, at.VECTORS_IN)
        first = LANES * (vectors * thread // threads)
        last = min(LANES * (vectors * (thread + 1) // threads), read_int(layer, at.UNITS_IN))
        v = 0
        while v < read_int(layer, at.VECTORS_OUT):
            width = width_of(read_int(layer, at.VECTORS_OUT) - v)
            weights, _ = panel_row(layer, v, first)
            refresh_transposed(layer, v, width, first, last, weights)
            v += width

    return transpose_weights


def make_update_task(dtype, full):
    """``update_task`` for one element type."""
    (width_of, panel_row, _), pack_inputs = make_panels(dtype), make_pack_inputs(dtype)
    panel_gradient, dot_units_gradient = make_panel_gradient(dtype), make_dot_units_gradient(dtype)
    refresh_transposed, add_groups = make_refresh_transposed(dtype, full), memory.add_groups(dtype)
    apply_gradient = make_apply_gradient(dtype, full)
    MAX_DOT_UNITS, DOT_TASK_ROWS = max_dot_units(dtype), dot_task_rows(dtype)
    TASK_ROWS = full_task_rows(machine().lanes(dtype))

    @inner(dtype)
    def update_task(plan, layer, slot, first_vector, last_vector, first, last, batch, scratch):
        """Gradient and optimizer step of rows first .. last of some panels: dW never leaves the cache.

        With groups, their gradients are added up instead. ``slot`` is the place of the first one's sum of squares. Overwrites
        the parameters, their state, their transposed copy and ``scratch``.
        """
        groups, has_dot_units = read_int(plan, at.GROUPS), read_int(layer, at.UNITS_OUT) <= MAX_DOT_UNITS
        biases = read_int(layer, at.BIAS) if last == read_int(layer, at.UNITS_IN) else 0
        rows = last - first + biases
        source, step = (0, 0) if groups else pack_inputs(layer, first, last, batch, scratch)
        part = first // (DOT_TASK_ROWS if has_dot_units else TASK_ROWS) * read_int(layer, at.VECTORS_OUT)
        v = first_vector
        while v < last_vector:
            width = width_of(read_int(layer, at.VECTORS_OUT) - v)
            weights, row = panel_row(layer, v, first)
            if groups:
                gradients = weights + read_int(plan, at.GRADIENTS)
                add_groups(gradients, read_int(plan, at.GROUP), groups, scratch, rows * width)
            elif has_dot_units:
                dot_units_gradient(plan, layer, v, first, last, batch, scratch)
            else:
                panel_gradient(plan, layer, source, step, v, last_vector, first, last, batch, scratch)
            moved = apply_gradient(plan, layer, 0, part + v, slot, v, width, weights, scratch, rows, biases)
            if moved and read_int(layer, at.TRANSPOSED):
                refresh_transposed(layer, v, width, first, last, weights)
            v, slot = v + width, slot + 1

    return update_task


def make_step_task(dtype):
    """``step_task`` for one element type."""
    (width_of, panel_row, _), refresh_transposed = make_panels(dtype), make_refresh_transposed(dtype, True)
    apply_stored, prefetch_transposed = make_apply_stored(dtype), make_prefetch_transposed(dtype)
    TASK_ROWS = full_task_rows(machine().lanes(dtype))

    @inner(dtype)
    def step_rows(plan, layer, v, width, first, last, scratch, scales):
        """Some rows of a panel, and the bias after the last input."""
        weights, row = panel_row(layer, v, first)
        if read_int(layer, at.TRANSPOSED):
            prefetch_transposed(layer, v, width, first, last)
        biases = read_int(layer, at.BIAS) if last == read_int(layer, at.UNITS_IN) else 0
        apply_stored(plan, layer, 0, weights, (last - first) * width, scratch, scales)
        if biases:
            apply_stored(plan, layer, 1, weights + (last - first) * row, width, scratch, scales)
        if read_int(layer, at.TRANSPOSED):
            refresh_transposed(layer, v, width, first, last, weights)

    @inner(dtype)
    def step_task(plan, layer, first_vector, last_vector, first, last, scratch, scales):
        """The optimizer's step alone, by a gradient that was stored: down each panel, as it lies in memory."""
        v = first_vector
        while v < last_vector:
            width = width_of(read_int(layer, at.VECTORS_OUT) - v)
            for k in range(first, last, TASK_ROWS):
                step_rows(plan, layer, v, width, k, min(k + TASK_ROWS, last), scratch, scales)
            v += width

    return step_task
