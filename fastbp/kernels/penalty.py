"""Penalties ``l1 sum |x| + l2 sum x^2`` on weights and on outputs, and their gradients; sign(0) is 0."""

from llvmlite import ir

from .activation import spread_bits
from .simd.library import VectorFunction


def _l1_slope(s, x, l1):
    return s.select(x > 0.0, l1, s.select(x < 0.0, -l1, 0.0 * x))  # NaN at NaN


CHAINS = 2  # sums that are formed side by side: one alone would wait for each addition to end


def _penalize(has_l1):
    """g += the penalty's gradient at w; returns the penalty, summed in float64."""

    def body(s, l1_bits, l2_bits, w, g, vectors):
        b, wide = s.b, s.doubles()
        l1, l2 = spread_bits(s, l1_bits), spread_bits(s, l2_bits)
        sizes, squares = ([wide.variable(wide.constant(0.0)) for _ in range(CHAINS)] for _ in range(2))

        def add(i, k):
            shift = b.mul(i, s.index(s.lanes * s.itemsize))
            place = b.add(g, shift)
            x = s.load(b.add(w, shift))
            slope = s.fma(l2 + l2, x, s.load(place))
            s.store(slope + _l1_slope(s, x, l1) if has_l1 else slope, place)
            x = s.widen(x)
            squares[k].set(wide.fma(x, x, squares[k].get()))
            if has_l1:
                sizes[k].set(sizes[k].get() + wide.abs(x))

        whole = b.sub(vectors, b.srem(vectors, s.index(CHAINS)))
        with s.loop(whole, step=CHAINS) as first:
            for k in range(CHAINS):
                add(b.add(first, s.index(k)), k)
        with s.loop(vectors, start=whole) as i:
            add(i, 0)
        total = _sum(wide, squares) * spread_bits(wide, l2_bits)
        if has_l1:
            total = total + _sum(wide, sizes) * spread_bits(wide, l1_bits)
        return wide.lane(total)

    return body


def _sum(wide, chains):
    first, *others = (chain.get() for chain in chains)
    for other in others:
        first = first + other
    return wide.sum(first)


def _add_activity(s, l1, l2, a, a_row, factor, row_loss, rows, units):
    """Add ``factor`` times the penalty of each row of outputs to the row's loss, a float64."""
    b, double = s.b, ir.DoubleType()
    l1, l2, factor = spread_bits(s, l1), spread_bits(s, l2), b.bitcast(factor, double)
    with s.loop(rows) as r:
        start, total = b.add(a, b.mul(r, a_row)), s.variable(s.constant(0.0))

        def add(j, mask, start=start, total=total):
            x = s.load_some(s.offset(start, j), mask)
            total.set(total.get() + (l1 * s.abs(x) + l2 * x * x))

        s.over_row(units, add)
        place = s.pointer(b.add(row_loss, b.mul(r, s.index(8))), double)
        penalty = b.fmul(s.as_double(s.lane(s.sum(total.get()))), factor)
        b.store(b.fadd(b.load(place), penalty), place)


def _add_activity_gradient(s, l1, l2, share, g, g_row, a, a_row, rows, units):
    """g += ``share`` times the gradient of the penalty on the outputs a. What pads a row is left alone."""
    b = s.b
    l1, l2, share = spread_bits(s, l1), spread_bits(s, l2), spread_bits(s, share)
    with s.loop(rows) as r:
        start, place = b.add(a, b.mul(r, a_row)), b.add(g, b.mul(r, g_row))

        def add(j, mask, start=start, place=place):
            x = s.load_some(s.offset(start, j), mask)
            slope = share * (_l1_slope(s, x, l1) + (l2 + l2) * x)
            s.store(s.load(s.offset(place, j)) + s.keep(mask, slope), s.offset(place, j))

        s.over_row(units, add)


# penalize(l1, l2, w, g, vectors), penalize_l2 where l1 is 0: overwrites g.
penalize = VectorFunction("penalize", 5, _penalize(has_l1=True), returns="double")
penalize_l2 = VectorFunction("penalize_l2", 5, _penalize(has_l1=False), returns="double")

# add_activity(l1, l2, a, a_row, factor, row_loss, rows, units): overwrites row_loss.
add_activity = VectorFunction("add_activity", 8, _add_activity)

# add_activity_gradient(l1, l2, share, g, g_row, a, a_row, rows, units): overwrites g.
add_activity_gradient = VectorFunction("add_activity_gradient", 9, _add_activity_gradient)
