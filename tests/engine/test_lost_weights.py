"""Weights that become NaN or infinite where no loss sees it: always noticed, and the last good ones kept."""

import copy
import pickle

import numpy as np
import pytest

import fastbp
from bridge import make_optimizer
from fastbp import Dense, Input, Sequential
from networks import OPTIMIZERS, describe

RNG = np.random.default_rng(7)
X = RNG.normal(size=(64, 3)).astype("float32")
Y = 100 * RNG.normal(size=(64, 2)).astype("float32")
ONES = np.ones((8, 1), "float32")


def equal(a, b):
    return all(np.array_equal(p, q) for p, q in zip(a.get_weights(), b.get_weights(), strict=True))


def finite(model):
    return all(np.isfinite(w).all() for w in model.get_weights())


def one_step_too_far():
    """Its first step has a finite loss and leaves infinite weights."""
    model = Sequential([Input((3,)), Dense(2)], seed=0)
    model.compile(fastbp.SGD(3e38), "mse")
    return model


def doubling():
    """A weight times -2 in each step, since it decays by 3 of 1. The tanh after it is saturated, so that neither loss nor
    gradient ever sees it: from 2^10 on, the float32 is finite for 117 steps."""
    model = Sequential([Input((1,)), Dense(1, "tanh", use_bias=False)])
    model.set_weights([[[1024.0]]])
    model.compile(fastbp.SGD(1.0, weight_decay=3.0), "mse")
    return model


def weight(model):
    return abs(model.get_weights()[0][0, 0])


@pytest.mark.parametrize("epochs", [1, 2])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("batch_size", [16, 64])
def test_in_the_last_step_of_an_epoch_or_before(epochs, threads, batch_size):
    model = one_step_too_far()
    before = copy.deepcopy(model)
    with pytest.raises(fastbp.TrainingDiverged, match="NaN or infinite in epoch 1") as caught:
        model.fit(X, Y, batch_size=batch_size, epochs=epochs, verbose=0, threads=threads)
    by_weights = batch_size == 64  # else the second step's loss sees it
    assert ("the weights became" in str(caught.value)) == by_weights
    assert caught.value.step == (1 if by_weights else 2) and caught.value.epoch == 1
    assert equal(model, before) and model.history.history == {}
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize("threads", [1, 2])
def test_where_the_batch_is_cut_into_groups(threads):
    x, y = np.tile(X, (500, 1)), np.tile(Y, (500, 1))
    model = Sequential([Input((3,)), Dense(64, "tanh"), Dense(2)], seed=0)
    model.compile(fastbp.SGD(3e38), "mse")
    with pytest.raises(fastbp.TrainingDiverged, match="the weights became"):
        model.fit(x, y, batch_size=len(x), epochs=3, verbose=0, threads=threads)
    assert finite(model)


@pytest.mark.parametrize("batch_size", [4, 8])
@pytest.mark.parametrize("metrics", [None, ["mae"]])  # epochs together in one call of the kernel, or one by one
def test_no_epoch_is_kept_that_leaves_such_weights(batch_size, metrics):
    model, steps = doubling(), 8 // batch_size
    model.compile(model.optimizer, "mse", metrics=metrics)
    with pytest.raises(fastbp.TrainingDiverged, match="the loss was finite, but the weights became") as caught:
        model.fit(ONES, ONES[:, 0], batch_size, epochs=1000, verbose=0)
    good = 117 // steps
    assert len(model.history.epoch) == good and np.isfinite(model.history.history["loss"]).all()
    assert (caught.value.epoch, caught.value.step) == (good + 1, steps)
    assert weight(model) == 2.0 ** (10 + good * steps) and model._engine.steps == good * steps


@pytest.mark.parametrize("step", ["train_on_batch", "apply_gradients"])
def test_single_steps(step):
    model = doubling()
    take = {
        "train_on_batch": lambda: model.train_on_batch(ONES, ONES),
        "apply_gradients": lambda: model.apply_gradients([[[0.0]]]),
    }[step]
    for _ in range(117):
        take()
    for _ in range(3):
        with pytest.raises(fastbp.TrainingDiverged, match="weights became"):
            take()
        assert weight(model) == 2.0**127 and model._engine.steps == 117


@pytest.mark.parametrize("epochs", [1, 1000])
def test_an_interrupt_that_comes_first(epochs, monkeypatch):
    """Ctrl-C must neither hide the loss of the weights nor lose the epochs before."""
    model = doubling()
    engine = model._need_engine("the test")
    call, good = engine._runner.run, 117 if epochs > 1 else 0
    if epochs == 1:
        model.set_weights([[[2.0**127]]])

    def interrupted(*arguments):
        call(*arguments)
        if not engine.state.is_finite():
            monkeypatch.undo()
            raise KeyboardInterrupt

    monkeypatch.setattr(engine._runner, "run", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        model.fit(ONES, ONES, 8, epochs=epochs, verbose=0)
    assert len(model.history.epoch) == good and weight(model) == 2.0**127
    assert "last finished epoch" in caught.value.__notes__[0]


def test_weights_that_were_not_finite_before():
    model = doubling()
    model.set_weights([[[np.inf]]])
    with pytest.raises(fastbp.TrainingDiverged, match="from before this epoch, which were not finite either"):
        model.fit(ONES, ONES, verbose=0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("settings", OPTIMIZERS, ids=describe)
def test_gradients_that_are_not_finite_leave_no_trace(settings, value):
    """Neither in the weights nor in the optimizer's state and schedule."""
    models = []
    for spoil in (True, False):
        model = Sequential([Input((3,)), Dense(5, "tanh"), Dense(2)], seed=0)
        model.compile(make_optimizer({**settings, "learning_rate": 0.01}), "mse")
        gradients = model.value_and_gradient(X, Y)[1]
        model.apply_gradients(gradients)
        if spoil:
            bad = copy.deepcopy(gradients)
            bad[2][4, 1] = value
            with pytest.raises(fastbp.TrainingDiverged):
                model.apply_gradients(bad)
        model.apply_gradients(gradients)
        model.fit(X, Y, epochs=2, verbose=0)
        models.append(model)
    assert equal(*models)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "settings", [{"epsilon": 0.0, **s} for s in OPTIMIZERS if s["name"] not in ("sgd", "lion")], ids=describe
)
@pytest.mark.parametrize("widths", [(1, 1), (3, 5, 2), (19, 33, 17), (4, 65, 3, 1)])
def test_no_false_alarm(settings, widths, dtype):
    """What pads the weights to whole vectors has no gradient; without an epsilon, 0 / 0 must not come of it."""
    x = RNG.normal(size=(30, widths[0]))
    model = Sequential([Dense(units, "relu") for units in widths[1:]], seed=0, dtype=dtype)
    model.compile(make_optimizer({**settings, "learning_rate": 1e-3}), "mse")
    model.fit(x, RNG.normal(size=(30, widths[-1])), batch_size=7, epochs=3, verbose=0)
    assert finite(model) and model._engine.state.is_finite()
