"""The best of one rate where another is at least so large."""

from typing import Any

import numpy as np

from ..arguments import integer, number
from .arrays import divide
from .base import Metric
from .confusion import checked_class, count, decisions, evenly


class _BestAt(Metric):
    """Counts at thresholds spread evenly over [0, 1], and the best ``_best`` where ``_bounded`` is at least the bound."""

    _target_kind = "outputs"
    _direction = "up"
    _remedy_for_logits = "a last layer with a sigmoid instead"
    _bound: str  # the name of the argument
    _bounded: tuple[str, str]  # a rate is the first of two counts over their sum
    _best: tuple[str, str]

    def __init__(self, value: Any, num_thresholds: Any, class_id: Any, name: str | None, dtype: Any) -> None:
        super().__init__(name=name, dtype=dtype)
        self.value = number(self._bound, value, 0, 1)
        setattr(self, self._bound, self.value)
        self.num_thresholds, self.class_id = integer("num_thresholds", num_thresholds, 1), checked_class(class_id)
        self._limits = np.array([0.5]) if self.num_thresholds == 1 else evenly(self.num_thresholds)
        for name in ("true_positives", "false_positives", "true_negatives", "false_negatives"):
            setattr(self, name, self.add_variable((self.num_thresholds,), name=name))

    @property
    def thresholds(self) -> list[float]:
        return list(self._limits)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        rows = decisions(y_true, y_pred, sample_weight, class_id=self.class_id).flat()
        for name, values in vars(count(rows, self._limits)).items():
            getattr(self, name).assign_add(values[:, 0])

    def _rate(self, names: tuple[str, str]) -> np.ndarray:
        part, rest = (getattr(self, name).value for name in names)
        return divide(part, part + rest)

    def result(self) -> Any:
        bounded, best = self._rate(self._bounded), self._rate(self._best)
        return np.max(np.where((bounded >= self.value) | np.isnan(bounded), best, 0.0))

    def get_config(self) -> dict[str, Any]:
        own = {self._bound: self.value, "num_thresholds": self.num_thresholds, "class_id": self.class_id}
        return {**super().get_config(), **own}


SENSITIVITY = RECALL = ("true_positives", "false_negatives")
SPECIFICITY = ("true_negatives", "false_positives")
PRECISION = ("true_positives", "false_positives")


class SensitivityAtSpecificity(_BestAt):
    """The best sensitivity, TP / (TP + FN), at a threshold whose specificity, TN / (TN + FP), is at least so large.

    Parameters
    ----------
    specificity : float
        In [0, 1].
    num_thresholds : int
        Spread evenly over [0, 1].
    class_id : int, optional
        Only this class is looked at.
    name : str, optional
    dtype : str, optional

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.SensitivityAtSpecificity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
    0.5
    """

    _bound, _bounded, _best = "specificity", SPECIFICITY, SENSITIVITY

    def __init__(
        self, specificity: float, num_thresholds: int = 200, class_id: Any = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(_BestAt):
    """The best specificity, TN / (TN + FP), at a threshold whose sensitivity, TP / (TP + FN), is at least so large.

    Parameters
    ----------
    sensitivity : float
        In [0, 1].
    num_thresholds : int
        Spread evenly over [0, 1].
    class_id : int, optional
        Only this class is looked at.
    name : str, optional
    dtype : str, optional

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.SpecificityAtSensitivity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
    0.666...
    """

    _bound, _bounded, _best = "sensitivity", SENSITIVITY, SPECIFICITY

    def __init__(
        self, sensitivity: float, num_thresholds: int = 200, class_id: Any = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(_BestAt):
    """The best precision, TP / (TP + FP), at a threshold whose recall, TP / (TP + FN), is at least so large.

    Parameters
    ----------
    recall : float
        In [0, 1].
    num_thresholds : int
        Spread evenly over [0, 1].
    class_id : int, optional
        Only this class is looked at.
    name : str, optional
    dtype : str, optional

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
    0.5
    """

    _bound, _bounded, _best = "recall", RECALL, PRECISION

    def __init__(
        self, recall: float, num_thresholds: int = 200, class_id: Any = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(_BestAt):
    """The best recall, TP / (TP + FN), at a threshold whose precision, TP / (TP + FP), is at least so large; 0 if none is.

    Parameters
    ----------
    precision : float
        In [0, 1].
    num_thresholds : int
        Spread evenly over [0, 1].
    class_id : int, optional
        Only this class is looked at.
    name : str, optional
    dtype : str, optional

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.RecallAtPrecision(0.8)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
    0.5
    """

    _bound, _bounded, _best = "precision", PRECISION, RECALL

    def __init__(
        self, precision: float, num_thresholds: int = 200, class_id: Any = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)
