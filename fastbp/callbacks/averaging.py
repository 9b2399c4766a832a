"""Averages of weights: over the epochs of a fit, and those that an optimizer keeps over its steps."""

import math
from typing import Any

import numpy as np

from ..arguments import boolean, integer
from .base import Callback


class StochasticWeightAveraging(Callback):
    """Have the mean of the weights after some epochs in the end, each counting the same.

    It wants a learning rate that stays large, so that the epochs end at different places around a minimum. Nothing has to be
    done within an epoch, so this is a callback, for any optimizer; the optimizers' ``use_ema`` averages over all steps.

    Batch normalizations then go by the mean and variance of their inputs over all of the data, computed with the new weights.

    Izmailov et al. 2018, Averaging weights leads to wider optima and better generalization, arXiv:1803.05407.

    Parameters
    ----------
    start_from_epoch : int
        The first epoch, counted from 0, whose weights count.
    frequency : int
        How many epochs there are from one whose weights count to the next.

    Attributes
    ----------
    averaged_epochs : int
        How many have counted so far.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Dense(1, use_bias=False, kernel_initializer="zeros")])
    >>> model.compile(fastbp.SGD(0.25), "mse")
    >>> averaging = fastbp.callbacks.StochasticWeightAveraging(start_from_epoch=1)
    >>> history = model.fit([[1.0]], [8.0], epochs=3, verbose=0, callbacks=[averaging])  # the weight is 4, 6, 7
    >>> averaging.averaged_epochs, model.get_weights()[0].item()
    (2, 6.5)
    """

    def __init__(self, start_from_epoch: int, frequency: int = 1) -> None:
        self.start_from_epoch = integer("start_from_epoch", start_from_epoch, 0)
        self.frequency = integer("frequency", frequency, 1)
        self._begin()

    def _begin(self) -> None:
        self.averaged_epochs = 0
        self._means: list[np.ndarray] = []

    def on_train_begin(self, logs: Any = None) -> None:
        """Forget the last fit."""
        self._begin()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Let the weights count, if it is their turn and the epoch came to something."""
        since = epoch - self.start_from_epoch
        if since < 0 or since % self.frequency or math.isnan((logs or {}).get("loss", 0.0)):
            return
        weights = [array.astype(np.float64) for array in self.model.get_weights()]
        self.averaged_epochs += 1
        before = self._means or weights
        self._means = [mean + (w - mean) / self.averaged_epochs for mean, w in zip(before, weights, strict=True)]

    def on_train_end(self, logs: Any = None) -> None:
        """Put the mean in place of the weights."""
        if self._means:
            self.model.set_weights(self._means)
            self.model._compute_moving_statistics()


class SwapEMAWeights(Callback):
    """Measure and predict with the averages that an optimizer with ``use_ema`` keeps, while training goes on with the weights.

    Parameters
    ----------
    swap_on_epoch : bool
        Have the averages in place from the end of an epoch to the beginning of the next too, for callbacks that come after
        this one, as ``ModelCheckpoint``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Dense(1)], seed=0)
    >>> model.compile(fastbp.Adam(use_ema=True), "mse")
    >>> x = np.ones((64, 1), "float32")
    >>> swapping = fastbp.callbacks.SwapEMAWeights()
    >>> history = model.fit(x, 2 * x, validation_split=0.5, verbose=0, callbacks=[swapping])
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        self.swap_on_epoch = boolean("swap_on_epoch", swap_on_epoch)

    def _have_averages(self, wanted: bool) -> None:
        self.model._place_averages(wanted)

    def on_train_begin(self, logs: Any = None) -> None:
        """Make sure that there are averages."""
        if not self.model.optimizer.use_ema:
            raise ValueError(f"SwapEMAWeights needs an optimizer with use_ema=True, got {self.model.optimizer!r}")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Have the weights in place."""
        self._have_averages(False)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Have the averages in place, if that is asked for."""
        self._have_averages(self.swap_on_epoch)

    def on_test_begin(self, logs: Any = None) -> None:
        """Have the averages in place."""
        self._have_averages(True)

    def on_test_end(self, logs: Any = None) -> None:
        """Have the weights in place."""
        self._have_averages(False)

    def on_predict_begin(self, logs: Any = None) -> None:
        """Have the averages in place."""
        self._have_averages(True)

    def on_predict_end(self, logs: Any = None) -> None:
        """Have the weights in place."""
        self._have_averages(False)
