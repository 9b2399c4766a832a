"""Where a dense layer's parameters lie: the panels of its weights, and those of their transposed copy."""

from functools import cache

from .. import fields as at
from ..matrix.dots import max_dot_units
from ..matrix.panels import panel_start, panel_width
from ..memory import read_int
from ..simd.jit import inner
from ..simd.machine import machine


@cache
def make_panels(dtype):
    """The functions (width_of, panel_row, transposed_block) for one element type."""
    width_of, start_of = inner(dtype)(panel_width), inner(dtype)(panel_start)
    VECTOR, MAX_DOT_UNITS = machine().vector_bytes, max_dot_units(dtype)

    @inner(dtype)
    def panel_row(layer, v, k):
        """The address of row k of the panel that begins with vector v, and the bytes from a row to the next."""
        row = width_of(read_int(layer, at.VECTORS_OUT) - v) * VECTOR
        return read_int(layer, at.WEIGHTS) + v * VECTOR * (
            read_int(layer, at.UNITS_IN) + read_int(layer, at.BIAS)
        ) + k * row, row

    @inner(dtype)
    def transposed_block(layer, column, out):
        """(address, row stride) of the transposed copy of vector ``column`` of inputs, from output ``out`` on."""
        units, vectors = read_int(layer, at.UNITS_OUT), read_int(layer, at.VECTORS_IN)
        if units <= MAX_DOT_UNITS:
            row = vectors * VECTOR
            return read_int(layer, at.TRANSPOSED) + column * VECTOR + out * row, row
        start = start_of(column, vectors)
        row = width_of(vectors - start) * VECTOR
        panel = read_int(layer, at.TRANSPOSED) + start * VECTOR * units
        return panel + (column - start) * VECTOR + out * row, row

    return width_of, panel_row, transposed_block
