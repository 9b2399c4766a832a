"""The base class of all losses."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..keywords import Advice, keywords
from ..serialization import Configured

MEAN = "sum_over_batch_size"
MEANS = (MEAN, "mean")
_REDUCTIONS = (*MEANS, "mean_with_sample_weight", "sum", "none", None)

KEYWORDS = {
    "dtype": Advice("a loss is computed in the model's dtype", (None,)),
    "axis": Advice("it goes over the last axis, that of the outputs", (-1, 1)),
    "ignore_class": Advice("give the samples of that class the weight 0, as in fit(sample_weight=...)", (None,)),
}


class Domain(NamedTuple):
    """Which targets a loss is defined for: numbers from ``low`` to ``high``, without ``low`` itself where that ``is_open``."""

    low: float
    high: float = math.inf
    is_open: bool = False

    def excludes(self, low: float, high: float) -> bool:
        """Whether one of these numbers is outside; NaN is not."""
        return low < self.low or (self.is_open and low == self.low) or high > self.high

    def __str__(self) -> str:
        if self.high < math.inf:
            return f"lie in [{self.low:g}, {self.high:g}]"
        return f"be more than {self.low:g}" if self.is_open else f"be at least {self.low:g}"


class Loss(Configured):
    """The base class of all losses.

    A subclass with a method ``call(self, y_true, y_pred)`` is a custom loss, as in Keras; see ``Custom``. Any loss can be
    called with arrays: it gives what ``reduction`` makes of the values of the samples.

    Parameters
    ----------
    name : str, optional
    reduction : {"sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none"}
        The first two are the mean over samples, which is what models are trained with.

    Attributes
    ----------
    code : int
        Its code in the kernels.
    code_from_logits : int or None
        The code of the same loss as a function of logits, if there is one.
    output_activation : int or None
        The code of the activation that turns logits into the predictions that the loss takes.
    per_output : bool
        Whether the mean is over samples and outputs, rather than over samples alone.
    sparse : bool
        Whether targets are integer labels.
    any_width : bool
        Whether targets may have more or fewer columns than there are outputs.

    Examples
    --------
    >>> import fastbp
    >>> mse = fastbp.losses.MeanSquaredError()
    >>> float(mse([[0.0], [0.0]], [[1.0], [3.0]])), float(mse([[0.0], [0.0]], [[1.0], [3.0]], sample_weight=[1, 0]))
    (5.0, 0.5)
    """

    name: str = ""
    reduction: str | None = MEAN
    code: ClassVar[int]
    code_from_logits: ClassVar[int | None] = None
    output_activation: ClassVar[int | None] = None
    per_output: ClassVar[bool]
    sparse: ClassVar[bool] = False
    from_logits: ClassVar[bool] = False
    any_width: ClassVar[bool] = False

    @keywords(KEYWORDS)
    def __init__(self, name: str | None = None, reduction: str | None = MEAN) -> None:
        self.name, self.reduction = name or "", reduction
        self.__post_init__()

    def __post_init__(self) -> None:
        if self.reduction not in _REDUCTIONS:
            raise ValueError(f"reduction must be one of {', '.join(map(repr, _REDUCTIONS))}, got {self.reduction!r}")
        if self.name is not None and not isinstance(self.name, str):
            raise TypeError(f"name must be a string or None, got {self.name!r}")
        if not self.name:
            object.__setattr__(self, "name", type(self).name or type(self).__name__)

    @property
    def parameter(self) -> float:
        """The number the kernel needs besides the data."""
        return 0.0

    @property
    def domain(self) -> Domain | None:
        """The targets that it is defined for; None: all numbers."""
        return None

    @property
    def needs_positive(self) -> bool:
        """Whether it is defined for predictions of more than 0 alone."""
        return False

    def target_columns(self, outputs: int) -> int:
        """The columns of the targets for so many outputs, or the error where no targets fit them."""
        return outputs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        raise NotImplementedError(f"{type(self).__name__} must define call(self, y_true, y_pred)")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """What the reduction makes of the values of the samples, each times its weight."""
        values = self.call(*(y if hasattr(y, "tape") else np.asarray(y) for y in (y_true, y_pred)))
        if sample_weight is not None:
            weights = np.asarray(sample_weight)
            if weights.ndim == values.ndim + 1 and weights.shape[-1] == 1:
                values = values[..., None]
            values = values * weights.astype(values.dtype)
        if self.reduction in ("none", None):
            return values
        if self.reduction == "mean_with_sample_weight" and sample_weight is not None:
            return np.sum(values) / np.sum(weights)
        return np.sum(values) if self.reduction == "sum" else np.mean(values)


@keywords(KEYWORDS)
@dataclass(frozen=True)
class PlainLoss(Loss):
    """A loss without settings of its own: a subclass has a name and the method ``call``."""

    reduction: str | None = MEAN
    name: str = ""
