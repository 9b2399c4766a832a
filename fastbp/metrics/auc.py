"""The area under the ROC or the precision-recall curve."""

from typing import Any

import numpy as np

from ..arguments import boolean, integer, number, unknown
from ..config import EPSILON
from .arrays import divide, floats, sigmoid
from .base import Metric
from .confusion import Confusion, Decisions, count, decisions, evenly, tally
from .curves import CURVES, SUMMATIONS, area
from .variable import Variable

_NAMES = ("true_positives", "false_positives", "true_negatives", "false_negatives")


class AUC(Metric):
    """The area under the ROC or the precision-recall curve, by counts at thresholds.

    Parameters
    ----------
    num_thresholds : int or None
        Spread evenly over [0, 1], with those at the ends moved outwards by 1e-7. None takes every prediction for one: the
        area is exact then, and the predictions are kept until ``reset_state``.
    curve : {"ROC", "PR", "PRGAIN"}
        True by false positive rate, precision by recall, or the gains of those.
    summation_method : {"interpolation", "minoring", "majoring"}
        The mean of the heights on both sides (for "PR", with true and false positives interpolated instead of their ratio),
        the smaller or the larger.
    name : str, optional
    dtype : str, optional
    thresholds : list of floats, optional
        In (0, 1), instead of even ones.
    multi_label : bool
        Compute an area for each output and average them, rather than take all outputs together.
    num_labels : int, optional
        The number of outputs, which is found out otherwise.
    label_weights : array, optional
        Weights of the outputs.
    from_logits : bool
        Whether predictions are logits.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.AUC()([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
    0.75
    """

    _target_kind = "outputs"
    _direction = "up"

    def __init__(
        self,
        num_thresholds: int | None = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.curve = _choice("curve", curve, CURVES)
        self.summation_method = _choice("summation_method", summation_method, SUMMATIONS)
        self.multi_label, self.from_logits = boolean("multi_label", multi_label), boolean("from_logits", from_logits)
        if num_labels is not None and not self.multi_label:
            raise ValueError(f"num_labels must be left out unless multi_label=True, got {num_labels!r}")
        self.num_labels = None if num_labels is None else integer("num_labels", num_labels, 1)
        self.label_weights = None if label_weights is None else floats("label_weights", label_weights)
        self._inner = None if thresholds is None else sorted(number("thresholds", value, 0, 1) for value in thresholds)
        self._limits = _limits(num_thresholds, self._inner)
        self._kept: list[Decisions] = []  # where the area is exact
        self._counts: list[Variable] = []
        if self._limits is not None and (not self.multi_label or self.num_labels):
            self._totals(self.num_labels or 1)

    @property
    def _remedy_for_logits(self) -> str:  # type: ignore[override]
        return "" if self.from_logits or self._limits is None else "from_logits=True"

    @property
    def num_thresholds(self) -> int | None:
        return None if self._limits is None else len(self._limits)

    @property
    def thresholds(self) -> list[float]:
        return [] if self._limits is None else list(self._limits)

    def _totals(self, labels: int) -> list[Variable]:
        if not self._counts:
            shape = (self.num_thresholds, labels) if self.multi_label else (self.num_thresholds,)
            for name in _NAMES:
                self._counts.append(self.add_variable(shape, name=name))
                setattr(self, name, self._counts[-1])
        return self._counts

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        rows = decisions(y_true, y_pred, sample_weight)
        if self.label_weights is not None and not self.multi_label:
            weights = np.ones(rows.is_true.shape) if rows.weights is None else rows.weights
            rows.weights = weights * self.label_weights
        rows = rows if self.multi_label else rows.flat()
        if self.from_logits:
            rows.predictions = sigmoid(rows.predictions)
        if self._limits is None:
            self._kept.append(rows)
            return
        rows.predictions = np.clip(rows.predictions, 0, 1)
        totals, counts = self._totals(rows.predictions.shape[1]), count(rows, self._limits)
        for variable, name in zip(totals, _NAMES, strict=True):
            variable.assign_add(getattr(counts, name).reshape(len(self._limits), *variable.shape[1:]))

    def result(self) -> Any:
        if self._limits is None:
            areas = _exact(self._kept, self.curve, self.summation_method)
        elif self._counts:
            counts = (variable.value.reshape(len(self._limits), -1) for variable in self._counts)
            areas = area(Confusion(*counts), self.curve, self.summation_method)
        else:
            areas = np.zeros(1)
        if self.label_weights is None or not self.multi_label:
            return areas.mean()
        return divide((areas * self.label_weights).sum(), self.label_weights.sum())[()]

    def reset_state(self) -> None:
        self._kept = []
        super().reset_state()

    def get_config(self) -> dict[str, Any]:
        names = ("num_thresholds", "curve", "summation_method", "multi_label", "num_labels", "from_logits")
        own = {name: getattr(self, name) for name in names}
        own["label_weights"] = None if self.label_weights is None else self.label_weights.tolist()
        return {**super().get_config(), **own, **({} if self._inner is None else {"thresholds": self._inner})}


def _choice(argument: str, value: Any, allowed: tuple[str, ...]) -> str:
    """A name, whose case does not matter."""
    for name in allowed:
        if isinstance(value, str) and value.lower() == name.lower():
            return name
    raise unknown(argument, value, allowed)


def _limits(num_thresholds: Any, inner: list[float] | None) -> np.ndarray | None:
    if inner is None:
        if num_thresholds is None:
            return None
        inner = list(evenly(integer("num_thresholds", num_thresholds, 2))[1:-1])
    return np.array([-EPSILON, *inner, 1 + EPSILON])


def _exact(kept: list[Decisions], curve: str, summation: str) -> np.ndarray:
    """The areas with a threshold at each prediction."""
    if not kept:
        return np.zeros(1)
    predictions = np.concatenate([rows.predictions for rows in kept])
    is_true = np.concatenate([rows.is_true for rows in kept])
    ones = (np.ones(rows.is_true.shape) if rows.weights is None else rows.weights for rows in kept)
    weights = np.concatenate(list(ones))
    areas = []
    for j in range(predictions.shape[1]):
        column = slice(j, j + 1)
        distinct, rank = np.unique(predictions[:, j], return_inverse=True)
        rows = Decisions(is_true[:, column], predictions[:, column], weights[:, column])
        areas.append(area(tally(rows, rank[:, None] + 1, len(distinct) + 1), curve, summation))  # all are above -infinity
    return np.concatenate(areas)
