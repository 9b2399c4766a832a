"""Losses of numbers: means over outputs and samples."""

from dataclasses import dataclass
from typing import ClassVar

from ..arguments import number
from ..kernels import codes
from .base import Loss


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """Mean of ``(prediction - target)^2``.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.MeanSquaredError() == fastbp.losses.get("mse")
    True
    """

    name: str = "mean_squared_error"
    code: ClassVar[int] = codes.MSE
    per_output: ClassVar[bool] = True


@dataclass(frozen=True)
class MeanAbsoluteError(Loss):
    """Mean of ``|prediction - target|``; its derivative where they are equal is 0."""

    name: str = "mean_absolute_error"
    code: ClassVar[int] = codes.MAE
    per_output: ClassVar[bool] = True


@dataclass(frozen=True)
class Huber(Loss):
    """Mean of ``e^2 / 2`` for errors up to ``delta``, ``delta |e| - delta^2 / 2`` beyond.

    Parameters
    ----------
    delta : float
        The error at which the parabola turns into straight lines; more than 0.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.Huber(0.5).parameter
    0.5
    """

    delta: float = 1.0
    name: str = "huber"
    code: ClassVar[int] = codes.HUBER
    per_output: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if number("delta", self.delta, 0) == 0:
            raise ValueError(f"delta must be more than 0, got {self.delta!r}")

    @property
    def parameter(self) -> float:
        return float(self.delta)


@dataclass(frozen=True)
class LogCosh(Loss):
    """Mean of ``log(cosh(prediction - target))``: a parabola for small errors, straight for large ones."""

    name: str = "log_cosh"
    code: ClassVar[int] = codes.LOG_COSH
    per_output: ClassVar[bool] = True


@dataclass(frozen=True)
class Poisson(Loss):
    """Mean of ``prediction - target * log(prediction + 1e-7)``, for counts; the prediction must be positive."""

    name: str = "poisson"
    code: ClassVar[int] = codes.POISSON
    per_output: ClassVar[bool] = True
