"""The operators of the tables beyond probabilities, gamma and Voigt: each in mpmath, and where to look."""

import mpmath
import numpy as np

RNG = np.random.default_rng(1)


def spread(*ranges, count=3):
    return np.concatenate([RNG.uniform(low, high, count) for low, high in ranges])


class Case:
    """An operator: a function of mpmath's numbers, of which it is a derivative times a sign, and where to look."""

    def __init__(self, base, *arrays, orders=None, sign=1, differentiable=True):
        self.base, self.arrays, self.orders, self.sign = base, arrays, orders or (0,) * len(arrays), sign
        self.differentiable = differentiable  # in the graph, and simple enough to be looked at here

    def reference(self, arrays, orders=None):
        """The value, or a derivative of it, at each place."""
        total = tuple(map(sum, zip(self.orders, orders or (0,) * len(arrays), strict=True)))
        with mpmath.workdps(40):
            return np.array([self.sign * self._at(total, v) for v in zip(*arrays, strict=True)], float)

    def _at(self, orders, values):
        at = tuple(mpmath.mpf(float(v)) for v in values)
        if not any(orders):
            return float(self.base(*at))
        if len(at) == 1:
            return float(mpmath.diff(self.base, at[0], orders[0]))
        return float(mpmath.diff(self.base, at, orders))


def sinc(x):
    return mpmath.sin(mpmath.pi * x) / (mpmath.pi * x)


def exprel(x):
    return mpmath.expm1(x) / x


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


ANY = spread((-3, 3), (-40, 40))
OSCILLATING = spread((-6, 6), (-200, 200), (7.5, 8.5))
POSITIVE = spread((0, 6), (0, 200), (7.5, 8.5), (0, 1e-6))
HALVES = spread((-4, 4), (-1e6, 1e6))
NEAR_AND_FAR = spread((0, 5), (0, 1e-7), (0, 60))

DIVISION = spread((-20, 20), (-1e9, 1e9)), spread((-3, 3), (-3, 3))
SHAPES = spread((0.1, 3), (5, 60), (200, 3000))
AROUND = SHAPES * spread((0.1, 3), (0.5, 1.6), (0.9, 1.1))


def family(name, base, count, *arrays, alternating=False):
    """A function of one number and its derivatives; whether those come without a sign that alternates."""
    return {
        f"{name}_{n}" if n else name: Case(base, *arrays, orders=(n,), sign=(-1) ** (n * alternating), differentiable=n == 0)
        for n in range(count)
    }


CASES = {
    "floor": Case(mpmath.floor, HALVES),
    "ceil": Case(mpmath.ceil, HALVES),
    "trunc": Case(towards_zero, HALVES),
    "rint": Case(mpmath.nint, HALVES),
    "cbrt": Case(lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)), np.append(ANY, [1e-3, 1e3])),
    "arctan2": Case(mpmath.atan2, ANY, np.append(-ANY[1:], 1e-9)),
    "mod": Case(remainder, *DIVISION),
    "fmod": Case(lambda x, y: mpmath.sign(x) * remainder(abs(x), abs(y)), *DIVISION),
    "floor_divide": Case(lambda x, y: mpmath.floor(x / y), *DIVISION),
    "copysign": Case(lambda x, y: abs(x) * mpmath.sign(y), *DIVISION),
    "heaviside": Case(lambda x, y: (1 + mpmath.sign(x)) / 2, *DIVISION),
    **family("sinc", sinc, 5, ANY),
    **family("exprel", exprel, 5, spread((-1, 1), (-7, 7), (-90, 80))),
    **family("erfcx", lambda x: mpmath.exp(x * x) * mpmath.erfc(x), 5, spread((-3, 3), (-9, 0), (0, 60)), alternating=True),
    **family("i0e", i0e, 5, spread((0, 3), (0, 60), (7.5, 8.5)), alternating=True),
    "i1e": Case(lambda x: mpmath.exp(-abs(x)) * mpmath.besseli(1, x), OSCILLATING),
    **{f"i{n}": Case(lambda x, n=n: mpmath.besseli(n, x), OSCILLATING / 4) for n in (0, 1)},
    **{f"j{n}": Case(lambda x, n=n: mpmath.besselj(n, x), OSCILLATING) for n in (0, 1)},
    **{f"y{n}": Case(lambda x, n=n: mpmath.bessely(n, x), POSITIVE) for n in (0, 1)},
    "betaln": Case(log_beta, NEAR_AND_FAR + 1e-6, RNG.permutation(NEAR_AND_FAR) + 1e-6),
    **{
        f"polygamma_gap_{n}": Case(
            lambda x, y, n=n: (-1) ** n * (mpmath.polygamma(n, x + y) - mpmath.polygamma(n, x)),
            *(spread((0.1, 5), (5, 300)), spread((1e-6, 3), (0.1, 30))),
            differentiable=n == 1,
        )
        for n in range(4)
    },
    "gammainc": Case(lower_gamma, SHAPES, AROUND),
    "gammaincc": Case(lambda a, x: mpmath.gammainc(a, x, regularized=True), SHAPES, AROUND, differentiable=False),
    "gammainc_1": Case(lower_gamma, SHAPES, AROUND, orders=(1, 0), differentiable=False),
    "gammainc_2": Case(lower_gamma, SHAPES, AROUND, orders=(2, 0), differentiable=False),
    "gamma_density": Case(lambda a, x: x ** (a - 1) * mpmath.exp(-x) / mpmath.gamma(a), SHAPES, AROUND),
}

# Where functions oscillate their zeros have no relative error: of what size they are between them.
ENVELOPES = {
    **{name: lambda x: np.minimum(1.0, 1.0 / np.sqrt(np.abs(x) + 1e-30)) for name in ("j0", "j1", "y0", "y1")},
    **{f"sinc_{n}" if n else "sinc": lambda x, n=n: np.pi**n / (1 + np.pi * np.abs(x)) for n in range(5)},
}
