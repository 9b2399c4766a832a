"""Losses of probabilities and margins as metrics: means over samples of the function of that name."""

from typing import Any

import numpy as np

from ..arguments import boolean, number
from . import probabilities
from .arrays import floats, labels
from .reductions import MeanOfFunction


class _OfProbabilities(MeanOfFunction):
    """One that can also be computed from logits."""

    _direction = "down"

    @property
    def _remedy_for_logits(self) -> str:  # type: ignore[override]
        return "" if self.options["from_logits"] else "from_logits=True"


class BinaryCrossentropy(_OfProbabilities):
    """The mean of ``-(t log p + (1 - t) log(1 - p))``.

    Parameters
    ----------
    name : str
    dtype : str, optional
    from_logits : bool
        Whether the outputs are the logits of p.
    label_smoothing : float
        In [0, 1]: targets become ``t (1 - s) + s / 2``.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.BinaryCrossentropy()([[1.0]], [[0.5]]))
    0.693...
    """

    _function = staticmethod(probabilities.binary_crossentropy)

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        smoothing = number("label_smoothing", label_smoothing, 0, 1)
        super().__init__(name, dtype, from_logits=boolean("from_logits", from_logits), label_smoothing=smoothing)


class CategoricalCrossentropy(_OfProbabilities):
    """The mean of ``-sum(t log p)`` over classes, for one-hot (or soft) targets.

    Parameters
    ----------
    name : str
    dtype : str, optional
    from_logits : bool
        Whether the outputs are the logits of p.
    label_smoothing : float
        In [0, 1]: targets become ``t (1 - s) + s / classes``.
    axis : int
        That of the classes.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]]))
    0.693...
    """

    _function = staticmethod(probabilities.categorical_crossentropy)

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ) -> None:
        smoothing = number("label_smoothing", label_smoothing, 0, 1)
        super().__init__(name, dtype, from_logits=boolean("from_logits", from_logits), label_smoothing=smoothing, axis=axis)


class SparseCategoricalCrossentropy(_OfProbabilities):
    """The mean of ``-log p[label]``, for integer labels.

    Parameters
    ----------
    name : str
    dtype : str, optional
    from_logits : bool
        Whether the outputs are the logits of p.
    ignore_class : int, optional
        A label whose samples are left out.
    axis : int
        That of the classes.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.SparseCategoricalCrossentropy()([1], [[0.5, 0.5]]))
    0.693...
    """

    _target_kind = "labels"
    _function = staticmethod(probabilities.sparse_categorical_crossentropy)

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(name, dtype, from_logits=boolean("from_logits", from_logits), ignore_class=ignore_class, axis=axis)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        ignored = self.options["ignore_class"]
        if ignored is not None:
            counted = labels(y_true, np.moveaxis(floats("y_pred", y_pred), self.options["axis"], -1)) != ignored
            sample_weight = counted * (1.0 if sample_weight is None else floats("sample_weight", sample_weight))
        super().update_state(y_true, y_pred, sample_weight)


class KLDivergence(MeanOfFunction):
    """The mean of ``sum(t log(t / p))`` over outputs, both clipped to [1e-7, 1].

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]]))
    0.143...
    """

    _function = staticmethod(probabilities.kl_divergence)
    _direction = "down"
    _remedy_for_logits = "a last layer with an activation instead"


class Poisson(MeanOfFunction):
    """The mean of ``y_pred - y_true log(y_pred + 1e-7)``.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.Poisson()([[0.0]], [[2.0]]))
    2.0
    """

    _function = staticmethod(probabilities.poisson)
    _direction = "down"


class Hinge(MeanOfFunction):
    """The mean of ``max(1 - t y_pred, 0)``, for targets -1 and 1, or 0 and 1.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.Hinge()([[0.0], [1.0]], [[0.5], [0.5]]))
    1.0
    """

    _function = staticmethod(probabilities.hinge)
    _direction = "down"


class SquaredHinge(MeanOfFunction):
    """The mean of ``max(1 - t y_pred, 0)^2``, for targets -1 and 1, or 0 and 1.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.SquaredHinge()([[0.0], [1.0]], [[0.5], [0.5]]))
    1.25
    """

    _function = staticmethod(probabilities.squared_hinge)
    _direction = "down"


class CategoricalHinge(MeanOfFunction):
    """The mean of ``max(wrong - right + 1, 0)``, of the right class's prediction and the largest other one.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.CategoricalHinge()([[0.0, 1.0]], [[0.25, 0.5]]))
    0.75
    """

    _function = staticmethod(probabilities.categorical_hinge)
    _direction = "down"
