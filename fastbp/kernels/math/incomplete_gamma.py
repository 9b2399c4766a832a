"""The incomplete gamma functions P(a, x) and Q(a, x) and their derivatives with respect to a, over vectors.

The integral of t^(a - 1) e^-t is taken over the side of x on which it is the smaller part, up to about t = e^digamma(a): with
t = x e^-s or x e^s it becomes that of e^-h(s), where h rises steadily from 0. Gauss and Legendre's rule up to where e^-h is
nothing is right to all digits unless a is small, where there are series. Derivatives have powers of log(t) - digamma(a),
which has one sign on such a side.
"""

import math

import numpy as np
from llvmlite import ir

from ..simd.element_types import I64
from .beta import of_stirling
from .called import called, results
from .double_double import two_product, two_sum
from .exponential import exp, expm1
from .gamma import BERNOULLI, GAMMALN, digamma, gamma, gammaln, polygamma
from .logarithm import log, log1p
from .lookup import table
from .power import log_in_two_parts

_NODES = 32
_END = 39.0  # h at the end of the integral
_LARGE = 12.0  # a from which on Stirling's series is used
_FEW, _TERMS = 6.0, 44  # a up to which the smaller part below is a series, and its terms
_SERIES = 1.1  # x up to which there is the power series
_LOG_GAP = [b / (2 * k) for k, b in enumerate(BERNOULLI[:7], 1)][::-1]


def _exp_gap(s, v):
    """e^v - 1 - v."""
    near = v * v * s.polynomial(s.minimum(s.constant(1.0), s.maximum(s.constant(-1.0), v)), _EXP_GAP)
    return s.select(s.abs(v) < 1.0, near, expm1(s, v) - v)


_EXP_GAP = [1.0 / math.factorial(k + 2) for k in range(18)][::-1]


def _log_gap(s, u):
    """u - log(1 + u)."""
    bounded = s.minimum(s.constant(0.5), s.maximum(s.constant(-0.5), u))
    q = bounded / (2.0 + bounded)
    square = q * q
    odd = s.polynomial(square, [2.0 / (2 * k + 3) for k in range(18)][::-1])
    near = s.fma(-(q * square), odd, bounded * q)
    return s.select(s.abs(u) < 0.5, near, u - log1p(s, u))


@called
def front(s, a, x):
    """x^a e^-x / gamma(a + 1) for positive numbers."""
    large = a >= _LARGE
    big, small = s.select(large, a, _LARGE), s.select(large, 1.0, a)
    exponent = -(big * _log_gap(s, (x - big) / big)) - of_stirling(s, big)
    above = exp(s, exponent) / s.sqrt(big * (2.0 * math.pi))
    high, low = log_in_two_parts(s, x)
    product, lost = two_product(s, small, high)
    total, rounding = two_sum(product, -x)
    total = s.maximum(s.constant(-800.0), total)
    below = exp(s, total, s.fma(small, low, lost + rounding)) / gamma(s, small + 1.0)
    return s.select(large, above, below)


def _log_over_center(s, a, x):
    """log(x) - digamma(a)."""
    large = a >= _LARGE
    big = s.select(large, a, _LARGE)
    u, inverse = (x - big) / big, 1.0 / big
    near = s.select(u < -0.5, log(s, x * inverse), log1p(s, u))
    square = inverse * inverse
    return s.select(large, near + s.fma(square, s.polynomial(square, _LOG_GAP), 0.5 * inverse), log(s, x) - digamma(s, a))


def _end(s, a, x, lower, gap):
    """Up to where the integral goes: h is _END there or a little more."""
    square = s.sqrt(s.fma(gap, gap, x * (2.0 * _END)))
    start = (2.0 * _END) / (square + gap)  # where h has no third derivative
    falling = exp(s, -start)
    h = s.fma(gap, start, x * _exp_gap(s, -start))
    newton = start + (_END - h) / s.fma(x, 1.0 - falling, gap)
    below = s.minimum(newton, (x + _END) / a)
    above = s.minimum(start, log1p(s, s.fma(a, start, _END) / x))
    return s.select(lower, below, above)


def _integral(s, order, a, x, center):
    """a times that of e^-h times a power of log(t) - digamma(a), on the side of ``center`` = log(x) - digamma(a)."""
    lower = center <= 0.0
    gap = s.select(lower, a - x, x - a)
    sign = s.select(lower, s.constant(-1.0), 1.0)
    half = 0.5 * _end(s, a, x, lower, gap)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    places, factors = table(s, "legendre_nodes", nodes + 1.0), table(s, "legendre_weights", weights)
    total = s.variable(s.constant(0.0))
    second = polygamma(1)(s, a) if order == 2 else None
    with s.loop(ir.Constant(I64, _NODES)) as i:
        node, weight = (s.load_spread(s.offset(start, i)) for start in (places, factors))
        at = half * node
        value = exp(s, -s.fma(gap, at, x * _exp_gap(s, sign * at))) * weight
        if order:
            moment = s.fma(sign, at, center)
            value = value * (moment if order == 1 else s.fma(moment, moment, -second))
        total.set(total.get() + value)
    return a * half * total.get()


def _series(s, order, a, x):
    """(P, Q) near x = 0, or P's derivative of an order with respect to a and minus it."""
    log_x = log(s, x)
    small = a <= 0.5
    near = s.select(small, a, 0.5)
    log_gamma = s.select(small, s.fma(near, s.polynomial(near + near, GAMMALN), -log1p(s, near)), gammaln(s, a + 1.0))
    exponent = s.fma(a, log_x, -log_gamma)
    sums, power = [s.constant(0.0)] * 3, s.constant(1.0)
    for n in range(1, 22):
        power = power * x * (-1.0 / n)
        inverse = 1.0 / (a + float(n))
        term = power * inverse
        sums[0] = sums[0] + term
        if order:
            sums[1] = s.fma(term * inverse, float(n), sums[1])
        if order == 2:
            sums[2] = s.fma(term * inverse * inverse, -2.0 * n, sums[2])
    rest, size = a * sums[0], exp(s, exponent)  # the series is 1 + rest
    if order == 0:
        return s.fma(size, rest, size), -s.fma(size, rest, expm1(s, exponent))
    logarithm = log_x - digamma(s, a + 1.0)
    first = s.fma(logarithm, rest, logarithm) + sums[1]
    if order == 1:
        return size * first, -(size * first)
    square = s.fma(logarithm, logarithm, -polygamma(1)(s, a + 1.0))
    found = size * (s.fma(square, rest, square) + s.fma(logarithm + logarithm, sums[1], sums[2]))
    return found, -found


def _lower_series(s, order, a, x):
    """The sum of x^n / ((a + 1) ... (a + n)), or what its derivative with respect to a times ``front`` has, for x up to a."""
    logarithm = log(s, x) - digamma(s, a + 1.0) if order else None
    second = polygamma(1)(s, a + 1.0) if order == 2 else None
    one = s.constant(1.0)
    n, term, total, first, squares = (s.variable(v) for v in (one, one, *[s.constant(0.0)] * 3))

    def add():
        weight = one
        if order:
            weight = logarithm - first.get()
        if order == 2:
            weight = s.fma(weight, weight, squares.get() - second)
        total.set(s.fma(term.get(), weight, total.get()))

    with s.loop(ir.Constant(I64, _TERMS)):
        add()
        inverse = 1.0 / (a + n.get())
        term.set(term.get() * (x * inverse))
        first.set(first.get() + inverse)
        squares.set(s.fma(inverse, inverse, squares.get()))
        n.set(n.get() + 1.0)
    return total.get()


def sides(order):
    """(P, Q), or P's derivative of an order with respect to a and minus it."""

    @results(2)
    def function(s, a, x):
        inside = (a > 0.0) & (a < math.inf) & (x > 0.0) & (x < math.inf)
        p, q = s.select(inside, a, 1.0), s.select(inside, x, 1.0)
        center = _log_over_center(s, p, q)
        lower = center <= 0.0
        part = s.variable(_integral(s, order, p, q, center))
        few = lower & (p < _FEW)
        with s.b.if_then(s.any(few)):
            part.set(s.select(few, _lower_series(s, order, s.select(few, p, 1.0), s.select(few, q, 0.5)), part.get()))
        side = front(s, p, q) * part.get()
        other = s.constant(1.0) - side if order == 0 else -side
        below, above = s.variable(s.select(lower, side, other)), s.variable(s.select(lower, other, side))
        near = (q < _SERIES) & (center > 0.0)
        with s.b.if_then(s.any(near), likely=False):
            found = _series(s, order, s.select(near, p, 1.0), s.select(near, q, 1.0))
            for part, right in zip((below, above), found, strict=True):
                part.set(s.select(near, right, part.get()))
        at_end = s.select((x > 0.0) & (a < math.inf), s.constant(1.0), 0.0) if order == 0 else s.constant(0.0)
        known = (a >= 0.0) & (x >= 0.0) & ((a > 0.0) | (x > 0.0)) & ((a < math.inf) | (x < math.inf))
        p_end = s.select(known, at_end, math.nan)
        q_end = s.constant(1.0) - p_end if order == 0 else p_end
        return s.select(inside, below.get(), p_end), s.select(inside, above.get(), q_end)

    function.__name__ = f"incomplete_gamma_{order}"
    return called(function)


def gammainc(order):
    """P(a, x), or its derivative of an order with respect to a."""
    return lambda s, a, x: sides(order)(s, a, x)[0]


def gammaincc(s, a, x):
    """Q(a, x) = 1 - P(a, x)."""
    return sides(0)(s, a, x)[1]


@called
def density(s, a, x):
    """The derivative of P with respect to x: x^(a - 1) e^-x / gamma(a)."""
    inside = (a > 0.0) & (x > 0.0) & (x < math.inf) & (a < math.inf)
    p, q = s.select(inside, a, 1.0), s.select(inside, x, 1.0)
    value = front(s, p, q) * (p / q)
    start = s.select(a < 1.0, s.constant(math.inf), s.select(a.equals(1.0), 1.0, s.constant(0.0)))
    outside = s.select(x.equals(0.0) & (a > 0.0), start, s.select((x > 0.0) & (a >= 0.0), 0.0, s.constant(math.nan)))
    return s.select(inside, value, outside)
