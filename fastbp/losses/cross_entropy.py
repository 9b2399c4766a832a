"""Losses of probabilities. Each has two codes in the kernels: as a function of probabilities, and of their logits."""

from dataclasses import dataclass
from typing import ClassVar

from ..arguments import boolean, number
from ..kernels import codes
from .base import Loss


@dataclass(frozen=True)
class _CrossEntropy(Loss):
    from_logits: bool = False  # type: ignore[misc]  # a class variable for the losses that have no logits

    def __post_init__(self) -> None:
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


@dataclass(frozen=True)
class BinaryCrossentropy(_SmoothedCrossEntropy):
    """Mean of ``-(t log p + (1 - t) log(1 - p))`` over outputs and samples, for targets in [0, 1].

    Parameters
    ----------
    from_logits : bool
        The network's output is the logit of p rather than p.
    label_smoothing : float
        In [0, 1]: targets become ``t (1 - s) + s / 2``.

    Notes
    -----
    Probabilities that do not come from a sigmoid layer are clipped to [1e-7, 1 - 1e-7].

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.BinaryCrossentropy(from_logits=True).from_logits
    True
    """

    name: str = "binary_crossentropy"
    code: ClassVar[int] = codes.BINARY_CROSSENTROPY
    code_from_logits: ClassVar[int | None] = codes.BINARY_CROSSENTROPY_LOGITS
    output_activation: ClassVar[int | None] = codes.SIGMOID
    per_output: ClassVar[bool] = True


@dataclass(frozen=True)
class CategoricalCrossentropy(_SmoothedCrossEntropy):
    """``-sum(t log p)`` over classes, mean over samples, for one-hot (or soft) targets.

    Parameters
    ----------
    from_logits : bool
        The network's outputs are logits rather than probabilities.
    label_smoothing : float
        In [0, 1]: targets become ``t (1 - s) + s / classes``.

    Notes
    -----
    Probabilities that do not come from a softmax layer are divided by their sum and clipped to [1e-7, 1 - 1e-7].

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.CategoricalCrossentropy(label_smoothing=0.1).parameter
    0.1
    """

    name: str = "categorical_crossentropy"
    code: ClassVar[int] = codes.CATEGORICAL_CROSSENTROPY
    code_from_logits: ClassVar[int | None] = codes.CATEGORICAL_CROSSENTROPY_LOGITS
    output_activation: ClassVar[int | None] = codes.SOFTMAX
    per_output: ClassVar[bool] = False


@dataclass(frozen=True)
class SparseCategoricalCrossentropy(_CrossEntropy):
    """``-log p[label]``, mean over samples, for integer labels from 0 to classes - 1.

    Parameters
    ----------
    from_logits : bool
        The network's outputs are logits rather than probabilities.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.SparseCategoricalCrossentropy().sparse
    True
    """

    name: str = "sparse_categorical_crossentropy"
    code: ClassVar[int] = codes.SPARSE_CROSSENTROPY
    code_from_logits: ClassVar[int | None] = codes.SPARSE_CROSSENTROPY_LOGITS
    output_activation: ClassVar[int | None] = codes.SOFTMAX
    per_output: ClassVar[bool] = False
    sparse: ClassVar[bool] = True
