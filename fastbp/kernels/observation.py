"""Sums over what a step leaves in memory: a layer's outputs, its gradient, and how far the update moved its weights.

Whatever the element type, sums are float64. Those of outputs are of how far they lie from the first one, so that a spread
that is small beside the mean loses no digits.
"""

from .activation import DERIVATIVES, spread_bits
from .codes import CUSTOM_ACTIVATION, LINEAR
from .fields import DEVIATION, FLAT, PIVOT, SQUARED_DEVIATION, SUMS_OF_UNIT
from .simd.element_types import FLOATS
from .simd.library import VectorFunction, selects_by_code


def _observe_outputs_as(code):
    """Add rows to the sums of ``vectors`` of units, PIVOT to FLAT, each ``sums_row`` bytes after the one before.

    An output counts as FLAT where its derivative is smaller than ``limit``. For CUSTOM_ACTIVATION derivatives are at ``d``.
    """

    def body(s, alpha, limit, a, d, row, sums, sums_row, rows, vectors, is_first):
        b, wide = s.b, s.doubles()
        alpha, limit, size = spread_bits(s, alpha), spread_bits(s, limit), s.index(s.lanes * s.itemsize)
        is_first = b.icmp_signed("!=", is_first, s.index(0))
        with s.loop(vectors) as j:
            move, column = b.mul(j, size), wide.offset(sums, b.mul(j, s.index(s.lanes)))
            places = [b.add(column, b.mul(sums_row, s.index(k))) for k in range(SUMS_OF_UNIT)]
            top = s.variable(b.add(a, move))
            slopes = s.variable(b.add(d, move))
            with b.if_then(is_first):
                wide.store(s.widen(s.load(top.get())), places[PIVOT])
                for k in (DEVIATION, SQUARED_DEVIATION, FLAT):
                    wide.store(wide.constant(0.0), places[k])
            pivot = wide.load(places[PIVOT])
            deviation, squared, flat = (wide.variable(wide.load(places[k])) for k in (DEVIATION, SQUARED_DEVIATION, FLAT))
            with s.loop(rows):
                x = s.load(top.get())
                away = s.widen(x) - pivot
                deviation.set(deviation.get() + away)
                squared.set(wide.fma(away, away, squared.get()))
                if code != LINEAR:
                    slope = DERIVATIVES[code](s, x, alpha) if code in DERIVATIVES else s.load(slopes.get())
                    is_flat = s.select(s.abs(slope) < limit, s.constant(1.0), s.constant(0.0))
                    flat.set(flat.get() + s.widen(is_flat))
                top.set(b.add(top.get(), row))
                slopes.set(b.add(slopes.get(), row))
            for total, k in ((deviation, DEVIATION), (squared, SQUARED_DEVIATION), (flat, FLAT)):
                wide.store(total.get(), places[k])

    return VectorFunction(f"observe_outputs_{code}", 10, body)


def _observe_weights(s, before, after, vectors, target):
    b, wide = s.b, s.doubles()
    weights, moves = (wide.variable(wide.constant(0.0)) for _ in range(2))
    with s.loop(vectors) as i:
        shift = b.mul(i, s.index(s.lanes * s.itemsize))
        old, new = (s.widen(s.load(b.add(address, shift))) for address in (before, after))
        for total, value in ((weights, old), (moves, new - old)):
            total.set(wide.fma(value, value, total.get()))
    for k, total in enumerate((weights, moves)):
        b.store(wide.lane(wide.sum(total.get())), wide.pointer(wide.offset(target, k), FLOATS["float64"]))


# observe_outputs(code, alpha, limit, a, d, row, sums, sums_row, rows, vectors, is_first): ``code`` is that of an activation
# whose derivative follows from its output, CUSTOM_ACTIVATION where derivatives are stored, LINEAR where none is looked at.
observe_outputs = selects_by_code(
    "observe_outputs", {code: _observe_outputs_as(code) for code in (LINEAR, *DERIVATIVES, CUSTOM_ACTIVATION)}
)

# observe_weights(before, after, vectors, target): SUMS_OF_WEIGHTS sums of squares.
observe_weights = VectorFunction("observe_weights", 4, _observe_weights)
