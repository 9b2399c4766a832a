"""The metrics that the engine's kernels count while they run, and how their values follow from what was counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..kernels import codes
from .base import Metric, is_built_in
from .errors import mean_absolute_error, mean_squared_error
from .matches import binary_accuracy, categorical_accuracy, sparse_categorical_accuracy
from .r2 import R2Score
from .reductions import Mean, MeanMetricWrapper
from .regression import RootMeanSquaredError

if TYPE_CHECKING:
    from ..engine.epoch import Statistics
    from ..scaled_sums import Targets


class Counted(NamedTuple):
    """What the kernels count for a metric (kernels/codes.py), and its value by that."""

    code: int
    value: Callable[[Statistics, Targets], float]

    @staticmethod
    def show(metric: Metric, value: float, statistics: Statistics, targets: Targets) -> None:
        """Have the metric show the value from then on, as if it had been updated with the data."""
        if isinstance(metric, Mean):
            metric.set_mean(value, statistics.count)
        elif isinstance(metric, R2Score):
            metric.set_sums(statistics.count, targets.squares.numbers(), statistics.squared_error.numbers())


def _mse(s: Statistics, targets: Targets) -> float:
    return float((s.squared_error.mean() / s.count).numbers())


def _mae(s: Statistics, targets: Targets) -> float:
    return float((s.absolute_error.mean() / s.count).numbers())


def _rmse(s: Statistics, targets: Targets) -> float:
    return float((s.squared_error.mean() / s.count).root().numbers())


def _r2(s: Statistics, targets: Targets) -> float:
    constant = targets.squares.value == 0
    exact = np.where(s.squared_error.value == 0, 1.0, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (s.squared_error / targets.squares).numbers()
    return float(np.mean(np.where(constant, exact, 1 - ratio)))


def _accuracy(s: Statistics, targets: Targets) -> float:
    return s.correct / s.count


def _binary_accuracy(s: Statistics, targets: Targets) -> float:
    return s.correct / (s.count * s.units)


KINDS = {
    "mse": Counted(codes.ERRORS, _mse),
    "mae": Counted(codes.ERRORS, _mae),
    "rmse": Counted(codes.ERRORS, _rmse),
    "r2": Counted(codes.ERRORS, _r2),
    "binary_accuracy": Counted(codes.BINARY_ACCURACY, _binary_accuracy),
    "binary_accuracy_of_logits": Counted(codes.BINARY_ACCURACY_LOGITS, _binary_accuracy),
    "categorical_accuracy": Counted(codes.CATEGORICAL_ACCURACY, _accuracy),
    "sparse_categorical_accuracy": Counted(codes.SPARSE_ACCURACY, _accuracy),
}
_OF_FUNCTIONS: dict[Any, str] = {
    mean_squared_error: "mse",
    mean_absolute_error: "mae",
    binary_accuracy: "binary_accuracy",
    categorical_accuracy: "categorical_accuracy",
    sparse_categorical_accuracy: "sparse_categorical_accuracy",
}


def kind_of(metric: Metric, of_logits: bool) -> str | None:
    """Under which name the kernels can count a metric; ``of_logits``: a threshold of 0.5 means the logit 0."""
    if not is_built_in(type(metric)):
        return None
    if isinstance(metric, RootMeanSquaredError):
        return "rmse"
    if isinstance(metric, R2Score):
        return "r2" if metric.class_aggregation == "uniform_average" and not metric.num_regressors else None
    if not isinstance(metric, MeanMetricWrapper):
        return None
    kind = _OF_FUNCTIONS.get(metric.function)
    if kind != "binary_accuracy":
        return kind
    if metric.options.get("threshold", 0.5) != 0.5:
        return None
    return "binary_accuracy_of_logits" if of_logits else kind
