"""Values of all activations against Keras's, with and without settings."""

import os

import numpy as np
import pytest

from bridge import make_activation
from fastbp import Dense, Input, Sequential, activations, layers
from networks import FORMULAS, HIDDEN_ACTIVATIONS, describe

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras's calls of NumPy

# Without sparsemax: rows of Keras 3.15's do not sum to 1, as those of the paper do.
NAMES = [*HIDDEN_ACTIVATIONS, "softmax", "log_softmax", "glu"]
LAYERS = [{"activation": name} for name in NAMES if name != "gelu_tanh"] + FORMULAS
LAYERS += [
    {"activation": name, "settings": settings}
    for name, settings in [
        ("leaky_relu", {"negative_slope": 0.07}),
        ("elu", {"alpha": 0.6}),
        ("gelu", {"approximate": True}),
        ("relu", {"negative_slope": 0.3}),
    ]
]
Z = np.concatenate([np.linspace(-9, 9, 301), np.linspace(-1e3, 1e3, 23)])[:324].reshape(-1, 6)


@pytest.mark.parametrize("layer", LAYERS, ids=describe)
def test_values(layer):
    expected = keras.ops.convert_to_numpy(getattr(keras.activations, layer["activation"])(Z, **layer.get("settings", {})))
    activation = make_activation(layer)
    rounding = 1e-8 if layer["activation"] == "squareplus" else 1e-14  # Keras takes b as a float32, and cancels
    assert activation(Z) == pytest.approx(expected, rel=1e-12, abs=rounding)
    model = Sequential([Input((6,)), Dense(6, activation, use_bias=False)], dtype="float64")
    model.set_weights([np.eye(6)])
    assert model.predict(Z) == pytest.approx(expected, rel=1e-12, abs=rounding)


def test_the_names_are_keras_s():
    theirs = set(keras.src.activations.ALL_OBJECTS_DICT)
    assert theirs <= set(activations._NAMES)
    assert set(activations._NAMES) - theirs == {"gelu_tanh"}


LAYER_PAIRS = [
    ("ReLU", {"max_value": 2.0, "negative_slope": 0.1, "threshold": 0.5}),
    ("ReLU", {}),
    ("LeakyReLU", {}),
    ("LeakyReLU", {"negative_slope": 0.05}),
    ("ELU", {"alpha": 0.3}),
    ("Softmax", {}),
    ("PReLU", {"alpha_initializer": "ones"}),
]


@pytest.mark.parametrize(("name", "settings"), LAYER_PAIRS, ids=describe)
def test_layers(name, settings):
    theirs = keras.Sequential([keras.Input((6,)), getattr(keras.layers, name)(**settings)])
    ours = Sequential([Input((6,)), Dense(6, use_bias=False), getattr(layers, name)(**settings)])
    weights = ours.get_weights()
    ours.set_weights([np.eye(6), *weights[1:]])
    assert ours.layers[-1].name.rstrip("_0123456789") == theirs.layers[-1].name.rstrip("_0123456789")
    expected = theirs.predict(Z, verbose=0)
    assert ours.predict(Z) == pytest.approx(expected, rel=1e-6, abs=1e-7)
    assert [w.shape for w in weights[1:]] == [w.shape for w in theirs.get_weights()]


def test_training_with_prelu_as_keras_trains():
    x = np.random.default_rng(0).normal(size=(64, 6))
    y = np.sin(x[:, :2])
    initial = "glorot_uniform"
    theirs = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(8, kernel_initializer=initial), keras.layers.PReLU(), keras.layers.Dense(2)]
    )
    ours = Sequential([Input((6,)), Dense(8), layers.PReLU(), Dense(2)])
    ours.set_weights(theirs.get_weights())
    for model, optimizer in ((theirs, keras.optimizers.Adam(0.01)), (ours, "adam")):
        model.compile(optimizer, "mse")
    ours.optimizer.learning_rate = 0.01
    settings = {"batch_size": 16, "epochs": 5, "shuffle": False, "verbose": 0}
    expected = theirs.fit(x, y, **settings).history["loss"]
    assert ours.fit(x, y, **settings).history["loss"] == pytest.approx(expected, rel=1e-4)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert one == pytest.approx(other, abs=1e-4)
