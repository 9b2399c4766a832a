"""What a layer's weights and its outputs cost beside the loss: the kernels of kernels/penalty.py on their places."""

from .. import fields as at
from .. import penalty
from ..memory import double_bits, read_double, read_int, write_double
from ..simd.element_types import itemsize
from ..simd.jit import inner
from ..simd.machine import machine

RULE_BYTES = 8 * at.RULE_FIELDS


def make_penalize(dtype):
    """``penalize`` for one element type."""
    add_penalty, add_l2_penalty = penalty.penalize(dtype), penalty.penalize_l2(dtype)
    VECTOR = machine().vector_bytes

    @inner(dtype)
    def penalize_weight(rule, factor, weights, gradient, vectors):
        """The penalty of some vectors of one weight, whose gradient is added to the one of the loss."""
        l1, l2 = double_bits(read_double(rule, at.RULE_L1) * factor), double_bits(read_double(rule, at.RULE_L2) * factor)
        if l1:
            return add_penalty(l1, l2, weights, gradient, vectors)
        if l2:
            return add_l2_penalty(l1, l2, weights, gradient, vectors)
        return 0.0

    @inner(dtype)
    def penalize(plan, layer, k, place, weights, gradient, vectors, biases):
        """The same for ``vectors`` of weight k of a layer, the last ``biases`` of which are of weight k + 1.

        The penalty itself goes to a place of the layer's own. Where the layer has none nothing is done.
        """
        if read_int(layer, at.PENALTIES):
            rule, kernel = read_int(layer, at.RULES) + k * RULE_BYTES, vectors - biases
            factor = read_double(plan, at.PENALTY_FACTOR)
            total = penalize_weight(rule, factor, weights, gradient, kernel)
            if biases:
                move = kernel * VECTOR
                total += penalize_weight(rule + RULE_BYTES, factor, weights + move, gradient + move, biases)
            write_double(read_int(layer, at.PENALTIES), place, total)

    return penalize


def make_activity(dtype):
    """The functions (add_activity, add_activity_gradient, share_activity) for one element type."""
    add_rows, add_gradient = penalty.add_activity(dtype), penalty.add_activity_gradient(dtype)
    ITEM, LANES = itemsize(dtype), machine().lanes(dtype)

    @inner(dtype)
    def add_activity(layer, shift, first, last, factor, row_loss):
        """Add ``factor`` times the penalty of rows first .. last of the layer's output to these rows' losses."""
        numbers = read_int(layer, at.ACTIVITY)
        if numbers:
            l1, l2, row = read_int(numbers, at.ACTIVITY_L1), read_int(numbers, at.ACTIVITY_L2), read_int(layer, at.OUTPUT_ROW)
            output, units = read_int(layer, at.OUTPUT) + shift + first * row, read_int(layer, at.UNITS_OUT)
            add_rows(l1, l2, output, row, double_bits(factor), row_loss, last - first, units)

    @inner(dtype)
    def add_activity_gradient(layer, shift, move, first, last, vectors):
        """Add its gradient to the gradient with respect to some vectors of the output, from ``move`` bytes on."""
        numbers = read_int(layer, at.ACTIVITY)
        if numbers:
            l1, l2 = read_int(numbers, at.ACTIVITY_L1), read_int(numbers, at.ACTIVITY_L2)
            share = read_int(numbers, at.ACTIVITY_SHARE)
            row, delta_row = read_int(layer, at.OUTPUT_ROW), read_int(layer, at.DELTA_ROW)
            delta = read_int(layer, at.DELTA) + shift + first * delta_row + move
            output = read_int(layer, at.OUTPUT) + shift + first * row + move
            units = min(vectors * LANES, read_int(layer, at.UNITS_OUT) - move // ITEM)
            add_gradient(l1, l2, share, delta, delta_row, output, row, last - first, units)

    @inner(dtype)
    def share_activity(layer, rows):
        """Have the penalty on the layer's output be a mean over so many rows."""
        numbers = read_int(layer, at.ACTIVITY)
        if numbers:
            write_double(numbers, at.ACTIVITY_SHARE, 1.0 / rows)

    return add_activity, add_activity_gradient, share_activity
