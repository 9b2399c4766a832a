"""How much each sample counts: weights of samples, and of classes.

Weights are finite and not negative: a step along a negative one would go away from what its sample teaches.
"""

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arguments import number
from ..conversion import as_numbers, contiguous, describe
from ..kernels.codes import BINARY_CROSSENTROPY
from .finite import check_finite
from .spec import Spec

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


def require_weight(argument: str, weights: np.ndarray) -> None:
    """Refuse weights of which none counts: there would be nothing to learn or to measure."""
    if not weights.any():
        raise ValueError(f"{argument} must be above 0 for some samples, got 0 for all {len(weights)}")


class ClassWeights:
    """A weight for each class; one that is not named counts 1.

    Parameters
    ----------
    weights : dict or "balanced"
        From class labels, integers, to numbers of at least 0. Balanced: in inverse proportion to the samples of a class,
        ``samples / (classes * samples of the class)``, as in scikit-learn; see ``for_targets``.

    Examples
    --------
    >>> import numpy as np
    >>> from fastbp.data import ClassWeights
    >>> ClassWeights({1: 10.0}).of("y", np.array([0, 1, 2, 1]))
    array([ 1., 10.,  1., 10.])
    >>> y = np.array([0, 0, 0, 1])
    >>> ClassWeights("balanced").for_targets("y", y).of("y", y).round(2)
    array([0.67, 0.67, 0.67, 2.  ])
    """

    def __init__(self, weights: Any) -> None:
        self.is_balanced = isinstance(weights, str) and weights == "balanced"
        if not self.is_balanced and not isinstance(weights, Mapping):
            shown = repr(weights) if isinstance(weights, str) else describe(weights)
            raise TypeError(f"class_weight must be a dict from integer labels to weights, or 'balanced', got {shown}")
        given = {} if self.is_balanced else weights
        self._weights = {_label(label): number(f"class_weight[{label!r}]", weight, 0) for label, weight in given.items()}

    def check_labels(self, classes: int) -> None:
        """Refuse labels of no class, where the classes are 0 .. classes - 1."""
        for label in self._weights:
            if not 0 <= label < classes:
                raise ValueError(f"class_weight must have labels from 0 to {classes - 1}, those of the classes, got {label}")

    def for_targets(self, argument: str, y: np.ndarray) -> "ClassWeights":
        """The same for all the targets that there are, which tell how many samples a class has."""
        if not self.is_balanced:
            return self
        labels, counts = np.unique(_labels(argument, y), return_counts=True)
        wrong = labels != np.rint(labels)
        if wrong.any():
            got = f"got {labels[int(np.argmax(wrong))]:g}"
            raise ValueError(f"class_weight='balanced' needs integer labels or one-hot rows in {argument}, {got}")
        balanced = counts.sum() / (len(counts) * counts)
        return ClassWeights({int(label): float(weight) for label, weight in zip(labels, balanced, strict=True)})

    def of(self, argument: str, y: np.ndarray) -> np.ndarray:
        """The weights of samples with these targets: labels (n,) or (n, 1), the nearest integer taken, or one-hot rows."""
        kinds, which = np.unique(np.rint(_labels(argument, y)), return_inverse=True)
        weights = np.array([self._weights.get(int(kind), 1.0) if np.isfinite(kind) else 1.0 for kind in kinds])
        chosen: np.ndarray = weights[which.reshape(-1)]
        return chosen


def class_weights(value: Any, spec: Spec) -> ClassWeights | None:
    """What ``class_weight`` says, for targets that are as the spec has them."""
    if value is None or isinstance(value, ClassWeights):
        return value
    weights, loss = ClassWeights(value), spec.loss
    if loss is not None and not loss.any_width:
        if spec.outputs > 1:
            weights.check_labels(spec.outputs)
        elif loss.code == BINARY_CROSSENTROPY:
            weights.check_labels(2)
    return weights


def _labels(argument: str, y: np.ndarray) -> np.ndarray:
    """The label of each sample: the number itself, or the column of the largest one of a one-hot row."""
    return y if y.ndim == 1 else y[:, 0] if y.shape[1] == 1 else _hot(argument, y)


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


def check_once(sample_weight: Any, class_weight: Any) -> None:
    """Both kinds of weights at the same time are refused, as in Keras."""
    if sample_weight is not None and class_weight is not None:
        raise ValueError(
            "class_weight must be None where there is a sample_weight, got both: multiply the samples' weights by those of "
            "their classes"
        )
