"""Layers that normalize each row (row_norm.py), and may scale it by gamma and move it by beta, which are learnt.

Settings: epsilon, the limit of a row's factor, and whether there is a gamma; it comes before beta in the weights.
"""

from .. import fields as at
from .. import row_norm
from ..memory import read_int
from ..simd.element_types import itemsize
from ..simd.jit import inner
from ..simd.machine import machine


def make_normalization(dtype, apply_activation, differentiate_strip, close_rows):
    """The functions (forward, backward, gradient) for one element type."""
    normalize, differentiate = row_norm.normalize(dtype), row_norm.normalize_backward(dtype)
    gamma_gradient, beta_gradient = row_norm.gamma_gradient(dtype), row_norm.beta_gradient(dtype)
    VECTOR, KEPT_ROW = machine().vector_bytes, at.KEPT_NUMBERS * itemsize(dtype)

    @inner(dtype)
    def has_gamma(layer):
        return 1 if read_int(layer, at.SETTING_2) else 0  # the bits of 1.0 or of 0.0

    @inner(dtype)
    def gamma_of(plan, layer):
        """Where gamma is, and 1; of a layer without, where a vector of ones is, and 0."""
        return (read_int(layer, at.WEIGHTS), 1) if has_gamma(layer) else (read_int(plan, at.ONES), 0)

    @inner(dtype)
    def beta_of(plan, layer):
        """Where beta is, and 1; of a layer without, where zeros are, and 0."""
        before = has_gamma(layer)
        if read_int(layer, at.LEARNT_VECTORS) == before:
            return read_int(plan, at.ZEROS), 0
        return read_int(layer, at.WEIGHTS) + before * read_int(layer, at.VECTORS_OUT) * VECTOR, 1

    @inner(dtype)
    def forward(plan, layer, shift, source, source_row, first, last):
        """Rows first .. last of OUTPUT from those of the input, and ROW_NUMBERS where they are kept."""
        kind, epsilon, limit = read_int(layer, at.KIND), read_int(layer, at.SETTING_0), read_int(layer, at.SETTING_1)
        row, kept = read_int(layer, at.OUTPUT_ROW), read_int(layer, at.ROW_NUMBERS)
        kept = kept + shift + first * KEPT_ROW if kept else 0
        (gamma, gamma_moves), (beta, beta_moves) = gamma_of(plan, layer), beta_of(plan, layer)
        x, output = source + first * source_row, read_int(layer, at.OUTPUT) + shift + first * row
        rows, units = last - first, read_int(layer, at.UNITS_OUT)
        normalize(kind, epsilon, limit, gamma, gamma_moves, beta, beta_moves, x, source_row, output, row, kept, rows, units)
        apply_activation(layer, shift, first, last)

    @inner(dtype)
    def backward(plan, layer, below, shift, first, last):
        """Rows first .. last of the DELTA of the layer below."""
        kind, limit, (gamma, moves) = read_int(layer, at.KIND), read_int(layer, at.SETTING_1), gamma_of(plan, layer)
        row, target_row, x_row = read_int(layer, at.DELTA_ROW), read_int(below, at.DELTA_ROW), read_int(layer, at.INPUT_ROW)
        delta = read_int(layer, at.DELTA) + shift + first * row
        target = read_int(below, at.DELTA) + shift + first * target_row
        x, kept = read_int(layer, at.INPUT) + shift + first * x_row, read_int(layer, at.ROW_NUMBERS) + shift + first * KEPT_ROW
        rows, units = last - first, read_int(layer, at.UNITS_OUT)
        differentiate(kind, limit, gamma, moves, delta, row, x, x_row, kept, target, target_row, rows, units)
        differentiate_strip(below, shift, 0, first, last, read_int(below, at.VECTORS_OUT))
        close_rows(below, shift, first, last)

    @inner(dtype)
    def gradient(layer, k, shift, v, width, batch, start, target):
        """The gradient of gamma or beta (``vector_gradient`` of vector_weights.py)."""
        row, x_row = read_int(layer, at.DELTA_ROW), read_int(layer, at.INPUT_ROW)
        delta = read_int(layer, at.DELTA) + shift + v * VECTOR
        if k < has_gamma(layer):
            x, kept = read_int(layer, at.INPUT) + shift + v * VECTOR, read_int(layer, at.ROW_NUMBERS) + shift
            gamma_gradient(delta, row, x, x_row, kept, start, target, batch, width)
        else:
            beta_gradient(delta, row, start, target, batch, width)

    return forward, backward, gradient
