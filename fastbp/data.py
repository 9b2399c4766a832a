"""Checks of the arrays that a user passes: samples, targets, weights.

Data that is already C-contiguous in the model's dtype passes through as it is, never copied.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .conversion import as_numbers, contiguous, describe
from .feature_names import Names, check_columns
from .kernels.codes import BINARY_CROSSENTROPY, CATEGORICAL_CROSSENTROPY
from .losses import Loss

MAX_CHECKED_DIRECTLY = 1 << 10  # elements; up to here checking each is faster than adding them up
FINITE_BLOCK = 1 << 20  # elements checked at a time when the sum is not finite


def inputs(argument: str, x: Any, units: int | None, dtype: np.dtype, check_finite: bool, names: Names = None) -> np.ndarray:
    """``x`` as the engine takes it: (n, units), C-contiguous, of the model's dtype. ``units`` None: any width.

    If both ``names`` are given and the columns of ``x`` have names, these must be the same.
    """
    if _is_ready(x, units, dtype):
        array: np.ndarray = x
    else:
        check_columns(argument, x, names)
        array = as_numbers(argument, x)
        _check_width(argument, array, units)
        array = contiguous(argument, array, dtype)
    if not len(array):
        raise ValueError(f"{argument} must hold at least one row, got shape {array.shape}")
    if check_finite:
        _check_finite(argument, array)
    return array


def pair(
    x: Any,
    y: Any,
    units: tuple[int | None, int],
    loss: Loss,
    dtype: np.dtype,
    check_finite: bool,
    prefix: str = "",
    names: Names = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Samples and targets as the engine takes them, for a network of ``units`` (inputs, outputs)."""
    x = inputs(f"{prefix}x", x, units[0], dtype, check_finite, names)
    is_ready = not loss.sparse and not loss.any_width and _is_ready(y, units[1], dtype)
    y = y if is_ready else as_numbers(f"{prefix}y", y)
    if y.ndim and len(y) != len(x):
        raise ValueError(f"{prefix}x and {prefix}y must have the same number of rows, got {len(x)} and {len(y)}")
    if loss.sparse:
        return x, _labels(f"{prefix}y", y, units[1])
    if not is_ready:
        if y.ndim == 1 and (units[1] == 1 or loss.any_width):
            y = y.reshape(-1, 1)
        if loss.any_width and (y.ndim != 2 or not y.size):
            raise ValueError(f"{prefix}y must have shape ({len(x)},) or ({len(x)}, columns), got {y.shape}")
        if not loss.any_width and (y.ndim != 2 or y.shape[1] != units[1]):
            raise ValueError(f"{prefix}y must have shape ({len(x)}, {units[1]}), got {y.shape}{_target_hint(y, loss)}")
        y = contiguous(f"{prefix}y", y, dtype)
    if check_finite:
        _check_finite(f"{prefix}y", y)
    if loss.code == BINARY_CROSSENTROPY and (y.min() < 0 or y.max() > 1):
        raise ValueError(f"{prefix}y must lie in [0, 1] for {loss.name}, got values from {y.min():g} to {y.max():g}")
    return x, y


def columns(argument: str, value: Any, check_finite: bool) -> np.ndarray:
    """Data for a formula: (n,) or (n, k), of any strides."""
    array = as_numbers(argument, value)
    if array.ndim not in (1, 2) or not array.size:
        raise ValueError(f"{argument} must have shape (n,) or (n, k) with at least one value, got {array.shape}")
    if check_finite and array.dtype.kind == "f":
        _check_finite(argument, array.reshape(len(array), -1))
    return array


def split(x: np.ndarray, y: np.ndarray, fraction: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The data to train on and, from the end, the ``fraction`` to validate on: x, y, x_validation, y_validation."""
    at = math.floor(len(x) * (1 - fraction))
    if at in (0, len(x)):
        raise ValueError(
            f"validation_split must leave samples on both sides, got {fraction!r} for {len(x)} samples: "
            f"{at} to train on and {len(x) - at} to validate on"
        )
    return x[:at], y[:at], x[at:], y[at:]


def arrays(argument: str, values: Any, shapes: Sequence[tuple[int, ...]], dtype: np.dtype) -> list[np.ndarray]:
    """Arrays in ``get_weights`` order, as the engine takes them."""
    if isinstance(values, np.ndarray) or not hasattr(values, "__len__"):
        raise TypeError(f"{argument} must be a list of {len(shapes)} arrays, got {describe(values)}")
    if len(values) != len(shapes):
        raise ValueError(f"{argument} must be a list of {len(shapes)} arrays, got {len(values)}")
    result = []
    for i, (value, shape) in enumerate(zip(values, shapes, strict=True)):
        array = as_numbers(f"{argument}[{i}]", value)
        if array.shape != shape:
            raise ValueError(f"{argument}[{i}] must have shape {shape}, got {array.shape}")
        result.append(contiguous(f"{argument}[{i}]", array, dtype))
    return result


def output_gradient(argument: str, dy: Any, shape: tuple[int, int], dtype: np.dtype) -> np.ndarray:
    """The gradient with respect to a network's output, as the engine takes it."""
    dy = as_numbers(argument, dy)
    if dy.shape != shape:
        raise ValueError(f"{argument} must have the shape of the output of the last forward, {shape}, got {dy.shape}")
    return np.require(contiguous(argument, dy, dtype), requirements="A")


def _is_ready(array: Any, units: int | None, dtype: np.dtype) -> bool:
    """Whether an array can go to the engine as it is: the fast path of a caller that predicts row by row."""
    if type(array) is not np.ndarray or array.ndim != 2 or array.shape[1] != units or array.dtype != dtype:
        return False
    flags = array.flags
    return flags.c_contiguous and flags.aligned


def _check_width(argument: str, x: np.ndarray, units: int | None) -> None:
    allowed = f"{argument} must have shape (samples, {'features' if units is None else units})"
    if x.ndim != 2 or x.shape[1] != (units or x.shape[1]) or not x.shape[1]:
        raise ValueError(f"{allowed}, got {x.shape}{_shape_hint(x)}")


def _shape_hint(x: np.ndarray) -> str:
    if x.ndim == 1 and x.size:
        return ": x.reshape(-1, 1) makes samples of one feature, x.reshape(1, -1) one sample"
    if not x.ndim:
        return ", a single number: [[x]] is one sample of one feature"
    return ": flatten it with x.reshape(len(x), -1)" if x.ndim > 2 else ""


def _target_hint(y: np.ndarray, loss: Loss) -> str:
    if loss.code == CATEGORICAL_CROSSENTROPY and (y.ndim == 1 or y.shape[1:] == (1,)):
        return ": for integer labels use the loss 'sparse_categorical_crossentropy'"
    return ""


def _labels(argument: str, y: np.ndarray, classes: int) -> np.ndarray:
    """Class labels as int64 (n,). A label out of range would make the kernels read past a row, so all are checked."""
    allowed = f"{argument} must hold integer class labels from 0 to {classes - 1}"
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        hint = ": for one-hot targets use the loss 'categorical_crossentropy'" if y.shape[1:] == (classes,) else ""
        raise ValueError(f"{allowed}, one for each sample, got shape {y.shape}{hint}")
    if not (y.min() >= 0 and y.max() < classes):  # written so that NaN fails too
        at = int(np.argmin((y >= 0) & (y < classes)))
        raise ValueError(f"{allowed}, got {y[at]} at row {at}")
    labels = contiguous(argument, y, np.dtype(np.int64))
    if y.dtype.kind == "f" and not (labels == y).all():
        at = int(np.argmin(labels == y))
        raise ValueError(f"{allowed}, got {y[at]} at row {at}")
    return labels


def _check_finite(argument: str, array: np.ndarray) -> None:
    """One pass: a sum is finite only if all its terms are. Finite terms may overflow, so then each is checked."""
    if array.size < MAX_CHECKED_DIRECTLY and np.isfinite(array).all():
        return
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.add.reduce(array, axis=None)
    if math.isfinite(total):
        return
    rows = max(1, FINITE_BLOCK // array.shape[1])
    for start in range(0, len(array), rows):
        finite = np.isfinite(array[start : start + rows])
        if not finite.all():
            row, column = np.unravel_index(int(np.argmin(finite)), finite.shape)
            value = array[start + row, column]
            raise ValueError(
                f"{argument} must be finite, got {value} (as {array.dtype}) at row {start + row}, column {column}: "
                "clean the data, or pass check_finite=False"
            )
