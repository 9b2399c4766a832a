"""Callbacks that look at each batch: what they are told, and that they change nothing."""

import math

import numpy as np
import pytest

from fastbp import Adam, Dense, Sequential
from fastbp.callbacks import Callback, LambdaCallback

RNG = np.random.default_rng(0)
X = RNG.normal(size=(101, 5)).astype("float32")
PROBLEMS = {
    "regression": (RNG.normal(size=(101, 2)).astype("float32"), None, "mse", ["mae", "mse", "rmse", "r2"], 2),
    "binary": ((X[:, :1] > 0).astype("float32"), "sigmoid", "binary_crossentropy", ["accuracy"], 1),
    "classes": (RNG.integers(0, 3, size=101), "softmax", "sparse_categorical_crossentropy", ["accuracy"], 3),
}


def model(kind, metrics=True):
    _, activation, loss, names, units = PROBLEMS[kind]
    net = Sequential([Dense(8, "tanh"), Dense(units, activation)], seed=1)
    net.compile(Adam(0.01), loss, metrics=names if metrics else None)
    return net


def equal(one, other):
    return all((a == b).all() for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


@pytest.mark.parametrize("kind", PROBLEMS)
@pytest.mark.parametrize("batch_size", [1, 7, 32, 101, 500])
@pytest.mark.parametrize("shuffle", [True, False])
def test_the_same_bits_with_a_callback_as_without(kind, batch_size, shuffle):
    y = PROBLEMS[kind][0]
    histories, nets = [], []
    for callbacks in (None, [LambdaCallback(on_train_batch_end=lambda batch, logs: logs["loss"])]):
        net = model(kind)
        settings = {"batch_size": batch_size, "shuffle": shuffle, "validation_split": 0.1}
        histories.append(net.fit(X, y, epochs=3, verbose=0, callbacks=callbacks, **settings).history)
        nets.append(net)
    assert histories[0] == histories[1] and equal(*nets)


@pytest.mark.parametrize("threads", [2, 8])
@pytest.mark.parametrize("kind", PROBLEMS)
def test_the_same_bits_for_any_number_of_threads(kind, threads):
    y = PROBLEMS[kind][0]
    told = []
    for count in (1, threads):
        seen, net = [], model(kind)
        look = LambdaCallback(
            on_train_batch_end=lambda batch, logs, seen=seen: seen.append(dict(logs)),
            on_test_batch_end=lambda batch, logs, seen=seen: seen.append(dict(logs)),
        )
        net.fit(X, y, batch_size=32, epochs=2, verbose=0, validation_split=0.2, callbacks=[look], threads=count)
        told.append((seen, [w.tolist() for w in net.get_weights()]))
    assert told[0] == told[1]


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("kind", PROBLEMS)
def test_logs_are_means_over_the_epoch_so_far(kind, shuffle):
    """As of batches that are trained one by one. The order of a shuffled epoch is found by a network that learns nothing."""
    y = PROBLEMS[kind][0]
    order = shuffled_order(len(X)) if shuffle else np.arange(len(X))
    net, same = model(kind), model(kind)
    seen = []
    look = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(dict(logs)))
    history = net.fit(X, y, batch_size=16, shuffle=shuffle, verbose=0, callbacks=[look])
    predictions, losses = [], []
    for step, start in enumerate(range(0, len(X), 16)):
        rows = order[start : start + 16]
        same.build(5)
        predictions.append(same.predict(X[rows]))
        losses.append((same.train_on_batch(X[rows], y[rows], return_dict=True)["loss"], len(rows)))
        expected = {"loss": sum(loss * n for loss, n in losses) / sum(n for _, n in losses)}
        done = order[: start + 16]
        expected |= metrics(kind, y[done], np.concatenate(predictions))
        assert seen[step] == pytest.approx(expected, rel=1e-5), step
    assert equal(net, same) and seen[-1] == {name: values[0] for name, values in history.history.items()}


def metrics(kind, y, output):
    if kind == "binary":
        return {"accuracy": np.mean((output > 0.5) == (y > 0.5))}
    if kind == "classes":
        return {"accuracy": np.mean(output.argmax(axis=1) == y)}
    error = output.astype("float64") - y
    squares = ((y - y.mean(axis=0, dtype="float64")) ** 2).sum(axis=0)
    r2 = np.mean(1 - (error**2).sum(axis=0) / squares)
    mse = np.mean(error**2)
    return {"mae": np.mean(np.abs(error)), "mse": mse, "rmse": math.sqrt(mse), "r2": r2}


def shuffled_order(n):
    """The order of a first epoch, which the seed decides: a model without bias shows it the sample of each batch of one."""
    net = Sequential([Dense(1, use_bias=False, kernel_initializer="zeros")], seed=1)
    net.compile(Adam(0.0), "mae")
    totals = []
    look = LambdaCallback(on_train_batch_end=lambda batch, logs: totals.append(logs["loss"] * (batch + 1)))
    net.fit(np.ones((n, 1)), np.arange(n), batch_size=1, verbose=0, callbacks=[look])
    return np.rint(np.diff(totals, prepend=0.0)).astype(int)


def test_logs_that_are_kept_in_a_cycle_or_by_several_do_not_change_either():
    """Not even metrics that are computed from outputs."""
    kept, read = [], []

    class Keep(Callback):
        def on_train_batch_end(self, batch, logs=None):
            kept.append({"logs": logs})
            kept[-1]["itself"] = kept[-1]

        on_test_batch_end = on_train_batch_end

    class Read(Callback):
        def on_train_batch_end(self, batch, logs=None):
            read.append(dict(logs))

        on_test_batch_end = on_train_batch_end

    y = PROBLEMS["binary"][0]
    for callbacks in ([Keep(), Keep()], [Read(), Read()]):
        net = Sequential([Dense(8, "tanh"), Dense(1, "sigmoid")], seed=1)
        net.compile(Adam(0.01), "binary_crossentropy", metrics=["accuracy", "AUC"])
        net.fit(X, y, batch_size=16, epochs=2, verbose=0, validation_split=0.3, callbacks=callbacks)
    assert [dict(one["logs"]) for one in kept] == read and len(read) == 2 * 2 * (5 + 2)


def test_logs_that_are_kept_do_not_change():
    """They are computed when they are read, perhaps after the fit."""
    kept, read = [], []

    class Keep(Callback):
        def on_train_batch_end(self, batch, logs=None):
            kept.append(logs or {})

    class Read(Callback):
        def on_train_batch_end(self, batch, logs=None):
            read.append(dict(logs))

    y = PROBLEMS["regression"][0]
    model("regression").fit(X, y, batch_size=16, epochs=2, verbose=0, callbacks=[Keep()])
    model("regression").fit(X, y, batch_size=16, epochs=2, verbose=0, callbacks=[Read()])
    assert [dict(logs) for logs in kept] == read and len(read) == 14


def test_logs_are_like_a_dict():
    seen = []
    y = PROBLEMS["regression"][0]
    model("regression").fit(
        X, y, verbose=0, callbacks=[LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs))]
    )
    logs = seen[0]
    assert list(logs) == ["loss", "mae", "mse", "rmse", "r2"] and len(logs) == 5 and "mae" in logs and logs
    assert logs.get("nothing") is None and logs["loss"] == dict(logs)["loss"] == logs.copy()["loss"]
    assert {**logs} == (logs | {}) == ({} | logs) == dict(logs.items()) and repr(logs) == repr(dict(logs))
    logs["more"] = 1
    assert logs.pop("more") == 1 and "more" not in logs


def test_only_the_beginning_of_batches():
    begun = []
    net, same = model("regression"), model("regression")
    y = PROBLEMS["regression"][0]
    net.fit(X, y, verbose=0, callbacks=[LambdaCallback(on_train_batch_begin=lambda batch, logs: begun.append((batch, logs)))])
    same.fit(X, y, verbose=0)
    assert begun == [(0, {}), (1, {}), (2, {}), (3, {})] and equal(net, same)


# --------------------------------------------------------------------------------------- measuring and predicting


@pytest.mark.parametrize("kind", PROBLEMS)
def test_measuring_batch_by_batch(kind):
    y, net, seen = PROBLEMS[kind][0], model(kind), []
    net.build(5)
    look = LambdaCallback(on_test_batch_end=lambda batch, logs: seen.append(dict(logs)))
    result = net.evaluate(X, y, batch_size=16, verbose=0, callbacks=[look], return_dict=True)
    assert result == net.evaluate(X, y, verbose=0, return_dict=True)
    for step, logs in enumerate(seen):
        stop = 16 * (step + 1)
        assert logs == pytest.approx(net.evaluate(X[:stop], y[:stop], verbose=0, return_dict=True), rel=1e-5)
    assert len(seen) == 7


def test_measuring_may_be_stopped():
    class Stop(Callback):
        def on_test_batch_end(self, batch, logs=None):
            self.model.stop_evaluating = batch == 1

    y, net = PROBLEMS["regression"][0], model("regression")
    net.build(5)
    stopped = net.evaluate(X, y, batch_size=16, verbose=0, callbacks=[Stop()])
    assert stopped == pytest.approx(net.evaluate(X[:32], y[:32], verbose=0))
    assert net.evaluate(X, y, batch_size=16, verbose=0, callbacks=[Callback()]) == net.evaluate(X, y, verbose=0)


def test_predictions_by_batches():
    net, seen = model("classes"), []
    net.build(5)
    look = LambdaCallback(on_predict_batch_end=lambda batch, logs: seen.append(logs["outputs"]))
    whole = net.predict(X, batch_size=16, verbose=0, callbacks=[look])
    assert (whole == net.predict(X)).all() and (np.concatenate(seen) == whole).all() and len(seen) == 7

    class Stop(Callback):
        def on_predict_batch_end(self, batch, logs=None):
            self.model.stop_predicting = batch == 1

    assert net.predict(X, batch_size=16, callbacks=[Stop()]).shape == (32, 3)
    assert net.predict(X, batch_size=16, callbacks=[look]).shape == (101, 3)
