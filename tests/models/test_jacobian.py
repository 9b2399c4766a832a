"""Derivatives of the outputs, with respect to inputs and weights: central differences, PyTorch, and what they leave alone."""

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Input, Sequential, layers
from fastbp.engine import jacobian

RNG = np.random.default_rng(0)
NETWORKS = {
    "linear": [Dense(2)],
    "softmax": [Dense(5, "tanh"), Dense(4, "softmax")],
    "sigmoid, frozen": [Dense(7, "gelu", trainable=False), Dense(1, "sigmoid")],
    "prelu": [Dense(6), layers.PReLU(alpha_initializer="ones"), Dense(3)],
    "glu": [Dense(8, "glu"), Dense(2, "log_softmax")],
    "softmax inside": [Dense(5, "softmax"), Dense(19, "silu", use_bias=False), Dense(17, "sigmoid")],
    "layer norm": [Dense(6, "tanh"), layers.LayerNormalization(), Dense(2)],
    "rms norm": [layers.RMSNormalization(), Dense(4, "elu"), layers.UnitNormalization()],
    "batch norm": [Dense(5, "tanh"), layers.BatchNormalization(), Dense(2)],
    "noise": [Dense(5, "tanh"), layers.Dropout(0.5), layers.GaussianNoise(1.0), Dense(2)],
    "penalties": [Dense(5, "tanh", kernel_regularizer="l2", activity_regularizer="l1"), Dense(2, kernel_constraint="non_neg")],
    "a formula": [Dense(4, lambda z: np.sin(z) + z), Dense(2, "softplus")],
}


def network(name, dtype="float64"):
    model = Sequential([Input((3,)), *(layer.twin() for layer in NETWORKS[name])], seed=1, dtype=dtype)
    model.compile("sgd", "mse")
    model.set_weights([w + RNG.uniform(0.1, 0.9, size=w.shape) for w in model.get_weights()])
    return model


def difference(function, array, index, step=1e-6):
    """The derivative of ``function()`` by one number of an array."""
    value = array[index]
    array[index] = value + step
    above = function()
    array[index] = value - step
    below = function()
    array[index] = value
    return (above - below) / (2 * step)


@pytest.mark.parametrize("name", NETWORKS)
def test_central_differences(name):
    model, x = network(name), RNG.normal(size=(6, 3))
    weights = model.get_weights()

    def output():
        model.set_weights(weights)
        return model.predict(x)

    inputs, by_weights = model.jacobian(x), model.jacobian(x, "weights")
    units = model.output_shape[1]
    assert inputs.shape == (6, units, 3)
    assert [j.shape for j in by_weights] == [(6, units, *w.shape) for w in weights]
    for row in range(6):
        for i in range(3):
            found = difference(output, x, (row, i))
            assert inputs[row, :, i] == pytest.approx(found[row], abs=1e-8)
    for array, derivatives, weight in zip(weights, by_weights, model.weights, strict=True):
        if "moving" in weight.name:  # which no gradient changes
            assert not derivatives.any()
            continue
        for index in list(np.ndindex(array.shape))[:: max(1, array.size // 20)]:
            assert derivatives[(..., *index)] == pytest.approx(difference(output, array, index), abs=1e-8)


def test_pytorch():
    torch = pytest.importorskip("torch")
    model, x = network("softmax"), RNG.normal(size=(9, 3))
    weights = [torch.from_numpy(w) for w in model.get_weights()]

    def output(x, a, b, c, d):
        return torch.softmax(torch.tanh(x @ a + b) @ c + d, -1)

    found = torch.func.vmap(torch.func.jacrev(output, argnums=(0, 1, 2, 3, 4)), (0, *[None] * 4))(torch.from_numpy(x), *weights)
    assert np.allclose(model.jacobian(x), found[0].numpy(), rtol=1e-12, atol=1e-14)
    for ours, theirs in zip(model.jacobian(x, "weights"), found[1:], strict=True):
        assert np.allclose(ours, theirs.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["softmax inside", "prelu"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_alone_and_threads_give_the_same_bits(name, dtype, monkeypatch):
    model, x = network(name, dtype), RNG.normal(size=(50, 3)).astype(dtype)
    whole = [model.jacobian(x), *model.jacobian(x, "weights")]
    assert all(array.dtype == dtype for array in whole)
    for threads in (1, 2, 3, 8):
        found = [model.jacobian(x, threads=threads), *model.jacobian(x, "weights", threads=threads)]
        assert all(np.array_equal(a, b) for a, b in zip(whole, found, strict=True))
    monkeypatch.setattr(jacobian, "MAX_ROWS", 16)
    parts = [model.jacobian(x), *model.jacobian(x, "weights")]
    assert all(np.array_equal(a, b) for a, b in zip(whole, parts, strict=True))


def test_the_gradient_is_the_jacobian_times_that_of_the_loss():
    model, x, y = network("prelu"), RNG.normal(size=(8, 3)), RNG.normal(size=(8, 3))
    model.compile("sgd", "mse")
    errors = 2 * (model.predict(x) - y) / y.size
    _, gradients = model.value_and_gradient(x, y)
    for gradient, derivatives in zip(gradients, model.jacobian(x, "weights"), strict=True):
        assert np.tensordot(errors, derivatives, 2) == pytest.approx(gradient, abs=1e-12)


def test_nothing_else_changes():
    """Neither weights nor what the last ``forward`` left for ``backward``, and a compiled model goes on as it would have."""
    x, y = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 4))
    models = [network("softmax"), network("softmax")]
    models[1].set_weights(models[0].get_weights())
    for model, looks in zip(models, (False, True), strict=True):
        model.compile("adam", "mse")
        model.fit(x, y, verbose=0, epochs=2, batch_size=8)
        model.forward(x)
        if looks:
            model.jacobian(x + 1)
            model.jacobian(x + 1, "weights")
        model.dx = model.backward(y)
        model.fit(x, y, verbose=0, epochs=2, batch_size=8)
    assert np.array_equal(models[0].dx, models[1].dx)
    for a, b in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        assert np.array_equal(a, b)


def test_samples_of_several_axes():
    model = Sequential([Input((2, 3)), layers.Flatten(), Dense(4)], seed=0)
    x = RNG.normal(size=(5, 2, 3))
    found, flat = model.jacobian(x), model.get_weights()[0]
    assert found.shape == (5, 4, 2, 3)
    assert np.array_equal(found[3], flat.T.reshape(4, 2, 3))


def test_bad_arguments():
    model = network("linear")
    with pytest.raises(ValueError, match="with_respect_to must be 'inputs' or 'weights', got 'bias'"):
        model.jacobian([[1, 2, 3]], "bias")
    with pytest.raises(ValueError, match=r"x must have shape \(samples, 3\), got \(1, 2\)"):
        model.jacobian([[1, 2]])
    with pytest.raises(ValueError, match="threads must be at least 1, got 0"):
        model.jacobian([[1, 2, 3]], threads=0)
    with pytest.raises(ValueError, match="jacobian needs a built model"):
        fastbp.Sequential([Dense(1)]).jacobian([[1.0]])
