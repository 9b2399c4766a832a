"""How much each sample counts: weights of samples, and of classes.

Weights are finite and not negative: a step along a negative one would go away from what its sample teaches.
"""

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arguments import number
from ..conversion import as_numbers, contiguous, describe
from .finite import check_finite

MAX_OFF_ONE = 1e-3  # by how much the numbers of a one-hot row may miss the sum of 1


def sample_weights(argument: str, value: Any, samples: int) -> np.ndarray:
    """Weights as the engine takes them: float64 (samples,), C-contiguous."""
    array = as_numbers(argument, value)
    if array.shape not in ((samples,), (samples, 1)):
        raise ValueError(f"{argument} must have shape ({samples},), one number for each sample, got {array.shape}")
    weights = contiguous(argument, array.reshape(-1), np.dtype(np.float64))
    check_finite(argument, weights.reshape(-1, 1))
    if weights.min() < 0:
        at = int(np.argmax(weights < 0))
        raise ValueError(f"{argument} must be at least 0, got {weights[at]:g} at row {at}")
    return weights


class ClassWeights:
    """A weight for each class; one that is not named counts 1.

    Parameters
    ----------
    weights : dict
        From class labels, integers, to numbers of at least 0.

    Examples
    --------
    >>> import numpy as np
    >>> from fastbp.data import ClassWeights
    >>> ClassWeights({1: 10.0}).of("y", np.array([0, 1, 2, 1]))
    array([ 1., 10.,  1., 10.])
    """

    def __init__(self, weights: Any) -> None:
        if not isinstance(weights, Mapping):
            raise TypeError(f"class_weight must be a dict from integer labels to weights, got {_shown(weights)}")
        self._weights = {_label(label): number(f"class_weight[{label!r}]", weight, 0) for label, weight in weights.items()}

    def of(self, argument: str, y: np.ndarray) -> np.ndarray:
        """The weights of samples with these targets: labels (n,) or (n, 1), the nearest integer taken, or one-hot rows."""
        labels = y if y.ndim == 1 else y[:, 0] if y.shape[1] == 1 else _hot(argument, y)
        kinds, which = np.unique(np.rint(labels), return_inverse=True)
        weights = np.array([self._weights.get(int(kind), 1.0) if np.isfinite(kind) else 1.0 for kind in kinds])
        chosen: np.ndarray = weights[which.reshape(-1)]
        return chosen


def _hot(argument: str, y: np.ndarray) -> np.ndarray:
    """The column of each row's largest number, where rows say one class each."""
    wrong = ~(np.abs(y.sum(axis=1) - 1) <= MAX_OFF_ONE)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"class_weight needs one class for each sample, but {argument} has the numbers {y[row].tolist()[:8]} at row {row}: "
            "one-hot rows add up to 1. For other targets, give sample_weight"
        )
    hot: np.ndarray = np.argmax(y, axis=1)
    return hot


def _label(label: Any) -> int:
    """A class label as an int; 1.0 is one."""
    if isinstance(label, float | np.floating) and float(label).is_integer():
        return int(label)
    try:
        return operator.index(label)
    except TypeError:
        raise TypeError(f"class_weight must be a dict from integer labels to weights, got the label {label!r}") from None


def _shown(value: Any) -> str:
    hint = ": scikit-learn's compute_class_weight('balanced', classes=..., y=...) finds such weights"
    return repr(value) + (hint if value == "balanced" else "") if isinstance(value, str) else describe(value)


def check_once(sample_weight: Any, class_weight: Any) -> None:
    """Both kinds of weights at the same time are refused, as in Keras."""
    if sample_weight is not None and class_weight is not None:
        raise ValueError(
            "class_weight must be None where there is a sample_weight, got both: multiply the samples' weights by those of "
            "their classes"
        )
