"""Formulas to fit that branch on their parameters: Python's if, while, max and the like, a way compiled for each."""

import numpy as np
import pytest

import fastbp as bp
from fastbp.fitting.formula_trainer import FormulaTrainer

RNG = np.random.default_rng(5)
X = np.linspace(-2, 2, 90)
Y = np.where(X > 0.4, 2 * (X - 0.4), 0.3 * X) + 0.05 * RNG.normal(size=90)


def by_hand(gradient, params, rate, batches):
    """Plain SGD; the mean of the losses, weighted by rows."""
    params, losses = np.array(params, float), []
    for x, y in batches:
        loss, slope = gradient(params, x, y)
        losses.append((loss, len(x)))
        params = params - rate * np.array(slope)
    values, rows = zip(*losses, strict=True)
    return params, np.average(values, weights=rows)


def batches_of(size, epochs=1):
    return [(X[i : i + size], Y[i : i + size]) for _ in range(epochs) for i in range(0, len(X), size)]


def if_positive(p, x, y):
    """Another formula on either side of 0, through which the first parameter goes."""
    slope = 3 * p[0] if p[0] > 0 else p[0] - 0.1
    return bp.mean((slope * x + p[1] - y) ** 2)


def largest(p, x, y):
    return bp.mean((max(p[0], p[1]) * x + min(p[0], p[1], 0.2) - y) ** 2)


def passes(p, x, y):
    """As many terms as a parameter says."""
    total, left = 0.0 * x, p[0]
    while left > 0.5:
        total, left = total + p[1] * x**2 * left, left - 1
    return bp.mean((total + p[0] * x - y) ** 2)


def whole(p, x, y):
    return bp.mean((sum(p[1] * x**k for k in range(int(abs(p[0])) + 1)) + p[0] - y) ** 2)


CASES = [
    (if_positive, [-0.2, 0.5]),
    (if_positive, [0.3, -1.0]),
    (largest, [0.5, 0.6]),
    (passes, [2.7, -0.3]),
    (whole, [2.2, 0.5]),
]


@pytest.mark.parametrize(("f", "start"), CASES, ids=lambda case: getattr(case, "__name__", ""))
def test_steps_as_by_hand(f, start):
    """A short last batch has ways of its own."""
    fit = bp.fit_formula(f, (X, Y), start, bp.SGD(0.02), epochs=3, batch_size=40, shuffle=False)
    gradient = bp.value_and_grad(f)
    params, _ = by_hand(gradient, start, 0.02, batches_of(40, 2))
    params, loss = by_hand(gradient, params, 0.02, batches_of(40))
    assert np.allclose(fit.params, params, rtol=1e-11) and fit.loss == pytest.approx(loss, rel=1e-11)


def test_each_way_is_compiled_once():
    arrays = [np.array(X), np.array(Y)]
    trainer = FormulaTrainer(if_positive, arrays, [-0.2, 0.5], bp.SGD(0.05), 32, True, 1)
    trainer.prepare(lambda: None)
    assert trainer.ways == 2  # one for whole batches, one for the last
    for _ in range(40):
        trainer.run()
    assert trainer.parameters[0] > 0 and trainer.ways in (3, 4)


def test_same_bits_for_any_number_of_threads():
    x = np.linspace(-2, 2, 100_000)
    before, runs = bp.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            bp.set_num_threads(threads)
            fit = bp.fit_formula(if_positive, (x, 2 * x), [-0.3, 0.5], bp.SGD(0.05), epochs=3, batch_size=40_000, seed=3)
            runs.append((*fit.params, *fit.history.history["loss"]))
    finally:
        bp.set_num_threads(before)
    assert runs[0][0] > 0 and runs[0] == runs[1] == runs[2]


def test_branches_on_data():
    """On single values of a batch, and on its sums."""

    def f(p, x, y):
        offset = p[1] if y[0] > 0.1 else -p[1]
        return bp.mean((p[0] * x + offset - y) ** 2) if bp.mean(x) > 0 else bp.mean((2 * p[0] * x - y) ** 2)

    fit = bp.fit_formula(f, (X, Y), [0.1, 0.2], bp.SGD(0.05), epochs=2, batch_size=20, shuffle=False)
    params, _ = by_hand(bp.value_and_grad(f), [0.1, 0.2], 0.05, batches_of(20, 2))
    assert np.allclose(fit.params, params, rtol=1e-11)


def test_too_many_ways():
    with pytest.raises(bp.TraceError, match="more than 64 ways"):
        bp.fit_formula(
            lambda p, x: bp.mean((p - x) ** 2) * (1 + 0 * int(1e6 * p)), X, 50.0, bp.SGD(0.01), epochs=100, batch_size=90
        )


def test_in_float32_and_nested():
    data = X.astype("float32"), Y.astype("float32")

    def f(p, x, y):
        steep = p["ramp"]["slope"] if p["ramp"]["slope"] > p["floor"] else p["floor"]
        return bp.mean((steep * x - y) ** 2)

    fit = bp.fit_formula(f, data, {"ramp": {"slope": 0.0}, "floor": 0.2}, bp.SGD(0.05), epochs=30, batch_size=30, seed=0)
    assert fit.params["ramp"]["slope"] == 0.0 and fit.params["floor"] == pytest.approx(np.sum(X * Y) / np.sum(X * X), abs=0.05)


# ---------------------------------------------------------------------------------------------------------- curve_fit


def sided(x, a, b):
    """From a = 1 the way to a negative amplitude leads through 0."""
    return a * np.exp(-b * x) if a > 0 else a * np.exp(-2 * b * x) / (1 + 0.1 * a * a)


def ordered(x, a, b, c):
    """Parameters that may come in any order."""
    low, high = min(b, c), max(b, c)
    return a * (np.exp(-low * x) - np.exp(-high * x))


def series(x, a, b):
    total, k = 0.0, 0
    while k < int(abs(b)) + 1:
        total = total + a * np.cos(k * x) / (1 + k)
        k += 1
    return total + b * x


FITS = [(sided, (-2.0, 0.7), (1.0, 0.5)), (ordered, (2.0, 0.4, 1.7), (1.0, 2.0, 0.1)), (series, (1.5, 0.8), (1.0, 0.5))]


@pytest.mark.parametrize(("f", "truth", "p0"), FITS, ids=lambda case: getattr(case, "__name__", ""))
@pytest.mark.parametrize("rows", [60, 3000])
def test_curves_as_scipy(f, truth, p0, rows):
    """No warning; 3,000 rows are reduced to a few."""
    optimize = pytest.importorskip("scipy.optimize")
    x = np.linspace(0.1, 4, rows)
    y = f(x, *truth) + 0.02 * np.random.default_rng(0).normal(size=rows)
    ours, theirs = bp.curve_fit(f, x, y, p0), optimize.curve_fit(f, x, y, p0, xtol=1e-13, ftol=1e-13, maxfev=10_000)
    cost, best = (np.sum((f(x, *popt) - y) ** 2) for popt in (ours[0], theirs[0]))
    assert cost <= best * (1 + 1e-9)
    assert np.allclose(ours[0], theirs[0], rtol=1e-5) and np.allclose(ours[1], theirs[1], rtol=1e-3)


def test_a_way_for_each_bound_and_sigma():
    optimize = pytest.importorskip("scipy.optimize")
    x = np.linspace(0.1, 4, 50)
    y, sigma = sided(x, -2.0, 0.7) + 0.01 * np.sin(9 * x), np.linspace(0.5, 2, 50)
    covariance = np.diag(sigma**2) + 0.1
    for settings in ({"sigma": sigma}, {"sigma": covariance}, {"bounds": ([-5, 0], [5, 3])}, {"full_output": True}):
        ours = bp.curve_fit(sided, x, y, (1.0, 0.5), **settings)
        theirs = optimize.curve_fit(sided, x, y, (-1.0, 0.5), **settings)
        assert np.allclose(ours[0], theirs[0], rtol=1e-5)
    fit = bp.fit_curve(sided, x, y, {"a": 1.0, "b": 0.5})
    assert fit.params["a"] == pytest.approx(-2, abs=0.1) and np.allclose(fit.best_fit, sided(x, *fit.popt), rtol=1e-12)


def test_other_data_of_the_same_form_has_its_own_way():
    """A branch on the data is looked at anew for each fit."""
    pytest.importorskip("scipy")

    def f(x, a, b):
        return a * x + b if x[0] > 0 else a * x**2 + b

    for x in (np.linspace(0.5, 2, 30), np.linspace(-1, 2, 30), np.linspace(0.5, 3, 30)):
        popt, _ = bp.curve_fit(f, x, f(x, 1.5, -0.3))
        assert np.allclose(popt, [1.5, -0.3], rtol=1e-9)


def test_ways_without_end_are_left_to_scipy():
    pytest.importorskip("scipy")
    x = np.linspace(0, 1, 20)
    f = lambda x, a: a * x + 0 * int(1e4 * a)  # noqa: E731
    with pytest.warns(RuntimeWarning, match="could not trace the formula"):
        popt, _ = bp.curve_fit(lambda x, a: a * x if a * 0 == 0 and [a for _ in range(2000) if a > 0] else x, x, 2 * x)
    assert popt == pytest.approx([2.0])
    assert bp.curve_fit(f, x, 2 * x)[0] == pytest.approx([2.0])
