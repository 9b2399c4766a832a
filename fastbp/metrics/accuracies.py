"""How often predictions are right."""

from typing import Any

from ..arguments import boolean, integer, number
from . import matches
from .reductions import MeanOfFunction


class Accuracy(MeanOfFunction):
    """How often targets and predictions are equal.

    To ``compile``, the string "accuracy" means whichever of ``BinaryAccuracy``, ``CategoricalAccuracy`` and
    ``SparseCategoricalAccuracy`` fits the targets.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.Accuracy()([[1], [2], [3], [4]], [[0], [2], [3], [4]]))
    0.75
    """

    _function = staticmethod(matches.accuracy)
    _direction = "up"


class BinaryAccuracy(MeanOfFunction):
    """How often predictions are above the threshold where the target is 1 and not above it where it is 0.

    Where the loss is the binary cross-entropy of logits, a threshold of 0.5 means the logit of that probability, 0.

    Parameters
    ----------
    name : str
    dtype : str, optional
    threshold : float

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.BinaryAccuracy()([[1], [1], [0], [0]], [[0.98], [1], [0], [0.6]]))
    0.75
    """

    _function = staticmethod(matches.binary_accuracy)
    _direction = "up"

    def __init__(self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(name, dtype, threshold=number("threshold", threshold))


class CategoricalAccuracy(MeanOfFunction):
    """How often the class with the largest target has the largest prediction.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.CategoricalAccuracy()([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]]))
    0.5
    """

    _function = staticmethod(matches.categorical_accuracy)
    _direction = "up"


class SparseCategoricalAccuracy(MeanOfFunction):
    """How often the class with the label has the largest prediction.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.SparseCategoricalAccuracy()([2, 1], [[0.1, 0.6, 0.3], [0.05, 0.95, 0]]))
    0.5
    """

    _target_kind = "labels"
    _function = staticmethod(matches.sparse_categorical_accuracy)
    _direction = "up"


class TopKCategoricalAccuracy(MeanOfFunction):
    """How often the class with the largest target is among the ``k`` with the largest predictions.

    Parameters
    ----------
    k : int
    name : str
    dtype : str, optional

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.TopKCategoricalAccuracy(k=1)([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]]))
    0.5
    """

    _function = staticmethod(matches.top_k_categorical_accuracy)
    _direction = "up"

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(name, dtype, k=integer("k", k, 1))


class SparseTopKCategoricalAccuracy(MeanOfFunction):
    """How often the class with the label is among the ``k`` with the largest predictions.

    Parameters
    ----------
    k : int
    name : str
    dtype : str, optional
    from_sorted_ids : bool
        Whether predictions are class labels, the likeliest first.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.SparseTopKCategoricalAccuracy(k=1)([2, 1], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]]))
    0.5
    """

    _target_kind = "labels"
    _function = staticmethod(matches.sparse_top_k_categorical_accuracy)
    _direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(name, dtype, k=integer("k", k, 1), from_sorted_ids=boolean("from_sorted_ids", from_sorted_ids))
