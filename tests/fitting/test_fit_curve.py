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
