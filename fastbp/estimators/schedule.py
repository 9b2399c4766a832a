"""The learning rate from epoch to epoch, and when to stop: scikit-learn's rules."""

from copy import copy
from typing import Any

import numpy as np

from ..optimizers import SGD, Adam, Optimizer

MIN_RATE = 1e-6  # below which an adaptive rate stops the fit


class Schedule:
    """The learning rate of a fit, and the optimizer's state when nobody is learning.

    Parameters
    ----------
    estimator : estimator
        With scikit-learn's parameters.
    incremental : bool
        Whether it is for calls of ``partial_fit``.

    Attributes
    ----------
    learning_rate : float
        The present one.
    state : Any
        The optimizer's, while there is no engine that has it.
    has_stopped : bool
        Whether the rule has ended the last call.
    """

    def __init__(self, estimator: Any, incremental: bool = False) -> None:
        self.incremental, self.has_stopped = incremental, False
        self._solver, self._kind = estimator.solver, estimator.learning_rate
        self._first, self._power = float(estimator.learning_rate_init), estimator.power_t
        self.learning_rate = self._first
        self.state: Any = None

    def copy(self, state: Any) -> "Schedule":
        """The same, with another state of the optimizer."""
        copied = copy(self)
        copied.state = state
        return copied

    @property
    def _is_sgd(self) -> bool:
        return bool(self._solver == "sgd")

    def rates(self, samples: int, seen: int, epochs: int) -> np.ndarray | None:
        """The rate of each of some epochs over so many samples, after ``seen`` of them; None if all have the present one."""
        if not (self._is_sgd and self._kind == "invscaling"):
            return None
        later = [self._after(seen + samples * (i + 1)) for i in range(epochs - 1)]
        return np.array([self.learning_rate, *later])

    def _after(self, seen: int) -> float:
        return float(self._first / (seen + 1) ** self._power)

    def end_epoch(self, seen: int) -> None:
        """After an epoch, when so many samples have been seen."""
        if self._is_sgd and self._kind == "invscaling":
            self.learning_rate = self._after(seen)

    def stops(self, message: str, verbose: Any) -> bool:
        """Whether a fit that does not get better ends; an adaptive rate becomes smaller instead."""
        ends, what = True, " Stopping."
        if self._is_sgd and self._kind == "adaptive":
            ends = self.learning_rate <= MIN_RATE
            if ends:
                what = " Learning rate too small. Stopping."
            else:
                self.learning_rate /= 5.0
                what = f" Setting learning rate to {self.learning_rate:f}"
        if verbose:
            print(message + what)
        return ends


def make_optimizer(estimator: Any, factor: float) -> Optimizer:
    """The optimizer that takes scikit-learn's steps along a gradient that is ``factor`` times scikit-learn's.

    Adam's steps do not depend on the size of the gradient if epsilon, which stands beside its root mean square, goes with it.
    """
    rate = float(estimator.learning_rate_init)
    if estimator.solver == "sgd":
        return SGD(rate / factor, momentum=float(estimator.momentum), nesterov=bool(estimator.nesterovs_momentum))
    epsilon = float(estimator.epsilon) * factor
    return Adam(rate, beta_1=float(estimator.beta_1), beta_2=float(estimator.beta_2), epsilon=epsilon)
