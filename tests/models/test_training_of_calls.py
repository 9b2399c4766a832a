"""Layers that are called with ``training`` in a functional model: what Keras 3 does with it, which is less than it may seem."""

import copy
import pickle

import numpy as np
import pytest

from fastbp import Dense, Input, Model, Sequential, layers
from fastbp.models import clone_model, model_from_json

X = np.random.default_rng(0).normal(size=(50, 4)).astype("float32")
WARNING = pytest.warns(UserWarning, match="is for model.x. alone, as in Keras 3")


def model_of(*calls, seed=0):
    """A model of layers, each called with a ``training``, after a dense layer that changes nothing."""
    x = Input((4,))
    h = Dense(4, kernel_initializer="identity")(x)
    for layer, training in calls:
        h = layer(h, training=training)
    return Model(x, h, seed=seed)


def test_it_counts_where_the_model_is_called_without():
    with WARNING as caught:
        model = model_of((layers.Dropout(0.5), True))
    assert "training=True of <Dropout" in str(caught[0].message) and caught[0].filename == __file__
    drawn = model(X)
    assert set(np.unique((drawn / X).round(3))) == {0, 2} and not np.array_equal(drawn, model(X))
    assert np.array_equal(model.predict(X), X) and np.array_equal(model(X, training=False), X)
    with WARNING:
        model = model_of((layers.Dropout(0.5), False))
    assert np.array_equal(model(X), X) and not np.array_equal(model(X, training=True), X)
    model.compile("sgd", "mse")
    assert model.fit(X, X, verbose=0).history["loss"][0] > 0.1 and model.evaluate(X, X, verbose=0) < 0.1


def test_the_noise_of_a_call_follows_from_the_models_seed():
    with WARNING:
        models = [model_of((layers.Dropout(0.5), True), seed=seed) for seed in (1, 1, 2)]
    first, same, other = (model(X) for model in models)
    assert np.array_equal(first, same) and not np.array_equal(first, other)


def test_layers_may_differ_in_it():
    with WARNING:
        model = model_of((layers.BatchNormalization(), False), (layers.Dropout(0.5), True), (layers.GaussianNoise(3.0), None))
    assert set(np.unique((model(X) / X).round(2))) == {0, 2}


@pytest.mark.parametrize(
    "another",
    [
        lambda m: Model.from_config(m.get_config()),
        lambda m: model_from_json(m.to_json()),
        clone_model,
        copy.deepcopy,
        lambda m: pickle.loads(pickle.dumps(m)),
        lambda m: clone_model(pickle.loads(pickle.dumps(m))),
    ],
)
def test_copies_keep_it(another):
    with WARNING:
        model = another(model_of((layers.Dropout(0.5), True), (layers.GaussianNoise(3.0), None)))
    assert set(np.unique((model(X) / X).round(2))) == {0, 2}


def test_models_within():
    inner = Sequential([Input((4,)), layers.Dropout(0.5), Dense(4, kernel_initializer="identity")])
    with WARNING:
        model = model_of((inner, True))
    assert set(np.unique((model(X) / X).round(2))) == {0, 2} and np.array_equal(inner(X), X)


def test_where_it_makes_no_difference_nobody_is_warned():
    model = model_of((Sequential([Dense(4), layers.LayerNormalization()]), False), (layers.Activation("tanh"), True))
    assert np.array_equal(model(X), model.predict(X)) and not model._modes


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # NumPy of Keras's torch backend
def test_against_keras():
    keras = pytest.importorskip("keras")
    i = keras.Input((4,))
    theirs = keras.Model(i, keras.layers.Dropout(0.5)(i, training=True))
    assert not np.array_equal(np.asarray(theirs(X)), X) and np.array_equal(theirs.predict(X, verbose=0), X)
    assert np.array_equal(np.asarray(theirs(X, training=False)), X)
    h = keras.layers.Dropout(0.5)(keras.layers.Dense(4, kernel_initializer="identity")(i), training=True)
    read = model_from_json(keras.Model(i, h).to_json())
    assert set(np.unique((read(X) / X).round(2))) == {0, 2}
