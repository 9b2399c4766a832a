"""The arguments of fit, evaluate, predict and compile: Keras's, in Keras's order."""

import inspect

import numpy as np
import pytest

from fastbp import SGD, Dense, Sequential
from fastbp.callbacks import LambdaCallback

X = np.linspace(-1, 1, 100, dtype="float32").reshape(-1, 1)
Y = X**2

ORDERS = {
    "fit": "x y batch_size epochs verbose callbacks validation_split validation_data shuffle class_weight sample_weight "
    "initial_epoch steps_per_epoch validation_steps validation_batch_size validation_freq",
    "evaluate": "x y batch_size verbose sample_weight steps callbacks return_dict",
    "predict": "x batch_size verbose steps callbacks",
    "train_on_batch": "x y sample_weight class_weight return_dict",
    "test_on_batch": "x y sample_weight return_dict",
    "predict_on_batch": "x",
    "compile": "optimizer loss loss_weights metrics weighted_metrics run_eagerly steps_per_execution jit_compile "
    "auto_scale_loss",
}


def model():
    net = Sequential([Dense(4, "tanh"), Dense(1)], seed=0)
    net.compile(SGD(0.1), "mse", metrics=["mae"])
    return net


def positional(method):
    return [p for p in inspect.signature(method).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"]


@pytest.mark.parametrize("method", ORDERS)
def test_the_order_of_arguments(method):
    assert [p.name for p in positional(getattr(Sequential, method))] == ORDERS[method].split()


@pytest.mark.parametrize("method", ORDERS)
def test_order_and_defaults_are_keras_s(method):
    keras = pytest.importorskip("keras")
    ours, theirs = positional(getattr(Sequential, method)), positional(getattr(keras.Model, method))
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs]


def test_none_is_harmless():
    net, same = model(), model()
    nothing = dict.fromkeys(
        ["batch_size", "callbacks", "validation_data", "class_weight", "sample_weight", "steps_per_epoch"]
        + ["validation_steps", "validation_batch_size"]
    )
    assert net.fit(X, Y, epochs=2, verbose=0, **nothing).history == same.fit(X, Y, epochs=2, verbose=0).history
    arguments = {"batch_size": None, "sample_weight": None, "steps": None, "callbacks": None}
    assert net.evaluate(X, Y, verbose=0, **arguments) == net.evaluate(X, Y, verbose=0)
    assert (net.predict(X, batch_size=None, steps=None, callbacks=None) == net.predict(X)).all()
    assert net.train_on_batch(X, Y, None, None) == same.train_on_batch(X, Y)
    assert net.test_on_batch(X, Y, None, True) == same.test_on_batch(X, Y, return_dict=True)


def test_harmless_settings_of_compile():
    for settings in ({"loss_weights": w} for w in (None, 1, 1.0, [1.0], {"dense_1": 1.0})):
        model().compile("adam", "mse", **settings)
    for settings in ({"run_eagerly": True}, {"steps_per_execution": 8}, {"jit_compile": False}, {"auto_scale_loss": False}):
        model().compile("adam", "mse", **settings)
    model().compile("adam", "mse", None, ["mae"], None, None, None, None, None)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"loss_weights": 0.5}, ValueError),
        ({"loss_weights": [1.0, 2.0]}, ValueError),
        ({"run_eagerly": "yes"}, TypeError),
        ({"steps_per_execution": 0}, ValueError),
        ({"jit_compile": 3}, TypeError),
    ],
)
def test_bad_settings_of_compile(settings, error):
    net = model()
    before = net.optimizer
    with pytest.raises(error, match=next(iter(settings))):
        net.compile("adam", "mse", **settings)
    assert net.optimizer is before


# ------------------------------------------------------------------------------------------------------ validation


@pytest.mark.parametrize(
    ("frequency", "epochs"), [(1, [1, 2, 3, 4, 5]), (2, [2, 4]), (9, []), ([1, 4], [1, 4]), ((5,), [5]), (range(2, 4), [2, 3])]
)
def test_validation_frequency(frequency, epochs):
    seen = []
    look = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch + 1) if "val_loss" in logs else None)
    net, same = model(), model()
    history = net.fit(X, Y, epochs=5, verbose=0, validation_data=(X, Y), validation_freq=frequency, callbacks=[look])
    every = same.fit(X, Y, epochs=5, verbose=0, validation_data=(X, Y))
    assert seen == epochs and len(history.history["loss"]) == 5
    assert history.history.get("val_loss", []) == [every.history["val_loss"][epoch - 1] for epoch in epochs]


@pytest.mark.parametrize("frequency", [0, -1, 1.5, "1", [0], None, ["2"]])
def test_bad_validation_frequency(frequency):
    net = model()
    with pytest.raises((TypeError, ValueError), match="validation_freq"):
        net.fit(X, Y, verbose=0, validation_data=(X, Y), validation_freq=frequency)
    assert not net.built


def test_validation_on_some_batches():
    net = model()
    settings = {"validation_steps": 2, "validation_batch_size": 15}
    history = net.fit(X, Y, epochs=1, verbose=0, validation_data=(X, Y), **settings)
    assert history.history["val_loss"] == [net.evaluate(X[:30], Y[:30], verbose=0)[0]]
    history = net.fit(X, Y, 20, epochs=1, verbose=0, validation_data=(X, Y), validation_steps=3)
    assert history.history["val_loss"] == [net.evaluate(X[:60], Y[:60], verbose=0)[0]]
    for name in settings:
        for bad in (-1, 1.5):
            with pytest.raises((TypeError, ValueError), match=name):
                net.fit(X, Y, verbose=0, validation_data=(X, Y), **{name: bad})


# ----------------------------------------------------------------------------------------------------------- steps


def test_some_batches():
    net = model()
    net.build(1)
    assert net.evaluate(X, Y, 15, 0, steps=2) == net.evaluate(X[:30], Y[:30], verbose=0)
    assert net.evaluate(X, Y, verbose=0, steps=3) == net.evaluate(X[:96], Y[:96], verbose=0)
    assert net.evaluate(X, Y, verbose=0, steps=30) == net.evaluate(X, Y, verbose=0)
    assert (net.predict(X, 15, 0, 2) == net.predict(X[:30])).all()
    assert net.predict(X, 15, steps=30).shape == (100, 1)
    for use in (lambda steps: net.evaluate(X, Y, verbose=0, steps=steps), lambda steps: net.predict(X, steps=steps)):
        for steps in (0, -1, 1.5, "2"):
            with pytest.raises((TypeError, ValueError), match="steps"):
                use(steps)


@pytest.mark.parametrize("batch_size", [1, 7, 64, 1000])
def test_predictions_do_not_depend_on_the_batch_size(batch_size):
    net = model()
    net.build(1)
    assert (net.predict(X, batch_size=batch_size) == net.predict(X)).all()


def test_shuffling_within_batches_is_no_shuffling():
    net, same = model(), model()
    assert net.fit(X, Y, verbose=0, shuffle="batch").history == same.fit(X, Y, verbose=0, shuffle=False).history
