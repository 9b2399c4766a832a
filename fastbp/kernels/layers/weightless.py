"""Layers without weights: an activation of each unit, or of a row. Their pre-activation is their input."""

from .. import activation as elementwise
from .. import fields as at
from .. import memory, row_activation
from ..codes import LINEAR
from ..memory import read_int
from ..simd.jit import inner
from ..simd.machine import machine


def make_weightless(dtype, differentiate_strip, close_rows):
    """The functions (copy_input, apply_activation, forward, backward) for one element type."""
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
    def apply_activation(layer, shift, first, last):
        """Rows first .. last of OUTPUT through the layer's elementwise activation, and DERIVATIVE where there is one."""
        code = read_int(layer, at.ACTIVATION)
        if code != LINEAR:
            row, derivative = read_int(layer, at.OUTPUT_ROW), read_int(layer, at.DERIVATIVE)
            output = read_int(layer, at.OUTPUT) + shift + first * row
            d = derivative + shift + first * row if derivative else 0
            activate(code, read_int(layer, at.ALPHA), output, row, d, row, last - first, read_int(layer, at.VECTORS_OUT))

    @inner(dtype)
    def forward(layer, shift, source, source_row, first, last):
        """Rows first .. last of OUTPUT = activation(source), and of DERIVATIVE where there is one."""
        output = copy_input(layer, shift, source, source_row, first, last)
        if read_int(layer, at.KIND) == at.WHOLE_ROWS:
            row, units = read_int(layer, at.OUTPUT_ROW), read_int(layer, at.UNITS_OUT)
            activate_rows(read_int(layer, at.ACTIVATION), output, row, last - first, units)
        else:
            apply_activation(layer, shift, first, last)

    @inner(dtype)
    def backward(layer, below, shift, first, last):
        """Rows first .. last of the DELTA of the layer below: this one's, as its pre-activation is that one's output."""
        row, target_row = read_int(layer, at.DELTA_ROW), read_int(below, at.DELTA_ROW)
        source = read_int(layer, at.DELTA) + shift + first * row
        target = read_int(below, at.DELTA) + shift + first * target_row
        copy_rows(source, row, 0, target, target_row, last - first, LANES * read_int(layer, at.VECTORS_IN))
        differentiate_strip(below, shift, 0, first, last, read_int(below, at.VECTORS_OUT))
        close_rows(below, shift, first, last)

    return copy_input, apply_activation, forward, backward
