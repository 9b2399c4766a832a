"""Losses and activations of one's own: what is around them is read at their first use after compile, and anew by compile."""

import numpy as np
import pytest

from all_ways import WAYS, clean_up
from fastbp import Dense, Input, Sequential
from ways import plain

VALUES = {"any": [0.7, 1.3, -0.4, 0.7], "float": [0.7, 1.3, -0.4, 0.7], "byte": [3, 7, 200, 3]}
SOME = ["closure", "global_name", "default", "bound_method", "captured_object", "class_attribute_of_instance", "getattr_method"]
x = np.random.default_rng(0).normal(size=(20, 3))
y = np.random.default_rng(1).normal(size=(20, 1))


def model_with(loss="mse", activation=None):
    model = Sequential([Input((3,)), Dense(1, activation)], seed=0, dtype="float64")
    model.compile("sgd", loss)
    return model


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    clean_up(monkeypatch)


def right_loss(k, model):
    return np.mean(plain(k, model.predict(x) - y))


@pytest.mark.parametrize("way", WAYS)
def test_a_loss_after_compile(way):
    """The same function handed to compile again, and to a new model."""
    values = VALUES[WAYS[way].holds]
    f, change = WAYS[way].make(values[0], plain)

    def loss(y_true, y_pred):
        return f(y_pred - y_true)

    model = model_with(loss)
    for value in values:
        change(value)
        model.compile("sgd", loss)
        assert model.evaluate(x, y, verbose=0) == pytest.approx(right_loss(value, model), rel=1e-12)
        found, gradient = model.value_and_gradient(x, y)
        slope = 2 * value * (model.predict(x) - y) + 1
        assert found == pytest.approx(right_loss(value, model), rel=1e-12)
        assert gradient[0] == pytest.approx(x.T @ slope / len(x), rel=1e-11)
        assert model_with(loss).evaluate(x, y, verbose=0) == pytest.approx(found, rel=1e-12)


@pytest.mark.parametrize("way", WAYS)
def test_an_activation_after_compile(way):
    values = VALUES[WAYS[way].holds]
    f, change = WAYS[way].make(values[0], plain)
    model = model_with(activation=lambda z: f(z))
    kernel, bias = model.get_weights()
    for value in values:
        change(value)
        model.compile("sgd", "mse")
        assert model.predict(x) == pytest.approx(plain(value, x @ kernel + bias), rel=1e-12)


@pytest.mark.parametrize("way", SOME)
def test_what_was_compiled_stays(way):
    """Between the first use and the next compile nothing is read."""
    f, change = WAYS[way].make(0.7, plain)

    def loss(y_true, y_pred):
        return f(y_pred - y_true)

    model = model_with(loss)
    change(1.3)
    first = model.evaluate(x, y, verbose=0)
    assert first == pytest.approx(right_loss(1.3, model), rel=1e-12)
    change(2.0)
    assert model.evaluate(x, y, verbose=0) == first
    assert model.value_and_gradient(x, y)[0] == pytest.approx(first, rel=1e-12)
    other = model_with(loss)
    assert other.evaluate(x, y, verbose=0) == pytest.approx(right_loss(2.0, other), rel=1e-12)
    assert model.evaluate(x, y, verbose=0) == first


@pytest.mark.parametrize("size", [1, 3, 65])
def test_arrays_around_a_loss(size):
    """A value for each output, changed in place and rebound."""
    wide = np.random.default_rng(2).normal(size=(20, size))
    weights = np.ones(size)

    def loss(y_true, y_pred):
        return weights * (y_true - y_pred) ** 2 + weights[-1] * y_pred

    model = Sequential([Input((3,)), Dense(size)], seed=0, dtype="float64")
    for i in range(4):
        if i % 2:
            weights[:] = np.arange(1, size + 1) + i
        else:
            weights = np.full(size, 0.5 + i)
        model.compile("sgd", loss)
        output = model.predict(x)
        expected = np.mean(weights * (wide - output) ** 2 + weights[-1] * output)
        assert model.evaluate(x, wide, verbose=0) == pytest.approx(expected, rel=1e-12)
