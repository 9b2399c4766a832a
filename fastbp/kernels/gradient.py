"""What may happen to a gradient before the optimizer's rule, and to weights after it: clipping, adding up, averaging."""

from contextlib import contextmanager

from llvmlite import ir

from .simd.library import VectorFunction


def _number(s, bits):
    """A float64 that travelled as an integer, as an element in every lane."""
    return s.broadcast(s.from_double(s.b.bitcast(bits, ir.DoubleType())))


@contextmanager
def _each(s, vectors, *addresses):
    """For each of ``vectors`` vectors its addresses."""
    with s.loop(vectors) as i:
        shift = s.b.mul(i, s.index(s.lanes * s.itemsize))
        yield [s.b.add(address, shift) for address in addresses]


def _clip(s, g, limit, vectors):
    """Each number of a gradient cut to -limit .. limit. NaN stays, so that it is found."""
    most = _number(s, limit)
    with _each(s, vectors, g) as (place,):
        s.store(s.maximum(-most, s.minimum(most, s.load(place))), place)


def _scale(s, g, target, factor, vectors):
    """target = factor g."""
    factor = _number(s, factor)
    with _each(s, vectors, g, target) as (place, target_place):
        s.store(s.load(place) * factor, target_place)


def _add_up(s, total, g, target, divisor, vectors):
    """target = (total + g) / divisor."""
    divisor = _number(s, divisor)
    with _each(s, vectors, total, g, target) as (total_place, place, target_place):
        s.store((s.load(total_place) + s.load(place)) / divisor, target_place)


def _average(s, w, average, momentum, vectors):
    """average = momentum average + (1 - momentum) w."""
    momentum = _number(s, momentum)
    with _each(s, vectors, w, average) as (place, average_place):
        new = s.load(place)
        s.store(s.fma(s.load(average_place) - new, momentum, new), average_place)


def _clear_padding(s, g, row, rows, units):
    """Set what is beyond the first ``units`` of each of ``rows`` vectors, ``row`` bytes apart, to 0."""
    mask = s.first_lanes(units)
    with s.loop(rows) as r:
        place = s.b.add(g, s.b.mul(r, row))
        s.store(s.select(mask, s.load(place), 0.0), place)


def _sum_of_squares(s, g, vectors):
    """In float64, where no square of a float32 overflows or vanishes; the order depends on ``vectors`` only."""
    b, wide = s.b, s.doubles()
    totals = [wide.variable(wide.constant(0.0)) for _ in range(2)]  # so that one sum need not wait for the other

    def add(i, total):
        x = s.widen(s.load(b.add(g, b.mul(i, s.index(s.lanes * s.itemsize)))))
        total.set(wide.fma(x, x, total.get()))

    pairs = b.and_(vectors, s.index(-2))
    with s.loop(pairs, step=2) as i:
        for k, total in enumerate(totals):
            add(b.add(i, s.index(k)), total)
    with b.if_then(b.icmp_signed("<", pairs, vectors)):
        add(pairs, totals[0])
    return wide.lane(wide.sum(totals[0].get() + totals[1].get()))


clip = VectorFunction("clip_gradient", 3, _clip)
scale = VectorFunction("scale_gradient", 4, _scale)
add_up = VectorFunction("add_up_gradients", 5, _add_up)
average = VectorFunction("average_weights", 4, _average)
clear_padding = VectorFunction("clear_padding", 4, _clear_padding)
sum_of_squares = VectorFunction("gradient_squares", 2, _sum_of_squares, returns="double")
