"""GLU: the first half of the units times the sigmoid of the second (Dauphin et al. 2017).

Its activation is linear: its pre-activation, with respect to which DELTA is the gradient, is its output.
"""

from .. import fields as at
from ..math import functions as vmath
from ..memory import read_int
from ..simd.jit import inner
from ..simd.library import VectorFunction


def _gate(s, z, z_row, output, output_row, rows, units):
    b = s.b
    with s.loop(rows) as r:
        start, target = b.add(z, b.mul(r, z_row)), b.add(output, b.mul(r, output_row))
        gates = s.offset(start, units)

        def value(j, mask, start=start, gates=gates, target=target):
            product = s.load_some(s.offset(start, j), mask) * vmath.sigmoid(s, s.load_some(s.offset(gates, j), mask))
            s.store(s.keep(mask, product), s.offset(target, j))

        s.over_row(units, value)


def _gate_backward(s, g, g_row, z, z_row, target, target_row, rows, units):
    b = s.b

    def store_some(value, address, mask):
        if mask is None:
            s.store(value, address)
        else:
            s.store_masked(value, address, mask)

    with s.loop(rows) as r:
        start, end, gradients = (b.add(a, b.mul(r, row)) for a, row in ((z, z_row), (target, target_row), (g, g_row)))
        gates, gate_ends = s.offset(start, units), s.offset(end, units)

        def derivative(j, mask, start=start, end=end, gradients=gradients, gates=gates, gate_ends=gate_ends):
            gate, gradient = s.load_some(s.offset(gates, j), mask), s.load_some(s.offset(gradients, j), mask)
            store_some(gradient * vmath.sigmoid(s, gate), s.offset(end, j), mask)
            product = gradient * s.load_some(s.offset(start, j), mask)
            store_some(product * vmath.sigmoid_derivative(s, gate), s.offset(gate_ends, j), mask)

        s.over_row(units, derivative)


# gate(z, z_row, output, output_row, rows, units): rows of ``units`` from rows of twice as many.
gate = VectorFunction("gate", 6, _gate)

# gate_backward(g, g_row, z, z_row, target, target_row, rows, units): from dL/da to dL/dz; target's padding is left alone.
gate_backward = VectorFunction("gate_backward", 8, _gate_backward)


def make_glu(dtype, differentiate_strip, close_rows):
    """The functions (forward, backward) for one element type."""
    activate, differentiate = gate(dtype), gate_backward(dtype)

    @inner(dtype)
    def forward(layer, shift, source, source_row, first, last):
        """Rows first .. last of OUTPUT = glu(source)."""
        row = read_int(layer, at.OUTPUT_ROW)
        output = read_int(layer, at.OUTPUT) + shift + first * row
        activate(source + first * source_row, source_row, output, row, last - first, read_int(layer, at.UNITS_OUT))

    @inner(dtype)
    def backward(layer, below, shift, first, last):
        """Rows first .. last of the DELTA of the layer below."""
        row, target_row, z_row = read_int(layer, at.DELTA_ROW), read_int(below, at.DELTA_ROW), read_int(layer, at.INPUT_ROW)
        delta = read_int(layer, at.DELTA) + shift + first * row
        target = read_int(below, at.DELTA) + shift + first * target_row
        z, units = read_int(layer, at.INPUT) + shift + first * z_row, read_int(layer, at.UNITS_OUT)
        differentiate(delta, row, z, z_row, target, target_row, last - first, units)
        differentiate_strip(below, shift, 0, first, last, read_int(below, at.VECTORS_OUT))
        close_rows(below, shift, first, last)

    return forward, backward
