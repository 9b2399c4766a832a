"""A layer of few units: dot products along the inputs, where a tile of columns would be mostly padding.

Each sum is kept as a vector of partial sums until all inputs have been gone through. Then the partial sums of as many
products as there are lanes are added up together: halves of two vectors side by side at each level, so that the tree of
additions within a product is the same wherever it lies.
"""

from typing import Any

from ..simd.library import VectorFunction, selects_by_code
from ..simd.machine import machine

DOT_ROWS = 4  # rows whose products are formed together
GROUP = 4  # at most so many units whose products are formed together


def max_dot_units(dtype: Any) -> int:
    """The most units of a layer whose products are dot products along its inputs."""
    return max(1, machine().lanes(dtype) // 2)


def sums_of(s, vectors):
    """One vector, with the sum of all lanes of vectors[i] in lane i. Where that is None the lane holds anything."""
    n, half = s.lanes, s.lanes // 2
    x = list(vectors)
    while half:
        for i in range(half):
            one, other = x[i], x[i + half]
            if one is None:
                continue
            other = one if other is None else other
            lower = [lane if not lane & half else n + (lane & ~half) for lane in range(n)]
            upper = [lane | half if not lane & half else n + lane for lane in range(n)]
            x[i] = s.shuffle(one, other, lower) + s.shuffle(one, other, upper)
        half //= 2
    return x[0]


def _groups(units):
    """Units are gone through in groups of up to GROUP, of about the same size: (first, last) of each."""
    count = -(-units // GROUP)
    return [(units * g // count, units * (g + 1) // count) for g in range(count)]


def _dot_tile(s, rows, units, source, source_row, transposed, units_in, bias, z, z_row):
    """``rows`` rows of z, see _dot_units."""
    b, size = s.b, s.index(s.lanes * s.itemsize)
    vectors = b.sdiv(b.add(units_in, s.index(s.lanes - 1)), s.index(s.lanes))
    last = b.sub(vectors, s.index(1))
    rest = s.first_lanes(b.sub(units_in, b.mul(last, s.index(s.lanes))))
    starts = [b.add(source, b.mul(source_row, s.index(r))) for r in range(rows)]
    columns = [b.add(transposed, b.mul(b.mul(vectors, size), s.index(u))) for u in range(units)]
    results = []
    for first, end in _groups(units):
        totals = {(r, u): s.variable(s.constant(0.0)) for r in range(rows) for u in range(first, end)}

        def add(v, load, first=first, end=end, totals=totals):
            shift = b.mul(v, size)
            weights = {u: s.load(b.add(columns[u], shift)) for u in range(first, end)}
            for r in range(rows):
                values = load(b.add(starts[r], shift))
                for u in range(first, end):
                    totals[r, u].set(s.fma(values, weights[u], totals[r, u].get()))

        with s.loop(last) as v:
            add(v, s.load)
        add(last, lambda address: s.load_masked(address, rest))
        places = [None] * s.lanes
        for (r, u), total in totals.items():
            places[r * GROUP + u - first] = total.get()
        results.append((first, sums_of(s, places)))
    for r in range(rows):
        s.store(_row(s, r, units, results) + s.load(bias), b.add(z, b.mul(z_row, s.index(r))))


def _row(s, r, units, results):
    """Row ``r`` of the products, and zeros after them."""
    (_, x), (boundary, y) = results[0], results[-1]
    if len(results) == 1:
        boundary = units
    lanes = [r * GROUP + u if u < boundary else s.lanes + r * GROUP + u - boundary for u in range(units)]
    lanes += [0] * (s.lanes - units)
    return s.keep(s.first_lanes(s.index(units)), s.shuffle(x, y, lanes))


def _dot_units(units):
    """z = source @ W + bias for a layer of ``units`` units.

    ``transposed`` is W.T, row by row, so both factors are read along the vector. Overwrites one vector of each row of z.
    """

    def body(s, source, source_row, transposed, units_in, bias, z, z_row, rows):
        b, together = s.b, min(DOT_ROWS, max(1, s.lanes // GROUP))
        if units > max_dot_units(s.dtype):
            return
        whole = b.sub(rows, b.srem(rows, s.index(together)))
        for count, first, stop in ((together, s.index(0), whole), (1, whole, rows)):
            with s.loop(stop, start=first, step=count) as r:
                a, c = b.add(source, b.mul(r, source_row)), b.add(z, b.mul(r, z_row))
                _dot_tile(s, count, units, a, source_row, transposed, units_in, bias, c, z_row)

    return VectorFunction(f"dots_{units}", 8, body)


_BY_UNITS = {units: _dot_units(units) for units in range(1, max_dot_units("float32") + 1)}


# dot_rows(units, source, source_row, transposed, units_in, bias, z, z_row, rows): units up to max_dot_units.
dot_rows = selects_by_code("dot_rows", _BY_UNITS)
