"""Callbacks that change the learning rate: by rules written out by hand, and beside Keras's."""

import itertools
import math

import numpy as np
import pytest
from watched import decisions, sequences

from fastbp import SGD, Adam, Dense, Sequential
from fastbp.callbacks import LambdaCallback, LearningRateScheduler, ReduceLROnPlateau

X = np.linspace(-1, 1, 64, dtype="float32").reshape(-1, 1)


def model(optimizer):
    net = Sequential([Dense(4, "tanh"), Dense(1)], seed=0)
    net.compile(optimizer, "mse")
    return net


# settings, losses, the rate after each epoch where it begins with 1
RULES = {
    "it stays while the loss falls": ({"patience": 1}, [3, 2, 1], [1, 1, 1]),
    "patience": ({"patience": 2}, [3, 3, 3, 3, 3], [1, 1, 0.5, 0.5, 0.25]),
    "an improvement starts the count again": ({"patience": 2}, [3, 3, 2, 2, 2], [1, 1, 1, 1, 0.5]),
    "too small an improvement is none": ({"patience": 1, "min_delta": 0.5}, [3.0, 2.6], [1, 0.5]),
    "the usual min_delta": ({"patience": 1}, [3.0, 2.99995, 2.9998], [1, 0.5, 0.5]),
    "cooldown": ({"patience": 1, "cooldown": 2}, [3, 3, 3, 3, 3, 3], [1, 0.5, 0.5, 0.25, 0.25, 0.125]),
    "improvements in the cooldown are seen": ({"patience": 1, "cooldown": 3}, [3, 3, 1, 2, 2], [1, 0.5, 0.5, 0.5, 0.25]),
    "the lowest rate": ({"patience": 1, "min_lr": 0.4}, [3, 3, 3, 3], [1, 0.5, 0.4, 0.4]),
    "max": ({"patience": 1, "mode": "max"}, [1, 2, 2, 3], [1, 1, 0.5, 0.5]),
    "patience of 0 is that of 1": ({"patience": 0}, [3, 3, 3], [1, 0.5, 0.25]),
    "NaN is no improvement": ({"patience": 1}, [3, math.nan, 2], [1, 0.5, 0.5]),
}


@pytest.mark.parametrize("rule", RULES)
def test_rules(rule):
    settings, losses, rates = RULES[rule]
    told, _ = decisions(ReduceLROnPlateau(factor=0.5, **settings), losses)
    assert [rate for rate, *_ in told] == rates
    assert [logged for _, logged, *_ in told] == [1.0, *rates[:-1]]  # the rate that the epoch was trained with


def test_decisions_are_those_of_keras():
    keras = pytest.importorskip("keras")
    choices = [(0.5, 0.25), (0, 1, 3), ("min", "max", "auto"), (1e-4, 0.5), (0, 1, 2), (0.0, 0.125)]
    names = "factor", "patience", "mode", "min_delta", "cooldown", "min_lr"
    for number, chosen in enumerate(itertools.product(*choices)):
        settings = dict(zip(names, chosen, strict=True))
        for values in sequences(number, 4):
            attributes = "best", "wait", "cooldown_counter"
            ours = decisions(ReduceLROnPlateau(**settings), values, attributes=attributes)
            theirs = decisions(keras.callbacks.ReduceLROnPlateau(**settings), values, attributes=attributes)
            assert str(ours) == str(theirs), (settings, values)


def test_a_plateau_in_a_fit():
    net = model(SGD(1.0))
    history = net.fit(X, X, epochs=5, verbose=0, callbacks=[ReduceLROnPlateau("loss", 0.5, patience=1, min_delta=1e9)])
    assert history.history["learning_rate"] == [1.0, 1.0, 0.5, 0.25, 0.125] and net.optimizer.learning_rate == 0.0625


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"factor": 1.0}, ValueError),
        ({"factor": -1}, ValueError),
        ({"patience": -1}, ValueError),
        ({"cooldown": 0.5}, TypeError),
        ({"min_lr": -1}, ValueError),
        ({"min_delta": "x"}, TypeError),
    ],
)
def test_bad_settings(settings, error):
    with pytest.raises(error, match=next(iter(settings))):
        ReduceLROnPlateau(**settings)


# -------------------------------------------------------------------------------------------------------- schedules


@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_a_schedule_is_what_epochs_are_trained_with(optimizer):
    """As by setting the rate by hand between fits of one epoch each."""
    net, same = model(optimizer(0.1)), model(optimizer(0.1))
    history = net.fit(X, X**2, epochs=4, verbose=0, callbacks=[LearningRateScheduler(lambda epoch, rate: rate / (epoch + 1))])
    rate, rates = 0.1, []
    for epoch in range(4):
        rate /= epoch + 1
        same.optimizer.learning_rate = rate
        rates.append(rate)
        same.fit(X, X**2, verbose=0)
    assert history.history["learning_rate"] == rates
    for a, b in zip(net.get_weights(), same.get_weights(), strict=True):
        assert (a == b).all()


def test_schedules_of_one_argument(capsys):
    net = model(SGD(0.1))
    net.fit(X, X, epochs=3, verbose=0, callbacks=[LearningRateScheduler(lambda epoch: 0.5**epoch, verbose=1)])
    assert net.optimizer.learning_rate == 0.25
    assert "Epoch 3: the learning rate is 0.25" in capsys.readouterr().out


def test_numpy_s_floats_are_floats():
    net = model(SGD(0.1))
    net.fit(X, X, verbose=0, callbacks=[LearningRateScheduler(lambda epoch, rate: np.float32(0.25))])
    assert net.optimizer.learning_rate == 0.25


@pytest.mark.parametrize("value", [1, None, "0.1", [0.1]])
def test_what_is_no_rate(value):
    with pytest.raises(ValueError, match="schedule must return a float, got .* for epoch 0"):
        model(SGD(0.1)).fit(X, X, verbose=0, callbacks=[LearningRateScheduler(lambda epoch, rate: value)])


def test_an_error_in_a_schedule_is_its_own():
    def schedule(epoch, rate):
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        model(SGD(0.1)).fit(X, X, verbose=0, callbacks=[LearningRateScheduler(schedule)])
    with pytest.raises(TypeError, match="schedule must be a function"):
        LearningRateScheduler(0.1)


def test_a_rate_set_between_batches_is_taken_from_the_next_on():
    net, same = model(SGD(0.1)), model(SGD(0.1))

    def halve(batch, logs):
        net.optimizer.learning_rate /= 2

    net.fit(X, X**2, batch_size=16, shuffle=False, verbose=0, callbacks=[LambdaCallback(on_train_batch_end=halve)])
    for start in range(0, 64, 16):
        same.train_on_batch(X[start : start + 16], X[start : start + 16] ** 2)
        same.optimizer.learning_rate /= 2
    for a, b in zip(net.get_weights(), same.get_weights(), strict=True):
        assert (a == b).all()
