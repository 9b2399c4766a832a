"""curve_fit where derivatives are 0 times infinity, where data determine nothing, and on unusual data and formulas."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

import fastbp as bp
from fastbp.fitting import residuals

T = np.linspace(0, 5, 40)
FAR = np.linspace(0, 2000, 60)
NEAR_AND_FAR = np.append(T + 997.5, FAR)
UNKNOWN = "Covariance of the parameters could not be estimated"

# -- residuals are finite, the chain rule meets 0 times infinity: formula, x, true parameters, start
FORMULAS = {
    "stretched exponential": (lambda x, a, t, b: a * np.exp(-((x / t) ** b)), T, (2, 1.5, 0.6), (1, 1, 0.8)),
    "compressed exponential": (lambda x, a, t, b: a * np.exp(-((x / t) ** b)), T, (2, 1.5, 1.4), (1, 1, 1.2)),
    "Weibull": (lambda x, k, s: 1 - np.exp(-((x / s) ** k)), T, (0.7, 1.2), (0.9, 1)),
    "Weibull density": (lambda x, k, s: k / s * (x / s) ** (k - 1) * np.exp(-((x / s) ** k)), T, (1.7, 1.2), (1.9, 1)),
    "Freundlich": (lambda x, k, n: k * x**n, T, (2, 0.4), (1, 0.6)),
    "Freundlich, 1/n": (lambda x, k, n: k * x ** (1 / n), T, (2, 2.4), (1, 1.6)),
    "diffusion": (lambda t, d: np.sqrt(4 * d * t), T, (0.7,), (1,)),
    "diffusion and offset": (lambda t, d, c: np.sqrt(4 * d * t) + c, T, (0.7, 0.2), (1, 0)),
    "anomalous diffusion": (lambda t, d, n: np.sqrt(4 * d * t**n), T, (0.7, 0.6), (1, 0.9)),
    "Hill": (lambda x, v, k, n: v * x**n / (k**n + x**n), T, (2, 1.5, 0.8), (1, 1, 0.9)),
    "Hill of k / x": (lambda x, v, k, n: v / (1 + (k / x) ** n), T, (2, 1.5, 1.8), (1, 1, 1.1)),
    "four parameters": (lambda x, a, b, c, d: d + (a - d) / (1 + (x / c) ** b), T, (0.1, 0.8, 1.5, 2), (0, 1, 1, 1)),
    "Arrhenius": (lambda x, a, b: a * np.exp(-b / x), T, (2, 1.5), (1, 1)),
    "logistic": (lambda x, a, k, c: a / (1 + np.exp(-k * (x - c))), NEAR_AND_FAR, (3, 2.0, 1000.3), (2, 1.5, 999)),
    "logistic step": (lambda x, k, c: 1 / (1 + np.exp(-k * (x - c))), NEAR_AND_FAR, (2.0, 1000.3), (1.5, 999)),
    "Planck": (lambda x, a, b: a * x**3 / (np.exp(b * x) - 1), FAR[1:], (0.01, 0.02), (0.02, 0.01)),
    "hyperbolic secant": (lambda x, a, b: a / np.cosh(b * x), np.append(T, FAR), (2, 0.5), (1, 0.8)),
    "root of a power": (lambda x, a, n: a * np.sqrt(x**n), T, (2, 1.5), (1, 1)),
    "Cole and Cole": (lambda x, a, b, c: a / (1 + (x / b) ** c), T, (2, 1.5, 0.6), (1, 1, 0.9)),
    "Sips": (lambda x, q, k, n: q * (k * x) ** n / (1 + (k * x) ** n), T, (2, 1.5, 0.6), (1, 1, 0.9)),
    "Toth": (lambda x, q, k, n: q * k * x / (1 + (k * x) ** n) ** (1 / n), T, (2, 1.5, 0.6), (1, 1, 0.9)),
    "Langmuir of a root": (lambda x, q, k: q * np.sqrt(k * x) / (1 + np.sqrt(k * x)), T, (2, 0.6), (1, 0.9)),
    "tanh of a root": (lambda x, q, k: q * np.tanh(np.sqrt(k * x)), T, (2, 0.6), (1, 0.9)),
    "erf of 1 / root": (lambda x, q, k: q * bp.erf(1 / np.sqrt(k * x)), T, (2, 0.6), (1, 0.9)),
    "Avrami": (lambda t, k, n: 1 - np.exp(-k * t**n), T, (0.7, 0.6), (1, 0.9)),
    "cube root": (lambda x, a: np.abs(a * x) ** (1 / 3), T, (2,), (1,)),
    "cube root of a cube": (lambda x, a: ((a * x) ** 3) ** (1 / 3), T, (2,), (0,)),
    "root from zero": (lambda x, a, b: np.sqrt(a * x) + b, T[1:], (2, 0.7), (0, 0.5)),
    "two in series": (lambda x, a, b: 1 / (1 / (a * x) + 1 / (b * x * x)), T, (2, 0.7), (1, 1)),
    "saturation of 1 / x": (lambda x, a, b: a / (1 + b / x), T, (0.7, 1.2), (0.9, 1)),
    "log-normal": (lambda x, a, b, c: a * np.exp(-((np.log(x) - b) ** 2) / (2 * c * c)), T, (0.7, 0.2, 1), (0.9, 0, 0.8)),
    "half circle": (lambda x, a: a * np.arccos(1 - a * x / 10), T, (2,), (1,)),
}


@pytest.mark.parametrize(("method", "rows"), [(None, 1), ("trf", 40)], ids=["lm", "much data, trf"])
@pytest.mark.parametrize("name", FORMULAS)
def test_as_good_as_scipy_where_slopes_are_not_numbers(name, method, rows):
    f, x, truth, start = FORMULAS[name]
    x = np.tile(x, rows)
    with np.errstate(all="ignore"):
        y = f(x, *truth) + 0.02 * np.random.default_rng(3).standard_normal(x.size)
        theirs, covariance = optimize.curve_fit(f, x, y, start, method=method, ftol=1e-14, xtol=1e-14)
        best = np.sum((f(x, *theirs) - y) ** 2)
    ours, ours_covariance = bp.curve_fit(f, x, y, start, method=method)
    with np.errstate(all="ignore"):
        assert np.sum((f(x, *ours) - y) ** 2) <= best * (1 + 1e-9)
    np.testing.assert_allclose(ours, theirs, rtol=2e-4)
    np.testing.assert_allclose(ours_covariance, covariance, rtol=5e-3, atol=5e-3 * np.abs(covariance).max())


# -- forward mode


@pytest.mark.parametrize(
    ("f", "p", "x", "expected"),
    [
        (lambda p, x: p[0] * x ** p[1], [2.0, 0.5], [0.0, 1.0, 1.0], [[0, 0], [1, 0], [1, 0]]),
        (lambda p, x: np.sqrt(p[0] * x), [4.0], [0.0, 1.0], [[0], [0.25]]),
        (lambda p, x: np.sqrt(x ** p[0]), [2.0], [0.0, 1.0], [[0], [0]]),
        (lambda p, x: (x / p[0]) ** 0.5, [1.0], [0.0, 4.0], [[0], [-1]]),
        (
            lambda p, x: np.sqrt((p[0] * x) ** 2 + (p[1] * x) ** 2),
            [3.0, 4.0],
            [0.0, 1.0, 2.0],
            [[0, 0], [0.6, 0.8], [1.2, 1.6]],
        ),
        (lambda p, x: np.arccos(1 - p[0] * x), [1.0], [0.0, 1.0], [[0], [1]]),
        (lambda p, x: np.sqrt(x) * 0.0 + np.sqrt(np.sign(p[0]) * x), [2.0], [0.0, 1.0], [[0], [0]]),
        (lambda p, x: np.sqrt((x - 1.0) * p[0]) ** 1.0 + p[1], [1.0, 0.0], [1.0, 2.0, 5.0], [[0, 1], [0.5, 1], [1, 1]]),
        (lambda p, x: np.where(x > 0, x, 0.0) ** p[0] * p[1], [0.5, 2.0], [0.0, -1.0, 1.0], [[0, 0], [0, 0], [0, 1]]),
    ],
)
def test_a_rate_that_is_zero_whatever_the_parameters_are_is_not_multiplied(f, p, x, expected):
    np.testing.assert_allclose(bp.jacobian(f)(np.array(p), np.array(x)), expected, atol=1e-15)


def test_unused_parameters_in_forward_mode():
    """Each result depends on one parameter; the slope of the first is infinite where it stands."""
    found = bp.jacobian(lambda p: bp.stack([bp.sqrt(p[0]), p[1], p[1] * 2, bp.sqrt(p[0]) + p[1]]))([0.0, 1.0])
    np.testing.assert_array_equal(found, [[np.inf, 0], [0, 1], [0, 2], [np.inf, 1]])


def test_a_zero_that_parameters_make_is_no_proof():
    """The slope of the cube root of a cube is 1 also at 0: better NaN, as in JAX, than a wrong 0."""
    assert np.isnan(bp.jacobian(lambda a, x: ((a * x) ** 3) ** (1 / 3))(0.0, np.array([1.0, 2.0]))).all()


# -- parameters that the data do not determine

ALIKE = {
    "(a + b) x": (lambda x, a, b: (a + b) * x, 2),
    "a b x": (lambda x, a, b: a * b * x, 2),
    "a exp(c - b x)": (lambda x, a, b, c: a * np.exp(c - b * x), 3),
    "two factors": (lambda x, a, b, c, d: a * d * np.exp(-b * x) + c, 4),
    "rational": (lambda x, a, b, c, d: (a + b * x) / (c + d * x), 4),
    "two phases": (lambda x, a, b, c, d: a * np.sin(b * x + c + d), 4),
    "log": (lambda x, a, b, c: a * np.log(b * x) + c, 3),
    "power": (lambda x, a, b, c: a * (b * x) ** c, 3),
    "polynomials": (lambda x, a, b, c, d, e: a + b * x + c * x**2 + d * (1 + x) ** 2 + e, 5),
    "sin and cos": (lambda x, a, b, c: a * np.sin(x) ** 2 + b * np.cos(x) ** 2 + c, 3),
    "a large offset": (lambda x, a, b, c: 1e9 * a * (x + 1e6) + 1e-9 * b * x + c, 3),
    "an unused one": (lambda x, a, b: a * x, 2),
    "times zero": (lambda x, a, b: a * x + 0 * b, 2),
}


@pytest.mark.parametrize("method", [None, "lm", "trf", "dogbox"])
@pytest.mark.parametrize("rows", [50, 1500])
@pytest.mark.parametrize("name", ALIKE)
def test_undetermined(name, rows, method):
    f, count = ALIKE[name]
    rng = np.random.default_rng(len(name))
    x, truth = np.linspace(0.1, 3, rows), rng.uniform(0.5, 1.5, count)
    y = f(x, *truth)
    y = y + 0.01 * np.abs(y).max() * rng.standard_normal(rows)
    with pytest.warns(optimize.OptimizeWarning, match=UNKNOWN):
        popt, pcov = bp.curve_fit(f, x, y, truth * 1.02, method=method)
    assert np.isinf(pcov).all() and pcov.shape == (count, count)
    assert np.sum((f(x, *popt) - y) ** 2) <= np.sum((f(x, *truth) - y) ** 2)


def linear(x, *p):
    """x has a row for each parameter."""
    return sum(a * row for a, row in zip(p, x, strict=True))


@pytest.mark.parametrize("rows", [40, 1200])
@pytest.mark.parametrize("seed", range(12))
def test_linear_problems_of_any_scale(seed, rows):
    """A column made of the others, or nearly so: only the first counts, whatever the columns' scales are."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 6))
    x = rng.standard_normal((count, rows))
    apart = 0.0 if seed % 2 else 10.0 ** rng.uniform(-7, 0)
    x[-1] = rng.standard_normal(count - 1) @ x[:-1] + apart * rng.standard_normal(rows)
    scale = 10.0 ** rng.uniform(-8, 8, count)
    x = x[rng.permutation(count)] * scale[:, None]
    y = linear(x, *(rng.standard_normal(count) / scale)) + 0.1 * rng.standard_normal(rows)
    for method in ("lm", "trf"):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            _, pcov = bp.curve_fit(linear, x, y, np.ones(count) / scale, method=method)
        if not apart:
            assert np.isinf(pcov).all() and [str(w.message) for w in seen] == [UNKNOWN]
            continue
        assert not seen
        unit = x / scale[:, None]
        residual = y - unit.T @ np.linalg.lstsq(unit.T, y)[0]
        inverse = np.linalg.pinv(unit.T) @ np.linalg.pinv(unit.T).T
        expected = inverse * np.sum(residual**2) / (rows - count)
        np.testing.assert_allclose(pcov * np.outer(scale, scale), expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize(("degree", "low", "high"), [(2, 1990, 2020), (3, 1990, 2020), (10, -9, -3), (12, 0, 1)])
@pytest.mark.parametrize("rows", [82, 3000])
def test_nearly_alike_is_not_alike(degree, low, high, rows):
    def polynomial(x, *p):
        return sum(a * x**k for k, a in enumerate(p))

    x = np.linspace(low, high, rows)
    _, pcov = bp.curve_fit(polynomial, x, np.sin(x), np.ones(degree + 1))
    assert np.isfinite(pcov).all() and (np.diag(pcov) > 0).all()


@pytest.mark.parametrize("rows", [50, 1500])
def test_covariance_where_nothing_is_left_to_gain(rows, monkeypatch):
    """MINPACK may end with 8, which is no success by its own rules and comes without a covariance."""
    x = np.linspace(0, 4, rows)
    y = decay(x, 2.5, 1.3) + 0.1 * np.random.default_rng(0).standard_normal(rows)
    expected = bp.curve_fit(decay, x, y, method="lm")
    original = optimize.leastsq

    def ending(*args, **settings):
        popt, _, info, _, _ = original(*args, **settings)
        return popt, None, info, "gtol is too small", 8

    monkeypatch.setattr(optimize, "leastsq", ending)
    for a, b in zip(bp.curve_fit(decay, x, y, method="lm"), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


# -- kinds of data


def decay(x, a, b):
    return a * np.exp(-b * x)


X = np.linspace(0, 4, 50)
Y = decay(X, 2.5, 1.3) + 0.1 * np.random.default_rng(0).standard_normal(50)


def test_a_table_is_what_it_is_for_scipy():
    """A table as large as it is wide: x[0] is its first column, not its first row."""
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 2, (30, 30))
    table = pd.DataFrame(values)
    y = 2.0 * values[:, 0] - 3.0 * values[:, 1] + 0.1 * rng.standard_normal(30)

    def plane(x, a, b):
        return a * x[0] + b * x[1]

    with pytest.warns(RuntimeWarning, match="could not trace"):
        ours = bp.curve_fit(plane, table, y)
    expected = np.linalg.lstsq(values[:, :2], y)[0]
    np.testing.assert_allclose(ours[0], expected, rtol=1e-6)
    for a, b in zip(ours, optimize.curve_fit(plane, table, y), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(bp.curve_fit(plane, table.to_numpy().T, y)[0], expected, rtol=1e-12)


def test_series():
    index = np.arange(50)[::-1] + 100
    x, y, sigma = (pd.Series(v, index=index) for v in (X, Y, 0.1 + 0.01 * X))
    expected = bp.curve_fit(decay, X, Y, sigma=0.1 + 0.01 * X)
    for found in (bp.curve_fit(decay, x, y, sigma=sigma), bp.curve_fit(decay, x, Y, sigma=list(sigma))):
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)


# -- kinds of formulas

PAIR = np.stack([X, X**2])


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x, a, b: [a * v + b for v in x], X),
        (lambda x, a, b: tuple(a * v + b for v in x), X),
        (lambda x, a, b: np.array([a * v + b for v in x]), X),
        (lambda x, a, b: np.stack([a * v + b for v in x]), X),
        (lambda x, a, b: a * x[::-1] + b, X),
        (lambda x, a, b: a * x[np.argsort(-X)] + b, X),
        (lambda x, a, b: np.concatenate([a * x[:20] + b, b - x[20:]]), X),
        (lambda x, a, b: np.cumsum(a * x) + b, X),
        (lambda x, a, b: (x.T @ np.array([a, 0.0])) + b, PAIR),
        (lambda x, a, b: np.sum(x, axis=0) * a + b, PAIR),
        (lambda x, a, b: (a * x + b)[0], PAIR),
        (lambda x, a, b: a * np.interp(x, [0, 4], [1, 2]) + b, list(X)),
    ],
)
def test_a_formula_of_any_kind_gives_what_it_gives_with_scipy(f, x):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "curve_fit could not trace the formula", RuntimeWarning)
        ours = bp.curve_fit(f, x, Y)
    for a, b in zip(ours, optimize.curve_fit(f, x, Y), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("f", "x", "message"),
    [
        (lambda x, a, b: (a * x, b * x), X, r"f must give one value for each of the 50 values in ydata, got shape \(2, 50\)"),
        (lambda x, a, b: a * x[:, None] + b, X, r"got shape \(50, 1\)"),
        (lambda x, a, b: a * x + b, PAIR, r"got shape \(2, 50\)"),
        (lambda x, a, b: a * x[:-1] + b, X, "broadcast"),
        (lambda x, a, b: [a, b], X, "broadcast"),
    ],
)
def test_what_no_fit_can_use_is_said_clearly(f, x, message):
    with pytest.raises(ValueError, match=message) as caught:
        bp.curve_fit(f, x, Y)
    assert caught.value.__context__ is None  # and nothing else


# -- the caller's settings


@pytest.mark.parametrize("method", [None, "trf", "dogbox"])
@pytest.mark.parametrize("rows", [50, 2000])
def test_floating_point_errors_that_the_caller_wants_to_see(method, rows):
    """All that overflows on the way to the minimum is curve_fit's own business."""
    x = np.linspace(0, 4, rows)
    y = decay(x, 2.5, 1.3) + 0.1 * np.random.default_rng(0).standard_normal(rows)
    expected = bp.curve_fit(decay, x, y, [1, 1], method=method)
    with np.errstate(all="raise"):
        for start, data in [([1, 1], (x, y)), ([1, 1], (x.astype(np.longdouble), list(y))), ([1, 30], (x, y))]:
            popt, _ = bp.curve_fit(decay, *data, start, method=method)
            np.testing.assert_allclose(popt, expected[0], rtol=1e-6)
        bp.curve_fit(decay, x, y, [1, 1], sigma=np.full(rows, 1e-20), method=method)
        step, far, truth, start = FORMULAS["logistic step"]
        with np.errstate(all="ignore"):
            z = step(np.resize(far, rows), *truth)
        popt, _ = bp.curve_fit(step, np.resize(far, rows), z, start, method=method)
        np.testing.assert_allclose(popt, truth, rtol=1e-9)


def test_arguments_that_scipy_takes_too():
    bp.curve_fit(decay, X, Y, col_deriv=1)
    bp.curve_fit(decay, X, Y, bounds=(0, 9), max_nfev=None)
    seen = []
    callback = {"callback": lambda intermediate_result: seen.append(intermediate_result.fun.shape)}
    try:
        optimize.curve_fit(decay, X, Y, method="trf", **callback)
    except TypeError:
        pytest.skip("a scipy without callback=")
    seen.clear()
    bp.curve_fit(decay, np.tile(X, 40), np.tile(Y, 40), method="trf", **callback)
    assert set(seen) == {(2000,)}


def test_a_minimum_with_an_edge():
    """Tolerances as tight as float64 are never met there; scipy's are."""

    def cusp(x, a, c, n):
        return a * np.abs(x - c) ** n

    x = np.linspace(-2, 2, 41)
    y = cusp(x, 2, 0.3, 0.7) + 0.02 * np.random.default_rng(3).standard_normal(41)
    for method in ("lm", "trf"):
        theirs = optimize.curve_fit(cusp, x, y, (1, 0, 0.8), method=method)[0]
        ours = bp.curve_fit(cusp, x, y, (1, 0, 0.8), method=method)[0]
        np.testing.assert_allclose(ours, theirs, rtol=1e-3)


def test_differences_where_the_chain_rule_fails(monkeypatch):
    """1 / (1 / (a x) + 1 / b) at b = 0 is 0 and its slope by b is 1: all that curve_fit asks for is right there."""
    x = np.linspace(1, 2, 1200)
    model = lambda x, a, b: 1 / (1 / (a * x) + 1 / b)  # noqa: E731
    y = model(x, 2.0, 3.0)
    for reduce in (True, False):
        monkeypatch.setattr(residuals, "can_reduce", lambda rows, count, reduce=reduce: reduce)
        popt, pcov = bp.curve_fit(model, x, y, [1.0, 0.0], sigma=1 + x)
        np.testing.assert_allclose(popt, [2, 3], rtol=1e-9)
        assert np.isfinite(pcov).all()
