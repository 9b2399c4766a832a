"""Metrics against scikit-learn's, with and without sample weights."""

import numpy as np
import pytest
from sklearn import metrics as reference

from fastbp import metrics

N = 200
RNG = np.random.default_rng(0)
TRUE = RNG.integers(0, 2, N)
SCORE = np.round(0.3 * TRUE + 0.7 * RNG.uniform(size=N), 2)  # with many ties
LABELS = RNG.integers(0, 4, N)
PROBABILITIES = RNG.dirichlet(np.ones(4), N)
MANY_TRUE, MANY_SCORES = RNG.integers(0, 2, (N, 3)), np.round(RNG.uniform(size=(N, 3)), 2)
Y, P = RNG.normal(5, 2, (N, 3)), RNG.normal(5, 2, (N, 3))
WEIGHTS = pytest.mark.parametrize(
    "w", [None, RNG.uniform(0.1, 3, N), RNG.integers(0, 2, N)], ids=["none", "real", "zero_or_one"]
)


def value(metric, y, p, w=None):
    return metric(y, p, sample_weight=w)


@WEIGHTS
def test_exact_areas(w):
    assert value(metrics.AUC(None), TRUE, SCORE, w) == pytest.approx(
        reference.roc_auc_score(TRUE, SCORE, sample_weight=w), rel=1e-12
    )
    many = metrics.AUC(None, multi_label=True)
    for rows in (slice(0, 90), slice(90, N)):  # in parts
        many.update_state(MANY_TRUE[rows], MANY_SCORES[rows], None if w is None else w[rows])
    assert many.result() == pytest.approx(reference.roc_auc_score(MANY_TRUE, MANY_SCORES, sample_weight=w), rel=1e-12)


@WEIGHTS
def test_the_exact_area_is_that_of_logits_too(w):
    logits = np.log(SCORE / (1 - SCORE + 1e-3) + 1e-3)
    expected = reference.roc_auc_score(TRUE, logits, sample_weight=w)
    assert value(metrics.AUC(None), TRUE, logits, w) == pytest.approx(expected, rel=1e-12)


def test_areas_by_thresholds_come_near_the_exact_ones():
    scores = 0.3 * TRUE + 0.7 * RNG.uniform(size=N)
    for curve in ("ROC", "PR"):
        exact = value(metrics.AUC(None, curve=curve), TRUE, scores)
        low, middle, high = (
            value(metrics.AUC(curve=curve, summation_method=m), TRUE, scores) for m in ("minoring", "interpolation", "majoring")
        )
        assert low < exact < high and low < middle < high and middle == pytest.approx(exact, abs=0.01)
    assert exact == pytest.approx(reference.average_precision_score(TRUE, scores), abs=0.01)


@WEIGHTS
@pytest.mark.parametrize("threshold", [0.25, 0.5, 0.71])
def test_precision_and_recall(threshold, w):
    """0.25 and others are scores: what equals the threshold is not above it."""
    above = np.array([score > threshold for score in SCORE])
    expected = reference.precision_score(TRUE, above, sample_weight=w)
    assert value(metrics.Precision(threshold), TRUE, SCORE, w) == pytest.approx(expected, rel=1e-12)
    expected = reference.recall_score(TRUE, above, sample_weight=w)
    assert value(metrics.Recall(threshold), TRUE, SCORE, w) == pytest.approx(expected, rel=1e-12)
    matrix = reference.confusion_matrix(TRUE, above, sample_weight=w).ravel()
    kinds = metrics.TrueNegatives, metrics.FalsePositives, metrics.FalseNegatives, metrics.TruePositives
    assert [value(kind(threshold), TRUE, SCORE, w) for kind in kinds] == pytest.approx(matrix, rel=1e-12)


@WEIGHTS
@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
def test_f_scores(average, w):
    above = MANY_SCORES > 0.5
    expected = reference.f1_score(MANY_TRUE, above, average=average, sample_weight=w)
    np.testing.assert_allclose(value(metrics.F1Score(average, 0.5), MANY_TRUE, MANY_SCORES, w), expected, rtol=1e-12)
    expected = reference.fbeta_score(MANY_TRUE, above, beta=2, average=average, sample_weight=w)
    np.testing.assert_allclose(value(metrics.FBetaScore(average, 2, 0.5), MANY_TRUE, MANY_SCORES, w), expected, rtol=1e-12)
    one_hot, chosen = np.eye(4)[LABELS], PROBABILITIES.argmax(axis=1)
    expected = reference.f1_score(LABELS, chosen, average=average, sample_weight=w)
    np.testing.assert_allclose(value(metrics.F1Score(average), one_hot, PROBABILITIES, w), expected, rtol=1e-12)


@WEIGHTS
@pytest.mark.parametrize("k", [1, 2, 3])
def test_accuracies(k, w):
    expected = reference.top_k_accuracy_score(LABELS, PROBABILITIES, k=k, sample_weight=w)
    assert value(metrics.SparseTopKCategoricalAccuracy(k), LABELS, PROBABILITIES, w) == pytest.approx(expected)
    assert value(metrics.TopKCategoricalAccuracy(k), np.eye(4)[LABELS], PROBABILITIES, w) == pytest.approx(expected)
    if k == 1:
        assert value(metrics.SparseCategoricalAccuracy(), LABELS, PROBABILITIES, w) == pytest.approx(expected)
        assert value(metrics.CategoricalAccuracy(), np.eye(4)[LABELS], PROBABILITIES, w) == pytest.approx(expected)
    expected = reference.accuracy_score(TRUE, SCORE > 0.5, sample_weight=w)
    assert value(metrics.BinaryAccuracy(), TRUE[:, None], SCORE, w) == pytest.approx(expected)


@WEIGHTS
def test_errors(w):
    expected = reference.mean_squared_error(Y, P, sample_weight=w)
    assert value(metrics.MeanSquaredError(), Y, P, w) == pytest.approx(expected, rel=1e-12)
    assert value(metrics.RootMeanSquaredError(), Y, P, w) == pytest.approx(expected**0.5, rel=1e-12)
    expected = reference.mean_absolute_error(Y, P, sample_weight=w)
    assert value(metrics.MeanAbsoluteError(), Y, P, w) == pytest.approx(expected, rel=1e-12)
    expected = 100 * reference.mean_absolute_percentage_error(Y, P, sample_weight=w)
    assert value(metrics.MeanAbsolutePercentageError(), Y, P, w) == pytest.approx(expected, rel=1e-9)
    y, p = np.abs(Y) + 0.1, np.abs(P) + 0.1
    expected = reference.mean_squared_log_error(y, p, sample_weight=w)
    assert value(metrics.MeanSquaredLogarithmicError(), y, p, w) == pytest.approx(expected, rel=1e-12)


@WEIGHTS
@pytest.mark.parametrize("offset", [0, 1e8])
def test_r2(offset, w):
    for mine, theirs in ((None, "raw_values"), ("uniform_average",) * 2, ("variance_weighted_average", "variance_weighted")):
        expected = reference.r2_score(Y + offset, P + offset, sample_weight=w, multioutput=theirs)
        metric = metrics.R2Score(mine)
        for rows in (slice(0, 3), slice(3, 3), slice(3, 90), slice(90, N)):
            metric.update_state(Y[rows] + offset, P[rows] + offset, None if w is None else w[rows])
        np.testing.assert_allclose(metric.result(), expected, rtol=1e-7 if offset else 1e-12)


@pytest.mark.parametrize("offset", [0, 0.1, 1e8 + 0.1])
def test_r2_of_constant_targets(offset):
    y = np.full((N, 2), offset)
    p = y.copy()
    p[0, 1] += 1
    metric = metrics.R2Score(None)
    for rows in (slice(0, 70), slice(70, N)):
        metric.update_state(y[rows], p[rows])
    assert metric.result().tolist() == [1.0, 0.0]  # as scikit-learn has it, where it sees that they are constant
    if offset == 0:
        assert reference.r2_score(y, p, multioutput="raw_values").tolist() == [1.0, 0.0]


def test_adjusted_r2():
    plain = metrics.R2Score()(Y[:, :1], P[:, :1])
    assert metrics.R2Score(num_regressors=5)(Y[:, :1], P[:, :1]) == pytest.approx(1 - (1 - plain) * (N - 1) / (N - 6))
    for samples in (5, 6):
        metric = metrics.R2Score(num_regressors=5)
        metric.update_state(Y[:samples, :1], P[:samples, :1])
        with pytest.warns(UserWarning, match="num_regressors=5"):
            assert metric.result() == pytest.approx(metrics.R2Score()(Y[:samples, :1], P[:samples, :1]))


@WEIGHTS
def test_losses(w):
    expected = reference.log_loss(LABELS, PROBABILITIES, sample_weight=w)
    assert value(metrics.SparseCategoricalCrossentropy(), LABELS, PROBABILITIES, w) == pytest.approx(expected, rel=1e-9)
    assert value(metrics.CategoricalCrossentropy(), np.eye(4)[LABELS], PROBABILITIES, w) == pytest.approx(expected, rel=1e-9)
    score = SCORE.clip(0.01, 0.99)
    expected = reference.log_loss(TRUE, score, sample_weight=w)
    assert value(metrics.BinaryCrossentropy(), TRUE[:, None], score[:, None], w) == pytest.approx(expected, rel=1e-9)
    expected = reference.hinge_loss(TRUE, 4 * SCORE - 2, sample_weight=w)
    assert value(metrics.Hinge(), TRUE[:, None], (4 * SCORE - 2)[:, None], w) == pytest.approx(expected, rel=1e-12)


@WEIGHTS
def test_intersection_over_union(w):
    chosen = PROBABILITIES.argmax(axis=1)
    expected = reference.jaccard_score(LABELS, chosen, average="macro", sample_weight=w)
    assert value(metrics.MeanIoU(4), LABELS, chosen, w) == pytest.approx(expected, rel=1e-12)
    assert value(metrics.MeanIoU(4, sparse_y_pred=False), LABELS, PROBABILITIES, w) == pytest.approx(expected, rel=1e-12)
    assert value(metrics.OneHotMeanIoU(4), np.eye(4)[LABELS], PROBABILITIES, w) == pytest.approx(expected, rel=1e-12)
    expected = reference.jaccard_score(TRUE, SCORE >= 0.5, sample_weight=w)
    assert value(metrics.BinaryIoU([1]), TRUE, SCORE, w) == pytest.approx(expected, rel=1e-12)


def test_cosine():
    expected = np.diag(reference.pairwise.cosine_similarity(Y, P))
    np.testing.assert_allclose(metrics.cosine_similarity(Y, P), expected, rtol=1e-12)
    assert metrics.cosine_similarity(np.zeros((1, 3)), P[:1]).tolist() == [0.0]
