"""The line shapes of spectroscopy as formulas: traced, their values and derivatives against mpmath, and fitted by name."""

import inspect

import mpmath as mp
import numpy as np
import pytest

import fastbp as bp
from line_shapes import SHAPES

# Of their parameters the data of a flank or a distribution determine only combinations.
ALIKE = {"thermal, bose": "center"}
SIMILAR = "step, logistic", "rectangle, arctan", "rectangle, logistic", "thermal, maxwell", "thermal, fermi", "sine", "linear"


def points(x):
    """What mpmath's functions are called with: a number for each row, or a pair."""
    return [[mp.mpf(v) for v in row] for row in x.T] if x.ndim == 2 else [mp.mpf(v) for v in x]


@pytest.mark.parametrize("name", SHAPES)
def test_values_and_derivatives(name):
    shape, p = SHAPES[name], [mp.mpf(v) for v in SHAPES[name].p]
    weights = np.cos(np.arange(shape.x.shape[-1]))

    def weighted(p, x, w):
        return bp.sum(w * shape.f(x, *p))

    value, gradient = bp.value_and_grad(weighted)(np.array(shape.p), shape.x, weights)
    with mp.workdps(30):
        w = [mp.mpf(v) for v in weights]
        rows = [shape.exact(x, *p) for x in points(shape.x)]
        total, size = mp.fdot(w, rows), mp.fsum(abs(a * b) for a, b in zip(w, rows, strict=True))
        assert abs(value - total) <= 1e-13 * size
        for i, found in enumerate(gradient):
            slopes = [mp.diff(lambda v, x=x, i=i: shape.exact(x, *p[:i], v, *p[i + 1 :]), p[i]) for x in points(shape.x)]
            size = mp.fsum(abs(a * b) for a, b in zip(w, slopes, strict=True))
            assert abs(found - mp.fdot(w, slopes)) <= 1e-12 * size


@pytest.mark.parametrize("name", [name for name in SHAPES if name not in SIMILAR])
def test_fitted_by_name(name):
    """From a start nearby, within what is known of all digits."""
    shape = SHAPES[name]
    y = np.array([float(shape.exact(x, *shape.p)) for x in points(shape.x)])
    fixed = [ALIKE[name]] if name in ALIKE else []
    _, *names = inspect.signature(shape.f).parameters
    start = {n: v * 1.01 if n not in fixed else v for n, v in zip(names, shape.p, strict=True)}
    fit = bp.fit_curve(shape.f, shape.x, y, start, fixed=fixed)
    np.testing.assert_allclose(list(fit.params.values()), shape.p, rtol=1e-9)
    np.testing.assert_allclose(fit.best_fit, y, rtol=1e-10)


@pytest.mark.parametrize("name", [n for n, s in SHAPES.items() if s.lmfit])
def test_as_lmfit(name):
    theirs = pytest.importorskip("lmfit").lineshapes
    shape = SHAPES[name]
    expected = getattr(theirs, shape.lmfit)(shape.x.copy(), *shape.p, **shape.options)
    np.testing.assert_allclose(shape.f(shape.x, *shape.p), expected, rtol=1e-12)
