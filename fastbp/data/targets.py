"""Checks of targets: what a network is to give."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..conversion import as_numbers, contiguous
from ..kernels.codes import CATEGORICAL_CROSSENTROPY
from ..losses import Loss
from ..losses.base import Domain
from .finite import check_finite as require_finite
from .readers import in_memory
from .samples import is_ready
from .spec import Spec

RowNumbers = Sequence[int] | np.ndarray | None


def targets(
    argument: str, y: Any, samples: int, spec: Spec, check_finite: bool, rows: RowNumbers = None, x_argument: str = "x"
) -> np.ndarray:
    """``y`` as the engine takes it, for so many samples: int64 labels (n,), else (n, columns) of the model's dtype.

    ``rows``: what its rows are called in errors, else 0, 1, ...
    """
    loss = spec.loss
    assert loss is not None
    columns = loss.target_columns(spec.outputs)
    ready = not loss.sparse and not loss.any_width and is_ready(y, columns, spec.dtype)
    array: np.ndarray = y if ready else as_numbers(argument, in_memory(y))
    if array.ndim and len(array) != samples:
        raise unequal(x_argument, argument, samples, len(array))
    if loss.sparse:
        return _labels(argument, array, spec.outputs, rows)
    if not ready:
        array = contiguous(argument, _target_rows(argument, array, samples, columns, loss), spec.dtype)
    if check_finite:
        require_finite(argument, array, rows)
    if loss.domain is not None:
        _check_domain(argument, array, loss.domain, loss.name)
    return array


def _check_domain(argument: str, y: np.ndarray, domain: Domain, loss: str) -> None:
    """Targets for which a loss is not defined are refused."""
    low, high = y.min(), y.max()
    if domain.excludes(low, high):
        raise ValueError(f"{argument} must {domain} for {loss}, got values from {low:g} to {high:g}")


def unequal(x_argument: str, argument: str, samples: int, found: int) -> ValueError:
    """The error for more or fewer targets than samples."""
    return ValueError(f"{x_argument} and {argument} must have the same number of rows, got {samples} and {found}")


def _target_rows(argument: str, y: np.ndarray, samples: int, columns: int, loss: Loss) -> np.ndarray:
    """Targets as rows, numbers alone as rows of one."""
    if y.ndim == 1 and (columns == 1 or loss.any_width):
        y = y.reshape(-1, 1)
    if loss.any_width and (y.ndim != 2 or not y.size):
        raise ValueError(f"{argument} must have shape ({samples},) or ({samples}, columns), got {y.shape}")
    if not loss.any_width and (y.ndim != 2 or y.shape[1] != columns):
        raise ValueError(f"{argument} must have shape ({samples}, {columns}), got {y.shape}{_hint(y, loss)}")
    return y


def _hint(y: np.ndarray, loss: Loss) -> str:
    if loss.code == CATEGORICAL_CROSSENTROPY and (y.ndim == 1 or y.shape[1:] == (1,)):
        return ": for integer labels use the loss 'sparse_categorical_crossentropy'"
    return ""


def _labels(argument: str, y: np.ndarray, classes: int, rows: RowNumbers) -> np.ndarray:
    """Class labels as int64 (n,). A label out of range would make the kernels read past a row, so all are checked."""
    allowed = f"{argument} must hold integer class labels from 0 to {classes - 1}"
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        hint = ": for one-hot targets use the loss 'categorical_crossentropy'" if y.shape[1:] == (classes,) else ""
        raise ValueError(f"{allowed}, one for each sample, got shape {y.shape}{hint}")
    if not (y.min() >= 0 and y.max() < classes):  # written so that NaN fails too
        raise _bad_label(allowed, y, (y >= 0) & (y < classes), rows)
    labels = contiguous(argument, y, np.dtype(np.int64))
    if y.dtype.kind == "f" and not (labels == y).all():
        raise _bad_label(allowed, y, labels == y, rows)
    return labels


def _bad_label(allowed: str, y: np.ndarray, good: np.ndarray, rows: RowNumbers) -> ValueError:
    at = int(np.argmin(good))
    return ValueError(f"{allowed}, got {y[at]} at row {at if rows is None else rows[at]}")
