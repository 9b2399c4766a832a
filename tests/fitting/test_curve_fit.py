"""curve_fit against scipy's on classic problems, against optima in high precision on hard ones, and at its edges."""

import warnings

import numpy as np
import pytest
from scipy import optimize

import fastbp as bp
from fastbp.fitting import residuals
from fastbp.fitting.residuals import MAX_REDUCED_PARAMETERS, MIN_REDUCED_ROWS, cholesky
from fit_problems import EASY, HARD

TIGHT = {"ftol": 1e-14, "xtol": 1e-14}
X = np.linspace(0, 4, 50)


def decay(x, a, b):
    return a * np.exp(-b * x)


def noisy(f, x, *p, size=0.1, seed=0):
    return f(x, *p) + size * np.random.default_rng(seed).standard_normal(np.shape(x)[-1])


Y = noisy(decay, X, 2.5, 1.3)


def assert_same(ours, theirs, rtol=1e-6):
    for a, b in zip(ours[:2], theirs[:2], strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.max(np.abs(b)))


# -- classic problems


@pytest.mark.parametrize("problem", EASY, ids=lambda p: p.name)
def test_as_scipy(problem):
    f, x, y, start = problem.f, problem.x, problem.data(), problem.starts[0]
    assert_same(bp.curve_fit(f, x, y, start), optimize.curve_fit(f, x, y, start, **TIGHT))


@pytest.mark.parametrize("method", [None, "trf", "dogbox"])
@pytest.mark.parametrize("problem", EASY, ids=lambda p: p.name)
def test_easy_problems_to_eight_digits(problem, method):
    popt, _ = bp.curve_fit(problem.f, problem.x, problem.data(), problem.starts[0], method=method)
    np.testing.assert_allclose(popt, problem.optimum(), rtol=1e-8)


@pytest.mark.parametrize("problem", HARD, ids=lambda p: p.name)
def test_hard_problems_to_six_digits_from_every_start(problem):
    optimum = problem.optimum()
    for start in problem.starts:
        popt, pcov = bp.curve_fit(problem.f, problem.x, problem.data(), start)
        np.testing.assert_allclose(popt, optimum, rtol=1e-6, err_msg=f"from {start}")
        assert np.isfinite(pcov).all()


def test_scipys_own_tolerances_would_not_do():
    """So that the tests above mean something: on some of the problems they give fewer than six digits."""
    poor = 0
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for problem in HARD:
            optimum = problem.optimum()
            for start in problem.starts:
                try:
                    popt, _ = optimize.curve_fit(problem.f, problem.x, problem.data(), start)
                    poor += not np.allclose(popt, optimum, rtol=1e-6, atol=0)
                except RuntimeError:
                    poor += 1
    assert poor >= 5


def test_a_lost_levenberg_and_marquardt_is_helped_unless_it_was_asked_for():
    problem = next(p for p in HARD if p.name == "narrow peak")
    arguments = problem.f, problem.x, problem.data(), problem.starts[0]
    np.testing.assert_allclose(bp.curve_fit(*arguments)[0], problem.optimum(), rtol=1e-8)
    with pytest.warns(optimize.OptimizeWarning, match="Covariance"):
        alone, _ = bp.curve_fit(*arguments, method="lm")
    assert not np.allclose(alone, problem.optimum(), rtol=1e-2)
    with pytest.raises(RuntimeError, match="Optimal parameters not found"):
        bp.curve_fit(*arguments, maxfev=3)


# -- arguments


@pytest.mark.parametrize("method", ["trf", "dogbox", None])
@pytest.mark.parametrize("rows", [60, 2000])
def test_bounds(method, rows):
    x = np.linspace(0, 4, rows)
    y = noisy(decay, x, 2.5, 1.3)
    for bounds in [(0, [3, 2]), ([0, 0], [2.2, 3]), ([-np.inf, 1.5], np.inf), optimize.Bounds([0, 0], [3, 1])]:
        ours = bp.curve_fit(decay, x, y, bounds=bounds, method=method)
        theirs = optimize.curve_fit(decay, x, y, bounds=bounds, method=method, jac="3-point", gtol=1e-15, **TIGHT)
        np.testing.assert_allclose(ours[0], theirs[0], rtol=2e-6)
        np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-4)


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("method", ["lm", "trf"])
@pytest.mark.parametrize("rows", [50, 1500])
def test_sigma(method, absolute, rows):
    x = np.linspace(0, 4, rows)
    y = noisy(decay, x, 2.5, 1.3)
    vector = 0.1 + 0.05 * np.cos(x)
    correlated = 0.01 * np.exp(-np.abs(x[:, None] - x) * 5) + 0.005 * np.eye(rows)
    for sigma in [vector, 0.2, [0.2], *([correlated] if rows < 1000 else [])]:
        settings = {"sigma": sigma, "absolute_sigma": absolute, "method": method}
        assert_same(bp.curve_fit(decay, x, y, **settings), optimize.curve_fit(decay, x, y, **settings, **TIGHT))


@pytest.mark.parametrize("method", ["lm", "trf", "dogbox"])
@pytest.mark.parametrize("rows", [50, 1500])
def test_full_output(method, rows):
    x = np.linspace(0, 4, rows)
    y = noisy(decay, x, 2.5, 1.3)
    ours, theirs = (fit(decay, x, y, method=method, full_output=True) for fit in (bp.curve_fit, optimize.curve_fit))
    assert_same(ours, theirs, 1e-5)
    assert set(ours[2]) >= set(theirs[2]) and isinstance(ours[3], str) and ours[4] in (1, 2, 3, 4)
    np.testing.assert_allclose(ours[2]["fvec"], decay(x, *ours[0]) - y, atol=1e-12)
    for name, value in theirs[2].items():
        assert np.shape(ours[2][name]) == np.shape(value), name


def test_several_variables():
    def surface(xy, a, b, c):
        return a * np.exp(-b * xy[0]) + c * xy[1]

    def unpacking(xy, a, b, c):
        x, y = xy
        return a * np.exp(-b * x) + c * y

    for rows in (40, 1200):
        data = np.random.default_rng(1).uniform(0, 2, (2, rows))
        z = noisy(surface, data, 2.0, 0.7, -1.0)
        expected = optimize.curve_fit(surface, data, z, **TIGHT)
        for xdata in (data, list(data), tuple(map(list, data)), np.asfortranarray(data)):
            assert_same(bp.curve_fit(surface, xdata, z), expected)
        assert_same(bp.curve_fit(unpacking, data, z), expected)


def test_kinds_of_data():
    import pandas as pd

    expected = bp.curve_fit(decay, X, Y)
    frame = pd.DataFrame({"x": X, "y": Y})
    for x, y in [(X.tolist(), Y.tolist()), (frame.x, frame.y), (np.repeat(X, 2)[::2], np.repeat(Y, 2)[::2])]:
        assert_same(bp.curve_fit(decay, x, y), expected, 1e-12)
    popt, _ = bp.curve_fit(decay, X.astype("float32"), Y.astype("float32"))
    np.testing.assert_allclose(popt, expected[0], rtol=1e-5)
    popt, _ = bp.curve_fit(lambda x, a: a * x, [1, 2, 3], [2, 4, 6])
    np.testing.assert_allclose(popt, [2.0], rtol=1e-14)


def test_start_from_the_signature():
    class Model:
        def __call__(self, x, a, b):
            return decay(x, a, b)

        def method(self, x, a, b):
            return decay(x, a, b)

    expected = bp.curve_fit(decay, X, Y, [1, 1])[0]
    for f in (decay, Model(), Model().method, lambda x, a, b=7.0: decay(x, a, b)):
        np.testing.assert_allclose(bp.curve_fit(f, X, Y)[0], expected, rtol=1e-12)
    np.testing.assert_allclose(bp.curve_fit(lambda x, *p: decay(x, *p), X, Y, [1, 1])[0], expected, rtol=1e-12)
    for f in (lambda x: x, lambda x, *p: x, lambda: 1.0):
        for fit in (bp.curve_fit, optimize.curve_fit):
            with pytest.raises(ValueError, match="Unable to determine number of fit parameters"):
                fit(f, X, Y)


def test_numbers_around_the_formula_may_change():
    class Settings:
        offset = 0.0

        def __init__(self):
            self.scale = 1.0

    settings, factor = Settings(), 1.0

    def f(x, a):
        return a * factor * settings.scale * x

    x, y = np.array([1.0, 2.0, 3.0]), np.array([6.0, 12.0, 18.0])
    assert bp.curve_fit(f, x, y)[0] == pytest.approx([6.0])
    factor = 2.0
    assert bp.curve_fit(f, x, y)[0] == pytest.approx([3.0])
    settings.scale = 3.0
    assert bp.curve_fit(f, x, y)[0] == pytest.approx([1.0])

    class Model:
        power = 1

        def __call__(self, x, a):
            return sum(a * x**k for k in range(self.power))

    model = Model()
    assert bp.curve_fit(model, x, 1.0 + x * 0)[0] == pytest.approx([1.0])
    model.power = 2
    assert bp.curve_fit(model, x, 1.0 + x)[0] == pytest.approx([1.0])


def test_options_reach_scipy():
    with pytest.raises(RuntimeError, match="maxfev"):
        bp.curve_fit(decay, X, Y, [100, -5], maxfev=2)
    with pytest.raises(RuntimeError, match="maximum number of function evaluations"):
        bp.curve_fit(decay, X, Y, [100, 5], method="trf", max_nfev=2)
    with pytest.raises(RuntimeError, match="maximum number of function evaluations"):
        bp.curve_fit(decay, X, Y, [100, 5], bounds=(0, np.inf), maxfev=2)
    loose, _ = bp.curve_fit(decay, X, Y, ftol=1e-2, xtol=1e-2)
    tight, _ = bp.curve_fit(decay, X, Y)
    assert 1e-12 < np.max(np.abs(loose / tight - 1)) < 1e-2
    robust = {"method": "trf", "loss": "soft_l1", "f_scale": 0.1}
    spoilt = Y.copy()
    spoilt[::10] += 5
    for rows in (1, 40):  # few points, and many
        x, y = np.tile(X, rows), np.tile(spoilt, rows)
        ours, theirs = (fit(decay, x, y, **robust, gtol=1e-14, **TIGHT) for fit in (bp.curve_fit, optimize.curve_fit))
        np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-5)


@pytest.mark.parametrize("jac", ["2-point", lambda x, a, b: np.stack([np.exp(-b * x), -a * x * np.exp(-b * x)], 1)])
def test_a_jacobian_of_ones_own_is_scipys_business(jac):
    settings = {"jac": jac, "method": "trf"}
    for a, b in zip(bp.curve_fit(decay, X, Y, **settings), optimize.curve_fit(decay, X, Y, **settings), strict=True):
        np.testing.assert_array_equal(a, b)


# -- NaN


def test_nan():
    x, y, sigma = X.copy(), Y.copy(), 0.1 + 0.01 * X
    x[3], y[7] = np.nan, np.nan
    good = np.isfinite(x + y)
    for settings in [{}, {"check_finite": True}, {"nan_policy": "raise"}, {"nan_policy": "raise", "check_finite": False}]:
        for fit in (bp.curve_fit, optimize.curve_fit):
            with pytest.raises(ValueError, match=r"must not contain infs or NaNs|contains nan"):
                fit(decay, x, y, **settings)
    for s in (None, sigma, np.diag(sigma**2)):
        chosen = s if s is None else s[good] if s.ndim == 1 else s[np.ix_(good, good)]
        ours = bp.curve_fit(decay, x, y, sigma=s, nan_policy="omit")
        assert_same(ours, bp.curve_fit(decay, x[good], y[good], sigma=chosen), 1e-12)
        assert_same(ours, optimize.curve_fit(decay, x, y, sigma=s, nan_policy="omit", **TIGHT))
    for policy, message in [("propagate", "is not supported by this function"), ("hope", "must be one of")]:
        for fit in (bp.curve_fit, optimize.curve_fit):
            with pytest.raises(ValueError, match=message):
                fit(decay, x, y, nan_policy=policy)


@pytest.mark.parametrize("rows", [50, 2000])
def test_nan_that_nobody_looked_for(rows):
    x = np.linspace(0, 4, rows)
    y = decay(x, 2, 1)
    y[5] = np.nan
    for fit in (bp.curve_fit, optimize.curve_fit):
        with pytest.warns(optimize.OptimizeWarning, match="Covariance"):
            _, pcov = fit(decay, x, y, check_finite=False, method="lm")
        assert np.isinf(pcov).all()
        with pytest.raises(ValueError, match="Residuals are not finite"):
            fit(decay, x, y, check_finite=False, method="trf")


# -- errors


@pytest.mark.parametrize(
    ("arguments", "settings", "kind", "message"),
    [
        ((decay, [], []), {}, ValueError, "`ydata` must not be empty!"),
        ((decay, X, Y), {"bounds": (0, 1), "method": "lm"}, ValueError, "Method 'lm' only works for unconstrained problems"),
        ((decay, X, Y), {"method": "newton"}, ValueError, "`method` must be"),
        ((decay, X, Y), {"sigma": np.ones(3)}, ValueError, "`sigma` has incorrect shape"),
        ((decay, X, Y), {"sigma": -np.eye(50)}, ValueError, "`sigma` must be positive definite"),
        ((decay, X[:1].repeat(1), Y[:1], [1, 1, 1]), {}, TypeError, "positional argument"),
        ((lambda x, a, b, c: a + b * x + c, X[:2], Y[:2]), {}, TypeError, "number of func parameters=3 must not exceed"),
        ((decay, X, Y), {"args": (1,)}, ValueError, "'args' is not a supported keyword"),
        ((decay, X, Y), {"bounds": ([0, 0], [-1, 1])}, ValueError, "[Ee]ach lower bound|strictly less"),
        ((decay, X, Y), {"p0": [5, 5], "bounds": (0, 1)}, ValueError, "infeasible|outside of provided bounds"),
        ((decay, X, Y[:-1]), {}, ValueError, "broadcast"),
        ((decay, X, ["a"] * 50), {}, ValueError, "convert string"),
        ((decay, np.append(X[1:], np.inf), Y), {}, ValueError, "infs or NaNs"),
        ((decay, X, Y, [1, 1, 1]), {}, TypeError, "positional argument"),
    ],
)
def test_errors_are_scipys(arguments, settings, kind, message):
    for fit in (bp.curve_fit, optimize.curve_fit):
        with pytest.raises(kind, match=message):
            fit(*arguments, **settings)


def test_errors_of_our_own():
    with pytest.raises(ValueError, match=r"bounds must be two numbers or arrays of 2 values"):
        bp.curve_fit(decay, X, Y, bounds=([0, 0, 0], 1))
    with pytest.raises(ValueError, match=r"bounds must be"):
        bp.curve_fit(decay, X, Y, bounds=3)
    with pytest.raises(ValueError, match="could not convert string"):
        bp.curve_fit(decay, X, Y, p0=["a", "b"])
    with pytest.raises(TypeError, match="f must be a function"):
        bp.curve_fit(3, X, Y)


# -- formulas that are no graph


def test_what_cannot_be_traced_is_left_to_scipy():
    for f in (lambda x, a, b: a * np.interp(x, [0, 4], [1, b]), lambda x, a, b: a * x.astype(int) + b):
        with pytest.warns(RuntimeWarning, match="could not trace the formula"):
            ours = bp.curve_fit(f, X, Y)
        for a, b in zip(ours, optimize.curve_fit(f, X, Y), strict=True):
            np.testing.assert_array_equal(a, b)


def test_data_that_is_no_graph_is_left_to_scipy():
    import pandas as pd

    frame = pd.DataFrame({"x": X, "other": X})
    f = lambda d, a, b: decay(d["x"], a, b)  # noqa: E731
    with pytest.warns(RuntimeWarning, match="could not trace"):
        ours = bp.curve_fit(f, frame, Y)
    for a, b in zip(ours, optimize.curve_fit(f, frame, Y), strict=True):
        np.testing.assert_array_equal(a, b)


def test_arrays_of_several_dimensions():
    """Columns, meshgrids, several outputs a point, and models that are flattened, as scipy's users write them."""
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(400, 3))
    y = columns @ [1.0, -2.0, 0.5] + 0.1 * rng.normal(size=400)
    wide, high = np.meshgrid(np.linspace(-3, 3, 30), np.linspace(-2, 2, 20))
    peak = 2 * np.exp(-((wide - 0.3) ** 2) - (high + 0.2) ** 2) + 0.01 * rng.normal(size=wide.shape)

    def spot(xy, size, x0, y0):
        x, y = xy
        return size * np.exp(-((x - x0) ** 2) - (y - y0) ** 2)

    def pair(x, a, b, c):
        return np.stack([a * x[:, 0], b * x[:, 1] + c], axis=1)

    both = pair(columns, 2, 3, -1) + 0.1 * rng.normal(size=(400, 2))
    for f, x, data in (
        (lambda x, a, b, c: x @ np.array([a, b, c]), columns, y),
        (lambda x, a, b, c: a * x[0] + b * x[1] + c * x[2], columns.T, y),
        (lambda x, a, b, c: sum(k * column for k, column in zip((a, b, c), x.T, strict=True)), columns, y),
        (spot, (wide, high), peak),
        (lambda xy, *p: spot(xy, *p).ravel(), (wide, high), peak.ravel()),
        (pair, columns, both),
        (lambda x, a, b, c: np.concatenate([a * x[:, 0], b * x[:, 1] + c]), columns, both.T.ravel()),
    ):
        start = [1.0, 0.1, 0.1]
        sigma = np.linspace(0.5, 2, data.size)
        found, covariance = bp.curve_fit(f, x, data, start, sigma.reshape(data.shape))
        flat = lambda x, *p, f=f: np.ravel(f(x, *p))  # noqa: E731
        wanted, expected = optimize.curve_fit(flat, x, data.ravel(), start, sigma, ftol=1e-13, xtol=1e-13)
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
        np.testing.assert_allclose(covariance, expected, rtol=1e-3, atol=1e-8)


def test_missing_values_of_columns():
    columns = np.random.default_rng(1).normal(size=(40, 2))
    y = columns @ [1.0, -2.0]
    columns[3, 1], y[7] = np.nan, np.nan
    f = lambda x, a, b: x @ np.array([a, b])  # noqa: E731
    found, _ = bp.curve_fit(f, columns, y, [1, 1], nan_policy="omit", check_finite=False)
    np.testing.assert_allclose(found, [1.0, -2.0])
    with pytest.raises(ValueError, match="a value of x for each of y"):
        bp.curve_fit(f, columns[:30], y, [1, 1], nan_policy="omit", check_finite=False)


def test_errors_of_the_formula_are_the_formulas():
    def broken(x, a):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        bp.curve_fit(broken, X, Y)


# -- much data


def both(monkeypatch, *arguments, **settings):
    """The fit with the small problem, and with all residuals."""
    reduced = bp.curve_fit(*arguments, **settings)
    with monkeypatch.context() as patch:
        patch.setattr(residuals, "can_reduce", lambda rows, count: False)
        return reduced, bp.curve_fit(*arguments, **settings)


def polynomial(x, *p):
    return sum(a * np.cos(k * x) for k, a in enumerate(p))


@pytest.mark.parametrize("count", [1, 6, MAX_REDUCED_PARAMETERS, MAX_REDUCED_PARAMETERS + 1])
@pytest.mark.parametrize("rows", [MIN_REDUCED_ROWS - 1, MIN_REDUCED_ROWS, 8193])
@pytest.mark.parametrize("settings", [{}, {"bounds": (-0.2, 0.3)}, {"weighted": True}], ids=["plain", "bounds", "sigma"])
def test_many_rows(monkeypatch, rows, count, settings):
    if "bounds" in settings and count > 6:
        pytest.skip("scipy's trf takes seconds with so many parameters at their bounds")
    x = np.linspace(0, 3, rows)
    y = noisy(polynomial, x, *np.linspace(-0.5, 0.5, count))
    settings = {"sigma": 0.1 + 0.05 * x} if "weighted" in settings else settings
    reduced, full = both(monkeypatch, polynomial, x, y, np.zeros(count), **settings)
    assert_same(reduced, full, 1e-6 if "bounds" in settings else 1e-9)


def test_where_the_small_problem_is_used():
    assert residuals.can_reduce(MIN_REDUCED_ROWS, MAX_REDUCED_PARAMETERS) in (True, False)  # False without fused multiply-add
    assert not residuals.can_reduce(MIN_REDUCED_ROWS - 1, 1)
    assert not residuals.can_reduce(MIN_REDUCED_ROWS, MAX_REDUCED_PARAMETERS + 1)


def test_no_residual_is_left(monkeypatch):
    x = np.linspace(0, 3, 3000)
    for popt, pcov in both(monkeypatch, decay, x, decay(x, 2.5, 1.3)):
        np.testing.assert_allclose(popt, [2.5, 1.3], rtol=1e-13)
        assert np.abs(pcov).max() < 1e-28


@pytest.mark.parametrize("method", ["lm", "trf"])
def test_parameters_that_the_data_cannot_tell_apart(monkeypatch, method):
    def twice(x, a, b, c):
        return (a + b) * x + c

    x = np.linspace(0, 1, 2000)
    y = noisy(twice, x, 1, 2, 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optimize.OptimizeWarning)
        for popt, _ in both(monkeypatch, twice, x, y, [1, 1, 1], method=method):
            np.testing.assert_allclose([popt[0] + popt[1], popt[2]], np.polyfit(x, y, 1), rtol=1e-8)


def test_a_parameter_without_effect():
    x = np.linspace(0, 1, 2000)
    with pytest.warns(optimize.OptimizeWarning, match="Covariance"):
        popt, pcov = bp.curve_fit(lambda x, a, b: a * x + 0 * b, x, 3 * x, method="lm")
    assert popt == pytest.approx([3, 1]) and np.isinf(pcov).all()


@pytest.mark.parametrize("condition", [1e2, 1e7, 1e12])
def test_cholesky_is_as_exact_as_orthogonal_transformations(condition):
    """Products of columns have the square of the condition; the triangle must not notice."""
    rng = np.random.default_rng(0)
    columns, _ = np.linalg.qr(rng.standard_normal((400, 5)))
    matrix = columns * np.geomspace(1, 1 / condition, 5) @ np.linalg.qr(rng.standard_normal((5, 5)))[0]
    blocks = np.zeros((4, 15, 2))
    from fractions import Fraction

    rows = [[Fraction(v) for v in row] for row in matrix.tolist()]
    for block in range(4):
        at = 0
        for i in range(5):
            for j in range(i + 1):
                total = sum(row[i] * row[j] for row in rows[100 * block : 100 * (block + 1)])
                blocks[block, at] = float(total), float(total - Fraction(float(total)))
                at += 1
    triangle, expected = cholesky(blocks, 5), np.linalg.qr(matrix, mode="r")
    expected *= np.sign(np.diag(expected))[:, None]
    np.testing.assert_allclose(triangle, expected, atol=1e-14 * np.abs(expected).max(), rtol=1e-14 * condition)


def test_same_bits_with_any_number_of_threads():
    x = np.linspace(0, 3, 100_000)
    y = noisy(polynomial, x, 1, 2, 3)
    found = []
    try:
        for n in (1, 2, 3):
            bp.set_num_threads(n)
            found.append(bp.curve_fit(polynomial, x, y, [1, 1, 1]))
    finally:
        bp.set_num_threads(None)
    for popt, pcov in found[1:]:
        np.testing.assert_array_equal(popt, found[0][0])
        np.testing.assert_array_equal(pcov, found[0][1])


def test_data_and_start_are_left_alone():
    x, y, p0 = np.linspace(0, 3, 2000), np.linspace(1, 2, 2000), np.array([1.0, 1.0])
    copies = x.copy(), y.copy(), p0.copy()
    bp.curve_fit(decay, x, y, p0)
    for a, b in zip((x, y, p0), copies, strict=True):
        np.testing.assert_array_equal(a, b)
