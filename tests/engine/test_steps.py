"""A pass that is run some steps at a time: what may come between them, and what may not."""

import gc
import weakref

import numpy as np
import pytest

from bridge import every_layer
from fastbp import losses, optimizers
from fastbp.engine.epoch import Diverged


def test_a_pass_is_safe_from_others_between_its_steps():
    """Another pass over as many samples, or fewer, has an order and results of its own."""
    problem, adam = every_layer("tanh", n=50), {"name": "adam", "learning_rate": 0.0}
    engine, (x, y) = problem.engine(adam, seed=1), problem.data
    expected = problem.engine(adam, seed=1).train_epoch(x, y, 8, statistics=1, keep_outputs=True)
    ended = []
    for i in range(7):
        engine.train_steps(i, i + 1, ended, x, y, 8, statistics=1, keep_outputs=True)
        engine.train_epoch(x, y, 8)
        engine.train_epoch(x[:20].copy(), y[:20].copy(), 8, statistics=1, keep_outputs=True)
        engine.apply_gradients([np.zeros_like(w) for w in problem.weights])
    assert ended[0].loss == expected.loss and np.array_equal(ended[0].order, expected.order)
    assert np.array_equal(ended[0].outputs, expected.outputs)
    assert np.array_equal(ended[0].statistics.counts, expected.statistics.counts)


def test_steps_must_follow_each_other():
    problem = every_layer("tanh", n=50)
    engine, (x, y) = problem.engine(), problem.data
    with pytest.raises(ValueError, match="pass_so_far needs a pass"):
        engine.pass_so_far()
    with pytest.raises(ValueError, match="first must be the next step of the pass over x and y, got 1 after none"):
        engine.train_steps(1, 2, [], x, y, 8)
    engine.train_steps(0, 2, [], x, y, 8)
    for first, data in ((1, (x, y)), (3, (x, y)), (2, (x.copy(), y)), (2, (x, y.copy()))):
        with pytest.raises(ValueError, match=rf"got {first} after 2 steps of a pass over 50 samples"):
            engine.train_steps(first, first + 1, [], *data, 8)
    for stop in (2, 8):
        with pytest.raises(ValueError, match=rf"stop must be from 3 to 7, the steps of a pass, got {stop}"):
            engine.train_steps(2, stop, [], x, y, 8)
    engine.configure(optimizers.SGD(), losses.MeanSquaredError())
    with pytest.raises(ValueError, match="got 2 after none"):
        engine.train_steps(2, 3, [], x, y, 8)


def test_the_rate_may_change_between_steps():
    problem, optimizer = every_layer("tanh", n=40), optimizers.Adam(0.01)
    rates = [0.01, 0.02, 0.005, 0.0, 0.01]
    engine, other, (x, y) = problem.engine(), problem.engine(), problem.data
    for each in (engine, other):
        each.configure(optimizer, losses.MeanSquaredError())
    for i, rate in enumerate(rates):
        optimizer.learning_rate = rate
        engine.train_steps(i, i + 1, [], x, y, 8)
    other.train_epoch(x, y, 8, learning_rates=np.array(rates))
    assert all(np.array_equal(a, b) for a, b in zip(engine.get_weights(), other.get_weights(), strict=True))


@pytest.mark.parametrize("threads", [1, 2])
def test_divergence_in_the_midst_of_a_pass(threads):
    problem = every_layer("relu", n=60)
    engine, (x, y) = problem.engine(), problem.data
    x[35, 1] = np.nan
    engine.train_steps(0, 2, [], x, y, 10, shuffle=False, threads=threads)
    with pytest.raises(Diverged) as error:
        engine.train_steps(2, 6, [], x, y, 10, shuffle=False, threads=threads)
    assert error.value.step == 4 and engine.steps == 4
    assert np.isnan(engine.pass_so_far().loss) and engine.pass_so_far().steps == 4
    assert not engine._learning


def test_data_of_a_pass_that_has_ended_may_go():
    problem = every_layer("tanh", n=40)
    engine, (x, y), ended = problem.engine(), problem.data, []
    engine.train_steps(0, 5, ended, x, y, 8)
    gone = weakref.ref(x)
    assert engine.pass_so_far().loss == ended[0].loss
    del x
    gc.collect()
    assert gone() is None
