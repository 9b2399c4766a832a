"""Noise in training: the same bits however a fit is cut, repeated or spread over threads."""

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Input, Sequential
from fastbp.layers import AlphaDropout, Dropout, GaussianDropout, GaussianNoise

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(203, 5)), RNG.normal(size=(203, 3))


def model_of(dtype="float32", hidden=40):
    layers = [
        *(Input((5,)), GaussianNoise(0.1), Dense(hidden, "tanh"), Dropout(0.3), Dense(hidden, "selu"), AlphaDropout(0.1)),
        *(Dense(hidden, "relu"), GaussianDropout(0.2), Dense(3)),
    ]
    model = Sequential(layers, seed=2, dtype=dtype)
    model.compile(fastbp.Adam(0.003), "mse")
    return model


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


def fitted(x=X, y=Y, batch_size=16, epochs=4, threads=None, callbacks=None, model=None, **settings):
    model = model or model_of(**settings)
    model.fit(x, y, batch_size, epochs, 0, threads=threads, callbacks=callbacks)
    return model


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("rows", "batch_size"), [(203, 16), (203, 203), (9000, 4001)])  # the last one in groups
def test_same_bits_for_any_threads(rows, batch_size, dtype):
    x, y = np.resize(X, (rows, 5)), np.resize(Y, (rows, 3))
    alone = fitted(x, y, batch_size, 2, 1, dtype=dtype, hidden=24)
    for threads in (2, 3, 8):
        assert same(alone, fitted(x, y, batch_size, 2, threads, dtype=dtype, hidden=24))


def test_same_bits_in_two_fits_and_with_a_look_at_each_batch():
    whole = fitted()
    assert not same(whole, fitted(epochs=3))
    halves = fitted(epochs=1)
    halves.fit(X, Y, 16, 3, 0)
    assert same(whole, halves)
    watched = fastbp.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    assert same(whole, fitted(callbacks=[watched]))


def test_same_bits_by_hand_and_from_a_generator():
    def rows(epochs):
        return ((X[i : i + 16], Y[i : i + 16]) for _ in range(epochs) for i in range(0, len(X), 16))

    whole = model_of()
    whole.fit(X, Y, 16, 2, 0, shuffle=False)
    by_hand, generated = model_of(), model_of()
    for x, y in rows(2):
        by_hand.train_on_batch(x, y)
    generated.fit(rows(2), epochs=2, steps_per_epoch=-(-len(X) // 16), verbose=0)
    assert same(whole, by_hand) and same(whole, generated)


def test_what_is_done_again_after_a_divergence_has_the_same_noise():
    x, y = np.resize(X, (32, 5)), np.resize(Y, (32, 3))
    model, finished = model_of(), model_of()
    rates = [0.003] * 6 + [1e30] * 4  # at the seventh step the weights are gone
    for each in (model, finished):
        each.compile(fastbp.SGD(Listed(rates)), "mse")
    finished.fit(x, y, 16, 3, 0)
    with pytest.raises(fastbp.TrainingDiverged):
        model.fit(x, y, 16, 5, 0)
    assert same(model, finished)


class Listed(fastbp.optimizers.schedules.LearningRateSchedule):
    """A rate for each step."""

    def __init__(self, rates):
        self.listed = rates

    def __call__(self, step):
        return np.asarray(self.listed, float)[np.minimum(np.asarray(step, int), len(self.listed) - 1)]


def test_a_snapshot_takes_the_noise_back():
    model = model_of()
    model.fit(X, Y, 16, 1, 0)
    engine, past = model._engine, model._engine.snapshot()
    first = engine.train_epoch(X.astype("float32"), Y.astype("float32"), 16).loss, model.predict(X, training=True)
    engine.restore(past)
    again = engine.train_epoch(X.astype("float32"), Y.astype("float32"), 16).loss, model.predict(X, training=True)
    assert first[0] == again[0] and np.array_equal(first[1], again[1])


def test_training_after_other_calls_of_the_same_plan():
    # All of these may work on the plan that fit uses.
    one, other = model_of(), model_of()
    one.fit(X, Y, len(X), 4, 0)
    other.fit(X, Y, len(X), 2, 0)
    other.value_and_gradient(X, Y, training=True)
    other.value_and_gradient(X, Y)
    other.evaluate(X, Y, verbose=0)
    other.forward(X)
    other.backward(Y)
    other.fit(X, Y, len(X), 2, 0)
    assert same(one, other)
