"""PReLU: z where it is positive, else a slope times z. Each unit has a slope of its own, which is learnt (He et al. 2015).

Its activation is linear: its pre-activation, with respect to which DELTA is the gradient, is its output.
"""

from .. import fields as at
from ..activation import over_tile
from ..memory import read_int
from ..simd.jit import inner
from ..simd.library import VectorFunction
from ..simd.machine import machine


def _prelu(s, slopes, z, z_row, rows, vectors):
    def value(address, slope):
        x = s.load(address)
        s.store(s.select(x < 0.0, s.load(slope) * x, x + 0.0), address)  # the sum as in kernels/activation.py

    over_tile(s, rows, vectors, [(z, z_row), (slopes, s.index(0))], value)


def _prelu_backward(s, slopes, g, g_row, z, z_row, target, target_row, rows, vectors):
    def derivative(g_address, z_address, address, slope):
        s.store(s.load(g_address) * s.select(s.load(z_address) > 0.0, 1.0, s.load(slope)), address)

    over_tile(s, rows, vectors, [(g, g_row), (z, z_row), (target, target_row), (slopes, s.index(0))], derivative)


def _slope_gradient(s, g, g_row, z, z_row, start, target, rows, vectors):
    b = s.b
    with s.loop(vectors) as j:
        shift = b.mul(j, s.index(s.lanes * s.itemsize))
        total = s.variable(s.load(b.add(start, shift)))
        with s.loop(rows) as r:
            x = s.load(b.add(b.add(z, shift), b.mul(r, z_row)))
            gradient = s.load(b.add(b.add(g, shift), b.mul(r, g_row)))
            # What a formula gives for the padding need not be finite.
            counts = (x < 0.0) & gradient.differs(0.0)
            total.set(total.get() + s.select(counts, x * gradient, 0.0))
        s.store(total.get(), b.add(target, shift))


# prelu(slopes, z, z_row, rows, vectors): overwrites z.
prelu = VectorFunction("prelu", 5, _prelu)

# prelu_backward(slopes, g, g_row, z, z_row, target, target_row, rows, vectors): target = g times the derivative at z.
prelu_backward = VectorFunction("prelu_backward", 9, _prelu_backward)

# slope_gradient(g, g_row, z, z_row, start, target, rows, vectors): the gradient of some slopes, added to those at ``start``.
slope_gradient = VectorFunction("slope_gradient", 8, _slope_gradient)


def make_prelu(dtype, copy_input, differentiate_strip, close_rows):
    """The functions (forward, backward, gradient) for one element type."""
    activate, differentiate, sum_gradient = prelu(dtype), prelu_backward(dtype), slope_gradient(dtype)
    VECTOR = machine().vector_bytes

    @inner(dtype)
    def forward(layer, shift, source, source_row, first, last):
        """Rows first .. last of OUTPUT = prelu(source)."""
        output = copy_input(layer, shift, source, source_row, first, last)
        row, vectors = read_int(layer, at.OUTPUT_ROW), read_int(layer, at.VECTORS_OUT)
        activate(read_int(layer, at.WEIGHTS), output, row, last - first, vectors)

    @inner(dtype)
    def backward(layer, below, shift, first, last):
        """Rows first .. last of the DELTA of the layer below."""
        row, target_row, z_row = read_int(layer, at.DELTA_ROW), read_int(below, at.DELTA_ROW), read_int(layer, at.INPUT_ROW)
        delta = read_int(layer, at.DELTA) + shift + first * row
        target = read_int(below, at.DELTA) + shift + first * target_row
        z, vectors = read_int(layer, at.INPUT) + shift + first * z_row, read_int(layer, at.VECTORS_OUT)
        differentiate(read_int(layer, at.WEIGHTS), delta, row, z, z_row, target, target_row, last - first, vectors)
        differentiate_strip(below, shift, 0, first, last, vectors)
        close_rows(below, shift, first, last)

    @inner(dtype)
    def gradient(layer, k, shift, v, width, batch, start, target):
        """The gradient of the slopes of ``width`` vectors from vector v on, over ``batch`` rows, plus ``start``."""
        move, row, z_row = shift + v * VECTOR, read_int(layer, at.DELTA_ROW), read_int(layer, at.INPUT_ROW)
        sum_gradient(
            read_int(layer, at.DELTA) + move, row, read_int(layer, at.INPUT) + move, z_row, start, target, batch, width
        )

    return forward, backward, gradient
