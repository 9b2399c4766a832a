"""When a fit ends before its last epoch."""

import time
from collections.abc import Mapping
from typing import Any

from ..arguments import boolean, integer, number
from .base import Callback
from .messages import message
from .monitor import Monitor
from .state import remembered


class EarlyStopping(Monitor):
    """End a fit when a loss or metric has stopped improving.

    Parameters
    ----------
    monitor : str
        What to watch, as it is named in the logs.
    min_delta : float
        A smaller improvement does not count.
    patience : int
        Epochs without improvement after which the fit ends.
    verbose : int
        With 1, say so.
    mode : {"auto", "min", "max"}
        Which values are better; "auto" goes by the name.
    baseline : float, optional
        Improvements count only beyond it.
    restore_best_weights : bool
        Have the weights of the best epoch in the end, whether or not the fit was ended early.
    start_from_epoch : int
        Epochs before it, counted from 0, are not looked at.

    Attributes
    ----------
    stopped_epoch : int
        The epoch after which the fit was ended; 0 if it was not.
    best : float
        The best value so far.
    best_epoch : int
        Its epoch, counted from 0.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> x = np.linspace(-1, 1, 64, dtype="float32").reshape(-1, 1)
    >>> model = fastbp.Sequential([fastbp.Dense(8, "tanh"), fastbp.Dense(1)], seed=0)
    >>> model.compile("adam", "mse")
    >>> stopping = fastbp.callbacks.EarlyStopping("loss", patience=2, min_delta=1.0)
    >>> history = model.fit(x, x**2, epochs=50, verbose=0, callbacks=[stopping])
    >>> len(history.epoch), stopping.stopped_epoch, stopping.best_epoch
    (3, 2, 0)
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose = integer("patience", patience, 0), verbose
        self.baseline = None if baseline is None else number("baseline", baseline)
        self.restore_best_weights = boolean("restore_best_weights", restore_best_weights)
        self.start_from_epoch = integer("start_from_epoch", start_from_epoch, 0)
        self._begin()

    def _begin(self) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = None
        self.best_weights: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Forget the last fit."""
        self._begin()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Compare the epoch with the best one."""
        current = self._watched(logs, "watches")
        if current is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        is_better = self._improves(current, self.best)
        if self.restore_best_weights and (is_better or self.best_weights is None):
            copy = getattr(self.model, "_copy_weights", self.model.get_weights)
            self.best_weights = copy()
        if is_better:
            self.best, self.best_epoch = current, epoch
            if self.baseline is None or self._improves(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch, self.model.stop_training = epoch, True

    def on_train_end(self, logs: Any = None) -> None:
        """Restore the best weights."""
        if self.stopped_epoch and self.verbose:
            message(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                message(f"The weights are those of the best epoch, {self.best_epoch + 1}")
            restore = getattr(self.model, "_restore_weights", self.model.set_weights)
            if isinstance(self.best_weights, list):  # a model that is none of fastbp's, or weights out of a backup
                restore = self.model.set_weights
            restore(self.best_weights)

    def get_state(self) -> dict[str, Any]:
        """What it remembers, for a backup: the best weights as ``get_weights`` gives them."""
        state, best = remembered(self), self.best_weights
        if best is not None and not isinstance(best, list):
            state["best_weights"] = self.model._arrays_of(best)
        return state


class TerminateOnNaN(Callback):
    """End a fit when the loss becomes NaN or infinite, instead of the error ``TrainingDiverged``.

    The last entries of the history are NaN then, and the weights are those from before the epoch that came to nothing.

    Parameters
    ----------
    raise_error : bool
        Raise a RuntimeError.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Dense(1)], seed=0)
    >>> model.compile(fastbp.SGD(1e30), "mse")
    >>> x = np.ones((64, 1), "float32")
    >>> history = model.fit(x, 2 * x, epochs=9, verbose=0, callbacks=[fastbp.callbacks.TerminateOnNaN()])
    Batch 1: invalid loss, training ends
    >>> history.history
    {'loss': [nan]}
    """

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = boolean("raise_error", raise_error)

    def on_divergence(self, batch: int) -> None:
        """Called by ``fit`` when the loss of a batch, or the weights after it, are NaN or infinite."""
        if self.raise_error:
            raise RuntimeError(f"the loss became NaN or infinite in batch {batch}, and TerminateOnNaN has raise_error=True")
        message(f"Batch {batch}: invalid loss, training ends")
        self.model.stop_training = True


class TimeBudget(Callback):
    """End a fit after a number of seconds, in the midst of an epoch if need be.

    Parameters
    ----------
    seconds : float
        Counted from the beginning of the fit.
    verbose : int
        With 1, say so.

    Attributes
    ----------
    stopped_epoch : int
        The epoch after which the fit was ended; 0 if it was not.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Dense(1)], seed=0)
    >>> model.compile("adam", "mse")
    >>> x = np.ones((64, 1), "float32")
    >>> history = model.fit(x, x, epochs=1_000_000_000, verbose=0, callbacks=[fastbp.callbacks.TimeBudget(0.05)])
    >>> 1 <= len(history.epoch) < 1_000_000_000
    True
    """

    def __init__(self, seconds: float, verbose: int = 0) -> None:
        self.seconds, self.verbose = number("seconds", seconds, 0), verbose
        self.stopped_epoch, self._end, self._epoch = 0, 0.0, 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Start the clock."""
        self.stopped_epoch, self._end = 0, time.perf_counter() + self.seconds

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note the epoch."""
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Look at the clock once more: validation may have taken long."""
        self.on_look()

    def get_state(self) -> dict[str, Any]:
        """What it remembers, for a backup: the seconds that are left."""
        return {"seconds_left": self._end - time.perf_counter(), "stopped_epoch": self.stopped_epoch, "epoch": self._epoch}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on with the seconds that were left."""
        self._end = time.perf_counter() + state["seconds_left"]
        self.stopped_epoch, self._epoch = state["stopped_epoch"], state["epoch"]

    def on_look(self) -> None:
        """Look at the clock; ``fit`` calls this every few batches."""
        if time.perf_counter() >= self._end and not self.model.stop_training:
            self.stopped_epoch, self.model.stop_training = self._epoch, True
            if self.verbose:
                message(f"Epoch {self._epoch + 1}: the {self.seconds:g} seconds are over")
