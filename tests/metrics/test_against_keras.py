"""Every metric and function against Keras's, where that is installed: on random data, with ties and in degenerate cases."""

import os
import warnings

import numpy as np
import pytest

from fastbp import metrics
from fastbp.auto_names import forget_names

os.environ.setdefault("KERAS_BACKEND", "torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    keras = pytest.importorskip("keras")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
N, CLASSES = 60, 4


def rng(seed=0):
    return np.random.default_rng(seed)


def softmax(z):
    p = np.exp(z)
    return p / p.sum(axis=1, keepdims=True)


def numbers(columns=3):
    """Targets and predictions that are numbers, far enough from 0 for every metric."""
    y = rng(1).uniform(0.5, 3, (N, columns)).astype("float32")
    return y, (y + rng(2).normal(0, 0.4, y.shape)).clip(0.1).astype("float32")


def binary(columns=1):
    y = rng(3).integers(0, 2, (N, columns)).astype("float32")
    return y, (0.3 * y + 0.7 * rng(4).uniform(0.01, 0.99, y.shape)).astype("float32")


def tied():
    """Predictions that lie on thresholds, 0 and 1 among them."""
    y = rng(5).integers(0, 2, (N, 1)).astype("float32")
    return y, (rng(6).integers(0, 9, y.shape) / 8).astype("float32")


def one_hot():
    y = np.eye(CLASSES, dtype="float32")[rng(7).integers(0, CLASSES, N)]
    return y, softmax(2 * y + rng(8).normal(0, 1.5, y.shape)).astype("float32")


def multi_label():
    return binary(3)


def labelled():
    y, p = one_hot()
    return y.argmax(axis=1), p


def logits():
    y, p = binary()
    return y, np.log(p / (1 - p)).astype("float32")


def class_logits():
    y, p = one_hot()
    return y, np.log(p).astype("float32")


def class_numbers():
    return rng(9).integers(0, CLASSES, N), rng(10).integers(0, CLASSES, N)


CASES = [
    *((name, {}, numbers) for name in ("MeanSquaredError", "MeanAbsoluteError", "RootMeanSquaredError")),
    ("MeanAbsolutePercentageError", {}, numbers),
    ("MeanSquaredLogarithmicError", {}, numbers),
    ("LogCoshError", {}, numbers),
    ("CosineSimilarity", {}, numbers),
    ("PearsonCorrelation", {}, numbers),
    ("ConcordanceCorrelation", {}, numbers),
    ("R2Score", {}, numbers),
    ("R2Score", {"class_aggregation": None}, numbers),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, numbers),
    ("Poisson", {}, numbers),
    ("KLDivergence", {}, one_hot),
    ("BinaryCrossentropy", {}, binary),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, multi_label),
    ("BinaryCrossentropy", {"from_logits": True}, logits),
    ("CategoricalCrossentropy", {}, one_hot),
    ("CategoricalCrossentropy", {"label_smoothing": 0.2}, one_hot),
    ("CategoricalCrossentropy", {"from_logits": True}, class_logits),
    ("SparseCategoricalCrossentropy", {}, labelled),
    ("Hinge", {}, logits),
    ("SquaredHinge", {}, logits),
    ("CategoricalHinge", {}, one_hot),
    ("Accuracy", {}, class_numbers),
    ("BinaryAccuracy", {}, binary),
    ("BinaryAccuracy", {"threshold": 0.25}, tied),
    ("CategoricalAccuracy", {}, one_hot),
    ("SparseCategoricalAccuracy", {}, labelled),
    ("TopKCategoricalAccuracy", {"k": 2}, one_hot),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, labelled),
    *((name, {}, binary) for name in ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives")),
    ("TruePositives", {"thresholds": [0.75, 0.25]}, tied),
    ("FalseNegatives", {"thresholds": [0.0, 0.5, 1.0]}, tied),
    *((name, options, data)
      for name in ("Precision", "Recall")
      for options, data in (
          ({}, binary),
          ({}, multi_label),
          ({"thresholds": 0.25}, tied),
          ({"thresholds": [0.0, 0.25, 0.5, 0.75, 1.0]}, tied),
          ({"thresholds": [0.7, 0.2]}, binary),
          ({"top_k": 2}, one_hot),
          ({"top_k": 2, "class_id": 1}, one_hot),
          ({"class_id": 2, "thresholds": 0.3}, one_hot),
          ({"top_k": 2, "thresholds": 0.4}, one_hot),
      )),
    ("SensitivityAtSpecificity", {"specificity": 0.7}, binary),
    ("SpecificityAtSensitivity", {"sensitivity": 0.7}, binary),
    ("PrecisionAtRecall", {"recall": 0.7}, binary),
    ("RecallAtPrecision", {"precision": 0.7}, binary),
    ("RecallAtPrecision", {"precision": 0.6, "num_thresholds": 9}, tied),
    ("PrecisionAtRecall", {"recall": 0.7, "num_thresholds": 1}, binary),
    ("SensitivityAtSpecificity", {"specificity": 0.4, "class_id": 1}, one_hot),
    *(("AUC", {"curve": curve, "summation_method": method, **more}, data)
      for curve in ("ROC", "PR", "PRGAIN")
      for method in ("interpolation", "minoring", "majoring")
      for more, data in (
          ({}, binary),
          ({"num_thresholds": 9}, tied),
          ({"thresholds": [0.1, 0.5, 0.55]}, binary),
          ({"multi_label": True, "num_thresholds": 30}, multi_label),
      )),
    ("AUC", {}, multi_label),
    ("AUC", {}, one_hot),
    ("AUC", {"multi_label": True, "label_weights": [1.0, 2.0, 0.5]}, multi_label),
    ("AUC", {"label_weights": [1.0, 2.0, 0.5]}, multi_label),
    ("AUC", {"multi_label": True, "num_labels": 3}, multi_label),
    ("AUC", {"from_logits": True}, logits),
    ("AUC", {}, logits),  # numbers outside of [0, 1] count as the nearer of the two
    *(("F1Score", {"average": average, "threshold": threshold}, data)
      for average in (None, "micro", "macro", "weighted")
      for threshold, data in ((None, one_hot), (0.5, multi_label), (0.25, tied))),
    ("FBetaScore", {"beta": 2.0}, one_hot),
    ("FBetaScore", {"beta": 0.5, "average": "macro", "threshold": 0.3}, multi_label),
    ("IoU", {"num_classes": CLASSES, "target_class_ids": [0, 2], "dtype": "float32"}, class_numbers),
    ("MeanIoU", {"num_classes": CLASSES, "dtype": "float32"}, class_numbers),
    ("MeanIoU", {"num_classes": CLASSES, "ignore_class": 1, "dtype": "float32"}, class_numbers),
    ("MeanIoU", {"num_classes": CLASSES, "sparse_y_pred": False, "dtype": "float32"}, labelled),
    ("OneHotIoU", {"num_classes": CLASSES, "target_class_ids": [1], "dtype": "float32"}, one_hot),
    ("OneHotMeanIoU", {"num_classes": CLASSES, "dtype": "float32"}, one_hot),
    ("BinaryIoU", {"dtype": "float32"}, binary),
    ("BinaryIoU", {"target_class_ids": [1], "threshold": 0.25, "dtype": "float32"}, tied),
]  # fmt: skip


IDS = [f"{name}-{'-'.join(f'{k}={v}' for k, v in options.items())}-{i}" for i, (name, options, _) in enumerate(CASES)]
WEIGHTS = {
    "none": None,
    "some": rng(20).integers(0, 5, N) / 4,  # sums that are exact in float32 too
}


def pair(name, options):
    mine, theirs = getattr(metrics, name)(**options), getattr(keras.metrics, name)(**options)
    return mine, theirs


def as_numpy(value):
    return np.asarray(keras.ops.convert_to_numpy(value), float)


def agree(mine, theirs, rel=2e-5):
    np.testing.assert_allclose(np.asarray(mine.result(), float), as_numpy(theirs.result()), rtol=rel, atol=2e-6)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize(("name", "options", "data"), CASES, ids=IDS)
def test_same_value(name, options, data, weights):
    """In batches, after a reset, and all at once."""
    y, p = data()
    w = WEIGHTS[weights]
    mine, theirs = pair(name, options)
    for metric in (mine, theirs):
        for rows in (slice(0, 7), slice(7, 40), slice(40, N)):
            metric.update_state(y[rows], p[rows], sample_weight=None if w is None else w[rows])
    agree(mine, theirs)
    in_batches = np.asarray(mine.result())
    mine.reset_state()
    mine.update_state(y, p, w)
    np.testing.assert_allclose(np.asarray(mine.result()), in_batches, rtol=1e-12, atol=1e-14)


DEGENERATE = {
    "all true": (np.ones((6, 1), "float32"), np.array([[0.1], [0.9], [0.5], [0.0], [1.0], [0.7]], "float32")),
    "none true": (np.zeros((6, 1), "float32"), np.array([[0.1], [0.9], [0.5], [0.0], [1.0], [0.7]], "float32")),
    "nothing predicted": (np.array([[0], [1], [1]], "float32"), np.zeros((3, 1), "float32")),
    "everything predicted": (np.array([[0], [1], [1]], "float32"), np.ones((3, 1), "float32")),
    "one row": (np.ones((1, 1), "float32"), np.full((1, 1), 0.4, "float32")),
    "all the same": (np.array([[0], [1], [1], [0]], "float32"), np.full((4, 1), 0.4, "float32")),
}


@pytest.mark.parametrize("weight", [None, 0.0, 2.0])
@pytest.mark.parametrize("data", DEGENERATE)
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Precision", {}),
        ("Recall", {}),
        ("TruePositives", {}),
        ("AUC", {}),
        ("AUC", {"summation_method": "minoring"}),
        ("AUC", {"curve": "PR"}),
        ("AUC", {"curve": "PR", "summation_method": "majoring"}),
        ("AUC", {"curve": "PRGAIN"}),
        ("SensitivityAtSpecificity", {"specificity": 0.5}),
        ("PrecisionAtRecall", {"recall": 0.5}),
        ("RecallAtPrecision", {"precision": 0.5}),
        ("SpecificityAtSensitivity", {"sensitivity": 0.5}),
        ("F1Score", {}),
        ("F1Score", {"threshold": 0.5, "average": "weighted"}),
        ("BinaryAccuracy", {}),
        ("BinaryIoU", {"dtype": "float32"}),
        ("MeanSquaredError", {}),
    ],
)
def test_same_value_in_degenerate_cases(name, options, data, weight):
    y, p = DEGENERATE[data]
    mine, theirs = pair(name, options)
    w = None if weight is None else np.full(len(y), weight, "float32")
    for metric in (mine, theirs):
        metric.update_state(y, p, sample_weight=w)
    agree(mine, theirs)


@pytest.mark.parametrize(("name", "options", "data"), CASES, ids=IDS)
def test_same_result_before_any_data(name, options, data):
    mine, theirs = pair(name, options)
    if name not in ("R2Score", "AUC", "F1Score", "FBetaScore"):  # there Keras has no state yet, or NaN
        agree(mine, theirs)


def test_same_config_and_name():
    """One after the other, so that names are numbered."""
    keras.utils.clear_session()
    forget_names()
    for name, options, _ in CASES:
        mine, theirs = pair(name, options)
        assert mine.name == theirs.name
        expected, actual = set(theirs.get_config()), mine.get_config()
        if name == "CosineSimilarity":  # whose axis Keras forgets
            expected.add("axis")
        if name == "SparseTopKCategoricalAccuracy":  # which Keras leaves out where it is False
            expected.add("from_sorted_ids")
        assert set(actual) - {"target_class_ids"} == expected - {"target_class_ids"}


FUNCTIONS = [
    ("mean_squared_error", {}, numbers),
    ("mean_absolute_error", {}, numbers),
    ("mean_absolute_percentage_error", {}, numbers),
    ("mean_squared_logarithmic_error", {}, numbers),
    ("huber", {"delta": 0.3}, numbers),
    ("log_cosh", {}, numbers),
    ("pearson_correlation", {}, numbers),
    ("concordance_correlation", {}, numbers),
    ("poisson", {}, numbers),
    ("kl_divergence", {}, one_hot),
    ("binary_crossentropy", {"label_smoothing": 0.1}, multi_label),
    ("binary_crossentropy", {"from_logits": True}, logits),
    ("binary_focal_crossentropy", {}, multi_label),
    ("binary_focal_crossentropy", {"apply_class_balancing": True, "gamma": 1.5, "from_logits": True}, logits),
    ("categorical_crossentropy", {}, one_hot),
    ("categorical_focal_crossentropy", {"gamma": 1.0, "label_smoothing": 0.1}, one_hot),
    ("categorical_focal_crossentropy", {"from_logits": True}, class_logits),
    ("sparse_categorical_crossentropy", {}, labelled),
    ("sparse_categorical_crossentropy", {"ignore_class": 1}, labelled),
    ("hinge", {}, logits),
    ("squared_hinge", {}, logits),
    ("categorical_hinge", {}, one_hot),
    ("binary_accuracy", {}, binary),
    ("binary_accuracy", {"threshold": 0.25}, tied),
    ("categorical_accuracy", {}, one_hot),
    ("sparse_categorical_accuracy", {}, labelled),
    ("top_k_categorical_accuracy", {"k": 2}, one_hot),
    ("sparse_top_k_categorical_accuracy", {"k": 3}, labelled),
]


@pytest.mark.parametrize(("name", "options", "data"), FUNCTIONS, ids=[f"{f[0]}-{i}" for i, f in enumerate(FUNCTIONS)])
def test_same_function(name, options, data):
    y, p = data()
    expected = as_numpy(getattr(keras.metrics, name)(y, p, **options))
    actual = getattr(metrics, name)(y, p, **options)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=2e-6)


def test_every_class_and_function_of_keras_is_there():
    theirs = {name for name in vars(keras.metrics) if not name.startswith("_")}
    assert theirs - set(metrics.__all__) == set()
    tested = {name for name, _, _ in [*CASES, *FUNCTIONS]}
    assert {name for name in theirs if name not in tested} == {
        "Mean", "MeanMetricWrapper", "Metric", "Sum", "deserialize", "get", "serialize"
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["Mean", "Sum"])
@pytest.mark.parametrize("shape", [(), (5,), (5, 1), (5, 3)], ids=str)
@pytest.mark.parametrize("weight_shape", [None, (), (5,), (5, 1), (5, 3)], ids=str)
def test_shapes_of_weights(kind, shape, weight_shape):
    values = rng().normal(size=shape)
    weights = None if weight_shape is None else rng(1).uniform(size=weight_shape)
    mine, theirs = pair(kind, {})
    try:
        theirs.update_state(values, sample_weight=weights)
    except Exception:
        with pytest.raises(ValueError):
            mine.update_state(values, sample_weight=weights)
    else:
        mine.update_state(values, sample_weight=weights)
        agree(mine, theirs)


def test_a_wrapped_function_of_several_values():
    def distance(y_true, y_pred, power):
        return abs(y_true - y_pred) ** power

    y, p = numbers(3)
    mine = metrics.MeanMetricWrapper(distance, name="distance", power=3)
    theirs = keras.metrics.MeanMetricWrapper(
        lambda a, b, power: keras.ops.abs(keras.ops.subtract(a, b)) ** power, name="distance", power=3
    )
    for metric in (mine, theirs):
        metric.update_state(y, p, sample_weight=WEIGHTS["some"])
    agree(mine, theirs)
