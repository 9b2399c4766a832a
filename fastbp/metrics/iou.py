"""Intersection over union: of the samples that are of a class or taken for it, those that are both."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arguments import boolean, integer, number
from ..conversion import as_numbers
from .arrays import divide, floats, same_rank
from .base import Metric
from .matches import rounded


class IoU(Metric):
    """The mean over some classes of TP / (TP + FP + FN). Classes that neither occur nor are predicted are left out.

    Parameters
    ----------
    num_classes : int
        Class numbers outside of 0 to num_classes - 1 are left out.
    target_class_ids : list of int
        The classes.
    name : str, optional
    dtype : str, optional
    ignore_class : int, optional
        A class whose samples are left out.
    sparse_y_true, sparse_y_pred : bool
        Whether they hold class numbers; otherwise the class of a row is that of its largest number.
    axis : int
        Along which that is.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.IoU(num_classes=2, target_class_ids=[0])([0, 0, 1, 1], [0, 1, 0, 1]))
    0.333...
    """

    _direction = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(name=name, dtype=dtype or "int32")
        self.num_classes, self.ignore_class, self.axis = integer("num_classes", num_classes, 1), ignore_class, axis
        self.target_class_ids = [integer("target_class_ids", value, 0) for value in target_class_ids]
        if not self.target_class_ids or max(self.target_class_ids) >= num_classes:
            raise ValueError(f"target_class_ids must be class numbers below {num_classes}, got {target_class_ids!r}")
        self.sparse_y_true = boolean("sparse_y_true", sparse_y_true)
        self.sparse_y_pred = boolean("sparse_y_pred", sparse_y_pred)
        self._target_kind = "any" if sparse_y_true else "outputs"
        self.total_cm = self.add_variable((num_classes, num_classes), dtype="float64", name="total_confusion_matrix")

    def _classes(self, argument: str, values: Any, is_sparse: bool) -> np.ndarray:
        numbers = as_numbers(argument, values)
        return (numbers if is_sparse else numbers.argmax(axis=self.axis)).astype(np.int64)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        true = self._classes("y_true", y_true, self.sparse_y_true)
        predicted = self._classes("y_pred", y_pred, self.sparse_y_pred)
        true, predicted = same_rank(true, predicted)
        if true.shape != predicted.shape:
            raise ValueError(f"y_true must have a class for each prediction, got {true.shape} for {predicted.shape}")
        weights = np.ones(()) if sample_weight is None else floats("sample_weight", sample_weight)
        weights = np.broadcast_to(weights[:, None] if weights.ndim == 1 < true.ndim else weights, true.shape)
        known = (true >= 0) & (true < self.num_classes) & (predicted >= 0) & (predicted < self.num_classes)
        if self.ignore_class is not None:
            known &= true != self.ignore_class
        place = true[known] * self.num_classes + predicted[known]
        counts = np.bincount(place, weights[known], self.num_classes**2)
        self.total_cm.assign_add(counts.reshape(self.num_classes, self.num_classes))

    def result(self) -> Any:
        matrix = self.total_cm.value
        both = np.diag(matrix)[self.target_class_ids]
        either = (matrix.sum(axis=0) + matrix.sum(axis=1) - np.diag(matrix))[self.target_class_ids]
        return divide(divide(both, either).sum(), (either > 0).sum())[()]

    def get_config(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in self._arguments()}
        return {**super().get_config(), **own}

    def _arguments(self) -> tuple[str, ...]:
        return ("num_classes", "target_class_ids", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")


class BinaryIoU(IoU):
    """``IoU`` of predictions that count as class 1 from the threshold on, and as class 0 below it.

    Parameters
    ----------
    target_class_ids : list of int
        [0], [1] or [0, 1].
    threshold : float
    name : str, optional
    dtype : str, optional

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.BinaryIoU([0, 1], threshold=0.3)([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7]))
    0.333...
    """

    def __init__(
        self, target_class_ids: Sequence[int] = (0, 1), threshold: float = 0.5, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold, self._target_kind = number("threshold", threshold), "outputs"

    def _classes(self, argument: str, values: Any, is_sparse: bool) -> np.ndarray:
        if argument == "y_true":
            return super()._classes(argument, values, True)
        predictions = as_numbers(argument, values)
        is_one: np.ndarray = predictions >= rounded(self.threshold, predictions)
        return is_one.astype(np.int64)

    def _arguments(self) -> tuple[str, ...]:
        return ("target_class_ids", "threshold")


class MeanIoU(IoU):
    """``IoU`` of all classes.

    Parameters
    ----------
    num_classes : int
    name : str, optional
    dtype : str, optional
    ignore_class : int, optional
        A class whose samples are left out.
    sparse_y_true, sparse_y_pred : bool
        Whether they hold class numbers; otherwise the class of a row is that of its largest number.
    axis : int
        Along which that is.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1]))
    0.333...
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        classes = range(integer("num_classes", num_classes, 1))
        super().__init__(num_classes, classes, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)

    def _arguments(self) -> tuple[str, ...]:
        return ("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")


class OneHotIoU(IoU):
    """``IoU`` for one-hot targets.

    Parameters
    ----------
    num_classes : int
    target_class_ids : list of int
    name : str, optional
    dtype : str, optional
    ignore_class : int, optional
        A class whose samples are left out.
    sparse_y_pred : bool
        Whether predictions are class numbers; otherwise the class of a row is that of its largest one.
    axis : int
        Along which that is.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.OneHotIoU(2, [0])([[1, 0], [0, 1]], [[0.7, 0.3], [0.6, 0.4]]))
    0.5
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def _arguments(self) -> tuple[str, ...]:
        return ("num_classes", "target_class_ids", "ignore_class", "sparse_y_pred", "axis")


class OneHotMeanIoU(MeanIoU):
    """``IoU`` of all classes, for one-hot targets.

    Parameters
    ----------
    num_classes : int
    name : str, optional
    dtype : str, optional
    ignore_class : int, optional
        A class whose samples are left out.
    sparse_y_pred : bool
        Whether predictions are class numbers; otherwise the class of a row is that of its largest one.
    axis : int
        Along which that is.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.OneHotMeanIoU(2)([[1, 0], [0, 1]], [[0.7, 0.3], [0.6, 0.4]]))
    0.25
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def _arguments(self) -> tuple[str, ...]:
        return ("num_classes", "ignore_class", "sparse_y_pred", "axis")
