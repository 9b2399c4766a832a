"""Fits with a report: names, fixed and tied parameters, statistics, intervals by profile."""

import numpy as np
import pytest
from scipy import optimize, stats

import fastbp as bp

X = np.linspace(0, 10, 80)


def peak(x, height, center, width, offset=0.0):
    return height * np.exp(-(((x - center) / width) ** 2)) + offset


Y = peak(X, 3, 4, 1.2, 0.5) + 0.1 * np.random.default_rng(0).normal(size=80)
START = {"height": 2, "center": 4.5}


def test_the_same_as_curve_fit():
    fit = bp.fit_curve(peak, X, Y, START)
    popt, pcov = bp.curve_fit(peak, X, Y, [2, 4.5, 1, 0])
    np.testing.assert_allclose(list(fit.params.values()), popt, rtol=1e-8)
    np.testing.assert_allclose(list(fit.stderr.values()), np.sqrt(np.diag(pcov)), rtol=1e-5)
    residual = peak(X, *popt) - Y
    assert fit.chisqr == pytest.approx(residual @ residual) and fit.redchi == pytest.approx(residual @ residual / 76)
    assert fit.aic == pytest.approx(80 * np.log(fit.chisqr / 80) + 8)
    assert fit.bic == pytest.approx(80 * np.log(fit.chisqr / 80) + 4 * np.log(80))
    assert "Fit of peak(x, height, center, width, offset) to 80 values" in str(fit) and "<table>" in fit._repr_html_()


def test_fixed_and_tied():
    fit = bp.fit_curve(peak, X, Y, START, fixed={"offset": 0.5}, tied={"width": lambda center: 0.3 * center})
    popt, pcov = optimize.curve_fit(lambda x, h, c: peak(x, h, c, 0.3 * c, 0.5), X, Y, [2, 4.5])
    np.testing.assert_allclose(fit.popt, popt, rtol=1e-6)
    assert fit.params["offset"] == 0.5 and fit.stderr["offset"] == 0
    assert fit.params["width"] == pytest.approx(0.3 * popt[1], rel=1e-6)
    assert fit.stderr["width"] == pytest.approx(0.3 * np.sqrt(pcov[1, 1]), rel=1e-4)


def test_intervals_are_where_the_f_test_says():
    fit = bp.fit_curve(peak, X, Y, START)
    pairs = fit.conf_interval("width", [1, 2])["width"]
    assert [round(p, 4) for p, _ in pairs] == [0.9545, 0.6827, 0.0, 0.6827, 0.9545]
    for probability, value in pairs:
        held = bp.fit_curve(peak, X, Y, fit.params | {"width": value}, fixed=["width"])
        found = stats.f.cdf((held.chisqr / fit.chisqr - 1) * fit.nfree, 1, fit.nfree)
        assert found == pytest.approx(probability, abs=1e-5)


def test_the_band_of_a_line():
    fit = bp.fit_curve(lambda x, a, b: a * x + b, X, Y)
    _, deviations = fit.predict(np.array([3.0]), return_std=True)
    spread = np.sum((X - X.mean()) ** 2)
    assert deviations[0] == pytest.approx(np.sqrt(fit.redchi * (1 / 80 + (3 - X.mean()) ** 2 / spread)))


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"p0": {"hight": 1}}, "Did you mean 'height'"),
        ({"p0": [1, 2]}, "p0 must have 4 values"),
        ({"fixed": ["width"]}, "p0 must have a value for 'width'"),
        ({"tied": {"width": lambda offset: offset, "offset": lambda width: width}}, "in a circle"),
        ({"bounds": {"height": (5, 6)}}, "p0 must lie within bounds"),
        ({"loss": "x"}, "loss must be one of"),
    ],
)
def test_errors(changed, text):
    with pytest.raises(ValueError, match=text):
        bp.fit_curve(peak, X, Y, **{"p0": START, **changed})


def test_a_formula_that_cannot_be_traced():
    """It is fitted and has its report with differences; where it is wrong with numbers too, that is the error."""
    table = peak(X, *START.values(), 1.2, 0.5)

    def formula(x, height, center):
        return np.interp(x, X - X[40] + 1.1 * center, height * table) if np.isfinite(float(height)) else x

    with pytest.warns(RuntimeWarning, match="fit_curve could not trace the formula"):
        fit = bp.fit_curve(formula, X, Y, {"height": 1, "center": 4})
    popt, pcov = optimize.curve_fit(formula, X, Y, [1, 4])
    np.testing.assert_allclose(fit.popt, popt, rtol=1e-4)
    np.testing.assert_allclose(fit.pcov, pcov, rtol=0.05, atol=1e-6)
    with pytest.raises(ValueError, match="f must give one value for each of the 80 values"):
        bp.fit_curve(lambda x, a: np.full((3, 1), float(a)), X, Y, [1])


def test_rows_of_a_matrix():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2))
    y = np.exp(x @ [0.3, -0.5]) + 0.01 * rng.normal(size=60)
    fit = bp.fit_curve(lambda x, a, b: np.exp(a * x[:, 0] + b * x[:, 1]), x, y, [0.1, 0.1])
    popt, _ = optimize.curve_fit(lambda x, a, b: np.exp(a * x[:, 0] + b * x[:, 1]), x, y, [0.1, 0.1])
    np.testing.assert_allclose(fit.popt, popt, rtol=1e-6)
    values, deviations = fit.predict(x[:7], return_std=True)
    np.testing.assert_allclose(values, fit.best_fit[:7], rtol=1e-12)
    assert deviations.shape == (7,)


@pytest.mark.parametrize("sigma", [None, 0.1])
def test_much_data_have_the_same_report(sigma):
    """From 1,000 rows on fits and profiles go by sums over the data: as they are, in place of all residuals."""
    x, y = np.tile(X, 25), np.tile(Y, 25) + 0.1 * np.random.default_rng(1).normal(size=2000)
    fit = bp.fit_curve(peak, x, y, START, sigma, absolute_sigma=sigma is not None)
    popt, pcov = optimize.curve_fit(peak, x, y, [2, 4.5, 1, 0], sigma and np.full(2000, sigma), sigma is not None)
    np.testing.assert_allclose(fit.popt, popt, rtol=1e-6)
    np.testing.assert_allclose(fit.pcov, pcov, rtol=1e-4, atol=1e-9)
    assert len(fit.residual) == 2000 and fit.chisqr == pytest.approx(np.sum(fit.residual**2))
    (probability, value), *_ = fit.conf_interval("center", [0.9])["center"]
    held = bp.fit_curve(peak, x, y, fit.params | {"center": value}, sigma, fixed=["center"])
    rise = held.chisqr - fit.chisqr
    share = stats.f.cdf(rise / fit.redchi, 1, fit.nfree) if sigma is None else stats.chi2.cdf(rise, 1)
    assert share == pytest.approx(probability, abs=1e-5)
