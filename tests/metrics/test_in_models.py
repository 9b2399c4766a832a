"""Metrics in fit, evaluate and the methods for one batch: those of kept outputs, beside those that kernels count."""

import os
import warnings

import numpy as np
import pytest

import fastbp
from fastbp import SGD, Dense, Sequential, metrics

N = 90
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 3)).astype("float32")
Y = (X[:, :1] + RNG.normal(0, 0.5, (N, 1)) > 0).astype("float32")
W = RNG.integers(1, 5, N) / 4


def largest_error(y_true, y_pred):
    """One number for each batch."""
    return abs(y_true - y_pred).max() if isinstance(y_pred, np.ndarray) else (y_true - y_pred).abs().max()


def squares(y_true, y_pred):
    return (y_true - y_pred) ** 2


class Worst(metrics.Metric):
    def __init__(self, name="worst", **rest):
        super().__init__(name=name, **rest)
        self.size = self.add_weight(name="size", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.size.assign(np.maximum(self.size, np.abs(y_true - y_pred).max()))

    def result(self):
        return self.size


def given():
    return [
        "accuracy",
        metrics.AUC(name="auc"),
        "mae",
        metrics.Precision(name="precision"),
        squares,
        Worst(),
        metrics.F1Score(name="f1"),
    ]


NAMES = ["accuracy", "auc", "mae", "precision", "squares", "worst", "f1"]


def model_of(metrics, rate=0.0, weighted_metrics=None, seed=0):
    model = Sequential([Dense(5, "tanh"), Dense(1, "sigmoid")], seed=seed)
    model.compile(SGD(rate), "binary_crossentropy", metrics=metrics, weighted_metrics=weighted_metrics)
    model.build(3)
    return model


def expected(y, p, w=None):
    return {
        "accuracy": np.average(((p > 0.5) == y)[:, 0], weights=w),
        "auc": metrics.AUC()(y, p, w),
        "mae": np.average(np.abs(y - p)[:, 0], weights=w),
        "precision": metrics.Precision()(y, p, w),
        "squares": np.average(((y - p) ** 2)[:, 0], weights=w),
        "worst": np.abs(y - p).max(),
        "f1": metrics.F1Score()(y, p, w)[0],
    }


def of(logs, prefix=""):
    return {name: logs[prefix + name] for name in NAMES}


def test_evaluate():
    model = model_of(given())
    logs = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert list(logs) == ["loss", *NAMES] == model.metrics_names
    assert of(logs) == pytest.approx(expected(Y, model.predict(X, verbose=0)), rel=1e-5)
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(list(logs.values()), rel=1e-6)
    assert model.test_on_batch(X, Y, return_dict=True) == pytest.approx(logs, rel=1e-6)
    assert model.train_on_batch(X, Y, return_dict=True) == pytest.approx(logs, rel=1e-6)


@pytest.mark.parametrize("batch_size", [1, 7, 64, N, 200])
@pytest.mark.parametrize("shuffle", [True, False])
def test_fit_at_a_rate_of_zero(batch_size, shuffle):
    """Every epoch sees the same predictions, in another order."""
    model = model_of(given())
    history = model.fit(X, Y, batch_size, 3, 0, shuffle=shuffle, validation_data=(X[:40], Y[:40])).history
    assert list(history) == ["loss", *NAMES, "val_loss", *(f"val_{name}" for name in NAMES)]
    p = model.predict(X, verbose=0)
    for epoch in range(3):
        logs = {name: values[epoch] for name, values in history.items()}
        assert of(logs) == pytest.approx(expected(Y, p), rel=1e-5)
        assert of(logs, "val_") == pytest.approx(expected(Y[:40], p[:40]), rel=1e-5)


def test_fit_sees_predictions_before_each_update():
    """Epoch by epoch and step by step, without shuffling."""
    model, twin = model_of(given(), 0.5), model_of(None, 0.5)
    history = model.fit(X, Y, 16, 3, 0, shuffle=False).history
    for epoch in range(3):
        seen = []
        for start in range(0, N, 16):
            rows = slice(start, start + 16)
            seen.append(twin.predict(X[rows], verbose=0))
            twin.train_on_batch(X[rows], Y[rows])
        assert {name: history[name][epoch] for name in NAMES} == pytest.approx(expected(Y, np.concatenate(seen)), rel=1e-4)


def test_learning_does_not_depend_on_metrics():
    """The same bits with outputs kept, for one and two threads."""
    found = []
    for chosen, threads in ((None, 1), (given(), 1), (given(), 2)):
        model = model_of(chosen, 0.1)
        model.fit(X, Y, 16, 3, 0, threads=threads)
        found.append([weights.tobytes() for weights in model.get_weights()])
    assert found[0] == found[1] == found[2]


def test_weighted_metrics():
    weighted = [metrics.AUC(name="auc"), "mae", "accuracy", squares, metrics.Recall(name="recall")]
    model = model_of(["mae"], 0.0, weighted)
    names = ["loss", "mae", "auc", "weighted_mae", "accuracy", "squares", "recall"]
    assert model.metrics_names == names
    p = model.predict(X, verbose=0)
    plain = expected(Y, p)
    for w in (None, W):
        by_weight = expected(Y, p, w)
        values = {"mae": plain["mae"], "weighted_mae": by_weight["mae"], "recall": metrics.Recall()(Y, p, w)}
        values |= {name: by_weight[name] for name in ("auc", "accuracy", "squares")}
        logs = model.evaluate(X, Y, verbose=0, sample_weight=w, return_dict=True)
        assert {name: logs[name] for name in values} == pytest.approx(values, rel=1e-5)
        history = model.fit(X, Y, 16, 2, 0, sample_weight=w, validation_data=(X, Y, w) if w is not None else (X, Y)).history
        assert list(history) == [*names, *(f"val_{name}" for name in names)]
        assert {name: history[name][1] for name in values} == pytest.approx(values, rel=1e-5)
        assert {name: history[f"val_{name}"][1] for name in values} == pytest.approx(values, rel=1e-5)


def test_two_kinds_of_accuracy():
    x, y = RNG.normal(size=(60, 3)), np.eye(3)[RNG.integers(0, 3, 60)]
    model = Sequential([Dense(3, "softmax")], seed=0)
    model.compile(SGD(0.0), "categorical_crossentropy", metrics=["binary_accuracy", "categorical_accuracy"])
    p = model.fit(x, y, verbose=0) and model.predict(x, verbose=0)
    wanted = {"binary_accuracy": np.mean((p > 0.5) == y), "categorical_accuracy": np.mean(p.argmax(1) == y.argmax(1))}
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    assert {name: logs[name] for name in wanted} == pytest.approx(wanted)
    assert {name: model.history.history[name][0] for name in wanted} == pytest.approx(wanted)


def test_several_values_of_one_metric(capsys):
    """They are arrays in the history, and shown one beside the other."""
    model = model_of([metrics.Precision([0.3, 0.6], name="precision")])
    for verbose in (0, 1, 2):
        history = model.fit(X, Y, epochs=2, verbose=verbose, validation_data=(X, Y)).history
        p = metrics.Precision([0.3, 0.6])(Y, model.predict(X, verbose=0))
        assert np.allclose(history["precision"], [p, p]) and np.allclose(history["val_precision"], [p, p])
        assert np.allclose(model.evaluate(X, Y, verbose=verbose)[1], p)
    assert "precision=[" in repr(model.history) and "precision: [" in capsys.readouterr().out


def test_a_metric_of_a_custom_loss_with_other_targets():
    def nearest(y_true, y_pred):
        return fastbp.minimum((y_pred[:, 0] - y_true[:, 0]) ** 2, (y_pred[:, 1] - y_true[:, 0]) ** 2)

    def width(y_true, y_pred):
        return abs(y_pred[:, 0] - y_pred[:, 1])

    model = Sequential([Dense(2)], seed=0)
    model.compile(SGD(0.0), nearest, metrics=[width])
    history = model.fit(X, Y, verbose=0).history
    p = model.predict(X, verbose=0)
    assert history["width"][0] == pytest.approx(np.mean(np.abs(p[:, 0] - p[:, 1])), rel=1e-5)
    for wrong in ("mae", metrics.AUC()):
        model.compile(SGD(0.0), nearest, metrics=[wrong])
        with pytest.raises(ValueError, match=r"metrics need targets of shape \(\w+, 2\), got \(\w+, 1\)"):
            model.fit(X, Y, verbose=0)


# ------------------------------------------------------------------------------------------------------- beside Keras


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("keras")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("with_weights", [False, True])
def test_the_history_is_that_of_keras(keras, with_weights):
    """Names, their order and the numbers: of metrics, functions by row and by batch, and weighted ones."""

    def compiled(package, model):
        m = package.metrics
        weighted = [m.AUC(name="auc"), "mae", m.Precision(name="precision"), "mean_squared_error", "mae"]
        plain = [
            "accuracy",
            m.AUC(name="auc"),
            "mae",
            m.Recall(name="recall"),
            "mape",
            largest_error,
            squares,
            m.AUC(curve="PR"),
        ]
        model.compile(package.optimizers.SGD(0.5), "binary_crossentropy", metrics=plain, weighted_metrics=weighted)
        return model

    fastbp.auto_names.forget_names()
    keras.utils.clear_session()
    theirs = keras.Sequential([keras.Input((3,)), keras.layers.Dense(5, "tanh"), keras.layers.Dense(1, "sigmoid")])
    mine = compiled(fastbp, Sequential([fastbp.Input((3,)), Dense(5, "tanh"), Dense(1, "sigmoid")], seed=0))
    theirs.set_weights(mine.get_weights())
    compiled(keras, theirs)
    w = W.astype("float32") if with_weights else None
    held_out = (X[:40], Y[:40], w[:40]) if with_weights else (X[:40], Y[:40])
    arguments = {"batch_size": 16, "epochs": 3, "verbose": 0, "shuffle": False, "validation_data": held_out, "sample_weight": w}
    actual = mine.fit(X, Y, **arguments).history
    wanted = theirs.fit(X, Y, **arguments).history
    assert set(actual) == set(wanted)  # which Keras sorts, but not what evaluate returns
    arguments = {"verbose": 0, "sample_weight": w, "return_dict": True}
    measured, by_keras = mine.evaluate(X, Y, **arguments), theirs.evaluate(X, Y, **arguments)
    for name in set(by_keras) - {"largest_error"}:  # Keras evaluates in batches of 32
        assert measured[name] == pytest.approx(by_keras[name], rel=1e-3), name
    for name, values in wanted.items():
        assert actual[name] == pytest.approx(values, rel=1e-3 if "auc" in name else 2e-4), name
