"""Layer-sequential unit variance: the sums of every dense layer over the data, whatever lies between."""

import numpy as np
import pytest

from fastbp import Dense, Input, Sequential, initializers
from fastbp.layers import Activation, Flatten, PReLU, Rescaling

X = np.random.default_rng(0).uniform(0, 200, size=(300, 12))


def sums(model, x):
    """What each dense layer makes of the data before its activation."""
    found = []
    for layer in model.leaves():
        if isinstance(layer, Dense):
            kernel, *bias = layer.get_weights()
            found.append(x @ kernel.astype(float) + sum(bias))
        x = layer(x)
    return found


def deep(activation="relu", dtype="float32", seed=0):
    layers = [Dense(units, activation) for units in (40, 7, 25, 25, 60, 5)]
    return Sequential([Input((12,)), *layers, Dense(3, use_bias=False)], seed=seed, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["relu", "tanh", None, "softmax"])
def test_unit_variance(activation, dtype):
    model = deep(activation, dtype)
    initializers.lsuv(model, X)
    assert [np.var(z) for z in sums(model, X)] == pytest.approx([1] * 7, rel=1e-4)


def test_kernels_are_orthogonal():
    model = deep()
    initializers.lsuv(model, X)
    for kernel in (w.astype(float) for w in model.get_weights() if w.ndim == 2):
        product = kernel.T @ kernel if kernel.shape[0] >= kernel.shape[1] else kernel @ kernel.T
        assert product == pytest.approx(product[0, 0] * np.eye(len(product)), abs=1e-5 * product[0, 0])


def test_all_kinds_of_layers_between():
    inner = Sequential([Dense(9), PReLU()])
    model = Sequential([Input((3, 4)), Rescaling(0.1), Flatten(), Dense(16, "tanh"), inner, Activation("gelu"), Dense(4)])
    initializers.lsuv(model, X.reshape(300, 3, 4), seed=1)
    flat = Sequential([Input((12,)), Rescaling(0.1), Dense(16, "tanh"), Dense(9), PReLU(), Activation("gelu"), Dense(4)])
    flat.set_weights(model.get_weights())
    assert [np.var(z) for z in sums(flat, X)] == pytest.approx([1] * 3, rel=1e-4)


def test_biases_stay_and_count():
    layers = [Dense(20, "relu", bias_initializer=initializers.RandomNormal(stddev=0.5)) for _ in range(3)]
    model = Sequential([Input((12,)), *layers], seed=2)
    before = model.get_weights()[1::2]
    initializers.lsuv(model, X, tolerance=0.01, max_trials=50)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()[1::2], strict=True))
    assert [np.var(z) for z in sums(model, X)] == pytest.approx([1] * 3, abs=0.0101)


def test_seeds():
    def weights(model_seed, seed=None):
        model = deep(seed=model_seed)
        initializers.lsuv(model, X, seed=seed)
        return [w.tobytes() for w in model.get_weights()]

    assert weights(0) == weights(0) and weights(0) != weights(1)
    assert weights(0, 5) == weights(1, 5) != weights(0, 6)


def test_frozen_layers_stay():
    model = deep()
    model.layers[1].trainable = False
    before = model.layers[1].get_weights()
    initializers.lsuv(model, X)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.layers[1].get_weights(), strict=True))
    variances = [np.var(z) for z in sums(model, X)]
    assert variances[1] != pytest.approx(1, abs=0.1) and np.delete(variances, 1) == pytest.approx([1] * 6, rel=1e-4)


def test_a_model_that_is_not_built_yet():
    model = Sequential([Dense(5, "relu"), Dense(2)])
    initializers.lsuv(model, X.tolist())
    assert model.input_shape == (None, 12) and [np.var(z) for z in sums(model, X)] == pytest.approx([1, 1], rel=1e-4)


def test_what_comes_after_goes_on_with_these_weights():
    model = deep()
    model.compile("sgd", "mse")
    model.predict(X)
    initializers.lsuv(model, X)
    assert model.predict(X) == pytest.approx(sums(model, X)[-1], rel=1e-3, abs=1e-3)


@pytest.mark.parametrize(
    ("x", "settings", "error", "text"),
    [
        (np.zeros((10, 12)), {}, ValueError, "x must make the output of every layer vary.*'dense'"),
        (np.full((10, 12), np.nan), {}, ValueError, "vary, got a variance of nan"),
        (X[:, :5], {}, ValueError, r"\(12,\), got \(5,\)"),
        (X, {"tolerance": -1}, ValueError, "tolerance"),
        (X, {"max_trials": 0}, ValueError, "max_trials"),
        (X, {"seed": -1}, ValueError, "seed"),
        ("twelve", {}, TypeError, "x must"),
    ],
)
def test_what_is_refused(x, settings, error, text):
    model = deep()
    before = model.get_weights()
    with pytest.raises(error, match=text):
        initializers.lsuv(model, x, **settings)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_weights_return_where_a_later_layer_has_nothing_to_scale():
    model = Sequential([Input((12,)), Dense(5, "relu", bias_initializer=initializers.Constant(-1e6)), Dense(2)], seed=0)
    before = model.get_weights()
    with pytest.raises(ValueError, match="variance of 0 at layer 'dense_1'"):
        initializers.lsuv(model, X)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_what_is_no_model():
    with pytest.raises(TypeError, match="model must be a Model"):
        initializers.lsuv(Dense(3), X)
