"""A dense layer forward and backward over a block of rows.

Every function takes ``layer``, the address of the layer's row of integers (fields.py), and ``shift``, the bytes to the
calling thread's own activations (0 when all threads share one set).
"""

from .. import activation as elementwise
from .. import fields as at
from ..matrix import dots, gemm
from ..matrix.dots import max_dot_units
from ..memory import read_int
from ..simd.element_types import itemsize
from ..simd.jit import inner
from ..simd.machine import machine
from .dense_panels import make_panels

FEW_ROWS = 16  # of a batch, whose output is near throughout


def make_forward(dtype):
    """``forward`` for one element type."""
    width_of, _, _ = make_panels(dtype)
    product, row_product, dot_rows = gemm.product(dtype), gemm.row_product(dtype), dots.dot_rows(dtype)
    activate = elementwise.activate(dtype)
    ITEM, VECTOR, MAX_DOT_UNITS = itemsize(dtype), machine().vector_bytes, max_dot_units(dtype)

    @inner(dtype)
    def forward(plan, layer, shift, source, source_row, first, last, batch):
        """Rows first .. last of OUTPUT = activation(source @ W + b). Overwrites them, and DERIVATIVE where there is one.

        ``source`` is row 0 of the layer's input; ``batch`` the rows of the whole step.
        """
        units, vectors = read_int(layer, at.UNITS_IN), read_int(layer, at.VECTORS_OUT)
        bias, code, alpha = read_int(layer, at.BIAS), read_int(layer, at.ACTIVATION), read_int(layer, at.ALPHA)
        output_row = read_int(layer, at.OUTPUT_ROW)
        output = read_int(layer, at.OUTPUT) + shift
        derivative = read_int(layer, at.DERIVATIVE)
        if derivative:
            derivative += shift
        zeros, transposed = read_int(plan, at.ZEROS), read_int(layer, at.TRANSPOSED)
        rows, source, output = last - first, source + first * source_row, output + first * output_row
        d = derivative + first * output_row if derivative else 0
        if read_int(layer, at.UNITS_OUT) <= MAX_DOT_UNITS and transposed:
            start = read_int(layer, at.WEIGHTS) + units * VECTOR if bias else zeros
            dot_rows(read_int(layer, at.UNITS_OUT), source, source_row, transposed, units, start, output, output_row, rows)
            activate(code, alpha, output, output_row, d, output_row, rows, 1)
            return
        v = 0
        while v < vectors:
            width, move = width_of(vectors - v), v * VECTOR
            panel = read_int(layer, at.WEIGHTS) + move * (units + bias)
            row = width * VECTOR
            start = panel + units * row if bias else zeros
            z = output + move
            if batch == 1:
                row_product(width, source, ITEM, panel, row, start, z, units)
            else:
                product(width, source, source_row, ITEM, panel, row, start, 0, z, output_row, units, rows)
            if batch > FEW_ROWS:  # while the strip is near
                activate(code, alpha, z, output_row, d + move if d else 0, output_row, rows, width)
            v += width
        if batch <= FEW_ROWS:
            activate(code, alpha, output, output_row, d, output_row, rows, vectors)

    return forward


def make_backward(dtype, differentiate_strip, close_rows):
    """``backward`` for one element type."""
    width_of, _, _ = make_panels(dtype)
    product = gemm.product(dtype)
    ITEM, VECTOR, MAX_DOT_UNITS = itemsize(dtype), machine().vector_bytes, max_dot_units(dtype)

    @inner(dtype)
    def backward(plan, layer, below, shift, first, last):
        """Rows first .. last of the DELTA of the layer below: (ERROR's DELTA @ FEEDBACK) * its activation's derivative.

        That is DELTA @ W.T, unless the network learns by other feedback.
        """
        error, feedback = read_int(layer, at.ERROR), read_int(layer, at.FEEDBACK)
        units, vectors = read_int(error, at.UNITS_OUT), read_int(layer, at.VECTORS_IN)
        delta, delta_row = read_int(error, at.DELTA) + shift, read_int(error, at.DELTA_ROW)
        target, target_row = read_int(below, at.DELTA) + shift, read_int(below, at.DELTA_ROW)
        zeros, rows = read_int(plan, at.ZEROS), last - first
        delta, target = delta + first * delta_row, target + first * target_row
        v = 0
        while v < vectors:
            width, move = width_of(vectors - v), v * VECTOR
            if units <= MAX_DOT_UNITS:
                panel, row = feedback + move, vectors * VECTOR
            else:
                panel, row = feedback + move * units, width * VECTOR
            product(width, delta, delta_row, ITEM, panel, row, zeros, 0, target + move, target_row, units, rows)
            differentiate_strip(below, shift, move, first, last, width)
            v += width
        close_rows(below, shift, first, last)

    return backward
