"""The coefficient of determination."""

from typing import Any

import numpy as np

from ..arguments import integer
from ..notices import warn
from .arrays import divide, floats, pair
from .base import Metric
from .variable import Variable

AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


def r2_of(squared_error: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """1 - error / variance of each output; a constant target counts 1 if it is predicted exactly, else 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        scores: np.ndarray = np.where(squares == 0, squared_error == 0, 1 - squared_error / squares)
    return scores


class R2Score(Metric):
    """The coefficient of determination, ``1 - sum (y_true - y_pred)^2 / sum (y_true - mean)^2``.

    Parameters
    ----------
    class_aggregation : {"uniform_average", "variance_weighted_average", None}
        How those of several outputs become one; None keeps them.
    num_regressors : int
        The number of features of the adjusted score; 0 for the usual one.
    name : str
    dtype : str, optional

    Notes
    -----
    An output whose target is constant counts 1 if it is predicted exactly and 0 if not. The sums of squares are taken about
    the mean, so that targets far from 0 cost no digits.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]]))
    0.571...
    """

    _target_kind = "outputs"
    _direction = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:
        if class_aggregation not in AGGREGATIONS:
            raise ValueError(f"class_aggregation must be one of {AGGREGATIONS}, got {class_aggregation!r}")
        super().__init__(name=name, dtype=dtype)
        self.class_aggregation, self.num_regressors = class_aggregation, integer("num_regressors", num_regressors, 0)
        self.num_samples = self.add_variable((), name="num_samples")
        self._sums: list[Variable] = []

    def _totals(self, outputs: int) -> list[Variable]:
        """For each output: the weight, the mean, the squares about it, the squared errors."""
        if not self._sums:
            self._sums = [self.add_variable((outputs,), name=name) for name in ("count", "mean", "squares", "residual")]
        return self._sums

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        targets, predictions = pair(y_true, y_pred)
        if targets.ndim != 2:
            raise ValueError(f"y_true must have shape (samples, outputs) for R2Score, got {targets.shape}")
        weights = np.asarray(1.0) if sample_weight is None else floats("sample_weight", sample_weight)
        weights = np.broadcast_to(weights[:, None] if weights.ndim == 1 else weights, targets.shape)
        count, mean, squares, residual = self._totals(targets.shape[1])
        self.num_samples.assign_add(len(targets))
        residual.assign_add(((targets - predictions) ** 2 * weights).sum(axis=0))
        if not len(targets):
            return
        new, first = weights.sum(axis=0), targets[0]
        new_mean = first + divide(((targets - first) * weights).sum(axis=0), new)
        together, shift = count + new, np.where(count.value > 0, new_mean - mean.value, 0)
        squares.assign_add(((targets - new_mean) ** 2 * weights).sum(axis=0) + shift**2 * divide(count * new, together))
        mean.assign(np.where(count.value > 0, mean + shift * divide(new, together), new_mean))
        count.assign(together)

    def set_sums(self, samples: int, squares: np.ndarray, residual: np.ndarray) -> None:
        """Have the state that samples with these sums leave, but for the mean, which is not known."""
        known = np.full(squares.shape, samples), np.full(squares.shape, np.nan), squares, residual
        for variable, values in zip(self._totals(len(squares)), known, strict=True):
            variable.assign(values)
        self.num_samples.assign(samples)

    def result(self) -> Any:
        if not self._sums:
            return np.float64(0)
        _, _, squares, residual = (variable.value for variable in self._sums)
        scores = r2_of(residual, squares)
        if self.class_aggregation == "uniform_average":
            scores = np.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = np.mean(scores) if not squares.any() else np.sum(squares * scores) / np.sum(squares)
        return self._adjusted(scores) if self.num_regressors else scores

    def _adjusted(self, scores: Any) -> Any:
        samples = int(self.num_samples)
        freedom = samples - self.num_regressors - 1
        if freedom > 0:
            return 1 - (1 - scores) * (samples - 1) / freedom
        warn(f"{self.name} cannot be adjusted for num_regressors={self.num_regressors} with {samples} samples")
        return scores

    def get_config(self) -> dict[str, Any]:
        own = {"class_aggregation": self.class_aggregation, "num_regressors": self.num_regressors}
        return {**super().get_config(), **own}
