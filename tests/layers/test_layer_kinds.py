"""Kinds of layers without weights: softmax and other activations anywhere in a network, flattened inputs."""

import numpy as np
import pytest

import fastbp
import oracle
from fastbp import Dense, Input, Sequential
from fastbp.layers import Activation, Flatten

ACTIVATIONS = ["tanh", "relu", "gelu", "softplus", "softmax", "linear"]
X = np.random.default_rng(0).normal(size=(75, 6))
Y = np.random.default_rng(1).random((75, 3))


def model_of(*layers, dtype="float64", loss="mse"):
    model = Sequential([Input((6,)), *layers], seed=4, dtype=dtype)
    model.compile(fastbp.Adam(0.01), loss)
    return model


def learnt(model, threads=None):
    history = model.fit(X, Y, 16, 3, 0, threads=threads)
    return [*history.history["loss"], *(w for w in model.get_weights()), model.predict(X)]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("name", [*ACTIVATIONS, lambda z: np.exp(-(z**2))], ids=[*ACTIVATIONS, "formula"])
def test_an_activation_as_a_layer_has_the_bits_of_the_layer_that_has_it(name):
    within = model_of(Dense(20, name), Dense(3))
    apart = model_of(Dense(20), Activation(name), Dense(3))
    assert same(learnt(within), learnt(apart))
    assert [layer.name for layer in apart.layers] == ["dense", "activation", "dense_1"]


def numbers(model, x, y):
    """The gradient by central differences."""
    weights, step = model.get_weights(), 1e-6
    found = []
    for k, array in enumerate(weights):
        gradient = np.empty(array.shape)
        for i in np.ndindex(array.shape):
            ends = []
            for sign in (1, -1):
                changed = [w.copy() for w in weights]
                changed[k][i] += sign * step
                model.set_weights(changed)
                ends.append(model.value_and_gradient(x, y)[0])
            gradient[i] = (ends[0] - ends[1]) / (2 * step)
        found.append(gradient)
    model.set_weights(weights)
    return found


STACKS = {  # each makes new layers at each use
    "softmax in the middle": lambda: [Dense(5, "softmax"), Dense(3)],
    "softmax twice": lambda: [Dense(5, "softmax"), Dense(4, "softmax"), Dense(3, "softmax")],
    "activations upon each other": lambda: [
        Dense(5, "tanh"),
        Activation("gelu"),
        Activation("softmax"),
        Activation("tanh"),
        Dense(3),
    ],
    "an activation first": lambda: [Activation("tanh"), Dense(4, "relu"), Dense(3)],
    "a softmax first": lambda: [Activation("softmax"), Dense(4), Dense(3)],
    "an activation last": lambda: [Dense(4, "tanh"), Dense(3, "tanh"), Activation("sigmoid")],
    "a formula upon softmax": lambda: [Dense(5, "softmax"), Activation(lambda z: np.sin(3.3 * z)), Dense(3)],
}


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("rows", [1, 19])
def test_gradients_against_differences(stack, rows):
    model, x, y = model_of(*STACKS[stack]()), X[:rows], Y[:rows]
    _, gradients = model.value_and_gradient(x, y)
    for found, expected in zip(gradients, numbers(model, x, y), strict=True):
        assert found == pytest.approx(expected, abs=2e-8, rel=1e-6)


@pytest.mark.parametrize("stack", STACKS)
def test_predictions_against_plain_numpy(stack):
    model = model_of(*STACKS[stack]())
    weights, values = iter(model.get_weights()), X
    for layer in model.layers:
        if isinstance(layer, Dense):
            values = values @ next(weights) + next(weights)
        formula = layer.activation.function
        values = formula(values) if formula else oracle.activate({"activation": layer.activation.name}, values)
    assert model.predict(X) == pytest.approx(values, rel=1e-12)
    assert model.forward(X) == pytest.approx(values, rel=1e-12)


@pytest.mark.parametrize("stack", STACKS)
def test_the_same_bits_for_any_number_of_threads(stack):
    first = learnt(model_of(*STACKS[stack]()), 1)
    for threads in (2, 3):
        assert same(first, learnt(model_of(*STACKS[stack]()), threads))


@pytest.mark.parametrize(
    ("last", "loss", "y"),
    [
        ((1, "sigmoid"), "binary_crossentropy", (Y[:, :1] > 0.5) * 1.0),
        ((3, "softmax"), "categorical_crossentropy", np.eye(3)[Y.argmax(axis=1)]),
        ((3, "softmax"), "sparse_categorical_crossentropy", Y.argmax(axis=1)),
    ],
)
def test_a_last_activation_meets_its_cross_entropy_as_that_of_a_dense_layer(last, loss, y):
    """However sure the network is, the loss is finite."""
    apart, within = (
        model_of(Dense(7, "relu"), Dense(last[0]), Activation(last[1]), loss=loss),
        model_of(Dense(7, "relu"), Dense(*last), loss=loss),
    )
    for model in (apart, within):
        model.set_weights([300 * w for w in model.get_weights()])
    assert np.isfinite(apart.evaluate(X, y, verbose=0))
    assert apart.evaluate(X, y, verbose=0) == within.evaluate(X, y, verbose=0)
    assert np.array_equal(apart.predict(X), within.predict(X))


def test_samples_of_several_axes():
    x = X.reshape(75, 2, 3)
    flat, deep = model_of(Dense(3)), Sequential([Input((2, 3)), Flatten(), Dense(3)], seed=4, dtype="float64")
    deep.compile(fastbp.Adam(0.01), "mse")
    assert deep.input_shape == (None, 2, 3) and deep.count_params() == 21
    assert same([flat.fit(X, Y, 16, 2, 0).history["loss"]], [deep.fit(x, Y, 16, 2, 0).history["loss"]])
    assert np.array_equal(flat.predict(X), deep.predict(x))
    assert np.array_equal(flat.forward(X), deep.forward(x))
    assert flat.evaluate(X, Y, verbose=0) == deep.evaluate(x, Y, verbose=0) == deep.evaluate(X, Y, verbose=0)
    with pytest.raises(ValueError, match=r"x must have shape \(samples, 2, 3\), got \(25, 3, 3\)"):
        deep.predict(np.zeros((25, 3, 3)))


def test_flatten_takes_its_shape_from_the_first_data():
    model = Sequential([Flatten(), Dense(3)], seed=0)
    model.compile("sgd", "mse")
    model.fit(X.reshape(75, 3, 2), Y, verbose=0)
    assert model.input_shape == (None, 6)
    with pytest.raises(ValueError, match="flatten it"):
        model_of(Dense(3)).predict(X.reshape(75, 3, 2))


def test_a_network_needs_something_to_learn():
    with pytest.raises(ValueError, match="at least one Dense layer"):
        Sequential([Input((3,)), Activation("tanh")]).predict(np.zeros((2, 3)))


def test_a_summary_of_all_kinds():
    lines = []
    Sequential([Input((2, 3)), Flatten(), Dense(4), Activation("tanh"), Dense(2, "softmax")]).summary(print_fn=lines.append)
    assert [line.split() for line in lines[2:-4]] == [
        ["flatten", "(Flatten)", "(None,", "6)", "0"],
        ["dense", "(Dense)", "(None,", "4)", "linear", "28"],
        ["activation", "(Activation)", "(None,", "4)", "tanh", "0"],
        ["dense_1", "(Dense)", "(None,", "2)", "softmax", "10"],
    ]
