"""Rows normalized: about their mean, by their root mean square, to a length of 1.

A row x becomes ``(x - mean) * factor``, and that times gamma plus beta. ``factor`` is never above a limit, and

    LAYER_NORM   mean is the row's, factor = 1 / sqrt(its variance + epsilon)         Ba et al. 2016, arXiv:1607.06450
    RMS_NORM     mean = 0, factor = 1 / sqrt(the mean of x^2 + epsilon)         Zhang and Sennrich 2019, arXiv:1910.07467
    UNIT_NORM    mean = 0, factor = 1 / sqrt(the sum of x^2)

The two numbers of each row are kept for the way back, where x itself is still at hand.
"""

from dataclasses import dataclass

from . import fields as at
from .activation import spread_bits
from .simd.library import VectorFunction, selects_by_code

UNROLLED = 4  # sums that are added up side by side: the next addition to one of them has to wait for the last


@dataclass(frozen=True)
class Rule:
    """How rows are measured: about their mean or about 0, by the mean of the squares or by their sum."""

    name: str
    centred: bool
    averaged: bool


RULES = {
    at.LAYER_NORM: Rule("layer_norm", centred=True, averaged=True),
    at.RMS_NORM: Rule("rms_norm", centred=False, averaged=True),
    at.UNIT_NORM: Rule("unit_norm", centred=False, averaged=False),
}


def _row_sums(s, units, count, add):
    """``count`` sums over a row, each in every lane. ``add(j, mask, sums)`` adds the elements from j on to vectors of sums.

    The order of additions depends on ``units`` alone.
    """
    b, lanes = s.b, s.lanes
    sums = [[s.variable(s.constant(0.0)) for _ in range(count)] for _ in range(UNROLLED)]

    def add_to(place, j, mask):
        for total, value in zip(sums[place], add(j, mask, [total.get() for total in sums[place]]), strict=True):
            total.set(value)

    blocks, whole = b.and_(units, s.index(-UNROLLED * lanes)), b.and_(units, s.index(-lanes))
    with s.loop(blocks, step=UNROLLED * lanes) as j:
        for place in range(UNROLLED):
            add_to(place, b.add(j, s.index(place * lanes)), None)
    with s.loop(whole, start=blocks, step=lanes) as j:
        add_to(0, j, None)
    rest = b.sub(units, whole)
    with b.if_then(b.icmp_signed(">", rest, s.index(0))):
        add_to(1, whole, s.first_lanes(rest))
    first, second, third, fourth = ([total.get() for total in place] for place in sums)
    return [s.sum((p + q) + (x + y)) for p, q, x, y in zip(first, second, third, fourth, strict=True)]


def _measure(s, rule, source, units, share, scale=None):
    """(mean, mean or sum of squares about it) of a row, or of the row times ``scale``; ``share`` is 1 / units."""

    def number(j, mask):
        x = s.load_some(s.offset(source, j), mask)
        return x if scale is None else x * scale

    def add_squares(j, mask, sums):
        return [s.fma(number(j, mask), number(j, mask), sums[0])]

    if not rule.centred:
        (squares,) = _row_sums(s, units, 1, add_squares)
        return s.constant(0.0), squares * share if rule.averaged else squares
    (total,) = _row_sums(s, units, 1, lambda j, mask, sums: [sums[0] + number(j, mask)])
    mean = total * share

    def add_deviations(j, mask, sums):
        deviation = s.keep(mask, number(j, mask) - mean)
        return [sums[0] + deviation, s.fma(deviation, deviation, sums[1])]

    rest, squares = _row_sums(s, units, 2, add_deviations)
    shift = rest * share  # by which rounding has missed the mean: a row of equal numbers has a variance of 0
    return mean + shift, s.maximum(s.constant(0.0), squares * share - shift * shift)


def _largest(s, source, units):
    """The largest magnitude of a row, in every lane."""
    found = s.variable(s.constant(0.0))

    def compare(j, mask):
        found.set(s.maximum(s.abs(s.load_some(s.offset(source, j), mask)), found.get()))

    s.over_row(units, compare)
    return s.reduce(found.get(), s.maximum)


def _share(s, units):
    """1 / units in every lane."""
    return s.constant(1.0) / s.broadcast(s.b.sitofp(units, s.element))


def _normalize_by(rule):
    def body(s, epsilon, limit, gamma, gamma_moves, beta, beta_moves, x, x_row, output, output_row, kept, rows, units):
        b, infinity, share = s.b, s.constant(float("inf")), _share(s, units)
        epsilon, limit = spread_bits(s, epsilon), spread_bits(s, limit)

        def at_most_limit(factor):
            return s.minimum(limit, factor)  # in this order NaN passes through

        with s.loop(rows) as r:
            source, target = b.add(x, b.mul(r, x_row)), b.add(output, b.mul(r, output_row))
            mean, squares = _measure(s, rule, source, units, share)
            mean, factor = s.variable(mean), s.variable(at_most_limit(s.constant(1.0) / s.sqrt(squares + epsilon)))
            with b.if_then(s.any(~(squares < infinity)), likely=False):  # too large to be squared, or NaN
                peak = _largest(s, source, units)
                scale = s.constant(1.0) / peak
                small_mean, small = _measure(s, rule, source, units, share, scale)
                mean.set(small_mean * peak)
                factor.set(at_most_limit(scale / s.sqrt(small + epsilon * scale * scale)))
            mean, factor = mean.get(), factor.get()
            with b.if_then(b.icmp_signed("!=", kept, s.index(0))):
                place = s.offset(kept, b.mul(r, s.index(at.KEPT_NUMBERS)))
                s.store_scalar(s.lane(mean), place)
                s.store_scalar(s.lane(factor), s.offset(place, 1))

            def write(j, mask, source=source, target=target, mean=mean, factor=factor):
                normal = (s.load_some(s.offset(source, j), mask) - mean) * factor
                scale, start = s.load(s.offset(gamma, b.mul(j, gamma_moves))), s.load(s.offset(beta, b.mul(j, beta_moves)))
                s.store(s.keep(mask, s.fma(normal, scale, start)), s.offset(target, j))

            s.over_row(units, write)

    return VectorFunction(rule.name, 13, body)


def _normal(s, x, mean, factor):
    """The numbers at an address, normalized."""
    return (s.load(x) - mean) * factor


def _kept(s, kept, r):
    """(mean, factor) of row r, each in every lane."""
    place = s.offset(kept, s.b.mul(r, s.index(at.KEPT_NUMBERS)))
    return s.load_spread(place), s.load_spread(s.offset(place, 1))


def _normalize_backward_by(rule):
    def body(s, limit, gamma, gamma_moves, g, g_row, x, x_row, kept, target, target_row, rows, units):
        b, share, limit = s.b, _share(s, units), spread_bits(s, limit)
        with s.loop(rows) as r:
            gradients, source, end = (b.add(a, b.mul(r, row)) for a, row in ((g, g_row), (x, x_row), (target, target_row)))
            mean, factor = _kept(s, kept, r)

            def pair(j, mask, gradients=gradients, source=source, mean=mean, factor=factor):
                """Gradients with respect to the normalized numbers, and these."""
                gradient = s.load(s.offset(gradients, j)) * s.load(s.offset(gamma, b.mul(j, gamma_moves)))
                return s.keep(mask, gradient), s.keep(mask, _normal(s, s.offset(source, j), mean, factor))

            def add(j, mask, sums, pair=pair):
                gradient, normal = pair(j, mask)
                return [s.fma(gradient, normal, sums[0]), *(total + gradient for total in sums[1:])]

            along, *total = _row_sums(s, units, 1 + rule.centred, add)
            along = along * share if rule.averaged else s.select(factor < limit, along, 0.0)
            level = total[0] * share if rule.centred else s.constant(0.0)

            def write(j, mask, pair=pair, end=end, factor=factor, along=along, level=level):
                gradient, normal = pair(j, mask)
                s.store(s.keep(mask, s.fma(-normal, along, gradient - level) * factor), s.offset(end, j))

            s.over_row(units, write)

    return VectorFunction(f"{rule.name}_backward", 12, body)


def _over_columns(s, rows, vectors, start, target, term):
    """Sums over rows, plus those at ``start``: ``term(r, shift)`` is a vector, ``shift`` bytes from the row's first."""
    b, size = s.b, s.index(s.lanes * s.itemsize)
    with s.loop(vectors) as j:
        shift = b.mul(j, size)
        sums = [s.variable(s.load(b.add(start, shift)) if k == 0 else s.constant(0.0)) for k in range(UNROLLED)]
        blocks = b.and_(rows, s.index(-UNROLLED))
        with s.loop(blocks, step=UNROLLED) as first:
            for k, total in enumerate(sums):
                total.set(total.get() + term(b.add(first, s.index(k)), shift))
        with s.loop(rows, start=blocks) as r:
            sums[0].set(sums[0].get() + term(r, shift))
        first, second, third, fourth = (total.get() for total in sums)
        s.store((first + second) + (third + fourth), b.add(target, shift))


def _gamma_gradient(s, g, g_row, x, x_row, kept, start, target, rows, vectors):
    b = s.b

    def term(r, shift):
        gradient = s.load(b.add(b.add(g, shift), b.mul(r, g_row)))
        normal = _normal(s, b.add(b.add(x, shift), b.mul(r, x_row)), *_kept(s, kept, r))
        return s.select(gradient.differs(0.0), gradient * normal, 0.0)  # what is in the padding of x need not be finite

    _over_columns(s, rows, vectors, start, target, term)


def _beta_gradient(s, g, g_row, start, target, rows, vectors):
    b = s.b
    _over_columns(s, rows, vectors, start, target, lambda r, shift: s.load(b.add(b.add(g, shift), b.mul(r, g_row))))


# normalize(kind, epsilon, limit, gamma, gamma_moves, beta, beta_moves, x, x_row, output, output_row, kept, rows, units): all of
# output's rows are written, 0 in the padding; the mean and factor of each too, unless ``kept`` is 0. Where ``gamma_moves`` is
# 0 rather than 1, a single vector serves as all of gamma.
normalize = selects_by_code("normalize", {kind: _normalize_by(rule) for kind, rule in RULES.items()})

# normalize_backward(kind, limit, gamma, gamma_moves, g, g_row, x, x_row, kept, target, target_row, rows, units): from dL/da to
# dL/dx, 0 in the padding.
normalize_backward = selects_by_code("normalize_backward", {kind: _normalize_backward_by(rule) for kind, rule in RULES.items()})

# gamma_gradient(g, g_row, x, x_row, kept, start, target, rows, vectors): of some columns, plus what is at ``start``.
gamma_gradient = VectorFunction("gamma_gradient", 9, _gamma_gradient)

# beta_gradient(g, g_row, start, target, rows, vectors): the same.
beta_gradient = VectorFunction("beta_gradient", 6, _beta_gradient)
