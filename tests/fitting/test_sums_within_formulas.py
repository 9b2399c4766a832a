"""Sums over all rows inside of a formula that is fitted: the code then goes through the data more than once."""

import numpy as np
import pytest
from scipy import optimize

import fastbp as bp

TABLE = np.linspace(0.5, 1.5, 7)
WHOLE = {
    "centered": (lambda x, a, b, c: a * np.exp(-b * (x - np.mean(x))) + c, (2, 0.7, 0.3)),
    "one slope with a mean, one without": (lambda x, a, b: a * (x - np.mean(x)) + b * np.sqrt(x), (2, -0.7)),
    "the mean last": (lambda x, a, b: a * np.sqrt(x) + b * (x - np.mean(x)), (2, -0.7)),
    "standardized": (lambda x, a, b: a * np.tanh((x - np.mean(x)) / np.std(x)) + b, (2, 0.7)),
    "of a parameter": (lambda x, a, b: a * np.exp(-b * x) / np.mean(np.exp(-b * x)), (2, 0.7)),
    "a share": (lambda x, a, n: a * x**n / np.sum(x**n), (200, 0.7)),
    "of a table": (lambda x, a, b: a * np.exp(-x * np.sum(TABLE * b)), (2, 0.1)),
    "of a table and of the data": (lambda x, a, b: a * (x - np.mean(x)) + x * np.sum(np.exp(-b * TABLE)), (2, 0.7)),
}


@pytest.mark.parametrize("rows", [60, 1000, 40_000])
@pytest.mark.parametrize("name", WHOLE)
def test_sums_over_the_data_within_a_formula(name, rows):
    f, truth = WHOLE[name]
    x = np.linspace(0.1, 5, rows)
    y = f(x, *truth) * (1 + 0.01 * np.random.default_rng(3).standard_normal(rows))
    weights = 0.5 + x / 5
    start = np.array(truth) * 1.1
    for sigma in (None, weights):
        theirs = optimize.curve_fit(f, x, y, start, sigma, jac="3-point", method="trf", ftol=1e-15, xtol=1e-15, gtol=1e-15)
        ours = bp.curve_fit(f, x, y, start, sigma)
        np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-7)
        np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-5, atol=1e-8 * np.abs(theirs[1]).max())


@pytest.mark.parametrize("name", WHOLE)
def test_sums_over_the_data_of_many_curves(name):
    """Each curve's own rows, and none that are missing, are summed."""
    f, truth = WHOLE[name]
    rng = np.random.default_rng(4)
    x = np.sort(rng.uniform(0.1, 5, (3, 60)))
    y = np.array([f(row, *truth) for row in x]) + 0.01 * rng.standard_normal((3, 60))
    y[1, 40:], y[2, ::7] = np.nan, np.nan
    start = np.array(truth) * 1.1
    fits = bp.curve_fit_many(f, x, y, start)
    for i in range(3):
        good = ~np.isnan(y[i])
        popt, pcov = bp.curve_fit(f, x[i, good], y[i, good], start)
        np.testing.assert_allclose(fits.popt[i], popt, rtol=1e-8)
        np.testing.assert_allclose(fits.pcov[i], pcov, rtol=1e-6)
