"""Checks of samples: what goes into a network."""

from typing import Any

import numpy as np

from ..conversion import as_numbers, contiguous
from ..feature_names import Names, check_columns
from .finite import check_finite as require_finite
from .readers import in_memory
from .spec import Spec


def inputs(argument: str, x: Any, units: int | None, dtype: np.dtype, check_finite: bool, names: Names = None) -> np.ndarray:
    """``x`` as the engine takes it: (n, units), C-contiguous, of the model's dtype. ``units`` None: any width.

    If both ``names`` are given and the columns of ``x`` have names, these must be the same.
    """
    return samples(argument, x, Spec(units, 0, dtype, None, names), check_finite)


def samples(argument: str, x: Any, spec: Spec, check_finite: bool) -> np.ndarray:
    """``x`` as the engine takes it."""
    array: np.ndarray = x if is_ready(x, spec.inputs, spec.dtype) else as_samples(argument, x, spec)
    check_samples(argument, array, check_finite)
    return array


def as_samples(argument: str, x: Any, spec: Spec) -> np.ndarray:
    """``x`` in the form that the engine takes; how many samples there are, and of what numbers, is not looked at yet."""
    check_columns(argument, x, spec.names)
    return contiguous(argument, sample_rows(argument, as_numbers(argument, in_memory(x)), spec), spec.dtype)


def check_samples(argument: str, array: np.ndarray, check_finite: bool) -> None:
    """Make sure that there are samples, and finite ones."""
    if not len(array):
        raise no_rows(argument, array.shape)
    if check_finite:
        require_finite(argument, array)


def is_ready(array: Any, units: int | None, dtype: np.dtype) -> bool:
    """Whether an array can go to the engine as it is: the fast path of a caller that predicts row by row."""
    if type(array) is not np.ndarray or array.ndim != 2 or array.shape[1] != units or array.dtype != dtype:
        return False
    flags = array.flags
    return flags.c_contiguous and flags.aligned


def sample_rows(argument: str, x: np.ndarray, spec: Spec) -> np.ndarray:
    """An array as rows of samples: numbers alone are samples of one feature, and several axes become one for a Flatten."""
    width = sample_width(argument, x.shape, spec)
    return x if x.ndim == 2 else x.reshape(len(x), width)


def sample_width(argument: str, shape: tuple[int, ...], spec: Spec) -> int:
    """The features of samples in data of this shape, if the model takes such."""
    if len(shape) > 2 and spec.flattens:
        if spec.sample_shape is not None and shape[1:] != spec.sample_shape:
            wanted = ", ".join(map(str, spec.sample_shape))
            raise ValueError(f"{argument} must have shape (samples, {wanted}), got {shape}")
        width = int(np.prod(shape[1:]))
    else:
        width = 0 if len(shape) not in (1, 2) or shape == (0,) else shape[1] if len(shape) == 2 else 1
    if not width or width != (spec.inputs or width):
        allowed = f"{argument} must have shape (samples, {'features' if spec.inputs is None else spec.inputs})"
        raise ValueError(f"{allowed}, got {shape}{_shape_hint(shape)}")
    return width


def no_rows(argument: str, shape: tuple[int, ...]) -> ValueError:
    """The error for data of no samples."""
    return ValueError(f"{argument} must hold at least one row, got shape {shape}")


def _shape_hint(shape: tuple[int, ...]) -> str:
    if len(shape) == 1 and shape[0]:
        return ": x.reshape(-1, 1) makes samples of one feature, x.reshape(1, -1) one sample"
    if not shape:
        return ", a single number: [[x]] is one sample of one feature"
    return ": flatten it with x.reshape(len(x), -1)" if len(shape) > 2 else ""
