"""curve_fit_many against scipy's curve_fit, curve by curve; its marks for curves that cannot be fitted; threads."""

import numpy as np
import pytest
from scipy import optimize

import fastbp as bp

X = np.linspace(0, 5, 60)


def decay(x, a, b, c):
    return a * np.exp(-b * x) + c


def decays(m, seed=0, noise=0.05):
    rng = np.random.default_rng(seed)
    p = np.c_[rng.uniform(1, 3, m), rng.uniform(0.5, 2, m), rng.uniform(0.2, 0.5, m)]
    return p[:, :1] * np.exp(-p[:, 1:2] * X) + p[:, 2:] + noise * rng.normal(size=(m, len(X)))


def scipys(f, x, y, p0, **rest):
    """To the last digits: from our own result on, where differences of scipy's cannot say more."""
    return optimize.curve_fit(f, x, y, p0, **{"ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15, **rest})


def exact(f, x, y, p0, **rest):
    popt, pcov = bp.curve_fit(f, x, y, p0, **rest)
    return bp.curve_fit(f, x, y, popt, **rest)


@pytest.mark.parametrize("sigma", [None, "shared", "own"])
def test_as_scipy_curve_by_curve(sigma):
    y, m = decays(20), 20
    s = {None: None, "shared": 0.05 + 0.01 * X, "own": 0.05 + 0.01 * np.abs(y)}[sigma]
    fits = bp.curve_fit_many(decay, X, y, [1, 1, 0], s, sigma is not None)
    assert fits.success.all() and len(fits) == m
    for i in range(m):
        one = s[i] if sigma == "own" else s
        popt, pcov = exact(decay, X, y[i], [1, 1, 0], sigma=one, absolute_sigma=sigma is not None)
        np.testing.assert_allclose(fits.popt[i], popt, rtol=1e-8)
        np.testing.assert_allclose(fits.pcov[i], pcov, rtol=1e-6)
        residuals = (decay(X, *popt) - y[i]) / (1 if one is None else one)
        assert fits.chisqr[i] == pytest.approx(np.sum(residuals**2), rel=1e-12)
        assert fits.redchi[i] == pytest.approx(fits.chisqr[i] / (len(X) - 3))
        np.testing.assert_allclose(fits.perr[i], np.sqrt(np.diag(pcov)), rtol=1e-6)


def test_threads_give_the_same_bits():
    y, found = decays(1000), []
    for threads in (1, 2, 3, 8):
        bp.set_num_threads(threads)
        fits = bp.curve_fit_many(decay, X, y, [1, 1, 0])
        found.append(np.c_[fits.popt, fits.chisqr, fits.nfev, fits.pcov.reshape(1000, -1)].tobytes())
    bp.set_num_threads(None)
    assert len(set(found)) == 1
    alone = bp.curve_fit_many(decay, X, y[7:8], [1, 1, 0])
    np.testing.assert_array_equal(alone.popt[0], fits.popt[7])


@pytest.mark.parametrize("curves", [1, 2, 31, 33, 515])
def test_every_curve_is_fitted_once_however_many_a_thread_takes(curves):
    y = decays(curves)
    bp.set_num_threads(3)
    fits = bp.curve_fit_many(decay, np.tile(X, 20), np.tile(y, 20), [1, 1, 0])
    bp.set_num_threads(None)
    few = np.unique([0, curves // 2, curves - 1])
    assert fits.success.all() and fits.nfev.max() < 40
    np.testing.assert_allclose(fits.popt[few], bp.curve_fit_many(decay, X, y[few], [1, 1, 0]).popt, rtol=1e-8)


def test_bounds_as_scipys():
    y = decays(20)
    low, high = [0, 0, 0.3], [2, 1.2, 1]
    fits = bp.curve_fit_many(decay, X, y, [1, 1, 0.4], bounds=(low, high))
    same = bp.curve_fit_many(decay, X, y, [1, 1, 0.4], bounds=optimize.Bounds(low, high))
    np.testing.assert_array_equal(same.popt, fits.popt)
    at_bound = 0
    for i, one in enumerate(y):
        popt, pcov = scipys(decay, X, one, [1, 1, 0.4], bounds=(low, high))
        at_bound += np.any((fits.popt[i] == low) | (fits.popt[i] == high))
        cost = np.sum((decay(X, *popt) - one) ** 2)
        assert fits.status[i] == 1 and fits.chisqr[i] <= cost * (1 + 1e-12)
        np.testing.assert_allclose(fits.popt[i], popt, rtol=1e-5)  # trf comes to a bound only so near
    assert at_bound >= 10


def test_bad_curves_are_marked_and_stop_no_other():
    y = decays(6)
    y[0], y[2, 3:], y[3, 5] = np.nan, np.nan, np.inf
    p0 = np.tile([1.0, 1, 0], (6, 1))
    p0[4] = 1, -1000, 0
    fits = bp.curve_fit_many(decay, X, y, p0)
    assert fits.success.tolist() == [False, True, True, False, False, True]
    assert fits.messages[0] == "fewer values than parameters" and "not finite" in fits.messages[3]
    assert np.isnan(fits.popt[[0, 3, 4]]).all() and np.isnan(fits.pcov[[0, 3, 4]]).all()
    assert np.isinf(fits.pcov[2]).all()  # three values, three parameters: scipy's says the same
    np.testing.assert_array_equal(fits.popt[5], bp.curve_fit_many(decay, X, y[5:], [1, 1, 0]).popt[0])
    assert "failed: fewer values" in str(fits)


def test_evaluations_end():
    fits = bp.curve_fit_many(decay, X, decays(3), [1, 1, 0], max_nfev=2)
    assert fits.status.tolist() == [0, 0, 0] and fits.nfev.tolist() == [2, 2, 2] and np.isnan(fits.popt).all()


def test_missing_values_and_lists_of_all_lengths():
    y = decays(8)
    rng = np.random.default_rng(1)
    bad = rng.uniform(size=y.shape) < 0.2
    holes = np.where(bad, np.nan, y)
    fits = bp.curve_fit_many(decay, X, holes, [1, 1, 0])
    lists = [X[~b] for b in bad], [v[~b] for v, b in zip(y, bad, strict=True)]
    np.testing.assert_array_equal(bp.curve_fit_many(decay, *lists, [1, 1, 0]).popt, fits.popt)
    np.testing.assert_array_equal(fits.rows, (~bad).sum(axis=1))
    for i in range(8):
        popt, _ = exact(decay, X[~bad[i]], y[i, ~bad[i]], [1, 1, 0])
        np.testing.assert_allclose(fits.popt[i], popt, rtol=1e-8)


def test_own_x_and_several_variables():
    rng = np.random.default_rng(2)
    x = rng.uniform(0, 3, (5, 2, 40))
    plane = lambda x, a, b, c: a * x[0] + b * np.sin(x[1]) + c  # noqa: E731
    truth = rng.normal(size=(5, 3))
    y = np.stack([plane(x[i], *truth[i]) for i in range(5)])
    np.testing.assert_allclose(bp.curve_fit_many(plane, x, y, np.ones(3)).popt, truth, rtol=1e-9)
    shared = np.stack([plane(x[0], *t) for t in truth])
    np.testing.assert_allclose(bp.curve_fit_many(plane, x[:1], shared, np.ones(3)).popt, truth, rtol=1e-9)
    own = np.stack([decay(x[i, 0], 2.0, 1.0, 0.1 * i + 0.1) for i in range(5)])
    np.testing.assert_allclose(
        bp.curve_fit_many(decay, x[:, 0], own, np.ones(3)).popt[:, 2], 0.1 * np.arange(5) + 0.1, rtol=1e-9
    )


def test_parameters_that_data_do_not_determine():
    """The sum of squares is the least nevertheless."""
    y = decays(2)
    fits = bp.curve_fit_many(lambda x, a, b, c: (a + b) * np.exp(-c * x), X, y, [1, 1, 1])
    assert fits.status.tolist() == [2, 2] and np.isinf(fits.pcov).all()
    assert "do not determine" in fits.messages[0]
    alone = bp.curve_fit_many(lambda x, a, c: a * np.exp(-c * x), X, y, [1, 1])
    np.testing.assert_allclose(fits.chisqr, alone.chisqr, rtol=1e-9)
    np.testing.assert_allclose(fits.popt[:, :2].sum(axis=1), alone.popt[:, 0], rtol=1e-5)


@pytest.mark.parametrize("loss", ["soft_l1", "huber", "cauchy", "arctan"])
def test_robust_losses_as_scipys(loss):
    y = decays(4)
    y[:, ::7] += 2
    fits = bp.curve_fit_many(decay, X, y, [2, 1, 0.3], loss=loss, f_scale=0.1)
    for i in range(4):
        residuals = lambda p, i=i: decay(X, *p) - y[i]  # noqa: E731
        tight = {"ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15}
        found = optimize.least_squares(residuals, fits.popt[i], loss=loss, f_scale=0.1, jac="3-point", **tight)
        np.testing.assert_allclose(fits.popt[i], found.x, rtol=1e-5)
        assert fits.chisqr[i] == pytest.approx(2 * found.cost, rel=1e-9)
        popt, pcov = optimize.curve_fit(decay, X, y[i], fits.popt[i], method="trf", loss=loss, f_scale=0.1)
        np.testing.assert_allclose(fits.pcov[i], pcov, rtol=1e-3)


@pytest.mark.parametrize("loss", ["soft_l1", "huber", "cauchy", "arctan"])
def test_robust_losses_from_where_every_residual_is_an_outlier(loss):
    """There what a loss adds to the second derivatives is negative. A minimum is found, from which scipy finds no way on."""
    y = decays(20)
    y[:, ::7] += 2
    fits = bp.curve_fit_many(decay, X, y, [1, 1, 0], loss=loss, f_scale=0.1)
    assert fits.success.all() and np.median(fits.nfev) < 40
    for i, one in enumerate(y):
        from_here = optimize.least_squares(lambda p, y=one: decay(X, *p) - y, fits.popt[i], loss=loss, f_scale=0.1)
        assert fits.chisqr[i] == pytest.approx(2 * from_here.cost, rel=1e-7)


@pytest.mark.parametrize(
    ("changed", "error", "text"),
    [
        ({"f": 3}, TypeError, "f must be a function"),
        ({"ys": X}, ValueError, "ys must be an array of shape"),
        ({"xs": X[1:]}, ValueError, "xs must have shape"),
        ({"sigma": X[1:]}, ValueError, "sigma must"),
        ({"sigma": -1.0}, ValueError, "sigma must be above 0"),
        ({"p0": [[[1.0]]]}, ValueError, "p0 must have shape"),
        ({"p0": [1, 1, 5]}, ValueError, "p0 must lie within bounds"),
        ({"bounds": (2, 1)}, ValueError, "bounds must have"),
        ({"bounds": 2}, ValueError, "bounds must be a pair"),
        ({"bounds": ([0, 1], 3)}, ValueError, "bounds must be numbers"),
        ({"loss": "hubert"}, ValueError, "Did you mean 'huber'"),
        ({"f_scale": 0}, ValueError, "f_scale must be"),
        ({"max_nfev": 0}, ValueError, "max_nfev must be"),
        ({"f": lambda x, a, b, c: x[:5] * a}, TypeError, "one value for each row"),
        ({"xs": [X, X[1:]], "ys": [X, X]}, ValueError, "xs"),
        ({"ys": [X, X[1:]], "xs": X}, ValueError, "xs must be a list of 2 arrays"),
        ({"ys": [X, X[1:]], "xs": [X, X[1:]], "f": lambda x, a, b, c: a * x / x[3] + b + c}, TypeError, "single rows"),
    ],
)
def test_errors(changed, error, text):
    arguments = {"f": decay, "xs": X, "ys": decays(2), "p0": [1, 1, 0.5], "bounds": (-4, 4), **changed}
    with pytest.raises(error, match=text):
        bp.curve_fit_many(arguments.pop("f"), **arguments)
