"""Callbacks that change the optimizer's learning rate."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arguments import integer, number
from .base import Callback
from .messages import message
from .monitor import Monitor


class LearningRateScheduler(Callback):
    """Set the learning rate before each epoch. The history has it too.

    Parameters
    ----------
    schedule : callable
        Given the epoch, counted from 0, and the present rate, it returns the rate; one that takes only the epoch does too.
    verbose : int
        With 1, say what it is.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Dense(1)])
    >>> model.compile(fastbp.SGD(0.5), "mse")
    >>> halving = fastbp.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    >>> model.fit([[1.0]], [1.0], epochs=3, verbose=0, callbacks=[halving]).history["learning_rate"]
    [0.25, 0.125, 0.0625]
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if not callable(schedule):
            raise TypeError(f"schedule must be a function of (epoch, learning_rate), got {schedule!r}")
        self.schedule, self.verbose, self._takes_rate = schedule, verbose, _takes_two(schedule)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Set the rate."""
        rate = self.schedule(epoch, _rate(self.model)) if self._takes_rate else self.schedule(epoch)
        if not isinstance(rate, float | np.floating):
            raise ValueError(f"schedule must return a float, got {rate!r} for epoch {epoch}")
        self.model.optimizer.learning_rate = rate
        if self.verbose:
            message(f"\nEpoch {epoch + 1}: the learning rate is {float(rate)}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Log the rate."""
        if logs is not None:
            logs["learning_rate"] = _rate(self.model)


class ReduceLROnPlateau(Monitor):
    """Reduce the learning rate when a loss or metric has stopped improving. The history has the rate too.

    Parameters
    ----------
    monitor : str
        What to watch, as it is named in the logs.
    factor : float
        Below 1: what the rate is multiplied by.
    patience : int
        Epochs without improvement after which it is.
    verbose : int
        With 1, say so.
    mode : {"auto", "min", "max"}
        Which values are better; "auto" goes by the name.
    min_delta : float
        A smaller improvement does not count.
    cooldown : int
        Epochs after a reduction in which none are counted.
    min_lr : float
        The lowest rate.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Dense(1)])
    >>> model.compile(fastbp.SGD(0.5), "mse")
    >>> reducing = fastbp.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=2, min_delta=1e9)
    >>> model.fit([[0.0]], [1.0], epochs=6, verbose=0, callbacks=[reducing]).history["learning_rate"]
    [0.5, 0.5, 0.5, 0.25, 0.25, 0.125]
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.factor, self.patience = number("factor", factor, 0, 1, below=True), integer("patience", patience, 0)
        self.cooldown, self.min_lr, self.verbose = integer("cooldown", cooldown, 0), number("min_lr", min_lr, 0), verbose
        self._begin()

    def _begin(self) -> None:
        self.best, self.wait, self.cooldown_counter = None, 0, 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Forget the last fit."""
        self._begin()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Log the rate, compare the epoch with the best one, and reduce the rate."""
        logs = {} if logs is None else logs
        logs["learning_rate"] = _rate(self.model)
        current = self._watched(logs, "watches")
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter, self.wait = self.cooldown_counter - 1, 0
        if self._improves(current, self.best):
            self.best, self.wait = current, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter, self.wait = self.cooldown, 0

    def _reduce(self, epoch: int) -> bool:
        """Reduce the rate, unless it is at the lowest."""
        rate = _rate(self.model)
        if rate <= self.min_lr:
            return False
        rate = self.model.optimizer.learning_rate = max(rate * self.factor, self.min_lr)
        if self.verbose:
            message(f"\nEpoch {epoch + 1}: the learning rate is reduced to {rate}")
        return True

    def in_cooldown(self) -> bool:
        """Whether the rate was reduced less than ``cooldown`` epochs ago."""
        return self.cooldown_counter > 0


def _takes_two(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind(0, 0.0)
    except TypeError:
        return False
    except ValueError:  # some functions have no signature
        return True
    return True


def _rate(model: Any) -> float:
    return float(model.optimizer.learning_rate)
