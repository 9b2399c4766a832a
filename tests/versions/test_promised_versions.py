"""What the promised versions of Python and dependencies must do, in tests that compile little (.ci/oldest, .ci/newest)."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastbp

X = np.random.default_rng(0).normal(size=(90, 4)).astype("f")
Y = X[:, :1] * X[:, 1:2]


def made(optimizer="adam"):
    model = fastbp.Sequential([fastbp.Input((4,)), fastbp.Dense(9, "tanh"), fastbp.Dense(1)], seed=0)
    model.compile(optimizer, "mse", metrics=["mae"])
    return model


def test_predictions_are_those_of_numpy():
    model = made()
    w, b, v, c = model.get_weights()
    np.testing.assert_allclose(model.predict(X), np.tanh(X @ w + b) @ v + c, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_fit(threads):
    model, alone = made(), made()
    history = model.fit(X, Y, epochs=30, validation_split=0.1, verbose=0, threads=threads).history
    assert history["loss"][-1] < history["loss"][0] and np.isfinite(history["val_mae"]).all()
    alone.fit(X, Y, epochs=30, validation_split=0.1, verbose=0, threads=1)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), alone.get_weights(), strict=True))


def test_steps_of_gradient_descent():
    model = made(fastbp.SGD(0.1))
    loss, gradients = model.value_and_gradient(X, Y)
    before = model.get_weights()
    assert model.train_on_batch(X, Y)[0] == pytest.approx(loss)
    for new, old, gradient in zip(model.get_weights(), before, gradients, strict=True):
        np.testing.assert_allclose(new, old - np.float32(0.1) * gradient, rtol=1e-5, atol=1e-6)


def test_files_and_copies(tmp_path):
    model = made()
    model.fit(X, Y, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    others = [fastbp.load_model(tmp_path / "model.keras"), copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    model.fit(X, Y, epochs=2, verbose=0)
    for other in others:
        other.fit(X, Y, epochs=2, verbose=0)
        assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True))


def test_formulas():
    np.testing.assert_allclose(fastbp.grad(lambda w: fastbp.sum(fastbp.exp(w) * w))(np.ones(3)), [2 * np.e] * 3)
    fit = fastbp.fit_formula(lambda p, x: fastbp.mean((x - p) ** 2), np.array([1.0, 3.0]), 0.0, epochs=200)
    assert np.isfinite(fit.params)
    model = made()
    model.compile("adam", lambda t, p: (t - p) ** 4)
    assert np.isfinite(model.fit(X, Y, verbose=0).history["loss"]).all()


def test_curve_fit():
    pytest.importorskip("scipy")
    x = np.linspace(0, 3, 50)
    found, _ = fastbp.curve_fit(lambda x, a, b: a * np.exp(-b * x), x, 2 * np.exp(-x), p0=[1.0, 0.5])
    np.testing.assert_allclose(found, [2, 1], rtol=1e-6)


def test_models_of_several_threads():
    """Where there is no global lock of the interpreter, they run at once."""

    def work(i):
        model = made()
        model.fit(X, Y, epochs=3, verbose=0)
        return model.predict(X)

    with ThreadPoolExecutor(8) as pool:
        outputs = list(pool.map(work, range(8)))
    assert all(np.array_equal(outputs[0], output) for output in outputs)
