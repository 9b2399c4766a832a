"""The gradient of a dense layer's weights: dW = INPUT.T @ DELTA, and of its bias: the sum of DELTA's rows."""

from functools import cache

from .. import fields as at
from ..matrix import gemm
from ..memory import read_int
from ..simd.element_types import itemsize
from ..simd.jit import inner
from ..simd.machine import machine
from .dense_panels import make_panels


@cache
def make_bias_row(dtype):
    """``bias_row`` for one element type."""
    width_of, _, _ = make_panels(dtype)
    row_product, VECTOR = gemm.row_product(dtype), machine().vector_bytes

    @inner(dtype)
    def bias_row(plan, layer, shift, v, batch, start, target):
        """The bias row of panel v: the sum of DELTA's rows, plus ``start``."""
        width = width_of(read_int(layer, at.VECTORS_OUT) - v)
        delta, delta_row = read_int(layer, at.DELTA) + shift + v * VECTOR, read_int(layer, at.DELTA_ROW)
        row_product(width, read_int(plan, at.ONES), 0, delta, delta_row, start, target, batch)

    return bias_row


def make_add_gradient(dtype):
    """``add_gradient`` for one element type."""
    width_of, _, _ = make_panels(dtype)
    product, bias_row = gemm.product(dtype), make_bias_row(dtype)
    ITEM, VECTOR = itemsize(dtype), machine().vector_bytes

    @inner(dtype)
    def gradient_tiles(layer, shift, v, first, last, batch, start, start_row, target):
        """Rows first .. last of panel v of dW = INPUT.T @ DELTA + start.

        ``start`` and ``target`` are the addresses of row ``first``; ``start_row`` is 0 where start is a row of zeros.
        """
        width = width_of(read_int(layer, at.VECTORS_OUT) - v)
        row = width * VECTOR
        source, source_row = read_int(layer, at.INPUT) + shift, read_int(layer, at.INPUT_ROW)
        delta, delta_row = read_int(layer, at.DELTA) + shift + v * VECTOR, read_int(layer, at.DELTA_ROW)
        a = source + first * ITEM
        product(width, a, ITEM, source_row, delta, delta_row, start, start_row, target, row, batch, last - first)

    @inner(dtype)
    def add_gradient(plan, layer, shift, gradients, batch, is_first):
        """The layer's whole gradient over ``batch`` rows, added to (or, first, written over) the one kept.

        ``gradients`` is the distance in bytes from a parameter to the place of its gradient.
        """
        units, bias = read_int(layer, at.UNITS_IN), read_int(layer, at.BIAS)
        vectors = read_int(layer, at.VECTORS_OUT)
        zeros, v = read_int(plan, at.ZEROS), 0
        while v < vectors:
            width = width_of(vectors - v)
            panel, row = read_int(layer, at.WEIGHTS) + v * VECTOR * (units + bias) + gradients, width * VECTOR
            start, start_row = (zeros, 0) if is_first else (panel, row)
            gradient_tiles(layer, shift, v, 0, units, batch, start, start_row, panel)
            if bias:
                end = panel + units * row
                bias_row(plan, layer, shift, v, batch, zeros if is_first else end, end)
            v += width

    return add_gradient
