"""Losses of probabilities. Each has two codes in the kernels: as a function of probabilities, and of their logits."""

from dataclasses import dataclass
from typing import Any, ClassVar

from ..arguments import boolean, number
from ..kernels import codes
from ..keywords import keywords
from . import probability_functions as functions
from .base import KEYWORDS, MEAN, Domain, Loss


@dataclass(frozen=True)
class _CrossEntropy(Loss):
    from_logits: bool = False  # type: ignore[misc]  # a class variable for the losses that have no logits

    def __post_init__(self) -> None:
        super().__post_init__()
        boolean("from_logits", self.from_logits)


@dataclass(frozen=True)
class _SmoothedCrossEntropy(_CrossEntropy):
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        number("label_smoothing", self.label_smoothing, 0, 1)

    @property
    def parameter(self) -> float:
        return float(self.label_smoothing)


@keywords(KEYWORDS)
@dataclass(frozen=True)
class BinaryCrossentropy(_SmoothedCrossEntropy):
    """Mean of ``-(t log p + (1 - t) log(1 - p))`` over outputs and samples, for targets in [0, 1].

    Parameters
    ----------
    from_logits : bool
        The network's output is the logit of p rather than p.
    label_smoothing : float
        In [0, 1]: targets become ``t (1 - s) + s / 2``.
    reduction, name
        See ``Loss``.

    Notes
    -----
    Probabilities that do not come from a sigmoid layer are clipped to [1e-7, 1 - 1e-7].

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.BinaryCrossentropy(from_logits=True).from_logits
    True
    """

    reduction: str | None = MEAN
    name: str = "binary_crossentropy"
    code: ClassVar[int] = codes.BINARY_CROSSENTROPY
    code_from_logits: ClassVar[int | None] = codes.BINARY_CROSSENTROPY_LOGITS
    output_activation: ClassVar[int | None] = codes.SIGMOID
    per_output: ClassVar[bool] = True

    @property
    def domain(self) -> Domain:
        return Domain(0.0, 1.0)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return functions.binary_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing)


@keywords(KEYWORDS)
@dataclass(frozen=True)
class CategoricalCrossentropy(_SmoothedCrossEntropy):
    """``-sum(t log p)`` over classes, mean over samples, for one-hot (or soft) targets.

    Parameters
    ----------
    from_logits : bool
        The network's outputs are logits rather than probabilities.
    label_smoothing : float
        In [0, 1]: targets become ``t (1 - s) + s / classes``.
    reduction, name
        See ``Loss``.

    Notes
    -----
    Probabilities that do not come from a softmax layer are divided by their sum and clipped to [1e-7, 1 - 1e-7].

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.CategoricalCrossentropy(label_smoothing=0.1).parameter
    0.1
    """

    reduction: str | None = MEAN
    name: str = "categorical_crossentropy"
    code: ClassVar[int] = codes.CATEGORICAL_CROSSENTROPY
    code_from_logits: ClassVar[int | None] = codes.CATEGORICAL_CROSSENTROPY_LOGITS
    output_activation: ClassVar[int | None] = codes.SOFTMAX
    per_output: ClassVar[bool] = False

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return functions.categorical_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing)


@keywords(KEYWORDS)
@dataclass(frozen=True)
class SparseCategoricalCrossentropy(_CrossEntropy):
    """``-log p[label]``, mean over samples, for integer labels from 0 to classes - 1.

    Parameters
    ----------
    from_logits : bool
        The network's outputs are logits rather than probabilities.
    reduction, name
        See ``Loss``.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.SparseCategoricalCrossentropy().sparse
    True
    """

    reduction: str | None = MEAN
    name: str = "sparse_categorical_crossentropy"
    code: ClassVar[int] = codes.SPARSE_CROSSENTROPY
    code_from_logits: ClassVar[int | None] = codes.SPARSE_CROSSENTROPY_LOGITS
    output_activation: ClassVar[int | None] = codes.SOFTMAX
    per_output: ClassVar[bool] = False
    sparse: ClassVar[bool] = True

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return functions.sparse_categorical_crossentropy(y_true, y_pred, self.from_logits)
