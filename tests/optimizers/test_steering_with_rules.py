"""Clipping and its kin together with penalties, constraints, normalization and noise."""

import numpy as np
import pytest
from steered import STEERINGS, network

import oracle
from bridge import assert_weights_agree
from fastbp import SGD, Adam, Dense, Input, Sequential, constraints, regularizers
from fastbp.callbacks import LambdaCallback
from fastbp.layers import BatchNormalization, Dropout, LayerNormalization
from oracle_optimizers import Optimizer

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 5)), RNG.normal(size=(60, 3))


@pytest.mark.parametrize("steering", STEERINGS, ids=str)
def test_penalties_are_part_of_the_gradient(steering):
    """That of L2 is 2 l2 w: the oracle adds it to the gradient, and it is clipped and added up with the rest."""
    problem, settings = network((5, 37, 3), n=60), {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9, **steering}
    layers = [Dense(units, a, kernel_regularizer=regularizers.L2(0.1)) for units, a in ((37, "tanh"), (3, None))]
    layers[1] = Dense(3, use_bias=False, kernel_regularizer=regularizers.L2(0.1))
    model = Sequential([Input((5,)), *layers], dtype="float64")
    model.compile(SGD(**{name: value for name, value in settings.items() if name != "name"}), "mse")
    model.set_weights(problem.weights)
    twin, weights = Optimizer(settings), problem.weights
    for start in range(0, 60, 10):
        x, y = X[start : start + 10], Y[start : start + 10]
        model.train_on_batch(x, y)
        _, gradients = oracle.value_and_gradient(problem.network, weights, problem.loss, x, y)
        weights = twin.apply(weights, [g + 0.2 * w * (w.ndim == 2) for g, w in zip(gradients, weights, strict=True)])
    assert_weights_agree(model.get_weights(), weights, problem.weights, 1e-8)


@pytest.mark.parametrize("steering", STEERINGS, ids=str)
def test_constraints_hold_after_every_step(steering):
    layers = [
        Dense(37, "tanh", kernel_constraint=constraints.NonNeg(), bias_constraint=constraints.NonNeg()),
        Dense(3, kernel_constraint=constraints.MaxNorm(0.5)),
    ]
    model, seen = Sequential([Input((5,)), *layers], seed=0, dtype="float64"), []
    model.compile(Adam(0.05, **steering), "mse")
    see = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(model.get_weights()))
    model.fit(X, Y, batch_size=10, epochs=2, verbose=0, callbacks=[see])
    assert len(seen) == 12
    for kernel, bias, last, _ in seen:
        assert kernel.min() >= 0 and bias.min() >= 0 and np.linalg.norm(last, axis=0).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("steering", [{}, *STEERINGS], ids=str)
def test_the_same_bits_with_every_kind_of_layer(steering):
    found = []
    for threads in (1, 2, 3):
        kinds = [Dense(70, "relu"), BatchNormalization(), Dropout(0.3), Dense(37, "tanh"), LayerNormalization(), Dense(3)]
        model = Sequential([Input((5,)), *kinds], seed=0)
        model.compile(Adam(0.01, **steering), "mse")
        model.fit(X, Y, batch_size=25, epochs=3, verbose=0, threads=threads)
        found.append(model.get_weights())
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))
