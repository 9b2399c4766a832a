"""Errors of predicted numbers: for each sample, the mean over its outputs. They compute on arrays, in float64."""

from typing import Any

import numpy as np

from ..arguments import number
from ..config import EPSILON
from ..losses import functions
from .arrays import pair


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """The mean of ``(y_pred - y_true)^2``.

    Parameters
    ----------
    y_true, y_pred : arrays of one shape (samples, outputs)

    Returns
    -------
    ndarray of shape (samples,)

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.mean_squared_error([[0, 1], [0, 0]], [[1, 1], [1, 2]]).tolist()
    [0.5, 2.5]
    """
    return functions.mean_squared_error(*pair(y_true, y_pred))


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """The mean of ``|y_pred - y_true|``.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.mean_absolute_error([[0, 1], [0, 0]], [[1, 1], [1, 2]]).tolist()
    [0.5, 1.5]
    """
    return functions.mean_absolute_error(*pair(y_true, y_pred))


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """The mean of ``100 |y_pred - y_true| / |y_true|``, where targets below 1e-7 in size count as that.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.mean_absolute_percentage_error([[2, 4]], [[1, 5]]).tolist()
    [37.5]
    """
    return functions.mean_absolute_percentage_error(*pair(y_true, y_pred))


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """The mean of ``(log(1 + y_pred) - log(1 + y_true))^2``, where numbers below 1e-7 count as that.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.mean_squared_logarithmic_error([[1.0]], [[3.0]])
    array([0.480...])
    """
    return functions.mean_squared_logarithmic_error(*pair(y_true, y_pred))


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """The mean of ``e^2 / 2`` for errors up to ``delta``, ``delta |e| - delta^2 / 2`` beyond.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.huber([[0.0, 0.0]], [[0.5, 3.0]]).tolist()
    [1.3125]
    """
    delta = number("delta", delta, 0)
    return functions.huber(*pair(y_true, y_pred), delta)


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """The mean of ``log(cosh(y_pred - y_true))``.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.log_cosh([[0.0, 0.0]], [[1.0, 0.0]])
    array([0.216...])
    """
    targets, predictions = pair(y_true, y_pred)
    size = np.abs(predictions - targets)
    near = np.log1p(2 * np.sinh(np.minimum(size, 1) / 2) ** 2)  # to the last digits where cosh is all but 1
    far = size + np.log1p(np.exp(-2 * size)) - np.log(2)
    return np.mean(np.where(size < 1, near, far), axis=-1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The cosine of the angle between targets and predictions: 1 for the same direction. It is 0 where one of them is 0.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.cosine_similarity([[3.0, 4.0]], [[4.0, 3.0]])
    array([0.96])
    """
    targets, predictions = (_normalized(values, axis) for values in pair(y_true, y_pred))
    return np.sum(targets * predictions, axis=axis)


def _normalized(values: np.ndarray, axis: int) -> Any:
    unit: np.ndarray = values / np.maximum(np.sqrt(np.sum(values**2, axis=axis, keepdims=True)), EPSILON)
    return unit


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Pearson's correlation of the outputs of each sample; NaN where they are all equal.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.pearson_correlation([[0.0, 1.0, 2.0]], [[1.0, 3.0, 5.0]]).round(12).tolist()
    [1.0]
    """
    targets, predictions = (values - values.mean(axis=axis, keepdims=True) for values in pair(y_true, y_pred))
    with np.errstate(invalid="ignore"):
        return np.mean(targets * predictions, axis=axis) / (targets.std(axis=axis) * predictions.std(axis=axis))


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Lin's concordance of the outputs of each sample: their correlation, less where scale or offset differ.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.concordance_correlation([[0.0, 1.0, 2.0]], [[1.0, 2.0, 3.0]])
    array([0.571...])
    """
    targets, predictions = pair(y_true, y_pred)
    offset = targets.mean(axis=axis) - predictions.mean(axis=axis)
    covariance = np.mean((targets - targets.mean(axis=axis, keepdims=True)) * predictions, axis=axis)
    result: np.ndarray = 2 * covariance / (targets.var(axis=axis) + predictions.var(axis=axis) + offset**2 + EPSILON)
    return result
