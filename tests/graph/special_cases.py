"""The operators of the tables beyond probabilities, gamma and Voigt: each in mpmath, and where to look."""

import mpmath
import numpy as np

RNG = np.random.default_rng(1)


def spread(*ranges, count=10):
    return np.concatenate([RNG.uniform(low, high, count) for low, high in ranges])


def nth(f, order):
    """The derivative of an order, by differences in more digits than are looked at."""
    if order == 0:
        return f

    def value(x):
        with mpmath.workdps(50):
            return mpmath.diff(f, x, order)

    return value


def sinc(x):
    return mpmath.sin(mpmath.pi * x) / (mpmath.pi * x)


def exprel(x):
    return mpmath.expm1(x) / x


def sized(f, order):
    """The derivative of an order, with its sign for positive numbers taken off."""
    return lambda x: (-1) ** order * nth(f, order)(x)


def i0e(x):
    return mpmath.exp(-x) * mpmath.besseli(0, x)


def remainder(x, y):
    return x - y * mpmath.floor(x / y)


def towards_zero(x):
    return mpmath.sign(x) * mpmath.floor(abs(x))


def log_beta(x, y):
    return mpmath.log(abs(mpmath.beta(x, y)))


def lower_gamma(a, x):
    return mpmath.gammainc(a, 0, x, regularized=True)


def by_a(order):
    def value(a, x):
        with mpmath.workdps(50):
            return mpmath.diff(lambda b: lower_gamma(b, x), a, order)

    return value


ANY = spread((-3, 3), (-40, 40))
OSCILLATING = spread((-6, 6), (-200, 200), (7.5, 8.5))
POSITIVE = spread((0, 6), (0, 200), (7.5, 8.5), (0, 1e-6))
HALVES = spread((-4, 4), (-1e6, 1e6))
NEAR_AND_FAR = spread((0, 5), (0, 1e-7), (0, 60))

# name: in mpmath, where
ONE = {
    "floor": (mpmath.floor, HALVES),
    "ceil": (mpmath.ceil, HALVES),
    "trunc": (towards_zero, HALVES),
    "rint": (mpmath.nint, HALVES),
    "cbrt": (lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)), np.append(ANY, [1e-300, 5e-324, -1e300])),
    **{f"sinc_{n}" if n else "sinc": (nth(sinc, n), ANY) for n in range(5)},
    **{f"exprel_{n}" if n else "exprel": (nth(exprel, n), spread((-1, 1), (-7, 7), (-600, 300))) for n in range(5)},
    **{
        f"erfcx_{n}" if n else "erfcx": (
            sized(lambda x: mpmath.exp(x * x) * mpmath.erfc(x), n),
            spread((-3, 3), (-25, 0), (0, 60)),
        )
        for n in range(5)
    },
    **{f"i0e_{n}" if n else "i0e": (sized(i0e, n), spread((0, 3), (0, 60), (7.5, 8.5))) for n in range(5)},
    "i1e": (lambda x: mpmath.exp(-abs(x)) * mpmath.besseli(1, x), OSCILLATING),
    **{f"i{n}": (lambda x, n=n: mpmath.besseli(n, x), OSCILLATING / 2) for n in (0, 1)},
    **{f"j{n}": (lambda x, n=n: mpmath.besselj(n, x), OSCILLATING) for n in (0, 1)},
    **{f"y{n}": (lambda x, n=n: mpmath.bessely(n, x), POSITIVE) for n in (0, 1)},
}
DIVISION = spread((-20, 20), (-1e9, 1e9)), spread((-3, 3), (-3, 3))
SHAPES = spread((0.1, 3), (5, 60), (200, 3000))
TWO = {
    "mod": (remainder, DIVISION),
    "fmod": (lambda x, y: mpmath.sign(x) * remainder(abs(x), abs(y)), DIVISION),
    "floor_divide": (lambda x, y: mpmath.floor(x / y), DIVISION),
    "copysign": (lambda x, y: abs(x) * mpmath.sign(y), DIVISION),
    "heaviside": (lambda x, y: (1 + mpmath.sign(x)) / 2, DIVISION),
    "arctan2": (mpmath.atan2, (ANY, np.append(-ANY[1:], 1e-9))),
    "betaln": (log_beta, (NEAR_AND_FAR + 1e-9, RNG.permutation(NEAR_AND_FAR) + 1e-9)),
    **{
        f"polygamma_gap_{n}": (
            lambda x, y, n=n: (-1) ** n * (mpmath.polygamma(n, x + y) - mpmath.polygamma(n, x)),
            (spread((0.1, 5), (5, 300)), spread((1e-6, 3), (0.1, 30))),
        )
        for n in range(4)
    },
    "gammainc": (lower_gamma, (SHAPES, SHAPES * spread((0.1, 2), (0.5, 1.5), (0.9, 1.1)))),
    "gammaincc": (lambda a, x: mpmath.gammainc(a, x, regularized=True), (SHAPES, SHAPES * spread((0.1, 3), (0.5, 2), (0.9, 1.1)))),
    "gamma_density": (
        lambda a, x: x ** (a - 1) * mpmath.exp(-x) / mpmath.gamma(a),
        (SHAPES, SHAPES * spread((0.1, 3), (0.5, 2), (0.9, 1.1))),
    ),
    **{f"gammainc_{n}": (by_a(n), (SHAPES[:20], SHAPES[:20] * spread((0.1, 3), (0.5, 1.5)))) for n in (1, 2)},
}
CASES = {**{name: (f, (x,)) for name, (f, x) in ONE.items()}, **TWO}

# Where functions oscillate their zeros have no relative error: of what size they are between them.
ENVELOPES = {
    **{name: lambda x: np.minimum(1.0, 1.0 / np.sqrt(np.abs(x) + 1e-30)) for name in ("j0", "j1", "y0", "y1")},
    **{f"sinc_{n}" if n else "sinc": lambda x, n=n: np.pi**n / (1 + np.pi * np.abs(x)) for n in range(5)},
}
