"""Parts of the data to learn from and to measure on, as scikit-learn's splitters make them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..losses import Loss
from .rows import row_count
from .scores import class_labels, classifies

Fold = tuple[np.ndarray, np.ndarray]  # rows to learn from, and rows to measure on


def folds(cv: Any, loss: Loss, x: Any, y: Any, groups: Any = None) -> list[Fold]:
    """The folds that ``cv`` stands for.

    Parameters
    ----------
    cv : int, splitter or iterable
        A number of folds, those of ``StratifiedKFold`` where the loss tells classes, else of ``KFold``; anything with a method
        ``split(X, y, groups)``; or pairs of rows.
    loss : Loss
    x, y : arrays
    groups : array, optional
        Which group each sample belongs to, for splitters that look at that.
    """
    count = row_count(x)
    if hasattr(cv, "split") or (isinstance(cv, int | np.integer) and not isinstance(cv, bool)):
        splitter = cv if hasattr(cv, "split") else _splitter(cv, loss, y)
        cv = splitter.split(np.zeros((count, 1)), _labels(loss, y), groups)
    if not hasattr(cv, "__iter__") or isinstance(cv, str):
        raise TypeError(f"cv must be a number of folds, a splitter or pairs of rows, got {cv!r}")
    found = [_fold(i, pair, count) for i, pair in enumerate(cv)]
    if not found:
        raise ValueError(f"cv must give at least one fold, got none of {cv!r}")
    return found


def _splitter(count: int, loss: Loss, y: Any) -> Any:
    if count < 2:
        raise ValueError(f"cv must be at least 2 folds, got {count!r}")
    try:
        from sklearn.model_selection import check_cv
    except ImportError as error:
        raise ImportError("folds are made by scikit-learn, which pip install 'fastbp[sklearn]' installs") from error
    return check_cv(count, _labels(loss, y), classifier=classifies(loss))


def _labels(loss: Loss, y: Any) -> Any:
    """The targets as splitters look at them: those of a class of several as its number."""
    return class_labels(loss, np.asarray(y)) if classifies(loss) else y


def _fold(i: int, pair: Any, count: int) -> Fold:
    if not isinstance(pair, Sequence) or len(pair) != 2:
        raise TypeError(f"cv must give pairs of rows, to learn from and to measure on, got {pair!r} for fold {i}")
    train, test = (_rows(f"cv (fold {i})", part, count) for part in pair)
    return train, test


def _rows(name: str, part: Any, count: int) -> np.ndarray:
    rows = np.asarray(part)
    rows = np.flatnonzero(rows) if rows.dtype == bool and rows.shape == (count,) else rows
    if rows.ndim != 1 or not rows.size or rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= count:
        raise ValueError(f"{name} must hold numbers of rows from 0 to {count - 1}, at least one, got {part!r}")
    return rows.astype(np.int64)
