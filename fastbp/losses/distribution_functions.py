"""Losses that learn a distribution, as functions ``f(y_true, y_pred)``: one value for each sample.

A network may have several outputs for each target: quantiles, or a mean and a variance.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..config import EPSILON
from .functions import as_arrays

LOG_EPSILON = float(np.log(EPSILON))


def quantile(y_true: Any, y_pred: Any, quantile: float | Sequence[float] = 0.5) -> Any:
    """The mean of ``max(q e, (q - 1) e)`` for the errors ``e = y_true - y_pred``: least where the share q of targets is below.

    With several quantiles, ``y_pred`` has a column for each: those of the first target, then those of the next.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.quantile([[1.0]], [[0.0]], 0.9), fastbp.losses.quantile([[1.0]], [[0.0, 3.0]], [0.1, 0.9])
    (array([0.9]), array([0.15]))
    """
    levels = np.asarray(quantile, dtype=float)
    if levels.size == 1:
        error = np.subtract(*as_arrays(y_true, y_pred))
        return _pinball(error, levels.item())
    true, pred, targets = _several(y_true, y_pred, levels.size)
    total = 0.0
    for i in range(targets):
        error = true[..., i : i + 1] - pred[..., i * levels.size : (i + 1) * levels.size]
        total = total + _pinball(error, levels if hasattr(error, "tape") else levels.astype(error.dtype))
    return total / targets


def _pinball(error: Any, level: Any) -> Any:
    return np.mean(np.maximum(level * error, (level - 1.0) * error), axis=-1)


def gaussian_nll(y_true: Any, y_pred: Any, full: bool = False, eps: float = 1e-6) -> Any:
    """Minus the logarithm of the normal density: the mean of ``(v + (y_true - m)^2 exp(-v)) / 2``.

    ``y_pred`` has two columns for each target: first all means m, then all logarithms v of variances. Variances below ``eps``
    count as that. ``full`` adds the constant ``log(2 pi) / 2``.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.gaussian_nll([[1.0]], [[3.0, 0.0]])
    array([2.])
    """
    true, pred, targets = _several(y_true, y_pred, 2)
    log_variance = np.maximum(pred[..., targets:], float(np.log(eps)))
    values = 0.5 * (log_variance + np.square(true - pred[..., :targets]) * np.exp(-log_variance))
    return np.mean(values, axis=-1) + (0.5 * float(np.log(2.0 * np.pi)) if full else 0.0)


def tweedie(y_true: Any, y_pred: Any, power: float = 1.5, log_input: bool = False) -> Any:
    """The mean deviance of a Tweedie distribution whose variance is the mean to a ``power``: scikit-learn's.

    ``y_pred`` is the mean, or with ``log_input`` its logarithm. Means below 1e-7 count as that, unless the power is 0.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.tweedie([[1.0], [0.0]], [[4.0], [4.0]], power=1.5)
    array([2., 8.])
    """
    true, pred = as_arrays(y_true, y_pred)
    if power == 0:
        return np.mean(np.square(true - (np.exp(pred) if log_input else pred)), axis=-1)
    log_mean = np.maximum(pred, LOG_EPSILON) if log_input else np.log(np.maximum(pred, EPSILON))
    log_true = np.log(np.where(true > 0.0, true, 1.0))  # used only where the target is more than 0
    if power == 1:
        values = true * (log_true - log_mean) - true + np.exp(log_mean)
    elif power == 2:
        values = log_mean - log_true + true * np.exp(-log_mean) - 1.0
    else:
        a, b = 1.0 - power, 2.0 - power
        of_true = np.where(true > 0.0, np.exp(b * log_true), 0.0) / (a * b)
        values = of_true - true * np.exp(a * log_mean) / a + np.exp(b * log_mean) / b
    return np.mean(2.0 * values, axis=-1)


def gamma(y_true: Any, y_pred: Any, log_input: bool = False) -> Any:
    """The mean deviance of a gamma distribution, ``2 (log(y_pred / y_true) + y_true / y_pred - 1)``: ``tweedie`` of power 2.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.gamma([[1.0]], [[2.0]]).round(4)
    array([0.3863])
    """
    return tweedie(y_true, y_pred, 2.0, log_input)


def _several(y_true: Any, y_pred: Any, each: int) -> tuple[Any, Any, int]:
    """Both as rows, and the targets of a row, where there are ``each`` predictions for a target."""
    if not any(hasattr(y, "tape") for y in (y_true, y_pred)):
        y_pred = np.asarray(y_pred)
        y_pred = y_pred if y_pred.dtype.kind == "f" else y_pred.astype(float)
        y_true = np.asarray(y_true).astype(y_pred.dtype, copy=False)
        if y_true.ndim == y_pred.ndim - 1 and y_pred.shape[-1] == each:
            y_true = y_true[..., None]
        if (*y_true.shape[:-1], each * y_true.shape[-1]) != y_pred.shape:
            raise ValueError(f"y_pred must have {each} columns for each of y_true's, got {y_pred.shape} and {y_true.shape}")
    return y_true, y_pred, y_pred.shape[-1] // each
