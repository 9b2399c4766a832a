"""The gradient with respect to the input: ``backward`` against the oracle, for layers of all shapes and kinds at the bottom."""

import numpy as np
import pytest

import oracle
from fastbp import layers, losses, optimizers
from fastbp.engine.engine import Engine
from fastbp.layers.stages import activate, dense, stages_of
from gradcheck import relative_error
from networks import random_weights

WIDTHS = [(1, 1), (3, 2), (5, 1, 4), (7, 17, 3), (37, 3, 5), (40, 64, 6), (130, 200, 9)]


def make(widths, dtype, activation="tanh"):
    network = [{"activation": activation or "linear"} for _ in widths[1:]]
    engine = Engine(stages_of([layers.Dense(units, activation) for units in widths[1:]], widths[0]), dtype)
    engine.configure(optimizers.Adam(0.01), losses.MeanSquaredError())
    engine.set_weights([w.astype(dtype) for w in random_weights(network, list(widths), np.random.default_rng(0))])
    return network, engine


def expected(network, weights, x, dy):
    """dx by the chain rule, layer by layer in float64."""
    inputs, delta = [], dy
    for layer, kernel, bias in zip(network, weights[::2], weights[1::2], strict=True):
        z = x @ kernel + bias
        inputs.append((layer, kernel, z))
        x = oracle.activate(layer, z)
    for layer, kernel, z in reversed(inputs):
        delta = oracle.through_activation(layer, z, delta) @ kernel.T
    return delta


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["tanh", "gelu"])
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_against_the_chain_rule(widths, activation, dtype):
    """Before training and after it, which leaves the first layer's transposed copy behind."""
    network, engine = make(widths, dtype, activation)
    random = np.random.default_rng(1)
    for rows in (1, 2, 19, 300):
        x, dy = (random.normal(size=(rows, units)).astype(dtype) for units in (widths[0], widths[-1]))
        weights = [w.astype(np.float64) for w in engine.get_weights()]
        for threads in (1, 3):
            engine.forward(x, threads, keep=True)
            dx, _ = engine.backward(dy)
            assert dx.shape == x.shape and dx.dtype == x.dtype and dx.flags.c_contiguous
            assert relative_error(dx, expected(network, weights, x.astype(float), dy.astype(float))) < (
                1e-12 if dtype == "float64" else 2e-5
            )
        engine.train_epoch(x, dy, 16)


def test_the_bits_do_not_depend_on_threads():
    _, engine = make((130, 200, 9), "float32")
    random = np.random.default_rng(2)
    x, dy = (random.normal(size=(300, units)).astype("float32") for units in (130, 9))
    found = []
    for threads in (1, 2, 3):
        engine.forward(x, threads, keep=True)
        found.append(engine.backward(dy)[0].tobytes())
    assert len(set(found)) == 1


@pytest.mark.parametrize("bottom", ["tanh", "softmax", None])
def test_a_first_layer_without_weights(bottom):
    """Its gradient is that of the activation, whatever the weights of the layers above."""
    first = activate(5, layers.Dense(1, bottom).activation)
    engine = Engine([first, *dense(5, 3, layers.Dense(1).activation, True)], "float64")
    random = np.random.default_rng(3)
    kernel, bias = random.normal(size=(5, 3)), random.normal(size=3)
    engine.set_weights([kernel, bias])
    x, dy = random.normal(size=(11, 5)), random.normal(size=(11, 3))
    engine.forward(x, keep=True)
    dx, gradients = engine.backward(dy)
    network = {"activation": bottom or "linear"}
    assert relative_error(dx, oracle.through_activation(network, x, dy @ kernel.T)) < 1e-12
    assert relative_error(gradients[0], oracle.activate(network, x).T @ dy) < 1e-12


def test_what_is_not_finite_passes_through():
    _, engine = make((4, 3), "float64", None)
    engine.forward(np.ones((2, 4)), keep=True)
    dx, _ = engine.backward(np.array([[np.inf, 0.0, 0.0], [1.0, 1.0, 1.0]]))
    assert not np.isfinite(dx[0]).any() and np.isfinite(dx[1]).all()


def test_the_gradient_handed_out_stays():
    _, engine = make((4, 3), "float64")
    engine.forward(np.ones((2, 4)), keep=True)
    first, _ = engine.backward(np.ones((2, 3)))
    copy = first.copy()
    engine.backward(np.zeros((2, 3)))
    assert np.array_equal(first, copy) and first.any()
