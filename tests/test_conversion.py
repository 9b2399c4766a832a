"""Data of every kind that users have: taken for what it is, or refused with words about that kind."""

import datetime
from collections import deque
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import fastbp

X = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)
DATES = pd.date_range("2020-01-01", periods=6)


def objects(value, at=(4, 1)):
    """Plain numbers but for one thing among them."""
    array = X.astype(object)
    array[at] = value
    return array


class Raises:
    """As a tensor that requires its gradient."""

    shape = (6, 3)

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("use detach() first")


REFUSED = {
    "None": (None, "must be an array of numbers, got None$"),
    "dict": ({"a": X[:, 0], "b": X[:, 1]}, r"got dict: make its values columns"),
    "values of a dict": ({"a": [1.0]}.values(), r"got dict_values: list\(x\) makes"),
    "generator": ((row for row in X), r"got generator: list\(x\) makes"),
    "iterator": (iter(X.tolist()), r"got list_iterator: list\(x\) makes"),
    "zip": (zip(X, X, strict=True), r"got zip: list\(x\) makes"),
    "set": ({1.0, 2.0}, "got set: it has no order"),
    "function": (len, "must be an array of numbers, got builtin_function_or_method$"),
    "class": (int, "must be an array of numbers, got type$"),
    "complex sparse matrix": (sparse.csr_matrix(X * 1j), r"take the real part|got csr_matrix of shape \(6, 3\): x.toarray"),
    "text": ("abc", "got str of dtype <U3: encode text and categories as numbers"),
    "texts": ([["cat", "dog", "cat"]] * 6, "got list of dtype <U3: encode text"),
    "bytes": (np.array([[b"cat"] * 3] * 6), "encode text"),
    "StringDType": (np.array([["cat"] * 3] * 6, np.dtypes.StringDType()), "encode text"),
    "numbers in text": (X.astype(str), r"numbers written as text become numbers by np.asarray\(x, float\)"),
    "numbers in text but for one": (np.array([["1", "2", "many"]] * 6), "encode text"),
    "a text among numbers": (objects("cat"), "got 'cat' at row 4, column 1: encode text"),
    "a number in text among numbers": (objects("1.5"), "got '1.5' at row 4, column 1: numbers written as text"),
    "None among numbers": (objects(None), "got None at row 4, column 1: fill in what is missing"),
    "NA among numbers": (objects(pd.NA), "got NAType at row 4, column 1: fill in what is missing"),
    "a list among numbers": (objects([1, 2]), "got list at row 4, column 1: convert it to a real number"),
    "a date among numbers": (objects(datetime.date(2020, 1, 1)), "got date at row 4, column 1: convert it"),
    "complex among numbers": (objects(1j), "got 1j at row 4, column 1: convert it"),
    "a number too large": (objects(10**400), "must hold real numbers that fit float64"),
    "complex": (X * 1j, "of dtype complex64: take the real part"),
    "dates": (np.zeros((6, 3), "M8[s]"), r"of dtype datetime64\[s\]: make numbers of dates"),
    "times": (np.zeros((6, 3), "m8[s]"), r"of dtype timedelta64\[s\]: make numbers of times"),
    "structured": (np.zeros(6, [("a", "f4")]), "convert it to real numbers beforehand"),
    "ragged": ([[1, 2, 3], [1, 2, 3], [1, 2]], "got list: row 2 has length 2, row 0 has 3"),
    "ragged with a number": ([[1, 2, 3], 4.0], "got list: row 1 has length 0, row 0 has 3"),
    "DataFrame with text": (pd.DataFrame({"a": [1, 2], "b": ["u", "v"]}), "got 'u' at row 0, column 'b': encode text"),
    "DataFrame with categories": (
        pd.DataFrame({"a": [1, 2], "b": pd.Categorical(["u", "v"])}),
        "got 'u' at row 0, column 'b': encode text and categories",
    ),
    "DataFrame with dates": (pd.DataFrame({"a": X[:, 0], "day": DATES}), "got Timestamp at row 0, column 'day'"),
    "DataFrame of dates": (pd.DataFrame({"day": DATES}), r"with column 'day' of dtype datetime64.*make numbers of dates"),
    "Series of text": (pd.Series(["u", "v"]), "got 'u' at row 0: encode text"),
    "Series of categories": (pd.Series(["u", "v"], dtype="category"), "got 'u' at row 0: encode text"),
    "an error of its own": (Raises(), r"got Raises of shape \(6, 3\): use detach\(\) first"),
    "masked": (np.ma.masked_less(X, 0), "must have no masked elements"),
}


def model():
    made = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(1)], seed=0)
    made.compile("sgd", "mse")
    return made


CALLS = {
    "fit x": lambda data: model().fit(data, Y, verbose=0),
    "fit y": lambda data: model().fit(X, data, verbose=0),
    "validation_data x": lambda data: model().fit(X, Y, validation_data=(data, Y), verbose=0),
    "predict x": lambda data: model().predict(data),
    "evaluate x": lambda data: model().evaluate(data, Y, verbose=0),
    "train_on_batch x": lambda data: model().train_on_batch(data, Y),
    "data[1]": lambda data: fastbp.fit_formula(lambda p, x, z: fastbp.mean(p * x), (X[:, 0], data), 0.0, epochs=0),
}


ITERATED = ["values of a dict", "generator", "iterator", "zip"]  # which yield batches, where x may do so


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", REFUSED)
def test_refused_in_its_own_words(kind, call):
    if kind in ITERATED and call in ("fit x", "validation_data x", "predict x", "evaluate x"):
        pytest.skip("taken for batches")
    data, text = REFUSED[kind]
    name = call if call.startswith(("data", "val")) else call.split()[-1]
    with np.errstate(all="raise"), pytest.raises((TypeError, ValueError), match=text) as caught:
        CALLS[call](data)
    assert str(caught.value).startswith(f"{name} must ")


@pytest.mark.parametrize("call", ["fit x", "validation_data x", "predict x", "evaluate x"])
@pytest.mark.parametrize("kind", ["values of a dict", "generator"])
def test_rows_one_by_one_are_no_batches(kind, call):
    rows = {"a": X[0], "b": X[1]}.values() if kind == "values of a dict" else (row for row in X)
    text = r"batch 0: x must have shape \(samples, 3\), got \(3,\)" if call == "predict x" else "y must be None where x yields"
    with pytest.raises(ValueError, match=text):
        CALLS[call](rows)


def frame(**columns):
    return pd.DataFrame(columns)


TAKEN = {
    "Python numbers as objects": X.astype(float).astype(object),
    "fractions": [[Fraction(value) for value in row] for row in X.tolist()],
    "decimals": [[Decimal(value) for value in row] for row in X.tolist()],
    "a mixture": [[Decimal(a), Fraction(b), np.float32(c)] for a, b, c in X.tolist()],
    "deque": deque(X.tolist()),
    "a column of objects": frame(a=X[:, 0], b=X[:, 1].astype(float).astype(object), c=X[:, 2]),
    "nullable columns": frame(a=X[:, 0], b=X[:, 1], c=X[:, 2]).astype("Float64"),
    "categories of numbers": frame(a=pd.Categorical(X[:, 0].astype(float)), b=X[:, 1], c=X[:, 2]),
    "a sparse column": frame(a=pd.arrays.SparseArray(X[:, 0]), b=X[:, 1], c=X[:, 2]),
    "sparse matrix": sparse.csr_matrix(X),
    "sparse array": sparse.coo_array(X),
}


@pytest.mark.parametrize("kind", TAKEN)
def test_taken_for_the_numbers_that_it_holds(kind):
    with np.errstate(all="raise"):
        assert np.array_equal(model().predict(TAKEN[kind]), model().predict(X))


@pytest.mark.parametrize("make", [lambda a: a.astype(object), lambda a: pd.Series(a, dtype="boolean"), np.ndarray.tolist])
def test_truth_values_of_any_form(make):
    truth = X[:, 0] > 0
    assert model().evaluate(X, make(truth), verbose=0) == model().evaluate(X, truth.astype(float), verbose=0)


def test_what_a_nullable_column_lacks_is_nan():
    data = frame(a=X[:, 0], b=X[:, 1], c=pd.array([1, None, 2, 3, 4, 5], "Int64"))
    with pytest.raises(ValueError, match="x must be finite, got nan .* at row 1, column 2"):
        model().fit(data, Y, verbose=0)


def test_tensors():
    torch = pytest.importorskip("torch")
    assert np.array_equal(model().predict(torch.tensor(X)), model().predict(X))
    with pytest.raises(ValueError, match=r"x must be an array of numbers, got Tensor of shape \(6, 3\).*detach"):
        model().predict(torch.tensor(X, requires_grad=True))
