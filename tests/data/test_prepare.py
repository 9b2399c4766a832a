"""What kinds of data are told apart, what rows in memory look like, and validation data."""

import collections
import datetime
import re

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from data_kinds import LAZY, Slices, numbered, spec
from fastbp.data import Batches, Rows, Source, prepare, prepare_rows, readers, training_data

X = numbered(12, 3)
Y = np.arange(12, dtype="float32")[:, None] + 0.5
BATCHES = [(X[:6], Y[:6]), (X[6:], Y[6:])]
NAN = float("nan")


class Numbers:
    """Anything that NumPy takes for an array."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array if dtype is None else self.array.astype(dtype)


WHOLE = {
    "array": lambda a: a,
    "F order": np.asfortranarray,
    "list": lambda a: a.tolist(),
    "tuple": lambda a: tuple(map(tuple, a.tolist())),
    "deque": lambda a: collections.deque(a.tolist()),
    "list of rows": list,
    "DataFrame": pd.DataFrame,
    "__array__": Numbers,
    "masked array": np.ma.array,
    "memoryview": memoryview,
}


@pytest.mark.parametrize("kind", WHOLE)
def test_arrays_and_what_is_taken_for_one(kind):
    rows = prepare(WHOLE[kind](X), WHOLE[kind](Y), spec=spec())
    assert isinstance(rows, Rows) and len(rows) == 12 and rows.width == 3 and rows.target_columns == 1
    assert np.array_equal(rows.x, X) and np.array_equal(rows.y, Y) and rows.sample_weight is None and rows.is_checked
    for array in (rows.x, rows.y):
        assert type(array) is np.ndarray and array.dtype == "float32" and array.flags.c_contiguous


@pytest.mark.parametrize("kind", LAZY)
def test_small_data_of_other_kinds_is_taken_whole(kind, tmp_path):
    if kind == "h5py":
        pytest.importorskip("h5py")
    for call in (prepare, prepare_rows):
        rows = call(LAZY[kind](tmp_path, X), LAZY[kind](tmp_path, Y), spec=spec())
        assert isinstance(rows, Rows) and np.array_equal(rows.x, X) and np.array_equal(rows.y, Y)


def test_a_batch_is_taken_whole_however_large(monkeypatch):
    monkeypatch.setattr(readers, "MAX_WHOLE_BYTES", 0)
    for x in (sparse.csr_array(X), Slices(X)):
        assert isinstance(prepare(x, Y, spec=spec()), Source)
        assert np.array_equal(prepare_rows(x, Y, spec=spec()).x, X)


def test_tensors():
    torch = pytest.importorskip("torch")
    rows = prepare(torch.tensor(X), torch.tensor(Y[:, 0]), torch.arange(12), spec=spec())
    assert np.array_equal(rows.x, X) and np.array_equal(rows.y, Y) and np.array_equal(rows.sample_weight, np.arange(12))
    with pytest.raises(ValueError, match=r"x must be an array of numbers, got Tensor of shape \(12, 3\): .*detach"):
        prepare(torch.tensor(X, requires_grad=True), Y, spec=spec())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_ready_is_not_copied(dtype):
    x, y, weights = X.astype(dtype), Y.astype(dtype), np.ones(12)
    rows = prepare(x, y, weights, spec=spec(dtype=dtype))
    assert rows.x is x and rows.y is y and np.shares_memory(rows.sample_weight, weights)
    labels = np.arange(12) % 3
    assert np.shares_memory(prepare(x, labels, spec=spec(3, 3, "sparse_categorical_crossentropy", dtype)).y, labels)


@pytest.mark.parametrize("inputs", [None, 1])
@pytest.mark.parametrize("x", [X[:, 1], X[:, 1].tolist(), pd.Series(X[:, 1]), range(12)])
def test_numbers_alone_are_samples_of_one_feature(inputs, x):
    rows = prepare(x, Y[:, 0], spec=spec(inputs))
    assert np.array_equal(rows.x, np.asarray(x, "float32")[:, None]) and np.array_equal(rows.y, Y)
    assert prepare(x, spec=spec(inputs, loss=None)).x.shape == (12, 1)


def test_numbers_alone_for_a_model_of_several_inputs():
    with pytest.raises(
        ValueError, match=r"x must have shape \(samples, 3\), got \(12,\): x.reshape\(-1, 1\) makes.*one sample"
    ):
        prepare(X[:, 0], Y, spec=spec(3))


@pytest.mark.parametrize("x", [{"a": X[:, 0]}, {1.0, 2.0}, len, int, None, "text", 3.0, sparse])
def test_what_is_no_data(x):
    with pytest.raises((TypeError, ValueError), match="^x must "):
        prepare(x, Y, spec=spec())
    with pytest.raises((TypeError, ValueError), match="^x must "):
        prepare(x, spec=spec(3, loss=None))


def test_check_finite_is_a_truth_value():
    with pytest.raises(TypeError, match="check_finite must be True or False, got 1"):
        prepare(X, Y, spec=spec(), check_finite=1)


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5])
def test_a_split_is_keras_s(fraction):
    pytest.importorskip("keras")
    from keras.src.trainers.data_adapters.array_slicing import train_validation_split

    expected = train_validation_split((X, Y), fraction)
    found = training_data(X, Y, validation_split=fraction, spec=spec())
    for (x, y), rows in zip(expected, found, strict=True):
        assert np.array_equal(rows.x, x.array if hasattr(x, "array") else x)
        assert np.array_equal(rows.y, y.array if hasattr(y, "array") else y)


def test_rows_in_parts():
    rows = prepare(X, Y, np.arange(12), spec=spec())
    part = rows.part(3, 7)
    assert np.shares_memory(part.x, X) and np.array_equal(part.x, X[3:7]) and np.array_equal(part.y, Y[3:7])
    assert np.array_equal(part.sample_weight, [3, 4, 5, 6])


# ------------------------------------------------------------------------------------------------- validation data

VALIDATION = {
    "tuple": lambda: (X, Y),
    "list": lambda: [X, Y],
    "with weights": lambda: (X, Y, np.arange(12)),
    "sparse": lambda: (sparse.csr_array(X), Y),
    "generator": lambda: (batch for batch in BATCHES),
}


@pytest.mark.parametrize("kind", ["tuple", "list", "with weights", "sparse", "generator"])
@pytest.mark.parametrize("train", [lambda: (X, Y), lambda: ((batch for batch in BATCHES),), lambda: (sparse.csr_array(X), Y)])
def test_validation_data(kind, train):
    _, held_out = training_data(*train(), validation_data=VALIDATION[kind](), validation_split=0.5, spec=spec())
    parts = list(held_out.epoch()) if isinstance(held_out, Batches) else [held_out]
    assert isinstance(held_out, Batches) == (kind == "generator")
    assert np.array_equal(np.concatenate([part.x for part in parts]), X)
    assert np.array_equal(np.concatenate([part.y for part in parts]), Y)
    assert (parts[0].sample_weight is not None) == (kind == "with weights")


@pytest.mark.parametrize(
    "data", [X, (X,), (X, Y, Y[:, 0], Y), {"x": X, "y": Y}, "xy", [], 3, len, pd.DataFrame(X), sparse.csr_array(X)]
)
def test_what_is_no_validation_data(data):
    with pytest.raises(
        ValueError, match=r"validation_data must be a tuple \(x, y\) or \(x, y, sample_weight\), or what yields"
    ):
        training_data(X, Y, validation_data=data, spec=spec())


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ((X[:, :2], Y), r"validation_data x must have shape \(samples, 3\), got \(12, 2\)"),
        ((X, Y[:5]), "validation_data x and validation_data y must have the same number of rows, got 12 and 5"),
        ((np.where(X[2, 2] == X, NAN, X), Y), "validation_data x must be finite, got nan .* row 2, column 2"),
        (((x[:, :2], y) for x, y in BATCHES), r"validation_data batch 0: x must have shape \(samples, 3\), got \(6, 2\)"),
        (((x, None) for x, _ in BATCHES), "validation_data batch 0: y must come with x"),
    ],
)
@pytest.mark.parametrize("built", [False, True])
def test_bad_validation_data(data, text, built):
    with pytest.raises(ValueError, match=text):
        _, held_out = training_data(X, Y, validation_data=data, spec=spec(3 if built else None))
        held_out.first()


@pytest.mark.parametrize("x", [pd.DataFrame(X, columns=list("abc")), iter([(pd.DataFrame(X, columns=list("abc")), Y)])])
def test_columns_of_validation_data(x):
    y = Y if isinstance(x, pd.DataFrame) else None
    with pytest.raises(ValueError, match="validation_data x must have the columns.*another order: 'b', 'a', 'c'"):
        training_data(x, y, validation_data=(pd.DataFrame(X, columns=list("bac")), Y), spec=spec())


@pytest.mark.parametrize("fraction", [1.0, -0.1, NAN, "0.1", None])
def test_bad_fractions(fraction):
    with pytest.raises((ValueError, TypeError), match=f"validation_split must be .*{re.escape(repr(fraction))}"):
        training_data(X, Y, validation_split=fraction, spec=spec())


# ------------------------------------------------------------------------------------------------------- polars


@pytest.fixture
def polars():
    return pytest.importorskip("polars")


def frame(polars, array=X, names="abc"):
    return polars.DataFrame({name: array[:, i] for i, name in enumerate(names)})


def test_polars(polars):
    rows = prepare(frame(polars), polars.Series(Y[:, 0]), polars.Series(np.arange(12)), spec=spec())
    assert np.array_equal(rows.x, X) and np.array_equal(rows.y, Y) and np.array_equal(rows.sample_weight, np.arange(12))
    assert rows.names == ("a", "b", "c") and rows.x.flags.c_contiguous
    assert np.array_equal(prepare(frame(polars, X.astype(int)), frame(polars, Y, "y"), spec=spec()).x, X.astype(int))


def test_polars_columns_of_several_dtypes(polars):
    mixed = polars.DataFrame({"a": X[:, 0].astype("float64"), "b": X[:, 1].astype(int), "c": X[:, 2] > 3})
    expected = np.column_stack([X[:, 0], X[:, 1].astype(int), X[:, 2] > 3])
    assert np.array_equal(prepare(mixed, Y, spec=spec()).x, expected)
    with pytest.raises(ValueError, match="x must have the columns.*another order: 'b', 'a', 'c'"):
        prepare(mixed[["b", "a", "c"]], Y, spec=spec(names=("a", "b", "c")))


def test_what_is_missing_in_polars_is_nan(polars):
    x = polars.DataFrame({"a": [1.0, None, 3.0], "b": [1, 2, None]})
    with pytest.raises(ValueError, match="x must be finite, got nan .* at row 1, column 0"):
        prepare(x, [1, 2, 3], spec=spec())


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (["u", "v", "w"], "'u' at row 0, column 'b'|column 'b' of dtype String"),
        (pd.date_range("2020-01-01", periods=3).to_pydatetime().tolist(), "column 'b' of dtype Datetime.*numbers of dates"),
        ([datetime.date(2020, 1, 1)] * 3, "column 'b' of dtype Date: make numbers of dates"),
        ([datetime.timedelta(1)] * 3, "column 'b' of dtype Duration.*make numbers"),
        ([[1], [2], [3]], "column 'b'"),
    ],
)
def test_polars_columns_that_are_no_numbers(polars, column, text):
    with pytest.raises(TypeError, match=f"x must hold real numbers, got .*({text})"):
        prepare(polars.DataFrame({"a": [1.0, 2.0, 3.0], "b": column}), [1, 2, 3], spec=spec())


def test_a_lazy_frame_of_polars(polars):
    with pytest.raises(TypeError, match=r"x must be an array of numbers, got LazyFrame: x.collect\(\) reads it"):
        prepare(frame(polars).lazy(), Y, spec=spec())
