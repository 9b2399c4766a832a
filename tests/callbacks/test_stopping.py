"""EarlyStopping, TerminateOnNaN and TimeBudget: by rules written out by hand, and beside Keras's."""

import itertools
import math

import numpy as np
import pytest
from watched import decisions, sequences

import fastbp
from fastbp import SGD, Dense, Sequential, TrainingDiverged, callbacks
from fastbp.callbacks import EarlyStopping, TerminateOnNaN, TimeBudget

X = np.linspace(-1, 1, 64, dtype="float32").reshape(-1, 1)


def model(optimizer="adam", **settings):
    net = Sequential([Dense(4, "tanh"), Dense(1)], seed=0)
    net.compile(optimizer, "mse", **settings)
    return net


# settings, losses, epochs that are run, best epoch, whose weights there are in the end
RULES = {
    "it goes on while the loss falls": ({}, [3, 2, 1], 3, 2, None),
    "no patience": ({}, [3, 2, 2, 1], 3, 1, None),
    "the first epoch never ends it": ({"baseline": 1.0}, [3, 2, 1, 0], 4, 3, None),
    "patience counts epochs without improvement": ({"patience": 2}, [3, 2, 2, 2, 1], 4, 1, None),
    "an improvement starts the count again": ({"patience": 2}, [3, 4, 2, 4, 4, 1], 5, 2, None),
    "too small an improvement is none": ({"min_delta": 0.5, "patience": 1}, [3.0, 2.6, 2.0], 2, 0, None),
    "min_delta is measured from the best": ({"min_delta": 0.5, "patience": 2}, [3.0, 2.7, 2.4, 2.2], 4, 2, None),
    "exactly min_delta is none": ({"min_delta": 0.5}, [3.0, 2.5], 2, 0, None),
    "the sign of min_delta does not matter": ({"min_delta": -0.5}, [3.0, 2.6, 2.0], 2, 0, None),
    "max": ({"mode": "max"}, [1, 2, 2, 9], 3, 1, None),
    "max with min_delta": ({"mode": "max", "min_delta": 1}, [1, 2, 4], 2, 0, None),
    "weights of the best": ({"patience": 2, "restore_best_weights": True}, [3, 1, 2, 2, 0], 4, 1, 1),
    "weights of the best without an early end": ({"patience": 5, "restore_best_weights": True}, [3, 1, 2], 3, 1, 1),
    "a baseline that is not beaten": ({"baseline": 0.5, "patience": 3, "restore_best_weights": True}, [3, 2, 1, 2], 4, 2, 2),
    "beyond the baseline the count starts again": ({"baseline": 2.5, "patience": 2}, [3, 2, 3, 3, 1], 4, 1, None),
    "the first epochs do not count": ({"start_from_epoch": 2}, [1, 5, 3, 3], 4, 2, None),
    "nor are their weights the best": ({"start_from_epoch": 2, "restore_best_weights": True}, [1, 5, 3, 4], 4, 2, 2),
    "nothing is better than NaN": ({"patience": 1}, [math.nan, 1], 2, 0, None),
    "NaN is no improvement": ({"patience": 2}, [1, math.nan, math.nan, 0], 3, 0, None),
}


@pytest.mark.parametrize("rule", RULES)
def test_rules(rule):
    settings, losses, epochs, best, weights = RULES[rule]
    stopping = EarlyStopping(**settings)
    told, restored = decisions(stopping, losses)
    assert (len(told), stopping.best_epoch, restored) == (epochs, best, weights)
    assert stopping.stopped_epoch == (epochs - 1 if stopping.model.stop_training else 0)
    assert stopping.best == losses[best] or math.isnan(losses[best])


def test_another_fit_begins_afresh():
    stopping = EarlyStopping(patience=1)
    first = decisions(stopping, [1, 2, 3])
    assert decisions(stopping, [1, 2, 3]) == first


def test_decisions_are_those_of_keras():
    keras = pytest.importorskip("keras")
    choices = [(0, 0.5, -1), (0, 1, 3), ("min", "max", "auto"), (None, 1.0), (False, True), (0, 2)]
    names = "min_delta", "patience", "mode", "baseline", "restore_best_weights", "start_from_epoch"
    for number, chosen in enumerate(itertools.product(*choices)):
        settings = dict(zip(names, chosen, strict=True))
        for values in sequences(number, 6):
            attributes = "best", "best_epoch", "wait", "stopped_epoch"
            ours = decisions(EarlyStopping(**settings), values, attributes=attributes)
            theirs = decisions(keras.callbacks.EarlyStopping(**settings), values, attributes=attributes)
            assert str(ours) == str(theirs), (settings, values)  # as text, in which NaN is equal to itself


def test_a_missing_number_is_warned_of_and_stops_nothing():
    stopping = EarlyStopping(patience=1)
    with pytest.warns(UserWarning, match="EarlyStopping watches 'val_loss', which is not in the logs: loss"):
        told, _ = decisions(stopping, [None, None, None])
    assert len(told) == 3


def test_the_mode_follows_from_the_name():
    net = Sequential([Dense(1, "sigmoid")], seed=0)
    net.compile("adam", "binary_crossentropy", metrics=["accuracy", "mae"])
    for name, falling in (("accuracy", False), ("val_accuracy", False), ("mae", True), ("loss", True), ("val_loss", True)):
        stopping = EarlyStopping(name)
        stopping.set_model(net)
        stopping.on_train_begin()
        for epoch, value in enumerate([3.0, 2.0, 1.0] if falling else [1.0, 2.0, 3.0]):
            stopping.on_epoch_end(epoch, {name: value})
        assert stopping.best_epoch == 2, name
        net.stop_training = False


def test_a_name_that_says_nothing_needs_a_mode():
    with pytest.raises(ValueError, match="mode must be 'min' or 'max' for monitor='profit'"):
        model().fit(X, X, verbose=0, callbacks=[EarlyStopping("profit")])


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"monitor": 3}, TypeError),
        ({"patience": -1}, ValueError),
        ({"patience": 1.5}, TypeError),
        ({"min_delta": "small"}, TypeError),
        ({"min_delta": math.nan}, ValueError),
        ({"baseline": "low"}, TypeError),
        ({"restore_best_weights": 1}, TypeError),
        ({"start_from_epoch": -1}, ValueError),
    ],
)
def test_bad_settings(settings, error):
    with pytest.raises(error, match=next(iter(settings))):
        EarlyStopping(**settings)


def test_an_unknown_mode_is_warned_of():
    with pytest.warns(UserWarning, match="mode must be 'auto', 'min' or 'max', got 'best'"):
        assert EarlyStopping(mode="best").mode == "auto"


def test_a_fit_ends_and_has_the_weights_of_the_best_epoch():
    net = model(SGD(0.5))
    weights = []
    stopping = EarlyStopping("val_loss", patience=3, restore_best_weights=True)
    keeping = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: weights.append(net.get_weights()))
    noise = np.random.default_rng(0).normal(size=X.shape).astype("float32")
    history = net.fit(X, noise, epochs=300, verbose=0, validation_split=0.5, callbacks=[keeping, stopping])
    losses = history.history["val_loss"]
    assert len(losses) < 300 and int(np.argmin(losses)) == stopping.best_epoch
    assert stopping.stopped_epoch == len(losses) - 1 == stopping.best_epoch + 3
    for ours, kept in zip(net.get_weights(), weights[stopping.best_epoch], strict=True):
        assert (ours == kept).all()
    assert net.evaluate(X[32:], noise[32:], verbose=0) == min(losses)


def test_it_says_so(capsys):
    stopping = EarlyStopping("val_loss", restore_best_weights=True, verbose=1)
    decisions(stopping, [1.0, 2.0])
    assert capsys.readouterr().out == "Epoch 2: early stopping\nThe weights are those of the best epoch, 1\n"


# ------------------------------------------------------------------------------------------------------ divergence


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("validated", [False, True])
def test_terminate_on_nan_ends_a_fit_with_nan_in_its_history(watched, validated, capsys):
    net = model(SGD(1e20))
    settings = {"validation_data": (X, X)} if validated else {}
    extra = [callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)] if watched else []
    history = net.fit(X, X, epochs=9, batch_size=16, verbose=0, callbacks=[TerminateOnNaN(), *extra], **settings)
    assert set(history.history) == ({"loss", "val_loss"} if validated else {"loss"})
    assert all(math.isnan(values[-1]) for values in history.history.values())
    assert len(history.epoch) < 9 and history.epoch == list(range(len(history.epoch)))
    assert all(np.isfinite(w).all() for w in net.get_weights())
    assert "invalid loss, training ends" in capsys.readouterr().out
    with pytest.raises(TrainingDiverged):
        model(SGD(1e20)).fit(X, X, epochs=9, batch_size=16, verbose=0)


def test_epochs_before_the_one_that_diverges_are_in_the_history():
    """Many epochs are run in one compiled call; the loss grows slowly at first."""
    net = Sequential([Dense(1, kernel_initializer="ones")], seed=0)
    net.compile(SGD(4.0), "mse")
    history = net.fit(X, -X, epochs=2000, verbose=0, callbacks=[TerminateOnNaN()])
    losses = history.history["loss"]
    assert 3 < len(losses) < 2000 and np.isfinite(losses[:-1]).all() and math.isnan(losses[-1])
    assert len(history.samples_per_second) == len(history.epoch) == len(losses)


def test_terminate_on_nan_may_raise():
    with pytest.raises(RuntimeError, match="NaN or infinite in batch"):
        model(SGD(1e20)).fit(X, X, epochs=9, verbose=0, callbacks=[TerminateOnNaN(raise_error=True)])


def test_other_callbacks_see_the_nan():
    seen = []
    after = callbacks.LambdaCallback(on_epoch_end=lambda e, logs: seen.append(logs["loss"]), on_train_end=seen.append)
    model(SGD(1e20)).fit(X, X, epochs=9, verbose=0, callbacks=[TerminateOnNaN(), after])
    assert math.isnan(seen[-2]) and math.isnan(seen[-1]["loss"])


# ------------------------------------------------------------------------------------------------------------ time


def test_a_time_budget_ends_a_fit():
    budget = TimeBudget(0.02)
    history = model().fit(X, X, epochs=10**9, verbose=0, callbacks=[budget])
    assert history.epoch[-1] == budget.stopped_epoch > 0
    assert len(model().fit(X, X, epochs=2, verbose=0, callbacks=[TimeBudget(1e9)]).epoch) == 2
    assert len(model().fit(X, X, epochs=2, verbose=0, callbacks=[TimeBudget(0)]).epoch) == 1
    with pytest.raises(ValueError, match="seconds"):
        TimeBudget(-1)


def test_names():
    assert fastbp.callbacks.EarlyStopping is EarlyStopping
