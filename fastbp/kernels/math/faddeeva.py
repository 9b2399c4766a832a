"""Faddeeva's function w(z) = e^(-z^2) erfc(-i z) and its derivatives, as the Voigt profile has them, over vectors.

V(x, sigma, gamma) = w(z) / (sigma sqrt(2 pi)) with z = (x + i gamma) / (sigma sqrt 2): its real part is the profile. Near 0, w
is a trapezium rule of the integral, changed for the pole (Al Azah & Chandler-Wilde 2021, SIAM J. Numer. Anal. 59, 2346), and
derivatives are a recurrence. Far out everything is one asymptotic series in sigma^2 / (x + i gamma)^2, which has no
cancellation and holds for sigma = 0 too.
"""

import math

from .called import called, results
from .exponential import exp
from .trigonometric import cos_and_sin_of_turns

_POINTS = 12
_STEP = math.sqrt(math.pi / _POINTS)
_FAR = 50.0  # |z|^2 from which on the series is used
_HUGE = 1e150  # x and gamma whose squares are still numbers
MAX_ORDER = 6


def _cos_and_sin(s, turns):
    return cos_and_sin_of_turns(s, turns - s.round(turns))


def _first_quadrant(s, x, y):
    """(real, imaginary) part of w(x + i y) for x, y >= 0 and not far out."""
    f = x * (1.0 / _STEP)
    f = f - s.round(f)
    middle = s.abs(f) <= 0.25  # where the midpoint rule is the one whose points keep clear of x
    plain = (y >= x) & (y >= math.pi / _STEP)
    middle = middle | plain
    square, y_square = x * x + y * y, y * y
    double = 2.0 * x * y
    double_square = double * double
    real, imaginary = s.constant(0.0), s.constant(0.0)
    for k in range(_POINTS):
        at, other = (k + 0.5) * _STEP, k * _STEP
        t = s.select(middle, s.constant(at), other)
        weight = s.select(middle, s.constant(math.exp(-at * at)), math.exp(-other * other) if k else 0.5)
        t_square = t * t
        gap = s.fma(x - t, x + t, -y_square)
        weight = weight / s.fma(gap, gap, double_square)
        real = s.fma(weight, square + t_square, real)
        imaginary = s.fma(weight, square - t_square, imaginary)
    # What the rule misses for the pole: 2 e^(-z^2) / (1 +- e^(-2 pi i z / step)).
    p = exp(s, y * (-2.0 * math.pi / _STEP))
    c, d = cos_and_sin_of_turns(s, f)
    c, d = s.select(middle, c, -c), s.select(middle, d, -d)
    above = p + c
    size = 2.0 * exp(s, s.fma(-x, x, s.fma(y, y, y * (-2.0 * math.pi / _STEP)))) / s.fma(p, p + 2.0 * c, 1.0)
    cosine, sine = _cos_and_sin(s, double * (0.5 / math.pi))
    size = s.select(plain, 0.0, size)
    scale = 2.0 * _STEP / math.pi
    real = s.fma(scale * y, real, size * s.fma(above, cosine, d * sine))
    imaginary = s.fma(scale * x, imaginary, size * s.fma(-above, sine, d * cosine))
    return real, imaginary


def _is_far(s, x, sigma, gamma):
    return s.fma(x, x, gamma * gamma) >= 2.0 * _FAR * sigma * sigma


@called
@results(2)
def near_zero(s, x, sigma, gamma):
    """(real, imaginary) part of w((x + i gamma) / (sigma sqrt 2)) where that is not far out, elsewhere anything."""
    far = _is_far(s, x, sigma, gamma)
    real, imaginary = s.variable(s.constant(0.0)), s.variable(s.constant(0.0))
    with s.b.if_then(s.any(~far)):
        inverse = math.sqrt(0.5) / s.select(far, 1.0, sigma)
        u, v = _first_quadrant(s, s.select(far, 0.0, s.abs(x) * inverse), s.select(far, 0.0, gamma * inverse))
        real.set(u)
        imaginary.set(s.copysign(v, x))
    return real.get(), imaginary.get()


def _multiply(s, a, b, c, d):
    return s.fma(a, c, -(b * d)), s.fma(a, d, b * c)


def _far_out(order):
    """The derivative of an order with respect to x of V, far out."""
    count = 22 + 2 * order
    series = [1.0]
    for k in range(1, count):
        # (1/2)_k (2 k + order)! / (2 k)!, over order!
        series.append(series[-1] * (k - 0.5) * (2 * k + order) * (2 * k + order - 1) / (2 * k * (2 * k - 1)))
    # Powers of 50 in the coefficients keep them in range.
    series = [c / _FAR**k for k, c in enumerate(series)]
    first = (-1.0) ** order * math.factorial(order) / math.pi

    @results(2)
    def function(s, x, sigma, gamma):
        far = _is_far(s, x, sigma, gamma)
        real, imaginary = s.variable(s.constant(0.0)), s.variable(s.constant(0.0))
        with s.b.if_then(s.any(far)):
            square = s.fma(x, x, gamma * gamma)
            a, b = x / square, -gamma / square  # 1 / (x + i gamma)
            m = s.select(far, sigma * math.sqrt(2.0 * _FAR), 0.0)
            c, d = m * a, m * b
            c, d = _multiply(s, c, d, c, d)
            u, v = s.constant(series[-1]), s.constant(0.0)
            for coefficient in series[-2::-1]:
                u, v = _multiply(s, u, v, c, d)
                u = u + coefficient
            for _ in range(order + 1):
                u, v = _multiply(s, u, v, a, b)
            # The exponential part, which is all that there is on the axis.
            z = x / s.maximum(s.constant(1e-300), s.abs(sigma) * math.sqrt(2.0))
            z = s.minimum(s.constant(40.0), s.maximum(s.constant(-40.0), z))
            before, bell = s.constant(0.0), s.select(gamma < 1e-6 * s.abs(x), exp(s, -(z * z)), 0.0)
            for k in range(order):
                before, bell = bell, -2.0 * (z * bell + float(k) * before)
            scale = 1.0 / s.maximum(s.constant(1e-60), sigma * math.sqrt(2.0))
            bell = bell * (1.0 / math.sqrt(math.pi))
            for _ in range(order + 1):
                bell = bell * scale
            real.set(s.fma(v, -first, bell))
            imaginary.set(first * u)
        return real.get(), imaginary.get()

    function.__name__ = f"voigt_far_{order}"
    return called(function)


_FAR_OUT = [_far_out(order) for order in range(MAX_ORDER + 1)]


def _derivatives(s, order, a, b, now, constant):
    """The derivative of an order of a function of z = a + i b whose value is ``now``, by w' = -2 z w + ``constant`` i."""
    before = (s.constant(0.0), s.constant(0.0))
    for k in range(order):
        product = _multiply(s, a, b, *now)
        following = [-2.0 * (p + float(k) * q) for p, q in zip(product, before, strict=True)]
        if k == 0:
            following[1] = following[1] + constant
        before, now = now, following
    return now


def _of_other_half(order):
    """e^(-z^2) as V has it, differentiated: what V lacks where sigma or gamma is negative."""

    @results(2)
    def function(s, x, sigma, gamma):
        inverse = math.sqrt(0.5) / sigma
        a, b = x * inverse, gamma * inverse
        bell = exp(s, (b - a) * (b + a))
        size = bell * (inverse * (2.0 / math.sqrt(math.pi)))
        for _ in range(order):
            size = size * inverse
        cosine, sine = _cos_and_sin(s, s.select(bell.equals(0.0), 0.0, a * b * (1.0 / math.pi)))
        return tuple(_derivatives(s, order, a, b, (size * cosine, -(size * sine)), 0.0))

    function.__name__ = f"voigt_other_half_{order}"
    return called(function)


_OTHER_HALF = [_of_other_half(order) for order in range(MAX_ORDER + 1)]


def _of_quadrant(s, order, x, sigma, gamma):
    """(real, imaginary) part of the derivative of an order with respect to x of V, for sigma, gamma >= 0."""
    far_real, far_imaginary = _FAR_OUT[order](s, x, sigma, gamma)
    w = near_zero(s, x, sigma, gamma)
    far = _is_far(s, x, sigma, gamma)
    inverse = math.sqrt(0.5) / s.select(far, 1.0, sigma)
    u, v = _derivatives(s, order, x * inverse, gamma * inverse, w, 2.0 / math.sqrt(math.pi))
    scale = inverse * (1.0 / math.sqrt(math.pi))
    for _ in range(order):
        scale = scale * inverse
    return s.select(far, far_real, u * scale), s.select(far, far_imaginary, v * scale)


def _profile(s, order, x, sigma, gamma):
    """(real, imaginary) part of the derivative of an order with respect to x of V."""
    if s.dtype == "float32":
        wide = s.doubles()
        return tuple(map(s.narrow, _profile(wide, order, *map(s.widen, (x, sigma, gamma)))))
    infinite = s.abs(x).equals(math.inf) | s.abs(gamma).equals(math.inf)
    x = s.maximum(s.constant(-_HUGE), s.minimum(s.constant(_HUGE), x))
    gamma = s.maximum(s.constant(-_HUGE), s.minimum(s.constant(_HUGE), gamma))
    # Numbers whose squares are none are scaled, and the result with them.
    tiny = s.maximum(s.abs(x), s.maximum(s.abs(sigma), s.abs(gamma))) < 1e-100
    factor = s.select(tiny, s.constant(2.0**600), 1.0)
    x, sigma, gamma = factor * x, factor * sigma, factor * gamma
    below, turned = gamma < 0.0, sigma < 0.0
    size, sign = s.abs(sigma), (-1.0) ** (order + 1)
    found = _of_quadrant(s, order, s.select(below, -x, x), size, s.abs(gamma))
    real, imaginary = (s.variable(s.select(below, sign * part, part)) for part in found)
    outside = (below ^ turned) & (size > 0.0)
    with s.b.if_then(s.any(outside), likely=False):
        more = _OTHER_HALF[order](s, s.select(outside, x, 0.0), s.select(outside, size, 1.0), s.select(outside, gamma, 0.0))
        for part, other in zip((real, imaginary), more, strict=True):
            part.set(part.get() + s.select(outside, s.select(below, other, -other), 0.0))
    for _ in range(order + 1):
        for part in (real, imaginary):
            part.set(part.get() * factor)
    pole = sigma.equals(0.0) & s.fma(x, x, gamma * gamma).equals(0.0)
    at_pole = s.select(gamma.equals(0.0) & x.differs(0.0), 0.0, s.select(below, s.constant(-math.inf), math.inf))
    u = s.select(pole, at_pole, real.get())
    unknown = x.differs(x) | sigma.differs(sigma) | gamma.differs(gamma)
    return tuple(s.select(unknown, math.nan, s.select(infinite, 0.0, part)) for part in (u, imaginary.get()))


def voigt_real(order):
    """The real part's code."""
    return lambda s, x, sigma, gamma: _profile(s, order, x, sigma, gamma)[0]


def voigt_imag(order):
    """The imaginary part's code."""
    return lambda s, x, sigma, gamma: _profile(s, order, x, sigma, gamma)[1]
