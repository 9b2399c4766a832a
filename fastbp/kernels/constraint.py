"""What weights are brought to after a step: no negative numbers, or norms within bounds.

A norm n becomes ``rate * clip(n, low, high) + (1 - rate) * n``. Norms are computed in float64: no square overflows.
"""

from .activation import spread_bits
from .simd.library import VectorFunction

EPSILON = 1e-7  # what Keras adds to norms that it divides by


def _clip_negative(s, w, vectors):
    with s.loop(vectors) as i:
        place = s.b.add(w, s.b.mul(i, s.index(s.lanes * s.itemsize)))
        s.store(s.maximum(s.constant(0.0), s.load(place) + 0.0), place)  # NaN stays; the sum as in kernels/activation.py


def norm_factor(s, squares, low, high, rate):
    """What weights of this sum of squares are multiplied by."""
    norm = s.sqrt(squares)
    clipped = s.minimum(high, s.maximum(low, norm))  # in this order NaN stays
    return (rate * clipped + (1.0 - rate) * norm) / (norm + EPSILON)


def _constrain_columns(s, w, w_row, rows, vectors, low, high, rate):
    """The columns of a panel."""
    b, wide = s.b, s.doubles()
    low, high, rate = (spread_bits(wide, bits) for bits in (low, high, rate))
    with s.loop(vectors) as j:
        start = b.add(w, b.mul(j, s.index(s.lanes * s.itemsize)))
        squares = wide.variable(wide.constant(0.0))
        with s.loop(rows) as r:
            x = s.widen(s.load(b.add(start, b.mul(r, w_row))))
            squares.set(wide.fma(x, x, squares.get()))
        factor = s.narrow(norm_factor(wide, squares.get(), low, high, rate))
        with s.loop(rows) as r:
            place = b.add(start, b.mul(r, w_row))
            s.store(s.load(place) * factor, place)


def _scale(s, w, vectors, squares, low, high, rate):
    """Weights that are part of those of a sum of squares."""
    b, wide = s.b, s.doubles()
    squares, low, high, rate = (spread_bits(wide, bits) for bits in (squares, low, high, rate))
    factor = s.narrow(norm_factor(wide, squares, low, high, rate))
    with s.loop(vectors) as i:
        place = b.add(w, b.mul(i, s.index(s.lanes * s.itemsize)))
        s.store(s.load(place) * factor, place)


# clip_negative(w, vectors), constrain_columns(w, w_row, rows, vectors, low, high, rate),
# scale_to_norm(w, vectors, squares, low, high, rate): overwrite w. Floats are float64 bits.
clip_negative = VectorFunction("clip_negative", 2, _clip_negative)
constrain_columns = VectorFunction("constrain_columns", 7, _constrain_columns)
scale_to_norm = VectorFunction("scale_to_norm", 6, _scale)
