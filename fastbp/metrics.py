"""Metrics, computed from sums that the engine collects in its pass over the data.

``accuracy`` becomes Keras's binary accuracy (the prediction is above 0.5) for one output, sparse categorical accuracy
for integer labels and categorical accuracy otherwise. Where the loss is the binary cross-entropy of logits
(``from_logits=True``), outputs are compared with 0, the logit of 0.5, instead. As in Keras, the training
metrics of an epoch come from the predictions made before each update, and of several metrics with the same name the second is
called ``name_1``, the third ``name_2``; "loss" is the loss's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .arguments import unique_name, unknown
from .kernels import codes
from .losses import Loss

if TYPE_CHECKING:
    from .engine.epoch import Epoch, Statistics
    from .scaled_sums import Targets


def _mse(s: Statistics, targets: Targets) -> float:
    return float((s.squared_error.mean() / s.count).numbers())


def _mae(s: Statistics, targets: Targets) -> float:
    return float((s.absolute_error.mean() / s.count).numbers())


def _rmse(s: Statistics, targets: Targets) -> float:
    return float((s.squared_error.mean() / s.count).root().numbers())


def _r2(s: Statistics, targets: Targets) -> float:
    """The mean over outputs of 1 - error / variance; a constant target counts 1 if it is predicted exactly, else 0."""
    constant = targets.squares.value == 0
    exact = np.where(s.squared_error.value == 0, 1.0, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (s.squared_error / targets.squares).numbers()
    return float(np.mean(np.where(constant, exact, 1 - ratio)))


def _accuracy(s: Statistics, targets: Targets) -> float:
    return s.correct / s.count


def _binary_accuracy(s: Statistics, targets: Targets) -> float:
    return s.correct / (s.count * s.units)


# kind: (how to compute it, what to count for it)
_KINDS = {
    "mse": (_mse, codes.ERRORS),
    "mae": (_mae, codes.ERRORS),
    "rmse": (_rmse, codes.ERRORS),
    "r2": (_r2, codes.ERRORS),
    "binary_accuracy": (_binary_accuracy, codes.BINARY_ACCURACY),
    "binary_accuracy_of_logits": (_binary_accuracy, codes.BINARY_ACCURACY_LOGITS),
    "categorical_accuracy": (_accuracy, codes.CATEGORICAL_ACCURACY),
    "sparse_categorical_accuracy": (_accuracy, codes.SPARSE_ACCURACY),
}
_ALIASES = {
    "mean_squared_error": "mse",
    "MeanSquaredError": "mse",
    "mean_absolute_error": "mae",
    "MeanAbsoluteError": "mae",
    "root_mean_squared_error": "rmse",
    "RootMeanSquaredError": "rmse",
    "r2_score": "r2",
    "R2Score": "r2",
    "acc": "accuracy",
    "accuracy": "accuracy",
    "BinaryAccuracy": "binary_accuracy",
    "CategoricalAccuracy": "categorical_accuracy",
    "SparseCategoricalAccuracy": "sparse_categorical_accuracy",
}
_NAMES = {kind: kind for kind in _KINDS if kind != "binary_accuracy_of_logits"} | _ALIASES


@dataclass(frozen=True)
class Metric:
    """A measure of how good predictions are.

    Parameters
    ----------
    name : str
        Its name in a history.
    kind : str
        One of "mse", "mae", "rmse", "r2", "accuracy" and the three kinds of accuracy.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.get("mean_squared_error")
    Metric(name='mean_squared_error', kind='mse')
    """

    name: str
    kind: str

    def __post_init__(self) -> None:
        if self.kind != "accuracy" and self.kind not in _KINDS:
            raise unknown("kind", self.kind, [*_KINDS, "accuracy"])

    def resolve(self, loss: Loss, units: int) -> Metric:
        """This metric with "accuracy" replaced by the kind that fits the targets."""
        kind = self.kind
        if kind == "accuracy":
            kind = "sparse_categorical" if loss.sparse else "binary" if units == 1 else "categorical"
            kind += "_accuracy"
        if kind == "binary_accuracy" and loss.code == codes.BINARY_CROSSENTROPY and loss.from_logits:
            kind = "binary_accuracy_of_logits"
        if (kind == "sparse_categorical_accuracy") != loss.sparse:
            raise ValueError(
                f"metrics must fit the targets, got {self.name!r}: with the loss {loss.name!r}, targets are "
                + ("integer labels, for which there is 'accuracy'" if loss.sparse else "not integer labels")
            )
        return Metric(self.name, kind)

    def compute(self, statistics: Statistics | None, targets: Targets) -> float:
        """The value of a resolved metric; ``statistics`` are what the engine collected for it."""
        assert statistics is not None
        return _KINDS[self.kind][0](statistics, targets)


def get(identifier: Any) -> Metric:
    """The metric that a name or a ``Metric`` stands for; in a history it has the name that was given.

    Parameters
    ----------
    identifier : str or Metric

    Raises
    ------
    TypeError, ValueError
        If there is no such metric.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.get("accuracy").kind
    'accuracy'
    """
    if isinstance(identifier, Metric):
        return identifier
    if not isinstance(identifier, str):
        raise TypeError(f"metrics must be a list of names or Metrics, got {identifier!r} in it")
    if identifier not in _NAMES:
        raise unknown("metrics", identifier, _NAMES)
    return Metric(identifier, _NAMES[identifier])


def get_all(identifiers: Any) -> tuple[Metric, ...]:
    """The metrics that ``compile`` was given: None, one, or a list; no two have the same name."""
    if identifiers is None:
        return ()
    if isinstance(identifiers, str | Metric):
        identifiers = [identifiers]
    if not isinstance(identifiers, Sequence):
        raise TypeError(f"metrics must be a list of names or Metrics, got {identifiers!r}")
    chosen: list[Metric] = []
    taken = {"loss", "val_loss"}

    def is_taken(name: str) -> bool:
        return name in taken or f"val_{name}" in taken

    for metric in map(get, identifiers):
        name = unique_name(metric.name, is_taken)
        taken |= {name, f"val_{name}"}
        chosen.append(Metric(name, metric.kind))
    return tuple(chosen)


def to_count(metrics: Sequence[Metric]) -> int:
    """The engine's ``statistics`` argument for resolved metrics."""
    counted = {_KINDS[metric.kind][1] for metric in metrics}
    accuracies = counted - {codes.ERRORS}  # with each of these the engine sums errors too, except for labels
    if len(accuracies) > 1:
        raise ValueError("metrics must hold one kind of accuracy, got binary_accuracy and categorical_accuracy")
    return max(accuracies or counted, default=codes.NO_STATISTICS)


def epoch_logs(epoch: Epoch, metrics: Sequence[Metric], targets: Targets) -> dict[str, float]:
    """The loss and metrics of a pass by name."""
    with np.errstate(all="ignore"):  # the square of a large number is infinite, which is no error
        return {"loss": float(epoch.loss)} | {metric.name: metric.compute(epoch.statistics, targets) for metric in metrics}
