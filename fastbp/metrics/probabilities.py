"""Losses of predicted probabilities and margins, one number for each sample. They compute on arrays, in float64.

Probabilities are clipped to [1e-7, 1 - 1e-7], as in Keras.
"""

from typing import Any

import numpy as np

from ..arguments import number
from ..config import EPSILON
from ..losses import functions
from .arrays import floats, indices, labels, log_softmax, pair, sigmoid


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """The mean of ``-(t log p + (1 - t) log(1 - p))`` over outputs.

    Parameters
    ----------
    y_true, y_pred : arrays of one shape (samples, outputs)
    from_logits : bool
        Whether ``y_pred`` holds the logits of probabilities.
    label_smoothing : float
        In [0, 1]: targets become ``t (1 - s) + s / 2``.
    axis : int
        What the mean is over.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.binary_crossentropy([[1.0, 0.0]], [[0.5, 0.5]])
    array([0.693...])
    """
    targets, predictions = pair(y_true, y_pred)
    return np.mean(_binary(_smoothed(targets, label_smoothing, 2), predictions, from_logits), axis=axis)


def _binary(targets: np.ndarray, predictions: np.ndarray, from_logits: bool) -> np.ndarray:
    result: np.ndarray
    if from_logits:
        result = np.maximum(predictions, 0) - predictions * targets + np.log1p(np.exp(-np.abs(predictions)))
    else:
        p = np.clip(predictions, EPSILON, 1 - EPSILON)
        result = -(targets * np.log(p) + (1 - targets) * np.log1p(-p))
    return result


def _smoothed(targets: np.ndarray, smoothing: float, classes: int) -> np.ndarray:
    smoothing = number("label_smoothing", smoothing, 0, 1)
    return targets * (1 - smoothing) + smoothing / classes if smoothing else targets


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """``-sum(t log p)`` over classes, for one-hot (or soft) targets. Probabilities are divided by their sum first.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])
    array([0.693...])
    """
    targets, predictions = pair(y_true, y_pred)
    targets = _smoothed(targets, label_smoothing, targets.shape[axis])
    return -np.sum(targets * _log_probabilities(predictions, from_logits, axis), axis=axis)


def _log_probabilities(predictions: np.ndarray, from_logits: bool, axis: int) -> np.ndarray:
    if from_logits:
        return log_softmax(predictions, axis)
    p = predictions / predictions.sum(axis=axis, keepdims=True)
    logs: np.ndarray = np.log(np.clip(p, EPSILON, 1 - EPSILON))
    return logs


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Any:
    """``-log p[label]`` for integer labels; 0 for those of ``ignore_class``.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.sparse_categorical_crossentropy([1], [[0.5, 0.5]])
    array([0.693...])
    """
    predictions = np.moveaxis(floats("y_pred", y_pred), axis, -1)
    found = labels(y_true, predictions)
    ignored = found == ignore_class if ignore_class is not None else np.zeros(found.shape, bool)
    chosen = indices(np.where(ignored, 0, found), predictions.shape[-1])
    logs = _log_probabilities(predictions, from_logits, -1)
    return np.where(ignored, 0.0, -np.take_along_axis(logs, chosen[..., None], axis=-1)[..., 0])


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """The binary cross-entropy times ``(1 - p_t)^gamma``, where ``p_t`` is the probability that is right.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.binary_focal_crossentropy([[1.0, 0.0]], [[0.5, 0.5]])
    array([0.173...])
    """
    targets, predictions = pair(y_true, y_pred)
    targets = _smoothed(targets, label_smoothing, 2)
    p = sigmoid(predictions) if from_logits else predictions
    right = targets * p + (1 - targets) * (1 - p)
    values = (1 - right) ** gamma * _binary(targets, p, False)
    if apply_class_balancing:
        values = values * (targets * alpha + (1 - targets) * (1 - alpha))
    return np.mean(values, axis=axis)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """The categorical cross-entropy with each term times ``alpha (1 - p)^gamma``.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])
    array([0.043...])
    """
    targets, predictions = pair(y_true, y_pred)
    targets = _smoothed(targets, label_smoothing, targets.shape[axis])
    p = np.exp(log_softmax(predictions, axis)) if from_logits else predictions
    logs = _log_probabilities(p, False, axis)
    return -np.sum(np.asarray(alpha) * (1 - np.exp(logs)) ** gamma * targets * logs, axis=axis)


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """``sum(t log(t / p))`` over outputs, both clipped to [1e-7, 1].

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.kl_divergence([[0.5, 0.5]], [[0.25, 0.75]])
    array([0.143...])
    """
    return functions.kl_divergence(*pair(y_true, y_pred))


def poisson(y_true: Any, y_pred: Any) -> Any:
    """The mean of ``y_pred - y_true log(y_pred + 1e-7)`` over outputs.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.poisson([[1.0]], [[1.0]])
    array([0.999...])
    """
    return functions.poisson(*pair(y_true, y_pred))


def hinge(y_true: Any, y_pred: Any) -> Any:
    """The mean of ``max(1 - t y_pred, 0)`` over outputs, for targets -1 and 1. Targets that are all 0 or 1 are taken for those.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.hinge([[0.0, 1.0]], [[0.5, 0.5]]).tolist()
    [1.0]
    """
    return np.mean(_margins(y_true, y_pred), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """The mean of the squares of what ``hinge`` averages.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.squared_hinge([[0.0, 1.0]], [[0.5, 0.5]]).tolist()
    [1.25]
    """
    return np.mean(_margins(y_true, y_pred) ** 2, axis=-1)


def _margins(y_true: Any, y_pred: Any) -> np.ndarray:
    targets, predictions = pair(y_true, y_pred)
    if ((targets == 0) | (targets == 1)).all():
        targets = 2 * targets - 1
    result: np.ndarray = np.maximum(1 - targets * predictions, 0)
    return result


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """``max(wrong - right + 1, 0)``, of the prediction of the right class and the largest of the others, for one-hot targets.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.categorical_hinge([[0.0, 1.0]], [[0.25, 0.5]]).tolist()
    [0.75]
    """
    return functions.categorical_hinge(*pair(y_true, y_pred))
