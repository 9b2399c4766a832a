"""When which hook is called, with what, and what it may do."""

import inspect
import pickle

import numpy as np
import pytest

import fastbp
from fastbp import Dense, History, Sequential
from fastbp.callbacks import Callback, CallbackList, EarlyStopping, LambdaCallback, ProgbarLogger
from fastbp.callbacks.base import NUMBERED_HOOKS, PLAIN_HOOKS, implements

X = np.linspace(-1, 1, 50, dtype="float32").reshape(-1, 1)
Y = X**2
HOOKS = *PLAIN_HOOKS, *NUMBERED_HOOKS


def model(metrics=("mae",), seed=0):
    net = Sequential([Dense(4, "tanh"), Dense(1)], seed=seed)
    net.compile("adam", "mse", metrics=list(metrics))
    return net


def recorder(hooks=HOOKS, base=Callback):
    """A callback that writes down which hooks are called with what number and which logs."""
    calls = []

    def hook(name):
        if name in PLAIN_HOOKS:
            return lambda self, logs=None: calls.append((name, sorted(logs)))
        return lambda self, number, logs=None: calls.append((name, number, sorted(logs)))

    callback = type("Recorder", (base,), {name: hook(name) for name in hooks})()
    return callback, calls


LOGS, VAL = ["loss", "mae"], ["loss", "mae", "val_loss", "val_mae"]


def batches(kind, count, logs):
    return [
        call
        for batch in range(count)
        for call in ((f"on_{kind}_batch_begin", batch, []), (f"on_{kind}_batch_end", batch, logs))
    ]


def fit_calls(epochs=2):
    """Of 40 samples to train on and 10 to validate on, in batches of 16."""
    calls = [("on_train_begin", [])]
    for epoch in range(epochs):
        calls += [("on_epoch_begin", epoch, []), *batches("train", 3, LOGS)]
        calls += [("on_test_begin", []), *batches("test", 1, LOGS), ("on_test_end", LOGS), ("on_epoch_end", epoch, VAL)]
    return [*calls, ("on_train_end", VAL)]


def evaluate_calls():
    return [("on_test_begin", []), *batches("test", 4, LOGS), ("on_test_end", LOGS)]


def predict_calls():
    return [("on_predict_begin", []), *batches("predict", 4, ["outputs"]), ("on_predict_end", [])]


def test_the_hooks_of_a_fit():
    callback, calls = recorder()
    net = model()
    net.fit(X, Y, batch_size=16, epochs=2, verbose=0, validation_split=0.2, callbacks=[callback])
    assert calls == fit_calls()
    assert callback.model is net and callback.params == {"verbose": 0, "epochs": 2, "steps": 3}


def test_the_hooks_of_evaluate_and_predict():
    net = model()
    net.build(1)
    callback, calls = recorder()
    net.evaluate(X, Y, batch_size=16, verbose=0, callbacks=[callback])
    assert calls == evaluate_calls() and callback.params == {"verbose": 0, "epochs": 1, "steps": 4}
    calls.clear()
    net.predict(X, batch_size=16, verbose=0, callbacks=[callback])
    assert calls == predict_calls()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_hooks_are_those_of_keras():
    keras = pytest.importorskip("keras")
    net = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    net.compile("sgd", "mse", metrics=["mae"])
    callback, calls = recorder(base=keras.callbacks.Callback)
    net.fit(X, Y, batch_size=16, epochs=2, verbose=0, validation_split=0.2, callbacks=[callback])
    assert calls == fit_calls()
    calls.clear()
    net.evaluate(X, Y, batch_size=16, verbose=0, callbacks=[callback])
    assert calls == evaluate_calls()
    calls.clear()
    net.predict(X, batch_size=16, verbose=0, callbacks=[callback])
    assert calls == predict_calls()


def test_the_base_class_has_keras_s_methods():
    keras = pytest.importorskip("keras")
    theirs = keras.callbacks.Callback
    for name, method in inspect.getmembers(theirs, inspect.isfunction):
        if name.startswith(("on_", "set_")):
            assert list(inspect.signature(getattr(Callback, name)).parameters) == list(inspect.signature(method).parameters)


def test_callbacks_of_keras_work_here():
    keras = pytest.importorskip("keras")
    stopping = keras.callbacks.EarlyStopping("loss", patience=1, min_delta=1e9, restore_best_weights=True)
    callback, calls = recorder(["on_epoch_end"], keras.callbacks.Callback)
    assert not implements(callback, "on_train_batch_end") and implements(callback, "on_epoch_end")
    history = model().fit(X, Y, epochs=9, verbose=0, callbacks=[stopping, callback])
    assert len(history.epoch) == len(calls) == 2


# ------------------------------------------------------------------------------------------- what is not overridden


def test_hooks_that_are_not_overridden_are_not_called(monkeypatch):
    """Without a hook of batches an epoch is one compiled call; without one of epochs, several are."""
    net, counts = model(()), []
    net.build(1)
    train = net._engine.train_epochs
    monkeypatch.setattr(net._engine, "train_epochs", lambda count, *rest: (counts.append(count), train(count, *rest)))
    monkeypatch.setattr(net._engine, "train_steps", None)
    plain, _ = recorder(["on_train_begin", "on_train_end"])
    net.fit(X, Y, epochs=500, verbose=0, callbacks=[plain, Callback(), LambdaCallback()])
    assert sum(counts) == 500 and max(counts) > 1
    counts.clear()
    net.fit(X, Y, epochs=5, verbose=0, callbacks=[recorder(["on_epoch_end"])[0]])
    assert counts == [1] * 5


@pytest.mark.parametrize("hook", HOOKS)
def test_one_hook_alone(hook):
    callback, calls = recorder([hook])
    net = model()
    net.fit(X, Y, batch_size=16, epochs=2, verbose=0, validation_split=0.2, callbacks=callback)
    assert calls == [call for call in fit_calls() if call[0] == hook]
    calls.clear()
    net.evaluate(X, Y, batch_size=16, verbose=0, callbacks=callback)
    net.predict(X, batch_size=16, verbose=0, callbacks=callback)
    assert calls == [call for call in evaluate_calls() + predict_calls() if call[0] == hook]


def test_the_older_names_of_batches():
    calls = []
    older = type("Older", (Callback,), {"on_batch_end": lambda self, batch, logs=None: calls.append((batch, logs["loss"]))})
    history = model().fit(X, Y, batch_size=16, verbose=0, callbacks=[older()])
    assert [batch for batch, _ in calls] == [0, 1, 2, 3] and calls[-1][1] == history.history["loss"][0]


# --------------------------------------------------------------------------------------------------- what they may do


def test_stopping_after_an_epoch():
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 2

    net = model()
    assert net.fit(X, Y, epochs=9, verbose=0, callbacks=[Stop()]).epoch == [0, 1, 2]
    assert net.fit(X, Y, epochs=2, verbose=0).epoch == [0, 1]  # the next fit knows nothing of it


@pytest.mark.parametrize("metrics", [(), ("mae", "r2")])
def test_stopping_after_a_batch(metrics):
    """The epoch ends there, with the loss and metrics of its batches so far, and is validated."""

    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    net, same = model(metrics), model(metrics)
    history = net.fit(X, Y, batch_size=16, epochs=9, shuffle=False, verbose=0, callbacks=[Stop()], validation_data=(X, Y))
    expected = same.fit(X[:32], Y[:32], batch_size=16, shuffle=False, verbose=0, validation_data=(X, Y))
    assert history.epoch == [0] and set(history.history) == set(expected.history)
    for name, values in expected.history.items():
        assert history.history[name] == pytest.approx(values, rel=1e-6), name
    for a, b in zip(net.get_weights(), same.get_weights(), strict=True):
        assert (a == b).all()


def test_what_is_put_into_the_logs_comes_into_the_history():
    class Adds(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["epoch squared"] = epoch**2

    history = model().fit(X, Y, epochs=3, verbose=0, callbacks=[Adds()])
    assert history.history["epoch squared"] == [0, 1, 4] and len(history.history["loss"]) == 3


# epochs in the history where the second call of a hook fails, the first of those that are called once
ENDED = {"on_train_end": 3, "on_epoch_end": 2, "on_epoch_begin": 1, "on_test_begin": 1, "on_test_end": 1}
ENDED |= {"on_test_batch_begin": 0, "on_test_batch_end": 0}


@pytest.mark.parametrize("hook", [h for h in HOOKS if "predict" not in h])
def test_an_error_in_a_callback_ends_the_fit_with_what_there_is(hook):
    def fail(self, number=None, logs=None):
        calls.append(number)
        if len(calls) == 2 or hook in ("on_train_begin", "on_train_end"):
            raise KeyError("mine")

    calls = []
    net, bad = model(), type("Bad", (Callback,), {hook: fail})()
    with pytest.raises(KeyError, match="mine"):
        net.fit(X, Y, batch_size=25, epochs=3, verbose=0, validation_data=(X, Y), callbacks=[bad])
    epochs = len(net.history.epoch)
    assert epochs == ENDED.get(hook, 0)
    assert net.history.epoch == list(range(epochs)) and {len(v) for v in net.history.history.values()} <= {epochs}
    assert len(net.fit(X, Y, epochs=2, verbose=0).epoch) == 2
    assert np.isfinite(net.predict(X)).all()


def test_a_model_may_be_used_in_its_callbacks():
    class Uses(Callback):
        def on_epoch_end(self, epoch, logs=None):
            assert self.model.evaluate(X, Y, verbose=0, return_dict=True)["loss"] == logs["val_loss"]

        def on_train_batch_end(self, batch, logs=None):
            self.model.predict(X[:3])

    net, same = model(), model()
    net.fit(X, Y, batch_size=16, epochs=3, verbose=0, validation_data=(X, Y), callbacks=[Uses()])
    same.fit(X, Y, batch_size=16, epochs=3, verbose=0)
    for a, b in zip(net.get_weights(), same.get_weights(), strict=True):
        assert (a == b).all()


# -------------------------------------------------------------------------------------------------------------- lists


def test_lists():
    one, calls = recorder(["on_train_begin"])
    for given, count in ((one, 1), ([one], 1), ((one, [one, (one,)]), 3), (CallbackList([one, one]), 2), ([], 0), (None, 0)):
        calls.clear()
        model().fit(X, Y, verbose=0, callbacks=given)
        assert len(calls) == count


@pytest.mark.parametrize("bad", [3, "early", EarlyStopping, [EarlyStopping], [Callback(), None, 3], {"a": 1}, print])
def test_what_is_no_callback(bad):
    net = model()
    for use in (lambda: net.fit(X, Y, callbacks=bad), lambda: net.evaluate(X, Y, callbacks=bad)):
        net.build(1)
        with pytest.raises(TypeError, match="callbacks must be"):
            use()
    assert net.history is None


def test_a_history_among_the_callbacks_is_filled():
    history = History()
    net = model()
    assert net.fit(X, Y, epochs=2, verbose=0, callbacks=[history]) is history is net.history
    assert net.fit(X, Y, epochs=3, verbose=0, callbacks=[history]) is history
    assert history.epoch == [0, 1, 2] and len(history.history["loss"]) == 5 and len(history.samples_per_second) == 3


def test_a_history_with_more_in_it():
    class Mine(History):
        def on_epoch_end(self, epoch, logs=None):
            logs["double"] = 2 * logs["loss"]
            super().on_epoch_end(epoch, logs)

    history = model().fit(X, Y, epochs=3, verbose=0, callbacks=[Mine()])
    assert type(history) is Mine and history.epoch == [0, 1, 2]
    assert history.history["double"] == [2 * loss for loss in history.history["loss"]]
    assert len(history.samples_per_second) == len(history.gflops) == 3


def test_a_history_can_be_pickled():
    history = model().fit(X, Y, epochs=2, verbose=0, callbacks=[EarlyStopping("loss")])
    assert pickle.loads(pickle.dumps(history)).history == history.history


def test_a_loop_by_hand():
    net = model()
    stopping, (one, calls) = EarlyStopping("loss", patience=1), recorder(["on_train_batch_end", "on_epoch_end"])
    listening = CallbackList([stopping], add_history=True, add_progbar=True, model=net, epochs=4, verbose=0)
    listening.append(one)
    one.set_model(net)
    listening.on_train_begin()
    for epoch, loss in enumerate([3.0, 2.0, 2.5, 1.0]):
        listening.on_epoch_begin(epoch)
        listening.on_train_batch_end(0, {"loss": loss})
        listening.on_epoch_end(epoch, logs={"loss": loss})
        if net.stop_training:
            break
    listening.on_train_end()
    assert listening.history.history == {"loss": [3.0, 2.0, 2.5]} and stopping.stopped_epoch == 2 and len(calls) == 6
    assert any(isinstance(callback, ProgbarLogger) for callback in listening.callbacks)


def test_names_of_keras():
    keras = pytest.importorskip("keras")
    ours = set(fastbp.callbacks.__all__)
    assert {name for name in dir(keras.callbacks) if name[0].isupper()} <= ours
