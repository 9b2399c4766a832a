"""Feedback that has the signs of the weights, at fixed magnitudes: the signs are kept up to date."""

from .. import fields as at
from ..memory import read_int
from ..simd.jit import inner
from ..simd.library import VectorFunction
from ..simd.machine import machine
from .dense_panels import make_panels


def _copy_signs(s, source, target, row, rows):
    b = s.b
    with s.loop(rows) as r:
        move = b.mul(r, row)
        address = b.add(target, move)
        s.store(s.copysign(s.load(address), s.load(b.add(source, move))), address)


# copy_signs(source, target, row, rows): a vector of each row of target takes the signs of source's; the magnitudes stay.
copy_signs = VectorFunction("copy_signs", 4, _copy_signs)


def make_follow_signs(dtype):
    """``follow_signs`` for one element type."""
    copy, (_, _, transposed_block) = copy_signs(dtype), make_panels(dtype)
    LANES = machine().lanes(dtype)

    @inner(dtype)
    def follow_signs(layer, v, width, first, last):
        """Have SIGNED follow the transposed copy of rows first .. last of panel v."""
        move = read_int(layer, at.SIGNED) - read_int(layer, at.TRANSPOSED)
        for k in range(first, last, LANES):
            for j in range(width):
                out = (v + j) * LANES
                source, row = transposed_block(layer, k // LANES, out)
                copy(source, source + move, row, min(LANES, read_int(layer, at.UNITS_OUT) - out))

    return follow_signs
