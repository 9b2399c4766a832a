"""fit_formula: known minima with every optimizer, the oracle's steps, forms of parameters and data, and what ends a fit."""

import _thread
import threading

import numpy as np
import pytest

import fastbp as bp

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, 500)
Y = 3 * X + 1


def line(p, x, y):
    return bp.mean((p[0] * x + p[1] - y) ** 2)


OPTIMIZERS = {
    "sgd": bp.SGD(0.3),
    "momentum": bp.SGD(0.05, momentum=0.9),
    "nesterov": bp.SGD(0.05, momentum=0.9, nesterov=True),
    "rmsprop": bp.RMSprop(0.003),
    "centered": bp.RMSprop(0.003, momentum=0.5, centered=True),
    "adagrad": bp.Adagrad(0.5),
    "adam": bp.Adam(0.03),
    "amsgrad": bp.Adam(0.03, amsgrad=True),
    "adamw": bp.AdamW(0.03, weight_decay=0.0),
    "nadam": bp.Nadam(0.03),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_finds_the_line(name):
    fit = bp.fit_formula(line, (X, Y), np.zeros(2), OPTIMIZERS[name], epochs=200, seed=0)
    np.testing.assert_allclose(fit.params, [3, 1], atol=5e-3)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_steps_are_those_of_a_network(name, dtype):
    """The same line as a network of one unit: the same steps, to rounding, with a last short batch."""
    x, y = X.astype(dtype), Y.astype(dtype)
    model = bp.Sequential([bp.Dense(1, kernel_initializer="zeros")], dtype=dtype)
    model.compile(OPTIMIZERS[name], "mse")
    history = model.fit(x[:, None], y, batch_size=37, epochs=3, shuffle=False, verbose=0)
    fit = bp.fit_formula(line, (x, y), np.zeros(2), OPTIMIZERS[name], 3, 37, shuffle=False)
    expected = [model.get_weights()[0][0, 0], model.get_weights()[1][0]]
    tolerance = 1e-9 if dtype == "float64" else 2e-4
    np.testing.assert_allclose(fit.params, expected, rtol=tolerance)
    np.testing.assert_allclose(fit.history.history["loss"], history.history["loss"], rtol=max(tolerance, 1e-3))


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_rosenbrock(name):
    def f(p, x):
        return bp.mean(100 * (p["y"] - p["x"] ** 2) ** 2 + (1 - p["x"]) ** 2 + 0 * x)

    optimizer = bp.SGD(1e-3, momentum=0.9) if name == "sgd" else bp.Adam(0.01)
    fit = bp.fit_formula(f, np.zeros(4), {"x": -1.0, "y": 1.5}, optimizer, epochs=8000)
    assert fit.params["x"] == pytest.approx(1, abs=1e-3) and fit.params["y"] == pytest.approx(1, abs=2e-3)


def test_forms_of_parameters():
    def f(p, x, y):
        (a, b), k = p["line"], p["k"]
        return bp.mean((a * x + b + k[0] * x**2 + k[1] * x**3 + p["deep"][0]["c"] - y) ** 2)

    start = {"line": (0, 0.0), "k": np.array([0, 0]), "deep": [{"c": np.float32(0)}]}
    fit = bp.fit_formula(f, (X, Y + X**2 - 2 * X**3), start, bp.Adam(0.05), epochs=400, seed=0)
    assert isinstance(fit.params["line"], tuple) and isinstance(fit.params["deep"], list)
    assert type(fit.params["line"][0]) is float and fit.params["k"].dtype == np.float64
    np.testing.assert_allclose(fit.params["k"], [1, -2], atol=1e-3)
    assert start["k"].tolist() == [0, 0] and start["line"] == (0, 0.0)
    single = bp.fit_formula(lambda p, x: bp.mean((x - p) ** 2), X, 0.0, bp.SGD(0.1), epochs=50, batch_size=500)
    assert single.params == pytest.approx(X.mean(), abs=1e-4)


@pytest.mark.parametrize("order", ["C", "F", "strided", "list", "frame"])
def test_data_of_several_columns(order):
    data = RNG.normal(size=(300, 3))
    y = data @ [1.0, -2.0, 0.5] + 0.3
    x = {"C": data, "F": np.asfortranarray(data), "strided": np.repeat(data, 2, 0)[::2], "list": data.tolist()}.get(order)
    if order == "frame":
        import pandas as pd

        x = pd.DataFrame(data)
    for f in (
        lambda p, x, y: bp.mean((x @ p["w"] + p["b"] - y) ** 2),
        lambda p, x, y: bp.mean((p["w"][0] * x[:, 0] + p["w"][1] * x[:, 1] + p["w"][2] * x[:, -1] + p["b"] - y) ** 2),
        lambda p, x, y: bp.mean((sum(w * c for w, c in zip(p["w"], x.T, strict=True)) + p["b"] - y) ** 2),
    ):
        fit = bp.fit_formula(f, (x, y), {"w": np.zeros(3), "b": 0.0}, bp.Adam(0.05), epochs=150, seed=1)
        np.testing.assert_allclose(fit.params["w"], [1, -2, 0.5], atol=1e-3)


def test_memory_mapped_data(tmp_path):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    ours, theirs = (bp.fit_formula(line, (x, Y), np.zeros(2), epochs=5, seed=3) for x in (mapped, X))
    np.testing.assert_array_equal(ours.params, theirs.params)


def test_a_loss_that_is_no_square():
    """The median by the absolute error, and a quantile by the pinball loss."""
    x = RNG.exponential(size=20_001)

    def pinball(q, x):
        return bp.mean(bp.maximum(0.9 * (x - q), -0.1 * (x - q)))

    median = bp.fit_formula(lambda m, x: bp.mean(abs(x - m)), x, 0.0, bp.SGD(0.01), 30, 256, seed=0).params
    quantile = bp.fit_formula(pinball, x, 0.0, bp.SGD(0.02), 60, 256, seed=0).params
    assert median == pytest.approx(np.median(x), abs=0.02) and quantile == pytest.approx(np.quantile(x, 0.9), abs=0.1)


def test_large_batches_have_the_same_bits_with_any_number_of_threads():
    x = RNG.normal(size=100_000)
    y, found = np.sin(x), []
    try:
        for n in (1, 2, 3):
            bp.set_num_threads(n)
            fit = bp.fit_formula(line, (x, y), np.zeros(2), epochs=3, batch_size=40_000, seed=0)
            found.append([*fit.params, *fit.history.history["loss"]])
    finally:
        bp.set_num_threads(None)
    assert found[0] == found[1] == found[2]


def test_seed_and_shuffle():
    def run(seed, **settings):
        return bp.fit_formula(line, (X, Y + X**2), np.zeros(2), epochs=2, seed=seed, **settings).params.tolist()

    assert run(1) == run(1) != run(2)
    assert run(1, shuffle=False) == run(2, shuffle=False)


def test_result_and_progress(capsys):
    fit = bp.fit_formula(line, (X, Y), np.zeros(2), epochs=3, verbose=2)
    assert fit.history.epoch == [0, 1, 2] and fit.loss == fit.history.history["loss"][-1]
    assert fit.history.params["steps"] == 16 and all(rate > 0 for rate in fit.history.samples_per_second)
    assert capsys.readouterr().out.count("Epoch") == 3
    bp.fit_formula(line, (X, Y), np.zeros(2), epochs=1)
    assert not capsys.readouterr().out


def test_divergence_leaves_the_last_finished_epoch():
    small = bp.fit_formula(line, (X, Y), np.zeros(2), bp.SGD(30.0), epochs=2, shuffle=False, batch_size=250)
    with pytest.raises(bp.TrainingDiverged) as caught:
        bp.fit_formula(line, (X, Y), np.zeros(2), bp.SGD(30.0), epochs=10_000, shuffle=False, batch_size=250)
    error = caught.value
    assert error.epoch > 2 and error.step in (1, 2) and np.isfinite(error.result.params).all()
    assert error.result.history.history["loss"][:2] == small.history.history["loss"]
    assert len(error.result.history.epoch) == error.epoch - 1
    with pytest.raises(bp.TrainingDiverged) as caught:  # the loss is finite at the last step, the parameters are not after it
        bp.fit_formula(lambda p, x: bp.mean(bp.sqrt(p) + 0 * x), X, 0.0, bp.SGD(1.0), epochs=1, batch_size=500)
    assert caught.value.result.params == 0.0


def test_an_interrupt_hands_over_what_there_is():
    x = RNG.normal(size=2_000_000)
    y = 2 * x
    bp.fit_formula(line, (x[:100], y[:100]), np.zeros(2), epochs=1)
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        bp.fit_formula(line, (x, y), np.zeros(2), bp.SGD(1e-7), epochs=100_000)
    timer.join()
    assert np.isfinite(caught.value.result.params).all()
    assert 0 < caught.value.result.params[0] < 2
    assert bp.fit_formula(line, (X, Y), np.zeros(2), epochs=1).params[0] > 0  # the team is whole


def test_a_formula_compiles_once():
    from fastbp.kernels.simd import native

    bp.fit_formula(line, (X, Y), np.zeros(2), epochs=1)
    before = len(native._loaded)
    for rows, batch in [(500, 7), (400, 64), (100, 100), (5, 10)]:
        bp.fit_formula(line, (X[:rows], Y[:rows]), np.zeros(2), bp.SGD(), epochs=1, batch_size=batch)
    assert len(native._loaded) == before


@pytest.mark.parametrize(
    ("arguments", "settings", "kind", "message"),
    [
        ((3, (X, Y), 0.0), {}, TypeError, "f must be a function"),
        ((line, (X, Y[1:]), [0.0, 0.0]), {}, ValueError, "same number of rows in each array, got 500, 499"),
        ((line, (), [0.0, 0.0]), {}, ValueError, "at least one array"),
        ((line, (X, [[[1.0]]]), [0.0, 0.0]), {}, ValueError, r"data\[1\] must have shape"),
        ((line, (X, np.full(500, np.nan)), [0.0, 0.0]), {}, ValueError, r"data\[1\] must be finite"),
        ((line, (X, ["a"] * 500), [0.0, 0.0]), {}, TypeError, r"data\[1\] must hold real numbers"),
        ((line, (X, Y), [0.0, "b"]), {}, TypeError, r"params\[1\] must be a finite number"),
        ((line, (X, Y), []), {}, ValueError, "params must hold 1 to"),
        ((line, (X, Y), [0.0, 0.0]), {"optimizer": "adamm"}, ValueError, "Did you mean 'adam'"),
        ((line, (X, Y), [0.0, 0.0]), {"epochs": -1}, ValueError, "epochs must be"),
        ((line, (X, Y), [0.0, 0.0]), {"batch_size": 0}, ValueError, "batch_size must be"),
        ((line, (X, Y), [0.0, 0.0]), {"shuffle": 1}, TypeError, "shuffle must be"),
        ((line, (X, Y), [0.0, 0.0]), {"seed": -1}, ValueError, "seed must be"),
        ((line, (X, Y), [0.0, 0.0]), {"verbose": 7}, ValueError, "verbose must be"),
        ((lambda p, x, y: p * x - y, (X, Y), 0.0), {}, bp.TraceError, "must give a single number, not 32 values"),
        ((lambda p, x: bp.mean(p * x if x > 0 else -x), (X,), 0.0), {}, bp.TraceError, "branch on a value"),
    ],
)
def test_errors(arguments, settings, kind, message):
    with pytest.raises(kind, match=message):
        bp.fit_formula(*arguments, **settings)


def test_a_schedule_is_refused():
    """Rather than followed at its first rate only."""
    schedule = bp.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    with pytest.raises(ValueError, match="optimizer must have a number as its learning_rate.*ExponentialDecay"):
        bp.fit_formula(lambda p, x: bp.mean((x - p) ** 2), np.ones(10), 0.0, optimizer=bp.Adam(schedule))


def test_parameters_of_any_form():
    from collections import namedtuple

    pair = namedtuple("pair", "slope rest")
    f = lambda p, x, y: bp.mean((p.slope * x + p.rest["b"][0] - y) ** 2)  # noqa: E731
    fit = bp.fit_formula(f, (X, 3 * X + 1), pair(0.0, {"b": [0.0], "none": None}), bp.SGD(0.1), epochs=2, batch_size=500)
    twin = bp.fit_formula(line, (X, 3 * X + 1), [0.0, 0.0], bp.SGD(0.1), epochs=2, batch_size=500)
    assert type(fit.params) is pair and list(fit.params.rest) == ["b", "none"] and fit.params.rest["none"] is None
    assert [fit.params.slope, *fit.params.rest["b"]] == pytest.approx(twin.params, rel=1e-14)
