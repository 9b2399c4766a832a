"""The cross-entropies as functions ``f(y_true, y_pred)``: one value for each sample, as Keras's functions of the same names."""

from typing import Any

import numpy as np

from ..config import EPSILON
from .functions import as_arrays


def binary_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0) -> Any:
    """The mean of ``-(t log p + (1 - t) log(1 - p))`` over the outputs of each sample; p is clipped to [1e-7, 1 - 1e-7].

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.binary_crossentropy([[1.0]], [[0.5]]).round(4)
    array([0.6931])
    """
    true, pred = as_arrays(y_true, y_pred)
    return np.mean(entropies(true * (1.0 - label_smoothing) + 0.5 * label_smoothing, pred, from_logits), axis=-1)


def entropies(true: Any, pred: Any, from_logits: bool = False) -> Any:
    """The binary cross-entropy of each output."""
    true, pred = as_arrays(true, pred)
    if from_logits:
        return np.maximum(pred, 0.0) - pred * true + np.log1p(np.exp(-np.abs(pred)))
    p = np.clip(pred, EPSILON, 1.0 - EPSILON)
    return -(true * np.log(p) + (1.0 - true) * np.log(1.0 - p))


def categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0) -> Any:
    """``-sum(t log p)`` over the classes; rows of p are divided by their sum and clipped to [1e-7, 1 - 1e-7].

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).round(4)
    array([0.6931])
    """
    true, pred = as_arrays(y_true, y_pred)
    return -np.sum(_smoothed(true, label_smoothing) * _log_probabilities(pred, from_logits), axis=-1)


def sparse_categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False) -> Any:
    """``-log p[label]``, for integer labels of shape (n,) or (n, 1).

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.sparse_categorical_crossentropy([1], [[0.5, 0.5]]).round(4)
    array([0.6931])
    """
    pred = np.asarray(y_pred)
    labels = np.asarray(y_true)
    labels = labels if labels.ndim == pred.ndim else labels[..., None]
    if labels.shape != (*pred.shape[:-1], 1):
        raise ValueError(f"y_true must have one label for each row of y_pred, got {labels.shape} and {pred.shape}")
    places = labels.astype(np.int64)
    if (places != labels).any() or (places < 0).any() or (places >= pred.shape[-1]).any():
        raise ValueError(f"y_true must hold integers from 0 to {pred.shape[-1] - 1}, the classes of y_pred")
    return -np.take_along_axis(_log_probabilities(pred, from_logits), places, -1)[..., 0]


def _smoothed(true: Any, label_smoothing: float) -> Any:
    return true * (1.0 - label_smoothing) + label_smoothing / true.shape[-1]


def _log_probabilities(pred: Any, from_logits: bool) -> Any:
    if from_logits:
        shifted = pred - np.max(pred, axis=-1, keepdims=True)
        return shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))
    return np.log(np.clip(pred / np.sum(pred, axis=-1, keepdims=True), EPSILON, 1.0 - EPSILON))


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
) -> Any:
    """The binary cross-entropy times ``(1 - q)^gamma``, where q is the probability of the right answer (arXiv:1708.02002).

    With ``apply_class_balancing``, also times alpha where the label is 1, 1 - alpha where it is 0.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.binary_focal_crossentropy([[1.0]], [[0.5]]).round(4)
    array([0.1733])
    """
    true, pred = as_arrays(y_true, y_pred)
    true = true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    p = 1.0 / (1.0 + np.exp(-pred)) if from_logits else pred
    right = true * p + (1.0 - true) * (1.0 - p)
    weight = true * alpha + (1.0 - true) * (1.0 - alpha) if apply_class_balancing else 1.0
    return np.mean(weight * (1.0 - right) ** gamma * entropies(true, p), axis=-1)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
) -> Any:
    """``-sum(alpha (1 - p)^gamma t log p)`` over the classes, p clipped to [1e-7, 1 - 1e-7].

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).round(4)
    array([0.0433])
    """
    true, pred = as_arrays(y_true, y_pred)
    p = np.exp(_log_probabilities(pred, True)) if from_logits else pred
    log_p = _log_probabilities(p, False)
    return np.sum(-alpha * (1.0 - np.exp(log_p)) ** gamma * _smoothed(true, label_smoothing) * log_p, axis=-1)
