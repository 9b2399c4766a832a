"""Levenberg and Marquardt's method: where the minimum is known, against one step in NumPy, and on a curve."""

import numpy as np
import pytest

from fastbp import Dense, Input, Sequential, optimizers

RNG = np.random.default_rng(0)
X = np.linspace(-1, 1, 200).reshape(-1, 1)
CURVES = {"sine": np.sin(3 * X), "bell": np.exp(-4 * X**2), "Runge's": 1 / (1 + 25 * X**2)}


def network(*units, seed=0, dtype="float64", **settings):
    model = Sequential([*(Dense(n, "tanh") for n in units), Dense(1)], seed=seed, dtype=dtype)
    model.compile(optimizers.LevenbergMarquardt(**settings), "mse")
    return model


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_linear_network_is_at_the_least_squares_at_once(outputs, weighted):
    x, y = RNG.normal(size=(60, 4)), RNG.normal(size=(60, outputs))
    weights = RNG.uniform(0, 2, 60) if weighted else np.ones(60)
    model = Sequential([Dense(outputs)], seed=0, dtype="float64")
    model.compile(optimizers.LevenbergMarquardt(damping=1e-12), "mse")
    history = model.fit(x, y, epochs=20, verbose=0, sample_weight=weights if weighted else None)
    roots = np.sqrt(weights)[:, None]
    expected = np.linalg.lstsq(np.c_[x, np.ones(60)] * roots, y * roots, rcond=None)[0]
    assert np.vstack(model.get_weights()) == pytest.approx(expected, abs=1e-9)
    assert history.converged and len(history.epoch) <= 3
    assert history.history["loss"][0] == pytest.approx(history.history["loss"][-1], rel=1e-9)


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_smooth_curve_to_high_accuracy(curve, seed):
    history = network(10, seed=seed).fit(X, CURVES[curve], epochs=250, verbose=0)
    assert history.history["loss"][-1] < 1e-8
    assert history.history["loss"] == sorted(history.history["loss"], reverse=True)


def test_the_first_step():
    """The point that it comes to is that of the formulas, with derivatives by differences of outputs."""
    x, y = RNG.normal(size=(30, 2)), RNG.normal(size=(30, 1))
    model = network(3, damping=0.1)
    model.build(2)
    start = np.concatenate([w.ravel() for w in model.get_weights()])
    ends = np.cumsum([w.size for w in model.get_weights()])[:-1]
    shapes = [w.shape for w in model.get_weights()]

    def outputs(p):
        a, b, c, d = (part.reshape(shape) for part, shape in zip(np.split(p, ends), shapes, strict=True))
        return (np.tanh(x @ a + b) @ c + d).ravel()

    J = np.stack([(outputs(start + e) - outputs(start - e)) / 2e-6 for e in 1e-6 * np.eye(len(start))], axis=1)
    r = outputs(start) - y.ravel()
    damped = J.T @ J + 0.1 * np.diag(J.T @ J).max() * np.eye(len(start))
    v = -np.linalg.solve(damped, J.T @ r)
    bend = (outputs(start + 0.01 * v) - 2 * outputs(start) + outputs(start - 0.01 * v)) / 1e-4
    a = -np.linalg.solve(damped, J.T @ bend)
    history = model.fit(x, y, epochs=1, verbose=0)
    found = np.concatenate([w.ravel() for w in model.get_weights()])
    assert found == pytest.approx(start + v + a / 2, abs=2e-4 * np.abs(v).max())
    assert found != pytest.approx(start + v, abs=1e-2 * np.abs(a).max())
    assert history.history["loss"] == [pytest.approx(np.mean((outputs(found) - y.ravel()) ** 2))]


def test_frozen_layers_and_more_weights_than_samples():
    x, y = RNG.normal(size=(12, 3)), RNG.normal(size=(12, 2))
    model = Sequential([Input((3,)), Dense(20, "tanh", trainable=False), Dense(9, "gelu"), Dense(2)], seed=0, dtype="float64")
    model.compile("lm", "mse")
    before = model.get_weights()
    history = model.fit(x, y, epochs=60, verbose=0)
    assert history.history["loss"][-1] < 1e-12
    for i, (ours, start) in enumerate(zip(model.get_weights(), before, strict=True)):
        assert np.array_equal(ours, start) == (i < 2)


def test_single_precision():
    history = network(10, dtype="float32").fit(X, CURVES["bell"], epochs=60, verbose=0)
    assert history.history["loss"][-1] < 1e-6


def test_a_network_that_is_perfect_already():
    model = network(4)
    model.build(1)
    history = model.fit(X, model.predict(X), epochs=5, verbose=0)
    assert history.converged and history.history["loss"] == [0.0] and "gtol" in history.message


@pytest.mark.parametrize(
    ("settings", "word"),
    [({"ftol": 0.5}, "ftol"), ({"xtol": 0.5, "damping": 1e3}, "xtol"), ({"gtol": 10.0}, "gtol")],
)
def test_why_it_has_ended(settings, word):
    history = network(5, **settings).fit(X, CURVES["sine"], epochs=50, verbose=0)
    assert history.converged and word in history.message and len(history.epoch) < 50


@pytest.mark.parametrize("loss", ["mae", "binary_crossentropy", "huber", lambda y_true, y_pred: (y_true - y_pred) ** 2])
def test_other_losses_are_refused(loss):
    model = Sequential([Dense(1)])
    model.compile("adam", "mae")
    with pytest.raises(ValueError, match="loss must be 'mean_squared_error' for LevenbergMarquardt.*LBFGS takes any loss"):
        model.compile("lm", loss)
    assert model.optimizer.name == "adam" and model.loss.name == "mean_absolute_error"


def test_too_many_weights():
    model = network(100, 100)
    with pytest.raises(ValueError, match=r"max_parameters=5000 .* got 10401: .* 1.7 GB of memory"):
        model.fit(X, X, verbose=0)
    assert not model.built
    small = network(3, max_parameters=9)
    with pytest.raises(ValueError, match="got 10"):
        small.fit(X, X, verbose=0)
    small = Sequential([Input((1,)), Dense(3, "tanh", trainable=False), Dense(1)])
    small.compile(optimizers.LevenbergMarquardt(max_parameters=4), "mse")
    assert small.fit(X, X, verbose=0).epoch == [0]
