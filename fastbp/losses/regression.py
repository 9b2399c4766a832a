"""Losses of numbers: means over outputs and samples."""

from dataclasses import dataclass
from typing import Any, ClassVar

from ..arguments import number
from ..kernels import codes
from ..keywords import keywords
from . import functions
from .base import KEYWORDS, MEAN, Loss, PlainLoss


class MeanSquaredError(PlainLoss):
    """Mean of ``(prediction - target)^2``.

    Parameters
    ----------
    reduction, name
        See ``Loss``.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.MeanSquaredError() == fastbp.losses.get("mse")
    True
    """

    name = "mean_squared_error"
    code: ClassVar[int] = codes.MSE
    per_output: ClassVar[bool] = True

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return functions.mean_squared_error(y_true, y_pred)


class MeanAbsoluteError(PlainLoss):
    """Mean of ``|prediction - target|``; its derivative where they are equal is 0.

    Parameters
    ----------
    reduction, name
        See ``Loss``.
    """

    name = "mean_absolute_error"
    code: ClassVar[int] = codes.MAE
    per_output: ClassVar[bool] = True

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return functions.mean_absolute_error(y_true, y_pred)


@keywords(KEYWORDS)
@dataclass(frozen=True)
class Huber(Loss):
    """Mean of ``e^2 / 2`` for errors up to ``delta``, ``delta |e| - delta^2 / 2`` beyond.

    Parameters
    ----------
    delta : float
        The error at which the parabola turns into straight lines; more than 0.
    reduction, name
        See ``Loss``.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.Huber(0.5).parameter
    0.5
    """

    delta: float = 1.0
    reduction: str | None = MEAN
    name: str = "huber"
    code: ClassVar[int] = codes.HUBER
    per_output: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if number("delta", self.delta, 0) == 0:
            raise ValueError(f"delta must be more than 0, got {self.delta!r}")

    @property
    def parameter(self) -> float:
        return float(self.delta)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return functions.huber(y_true, y_pred, self.delta)


class LogCosh(PlainLoss):
    """Mean of ``log(cosh(prediction - target))``: a parabola for small errors, straight for large ones.

    Parameters
    ----------
    reduction, name
        See ``Loss``.
    """

    name = "log_cosh"
    code: ClassVar[int] = codes.LOG_COSH
    per_output: ClassVar[bool] = True

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return functions.log_cosh(y_true, y_pred)


class Poisson(PlainLoss):
    """Mean of ``prediction - target * log(prediction + 1e-7)``, for counts; the prediction must be positive.

    Parameters
    ----------
    reduction, name
        See ``Loss``.
    """

    name = "poisson"
    code: ClassVar[int] = codes.POISSON
    per_output: ClassVar[bool] = True

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return functions.poisson(y_true, y_pred)
