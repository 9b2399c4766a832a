"""Each unit about its mean, in standard deviations; or inverted, from there back. Both are weights that do not learn.

The weights are means and variances; a standard deviation is at least ``MIN_DEVIATION``. The setting is 1 for the way back.
"""

from .. import fields as at
from ..memory import read_int
from ..simd.jit import inner
from ..simd.library import VectorFunction, selects_by_code
from ..simd.machine import machine

MIN_DEVIATION = 1e-7


def _deviation(s, variances, shift):
    """The standard deviations of a vector of units, ``shift`` bytes from the first."""
    root = s.sqrt(s.load(s.b.add(variances, shift)))
    return s.maximum(s.constant(MIN_DEVIATION), root)  # in this order NaN passes through


def _forward_by(name, formula):
    """``formula(x, mean, deviation)`` of every number."""

    def body(s, means, variances, x, x_row, output, output_row, rows, units):
        b = s.b

        def columns(j, mask):
            shift = b.mul(j, s.index(s.itemsize))
            mean, deviation = s.load(b.add(means, shift)), _deviation(s, variances, shift)
            with s.loop(rows) as r:
                number = s.load_some(b.add(b.add(x, shift), b.mul(r, x_row)), mask)
                value = s.keep(mask, formula(number, mean, deviation))
                s.store(value, b.add(b.add(output, shift), b.mul(r, output_row)))

        s.over_row(units, columns)

    return VectorFunction(name, 8, body)


def _backward_by(name, formula):
    """``formula(gradient, deviation)`` of every gradient."""

    def body(s, variances, g, g_row, target, target_row, rows, vectors):
        b = s.b
        with s.loop(vectors) as j:
            shift = b.mul(j, s.index(s.lanes * s.itemsize))
            deviation = _deviation(s, variances, shift)
            with s.loop(rows) as r:
                gradient = s.load(b.add(b.add(g, shift), b.mul(r, g_row)))
                s.store(formula(gradient, deviation), b.add(b.add(target, shift), b.mul(r, target_row)))

    return VectorFunction(name, 7, body)


_FORWARD = {
    0: _forward_by("standardize", lambda x, mean, deviation: (x - mean) / deviation),
    1: _forward_by("restore", lambda x, mean, deviation: x * deviation + mean),
}
_BACKWARD = {
    0: _backward_by("standardize_backward", lambda gradient, deviation: gradient / deviation),
    1: _backward_by("restore_backward", lambda gradient, deviation: gradient * deviation),
}

# affine(inverted, means, variances, x, x_row, output, output_row, rows, units): writes all of output's rows, 0 in the padding.
affine = selects_by_code("affine", _FORWARD)

# affine_backward(inverted, variances, g, g_row, target, target_row, rows, vectors): from dL/da to dL/dx.
affine_backward = selects_by_code("affine_backward", _BACKWARD)


def make_affine(dtype, apply_activation, differentiate_strip, close_rows):
    """The functions (forward, backward) for one element type."""
    transform, differentiate = affine(dtype), affine_backward(dtype)
    VECTOR = machine().vector_bytes

    @inner(dtype)
    def inverted(layer):
        return 1 if read_int(layer, at.SETTING_0) else 0  # the bits of 1.0 or of 0.0

    @inner(dtype)
    def forward(layer, shift, source, source_row, first, last):
        """Rows first .. last of OUTPUT from those of the input."""
        row, means = read_int(layer, at.OUTPUT_ROW), read_int(layer, at.WEIGHTS)
        variances = means + read_int(layer, at.VECTORS_OUT) * VECTOR
        x, output = source + first * source_row, read_int(layer, at.OUTPUT) + shift + first * row
        rows, units = last - first, read_int(layer, at.UNITS_OUT)
        transform(inverted(layer), means, variances, x, source_row, output, row, rows, units)
        apply_activation(layer, shift, first, last)

    @inner(dtype)
    def backward(layer, below, shift, first, last):
        """Rows first .. last of the DELTA of the layer below."""
        row, target_row, vectors = read_int(layer, at.DELTA_ROW), read_int(below, at.DELTA_ROW), read_int(layer, at.VECTORS_OUT)
        delta = read_int(layer, at.DELTA) + shift + first * row
        target = read_int(below, at.DELTA) + shift + first * target_row
        variances = read_int(layer, at.WEIGHTS) + vectors * VECTOR
        differentiate(inverted(layer), variances, delta, row, target, target_row, last - first, vectors)
        differentiate_strip(below, shift, 0, first, last, vectors)
        close_rows(below, shift, first, last)

    return forward, backward
