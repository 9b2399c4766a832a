"""Losses that are compiled from their functions, as a user's are, rather than written in the kernels."""

from dataclasses import dataclass
from typing import Any

from ..arguments import boolean, number
from ..keywords import keywords
from . import functions, probability_functions
from .base import KEYWORDS, MEAN, Domain, Loss, PlainLoss


class MeanAbsolutePercentageError(PlainLoss):
    """Mean of ``100 |prediction - target| / max(|target|, 1e-7)``.

    Parameters
    ----------
    reduction, name
        See ``Loss``.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Input((1,)), fastbp.Dense(1, kernel_initializer="ones")])
    >>> model.compile("sgd", "mape")
    >>> model.evaluate([[1.0]], [2.0], verbose=0)
    50.0
    """

    name = "mean_absolute_percentage_error"

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return functions.mean_absolute_percentage_error(y_true, y_pred)


class MeanSquaredLogarithmicError(PlainLoss):
    """Mean of the squared difference of ``log(1 + y)``; numbers below 1e-7 count as that.

    Parameters
    ----------
    reduction, name
        See ``Loss``.
    """

    name = "mean_squared_logarithmic_error"

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return functions.mean_squared_logarithmic_error(y_true, y_pred)


class CosineSimilarity(PlainLoss):
    """Minus the cosine of the angle between prediction and target.

    Parameters
    ----------
    reduction, name
        See ``Loss``.
    """

    name = "cosine_similarity"

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return functions.cosine_similarity(y_true, y_pred)


class KLDivergence(PlainLoss):
    """Sum of ``target log(target / prediction)``, both clipped to [1e-7, 1].

    Parameters
    ----------
    reduction, name
        See ``Loss``.
    """

    name = "kl_divergence"

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return functions.kl_divergence(y_true, y_pred)


class Hinge(PlainLoss):
    """Mean of ``max(1 - target prediction, 0)``, for labels -1 and 1 (0 counts as -1).

    Parameters
    ----------
    reduction, name
        See ``Loss``.
    """

    name = "hinge"

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return functions.hinge(y_true, y_pred)


class SquaredHinge(PlainLoss):
    """Mean of ``max(1 - target prediction, 0)^2``, for labels -1 and 1 (0 counts as -1).

    Parameters
    ----------
    reduction, name
        See ``Loss``.
    """

    name = "squared_hinge"

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return functions.squared_hinge(y_true, y_pred)


class CategoricalHinge(PlainLoss):
    """``max(0, 1 - p + q)``, where p is the output of the right class and q the largest of the others (and 0).

    Parameters
    ----------
    reduction, name
        See ``Loss``.
    """

    name = "categorical_hinge"

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return functions.categorical_hinge(y_true, y_pred)


class _Focal(Loss):
    """What both focal losses check."""

    alpha: float
    gamma: float
    label_smoothing: float

    def __post_init__(self) -> None:
        super().__post_init__()
        boolean("from_logits", self.from_logits)
        number("alpha", self.alpha, 0, 1)
        number("gamma", self.gamma, 0)
        number("label_smoothing", self.label_smoothing, 0, 1)


@keywords(KEYWORDS)
@dataclass(frozen=True)
class BinaryFocalCrossentropy(_Focal):
    """The binary cross-entropy times ``(1 - q)^gamma``, where q is the probability of the right answer.

    Lin et al. 2018, Focal loss for dense object detection, arXiv:1708.02002.

    Parameters
    ----------
    apply_class_balancing : bool
        Weigh the labels 1 by alpha and the labels 0 by 1 - alpha.
    alpha : float
        In [0, 1].
    gamma : float
        At least 0: how little what is known counts.
    from_logits, label_smoothing
        As those of ``BinaryCrossentropy``.
    reduction, name
        See ``Loss``.
    """

    apply_class_balancing: bool = False
    alpha: float = 0.25
    gamma: float = 2.0
    from_logits: bool = False  # type: ignore[misc]  # a class variable for the losses that have no logits
    label_smoothing: float = 0.0
    reduction: str | None = MEAN
    name: str = "binary_focal_crossentropy"

    @property
    def domain(self) -> Domain:
        return Domain(0.0, 1.0)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        settings = self.apply_class_balancing, self.alpha, self.gamma, self.from_logits, self.label_smoothing
        return probability_functions.binary_focal_crossentropy(y_true, y_pred, *settings)


@keywords(KEYWORDS)
@dataclass(frozen=True)
class CategoricalFocalCrossentropy(_Focal):
    """``-sum(alpha (1 - p)^gamma t log p)`` over the classes.

    Lin et al. 2018, Focal loss for dense object detection, arXiv:1708.02002.

    Parameters
    ----------
    alpha : float
        In [0, 1].
    gamma : float
        At least 0: how little what is known counts.
    from_logits, label_smoothing
        As those of ``CategoricalCrossentropy``.
    reduction, name
        See ``Loss``.
    """

    alpha: float = 0.25
    gamma: float = 2.0
    from_logits: bool = False  # type: ignore[misc]  # a class variable for the losses that have no logits
    label_smoothing: float = 0.0
    reduction: str | None = MEAN
    name: str = "categorical_focal_crossentropy"

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        settings = self.alpha, self.gamma, self.from_logits, self.label_smoothing
        return probability_functions.categorical_focal_crossentropy(y_true, y_pred, *settings)
