"""Ways in which a formula may see a number that is no argument of its, and the transforms that have to notice its change.

A way is a function of a first value and of what to do with it, ``use(k, x)``. It gives a formula of x alone that reads k from
around itself, and a function that changes k there. Each registers itself in ``WAYS``.
"""

from dataclasses import dataclass

import numpy as np

import fastbp

WAYS = {}
X, RATE = 1.25, 0.125
ROWS = np.linspace(0.3, 1.7, 9)
TARGETS = np.cos(ROWS)


@dataclass(frozen=True)
class Way:
    """``holds``: "any" object, only a "float", or only a whole number of one "byte"."""

    make: object
    holds: str


def way(make=None, *, holds="any"):
    """Register a way by the name of its function."""

    def register(make):
        assert make.__name__ not in WAYS
        WAYS[make.__name__] = Way(make, holds)
        return make

    return register if make is None else register(make)


def plain(k, x):
    return k * x**2 + x


# ------------------------------------------------------------------------------------------------------------- transforms
# Each takes a formula of x once and gives what is called again and again; beside it what that should be for c x^2 + x.


def gradient(f):
    slope = fastbp.grad(f)
    return lambda: slope(X)


def gradient_made_anew(f):
    return lambda: fastbp.grad(f)(X)


def value_and_gradient(f):
    both = fastbp.value_and_grad(f)
    return lambda: both(X)


def over_data(f):
    both = fastbp.value_and_grad(lambda p, rows: fastbp.mean(f(p * rows)))
    return lambda: both(X, ROWS)


def jacobian(f):
    slopes = fastbp.jacobian(lambda p, rows: f(p * rows))
    return lambda: slopes(X, ROWS)


def hessian(f):
    curvature = fastbp.hessian(f)
    return lambda: curvature(X)


def second(f):
    curvature = fastbp.grad(fastbp.grad(f))
    return lambda: curvature(X)


def fitted_curve(f):
    def scaled(x, a):
        return a * f(x)

    return lambda: fastbp.curve_fit(scaled, ROWS, TARGETS, p0=[0.5])[0]


def step_of_descent(f):
    def loss(p, rows):
        return fastbp.mean(f(p * rows))

    return lambda: fastbp.fit_formula(loss, ROWS, X, fastbp.SGD(RATE), epochs=1, batch_size=ROWS.size).params


def least_squares(c):
    curve = plain(c, ROWS)
    return curve @ TARGETS / (curve @ curve)


def slope_of_mean(c):
    return np.mean(ROWS * (2 * c * X * ROWS + 1))


# name: (transform, its result for c x^2 + x, relative tolerance)
TRANSFORMS = {
    "value_and_grad": (value_and_gradient, lambda c: [plain(c, X), 2 * c * X + 1], 1e-12),
    "grad": (gradient, lambda c: 2 * c * X + 1, 1e-12),
    "grad made anew": (gradient_made_anew, lambda c: 2 * c * X + 1, 1e-12),
    "over data": (over_data, lambda c: [np.mean(plain(c, X * ROWS)), slope_of_mean(c)], 1e-12),
    "jacobian": (jacobian, lambda c: ROWS * (2 * c * X * ROWS + 1), 1e-12),
    "hessian": (hessian, lambda c: 2 * c, 1e-12),
    "grad of grad": (second, lambda c: 2 * c, 1e-12),
    "curve_fit": (fitted_curve, least_squares, 1e-7),
    "fit_formula": (step_of_descent, lambda c: X - RATE * slope_of_mean(c), 1e-12),
}


def assert_same(found, expected, tolerance, what=""):
    """Equal to a relative tolerance, NaN and infinities too, and 0 exactly 0."""
    found, expected = (np.asarray(v, dtype=float).ravel() for v in (found, expected))
    assert found.shape == expected.shape, f"{what}: shape {found.shape} instead of {expected.shape}"
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * 1e-3, err_msg=str(what))
