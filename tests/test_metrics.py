"""Metrics against scikit-learn, through evaluate and through the training of one batch."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn import metrics as reference

from fastbp import Dense, Sequential, losses, metrics

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 3)).astype("float32")


def model_of(units, activation, loss, names):
    model = Sequential([Dense(8, "tanh"), Dense(units, activation)], seed=0)
    model.compile("sgd", loss, metrics=names)
    model.build(3)
    return model


def check(model, y, expected):
    """The same numbers from evaluate and, before its step, from train_on_batch; those are means over the data."""
    measured = model.evaluate(X, y, verbose=0, return_dict=True)
    assert list(measured) == model.metrics_names
    for name, value in expected.items():
        assert measured[name] == pytest.approx(value, rel=1e-5, abs=1e-7), name
    trained = model.train_on_batch(X, y, return_dict=True)
    assert trained == pytest.approx(measured, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("units", [1, 4])
def test_regression(units):
    model = model_of(units, None, "mse", ["mse", "mae", "rmse", "r2"])
    y = RNG.normal(size=(200, units)) + 5
    p = model.predict(X)
    mse = reference.mean_squared_error(y, p)
    expected = {"mse": mse, "mae": reference.mean_absolute_error(y, p), "rmse": mse**0.5, "r2": reference.r2_score(y, p)}
    check(model, y, {"loss": mse, **expected})


def test_binary_accuracy():
    model = model_of(1, "sigmoid", "binary_crossentropy", ["accuracy", "mae"])
    y = RNG.integers(0, 2, 200)
    p = model.predict(X)[:, 0]
    check(model, y, {"accuracy": reference.accuracy_score(y, p > 0.5), "mae": np.abs(y - p).mean()})


def test_binary_accuracy_of_many_outputs():
    model = model_of(4, "sigmoid", "binary_crossentropy", ["binary_accuracy"])
    y = RNG.integers(0, 2, (200, 4))
    check(model, y, {"binary_accuracy": ((model.predict(X) > 0.5) == y).mean()})


def test_categorical_accuracy():
    model = model_of(5, "softmax", "categorical_crossentropy", ["accuracy", "mse"])
    labels = RNG.integers(0, 5, 200)
    p, y = model.predict(X), np.eye(5)[labels]
    expected = {"accuracy": reference.accuracy_score(labels, p.argmax(axis=1)), "mse": ((p - y) ** 2).mean()}
    check(model, y, {**expected, "loss": reference.log_loss(labels, p / p.sum(axis=1, keepdims=True))})


@pytest.mark.parametrize("name", ["accuracy", "acc", "sparse_categorical_accuracy"])
def test_sparse_accuracy(name):
    model = model_of(5, "softmax", "sparse_categorical_crossentropy", [name])
    y = RNG.integers(0, 5, 200)
    check(model, y, {name: reference.accuracy_score(y, model.predict(X).argmax(axis=1))})


def statistics(y, p):
    y, p = np.atleast_2d(y).T.astype(float), np.atleast_2d(p).T.astype(float)
    return SimpleNamespace(
        count=len(y),
        squared_error=((y - p) ** 2).sum(axis=0),
        target_sum=y.sum(axis=0),
        target_square_sum=(y**2).sum(axis=0),
    )


@pytest.mark.parametrize("targets", [[0.0, 0, 0], [0.1, 0.1, 0.1]])
def test_r2_of_constant_targets(targets):
    """1 if they are met exactly and else 0, as scikit-learn has it; never a division by zero."""
    r2 = metrics.get("r2")
    assert r2.compute(statistics(targets, targets)) == 1.0
    assert r2.compute(statistics(targets, [1.0, 2, 3])) == 0.0


def test_r2_of_targets_far_from_zero():
    y = 1e4 + np.arange(10.0)
    p = y + np.sin(np.arange(10))
    assert metrics.get("r2").compute(statistics(y, p)) == pytest.approx(reference.r2_score(y, p), rel=1e-6)


def test_names_stay_as_given():
    names = ["mean_squared_error", "mae", "RootMeanSquaredError", "r2_score", metrics.Metric("mine", "mse")]
    model = model_of(1, None, "mse", names)
    assert model.metrics_names == ["loss", *names[:4], "mine"]
    assert len(model.evaluate(X, X[:, 0], verbose=0)) == 6


@pytest.mark.parametrize(
    ("names", "error", "text"),
    [
        (["acuracy"], ValueError, "metrics.*'acuracy'.*Did you mean 'accuracy'"),
        ([3], TypeError, "metrics.*3"),
        (3, TypeError, "metrics must be a list.*3"),
        (["accuracy", "binary_accuracy"], ValueError, "one kind of accuracy"),
        (["sparse_categorical_accuracy"], ValueError, "sparse_categorical_accuracy"),
    ],
)
def test_bad_metrics(names, error, text):
    with pytest.raises(error, match=text):
        model_of(5, "softmax", "categorical_crossentropy", names)


@pytest.mark.parametrize("name", ["mse", "r2", "categorical_accuracy"])
def test_metrics_that_labels_do_not_have(name):
    with pytest.raises(ValueError, match=f"metrics.*{name}.*accuracy"):
        model_of(5, "softmax", "sparse_categorical_crossentropy", [name])


def test_what_accuracy_becomes():
    def kind(loss, units):
        return metrics.get("accuracy").resolve(losses.get(loss), units).kind

    assert kind("mse", 1) == kind("binary_crossentropy", 1) == "binary_accuracy"
    assert kind("binary_crossentropy", 3) == kind("categorical_crossentropy", 3) == "categorical_accuracy"
    assert kind("sparse_categorical_crossentropy", 3) == "sparse_categorical_accuracy"
