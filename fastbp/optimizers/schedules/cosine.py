"""Schedules of cosines: Loshchilov and Hutter 2017, SGDR: Stochastic gradient descent with warm restarts, arXiv:1608.03983."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arguments import integer, number
from ..schedule import LearningRateSchedule, as_steps, check_positive, of_arrays


@dataclass(frozen=True)
class CosineDecay(LearningRateSchedule):
    """Half a cosine from ``initial_learning_rate`` to ``alpha`` times it, then constant.

    With a ``warmup_target``, the rate first rises in a line from ``initial_learning_rate`` to it, and the cosine begins there.

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : int
        Those of the cosine, without the warm-up.
    alpha : float
        In [0, 1].
    name : str
    warmup_target : float, optional
    warmup_steps : int

    Examples
    --------
    >>> import fastbp
    >>> schedule = fastbp.optimizers.schedules.CosineDecay(0.0, 10, warmup_target=1.0, warmup_steps=2)
    >>> schedule([0, 1, 2, 7, 12, 99]).round(6)
    array([0. , 0.5, 1. , 0.5, 0. , 0. ])
    """

    initial_learning_rate: float
    decay_steps: int
    alpha: float = 0.0
    name: str = "CosineDecay"
    warmup_target: float | None = None
    warmup_steps: int = 0

    def __post_init__(self) -> None:
        number("initial_learning_rate", self.initial_learning_rate, 0)
        check_positive("decay_steps", self.decay_steps)
        number("alpha", self.alpha, 0)
        integer("warmup_steps", self.warmup_steps, 0)
        if self.warmup_target is not None:
            number("warmup_target", self.warmup_target, 0)

    @of_arrays
    def __call__(self, step: Any) -> Any:
        steps, start = as_steps(step), float(self.initial_learning_rate)
        if self.warmup_target is None:
            return start * _cosine(np.minimum(steps / self.decay_steps, 1.0), self.alpha)
        top, warmup = float(self.warmup_target), self.warmup_steps
        cosine = top * _cosine(np.clip((steps - warmup) / self.decay_steps, 0.0, 1.0), self.alpha)
        return np.where(steps < warmup, start + (top - start) * steps / max(warmup, 1), cosine)[()]


@dataclass(frozen=True)
class CosineDecayRestarts(LearningRateSchedule):
    """Half cosines from ``initial_learning_rate`` to ``alpha`` times it, one after the other.

    Parameters
    ----------
    initial_learning_rate : float
    first_decay_steps : int
        The steps of the first cosine.
    t_mul : float
        Each cosine has so many times the steps of the one before; at least 1.
    m_mul : float
        And begins at so many times its rate.
    alpha : float
        In [0, 1].
    name : str

    Examples
    --------
    >>> import fastbp
    >>> fastbp.optimizers.schedules.CosineDecayRestarts(1.0, 10, m_mul=0.5)([0, 5, 10, 20, 30]).round(6)
    array([1.  , 0.5 , 0.5 , 0.25, 0.25])
    """

    initial_learning_rate: float
    first_decay_steps: int
    t_mul: float = 2.0
    m_mul: float = 1.0
    alpha: float = 0.0
    name: str = "SGDRDecay"

    def __post_init__(self) -> None:
        number("initial_learning_rate", self.initial_learning_rate, 0)
        check_positive("first_decay_steps", self.first_decay_steps)
        number("t_mul", self.t_mul, 1)
        number("m_mul", self.m_mul, 0)
        number("alpha", self.alpha, 0)

    @of_arrays
    def __call__(self, step: Any) -> Any:
        periods = as_steps(step) / self.first_decay_steps
        restarts, fraction = self._place(periods)
        scale = float(self.m_mul) ** restarts
        return self.initial_learning_rate * ((1.0 - self.alpha) * scale * _cosine(fraction, 0.0) + self.alpha)

    def _place(self, periods: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How many restarts there have been, and how much of the cosine after them is done."""
        factor = float(self.t_mul)
        if factor == 1:
            return np.floor(periods), periods - np.floor(periods)
        restarts = np.floor(np.log(1.0 + periods * (factor - 1.0)) / np.log(factor))
        for _ in range(2):  # the logarithm may be one off at a restart
            begins = (factor**restarts - 1.0) / (factor - 1.0)
            fraction = (periods - begins) / factor**restarts
            restarts = restarts + (fraction >= 1.0) - (fraction < 0.0)
        begins = (factor**restarts - 1.0) / (factor - 1.0)
        return restarts, (periods - begins) / factor**restarts


def _cosine(fraction: Any, alpha: float) -> Any:
    return (1.0 - alpha) * 0.5 * (1.0 + np.cos(np.pi * fraction)) + alpha
