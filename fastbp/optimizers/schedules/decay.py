"""Schedules that decay by a power or a quotient, and those that are constant between steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arguments import boolean, number
from ..schedule import LearningRateSchedule, as_steps, check_positive, of_arrays


@dataclass(frozen=True)
class ExponentialDecay(LearningRateSchedule):
    """``initial_learning_rate * decay_rate^(step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : int
        After so many steps the rate has been multiplied by ``decay_rate``.
    decay_rate : float
    staircase : bool
        Multiply at whole multiples of ``decay_steps`` only.
    name : str

    Examples
    --------
    >>> import fastbp
    >>> fastbp.optimizers.schedules.ExponentialDecay(1.0, 10, 0.5, staircase=True)([9, 10, 19, 20])
    array([1.  , 0.5 , 0.5 , 0.25])
    """

    initial_learning_rate: float
    decay_steps: int
    decay_rate: float
    staircase: bool = False
    name: str = "ExponentialDecay"

    def __post_init__(self) -> None:
        number("initial_learning_rate", self.initial_learning_rate, 0)
        check_positive("decay_steps", self.decay_steps)
        number("decay_rate", self.decay_rate, 0)
        boolean("staircase", self.staircase)

    @of_arrays
    def __call__(self, step: Any) -> Any:
        periods = as_steps(step) / self.decay_steps
        return self.initial_learning_rate * self.decay_rate ** (np.floor(periods) if self.staircase else periods)


@dataclass(frozen=True)
class InverseTimeDecay(LearningRateSchedule):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : int
    decay_rate : float
    staircase : bool
        Change at whole multiples of ``decay_steps`` only.
    name : str

    Examples
    --------
    >>> import fastbp
    >>> fastbp.optimizers.schedules.InverseTimeDecay(1.0, 10, 1.0)([0, 10, 30])
    array([1.  , 0.5 , 0.25])
    """

    initial_learning_rate: float
    decay_steps: int
    decay_rate: float
    staircase: bool = False
    name: str = "InverseTimeDecay"

    def __post_init__(self) -> None:
        number("initial_learning_rate", self.initial_learning_rate, 0)
        check_positive("decay_steps", self.decay_steps)
        number("decay_rate", self.decay_rate, 0)
        boolean("staircase", self.staircase)

    @of_arrays
    def __call__(self, step: Any) -> Any:
        periods = as_steps(step) / self.decay_steps
        return self.initial_learning_rate / (1.0 + self.decay_rate * (np.floor(periods) if self.staircase else periods))


@dataclass(frozen=True)
class PiecewiseConstantDecay(LearningRateSchedule):
    """``values[0]`` up to step ``boundaries[0]`` and with it, then ``values[1]``, and so on.

    Parameters
    ----------
    boundaries : list of int
        In increasing order.
    values : list of float
        One more than there are boundaries.
    name : str

    Examples
    --------
    >>> import fastbp
    >>> fastbp.optimizers.schedules.PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.1])([0, 10, 11, 20, 21])
    array([1. , 1. , 0.5, 0.5, 0.1])
    """

    boundaries: Sequence[float]
    values: Sequence[float]
    name: str = "PiecewiseConstant"

    def __post_init__(self) -> None:
        boundaries = [number("boundaries", boundary, 0) for boundary in self.boundaries]
        values = [number("values", value, 0) for value in self.values]
        if len(values) != len(boundaries) + 1:
            raise ValueError(f"values must be one more than boundaries, got {len(values)} and {len(boundaries)}")
        if any(later <= earlier for earlier, later in zip(boundaries, boundaries[1:], strict=False)):
            raise ValueError(f"boundaries must increase, got {self.boundaries!r}")

    @of_arrays
    def __call__(self, step: Any) -> Any:
        return np.asarray(self.values, dtype=float)[np.searchsorted(np.asarray(self.boundaries, dtype=float), as_steps(step))]


@dataclass(frozen=True)
class PolynomialDecay(LearningRateSchedule):
    """From ``initial_learning_rate`` to ``end_learning_rate`` as ``(1 - step / decay_steps)^power``, then constant.

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : int
    end_learning_rate : float
    power : float
    cycle : bool
        Instead of staying at the end, go on with the least multiple of ``decay_steps`` that is not before the step.
    name : str

    Examples
    --------
    >>> import fastbp
    >>> fastbp.optimizers.schedules.PolynomialDecay(1.0, 10, 0.0)([0, 5, 10, 99])
    array([1. , 0.5, 0. , 0. ])
    """

    initial_learning_rate: float
    decay_steps: int
    end_learning_rate: float = 0.0001
    power: float = 1.0
    cycle: bool = False
    name: str = "PolynomialDecay"

    def __post_init__(self) -> None:
        for name in ("initial_learning_rate", "end_learning_rate", "power"):
            number(name, getattr(self, name), 0)
        check_positive("decay_steps", self.decay_steps)
        boolean("cycle", self.cycle)

    @of_arrays
    def __call__(self, step: Any) -> Any:
        steps, end = as_steps(step), float(self.decay_steps)
        periods = np.maximum(np.ceil(steps / end), 1.0) if self.cycle else 1.0
        left = 1.0 - np.minimum(steps, end * periods) / (end * periods)
        return (self.initial_learning_rate - self.end_learning_rate) * left**self.power + self.end_learning_rate
