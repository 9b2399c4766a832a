"""Targets and predictions as arrays that go together."""

from typing import Any

import numpy as np

from ..conversion import as_numbers


def floats(argument: str, values: Any) -> np.ndarray:
    """Numbers in float64."""
    return as_numbers(argument, values).astype(np.float64, copy=False)


def same_rank(a: np.ndarray, b: np.ndarray, expand: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Both with as many axes, where one has a last axis of length 1 more: (n,) beside (n, 1) becomes (n, 1)."""
    if a.ndim == b.ndim + 1 and a.shape[-1] == 1:
        return (a, b[:, None]) if b.ndim == 1 and expand else (a[..., 0], b)
    if b.ndim == a.ndim + 1:
        b, a = same_rank(b, a, expand)
    return a, b


def pair(y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    """Targets and predictions in float64, of one shape."""
    return checked_pair(floats("y_true", y_true), floats("y_pred", y_pred))


def checked_pair(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both of one shape, or an error."""
    targets, predictions = same_rank(y_true, y_pred)
    if targets.shape != predictions.shape:
        raise ValueError(f"y_true must have the shape of y_pred, {y_pred.shape}, got {y_true.shape}")
    return targets, predictions


def labels(y_true: Any, y_pred: np.ndarray) -> np.ndarray:
    """Integer class labels, one for each row of predictions."""
    array = as_numbers("y_true", y_true)
    if array.ndim == y_pred.ndim and array.shape[-1] == 1:
        array = array[..., 0]
    if array.shape != y_pred.shape[:-1]:
        raise ValueError(f"y_true must hold one label for each row of y_pred {y_pred.shape}, got shape {array.shape}")
    return array


def indices(array: np.ndarray, classes: int) -> np.ndarray:
    """Labels that are used as indices: each a whole number from 0 to classes - 1."""
    whole = array.astype(np.int64)
    wrong = (whole != array) | (whole < 0) | (whole >= classes)
    if wrong.any():
        raise ValueError(f"y_true must hold integer labels from 0 to {classes - 1}, got {array[wrong][0]}")
    return whole


def divide(a: Any, b: Any) -> np.ndarray:
    """a / b, and 0 where b is 0."""
    a, b = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(b, np.float64))
    result: np.ndarray = np.divide(a, b, out=np.zeros(a.shape), where=b != 0)
    return result


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Probabilities of logits."""
    power = np.exp(-np.abs(logits))
    result: np.ndarray = np.where(logits >= 0, 1 / (1 + power), power / (1 + power))
    return result


def log_softmax(logits: np.ndarray, axis: int = -1) -> np.ndarray:
    """Logarithms of the probabilities of logits."""
    shifted = logits - logits.max(axis=axis, keepdims=True)
    result: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return result
