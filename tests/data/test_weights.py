"""Weights of samples and of classes."""

import numpy as np
import pandas as pd
import pytest

import fastbp
from data_kinds import numbered, spec
from fastbp.data import ClassWeights, Source, prepare, prepare_rows, training_data
from fastbp.data.readers import Mapped

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
        (np.zeros(8), ValueError, "sample_weight must be above 0 for some samples, got 0 for all 8"),
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
    class_weight = {0: 10, 1: 0.0} if model.loss.name == "binary_crossentropy" else CLASS_WEIGHT
    rows = prepare(X, y, None, class_weight, spec=model)
    assert np.array_equal(rows.sample_weight, expected.astype("float32"))
    assert rows.sample_weight.dtype == "float64" and rows.sample_weight.flags.c_contiguous
    train, held_out = training_data(X, y, class_weight=class_weight, validation_split=0.25, spec=model)
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
        ("equal", TypeError, "class_weight must be a dict from integer labels to weights, or 'balanced', got 'equal'"),
        ({4: 2.0}, ValueError, "class_weight must have labels from 0 to 3, those of the classes, got 4"),
        ({0: 1.0, -1: 2.0}, ValueError, "class_weight must have labels from 0 to 3, those of the classes, got -1"),
        ({0: 0, 1: 0, 2: 0.0, 3: 0}, ValueError, "class_weight must be above 0 for some samples, got 0 for all 8"),
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


# ---------------------------------------------------------------------------------------------------- balanced

UNEVEN = np.array([0, 0, 0, 1, 2, 2, 0, 0])
OF_UNEVEN = np.array([8 / 15, 8 / 15, 8 / 15, 8 / 3, 4 / 3, 4 / 3, 8 / 15, 8 / 15])


@pytest.mark.parametrize(
    ("y", "expected", "model"),
    [
        (UNEVEN, OF_UNEVEN, SPARSE),
        (UNEVEN[:, None], OF_UNEVEN, SPARSE),
        (np.eye(4)[UNEVEN], OF_UNEVEN, ONE_HOT),
        (UNEVEN > 0, np.where(UNEVEN > 0, 8 / 6, 8 / 10), spec(3, 1, "binary_crossentropy")),
        (np.where(UNEVEN > 0, 1, -1), np.where(UNEVEN > 0, 8 / 6, 8 / 10), spec(3, 1, "hinge")),
    ],
)
def test_balanced_weights(y, expected, model):
    """By the samples that are trained on: those held out do not count."""
    assert prepare(X, y, None, "balanced", spec=model).sample_weight == pytest.approx(expected)
    assert prepare_rows(X, y, None, "balanced", spec=model).sample_weight == pytest.approx(expected)
    train, held_out = training_data(X, y, class_weight="balanced", validation_split=0.25, spec=model)
    assert held_out.sample_weight is None
    assert train.sample_weight == pytest.approx(prepare(X[:6], y[:6], None, "balanced", spec=model).sample_weight)


def test_balanced_weights_are_scikit_learn_s():
    utils = pytest.importorskip("sklearn.utils.class_weight")
    found = prepare(X, UNEVEN, None, "balanced", spec=SPARSE).sample_weight
    assert found == pytest.approx(utils.compute_sample_weight("balanced", UNEVEN))


@pytest.mark.parametrize("y", [UNEVEN, Mapped(UNEVEN)], ids=["in memory", "in a file"])
def test_balanced_weights_of_what_is_read_in_chunks(y):
    train, _ = Source(Mapped(X), y, None, spec=SPARSE).split(0.25)
    expected = prepare(X[:6], UNEVEN[:6], None, "balanced", spec=SPARSE).sample_weight
    weighted = train.weigh(ClassWeights("balanced"))
    assert weighted.take(np.array([4, 0, 3])).sample_weight == pytest.approx(expected[[4, 0, 3]])


@pytest.mark.parametrize(
    ("y", "model", "text"),
    [
        (np.arange(8) / 2, spec(3, 1, "mse"), "class_weight='balanced' needs integer labels or one-hot rows in y, got 0.5"),
        (np.eye(4)[UNEVEN] + 0.5, spec(3, 4, "mse"), "class_weight needs one class for each sample"),
    ],
)
def test_targets_that_cannot_be_balanced(y, model, text):
    with pytest.raises(ValueError, match=text):
        prepare(X, y, None, "balanced", spec=model)


def test_batches_cannot_be_balanced_but_some_of_them_may_not_count():
    def batches():
        yield X[:4], LABELS[:4], np.zeros(4)
        yield X[4:], LABELS[4:], np.ones(4)

    with pytest.raises(ValueError, match="class_weight must be a dict where x yields batches, .*got 'balanced'"):
        prepare(batches(), None, None, "balanced", spec=SPARSE)
    found = list(prepare(batches(), spec=SPARSE).epoch())
    assert [rows.sample_weight.sum() for rows in found] == [0, 4]


def test_what_is_left_to_train_on_must_count():
    weights = np.where(np.arange(8) < 6, 0, 1)
    with pytest.raises(ValueError, match="sample_weight must be above 0 for some samples, got 0 for all 6"):
        training_data(X, Y, weights, validation_split=0.25, spec=spec())


def test_balanced_classes_count_the_same():
    """The loss of a model that gives the same for all samples."""
    model = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(3, "softmax", kernel_initializer="zeros")])
    model.compile(fastbp.SGD(0.0), "sparse_categorical_crossentropy")
    model.layers[0].set_weights([np.zeros((3, 3)), np.log([0.5, 0.3, 0.2])])
    expected = -np.mean(np.log([0.5, 0.3, 0.2]))
    assert model.train_on_batch(X, UNEVEN, class_weight="balanced") == pytest.approx(expected)
    assert model.fit(X, UNEVEN, verbose=0, class_weight="balanced").history["loss"] == pytest.approx([expected])
