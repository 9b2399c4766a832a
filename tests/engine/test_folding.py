"""Predictions through dense layers into which a batch normalization was folded."""

import numpy as np
import pytest

import fastbp
import oracle_batch_norm as oracle
from batch_norm_networks import STACKS, engine_of, make_data, make_model
from fastbp import Dense, Input, Sequential
from fastbp.kernels import fields as at
from fastbp.layers import BatchNormalization, Dropout
from gradcheck import relative_error


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


FOLDED = {
    "before the activation": 3,
    "without a bias": 3,
    "two in a row": 3,
    "after the activation": 3,
    "wide": 3,
    "of one unit": 3,
    "first": 3,
    "upon whole rows": 5,
    "last, with an activation": 1,
}


def test_what_lies_between_in_training_alone_does_not_matter():
    """Nor do penalties and constraints."""
    rules = {"kernel_regularizer": "l2", "activity_regularizer": "l1", "kernel_constraint": "max_norm"}
    layers = [Dense(7, use_bias=False, **rules), Dropout(0.5), BatchNormalization(gamma_regularizer="l1"), Dense(3)]
    model = Sequential([Input((5,)), *layers], seed=0, dtype="float64")
    model.compile("adam", "mse")
    x, y = make_data(43)
    model.fit(x, y, 16, 2, 0)
    kernel, gamma, beta, mean, variance, last, bias = model.get_weights()
    expected = (gamma * (x @ kernel - mean) / np.sqrt(variance + 1e-3) + beta) @ last + bias
    assert model.predict(x) == pytest.approx(expected) and model.forward(x) == pytest.approx(expected)
    assert len(engine_of(model)._folded.plans.get(at.PREDICT_ONLY, 43, 1).table) == 2


def test_predictions_follow_a_solver():
    """Which moves the weights itself."""
    layers = [Dense(4), BatchNormalization(trainable=False), Dense(3)]
    model = Sequential([Input((5,)), *layers], seed=0, dtype="float64")
    model.compile("lbfgs", "mse")
    x, y = make_data(43)
    before = model.predict(x)
    model.fit(x, y, epochs=3, verbose=0)
    assert model.predict(x) == pytest.approx(model.forward(x)) and not np.allclose(model.predict(x), before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("stack", FOLDED)
def test_predictions_follow_every_change_of_the_weights(stack, dtype):
    """They come from a copy of the weights into which normalizations are folded."""
    network, widths = STACKS[stack]
    model, (x, y) = make_model(network, widths, dtype), make_data(43)
    engine = engine_of(model)
    if engine._folded is not None:
        assert len(engine._folded.plans.get(at.PREDICT_ONLY, 43, 1).table) <= FOLDED[stack]

    def check():
        expected = oracle.forward(network, [w.astype(float) for w in model.get_weights()], x)[0]
        predicted = model.predict(x)
        assert relative_error(predicted, expected) < (1e-11 if dtype == "float64" else 1e-5)
        assert relative_error(model.predict(x[:1]), expected[:1]) < (1e-11 if dtype == "float64" else 1e-5)
        assert np.array_equal(predicted, model.predict(x, threads=3))
        return predicted

    seen = [check()]
    snapshot, weights = engine.snapshot(), engine.copy_weights()
    engine.state.remember()
    changes = [
        lambda: model.fit(x, y, 16, 1, 0),
        lambda: model.train_on_batch(x, y),
        lambda: engine.train_steps(0, 1, [], x.astype(dtype), y.astype(dtype), 16),
        lambda: model.apply_gradients([np.ones_like(w) for w in model.get_weights()]),
        lambda: model.set_weights([w * 1.1 for w in model.get_weights()]),
        lambda: model.layers[0].set_weights([w * 0.9 for w in model.layers[0].get_weights()]),
        lambda: engine.restore(snapshot),
        lambda: model.fit(x, y, 16, 1, 0),
        lambda: engine.restore_weights(weights),
        lambda: model.fit(x, y, 16, 1, 0),
        lambda: engine.state.go_back(),
    ]
    for change in changes:
        change()
        seen.append(check())
        assert not np.array_equal(seen[-1], seen[-2])
    before = model.get_weights()
    engine.value_and_gradient(x.astype(dtype), y.astype(dtype))
    model.forward(x)
    assert np.array_equal(check(), seen[-1]) and same(before, model.get_weights())


def test_a_normalization_is_not_folded_into_the_layer_above():
    """Data far from 0 would lose all digits that are left of them."""
    x = (np.random.default_rng(0).normal(size=(200, 5)) + 1e6).astype("float32")
    model = Sequential([Input((5,)), BatchNormalization(momentum=0.0), Dense(3)], seed=0)
    model.compile(fastbp.SGD(0.0), "mse")
    model.fit(x, np.zeros((200, 3)), 200, verbose=0)
    gamma, beta, mean, variance, kernel, bias = (w.astype(float) for w in model.get_weights())
    expected = (gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta) @ kernel + bias
    assert relative_error(model.predict(x), expected) < 1e-6
