"""The scores that decide when to stop: accuracy and R², as scikit-learn computes them, without its checks."""

import numpy as np


def accuracy(outputs: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None, exclusive: bool) -> float:
    """The share of samples whose classes, or all of whose labels, are right; NaN where outputs are not finite."""
    if not np.isfinite(outputs).all():
        return float("nan")
    if exclusive and outputs.shape[1] > 1:
        right = outputs.argmax(axis=1) == y.argmax(axis=1)
    else:
        right = ((outputs > 0.5) == (y > 0.5)).all(axis=1)
    return float(np.average(right, weights=sample_weight))


def r2(outputs: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None) -> float:
    """The coefficient of determination, mean over outputs; 0 for targets that are constant and not met."""
    if not np.isfinite(outputs).all():
        return float("nan")
    weights = np.ones(len(y)) if sample_weight is None else sample_weight
    outputs, y = outputs.astype(np.float64), y.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        unexplained = weights @ (y - outputs) ** 2
        total = weights @ (y - np.average(y, axis=0, weights=weights)) ** 2
        scores = np.where(unexplained == 0, 1.0, 0.0)
        scores = np.where(total > 0, 1 - unexplained / np.where(total > 0, total, 1.0), scores)
    return float(scores.mean())
