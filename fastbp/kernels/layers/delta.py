"""The contract of DELTA: a layer's DELTA is the gradient with respect to its pre-activation, what its activation is applied to.

Whoever writes the gradient with respect to a layer's output into its DELTA turns it into that here: strip by strip while the
strip lies in the nearest cache (``differentiate_strip``), and what needs whole rows at the end (``close_rows``).
"""

from .. import activation as elementwise
from .. import fields as at
from .. import row_activation
from ..codes import LINEAR
from ..memory import read_int
from ..simd.jit import inner


def make_delta(dtype, add_activity_gradient):
    """The functions (differentiate_strip, close_rows) for one element type."""
    differentiate, differentiate_rows = elementwise.differentiate(dtype), row_activation.differentiate_rows(dtype)

    @inner(dtype)
    def differentiate_strip(layer, shift, move, first, last, vectors):
        """Some vectors of rows first .. last of DELTA, from ``move`` bytes on, times the activation's derivative, in place.

        Before that the gradient of a penalty on the output is added.
        """
        add_activity_gradient(layer, shift, move, first, last, vectors)
        code = read_int(layer, at.ACTIVATION)
        if code != LINEAR:
            row, delta_row = read_int(layer, at.OUTPUT_ROW), read_int(layer, at.DELTA_ROW)
            derivative = read_int(layer, at.DERIVATIVE)
            delta = read_int(layer, at.DELTA) + shift + first * delta_row + move
            source = (derivative if derivative else read_int(layer, at.OUTPUT)) + shift + first * row + move
            differentiate(code, read_int(layer, at.ALPHA), delta, delta_row, source, row, last - first, vectors)

    @inner(dtype)
    def close_rows(layer, shift, first, last):
        """The same where the derivative of an output is one by the whole row: after all strips."""
        if read_int(layer, at.KIND) == at.WHOLE_ROWS:
            row, delta_row = read_int(layer, at.OUTPUT_ROW), read_int(layer, at.DELTA_ROW)
            delta = read_int(layer, at.DELTA) + shift + first * delta_row
            output = read_int(layer, at.OUTPUT) + shift + first * row
            code, units = read_int(layer, at.ACTIVATION), read_int(layer, at.UNITS_OUT)
            differentiate_rows(code, delta, delta_row, output, row, last - first, units)

    return differentiate_strip, close_rows
