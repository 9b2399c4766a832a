"""The losses as functions ``f(y_true, y_pred)``: one value for each sample, as Keras's functions of the same names.

They compute with NumPy's functions only, so they work on arrays and, inside a custom loss or metric, on what stands for arrays
there. To ``compile``, they are names of the losses: those that kernels know run in the kernels.
"""

from typing import Any

import numpy as np

from ..config import EPSILON


def as_arrays(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Both as arrays of one shape and of the predictions' dtype: (n,) is (n, 1) beside (n, 1). Nodes stay as they are."""
    if any(hasattr(y, "tape") for y in (y_true, y_pred)):
        return y_true, y_pred
    pred = np.asarray(y_pred)
    pred = pred if pred.dtype.kind == "f" else pred.astype(float)
    true = np.asarray(y_true).astype(pred.dtype, copy=False)
    if true.ndim == pred.ndim - 1 and pred.shape[-1] == 1:
        true = true[..., None]
    elif pred.ndim == true.ndim - 1 and true.shape[-1] == 1:
        pred = pred[..., None]
    if true.shape != pred.shape and true.ndim:
        raise ValueError(f"y_true and y_pred must have one shape, got {true.shape} and {pred.shape}")
    return true, pred


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """The mean of ``(y_true - y_pred)^2`` over the outputs of each sample.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.mean_squared_error([[0.0, 1.0]], [[1.0, 4.0]])
    array([5.])
    """
    true, pred = as_arrays(y_true, y_pred)
    return np.mean(np.square(true - pred), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """The mean of ``|y_true - y_pred|`` over the outputs of each sample.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.mean_absolute_error([[0.0, 1.0]], [[1.0, 4.0]])
    array([2.])
    """
    true, pred = as_arrays(y_true, y_pred)
    return np.mean(np.abs(true - pred), axis=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """100 times the mean of ``|y_true - y_pred| / max(|y_true|, 1e-7)``.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.mean_absolute_percentage_error([[2.0]], [[1.0]])
    array([50.])
    """
    true, pred = as_arrays(y_true, y_pred)
    return 100.0 * np.mean(np.abs((true - pred) / np.maximum(np.abs(true), EPSILON)), axis=-1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """The mean squared difference of ``log(1 + y)``; numbers below 1e-7 count as that.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.mean_squared_logarithmic_error([[0.0]], [[0.0]])
    array([0.])
    """
    true, pred = as_arrays(y_true, y_pred)
    return np.mean(np.square(np.log1p(np.maximum(pred, EPSILON)) - np.log1p(np.maximum(true, EPSILON))), axis=-1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """The mean of ``e^2 / 2`` for errors up to ``delta``, ``delta |e| - delta^2 / 2`` beyond.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.huber([[0.0]], [[3.0]], delta=1.0)
    array([2.5])
    """
    true, pred = as_arrays(y_true, y_pred)
    error = np.abs(pred - true)
    return np.mean(np.where(error <= delta, 0.5 * np.square(error), delta * error - 0.5 * delta * delta), axis=-1)


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """The mean of ``log(cosh(y_pred - y_true))``.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.log_cosh([[0.0]], [[0.0]])
    array([0.])
    """
    true, pred = as_arrays(y_true, y_pred)
    error = np.abs(pred - true)
    return np.mean(error + np.log1p(np.exp(-2.0 * error)) - float(np.log(2.0)), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Any:
    """The mean of ``y_pred - y_true log(y_pred + 1e-7)``.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.poisson([[0.0]], [[3.0]])
    array([3.])
    """
    true, pred = as_arrays(y_true, y_pred)
    return np.mean(pred - true * np.log(pred + EPSILON), axis=-1)


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """The sum of ``y_true log(y_true / y_pred)``, both clipped to [1e-7, 1].

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.kl_divergence([[0.5, 0.5]], [[0.5, 0.5]])
    array([0.])
    """
    true, pred = (np.clip(y, EPSILON, 1.0) for y in as_arrays(y_true, y_pred))
    return np.sum(true * np.log(true / pred), axis=-1)


def cosine_similarity(y_true: Any, y_pred: Any) -> Any:
    """Minus the cosine of the angle between the two rows: -1 where they point the same way; 0 for a row of zeros.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.cosine_similarity([[3.0, 4.0]], [[6.0, 8.0]])
    array([-1.])
    """
    true, pred = as_arrays(y_true, y_pred)
    lengths = (np.maximum(np.sum(np.square(y), axis=-1), EPSILON**2) for y in (true, pred))
    return -np.sum(true * pred, axis=-1) / (np.sqrt(next(lengths)) * np.sqrt(next(lengths)))


def hinge(y_true: Any, y_pred: Any) -> Any:
    """The mean of ``max(1 - y_true y_pred, 0)``, for labels -1 and 1 (0 counts as -1).

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.hinge([[-1.0, 1.0]], [[0.5, 2.0]])
    array([0.75])
    """
    true, pred = _signs(*as_arrays(y_true, y_pred))
    return np.mean(np.maximum(1.0 - true * pred, 0.0), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """The mean of ``max(1 - y_true y_pred, 0)^2``, for labels -1 and 1 (0 counts as -1).

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.squared_hinge([[-1.0, 1.0]], [[0.0, 2.0]])
    array([0.5])
    """
    true, pred = _signs(*as_arrays(y_true, y_pred))
    return np.mean(np.square(np.maximum(1.0 - true * pred, 0.0)), axis=-1)


def _signs(true: Any, pred: Any) -> tuple[Any, Any]:
    return np.where(true == 0.0, -1.0, true), pred


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """``max(0, 1 - p + q)``, where p is the output of the right class and q the largest of the others (and 0).

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.categorical_hinge([[1.0, 0.0]], [[0.5, 0.25]])
    array([0.75])
    """
    true, pred = as_arrays(y_true, y_pred)
    right, wrong = np.sum(true * pred, axis=-1), np.max((1.0 - true) * pred, axis=-1)
    return np.maximum(wrong - right + 1.0, 0.0)
