"""Layers without weights: an activation of each unit, or of a row. Their pre-activation is their input."""

from .. import activation as elementwise
from .. import fields as at
from .. import memory, row_activation
from ..codes import LINEAR
from ..memory import read_int
from ..simd.jit import inner
from ..simd.machine import machine


def make_weightless(dtype, differentiate_strip, close_rows):
    """The functions (copy_input, forward, backward) for one element type."""
    activate, copy_rows = elementwise.activate(dtype), memory.copy_rows(dtype)
    activate_rows = row_activation.activate_rows(dtype)
    LANES = machine().lanes(dtype)

    @inner(dtype)
    def copy_input(layer, shift, source, source_row, first, last):
        """Rows first .. last of the input to OUTPUT; where they begin there."""
        row = read_int(layer, at.OUTPUT_ROW)
        output = read_int(layer, at.OUTPUT) + shift + first * row
        copy_rows(source + first * source_row, source_row, 0, output, row, last - first, read_int(layer, at.UNITS_OUT))
        return output

    @inner(dtype)
    def forward(layer, shift, source, source_row, first, last):
        """Rows first .. last of OUTPUT = activation(source), and of DERIVATIVE where there is one."""
        output, row = copy_input(layer, shift, source, source_row, first, last), read_int(layer, at.OUTPUT_ROW)
        code, derivative = read_int(layer, at.ACTIVATION), read_int(layer, at.DERIVATIVE)
        if read_int(layer, at.KIND) == at.WHOLE_ROWS:
            activate_rows(code, output, row, last - first, read_int(layer, at.UNITS_OUT))
        elif code != LINEAR:
            d = derivative + shift + first * row if derivative else 0
            activate(code, read_int(layer, at.ALPHA), output, row, d, row, last - first, read_int(layer, at.VECTORS_OUT))

    @inner(dtype)
    def backward(layer, below, shift, first, last):
        """Rows first .. last of the DELTA of the layer below: this one's, as its pre-activation is that one's output."""
        row, target_row = read_int(layer, at.DELTA_ROW), read_int(below, at.DELTA_ROW)
        source = read_int(layer, at.DELTA) + shift + first * row
        target = read_int(below, at.DELTA) + shift + first * target_row
        copy_rows(source, row, 0, target, target_row, last - first, LANES * read_int(layer, at.VECTORS_IN))
        differentiate_strip(below, shift, 0, first, last, read_int(below, at.VECTORS_OUT))
        close_rows(below, shift, first, last)

    return copy_input, forward, backward
