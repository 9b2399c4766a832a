"""Arrays around a formula that meets batches: one value a row belongs into the data, since rows are shuffled and cut."""

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Input, Sequential
from ways import assert_same

ROWS, BATCH = 100, 32
LAST = ROWS % BATCH
rng = np.random.default_rng(0)
x, noise = rng.normal(size=(2, ROWS))
y = 2 * x + 1 + 0.1 * noise

LENGTHS = [LAST, BATCH, ROWS]


def mean_of_squares(p, x, y, sigma):
    return fastbp.mean(((p[0] * x + p[1] - y) / sigma) ** 2)


# How the values come into the formula: loss(sigma) gives it.
INTO = {
    "directly": lambda sigma: lambda p, x, y: fastbp.mean(((p[0] * x + p[1] - y) / sigma) ** 2),
    "helper": lambda sigma: lambda p, x, y: mean_of_squares(p, x, y, sigma),
    "computed inside": lambda sigma: lambda p, x, y: fastbp.mean((1 / sigma) * (p[0] * x + p[1] - y) ** 2),
    "np.log of it": lambda sigma: lambda p, x, y: fastbp.mean((p[0] * x + p[1] - y) ** 2 + np.log(sigma)),
    "added": lambda sigma: lambda p, x, y: fastbp.mean((p[0] * x + p[1] - y + sigma) ** 2),
    "on the left": lambda sigma: lambda p, x, y: fastbp.mean(sigma * (p[0] * x + p[1] - y) ** 2),
    "function": lambda sigma: lambda p, x, y: fastbp.mean(np.maximum((p[0] * x + p[1] - y) ** 2, sigma)),
    "condition": lambda sigma: lambda p, x, y: fastbp.mean(fastbp.where(sigma > 1, 1.0, 2.0) * (p[0] * x + p[1] - y) ** 2),
    "mask": lambda sigma: lambda p, x, y: fastbp.mean((sigma > 1) * (p[0] * x + p[1] - y) ** 2),
    "list": lambda sigma: (lambda held: lambda p, x, y: fastbp.mean((p[0] * x + p[1] - y) ** 2 * held))(sigma.tolist()),
    "np.array of a list": lambda sigma: (lambda held: lambda p, x, y: fastbp.mean((p[0] * x + p[1] - y) ** 2 * np.array(held)))(
        sigma.tolist()
    ),
    "with a parameter": lambda sigma: lambda p, x, y: fastbp.mean((p[0] * x + p[1] * sigma - y) ** 2),
    "default": lambda sigma: lambda p, x, y, s=sigma: fastbp.mean(((p[0] * x + p[1] - y) / s) ** 2),
    "slice": lambda sigma: (lambda m: lambda p, x, y: fastbp.mean(((p[0] * x + p[1] - y) / m[0, :]) ** 2))(sigma[None, :]),
    "float32": lambda sigma: (lambda s: lambda p, x, y: fastbp.mean(((p[0] * x + p[1] - y) / s) ** 2))(sigma.astype("float32")),
}


def raises(call, text="(?i)data"):
    """An error that tells where the array belongs."""
    with pytest.raises((TypeError, ValueError), match=text):
        call()


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("into", INTO)
@pytest.mark.parametrize("shuffle", [True, False])
def test_an_array_around_the_formula_meets_rows(into, length, shuffle):
    sigma = rng.uniform(0.5, 2, size=length)
    fit = {"epochs": 1, "batch_size": BATCH, "shuffle": shuffle}
    raises(lambda: fastbp.fit_formula(INTO[into](sigma), (x, y), [1.0, 0.0], **fit))


@pytest.mark.parametrize("into", ["directly", "list", "with a parameter"])
@pytest.mark.parametrize("batch_size", [ROWS, ROWS + 50, 1000])
def test_one_batch_of_all_rows_shuffled(into, batch_size):
    """Where the array is as long as the only batch there is, its rows still are in another order."""
    sigma = rng.uniform(0.5, 2, size=ROWS)
    raises(lambda: fastbp.fit_formula(INTO[into](sigma), (x, y), [1.0, 0.0], epochs=1, batch_size=batch_size))


def test_in_the_data_it_is_right():
    sigma = rng.uniform(0.5, 2, size=ROWS)
    fit = fastbp.fit_formula(mean_of_squares, (x, y, sigma), [1.0, 0.0], fastbp.SGD(0.1), epochs=300, batch_size=ROWS)
    weights = 1 / sigma
    expected = np.linalg.lstsq(np.column_stack([x, np.ones(ROWS)]) * weights[:, None], y * weights, rcond=None)[0]
    assert_same(fit.params, expected, 1e-6)


@pytest.mark.parametrize("size", [1, 2])
def test_arrays_that_are_no_rows_stay_allowed(size):
    """A reduced array, an element, and one of a value for each parameter."""
    table = rng.uniform(0.5, 2, size=(ROWS, size))

    def loss(p, x, y):
        return fastbp.mean((p[0] * x + p[1] - y) ** 2 / table.mean()) * table[3, 0]

    start = np.array([1.0, 0.0])
    fit = fastbp.fit_formula(loss, (x, y), start, fastbp.SGD(0.1), epochs=1, batch_size=ROWS)
    error = start[0] * x + start[1] - y
    slope = np.array([np.mean(2 * error * x), np.mean(2 * error)]) / table.mean() * table[3, 0]
    assert_same(fit.params, start - 0.1 * slope, 1e-11)


# ---------------------------------------------------------------------------------------------------------- custom losses

SAMPLES = 12
features, targets = rng.normal(size=(SAMPLES, 3)), rng.normal(size=(SAMPLES, 1))


def model_with(loss, units=1):
    model = Sequential([Input((3,)), Dense(units)], seed=0, dtype="float64")
    model.compile("sgd", loss)
    return model


ROW_ARRAYS = {
    "times": lambda a: lambda y_true, y_pred: a * (y_true - y_pred) ** 2,
    "over": lambda a: lambda y_true, y_pred: ((y_true - y_pred) / a) ** 2,
    "computed": lambda a: lambda y_true, y_pred: (1 / a) * (y_true - y_pred) ** 2,
    "mean of it": lambda a: lambda y_true, y_pred: fastbp.mean(a * (y_true - y_pred) ** 2, axis=-1),
    "instead of y_true": lambda a: lambda y_true, y_pred: (a - y_pred) ** 2,
    "list": lambda a: (lambda held: lambda y_true, y_pred: (y_true - y_pred) ** 2 * held)(a.tolist()),
    "column": lambda a: lambda y_true, y_pred: a * (y_true[:, 0] - y_pred[:, 0]) ** 2,
    "maximum": lambda a: lambda y_true, y_pred: np.maximum((y_true - y_pred) ** 2, a),
    "where": lambda a: lambda y_true, y_pred: fastbp.where(a > 1, y_true - y_pred, 2 * (y_true - y_pred)) ** 2,
}


@pytest.mark.parametrize("call", ["fit", "evaluate", "value_and_gradient", "train_on_batch"])
@pytest.mark.parametrize("shape", ["(n,)", "(n, 1)", "(1, n)"])
@pytest.mark.parametrize("use", ROW_ARRAYS)
def test_a_value_for_each_sample_around_a_loss(use, shape, call):
    """Of shape (n,) it would broadcast with (n, 1) to (n, n), as a mean over all pairs."""
    a = rng.uniform(0.5, 2, size=SAMPLES)
    a = {"(n,)": a, "(n, 1)": a[:, None], "(1, n)": a[None, :]}[shape]
    model = model_with(ROW_ARRAYS[use](a))
    with pytest.raises((TypeError, ValueError)):
        getattr(model, call)(features, targets)


@pytest.mark.parametrize("batch_size", [5, SAMPLES])
def test_a_value_for_each_sample_of_a_batch(batch_size):
    a = rng.uniform(0.5, 2, size=batch_size)
    with pytest.raises((TypeError, ValueError)):
        model_with(lambda y, p: a * (y - p) ** 2).fit(features, targets, batch_size=batch_size, verbose=0)


def test_a_value_for_each_output_stays_allowed():
    a, wide = np.array([1.0, 2.0, 0.5]), rng.normal(size=(SAMPLES, 3))
    model = model_with(lambda y, p: a * (y - p) ** 2, units=3)
    assert model.evaluate(features, wide, verbose=0) == pytest.approx(np.mean(a * (wide - model.predict(features)) ** 2))
