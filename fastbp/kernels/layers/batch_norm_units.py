"""What batch normalization does with the numbers of a unit, in vectors of units.

The mean of a batch is kept in two parts, the unit's value in the first row and the mean distance from that: values that are
far from 0 and close to each other lose no digits.
"""

from .. import fields as at
from ..activation import over_tile, spread_bits
from ..simd.library import VectorFunction

# What BATCH_STATISTICS holds, each a number for each unit: the mean's first part, the variance, the mean's second part, the
# sums over the batch of DELTA and of DELTA times the normalized value, and the means of the same.
MEAN, VARIANCE, REST, DELTA_SUM, PRODUCT_SUM, DELTA_MEAN, PRODUCT_MEAN = range(7)
STATISTICS = 7

SUMMED_ROWS = 256  # rows of one sum; sums of many rows are sums of such, which lose fewer digits
CHAINS = 4  # sums that are formed side by side: one alone waits for each of its additions
SMALLEST = {"float32": 1.2e-38, "float64": 2.3e-308}  # above 0: the padding's variance is 0


class Columns:
    """The numbers of a layer's units, as SSA values: each method takes a vector's distance in bytes from the first one."""

    def __init__(self, s, layer):
        b = s.b
        self.s, self._row = s, b.mul(s.load_address(layer, at.VECTORS_OUT), s.index(s.lanes * s.itemsize))
        weights, learnt, bias = (s.load_address(layer, position) for position in (at.WEIGHTS, at.LEARNT_VECTORS, at.BIAS))
        self._statistics, self._gamma = s.load_address(layer, at.BATCH_STATISTICS), weights
        self.by_batch = b.icmp_signed("!=", self._statistics, s.index(0))
        self._has_gamma, self._has_beta = b.icmp_signed(">", learnt, bias), b.icmp_signed("!=", bias, s.index(0))
        self._last_learnt = b.sub(learnt, s.index(1))
        self._beta = b.add(weights, b.mul(self._row, self._last_learnt))
        self.moving = b.add(weights, b.mul(self._row, learnt))
        self._moments = b.select(self.by_batch, self._statistics, self.moving)
        self._epsilon = spread_bits(s, s.load_address(layer, at.SETTING_0))

    def below(self, address, k, move):
        """The place in row k of rows of numbers for each unit."""
        return self.s.b.add(address, self.s.b.add(self.s.b.mul(self._row, self.s.index(k)), move))

    def statistic(self, k, move):
        """The place of a statistic of the batch."""
        return self.below(self._statistics, k, move)

    def _if(self, condition, address, otherwise):
        """A vector, or a constant where there is none."""
        b = self.s.b
        vector = self.s.variable(self.s.constant(otherwise))
        with b.if_then(condition):
            vector.set(self.s.load(address))
        return vector.get()

    def is_beta(self, k):
        """Whether the k-th learnt weight is beta."""
        b = self.s.b
        return b.and_(self._has_beta, b.icmp_signed("==", k, self._last_learnt))

    def mean(self, move):
        """The two parts of the mean."""
        first = self.s.load(self.below(self._moments, MEAN, move))
        return first, self._if(self.by_batch, self.statistic(REST, move), 0.0)

    def inverse(self, move):
        """1 / the standard deviation."""
        s = self.s
        variance = s.load(self.below(self._moments, VARIANCE, move)) + self._epsilon
        return s.constant(1.0) / s.sqrt(s.maximum(s.constant(SMALLEST[s.dtype]), variance))

    def gamma(self, move):
        return self._if(self._has_gamma, self.below(self._gamma, 0, move), 1.0)

    def beta(self, move):
        return self._if(self._has_beta, self.below(self._beta, 0, move), 0.0)

    def mean_of_deltas(self, k, move):
        """DELTA_MEAN or PRODUCT_MEAN; 0 where the mean and variance do not follow from the batch."""
        return self._if(self.by_batch, self.statistic(k, move), 0.0)


def sum_rows(s, rows, term):
    """The sum of ``term(r)`` over rows, in an order that follows from their number."""
    b, total = s.b, s.variable(s.constant(0.0))
    with s.loop(rows, step=SUMMED_ROWS) as first:
        end = b.add(first, s.index(SUMMED_ROWS))
        end = b.select(b.icmp_signed("<", end, rows), end, rows)
        whole = b.add(first, b.and_(b.sub(end, first), s.index(-CHAINS)))
        sums = [s.variable(s.constant(0.0)) for _ in range(CHAINS)]
        with s.loop(whole, start=first, step=CHAINS) as r:
            for k, part in enumerate(sums):
                part.set(part.get() + term(b.add(r, s.index(k))))
        with s.loop(end, start=whole) as r:
            sums[0].set(sums[0].get() + term(r))
        half, other = (sums[k].get() + sums[k + 1].get() for k in (0, 2))
        total.set(total.get() + (half + other))
    return total.get()


def number_of(s, rows):
    """A number of rows in every lane."""
    return s.broadcast(s.b.sitofp(rows, s.element))


def over_columns(s, v, units, column):
    """Call ``column(move, mask)`` for the vectors that hold ``units`` units, from vector v on: see ``Columns``."""
    start = s.b.mul(v, s.index(s.lanes * s.itemsize))
    s.over_row(units, lambda j, mask: column(s.offset(start, j), mask))


def _batch_moments(s, layer, v, x, x_row, rows, units, moves):
    b, columns, count = s.b, Columns(s, layer), number_of(s, rows)
    kept = spread_bits(s, s.load_address(layer, at.SETTING_1))

    def column(move, mask):
        place = b.add(x, move)
        first = s.load_some(place, mask)

        def distance(r):
            return s.load_some(b.add(place, b.mul(r, x_row)), mask) - first

        def square(r):
            deviation = distance(r) - rest
            return deviation * deviation

        rest = sum_rows(s, rows, distance) / count
        variance = sum_rows(s, rows, square) / count
        for k, value in ((MEAN, first), (VARIANCE, variance), (REST, rest)):
            s.store(value, columns.statistic(k, move))
        with b.if_then(b.icmp_signed("!=", moves, s.index(0))):
            for k, value in ((MEAN, first + rest), (VARIANCE, variance)):
                moving = columns.below(columns.moving, k, move)
                s.store(s.load(moving) * kept + value * (1.0 - kept), moving)

    over_columns(s, v, units, column)


def _batch_normalize(s, layer, v, x, x_row, z, z_row, rows, vectors):
    b, columns = s.b, Columns(s, layer)
    with s.loop(vectors) as j:
        move = b.mul(b.add(v, j), s.index(s.lanes * s.itemsize))
        first, rest = columns.mean(move)
        scale, beta = columns.gamma(move) * columns.inverse(move), columns.beta(move)

        def value(x_address, z_address, first=first, rest=rest, scale=scale, beta=beta):
            s.store(s.fma(s.load(x_address) - first - rest, scale, beta), z_address)

        over_tile(s, rows, s.index(1), [(b.add(x, move), x_row), (b.add(z, move), z_row)], value)


def _batch_normalize_backward(s, layer, v, x, x_row, g, g_row, target, target_row, rows, units):
    b, columns = s.b, Columns(s, layer)

    def column(move, mask):
        (first, rest), inverse = columns.mean(move), columns.inverse(move)
        scale, mean = columns.gamma(move) * inverse, columns.mean_of_deltas(DELTA_MEAN, move)
        slope = inverse * columns.mean_of_deltas(PRODUCT_MEAN, move)

        def value(x_address, g_address, address):
            common = s.fma(s.load(x_address) - first - rest, slope, mean)
            s.store(s.keep(mask, (s.load(g_address) - common) * scale), address)

        places = [(b.add(start, move), row) for start, row in ((x, x_row), (g, g_row), (target, target_row))]
        over_tile(s, rows, s.index(1), places, value)

    over_columns(s, v, units, column)


def _sums_of_column(s, columns, move, mask, x, x_row, g, g_row, rows):
    """The sums over rows of DELTA and of DELTA times the normalized value."""
    b, (first, rest) = s.b, columns.mean(move)
    x, g = b.add(x, move), b.add(g, move)

    def delta(r):
        return s.load(b.add(g, b.mul(r, g_row)))

    def product(r):
        return (s.load_some(b.add(x, b.mul(r, x_row)), mask) - first - rest) * delta(r)

    return sum_rows(s, rows, delta), sum_rows(s, rows, product) * columns.inverse(move)


def _delta_sums(s, layer, v, x, x_row, g, g_row, rows, units):
    columns, count = Columns(s, layer), number_of(s, rows)

    def column(move, mask):
        delta, product = _sums_of_column(s, columns, move, mask, x, x_row, g, g_row, rows)
        for k, mean, total in ((DELTA_SUM, DELTA_MEAN, delta), (PRODUCT_SUM, PRODUCT_MEAN, product)):
            s.store(total, columns.statistic(k, move))
            s.store(total / count, columns.statistic(mean, move))

    over_columns(s, v, units, column)


def _gradient(s, layer, k, v, x, x_row, g, g_row, start, target, rows, units):
    b, columns = s.b, Columns(s, layer)
    of_beta = columns.is_beta(k)
    first_column = b.mul(v, s.index(s.lanes * s.itemsize))

    def column(move, mask):
        total = s.variable(s.constant(0.0))
        with b.if_else(columns.by_batch) as (there, to_be_summed):
            with there:
                place = b.select(of_beta, columns.statistic(DELTA_SUM, move), columns.statistic(PRODUCT_SUM, move))
                total.set(s.load(place))
            with to_be_summed:
                delta, product = _sums_of_column(s, columns, move, mask, x, x_row, g, g_row, rows)
                total.set(s.wrap(b.select(of_beta, delta.value, product.value)))
        move = b.sub(move, first_column)
        s.store(s.load(b.add(start, move)) + total.get(), b.add(target, move))

    over_columns(s, v, units, column)


# All take the address of the layer's row, and v: the vector of units that they begin with. ``x`` and ``g`` are row 0 of the
# layer's input and of DELTA.

# batch_moments(layer, v, x, x_row, rows, units, moves): writes MEAN, VARIANCE, REST; with ``moves`` the moving ones too.
batch_moments = VectorFunction("batch_moments", 7, _batch_moments)

# batch_normalize(layer, v, x, x_row, z, z_row, rows, vectors): writes z.
batch_normalize = VectorFunction("batch_normalize", 8, _batch_normalize)

# delta_sums(layer, v, x, x_row, g, g_row, rows, units): writes the sums and means of DELTA over the batch.
delta_sums = VectorFunction("delta_sums", 8, _delta_sums)

# batch_normalize_backward(layer, v, x, x_row, g, g_row, target, target_row, rows, units): from dL/dz to dL/dx.
batch_normalize_backward = VectorFunction("batch_normalize_backward", 10, _batch_normalize_backward)

# gradient_of_scale(layer, k, v, x, x_row, g, g_row, start, target, rows, units): that of gamma or beta, the k-th of them,
# added to what is at ``start``.
gradient_of_scale = VectorFunction("gradient_of_scale", 11, _gradient)
