"""Whether predictions are right: 1 or 0. They compute on arrays."""

from typing import Any

import numpy as np

from ..arguments import integer, number
from ..conversion import as_numbers
from .arrays import checked_pair, indices, labels, pair


def rounded(threshold: float, y_pred: np.ndarray) -> Any:
    """A threshold in the dtype of predictions: what equals it in that is neither above nor below it."""
    return y_pred.dtype.type(threshold) if y_pred.dtype.kind == "f" else threshold


def above(y_pred: np.ndarray, threshold: float) -> Any:
    """Which predictions are above a threshold."""
    result: np.ndarray = y_pred > rounded(threshold, y_pred)
    return result


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """Where targets and predictions are equal.

    Examples
    --------
    >>> from fastbp.metrics.matches import accuracy
    >>> accuracy([[1, 2]], [[1, 3]]).tolist()
    [[1.0, 0.0]]
    """
    targets, predictions = pair(y_true, y_pred)
    return (targets == predictions).astype(np.float64)


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """Where the target is 1 and the prediction above the threshold, or it is 0 and the prediction is not.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.binary_accuracy([[1, 1], [0, 0]], [[0.9, 0.2], [0.5, 0.6]]).tolist()
    [[1.0, 0.0], [1.0, 0.0]]
    """
    threshold = number("threshold", threshold)
    targets, predictions = checked_pair(as_numbers("y_true", y_true), as_numbers("y_pred", y_pred))
    return (targets == above(predictions, threshold)).astype(np.float64)


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Where the largest prediction is that of the class with the largest target.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.categorical_accuracy([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]]).tolist()
    [0.0, 1.0]
    """
    targets, predictions = checked_pair(as_numbers("y_true", y_true), as_numbers("y_pred", y_pred))
    return (targets.argmax(axis=-1) == predictions.argmax(axis=-1)).astype(np.float64)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Where the largest prediction is that of the class with the label.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.sparse_categorical_accuracy([2, 1], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]]).tolist()
    [0.0, 1.0]
    """
    predictions = as_numbers("y_pred", y_pred)
    return (labels(y_true, predictions) == predictions.argmax(axis=-1)).astype(np.float64)


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Where the class with the largest target is among the ``k`` with the largest predictions.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.top_k_categorical_accuracy([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]], k=2).tolist()
    [1.0, 1.0]
    """
    targets, predictions = checked_pair(as_numbers("y_true", y_true), as_numbers("y_pred", y_pred))
    return sparse_top_k_categorical_accuracy(targets.argmax(axis=-1), predictions, k)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False) -> Any:
    """Where the class with the label is among the ``k`` with the largest predictions; equal ones all count.

    Parameters
    ----------
    y_true : array of shape (samples,)
        Labels.
    y_pred : array of shape (samples, classes)
    k : int
    from_sorted_ids : bool
        Whether ``y_pred`` holds class labels, the likeliest first, instead of predictions.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.sparse_top_k_categorical_accuracy([2, 1], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]], k=1).tolist()
    [0.0, 1.0]
    """
    k, predictions = integer("k", k, 1), as_numbers("y_pred", y_pred)
    found = labels(y_true, predictions)
    if from_sorted_ids:
        hits: np.ndarray = (found[..., None] == predictions[..., :k]).any(axis=-1)
        return hits.astype(np.float64)
    own = np.take_along_axis(predictions, indices(found, predictions.shape[-1])[..., None], axis=-1)
    better = (predictions > own).sum(axis=-1)
    return ((better < k) & np.isfinite(own[..., 0])).astype(np.float64)
