"""What is warned of, and that nothing else is (the suite makes every warning an error)."""

import warnings

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Sequential, losses

X = np.random.default_rng(0).normal(size=(20, 3))


def warned(call):
    """The warnings of a call, each of which must point at this file."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        call()
    assert all(w.category is UserWarning and w.filename == __file__ for w in seen), seen
    return [str(w.message) for w in seen]


# -------------------------------------------------------------------------------------------------- probabilities


LOGITS = [
    ("sigmoid", 1, losses.BinaryCrossentropy(from_logits=True)),
    ("sigmoid", 3, losses.BinaryCrossentropy(from_logits=True)),
    ("softmax", 3, losses.BinaryCrossentropy(from_logits=True)),
    ("softmax", 3, losses.CategoricalCrossentropy(from_logits=True)),
    ("sigmoid", 3, losses.CategoricalCrossentropy(from_logits=True)),
    ("softmax", 3, losses.SparseCategoricalCrossentropy(from_logits=True)),
]


@pytest.mark.parametrize(("activation", "units", "loss"), LOGITS)
@pytest.mark.parametrize("later", [False, True])
def test_logits_after_probabilities(activation, units, loss, later):
    """Once for each compile, whether the layers are there by then or come after it."""
    layers = [Dense(4, "tanh"), Dense(units, activation)]
    model = Sequential(None if later else layers)

    def use():
        model.compile("sgd", loss)
        for layer in layers if later else ():
            model.add(layer)
        y = np.zeros(20, int) if loss.sparse else np.zeros((20, units))
        for _ in range(2):
            model.fit(X, y, epochs=2, verbose=0)
            model.evaluate(X, y, verbose=0)

    (message,) = warned(use)
    assert activation in message and loss.name in message and "from_logits=True" in message and "leave out" in message


@pytest.mark.parametrize("loss", ["mse", "binary_crossentropy"])
def test_softmax_of_one_unit(loss):
    model = Sequential([Dense(1, "softmax")])
    (message,) = warned(lambda: model.compile("sgd", loss))
    assert "'softmax' of 1 unit" in message and "'sigmoid'" in message


@pytest.mark.parametrize(
    ("activation", "units", "loss"),
    [
        (None, 1, losses.BinaryCrossentropy(from_logits=True)),
        ("sigmoid", 1, "binary_crossentropy"),
        ("softmax", 2, "categorical_crossentropy"),
        ("softmax", 2, "mse"),
        ("sigmoid", 1, "mse"),
    ],
)
def test_what_is_meant(activation, units, loss):
    model = Sequential([Dense(4, "sigmoid"), Dense(units, activation)])
    assert warned(lambda: model.compile("sgd", loss)) == []


# ------------------------------------------------------------------------------------------------------- integers


INTEGERS = [
    ("float32", "int64", 2**24, False),
    ("float32", "int64", 2**24 + 1, True),
    ("float32", "int64", -(2**24) - 1, True),
    ("float32", "int64", -(2**63), True),
    ("float32", "uint64", 2**64 - 1, True),
    ("float32", "int32", 2**30 + 1, True),
    ("float32", "uint32", 2**24 + 1, True),
    ("float32", "int16", 2**15 - 1, False),
    ("float64", "int32", 2**31 - 1, False),
    ("float64", "int64", 2**53, False),
    ("float64", "int64", 2**53 + 1, True),
    ("float64", "int64", -(2**53) - 1, True),
    ("float64", "uint64", 2**53 + 1, True),
]


@pytest.mark.parametrize(("dtype", "kind", "value", "is_large"), INTEGERS)
@pytest.mark.parametrize("argument", ["x", "y"])
def test_integers_that_are_rounded(dtype, kind, value, is_large, argument):
    model = Sequential([Dense(1)], dtype=dtype)
    model.build(2)
    model.compile("sgd", "mse")
    x, y = np.ones((5, 2), kind), np.ones(5, kind)
    (x if argument == "x" else y.reshape(5, 1))[3, 0] = value
    messages = warned(lambda: model.evaluate(x, y, verbose=0))
    assert len(messages) == is_large
    if is_large:
        assert messages[0].startswith(f"{argument} holds the integer {value}, but {dtype}") and "offset" in messages[0]
        assert ("dtype='float64'" in messages[0]) == (dtype == "float32")


def test_integers_of_labels_lists_and_formulas():
    model = Sequential([Dense(2)])
    model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True))
    assert warned(lambda: model.fit(X, np.zeros(20, int), verbose=0)) == []
    assert len(warned(lambda: model.predict([[1, 2, 2**24 + 1]]))) == 1
    assert len(warned(lambda: model.predict([[1, 2, float(2**24 + 1)]]))) == 0
    data = np.array([1, 2**53 + 1])
    (message,) = warned(lambda: fastbp.fit_formula(lambda p, x: fastbp.mean((x - p) ** 2), data, 0.0, epochs=0))
    assert message.startswith(f"data holds the integer {2**53 + 1}")
