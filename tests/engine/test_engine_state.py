"""What an engine keeps and counts: statistics, state, shuffling, and what happens when the loss is not a number."""

import numpy as np
import pytest

import oracle
from bridge import assert_weights_agree, every_layer, make_loss, make_optimizer, make_problem
from fastbp.engine.epoch import Diverged
from networks import HIDDEN_ACTIVATIONS, OPTIMIZERS, describe

# ------------------------------------------------------------------------------------------------------ statistics


STATISTICS = [
    (1, "mean_squared_error", "linear", 3),
    (2, "binary_crossentropy", "sigmoid", 1),
    (2, "binary_crossentropy", "sigmoid", 3),
    (3, "categorical_crossentropy", "softmax", 5),
    (4, "sparse_categorical_crossentropy", "softmax", 33),
    (5, "binary_crossentropy", "linear", 3),
]


def count_correct(kind, output, y):
    if kind in (2, 5):
        return (y == (output > (0.5 if kind == 2 else 0.0))).sum()
    labels = y if kind == 4 else y.argmax(axis=1)
    return (output.argmax(axis=1) == labels).sum()


@pytest.mark.parametrize(("kind", "loss", "last", "units"), STATISTICS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n", [1, 70])
def test_statistics(kind, loss, last, units, dtype, n):
    problem = every_layer("tanh", last, (4, 9, units), loss, dtype, n)
    engine, (x, y) = problem.engine({"name": "sgd", "learning_rate": 0.1}), problem.data
    output, _ = oracle.forward(problem.network, problem.weights, problem.x)
    measured = engine.evaluate(x, y, statistics=kind).statistics
    # One step for the whole of the data: training counts with the predictions made before it.
    trained = engine.train_epoch(x, y, n, shuffle=False, statistics=kind).statistics
    for statistics in (measured, trained):
        assert statistics.count == n
        if kind > 1:
            assert statistics.correct == count_correct(kind, output, problem.y)
        if kind != 4:
            t, relative = problem.y.reshape(n, units), 1e-12 if dtype == "float64" else 1e-5
            assert statistics.squared_error.numbers() == pytest.approx(((output - t) ** 2).sum(axis=0), rel=relative)
            assert statistics.absolute_error.numbers() == pytest.approx(np.abs(output - t).sum(axis=0), rel=relative)
    assert engine.evaluate(x, y).statistics is None


def test_training_statistics_follow_the_weights():
    """Each batch is counted with the weights it met, not with those at the end."""
    problem = every_layer("tanh", "softmax", (4, 9, 3), "sparse_categorical_crossentropy", n=50)
    engine, (x, y), sgd = problem.engine(), problem.data, {"name": "sgd", "learning_rate": 0.5}
    engine.configure(make_optimizer(sgd), make_loss(problem.loss))
    rule, weights, correct = oracle.Optimizer(sgd), problem.weights, 0
    for start in range(0, 50, 8):
        rows = slice(start, start + 8)
        output, _ = oracle.forward(problem.network, weights, problem.x[rows])
        correct += count_correct(4, output, problem.y[rows])
        _, gradients = oracle.value_and_gradient(problem.network, weights, problem.loss, problem.x[rows], problem.y[rows])
        weights = rule.apply(weights, gradients)
    assert engine.train_epoch(x, y, 8, shuffle=False, statistics=4).statistics.correct == correct


# ----------------------------------------------------------------------------------------------------------- state


def test_weights_are_copies():
    problem = every_layer("tanh")
    engine = problem.engine()
    given_weights = [w.copy() for w in problem.weights]
    engine.set_weights(given_weights)
    given_weights[0][:] = 7
    engine.get_weights()[0][:] = 9
    assert np.array_equal(engine.get_weights()[0], problem.weights[0])


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=describe)
def test_restoring_a_snapshot_repeats_the_past(optimizer):
    problem = every_layer("tanh", n=40)
    engine, (x, y) = problem.engine({"learning_rate": 0.01, **optimizer}), problem.data
    engine.train_epoch(x, y, 8)
    past = engine.snapshot()
    first = engine.train_epoch(x, y, 8).loss, [w.tobytes() for w in engine.get_weights()], engine.steps
    engine.train_epoch(x, y, 16)
    engine.restore(past)
    assert engine.steps == 5
    engine.restore(past)  # a snapshot can be used again
    second = engine.train_epoch(x, y, 8).loss, [w.tobytes() for w in engine.get_weights()], engine.steps
    assert first[1:] == second[1:] and first[0] == second[0]


def test_configure_forgets_the_optimizers_past():
    problem = every_layer("tanh", n=40)
    adam = {"name": "adam", "learning_rate": 0.01}
    used, fresh, (x, y) = problem.engine(adam), problem.engine(adam), problem.data
    used.train_epoch(x, y, 8, shuffle=False)
    used.configure(make_optimizer(adam), make_loss(problem.loss))
    used.set_weights(problem.weights)
    assert used.steps == 0
    for engine in (used, fresh):
        engine.train_epoch(x, y, 8, shuffle=False)
    assert all(np.array_equal(a, b) for a, b in zip(used.get_weights(), fresh.get_weights(), strict=True))


def test_learning_rate_may_change_between_epochs():
    """The optimizer's state lives on, and the next epoch takes the new rate."""
    problem = every_layer("tanh", n=40)
    settings = {"name": "adam", "learning_rate": 0.01}
    engine, (x, y), optimizer = problem.engine(), problem.data, make_optimizer(settings)
    engine.configure(optimizer, make_loss(problem.loss))
    engine.set_weights(problem.weights)
    rule, weights = oracle.Optimizer(settings), problem.weights
    for rate in (0.01, 0.001):
        optimizer.learning_rate = rate
        rule.settings = {**settings, "learning_rate": rate}
        engine.train_epoch(x, y, 8, shuffle=False)
        weights, _ = oracle.train_epoch(problem.network, weights, problem.loss, rule, problem.x, problem.y, 8)
    assert_weights_agree(engine.get_weights(), weights, problem.weights, 1e-9)


def test_other_work_between_epochs_changes_nothing():
    """Plans and buffers are shared; evaluating, predicting and looking at gradients must leave training alone."""
    problem = every_layer("gelu", n=40)
    quiet, busy = (problem.engine({"name": "adam", "learning_rate": 0.01}) for _ in range(2))
    x, y = problem.data
    for _ in range(4):
        quiet.train_epoch(x, y, 8)
        busy.train_epoch(x, y, 8)
        busy.evaluate(x[:7].copy(), y[:7].copy(), statistics=1)
        busy.forward(x[:3].copy())
        busy.value_and_gradient(x, y)
        busy.forward(x, keep=True)
        busy.backward(y)
    assert all(np.array_equal(a, b) for a, b in zip(quiet.get_weights(), busy.get_weights(), strict=True))


# ------------------------------------------------------------------------------------------------------- shuffling


def test_seed_decides_the_order():
    problem = every_layer("tanh", n=50)
    x, y = problem.data

    def train(seed, shuffle=True):
        engine = problem.engine(seed=seed)
        losses = [engine.train_epoch(x, y, 8, shuffle=shuffle).loss for _ in range(3)]
        return losses, [w.tobytes() for w in engine.get_weights()]

    assert train(1) == train(1)
    assert train(1) != train(2)
    assert train(1) != train(1, shuffle=False)


@pytest.mark.parametrize("n", [1, 2, 37, 128])
def test_shuffling_visits_every_sample_once(n):
    """At a rate of 0 the mean over an epoch is the mean over the data."""
    problem = every_layer("tanh", n=n)
    engine, (x, y) = problem.engine({"name": "sgd", "learning_rate": 0.0}), problem.data
    expected = engine.evaluate(x, y).loss
    for _ in range(3):
        assert engine.train_epoch(x, y, 5).loss == pytest.approx(expected, rel=1e-12)


def test_every_order_of_few_samples_appears():
    """Three samples seen one at a time: the end of an epoch tells the order. All six come about equally often."""
    problem = every_layer("tanh", widths=(2, 3, 1), n=3)
    engine, (x, y) = problem.engine({"name": "sgd", "learning_rate": 0.1}), problem.data
    seen = {}
    for _ in range(600):
        engine.set_weights(problem.weights)
        engine.train_epoch(x, y, 1)
        key = engine.get_weights()[0].tobytes()
        seen[key] = seen.get(key, 0) + 1
    assert len(seen) == 6
    assert min(seen.values()) > 60 and max(seen.values()) < 150


# ------------------------------------------------------------------------------------------------------ divergence


@pytest.mark.parametrize("threads", [1, 2])
def test_divergence_names_the_step(threads):
    problem = every_layer("relu", n=60)
    engine, (x, y) = problem.engine({"name": "sgd", "learning_rate": 0.01}), problem.data
    before = engine.snapshot()
    x[25, 1] = np.nan
    with pytest.raises(Diverged) as error:
        engine.train_epoch(x, y, 10, shuffle=False, threads=threads)
    assert error.value.step == 3
    engine.restore(before)
    assert all(np.array_equal(a, b) for a, b in zip(engine.get_weights(), problem.weights, strict=True))
    x[25, 1] = 0.0
    assert np.isfinite(engine.train_epoch(x, y, 10, shuffle=False, threads=threads).loss)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_divergence_by_too_large_a_rate(dtype):
    problem = every_layer("linear", n=60, dtype=dtype)
    engine, (x, y) = problem.engine({"name": "sgd", "learning_rate": 1e6}), problem.data
    with pytest.raises(Diverged), np.errstate(all="ignore"):
        for _ in range(100):
            engine.train_epoch(x, y, 10)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("activation", [*HIDDEN_ACTIVATIONS, "softmax"])
@pytest.mark.parametrize("units", [1, 16, 19])
def test_not_a_number_passes_through(activation, dtype, units):
    """Nothing may hide a NaN: not a maximum, not a comparison, not a padded vector."""
    problem = make_problem([{"activation": activation}], [3, units], {"name": "mean_squared_error"}, 9, dtype=dtype)
    x, y = problem.data
    x[4, 1] = np.nan
    output = problem.engine().forward(x)
    assert np.isnan(output[4]).all()
    assert not np.isnan(np.delete(output, 4, axis=0)).any()
