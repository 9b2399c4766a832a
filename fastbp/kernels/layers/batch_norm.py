"""Batch normalization: units of mean 0 and variance 1, times gamma plus beta (Ioffe & Szegedy 2015, arXiv:1502.03167).

Its weights are numbers for each unit: gamma and beta, where it has them, then the moving mean and the moving variance. What
it normalizes by are these two or, where BATCH_STATISTICS is set, the mean and the variance of the batch. Those need the
whole batch, so the network is cut below it (step.py), where each thread sums up some columns of all rows.
"""

from .. import activation as elementwise
from .. import fields as at
from ..matrix.panels import PANEL_VECTORS
from ..memory import read_int
from ..simd.jit import inner
from ..simd.machine import machine
from .batch_norm_units import batch_moments, batch_normalize, batch_normalize_backward, delta_sums, gradient_of_scale


def make_batch_norm(dtype, differentiate_strip, close_rows):
    """The functions (forward, backward, gradient, sum_forward, sum_backward) for one element type."""
    activate, moments, sums = elementwise.activate(dtype), batch_moments(dtype), delta_sums(dtype)
    scale, differentiate, sum_gradient = batch_normalize(dtype), batch_normalize_backward(dtype), gradient_of_scale(dtype)
    VECTOR, LANES = machine().vector_bytes, machine().lanes(dtype)

    @inner(dtype)
    def units_of(layer, v, width):
        """How many units the ``width`` vectors from v on hold."""
        return min(width * LANES, read_int(layer, at.UNITS_OUT) - v * LANES)

    @inner(dtype)
    def sum_forward(layer, v, last_v, batch, moves):
        """The mean and variance over the batch of the units of some vectors; with ``moves`` the moving ones follow."""
        units = units_of(layer, v, last_v - v)
        moments(layer, v, read_int(layer, at.INPUT), read_int(layer, at.INPUT_ROW), batch, units, moves)

    @inner(dtype)
    def sum_backward(layer, v, last_v, batch):
        """The sums over the batch that the gradients of the units of some vectors are made of."""
        x, x_row = read_int(layer, at.INPUT), read_int(layer, at.INPUT_ROW)
        delta, row = read_int(layer, at.DELTA), read_int(layer, at.DELTA_ROW)
        sums(layer, v, x, x_row, delta, row, batch, units_of(layer, v, last_v - v))

    @inner(dtype)
    def forward(layer, shift, source, source_row, first, last):
        """Rows first .. last of OUTPUT = activation(normalized source), and of DERIVATIVE where there is one."""
        row, vectors, rows = read_int(layer, at.OUTPUT_ROW), read_int(layer, at.VECTORS_OUT), last - first
        code, alpha, derivative = read_int(layer, at.ACTIVATION), read_int(layer, at.ALPHA), read_int(layer, at.DERIVATIVE)
        x, z = source + first * source_row, read_int(layer, at.OUTPUT) + shift + first * row
        for v in range(0, vectors, PANEL_VECTORS):
            width, move = min(PANEL_VECTORS, vectors - v), v * VECTOR
            scale(layer, v, x, source_row, z, row, rows, width)
            d = derivative + shift + first * row + move if derivative else 0
            activate(code, alpha, z + move, row, d, row, rows, width)

    @inner(dtype)
    def backward(layer, below, shift, first, last):
        """Rows first .. last of the DELTA of the layer below."""
        row, target_row, x_row = read_int(layer, at.DELTA_ROW), read_int(below, at.DELTA_ROW), read_int(layer, at.INPUT_ROW)
        delta = read_int(layer, at.DELTA) + shift + first * row
        target = read_int(below, at.DELTA) + shift + first * target_row
        x, vectors = read_int(layer, at.INPUT) + shift + first * x_row, read_int(layer, at.VECTORS_OUT)
        for v in range(0, vectors, PANEL_VECTORS):
            width = min(PANEL_VECTORS, vectors - v)
            units = units_of(layer, v, width)
            differentiate(layer, v, x, x_row, delta, row, target, target_row, last - first, units)
            differentiate_strip(below, shift, v * VECTOR, first, last, width)
        close_rows(below, shift, first, last)

    @inner(dtype)
    def gradient(layer, k, shift, v, width, batch, start, target):
        """The gradient of gamma or beta, the k-th of them, for ``width`` vectors from vector v on, plus ``start``."""
        x, x_row = read_int(layer, at.INPUT) + shift, read_int(layer, at.INPUT_ROW)
        delta, row = read_int(layer, at.DELTA) + shift, read_int(layer, at.DELTA_ROW)
        sum_gradient(layer, k, v, x, x_row, delta, row, start, target, batch, units_of(layer, v, width))

    return forward, backward, gradient, sum_forward, sum_backward
