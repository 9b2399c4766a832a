"""Networks with batch normalization, described as ``oracle_batch_norm.py`` describes them, and as fastbp has them."""

import numpy as np

from bridge import make_activation, make_loss, make_optimizer
from fastbp import Dense, Input, Sequential
from fastbp.layers import Activation, BatchNormalization

MSE = {"name": "mean_squared_error"}
NORM, FREE = {"kind": "batch_norm", "momentum": 0.7}, {"kind": "batch_norm", "center": False, "scale": False}
FROZEN = {**NORM, "trainable": False}


def dense(activation="linear", **settings):
    return {"activation": activation, **settings}


def activation(name):
    return {"kind": "activation", "activation": name}


# Each with the widths of its dense layers; samples have 5 features.
STACKS = {
    "before the activation": ([dense(), NORM, activation("tanh"), dense()], (17, 3)),
    "without a bias": ([dense(use_bias=False), NORM, activation("relu"), dense()], (16, 3)),
    "after the activation": ([dense("gelu"), NORM, dense()], (20, 3)),
    "first": ([NORM, dense("tanh"), dense()], (17, 3)),
    "first and alone": ([NORM, dense()], (3,)),
    "last": ([dense("tanh"), dense(), NORM], (9, 3)),
    "last, with an activation": ([dense(), NORM, activation("sigmoid")], (3,)),
    "two in a row": ([dense(), NORM, {**NORM, "epsilon": 0.1}, activation("softplus"), dense()], (7, 3)),
    "upon whole rows": ([dense("softmax"), NORM, activation("softmax"), dense()], (9, 3)),
    "scale alone": ([dense(), {**NORM, "center": False}, activation("gelu"), dense()], (33, 3)),
    "center alone": ([dense(), {**NORM, "scale": False}, dense("tanh"), dense()], (5, 4, 3)),
    "neither": ([dense(), FREE, activation("tanh"), dense()], (17, 3)),
    "wide": ([dense(), NORM, activation("tanh"), dense(), NORM, activation("tanh"), dense()], (133, 70, 3)),
    "of one unit": ([dense("tanh"), dense(), NORM, dense()], (4, 1, 3)),
    "frozen": ([dense(), FROZEN, activation("gelu"), dense(), NORM, dense()], (17, 6, 3)),
    "below frozen layers": ([dense("tanh", trainable=False), NORM, dense(trainable=False)], (8, 3)),
}


def widths_in(network, widths, features=5):
    """The width of each layer's input."""
    found, widths = [features], iter(widths)
    for layer in network:
        found.append(next(widths) if layer.get("kind", "dense") == "dense" else found[-1])
    return found


def make_layer(layer, units):
    arguments = {key: value for key, value in layer.items() if key not in ("kind", "activation")}
    kind = layer.get("kind", "dense")
    if kind == "batch_norm":
        return BatchNormalization(**arguments)
    return Activation(make_activation(layer)) if kind == "activation" else Dense(units, make_activation(layer), **arguments)


def weights_of(network, widths, seed=0):
    random, weights = np.random.default_rng(seed), []
    sizes = widths_in(network, widths)
    for layer, inputs, units in zip(network, sizes, sizes[1:], strict=False):
        if layer.get("kind", "dense") == "dense":
            weights.append(random.normal(size=(inputs, units)) / np.sqrt(inputs))
            weights += [random.normal(size=units) * 0.3] if layer.get("use_bias", True) else []
        elif layer["kind"] == "batch_norm":
            learnt = layer.get("scale", True) + layer.get("center", True)
            weights += [random.normal(size=inputs) for _ in range(learnt + 1)] + [random.uniform(0.3, 2.0, inputs)]
    return weights


def make_model(network, widths, dtype="float64", optimizer=None, loss=MSE, seed=0):
    sizes = widths_in(network, widths)
    layers = [make_layer(layer, units) for layer, units in zip(network, sizes[1:], strict=True)]
    model = Sequential([Input((sizes[0],)), *layers], dtype=dtype, seed=seed)
    model.compile(make_optimizer(optimizer or {"name": "adam", "learning_rate": 0.01}), make_loss(loss))
    model.set_weights(weights_of(network, widths))
    return model


def make_data(rows, seed=1, units=3):
    random = np.random.default_rng(seed)
    return random.normal(size=(rows, 5)) + 1, random.random((rows, units))


def engine_of(model):
    return model._need_engine("the test")
