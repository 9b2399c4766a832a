"""Layers that do not learn: no bit of their weights changes, and no work is done for them."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

import fastbp
from bridge import every_layer
from fastbp import Dense
from fastbp.engine.engine import Engine
from fastbp.kernels import fields as at
from fastbp.layers.stages import prelu, stages_of
from networks import OPTIMIZERS, describe


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=describe)
@pytest.mark.parametrize("flags", [(False, True, True, False), (True, False, True, True), (False, False, False, True)], ids=str)
def test_one_step_moves_the_others_as_if_nothing_were_frozen(optimizer, flags):
    problem = every_layer("gelu", widths=(5, 17, 16, 40, 3), dtype="float32")
    optimizer = {"learning_rate": 0.01, **optimizer}
    (x, y), start = problem.data, [w.astype("float32") for w in problem.weights]
    free, frozen = problem.engine(optimizer), problem.engine(optimizer)
    frozen.set_trainable(flags)
    for engine in (free, frozen):
        engine.train_epoch(x, y, len(x))
    learns = np.repeat(flags, 2)
    for moved, kept, begin, learn in zip(free.get_weights(), frozen.get_weights(), start, learns, strict=True):
        assert np.array_equal(kept, moved if learn else begin) and not np.array_equal(moved, begin)


@pytest.mark.parametrize("n", [19, 10_000])  # the batch kept whole, or cut into groups
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("flags", [(False, True, True, False), (True, False, True, True), (False,) * 4], ids=str)
def test_gradients_of_frozen_weights_are_zero(flags, threads, n):
    problem = every_layer("tanh", widths=(5, 17, 16, 40, 3), n=n)
    (x, y), engine, free = problem.data, problem.engine(), problem.engine()
    engine.set_trainable(flags)
    fastbp.set_num_threads(threads)
    try:
        value, gradients = engine.value_and_gradient(x, y)
        expected_value, expected = free.value_and_gradient(x, y)
        results = []
        for each in (engine, free):
            each.forward(x, keep=True)
            results.append(each.backward(y))
    finally:
        fastbp.set_num_threads(None)
    assert value == expected_value
    for found, reference in ((gradients, expected), (results[0][1], results[1][1])):
        for g, e, learns in zip(found, reference, np.repeat(flags, 2), strict=True):
            assert np.array_equal(g, e if learns else np.zeros_like(e))
    assert np.array_equal(results[0][0], results[1][0])  # the gradient of the input goes through them


@pytest.mark.parametrize("activation", ["tanh", "gelu"])
def test_nothing_is_worked_out_below_what_learns(activation):
    problem = every_layer(activation, widths=(5, 17, 16, 40, 3))
    engine = problem.engine()
    engine.set_trainable((False, False, True, False))
    plan = engine._plans.get(at.TRAIN, 19, 1)
    assert plan.fields[at.BACKWARD_END] == 3
    assert [bool(row[at.DELTA]) for row in plan.table] == [False, False, True, True]
    assert [bool(row[at.DERIVATIVE]) for row in plan.table] == [False, False, activation == "gelu", False]
    assert {int(task[at.TASK_LAYER]) for task in plan.buffers["tasks"]} == {2}
    products = np.array([5 * 17, 17 * 16, 16 * 40, 40 * 3])
    assert engine.train_epoch(*problem.data, 19).flop == 19 * 2 * products @ [1, 1, 2, 2]
    engine.set_trainable([False] * 4)
    plan = engine._plans.get(at.TRAIN, 19, 1)
    assert plan.phases & at.BACKWARD == 0 and not len(plan.buffers["tasks"])
    assert engine.train_epoch(*problem.data, 19).flop == 19 * 2 * products.sum()


def test_freezing_starts_the_optimizer_afresh_and_keeps_the_weights():
    problem, adam = every_layer("tanh", n=40), {"name": "adam", "learning_rate": 0.01}
    engine, (x, y) = problem.engine(adam), problem.data
    engine.train_epoch(x, y, 8, shuffle=False)
    weights = engine.get_weights()
    engine.set_trainable((True, False, True))
    assert engine.steps == 0 and all(np.array_equal(a, b) for a, b in zip(engine.get_weights(), weights, strict=True))
    problem.network[1]["trainable"], problem.weights = False, weights
    fresh = problem.engine(adam)
    engine.train_epoch(x, y, 8, shuffle=False)
    fresh.train_epoch(x, y, 8, shuffle=False)
    assert all(np.array_equal(a, b) for a, b in zip(engine.get_weights(), fresh.get_weights(), strict=True))
    engine.set_trainable((True, True, True))
    engine.train_epoch(x, y, 8)
    assert not any(np.array_equal(a, b) for a, b in zip(engine.get_weights(), fresh.get_weights(), strict=True))


def test_given_gradients_leave_frozen_weights_alone():
    problem = every_layer("tanh")
    engine = problem.engine({"name": "adamw", "learning_rate": 0.1})
    engine.set_trainable((True, False, True))
    engine.apply_gradients([np.ones_like(w) for w in problem.weights])
    kept = [np.array_equal(a, b) for a, b in zip(engine.get_weights(), problem.weights, strict=True)]
    assert kept == [False, False, True, True, False, False]


@pytest.mark.parametrize("n", [19, 10_000])
@pytest.mark.parametrize("flags", list(product((False, True), repeat=4)), ids=str)
def test_layers_that_learn_slopes(flags, n):
    """PReLU above and below what is frozen, and frozen itself."""
    stages = [prelu(5), *stages_of([Dense(17)], 5), prelu(17), *stages_of([Dense(3)], 17)]
    random = np.random.default_rng(0)
    x, y = random.normal(size=(n, 5)), random.normal(size=(n, 3))
    weights = [random.normal(size=shape) / 3 for shape in (5, (5, 17), 17, 17, (17, 3), 3)]
    learns = np.repeat(flags, (1, 2, 1, 2))
    engines = []
    for chosen in ((True,) * 4, flags):
        engine = Engine([replace(stage, trainable=flag) for stage, flag in zip(stages, chosen, strict=True)], "float64")
        engine.configure(fastbp.optimizers.SGD(0.1, weight_decay=0.1), fastbp.losses.MeanSquaredError())
        engine.set_weights(weights)
        engines.append(engine)
    expected, found = (engine.value_and_gradient(x, y) for engine in engines)
    assert found[0] == expected[0] and all(g.any() for g in expected[1])
    assert all(np.array_equal(f, e * learn) for f, e, learn in zip(found[1], expected[1], learns, strict=True))
    for engine in engines:
        engine.train_epoch(x, y, n)
    moved, kept = (engine.get_weights() for engine in engines)
    for m, k, start, learn in zip(moved, kept, weights, learns, strict=True):
        assert np.array_equal(k, m if learn else start) and not np.array_equal(m, start)
