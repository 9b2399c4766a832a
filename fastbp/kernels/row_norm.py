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

TOGETHER = 4  # rows, so that the sums of some go on while others wait for their last addition
UNROLLED = 4  # sums over rows that are added up side by side, for the same reason


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


def _row_sums(s, units, rows, count, add):
    """For each of some rows ``count`` sums over its units, each in every lane.

    ``add(row, j, mask, sums)`` adds the elements from j on to a row's vectors of sums. What becomes of a row does not depend
    on how many rows there are.
    """
    sums = [[s.variable(s.constant(0.0)) for _ in range(count)] for _ in range(rows)]

    def add_all(j, mask):
        for row, totals in enumerate(sums):
            for total, value in zip(totals, add(row, j, mask, [total.get() for total in totals]), strict=True):
                total.set(value)

    s.over_row(units, add_all)
    return [[s.sum(total.get()) for total in totals] for totals in sums]


def _measure(s, rule, sources, units, share, scale=None):
    """Of each row (mean, mean or sum of squares about it), or of the row times ``scale``; ``share`` is 1 / units."""

    def number(row, j, mask):
        x = s.load_some(s.offset(sources[row], j), mask)
        return x if scale is None else x * scale

    def add_squares(row, j, mask, sums):
        x = number(row, j, mask)
        return [s.fma(x, x, sums[0])]

    if not rule.centred:
        found = _row_sums(s, units, len(sources), 1, add_squares)
        return [(s.constant(0.0), squares * share if rule.averaged else squares) for (squares,) in found]
    found = _row_sums(s, units, len(sources), 1, lambda row, j, mask, sums: [sums[0] + number(row, j, mask)])
    means = [total * share for (total,) in found]

    def add_deviations(row, j, mask, sums):
        deviation = s.keep(mask, number(row, j, mask) - means[row])
        return [sums[0] + deviation, s.fma(deviation, deviation, sums[1])]

    measured = []
    for mean, (rest, squares) in zip(means, _row_sums(s, units, len(sources), 2, add_deviations), strict=True):
        shift = rest * share  # by which rounding has missed the mean: a row of equal numbers has a variance of 0
        measured.append((mean + shift, s.maximum(s.constant(0.0), squares * share - shift * shift)))
    return measured


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


def _places(s, r, count, start, stride):
    """The addresses of ``count`` rows from row r on."""
    b = s.b
    first = b.add(start, b.mul(r, stride))
    places = [first]
    for _ in range(count - 1):
        places.append(b.add(places[-1], stride))
    return places


class _Normalize:
    """The forward pass of a rule: how a factor follows from squares, and what becomes of a row with it."""

    def __init__(self, s, epsilon, limit, gamma, gamma_moves, beta, beta_moves, kept, units):
        self.s, self.epsilon, self.limit = s, spread_bits(s, epsilon), spread_bits(s, limit)
        self.gamma, self.gamma_moves, self.beta, self.beta_moves = gamma, gamma_moves, beta, beta_moves
        self.kept, self.units, self.share = kept, units, _share(s, units)

    def factor(self, squares, scale=1.0):
        """Of a row whose numbers times ``scale`` have these squares."""
        s = self.s
        factor = s.like(squares, scale) / s.sqrt(squares + self.epsilon * scale * scale)
        return s.minimum(self.limit, factor)  # in this order NaN passes through

    def write(self, r, sources, targets, means, factors):
        """Rows from row r on, and what is kept of them."""
        s, b = self.s, self.s.b
        with b.if_then(b.icmp_signed("!=", self.kept, s.index(0))):
            for i, (mean, factor) in enumerate(zip(means, factors, strict=True)):
                place = s.offset(self.kept, b.mul(b.add(r, s.index(i)), s.index(at.KEPT_NUMBERS)))
                s.store_scalar(s.lane(mean), place)
                s.store_scalar(s.lane(factor), s.offset(place, 1))

        def write_all(j, mask):
            scale = s.load(s.offset(self.gamma, b.mul(j, self.gamma_moves)))
            start = s.load(s.offset(self.beta, b.mul(j, self.beta_moves)))
            for source, target, mean, factor in zip(sources, targets, means, factors, strict=True):
                normal = (s.load_some(s.offset(source, j), mask) - mean) * factor
                s.store(s.keep(mask, s.fma(normal, scale, start)), s.offset(target, j))

        s.over_row(self.units, write_all)


def _one_by_one(rule):
    """Rows that may be too large to be squared, and hold what is not finite."""

    def body(s, epsilon, limit, gamma, gamma_moves, beta, beta_moves, x, x_row, output, output_row, kept, rows, units):
        b, one = s.b, _Normalize(s, epsilon, limit, gamma, gamma_moves, beta, beta_moves, kept, units)
        with s.loop(rows) as r:
            (source,), (target,) = _places(s, r, 1, x, x_row), _places(s, r, 1, output, output_row)
            ((mean, squares),) = _measure(s, rule, [source], units, one.share)
            mean, factor = s.variable(mean), s.variable(one.factor(squares))
            with b.if_then(s.any(~(squares < float("inf"))), likely=False):
                peak = _largest(s, source, units)
                scale = s.constant(1.0) / peak
                ((small_mean, squares),) = _measure(s, rule, [source], units, one.share, scale)
                mean.set(small_mean * peak)
                factor.set(one.factor(squares, scale))
            one.write(r, [source], [target], [mean.get()], [factor.get()])

    return VectorFunction(f"{rule.name}_one_by_one", 13, body)


def _normalize_by(rule):
    one_by_one = _one_by_one(rule)

    def body(s, epsilon, limit, gamma, gamma_moves, beta, beta_moves, x, x_row, output, output_row, kept, rows, units):
        b, some = s.b, _Normalize(s, epsilon, limit, gamma, gamma_moves, beta, beta_moves, kept, units)
        settings = epsilon, limit, gamma, gamma_moves, beta, beta_moves

        def call(r, count):
            place = b.select(b.icmp_signed("!=", kept, s.index(0)), s.offset(kept, b.mul(r, s.index(at.KEPT_NUMBERS))), kept)
            source, target = b.add(x, b.mul(r, x_row)), b.add(output, b.mul(r, output_row))
            arguments = (*settings, source, x_row, target, output_row, place, count, units)
            b.call(one_by_one.declare(b.module, s.dtype), arguments)

        whole = b.and_(rows, s.index(-TOGETHER))
        with s.loop(whole, step=TOGETHER) as r:
            sources, targets = _places(s, r, TOGETHER, x, x_row), _places(s, r, TOGETHER, output, output_row)
            measured = _measure(s, rule, sources, units, some.share)
            all_squares = measured[0][1]
            for _, squares in measured[1:]:
                all_squares = all_squares + squares
            with b.if_else(s.any(~(all_squares < float("inf")))) as (large, usual):
                with large:
                    call(r, s.index(TOGETHER))
                with usual:
                    some.write(r, sources, targets, [mean for mean, _ in measured], [some.factor(q) for _, q in measured])
        with b.if_then(b.icmp_signed("<", whole, rows)):
            call(whole, b.sub(rows, whole))

    return VectorFunction(rule.name, 13, body, calls=[one_by_one])


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

        def differentiate(r, count):
            gradients, sources = _places(s, r, count, g, g_row), _places(s, r, count, x, x_row)
            targets = _places(s, r, count, target, target_row)
            numbers = [_kept(s, kept, b.add(r, s.index(i))) for i in range(count)]

            def pair(row, j, mask):
                """Gradients with respect to the normalized numbers, and these."""
                gradient = s.load(s.offset(gradients[row], j)) * s.load(s.offset(gamma, b.mul(j, gamma_moves)))
                return s.keep(mask, gradient), s.keep(mask, _normal(s, s.offset(sources[row], j), *numbers[row]))

            def add(row, j, mask, sums):
                gradient, normal = pair(row, j, mask)
                return [s.fma(gradient, normal, sums[0]), *(total + gradient for total in sums[1:])]

            slopes = []  # of each row: what follows the normalized numbers, and what is the same for all
            for (_, factor), (along, *total) in zip(numbers, _row_sums(s, units, count, 1 + rule.centred, add), strict=True):
                along = along * share if rule.averaged else s.select(factor < limit, along, 0.0)
                slopes.append((along, total[0] * share if rule.centred else s.constant(0.0)))

            def write(j, mask):
                for row, (along, level) in enumerate(slopes):
                    gradient, normal = pair(row, j, mask)
                    value = s.fma(-normal, along, gradient - level) * numbers[row][1]
                    s.store(s.keep(mask, value), s.offset(targets[row], j))

            s.over_row(units, write)

        whole = b.and_(rows, s.index(-TOGETHER))
        with s.loop(whole, step=TOGETHER) as r:
            differentiate(r, TOGETHER)
        with s.loop(rows, start=whole) as r:
            differentiate(r, 1)

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
