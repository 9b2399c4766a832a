"""The area under a curve whose points are counts at rising thresholds, for each label."""

import numpy as np

from .arrays import divide
from .confusion import Confusion

CURVES = ("ROC", "PR", "PRGAIN")
SUMMATIONS = ("interpolation", "minoring", "majoring")


def area(counts: Confusion, curve: str, summation: str) -> np.ndarray:
    """The area under the curve of counts of shape (thresholds, labels)."""
    if (curve, summation) == ("PR", "interpolation"):
        return _interpolated_precision(counts)
    x, y = {"ROC": _receiver_operating, "PR": _precision_recall, "PRGAIN": _gains}[curve](counts)
    heights = {
        "interpolation": (y[:-1] + y[1:]) / 2,
        "minoring": np.minimum(y[:-1], y[1:]),
        "majoring": np.maximum(y[:-1], y[1:]),
    }[summation]
    result: np.ndarray = np.sum((x[:-1] - x[1:]) * heights, axis=0)
    return result


def _receiver_operating(c: Confusion) -> tuple[np.ndarray, np.ndarray]:
    false_rate = divide(c.false_positives, c.false_positives + c.true_negatives)
    return false_rate, divide(c.true_positives, c.true_positives + c.false_negatives)


def _precision_recall(c: Confusion) -> tuple[np.ndarray, np.ndarray]:
    recall = divide(c.true_positives, c.true_positives + c.false_negatives)
    return recall, divide(c.true_positives, c.true_positives + c.false_positives)


def _gains(c: Confusion) -> tuple[np.ndarray, np.ndarray]:
    """Recall gain and precision gain (Flach and Kull 2015), with recall gains below 0 taken for 0."""
    odds = divide(c.true_positives + c.false_negatives, c.true_negatives + c.false_positives)
    none = c.true_positives == 0
    recall_gain = np.where(none, 0.0, 1 - odds * divide(c.false_negatives, c.true_positives))
    precision_gain = np.where(none, 1.0, 1 - odds * divide(c.false_positives, c.true_positives))
    return np.maximum(recall_gain, 0), precision_gain


def _interpolated_precision(c: Confusion) -> np.ndarray:
    """Between two points, true and false positives change in proportion, but precision does not (Davis and Goadrich 2006).

    With P = TP + FP and TP = TP_0 + slope (P - P_0), the integral of TP / P by the recall is
    slope (TP_1 - TP_0 + (TP_0 - slope P_0) log(P_1 / P_0)) over the number of positives.
    """
    tp, predicted = c.true_positives, c.true_positives + c.false_positives
    gained, more = tp[:-1] - tp[1:], predicted[:-1] - predicted[1:]
    slope = divide(gained, np.maximum(more, 0))
    ratio = np.where(predicted[1:] > 0, divide(predicted[:-1], predicted[1:]), 1.0)
    terms = slope * (gained + (tp[1:] - slope * predicted[1:]) * np.log(np.where(ratio > 0, ratio, 1.0)))
    result: np.ndarray = divide(terms, tp[1:] + c.false_negatives[1:]).sum(axis=0)
    return np.where(np.isnan(tp).any(axis=0), np.nan, result)
