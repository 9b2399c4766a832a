"""What a layer's weights are brought to after a step: the kernels of kernels/constraint.py on their places."""

from .. import constraint, gradient
from .. import fields as at
from ..codes import NON_NEGATIVE, NORM, STORE
from ..memory import double_bits, read_int
from ..simd.jit import inner
from ..simd.machine import machine
from .dense_panels import make_panels
from .penalties import RULE_BYTES


def make_clip_weights(dtype):
    """``clip_weights`` for one element type."""
    clip_negative, VECTOR = constraint.clip_negative(dtype), machine().vector_bytes

    @inner(dtype)
    def clip_weights(plan, layer, k, weights, vectors, biases):
        """Set what is negative to 0 in ``vectors`` of weight k, the last ``biases`` of which are of weight k + 1, if asked."""
        if read_int(layer, at.CLIPS_WEIGHTS) and read_int(plan, at.OPTIMIZER) != STORE:
            rule, kernel = read_int(layer, at.RULES) + k * RULE_BYTES, vectors - biases
            if read_int(rule, at.RULE_CONSTRAINT) == NON_NEGATIVE:
                clip_negative(weights, kernel)
            if biases and read_int(rule + RULE_BYTES, at.RULE_CONSTRAINT) == NON_NEGATIVE:
                clip_negative(weights + kernel * VECTOR, biases)

    return clip_weights


def make_constrain_norms(dtype, refresh_transposed):
    """``constrain_norms`` for one element type."""
    width_of, panel_row, _ = make_panels(dtype)
    constrain_columns, sum_of_squares = constraint.constrain_columns(dtype), gradient.sum_of_squares(dtype)
    scale_to_norm = constraint.scale_to_norm(dtype)
    LANES, VECTOR = machine().lanes(dtype), machine().vector_bytes

    @inner(dtype)
    def scale(rule, weights, vectors, squares):
        low, high = read_int(rule, at.RULE_LOW), read_int(rule, at.RULE_HIGH)
        scale_to_norm(weights, vectors, double_bits(squares), low, high, read_int(rule, at.RULE_RATE))

    @inner(dtype)
    def constrain_row(layer, rule, k):
        """Row k of a dense layer's weights, which lies in all panels."""
        vectors, squares, v = read_int(layer, at.VECTORS_OUT), 0.0, 0
        while v < vectors:
            width = width_of(vectors - v)
            weights, _ = panel_row(layer, v, k)
            squares += sum_of_squares(weights, width)
            v += width
        v = 0
        while v < vectors:
            width = width_of(vectors - v)
            weights, _ = panel_row(layer, v, k)
            scale(rule, weights, width, squares)
            v += width

    @inner(dtype)
    def refresh(layer, v, first, last):
        if read_int(layer, at.TRANSPOSED):
            weights, _ = panel_row(layer, v, first)
            refresh_transposed(layer, v, width_of(read_int(layer, at.VECTORS_OUT) - v), first, last, weights)

    @inner(dtype)
    def constrain_kernel_columns(layer, rule, thread, threads):
        """This thread's panels of the kernel."""
        units, vectors, v, panel = read_int(layer, at.UNITS_IN), read_int(layer, at.VECTORS_OUT), 0, 0
        low, high, rate = read_int(rule, at.RULE_LOW), read_int(rule, at.RULE_HIGH), read_int(rule, at.RULE_RATE)
        while v < vectors:
            width = width_of(vectors - v)
            if panel % threads == thread:
                weights, row = panel_row(layer, v, 0)
                constrain_columns(weights, row, units, width, low, high, rate)
                refresh(layer, v, 0, units)
            v, panel = v + width, panel + 1

    @inner(dtype)
    def constrain_kernel_rows(layer, rule, thread, threads):
        """This thread's rows of the kernel, as many at a time as the transposed copy has together."""
        units = read_int(layer, at.UNITS_IN)
        for first in range(thread * LANES, units, threads * LANES):
            last, v = min(first + LANES, units), 0
            for k in range(first, last):
                constrain_row(layer, rule, k)
            while v < read_int(layer, at.VECTORS_OUT):
                refresh(layer, v, first, last)
                v += width_of(read_int(layer, at.VECTORS_OUT) - v)

    @inner(dtype)
    def constrain_dense_norms(layer, thread, threads):
        """This thread's part of a dense layer's weights, their transposed copy included."""
        rule = read_int(layer, at.RULES)
        if read_int(rule, at.RULE_CONSTRAINT) == NORM:
            if read_int(rule, at.RULE_ACROSS):
                constrain_kernel_rows(layer, rule, thread, threads)
            else:
                constrain_kernel_columns(layer, rule, thread, threads)
        rule += RULE_BYTES
        if thread == 0 and read_int(layer, at.BIAS) and read_int(rule, at.RULE_CONSTRAINT) == NORM:
            constrain_row(layer, rule, read_int(layer, at.UNITS_IN))

    @inner(dtype)
    def constrain_vector_norms(layer, thread, threads):
        """This thread's part of the weights that are a number for each unit."""
        vectors = read_int(layer, at.VECTORS_OUT)
        for k in range(thread, read_int(layer, at.LEARNT_VECTORS), threads):
            rule, weights = read_int(layer, at.RULES) + k * RULE_BYTES, read_int(layer, at.WEIGHTS) + k * vectors * VECTOR
            if read_int(rule, at.RULE_CONSTRAINT) == NORM:
                scale(rule, weights, vectors, sum_of_squares(weights, vectors))

    @inner(dtype)
    def constrain_norms(layer, thread, threads):
        """Bring this thread's part of the layer's weights to their norms, if they have any to have."""
        if read_int(layer, at.CONSTRAINS_NORMS):
            if read_int(layer, at.KIND) == at.DENSE:
                constrain_dense_norms(layer, thread, threads)
            else:
                constrain_vector_norms(layer, thread, threads)

    return constrain_norms
