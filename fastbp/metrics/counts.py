"""What is counted at one or some thresholds: positives and negatives, precision and recall."""

from typing import Any

import numpy as np

from ..arguments import integer
from .arrays import divide
from .base import Metric
from .confusion import NOT_IN_TOP_K, checked_class, checked_thresholds, count, decisions


class _AtThresholds(Metric):
    """Counts at thresholds, one value for each, or a number where there is one threshold.

    ``_counted`` names the counts that make up the state.
    """

    _target_kind = "outputs"
    _counted: tuple[str, ...]

    def __init__(self, thresholds: Any, top_k: Any, class_id: Any, name: str | None, dtype: Any) -> None:
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.top_k, self.class_id = None if top_k is None else integer("top_k", top_k, 1), checked_class(class_id)
        self.thresholds = checked_thresholds(thresholds, 0.5 if top_k is None else NOT_IN_TOP_K)
        for counted in self._counted:
            setattr(self, counted, self.add_variable((len(self.thresholds),), name=counted))

    @property
    def _remedy_for_logits(self) -> str:  # type: ignore[override]
        return "thresholds=0" if self.init_thresholds is None and self.top_k is None else ""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        rows = decisions(y_true, y_pred, sample_weight, self.top_k, self.class_id).flat()
        counts = count(rows, np.array(self.thresholds))
        for counted in self._counted:
            getattr(self, counted).assign_add(getattr(counts, counted)[:, 0])

    def _values(self) -> np.ndarray:
        """The value at each threshold."""
        counts = [getattr(self, counted).value for counted in self._counted]
        return divide(counts[0], counts[0] + counts[1]) if len(counts) > 1 else counts[0].copy()

    def result(self) -> Any:
        values = self._values()
        return values[0] if len(values) == 1 else values


class _Count(_AtThresholds):
    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(thresholds, None, None, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self.init_thresholds}


class TruePositives(_Count):
    """The weight of what is predicted above a threshold and true.

    Parameters
    ----------
    thresholds : float or list of floats, optional
        In [0, 1], 0.5 if not given. There is a value for each. Where outputs are logits, pass 0.
    name : str, optional
    dtype : str, optional

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.TruePositives()([0, 1, 1, 1], [1, 0, 1, 1]))
    2.0
    """

    _counted = ("true_positives",)
    _direction = "up"


class FalsePositives(_Count):
    """The weight of what is predicted above a threshold and not true.

    Parameters
    ----------
    thresholds : float or list of floats, optional
        In [0, 1], 0.5 if not given. There is a value for each. Where outputs are logits, pass 0.
    name : str, optional
    dtype : str, optional

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.FalsePositives()([0, 1, 0, 0], [0, 0, 1, 1]))
    2.0
    """

    _counted = ("false_positives",)
    _direction = "down"


class TrueNegatives(_Count):
    """The weight of what is not predicted above a threshold, nor true.

    Parameters
    ----------
    thresholds : float or list of floats, optional
        In [0, 1], 0.5 if not given. There is a value for each. Where outputs are logits, pass 0.
    name : str, optional
    dtype : str, optional

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.TrueNegatives()([0, 1, 0, 0], [1, 1, 0, 0]))
    2.0
    """

    _counted = ("true_negatives",)
    _direction = "up"


class FalseNegatives(_Count):
    """The weight of what is not predicted above a threshold, but true.

    Parameters
    ----------
    thresholds : float or list of floats, optional
        In [0, 1], 0.5 if not given. There is a value for each. Where outputs are logits, pass 0.
    name : str, optional
    dtype : str, optional

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.FalseNegatives()([0, 1, 1, 1], [0, 1, 0, 0]))
    2.0
    """

    _counted = ("false_negatives",)
    _direction = "down"


class _Ratio(_AtThresholds):
    _direction = "up"

    def __init__(
        self, thresholds: Any = None, top_k: Any = None, class_id: Any = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(thresholds, top_k, class_id, name, dtype)

    def get_config(self) -> dict[str, Any]:
        own = {"thresholds": self.init_thresholds, "top_k": self.top_k, "class_id": self.class_id}
        return {**super().get_config(), **own}


class Precision(_Ratio):
    """How much of what is predicted is true: TP / (TP + FP), and 0 where nothing is predicted.

    Parameters
    ----------
    thresholds : float or list of floats, optional
        In [0, 1]: a prediction above it counts as positive. 0.5 if not given (with ``top_k``, none). There is a value for
        each. Where outputs are logits, pass 0.
    top_k : int, optional
        Only the k largest predictions of a row count as positive.
    class_id : int, optional
        Only this class is looked at.
    name : str, optional
    dtype : str, optional

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.Precision()([0, 1, 1, 1], [1, 0, 1, 1]))
    0.666...
    >>> metrics.Precision(thresholds=[0.3, 0.7])([0, 1, 1, 1], [0.4, 0.2, 0.6, 0.9]).tolist()
    [0.666..., 1.0]
    """

    _counted = ("true_positives", "false_positives")


class Recall(_Ratio):
    """How much of what is true is predicted: TP / (TP + FN), and 0 where nothing is true.

    Parameters
    ----------
    thresholds : float or list of floats, optional
        In [0, 1]: a prediction above it counts as positive. 0.5 if not given (with ``top_k``, none). There is a value for
        each. Where outputs are logits, pass 0.
    top_k : int, optional
        Only the k largest predictions of a row count as positive.
    class_id : int, optional
        Only this class is looked at.
    name : str, optional
    dtype : str, optional

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.Recall()([0, 1, 1, 1], [1, 0, 1, 1]))
    0.666...
    """

    _counted = ("true_positives", "false_negatives")
