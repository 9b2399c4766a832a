"""Losses: the value of each row and the gradient with respect to the network's output.

Where the last layer is a sigmoid or a softmax and the loss its cross-entropy, the two are one function of the logits:
finite at any logits, and the gradient is simply p - t.
"""

from llvmlite import ir

from .activation import spread_bits
from .codes import (
    BINARY_CROSSENTROPY,
    BINARY_CROSSENTROPY_LOGITS,
    CATEGORICAL_CROSSENTROPY,
    CATEGORICAL_CROSSENTROPY_LOGITS,
    CUSTOM_LOSS,
    HUBER,
    LOG_COSH,
    MAE,
    MSE,
    POISSON,
    PROJECTION,
    SPARSE_CROSSENTROPY,
    SPARSE_CROSSENTROPY_LOGITS,
)
from .math import functions as vmath
from .memory import sample_of
from .row_activation import softmax_row
from .simd.element_types import I64
from .simd.library import VectorFunction, calls_address, selects_by_code

EPSILON = 1e-7  # what Keras keeps probabilities away from 0 and 1
LOG_2 = 0.6931471805599453


def _mse(s, p, t, parameter):
    error = p - t
    return error * error, error + error


def _mae(s, p, t, parameter):
    error = p - t
    sign = s.select(error > 0.0, 1.0, s.select(error < 0.0, -1.0, error))  # 0 at 0, NaN at NaN
    return s.abs(error), sign


def _huber(s, p, t, delta):
    error = p - t
    size = s.abs(error)
    inside = size <= delta
    value = s.select(inside, 0.5 * error * error, delta * size - 0.5 * delta * delta)
    return value, s.select(inside, error, s.copysign(delta, error))


def _log_cosh(s, p, t, parameter):
    error = p - t
    size = s.abs(error)
    return size + vmath.log1p(s, vmath.exp(s, -2.0 * size)) - LOG_2, vmath.tanh(s, error)


def _poisson(s, p, t, parameter):
    shifted = p + EPSILON
    return p - t * vmath.log(s, shifted), 1.0 - t / shifted


def _binary(s, p, t, smoothing):
    t = t * (1.0 - smoothing) + 0.5 * smoothing
    low = s.constant(EPSILON)
    q = 1.0 - p  # clipped by itself: 1 - EPSILON is not a float32
    clipped_p, clipped_q = s.maximum(low, p), s.maximum(low, q)
    value = -(t * vmath.log(s, clipped_p) + (1.0 - t) * vmath.log(s, clipped_q))
    derivative = (p - t) / (clipped_p * clipped_q)
    return value, s.select((p < low) | (q < low), 0.0, derivative)


def _binary_logits(s, z, t, smoothing):
    t = t * (1.0 - smoothing) + 0.5 * smoothing
    positive = s.maximum(s.constant(0.0), z)
    value = positive - z * t + vmath.log1p(s, vmath.exp(s, -s.abs(z)))
    return value, vmath.sigmoid(s, z) - t


ELEMENTWISE = {
    MSE: _mse,
    MAE: _mae,
    HUBER: _huber,
    LOG_COSH: _log_cosh,
    POISSON: _poisson,
    BINARY_CROSSENTROPY: _binary,
    BINARY_CROSSENTROPY_LOGITS: _binary_logits,
}

# Arguments of every loss function of a block of rows (64-bit integers): the network's output, the targets, the sample
# of each row (or 0 for 0, 1, 2, ...), dL/d output (written), the loss of each row as float64 (written), the rows, the
# outputs, 1 / (outputs of all rows) or 1 / rows as float64 bits, and the loss's parameter as float64 bits.
ARGUMENTS = ("p", "p_row", "y", "y_row", "order", "g", "g_row", "row_loss", "rows", "units", "scale", "parameter")


class _Rows:
    """The addresses of one row after another, shared by all losses."""

    def __init__(self, s, arguments):
        self.__dict__.update(zip(ARGUMENTS, arguments, strict=True))
        self.s = s
        self.scale, self.parameter = spread_bits(s, self.scale), spread_bits(s, self.parameter)

    def integer(self, address):
        return self.s.b.load(self.s.b.inttoptr(address, I64.as_pointer()))

    def starts(self, r):
        """Addresses of row r of the output, its gradient and its target."""
        b = self.s.b
        target = b.add(self.y, b.mul(sample_of(self.s, self.order, r), self.y_row))
        return b.add(self.p, b.mul(r, self.p_row)), b.add(self.g, b.mul(r, self.g_row)), target

    def finish(self, r, total):
        """Store the row's loss, the sum of all lanes of ``total``."""
        s, b = self.s, self.s.b
        value = s.as_double(s.lane(s.sum(total)))
        address = b.add(self.row_loss, b.mul(r, s.index(8)))
        b.store(value, b.inttoptr(address, ir.DoubleType().as_pointer()))


def _elementwise(code):
    """A loss that is a sum over the outputs, each with its own target."""

    def body(s, *arguments):
        rows = _Rows(s, arguments)
        with s.loop(rows.rows) as r:
            p_start, g_start, t_start = rows.starts(r)
            total = s.variable(s.constant(0.0))

            def add(j, mask, p_start=p_start, g_start=g_start, t_start=t_start, total=total):
                t = s.load_some(s.offset(t_start, j), mask)
                value, derivative = ELEMENTWISE[code](s, s.load(s.offset(p_start, j)), t, rows.parameter)
                total.set(total.get() + s.keep(mask, value))
                s.store(s.keep(mask, derivative * rows.scale), s.offset(g_start, j))

            s.over_row(rows.units, add)
            rows.finish(r, total.get())

    return VectorFunction(f"loss_{code}", len(ARGUMENTS), body)


def _projection(s, *arguments):
    """The sum of output times target: its gradient is the target, whatever the number of rows."""
    rows = _Rows(s, arguments)
    with s.loop(rows.rows) as r:
        p_start, g_start, t_start = rows.starts(r)
        total = s.variable(s.constant(0.0))

        def add(j, mask, p_start=p_start, g_start=g_start, t_start=t_start, total=total):
            t = s.keep(mask, s.load_some(s.offset(t_start, j), mask))
            total.set(total.get() + s.keep(mask, s.load(s.offset(p_start, j)) * t))
            s.store(t, s.offset(g_start, j))

        s.over_row(rows.units, add)
        rows.finish(r, total.get())


def _target_reader(rows, code):
    """(first class, mask, address of the row's target) -> targets of a vector of classes: given, smoothed or one-hot."""
    s, b = rows.s, rows.s.b
    if code in (CATEGORICAL_CROSSENTROPY, CATEGORICAL_CROSSENTROPY_LOGITS):
        units = s.broadcast(b.sitofp(rows.units, s.element))

        def dense(j, mask, t_start):
            t = s.load_some(s.offset(t_start, j), mask)
            return s.keep(mask, t * (1.0 - rows.parameter) + rows.parameter / units)

        return dense

    def one_hot(j, mask, t_start):
        label = b.sub(rows.integer(t_start), j)
        wanted = s.broadcast(label).value
        lanes = ir.Constant(wanted.type, list(range(s.lanes)))
        return s.select(s.wrap(b.icmp_signed("==", lanes, wanted)), 1.0, s.constant(0.0))

    return one_hot


def _cross_entropy_logits(code):
    """Softmax and cross-entropy as one function of the logits z: sum t (log sum exp z - z), gradient p sum t - t."""

    def row(s, rows, targets, r):
        z_start, g_start, t_start = rows.starts(r)
        peak, powers = softmax_row(s, z_start, g_start, rows.units)
        level = peak + vmath.log(s, powers)
        total, weight = s.variable(s.constant(0.0)), s.variable(s.constant(0.0))

        def add(j, mask):
            t = targets(j, mask, t_start)
            total.set(total.get() + s.keep(mask, t * (level - s.load(s.offset(z_start, j)))))
            weight.set(weight.get() + t)

        s.over_row(rows.units, add)
        scale = s.sum(weight.get()) / powers

        def differentiate(j, mask):
            address = s.offset(g_start, j)
            derivative = s.load(address) * scale - targets(j, mask, t_start)
            s.store(s.keep(mask, derivative * rows.scale), address)

        s.over_row(rows.units, differentiate)
        rows.finish(r, total.get())

    return _by_row(code, row)


def _cross_entropy(code):
    """Cross-entropy of given probabilities, divided by their sum and clipped as Keras does: -sum t log q."""

    def row(s, rows, targets, r):
        p_start, g_start, t_start = rows.starts(r)
        low, high = s.constant(EPSILON), s.constant(1.0 - EPSILON)
        norm, total, dot = (s.variable(s.constant(0.0)) for _ in range(3))

        def add_probability(j, mask):
            norm.set(norm.get() + s.keep(mask, s.load(s.offset(p_start, j))))

        s.over_row(rows.units, add_probability)
        whole = s.sum(norm.get())

        def add(j, mask):  # g holds dL/dq until the sum of q dL/dq is known
            t = targets(j, mask, t_start)
            q = s.load(s.offset(p_start, j)) / whole
            clipped = s.select(q < low, low, s.select(q > high, high, q))
            total.set(total.get() - s.keep(mask, t * vmath.log(s, clipped)))
            derivative = s.keep(mask, s.select((q < low) | (q > high), 0.0, -t / clipped))
            dot.set(dot.get() + s.keep(mask, derivative * q))
            s.store(derivative, s.offset(g_start, j))

        s.over_row(rows.units, add)
        weighted_sum = s.sum(dot.get())

        def differentiate(j, mask):
            address = s.offset(g_start, j)
            s.store(s.keep(mask, (s.load(address) - weighted_sum) / whole * rows.scale), address)

        s.over_row(rows.units, differentiate)
        rows.finish(r, total.get())

    return _by_row(code, row)


def _by_row(code, row):
    """The function that does ``row(s, rows, targets, r)`` for each row."""

    def body(s, *arguments):
        rows = _Rows(s, arguments)
        targets = _target_reader(rows, code)
        with s.loop(rows.rows) as r:
            row(s, rows, targets, r)

    return VectorFunction(f"loss_{code}", len(ARGUMENTS), body)


_LOSSES = {code: _elementwise(code) for code in ELEMENTWISE}
_LOSSES |= {code: _cross_entropy(code) for code in (CATEGORICAL_CROSSENTROPY, SPARSE_CROSSENTROPY)}
_LOSSES |= {code: _cross_entropy_logits(code) for code in (CATEGORICAL_CROSSENTROPY_LOGITS, SPARSE_CROSSENTROPY_LOGITS)}
_LOSSES[PROJECTION] = VectorFunction(f"loss_{PROJECTION}", len(ARGUMENTS), _projection)
_LOSSES[CUSTOM_LOSS] = calls_address("loss_custom", len(ARGUMENTS), ARGUMENTS.index("parameter"))


def _weigh_rows(s, weights, weights_row, order, row_loss, g, g_row, rows, vectors):
    """Multiply the loss of each row and its gradient by the weight of its sample, a float64. What is not finite stays so."""
    b, double = s.b, ir.DoubleType()
    with s.loop(rows) as r:
        weight = b.load(s.pointer(b.add(weights, b.mul(sample_of(s, order, r), weights_row)), double))
        place = s.pointer(b.add(row_loss, b.mul(r, s.index(8))), double)
        b.store(b.fmul(b.load(place), weight), place)
        factor, start = s.broadcast(s.from_double(weight)), b.add(g, b.mul(r, g_row))
        with s.loop(vectors) as j:
            address = b.add(start, b.mul(j, s.index(s.lanes * s.itemsize)))
            s.store(s.load(address) * factor, address)


weigh_rows = VectorFunction("weigh_rows", 8, _weigh_rows)

# loss(code, p, p_row, ...), arguments as in ARGUMENTS: overwrites g and row_loss.
loss = selects_by_code("loss", _LOSSES)
