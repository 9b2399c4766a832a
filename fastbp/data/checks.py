"""Checks of other arrays that a user passes: the data of a formula, weights, gradients."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..conversion import as_numbers, contiguous, describe
from .finite import check_finite as require_finite


def columns(argument: str, value: Any, check_finite: bool) -> np.ndarray:
    """Data for a formula: (n,) or (n, k), of any strides."""
    array = as_numbers(argument, value)
    if array.ndim not in (1, 2) or not array.size:
        raise ValueError(f"{argument} must have shape (n,) or (n, k) with at least one value, got {array.shape}")
    if check_finite and array.dtype.kind == "f":
        require_finite(argument, array.reshape(len(array), -1))
    return array


def arrays(argument: str, values: Any, shapes: Sequence[tuple[int, ...]], dtype: np.dtype) -> list[np.ndarray]:
    """Arrays in ``get_weights`` order, as the engine takes them."""
    if isinstance(values, np.ndarray) or not hasattr(values, "__len__"):
        raise TypeError(f"{argument} must be a list of {len(shapes)} arrays, got {describe(values)}")
    if len(values) != len(shapes):
        raise ValueError(f"{argument} must be a list of {len(shapes)} arrays, got {len(values)}")
    result = []
    for i, (value, shape) in enumerate(zip(values, shapes, strict=True)):
        if type(value) is np.ndarray and value.dtype == dtype and value.shape == shape and value.flags.carray:
            result.append(value)  # as nearly always
            continue
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
