"""A rate for each step, the order of a pass for others to use, and weights that are copied and come back."""

import numpy as np
import pytest

import oracle
from bridge import assert_weights_agree, every_layer
from networks import OPTIMIZERS, describe


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=describe)
def test_rates_of_several_passes_in_one_call(optimizer):
    problem = every_layer("tanh", n=40)
    (x, y), settings = problem.data, {"learning_rate": 1.0, **optimizer}
    rates = 0.002 * np.random.default_rng(0).random(15)
    engine, rule, weights = problem.engine(settings), oracle.Optimizer(settings), problem.weights
    ended = []
    engine.train_epochs(3, ended, x, y, 8, shuffle=False, learning_rates=rates)
    for i in range(3):
        arguments = problem.network, weights, problem.loss, rule, problem.x, problem.y, 8
        weights, loss = oracle.train_epoch(*arguments, learning_rates=rates[5 * i : 5 * i + 5])
        assert ended[i].loss == pytest.approx(loss, rel=1e-9)
    assert_weights_agree(engine.get_weights(), weights, problem.weights, 1e-8)
    rule.settings = {**settings, "learning_rate": 0.001}
    one, other = problem.engine(rule.settings), problem.engine(rule.settings)
    one.train_epoch(x, y, 8, learning_rates=np.full(5, 0.001))
    other.train_epoch(x, y, 8)
    for each in (one, other):  # and the optimizer's rate is its own again
        each.train_epoch(x, y, 8)
    assert all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


def test_too_few_rates():
    problem = every_layer("tanh", n=40)
    with pytest.raises(ValueError, match="learning_rates must have 10 elements, one for each step, got 9"):
        problem.engine().train_epochs(2, [], *problem.data, 8, learning_rates=np.ones(9))


@pytest.mark.parametrize("n", [2, 19, 1000])
def test_the_next_order_is_that_of_the_next_pass(n):
    problem = every_layer("tanh", n=n)
    engine, other, (x, y) = problem.engine(seed=5), problem.engine(seed=5), problem.data
    for _ in range(3):
        order = engine.next_order(n)
        assert np.array_equal(order, other.train_epoch(x, y, 1, keep_outputs=True).order)
        engine.train_epoch(x[order], y[order], 1, shuffle=False)
    assert all(np.array_equal(a, b) for a, b in zip(engine.get_weights(), other.get_weights(), strict=True))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_weights_go_back_to_a_copy(dtype):
    """To the bit, with the transposed ones: the next epoch is the same again."""
    problem = every_layer("tanh", n=40, dtype=dtype)
    engine, (x, y) = problem.engine({"name": "sgd", "learning_rate": 0.1}), problem.data
    engine.train_epoch(x, y, 8, shuffle=False)
    copied, weights = engine.copy_weights(), engine.get_weights()
    first = engine.train_epoch(x, y, 8, shuffle=False).loss
    for _ in range(2):
        engine.restore_weights(copied)
        assert all(np.array_equal(a, b) for a, b in zip(engine.get_weights(), weights, strict=True))
        assert engine.train_epoch(x, y, 8, shuffle=False).loss == first
