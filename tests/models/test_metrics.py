"""Metrics against scikit-learn, through evaluate and through the training of one batch."""

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


def test_names_stay_as_given():
    names = ["mean_squared_error", "mae", "RootMeanSquaredError", "r2_score", metrics.MeanSquaredError(name="mine")]
    model = model_of(1, None, "mse", names)
    assert model.metrics_names == ["loss", *names[:4], "mine"]
    assert len(model.evaluate(X, X[:, 0], verbose=0)) == 6


@pytest.mark.parametrize(
    ("names", "error", "text"),
    [
        (["acuracy"], ValueError, "metrics.*'acuracy'.*Did you mean 'accuracy'"),
        ([3], TypeError, "metrics.*3"),
        (3, TypeError, "metrics must be a list.*3"),
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


# ---------------------------------------------------------------------------------------------------------- names

NAMES = [
    (["mae", "mae", "mae"], ["mae", "mae_1", "mae_2"]),
    (["mse", "mae", "mse"], ["mse", "mae", "mse_1"]),
    (["mae", "mae", metrics.MeanAbsoluteError("mae_1")], ["mae", "mae_1", "mae_1_1"]),
    ([metrics.MeanAbsoluteError("mae_1"), "mae", "mae"], ["mae_1", "mae", "mae_2"]),
    ([metrics.MeanAbsoluteError("loss"), "mae"], ["loss_1", "mae"]),
    ([metrics.MeanAbsoluteError("val_loss")], ["val_loss_1"]),
    (["mae", metrics.MeanSquaredError("val_mae")], ["mae", "val_mae_1"]),
    ([metrics.MeanSquaredError("val_mae"), "mae"], ["val_mae", "mae_1"]),
]


@pytest.mark.parametrize(("given", "names"), NAMES, ids=str)
def test_each_metric_has_a_name_of_its_own(given, names):
    """Numbered as Keras does it, and no value is lost: not from evaluate, not from a history, not behind the loss."""
    model = model_of(1, None, "mse", given)
    y = RNG.normal(size=200)
    error = model.predict(X)[:, 0] - y
    kinds = [type(metrics.get(metric)) for metric in given]
    value = {metrics.MeanSquaredError: (error**2).mean(), metrics.MeanAbsoluteError: np.abs(error).mean()}
    expected = [(error**2).mean(), *(value[kind] for kind in kinds)]
    assert model.metrics_names == ["loss", *names]
    assert model.evaluate(X, y, verbose=0) == pytest.approx(expected, rel=1e-5)
    assert model.evaluate(X, y, verbose=0, return_dict=True) == pytest.approx(
        dict(zip(model.metrics_names, expected, strict=True)), rel=1e-5
    )
    history = model.fit(X, y, batch_size=200, validation_data=(X, y), epochs=2, verbose=0).history
    assert list(history) == [*model.metrics_names, *(f"val_{name}" for name in model.metrics_names)]
    assert [history[name][0] for name in model.metrics_names] == pytest.approx(expected, rel=1e-5)
    for kind, name in zip([metrics.MeanSquaredError, *kinds], model.metrics_names, strict=True):
        twin = "loss" if kind is metrics.MeanSquaredError else name
        assert history[f"val_{name}"] == pytest.approx(history[f"val_{twin}"], rel=1e-6)
        assert history[f"val_{name}"][0] == pytest.approx(history[name][1], rel=1e-5)


# --------------------------------------------------------------------------------------------------------- logits


@pytest.mark.parametrize("name", ["accuracy", "binary_accuracy"])
def test_accuracy_of_logits_is_that_of_their_probabilities(name):
    """Two models of one set of weights, one with the sigmoid in its last layer, one with it in its loss."""
    apart = model_of(1, "sigmoid", "binary_crossentropy", [name])
    together = model_of(1, None, losses.BinaryCrossentropy(from_logits=True), [name])
    y = RNG.integers(0, 2, 200)
    logits = together.predict(X)[:, 0]
    assert ((logits > 0) & (logits < 0.5)).any()  # else the test could not fail
    check(together, y, {name: reference.accuracy_score(y, logits > 0)})
    check(apart, y, {name: reference.accuracy_score(y, logits > 0)})


def test_accuracy_of_many_logits():
    model = model_of(4, None, losses.BinaryCrossentropy(from_logits=True), ["binary_accuracy", "mae"])
    y = RNG.integers(0, 2, (200, 4))
    check(model, y, {"binary_accuracy": ((model.predict(X) > 0) == y).mean()})
