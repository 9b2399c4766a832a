"""Metrics against their definitions, written out one row at a time, and what they do with numbers that are none."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastbp import metrics

EIGHTHS = st.integers(0, 8).map(lambda i: i / 8)  # many ties, also with thresholds
ROWS = st.lists(st.tuples(st.booleans(), EIGHTHS, st.integers(0, 3)), min_size=1, max_size=30)


def counts(rows, threshold):
    """TP, FP, TN, FN by going through the rows."""
    found = {(is_true, above): 0.0 for is_true in (True, False) for above in (True, False)}
    for is_true, p, weight in rows:
        found[is_true, p > threshold] += weight
    return found[True, True], found[False, True], found[False, False], found[True, False]


def columns(rows, dtype="float32"):
    y, p, w = (np.array(column, dtype) for column in zip(*rows, strict=True))
    return y[:, None], p[:, None], w


def ratio(a, b):
    return a / b if b else 0.0


@given(ROWS, st.lists(EIGHTHS, min_size=1, max_size=5))
def test_counts_at_any_thresholds(rows, thresholds):
    y, p, w = columns(rows)
    expected = np.array([counts(rows, threshold) for threshold in thresholds])
    kinds = metrics.TruePositives, metrics.FalsePositives, metrics.TrueNegatives, metrics.FalseNegatives
    for kind, column in zip(kinds, expected.T, strict=True):
        assert np.atleast_1d(kind(thresholds)(y, p, w)).tolist() == column.tolist()
    precision, recall = metrics.Precision(thresholds)(y, p, w), metrics.Recall(thresholds)(y, p, w)
    assert np.atleast_1d(precision).tolist() == [ratio(tp, tp + fp) for tp, fp, _, _ in expected]
    assert np.atleast_1d(recall).tolist() == [ratio(tp, tp + fn) for tp, _, _, fn in expected]


@given(ROWS, st.integers(2, 9))
def test_area_under_the_roc_curve(rows, num_thresholds):
    y, p, w = columns(rows)
    limits = [-1e-7, *(i / (num_thresholds - 1) for i in range(1, num_thresholds - 1)), 1 + 1e-7]
    points = [counts(rows, np.float32(limit)) for limit in limits]
    curve = [(ratio(fp, fp + tn), ratio(tp, tp + fn)) for tp, fp, tn, fn in points]
    expected = sum((a[0] - b[0]) * (a[1] + b[1]) / 2 for a, b in zip(curve, curve[1:], strict=False))
    assert metrics.AUC(num_thresholds)(y, p, w) == pytest.approx(expected, abs=1e-12)


@given(ROWS)
def test_the_exact_area_counts_pairs(rows):
    """The chance that a true one is above a false one, half where they are equal."""
    y, p, w = columns(rows)
    true = [(p, w) for is_true, p, w in rows if is_true]
    false = [(p, w) for is_true, p, w in rows if not is_true]
    pairs = sum(v * w * ((p > q) + (p == q) / 2) for p, v in true for q, w in false)
    total = sum(v for _, v in true) * sum(w for _, w in false)
    assert metrics.AUC(None)(y, p, w) == pytest.approx(ratio(pairs, total), abs=1e-12)


@given(ROWS, EIGHTHS)
def test_operating_points(rows, bound):
    y, p, w = columns(rows)
    best = {"precision": 0.0, "recall": 0.0, "sensitivity": 0.0, "specificity": 0.0}
    for i in range(9):
        tp, fp, tn, fn = counts(rows, i / 8)
        precision, recall, specificity = ratio(tp, tp + fp), ratio(tp, tp + fn), ratio(tn, tn + fp)
        best["precision"] = max(best["precision"], precision if recall >= bound else 0)
        best["recall"] = max(best["recall"], recall if precision >= bound else 0)
        best["sensitivity"] = max(best["sensitivity"], recall if specificity >= bound else 0)
        best["specificity"] = max(best["specificity"], specificity if recall >= bound else 0)
    assert metrics.PrecisionAtRecall(bound, 9)(y, p, w) == pytest.approx(best["precision"])
    assert metrics.RecallAtPrecision(bound, 9)(y, p, w) == pytest.approx(best["recall"])
    assert metrics.SensitivityAtSpecificity(bound, 9)(y, p, w) == pytest.approx(best["sensitivity"])
    assert metrics.SpecificityAtSensitivity(bound, 9)(y, p, w) == pytest.approx(best["specificity"])


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7, 1 / 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_prediction_that_equals_the_threshold_in_its_dtype_is_not_above_it(threshold, dtype):
    p = np.array([[threshold]], dtype)
    y = np.ones((1, 1))
    assert metrics.TruePositives(threshold)(y, p) == 0 == metrics.BinaryAccuracy(threshold=threshold)(y, p)
    assert (
        metrics.TruePositives(threshold)(y, np.nextafter(p, 2))
        == 1
        == metrics.BinaryAccuracy(threshold=threshold)(y, np.nextafter(p, 2))
    )
    assert metrics.BinaryIoU([1], threshold)(y, p) == 1  # which says "from the threshold on"


def test_top_k_ties_count():
    p = [[0.5, 0.5, 0.5, 0.1]]
    assert [metrics.SparseTopKCategoricalAccuracy(1)([label], p) for label in range(4)] == [1, 1, 1, 0]
    assert metrics.SparseTopKCategoricalAccuracy(9)([3], p) == 1
    assert metrics.SparseTopKCategoricalAccuracy(2, from_sorted_ids=True)([3, 1], [[2, 3, 1], [2, 3, 1]]) == 0.5


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_top_k_of_what_is_not_finite(value):
    assert metrics.SparseTopKCategoricalAccuracy(2)([0], [[value, 0.5, 0.1]]) == 0


@pytest.mark.parametrize(
    "metric",
    [
        metrics.Precision(),
        metrics.Recall(),
        metrics.TruePositives(),
        metrics.AUC(),
        metrics.AUC(curve="PR"),
        metrics.AUC(curve="PR", summation_method="minoring"),
        metrics.AUC(None),
        metrics.PrecisionAtRecall(0.5),
        metrics.RecallAtPrecision(0.5),
        metrics.F1Score("macro", 0.5),
        metrics.F1Score("micro", 0.5),
        metrics.MeanSquaredError(),
        metrics.BinaryCrossentropy(),
        metrics.R2Score(),
        metrics.CosineSimilarity(),
        metrics.Hinge(),
    ],
    ids=repr,
)
def test_a_prediction_that_is_no_number_leaves_no_value(metric):
    y, p = np.array([[0.0], [1.0], [1.0]]), np.array([[0.2], [math.nan], [0.8]])
    assert math.isnan(metric(y, p))
    metric.reset_state()
    assert not math.isnan(metric(y, np.nan_to_num(p)))


@pytest.mark.parametrize("size", [1e-9, 1e-4, 0.1, 0.999, 1.0, 3.0, 40.0, 1e300])
def test_log_cosh_to_the_last_digits(size):
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(60):
        x = mpmath.mpf(size)
        expected = float(x + mpmath.log1p(mpmath.exp(-2 * x)) - mpmath.log(2))
    assert metrics.log_cosh([[0.0]], [[size]])[0] == pytest.approx(expected, rel=1e-14)


def test_crossentropies_of_logits_are_those_of_their_probabilities():
    rng = np.random.default_rng(0)
    z, y = rng.normal(0, 2, (50, 3)), np.eye(3)[rng.integers(0, 3, 50)]
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(metrics.categorical_crossentropy(y, z, True), metrics.categorical_crossentropy(y, p), rtol=1e-12)
    labels = y.argmax(axis=1)
    expected = metrics.sparse_categorical_crossentropy(labels[:, None], p)
    np.testing.assert_allclose(metrics.sparse_categorical_crossentropy(labels, z, True), expected, rtol=1e-12)
    sigmoid = 1 / (1 + np.exp(-z))
    np.testing.assert_allclose(metrics.binary_crossentropy(y, z, True), metrics.binary_crossentropy(y, sigmoid), rtol=1e-12)
    assert metrics.binary_crossentropy([[1.0]], [[-800.0]], True).tolist() == [800.0]
    assert metrics.categorical_crossentropy([[1.0, 0.0]], [[-800.0, 800.0]], True).tolist() == [1600.0]


def test_an_ignored_class_is_left_out():
    p = [[0.5, 0.5], [0.25, 0.75], [0.1, 0.9]]
    metric = metrics.SparseCategoricalCrossentropy(ignore_class=-1)
    assert metric([0, -1, 1], p) == pytest.approx((math.log(2) - math.log(0.9)) / 2)
    metric.reset_state()
    assert metric([0, -1, 1], p, sample_weight=[3.0, 5.0, 1.0]) == pytest.approx((3 * math.log(2) - math.log(0.9)) / 4)


def test_counts_beyond_what_float32_holds():
    """A float32 stops counting at 2^24."""
    metric = metrics.TruePositives()
    metric.true_positives.assign([2.0**24])
    for _ in range(3):
        metric.update_state([[1.0]], [[1.0]])
    assert metric.result() == 2**24 + 3


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: metrics.mean_squared_error([[1.0, 2.0]], [[1.0, 2.0, 3.0]]), r"the shape of y_pred, \(1, 3\), got \(1, 2\)"),
        (lambda: metrics.mean_squared_error([1.0, 2.0, 3.0], np.ones((3, 2))), r"y_true must have the shape"),
        (lambda: metrics.mean_squared_error(["a"], [1.0]), "y_true must hold real numbers"),
        (lambda: metrics.sparse_categorical_crossentropy([2], [[0.5, 0.5]]), "labels from 0 to 1, got 2"),
        (lambda: metrics.sparse_categorical_accuracy([1, 0], [[0.5, 0.5]]), "one label for each row"),
        (lambda: metrics.sparse_top_k_categorical_accuracy([0.5], [[0.5, 0.5]]), "labels from 0 to 1, got 0.5"),
        (lambda: metrics.TopKCategoricalAccuracy(0), "k must be an integer of at least 1, got 0"),
        (lambda: metrics.Precision(1.5), r"thresholds must be .* in \[0, 1\], got 1.5"),
        (lambda: metrics.Precision([]), "thresholds must be"),
        (lambda: metrics.Precision(class_id=4)([[1, 0]], [[0.5, 0.5]]), "class_id must be less than .* got 4"),
        (lambda: metrics.Recall(top_k=3)([[1, 0]], [[0.5, 0.5]]), "top_k must be at most .* got 3"),
        (lambda: metrics.Precision()([[1], [0]], [[0.5], [0.5]], [1.0, 1.0, 1.0]), "sample_weight must have one value"),
        (lambda: metrics.Mean()([1.0, 2.0], [1.0, 1.0, 1.0]), "sample_weight must have one value"),
        (lambda: metrics.AUC(1), "num_thresholds must be an integer of at least 2, got 1"),
        (lambda: metrics.AUC(curve="RCO"), "curve must be one of .*Did you mean 'ROC'"),
        (lambda: metrics.AUC(summation_method="middle"), "summation_method must be one of"),
        (lambda: metrics.AUC(num_labels=3), "num_labels must be left out unless multi_label"),
        (lambda: metrics.PrecisionAtRecall(1.2), r"recall must be .* in \[0, 1\], got 1.2"),
        (lambda: metrics.F1Score("mean"), "average must be None, 'micro', 'macro' or 'weighted', got 'mean'"),
        (lambda: metrics.F1Score(threshold=0.0), "must be more than 0"),
        (lambda: metrics.F1Score()([1, 0], [0.5, 0.5]), "one shape"),
        (lambda: metrics.R2Score("mean"), "class_aggregation must be one of"),
        (lambda: metrics.R2Score()([1.0, 2.0], [1.0, 2.0]), "must have shape"),
        (lambda: metrics.IoU(3, [3]), "target_class_ids must be class numbers below 3"),
        (lambda: metrics.MeanSquaredError(name=3), "name must be a string, got 3"),
        (lambda: metrics.MeanMetricWrapper("mse"), "fn must be a function"),
    ],
)  # fmt: skip
def test_bad_arguments(call, text):
    with pytest.raises((ValueError, TypeError), match=text):
        call()
