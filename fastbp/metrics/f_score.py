"""F-scores: the weighted harmonic mean of precision and recall."""

from typing import Any

import numpy as np

from ..arguments import number
from ..conversion import as_numbers
from .arrays import divide, floats
from .base import Metric
from .matches import above
from .variable import Variable

AVERAGES = (None, "micro", "macro", "weighted")
_NAMES = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")


class FBetaScore(Metric):
    """``(1 + beta^2) P R / (beta^2 P + R)`` of the precision P and the recall R of each class.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}
        How the scores of the classes become one: not at all, by counting over all classes, by their mean, by their mean
        with the number of true samples as weights.
    beta : float
        How much recall counts.
    threshold : float, optional
        In (0, 1]: a prediction above it counts as positive. Without one, the largest of each row does.
    name : str
    dtype : str, optional

    Examples
    --------
    >>> from fastbp import metrics
    >>> score = metrics.FBetaScore(beta=2.0, threshold=0.5)
    >>> score([[1, 1, 1], [1, 0, 0], [1, 1, 0]], [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]]).round(6).tolist()
    [0.384615, 0.909091, 0.833333]
    """

    _target_kind = "outputs"
    _direction = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if average not in AVERAGES:
            raise ValueError(f"average must be None, 'micro', 'macro' or 'weighted', got {average!r}")
        self.average, self.beta = average, number("beta", beta, 0)
        self.threshold = None if threshold is None else number("threshold", threshold, 0, 1)
        if 0 in (self.beta, self.threshold):
            raise ValueError(f"beta and threshold must be more than 0, got beta={beta!r}, threshold={threshold!r}")
        self._counts: list[Variable] = []

    @property
    def _remedy_for_logits(self) -> str:  # type: ignore[override]
        return "" if self.threshold is None else "a last layer with an activation instead"

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        predictions, targets = as_numbers("y_pred", y_pred), floats("y_true", y_true)
        if predictions.ndim != 2 or predictions.shape != targets.shape:
            shapes = f"{targets.shape} and {predictions.shape}"
            raise ValueError(f"y_true and y_pred must have one shape (samples, classes) for {self.name}, got {shapes}")
        if not self._counts:
            shape = () if self.average == "micro" else targets.shape[1:]
            self._counts = [self.add_variable(shape, name=name) for name in _NAMES]
            vars(self).update(zip(_NAMES, self._counts, strict=True))
        if self.threshold is None:  # a row of zeros has no largest one
            positive = (predictions >= predictions.max(axis=1, keepdims=True)) & (np.abs(predictions) > 1e-9)
        else:
            positive = above(predictions, self.threshold)
        is_positive = np.where(np.isnan(predictions), np.nan, positive)
        weights = np.ones(len(targets)) if sample_weight is None else floats("sample_weight", sample_weight)
        weights = np.broadcast_to(weights.reshape(-1, 1), (len(targets), 1))
        axis = None if self.average == "micro" else 0
        parts = is_positive * targets, is_positive * (1 - targets), (1 - is_positive) * targets, targets
        for variable, part in zip(self._counts, parts, strict=True):
            variable.assign_add(np.sum(part * weights, axis=axis))

    def result(self) -> Any:
        if not self._counts:
            return np.float64(0)
        true_positives, false_positives, false_negatives, support = (variable.value for variable in self._counts)
        precision = divide(true_positives, true_positives + false_positives)
        recall = divide(true_positives, true_positives + false_negatives)
        scores = (1 + self.beta**2) * divide(precision * recall, self.beta**2 * precision + recall)
        if self.average == "weighted":
            return divide(np.sum(scores * support), np.sum(support))[()]
        return scores if self.average is None else np.mean(scores)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "average": self.average, "beta": self.beta, "threshold": self.threshold}


class F1Score(FBetaScore):
    """``2 P R / (P + R)`` of the precision P and the recall R of each class.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}
        How the scores of the classes become one: not at all, by counting over all classes, by their mean, by their mean
        with the number of true samples as weights.
    threshold : float, optional
        In (0, 1]: a prediction above it counts as positive. Without one, the largest of each row does.
    name : str
    dtype : str, optional

    Examples
    --------
    >>> from fastbp import metrics
    >>> score = metrics.F1Score(threshold=0.5)
    >>> score([[1, 1, 1], [1, 0, 0], [1, 1, 0]], [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]]).round(6).tolist()
    [0.5, 0.8, 0.666667]
    """

    def __init__(
        self, average: str | None = None, threshold: float | None = None, name: str | None = "f1_score", dtype: Any = None
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["beta"]
        return config
