"""Regression metrics against exact arithmetic, for data of any offset and scale."""

import math
from fractions import Fraction

import numpy as np
import pytest
from sklearn import metrics as reference

from fastbp import SGD, Dense, Sequential

NAMES = ["mse", "mae", "rmse", "r2"]


def echo(units, dtype):
    """A network whose prediction is its input."""
    kernel = [np.eye(units), np.zeros(units)]
    model = Sequential([Dense(units)], dtype=dtype)
    model.build(units)
    model.set_weights(kernel)
    model.compile(SGD(0.0), "mae", metrics=NAMES)
    return model


def exact(y, p):
    """The metrics by their definitions, without a rounding before the last."""
    n, units = y.shape
    y, p = ([[Fraction(float(v)) for v in column] for column in a.T] for a in (y, p))
    squares = [sum((a - b) ** 2 for a, b in zip(*pair, strict=True)) for pair in zip(y, p, strict=True)]
    size = sum(abs(a - b) for pair in zip(y, p, strict=True) for a, b in zip(*pair, strict=True))
    means = [sum(column) / n for column in y]
    spread = [sum((v - mean) ** 2 for v in column) for column, mean in zip(y, means, strict=True)]
    r2 = sum(1 - a / b if b else Fraction(a == 0) for a, b in zip(squares, spread, strict=True)) / units
    mse = sum(squares) / n / units
    return {"mse": near(mse), "mae": near(size / n / units), "rmse": root(mse), "r2": near(r2)}


def near(value):
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def root(value):
    """The root of a fraction that a float may be too small for."""
    shift = (value.numerator.bit_length() - value.denominator.bit_length()) // 2 if value else 0
    return math.ldexp(math.sqrt(value / Fraction(4) ** shift), shift)


def data(offset, scale, dtype, n, units, noise=0.3, seed=0):
    rng = np.random.default_rng(seed)
    y = (offset + scale * rng.normal(size=(n, units))).astype(dtype)
    return (y + scale * noise * rng.normal(size=y.shape)).astype(dtype), y


CASES = [
    ("float32", 0, 1),
    ("float32", 1e5, 1),
    ("float32", -3e7, 100),
    ("float32", 0, 1e20),
    ("float32", 1e25, 1e20),
    ("float32", 0, 1e-30),
    ("float32", 1e-20, 1e-25),
    ("float64", 1e8, 1),
    ("float64", 1e15, 3),
    ("float64", 0, 1e200),
    ("float64", 1e208, 1e200),
    ("float64", 0, 1e300),
    ("float64", 0, 1e-200),
    ("float64", 1e-290, 1e-300),
    ("float64", 0, 1e135),  # squares of these fall on either side of what is scaled
    ("float64", 0, 1e-136),
]


@pytest.mark.parametrize(("dtype", "offset", "scale"), CASES)
@pytest.mark.parametrize("units", [1, 3])
def test_any_offset_and_scale(dtype, offset, scale, units):
    model, (x, y) = echo(units, dtype), data(offset, scale, dtype, 150, units)
    expected = {name: pytest.approx(value, rel=1e-9, abs=0) for name, value in exact(y, x).items()}

    def of(logs, prefix=""):
        return {name: logs[prefix + name] for name in NAMES}

    assert of(model.evaluate(x, y, verbose=0, return_dict=True)) == expected
    if scale >= 1e290 or (dtype == "float32" and scale > 1e12):
        return  # the loss of a batch is a sum in the model's own dtype
    assert of(model.train_on_batch(x, y, return_dict=True)) == expected
    # A rate of 0: each epoch sees the same predictions, whatever its batches.
    for batch_size in (1, 7, 150):
        history = model.fit(x, y, batch_size, validation_data=(x[:50], y[:50]), epochs=1, verbose=0).history
        assert {name: history[name][0] for name in NAMES} == expected
        held_out = {name: pytest.approx(value, rel=1e-9, abs=0) for name, value in exact(y[:50], x[:50]).items()}
        assert {name: history[f"val_{name}"][0] for name in NAMES} == held_out


@pytest.mark.parametrize(("dtype", "offset"), [("float32", 1e5), ("float64", 1e8)])
def test_scikit_learn_agrees(dtype, offset):
    """The first target lies far from the others, which a pivot taken from it would not survive."""
    model, (x, y) = echo(2, dtype), data(offset, 1, dtype, 20_000, 2)
    for y0 in (y[0], 0.0, -offset):
        y[0] = y0
        x[0] = y[0]
        truth = reference.r2_score(y.astype(float), x.astype(float))
        assert model.evaluate(x, y, verbose=0, return_dict=True)["r2"] == pytest.approx(truth, rel=1e-9)


@pytest.mark.parametrize("sizes", [(3, 8, 2), (3, 64, 64, 2)])
@pytest.mark.parametrize("batch_size", [100, 20_000])
def test_same_bits_for_any_number_of_threads(sizes, batch_size):
    """Kept whole and, where the batch is large, in groups."""
    x = np.random.default_rng(0).normal(size=(20_000, 3))
    y = 1e5 + x[:, :2] ** 2
    runs = []
    for threads in (1, 2):
        model = Sequential([*(Dense(units, "tanh") for units in sizes[1:-1]), Dense(sizes[-1])], seed=0)
        model.compile(SGD(1e-9), "mse", metrics=NAMES)
        history = model.fit(x, y, batch_size, epochs=2, validation_split=0.3, verbose=0, threads=threads).history
        runs.append((history, model.evaluate(x, y, verbose=0, threads=threads)))
    assert runs[0] == runs[1]


@pytest.mark.parametrize("value", [0.0, 0.1, 1e8 + 0.1, -1e300, 5e-324])
@pytest.mark.parametrize("n", [1, 3, 70_000])
def test_r2_of_constant_targets(value, n):
    """1 if they are met exactly and else 0, as scikit-learn has it; never a division by zero."""
    model, y = echo(1, "float64"), np.full((n, 1), value)
    assert model.evaluate(y, y, verbose=0, return_dict=True)["r2"] == 1.0
    assert model.evaluate(y + max(1.0, abs(value)), y, verbose=0, return_dict=True)["r2"] == 0.0


def test_r2_of_one_constant_output():
    model, (x, y) = echo(2, "float64"), data(0, 1, "float64", 100, 2)
    y[:, 1] = 0.25  # scikit-learn sees that it is constant where the mean is exact
    truth = reference.r2_score(y, x)
    assert model.evaluate(x, y, verbose=0, return_dict=True)["r2"] == pytest.approx(truth, rel=1e-12)


def test_targets_that_are_not_finite():
    model, (x, y) = echo(1, "float64"), data(0, 1, "float64", 10, 1)
    for value in (np.nan, np.inf):
        y[3] = value
        measured = model.evaluate(x, y, verbose=0, return_dict=True, check_finite=False)
        assert np.isnan(measured["r2"]) and not np.isfinite(measured["mse"]) and not np.isfinite(measured["mae"])


def test_targets_are_only_looked_at_for_r2(monkeypatch):
    from fastbp.scaled_sums import Targets

    model, (x, y) = echo(1, "float32"), data(0, 1, "float32", 10, 1)
    model.compile("sgd", "mse", metrics=["mse", "mae", "rmse"])
    monkeypatch.setattr(Targets, "squares", property(lambda self: pytest.fail("nobody asked")))
    model.fit(x, y, validation_split=0.5, verbose=0)
    model.evaluate(x, y, verbose=0)
