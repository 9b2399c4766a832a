"""What the metrics that compile is given become: their names, what they need, and what they are refused for."""

import functools

import numpy as np
import pytest

from fastbp import losses, metrics
from fastbp.auto_names import forget_names
from fastbp.kernels import codes
from paths import name_of


@pytest.fixture(autouse=True)
def fresh_names():
    forget_names()


def names(*given):
    return [found.name for found in metrics.get_all(*given)]


def resolved(given, loss="mse", units=1, weighted=None):
    return [found.resolve(losses.get(loss), units) for found in metrics.get_all(given, weighted)]


def share_above(y_true, y_pred):
    return np.mean(y_pred > 0.5)


class Scorer:
    def __call__(self, y_true, y_pred):
        return y_true - y_pred


def test_a_string_is_the_name_as_it_was_given():
    given = ["mse", "MeanSquaredError", "mean_squared_error", "MAE", "AUC", "precision", "accuracy", "acc", "rmse", "kld"]
    assert names(given) == given
    assert [type(found.metric).__name__ for found in metrics.get_all(given)][:6] == [
        *["MeanSquaredError"] * 3,
        "MeanAbsoluteError",
        "AUC",
        "Precision",
    ]


def test_default_names():
    given = [metrics.MeanSquaredError(), metrics.LogCoshError(), metrics.F1Score(), metrics.AUC(), metrics.MeanIoU(2)]
    assert names(given) == ["mean_squared_error", "logcosh", "f1_score", "auc", "mean_io_u"]
    assert names([metrics.AUC(), metrics.AUC, metrics.Precision(name="mine")]) == ["auc_1", "auc_2", "mine"]
    assert names([metrics.PrecisionAtRecall(0.5), metrics.PrecisionAtRecall(0.9)]) == [
        "precision_at_recall",
        "precision_at_recall_1",
    ]


def test_names_count_on_through_the_process_as_in_keras():
    assert [metrics.AUC().name for _ in range(3)] == ["auc", "auc_1", "auc_2"]
    forget_names()
    assert metrics.AUC().name == "auc"


def test_functions_have_their_names():
    given = [share_above, metrics.mean_squared_error, functools.partial(share_above), Scorer(), lambda y_true, y_pred: y_pred]
    assert names(given) == ["share_above", "mean_squared_error", "share_above_1", "scorer", "lambda"]


@pytest.mark.parametrize(
    ("given", "weighted", "expected"),
    [
        (["mse"], ["mse"], ["mse", "weighted_mse"]),
        (["mse"], ["mse", "mse"], ["mse", "weighted_mse", "weighted_mse_1"]),
        (None, ["mse", "mae"], ["mse", "mae"]),
        (["mse", "mse"], ["mae"], ["mse", "mse_1", "mae"]),
        (None, ["mse", "mse"], ["mse", "weighted_mse"]),
    ],
)
def test_weighted_metrics_come_second(given, weighted, expected):
    assert names(given, weighted) == expected
    assert [found.weighted for found in metrics.get_all(given, weighted)].count(True) == len(weighted)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, []),
        ([], []),
        ("mse", ["mse"]),
        (("mse", "mae"), ["mse", "mae"]),
        ([["mse", "mae"]], ["mse", "mae"]),
        ({"output": ["mse", "mae"]}, ["mse", "mae"]),
        ({"output": "mse"}, ["mse"]),
        (metrics.MeanSquaredError(name="one"), ["one"]),
        (share_above, ["share_above"]),
        ({"class_name": "MeanIoU", "config": {"num_classes": 2, "name": "iou"}}, ["iou"]),
        ([{"class_name": "Hinge", "config": {}}], ["hinge"]),
    ],
)
def test_forms_of_the_argument(given, expected):
    assert names(given) == expected


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (["acuracy"], "Did you mean 'accuracy'"),
        (["presicion"], "Did you mean 'precision'"),
        ([3], "metrics must be a list of names, Metrics or functions, got 3"),
        (3, "metrics must be a list of names, Metrics or functions, got 3"),
        ([None], "got None in it"),
        ([int], "metrics must be a list of names, Metrics or functions, got <class 'int'>"),
        ([lambda y_true: y_true], r"metrics must be a function of \(y_true, y_pred\)"),
        ([metrics.Mean()], "update_state of the metric 'mean.*must be a function of"),
        (["IoU"], "num_classes"),
    ],
)
def test_what_is_no_metric(given, text):
    with pytest.raises((TypeError, ValueError), match=text):
        metrics.get_all(given)


def test_what_accuracy_becomes():
    def kind(loss, units):
        return type(resolved(["accuracy"], loss, units)[0].metric)

    assert kind("mse", 1) is kind("binary_crossentropy", 1) is metrics.BinaryAccuracy
    assert kind("binary_crossentropy", 3) is kind("categorical_crossentropy", 3) is metrics.CategoricalAccuracy
    assert kind("sparse_categorical_crossentropy", 3) is metrics.SparseCategoricalAccuracy


# ----------------------------------------------------------------------------------------------- what must be computed


COUNTED = [
    ("mse", codes.ERRORS),
    (metrics.MeanAbsoluteError(), codes.ERRORS),
    (metrics.RootMeanSquaredError(), codes.ERRORS),
    (metrics.mean_squared_error, codes.ERRORS),
    ("r2", codes.ERRORS),
    (metrics.R2Score(), codes.ERRORS),
    ("accuracy", codes.BINARY_ACCURACY),
    (metrics.BinaryAccuracy(), codes.BINARY_ACCURACY),
    (metrics.binary_accuracy, codes.BINARY_ACCURACY),
    ("categorical_accuracy", codes.CATEGORICAL_ACCURACY),
]


class Shifted(metrics.MeanSquaredError):
    def result(self):
        return super().result() + 1


OTHERS = [
    "auc",
    metrics.Precision(),
    metrics.BinaryAccuracy(threshold=0.4),
    metrics.R2Score(None),
    metrics.R2Score(num_regressors=2),
    share_above,
    Shifted(),
    "mape",
]


@pytest.mark.parametrize(("given", "code"), COUNTED, ids=name_of)
def test_what_kernels_count(given, code):
    found = resolved([given])
    assert metrics.to_count(found) == metrics.to_count(found, with_weights=True) == code
    assert not metrics.needs_outputs(found) and not metrics.needs_outputs(found, with_weights=True)
    weighted = resolved(None, weighted=[given])
    assert metrics.to_count(weighted) == code and not metrics.needs_outputs(weighted)
    assert metrics.to_count(weighted, with_weights=True) == codes.NO_STATISTICS
    assert metrics.needs_outputs(weighted, with_weights=True)


@pytest.mark.parametrize("given", OTHERS, ids=name_of)
def test_what_needs_outputs(given):
    found = resolved([given])
    assert metrics.to_count(found) == codes.NO_STATISTICS and metrics.needs_outputs(found)
    both = resolved(["mae", given])
    assert metrics.to_count(both) == codes.ERRORS and metrics.needs_outputs(both)


def test_two_kinds_of_accuracy():
    """One is counted, the other computed from outputs."""
    found = resolved(["mae", "binary_accuracy", "categorical_accuracy", "mse"], units=3)
    assert metrics.to_count(found) == codes.BINARY_ACCURACY and metrics.needs_outputs(found)
    assert not metrics.needs_outputs([found[0], found[1], found[3]])
    assert metrics.to_count([]) == codes.NO_STATISTICS and not metrics.needs_outputs([])


# ------------------------------------------------------------------------------------------------------- what must fit


SPARSE = "sparse_categorical_crossentropy"


@pytest.mark.parametrize(
    "given", ["mse", "r2", "categorical_accuracy", "auc", "f1_score", metrics.Precision(), metrics.BinaryIoU()]
)
def test_metrics_that_labels_do_not_have(given):
    with pytest.raises(ValueError, match="metrics must fit the targets.*integer labels, for which there is 'accuracy'"):
        resolved([given], SPARSE, 5)


@pytest.mark.parametrize(
    "given",
    [
        "sparse_top_k_categorical_accuracy",
        SPARSE,
        metrics.MeanIoU(5, sparse_y_pred=False),
        share_above,
        metrics.sparse_categorical_accuracy,
    ],
)
def test_metrics_that_labels_have(given):
    assert resolved([given], SPARSE, 5)


@pytest.mark.parametrize("given", ["sparse_categorical_accuracy", metrics.sparse_categorical_crossentropy])
def test_metrics_that_need_labels(given):
    with pytest.raises(ValueError, match="metrics must fit the targets.*not integer labels"):
        resolved([given], "categorical_crossentropy", 5)


def test_targets_of_another_width():
    """Which a custom loss may have."""
    found = resolved(["mae", SPARSE, share_above], lambda y_true, y_pred: y_pred[:, 0] - y_true[:, 0], 3)
    metrics.check_targets(found[1:], 1, 3)
    metrics.check_targets(found[1:], 1, 3)
    metrics.check_targets([found[0], found[2]], 3, 3)
    with pytest.raises(ValueError, match=r"metrics need targets of shape \(samples, 3\), got \(samples, 1\) for 'mae'"):
        metrics.check_targets(found, 1, 3)
    with pytest.raises(ValueError, match=r"metrics need targets of shape \(samples, 1\), got \(samples, 3\) for 'sparse_cat"):
        metrics.check_targets(found[1:], 3, 3)


LOGITS = losses.BinaryCrossentropy(from_logits=True)


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        ("auc", "use from_logits=True"),
        (metrics.Precision(), "use thresholds=0"),
        (metrics.TruePositives(), "use thresholds=0"),
        ("binary_crossentropy", "use from_logits=True"),
        (metrics.PrecisionAtRecall(0.5), "a last layer with a sigmoid"),
        (metrics.F1Score(threshold=0.5), "a last layer with an activation"),
    ],
)
def test_probabilities_of_logits(given, remedy):
    with pytest.warns(UserWarning, match=f"takes probabilities.*{remedy}"):
        resolved([given], LOGITS)


@pytest.mark.parametrize(
    "given",
    [
        metrics.AUC(from_logits=True),
        metrics.AUC(None),
        metrics.Precision(thresholds=0),
        metrics.Recall(top_k=1),
        metrics.BinaryCrossentropy(from_logits=True),
        "accuracy",
        metrics.BinaryAccuracy(),
        "hinge",
        share_above,
    ],
)
def test_no_warning_where_logits_are_meant(given):
    assert resolved([given], LOGITS)


@pytest.mark.parametrize(
    ("given", "direction"),
    [
        ("accuracy", "up"),
        ("mse", "down"),
        ("auc", "up"),
        ("f1_score", "up"),
        ("r2", "up"),
        (metrics.FalsePositives(), "down"),
        (share_above, None),
    ],
)
def test_which_values_are_better(given, direction):
    assert metrics.get_all([given])[0].direction == direction
