"""Weights of samples and of classes."""

import numpy as np
import pandas as pd
import pytest

from data_kinds import numbered, spec
from fastbp.data import ClassWeights, prepare, prepare_rows, training_data

X = numbered(8, 3)
Y = np.arange(8, dtype="float32")[:, None]
LABELS = np.array([0, 1, 2, 3, 3, 2, 1, 0])
NAN, INF = float("nan"), float("inf")


# ---------------------------------------------------------------------------------------------------- of samples

WEIGHTS = np.arange(8) / 3


@pytest.mark.parametrize(
    "weights",
    [
        WEIGHTS,
        WEIGHTS[:, None],
        WEIGHTS.tolist(),
        pd.Series(WEIGHTS, index=range(8, 0, -1)),
        np.repeat(WEIGHTS, 2)[::2],
        np.asfortranarray(WEIGHTS[:, None]),
        WEIGHTS.astype(object),
    ],
)
def test_weights_in_any_form(weights):
    found = prepare_rows(X, Y, weights, spec=spec()).sample_weight
    assert found.dtype == "float64" and found.shape == (8,) and found.flags.c_contiguous
    assert np.array_equal(found, WEIGHTS)


@pytest.mark.parametrize("dtype", ["float32", "int8", "bool", "float16"])
def test_weights_of_any_dtype(dtype):
    weights = (np.arange(8) % 3).astype(dtype)
    assert np.array_equal(prepare_rows(X, Y, weights, spec=spec()).sample_weight, weights.astype("float64"))


def test_weights_that_are_ready_are_not_copied():
    assert np.shares_memory(prepare_rows(X, Y, WEIGHTS, spec=spec()).sample_weight, WEIGHTS)


@pytest.mark.parametrize(
    ("weights", "error", "text"),
    [
        (np.ones(7), ValueError, r"sample_weight must have shape \(8,\), one number for each sample, got \(7,\)"),
        (np.ones((8, 2)), ValueError, r"sample_weight must have shape \(8,\).*got \(8, 2\)"),
        (np.ones((1, 8)), ValueError, r"got \(1, 8\)"),
        (1.0, ValueError, r"got \(\)"),
        (np.where(np.arange(8) == 5, NAN, 1), ValueError, "sample_weight must be finite, got nan .* at row 5"),
        (np.where(np.arange(8) == 5, INF, 1), ValueError, "sample_weight must be finite, got inf .* at row 5"),
        (np.where(np.arange(8) == 5, -0.5, 1), ValueError, "sample_weight must be at least 0, got -0.5 at row 5"),
        (["a"] * 8, TypeError, "sample_weight must hold real numbers"),
        ({0: 1.0}, TypeError, "sample_weight must be an array of numbers, got dict"),
    ],
)
@pytest.mark.parametrize("check_finite", [True, False])
def test_bad_weights(weights, error, text, check_finite):
    with pytest.raises(error, match=text):
        prepare(X, Y, weights, spec=spec(), check_finite=check_finite)
    with pytest.raises(error, match="validation_data .*" + text.removeprefix("sample_weight")):
        training_data(X, Y, validation_data=(X, Y, weights), spec=spec())


def test_weights_are_split_with_their_rows():
    train, held_out = training_data(X, Y, WEIGHTS, validation_split=0.25, spec=spec())
    assert np.array_equal(train.sample_weight, WEIGHTS[:6]) and np.array_equal(held_out.sample_weight, WEIGHTS[6:])
    assert np.array_equal(held_out.y, Y[6:]) and np.array_equal(held_out.x, X[6:])
    train, held_out = training_data(X, Y, validation_data=(X, Y, WEIGHTS), spec=spec())
    assert train.sample_weight is None and np.array_equal(held_out.sample_weight, WEIGHTS)


# ---------------------------------------------------------------------------------------------------- of classes

CLASS_WEIGHT = {0: 10, 1: 0.0, 3: np.float32(0.25)}  # 2 counts 1
OF_LABELS = np.array([10, 0, 1, 0.25, 0.25, 1, 0, 10])
SPARSE = spec(3, 4, "sparse_categorical_crossentropy")
ONE_HOT = spec(3, 4, "categorical_crossentropy")


@pytest.mark.parametrize(
    ("y", "expected", "model"),
    [
        (LABELS, OF_LABELS, SPARSE),
        (LABELS[:, None], OF_LABELS, SPARSE),
        (LABELS.astype("float32"), OF_LABELS, SPARSE),
        (np.eye(4)[LABELS], OF_LABELS, ONE_HOT),
        (np.eye(4)[LABELS] * 0.9 + 0.025, OF_LABELS, ONE_HOT),
        (LABELS > 1, np.where(LABELS > 1, 0, 10), spec(3, 1, "binary_crossentropy")),
        ((LABELS > 1)[:, None], np.where(LABELS > 1, 0, 10), spec(3, 1, "binary_crossentropy")),
        (np.where(LABELS > 1, 0.9, 0.1), np.where(LABELS > 1, 0, 10), spec(3, 1, "binary_crossentropy")),
        (LABELS.astype(float), OF_LABELS, spec(3, 1, "mse")),
    ],
)
def test_weights_of_classes(y, expected, model):
    rows = prepare(X, y, None, CLASS_WEIGHT, spec=model)
    assert np.array_equal(rows.sample_weight, expected.astype("float32"))
    assert rows.sample_weight.dtype == "float64" and rows.sample_weight.flags.c_contiguous
    train, held_out = training_data(X, y, class_weight=CLASS_WEIGHT, validation_split=0.25, spec=model)
    assert np.array_equal(train.sample_weight, rows.sample_weight[:6]) and held_out.sample_weight is None


@pytest.mark.parametrize("y", [LABELS, LABELS[:, None], np.eye(4)[LABELS], LABELS + 0.4, LABELS + 0.5, -LABELS])
@pytest.mark.parametrize("weights", [CLASS_WEIGHT, {}, {7: 3.0}, {-1: 2.0, 2: 5.0}])
def test_weights_of_classes_are_keras_s(y, weights):
    pytest.importorskip("keras")
    from keras.src.trainers.data_adapters.data_adapter_utils import class_weight_to_sample_weights

    assert np.array_equal(ClassWeights(weights).of("y", y).astype("float32"), class_weight_to_sample_weights(y, weights))


def test_labels_as_keys_of_any_integer_type():
    for key in (1, np.int64(1), np.uint8(1), True, 1.0, np.float64(1)):
        assert ClassWeights({key: 3.0}).of("y", np.array([0, 1])).tolist() == [1, 3]


@pytest.mark.parametrize(
    ("weights", "error", "text"),
    [
        ("balanced", TypeError, "class_weight must be a dict from integer labels to weights, got 'balanced': scikit-learn's"),
        ([1.0, 2.0], TypeError, "class_weight must be a dict.*got list"),
        ({"cat": 1.0}, TypeError, "got the label 'cat'"),
        ({0.5: 1.0}, TypeError, "got the label 0.5"),
        ({0: -1.0}, ValueError, r"class_weight\[0\] must be a finite number of at least 0, got -1.0"),
        ({0: NAN}, ValueError, r"class_weight\[0\].*nan"),
        ({0: None}, TypeError, r"class_weight\[0\].*None"),
        ({1: "2"}, TypeError, r"class_weight\[1\].*'2'"),
    ],
)
def test_bad_weights_of_classes(weights, error, text):
    with pytest.raises(error, match=text):
        prepare(X, LABELS, None, weights, spec=SPARSE)
    with pytest.raises(error, match=text):
        training_data(X, LABELS, class_weight=weights, spec=SPARSE)


def test_rows_of_several_labels_have_no_class():
    y = np.eye(4)[LABELS]
    y[5, 0] = 1
    with pytest.raises(ValueError, match=r"class_weight needs one class.*y has the numbers \[1.0, 0.0, 1.0, 0.0\] at row 5"):
        prepare(X, y, None, {0: 2.0}, spec=spec(3, 4, "binary_crossentropy"))


def test_both_kinds_of_weights():
    for call in (prepare, training_data, prepare_rows):
        with pytest.raises(ValueError, match="class_weight must be None where there is a sample_weight, got both"):
            call(X, LABELS, WEIGHTS, {0: 2.0}, spec=SPARSE)
