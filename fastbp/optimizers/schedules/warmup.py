"""Schedules that begin with a low rate: a warm-up before any other, and one cycle up and down."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arguments import boolean, integer, number
from ..schedule import LearningRateSchedule, as_steps, check_positive, of_arrays


@dataclass(frozen=True)
class Warmup(LearningRateSchedule):
    """In a line from ``initial_learning_rate`` to the first rate of another schedule, which follows from its step 0 on.

    Goyal et al. 2017, Accurate, large minibatch SGD, arXiv:1706.02677.

    Parameters
    ----------
    then : float, LearningRateSchedule or function of the step
        What follows.
    warmup_steps : int
    initial_learning_rate : float
    name : str

    Examples
    --------
    >>> from fastbp.optimizers import schedules
    >>> schedules.Warmup(schedules.InverseTimeDecay(1.0, 1, 1.0), warmup_steps=4)([0, 1, 2, 3, 4, 5, 7])
    array([0.  , 0.25, 0.5 , 0.75, 1.  , 0.5 , 0.25])
    """

    then: Any
    warmup_steps: int
    initial_learning_rate: float = 0.0
    name: str = "Warmup"

    def __post_init__(self) -> None:
        then = LearningRateSchedule.of_rate(self.then)
        object.__setattr__(self, "then", number("then", self.then, 0) if then is None else then)
        integer("warmup_steps", self.warmup_steps, 0)
        number("initial_learning_rate", self.initial_learning_rate, 0)

    @of_arrays
    def __call__(self, step: Any) -> Any:
        steps, start = np.atleast_1d(as_steps(step)), float(self.initial_learning_rate)
        after = np.maximum(steps - self.warmup_steps, 0.0).astype(np.int64)
        top, rates = self._following(np.zeros(1, np.int64)), self._following(after)
        rising = start + (top - start) * steps / max(self.warmup_steps, 1)
        return np.where(steps < self.warmup_steps, rising, rates).reshape(np.shape(step))[()]

    def _following(self, steps: np.ndarray) -> np.ndarray:
        return self.then.of(steps) if isinstance(self.then, LearningRateSchedule) else np.full(len(steps), self.then)


@dataclass(frozen=True)
class OneCycle(LearningRateSchedule):
    """Up from a low rate to ``max_learning_rate``, then down to one that is far lower, over ``total_steps``, then constant.

    It begins at ``max_learning_rate / div_factor`` and ends at that divided by ``final_div_factor``. Names and numbers are
    those of PyTorch's OneCycleLR; the momentum stays as it is.

    Smith and Topin 2017, Super-convergence: very fast training of neural networks using large learning rates, arXiv:1708.07120.

    Parameters
    ----------
    max_learning_rate : float
    total_steps : int
        Those of all epochs.
    pct_start : float
        In [0, 1]: the part of them in which the rate rises.
    anneal_strategy : {"cos", "linear"}
        Along half a cosine, or in a line.
    div_factor, final_div_factor : float
    three_phase : bool
        Take as long down to the first rate as up, and the rest to the last one.
    name : str

    Examples
    --------
    >>> from fastbp.optimizers import schedules
    >>> schedules.OneCycle(1.0, total_steps=11, pct_start=0.5, div_factor=10, final_div_factor=10)([0, 2, 5, 10, 99]).round(3)
    array([0.1  , 0.472, 0.98 , 0.01 , 0.01 ])
    """

    max_learning_rate: float
    total_steps: int
    pct_start: float = 0.3
    anneal_strategy: str = "cos"
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    three_phase: bool = False
    name: str = "OneCycle"

    def __post_init__(self) -> None:
        number("max_learning_rate", self.max_learning_rate, 0)
        integer("total_steps", self.total_steps, 1)
        number("pct_start", self.pct_start, 0, 1)
        check_positive("div_factor", self.div_factor)
        check_positive("final_div_factor", self.final_div_factor)
        boolean("three_phase", self.three_phase)
        if self.anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be 'cos' or 'linear', got {self.anneal_strategy!r}")

    @of_arrays
    def __call__(self, step: Any) -> Any:
        steps, top, rising = as_steps(step), float(self.max_learning_rate), float(self.pct_start * self.total_steps) - 1
        low, end = top / self.div_factor, self.total_steps - 1
        corners = [(0.0, low), (rising, top)]
        if self.three_phase:
            corners.append((2 * rising, low))
        corners.append((end, low / self.final_div_factor))
        rates = np.full_like(steps, corners[0][1])
        for (start, before), (stop, after) in zip(corners, corners[1:], strict=False):
            part = np.clip((steps - start) / max(stop - start, 1e-300), 0.0, 1.0)
            part = part if self.anneal_strategy == "linear" else 0.5 * (1.0 - np.cos(np.pi * part))
            rates = np.where(steps > start, before + (after - before) * part, rates)
        return rates[()]
