"""The range test: how the loss goes while the learning rate rises from step to step.

Smith 2017, Cyclical learning rates for training neural networks, arXiv:1506.01186.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import Rows

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.epoch import Epoch

MEMORY = 0.9  # of the running mean by which the test knows that the loss has left its lowest value behind
RISE = 4.0  # times the lowest running mean, at which it ends
SMOOTHING = 40  # parts of the range that a smoothed loss is the mean of one of
START = 10  # parts of the range in the first of which nothing is learnt yet
SURE = 3.0  # standard deviations that are no accident


@dataclass(frozen=True)
class LearningRateRange:
    """What ``find_learning_rate`` found.

    Attributes
    ----------
    rates : ndarray
        The learning rate of each step, rising.
    losses : ndarray
        Of its batch, before the step.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> rates = np.geomspace(1e-4, 1.0, 101)
    >>> found = fastbp.models.LearningRateRange(rates, 1 / (1 + (rates / 0.01) ** 2) + rates**4)
    >>> found
    LearningRateRange(101 rates from 0.0001 to 1, suggestion=0.01)
    """

    rates: np.ndarray
    losses: np.ndarray

    @property
    def smoothed(self) -> np.ndarray:
        """The losses, each the mean of those around it: nearer ones count more."""
        if len(self.losses) < 2:
            return self.losses
        reach = min(int(3 * self._width), len(self.losses) - 1)
        window = np.exp(-0.5 * (np.arange(-reach, reach + 1) / self._width) ** 2)
        total, count = (np.convolve(values, window) for values in (self.losses, np.ones(len(self.losses))))
        return np.asarray(total / count)[reach : reach + len(self.losses)]

    @property
    def _width(self) -> float:
        """The standard deviation of the window that smooths, in steps."""
        return max(1.0, len(self.losses) / SMOOTHING)

    @property
    def _first(self) -> int:
        """How many losses of the first rates the level is the mean of, from which they fall."""
        return max(1, len(self.losses) // START)

    @property
    def _noise(self) -> float:
        """What a smoothed loss and the level of the first may differ by because batches do."""
        flat = slice(max(2, len(self.losses) // 2))  # where rates are too small to matter
        deviation = np.std((self.losses - self.smoothed)[flat])
        return float(SURE * deviation * math.sqrt(1 / (2 * math.sqrt(math.pi) * self._width) + 1 / self._first))

    @property
    def suggestion(self) -> float | None:
        """The rate at which the smoothed loss falls fastest, by the logarithm of the rate; None if it never falls.

        Where it only goes up and down as much as batches differ it does not fall: a model that has learnt all it can has none.
        Training may start with it; the largest rate that works is some times larger.
        """
        smoothed = self.smoothed
        lowest = int(np.argmin(smoothed)) if len(smoothed) else 0
        if lowest < 2:
            return None
        level = self.losses[: self._first].mean()
        first = np.flatnonzero(np.append(True, smoothed[1 : lowest + 1] > level - self._noise))[-1]  # from where it stays below
        if lowest - first < 2:
            return None
        slopes = np.gradient(smoothed[first : lowest + 1], np.log(self.rates[first : lowest + 1]))
        return float(self.rates[first + np.argmin(slopes)])

    def plot(self, path: Any = None) -> Any:
        """Draw the losses against the rates, with the suggestion. Needs matplotlib.

        Parameters
        ----------
        path : str or path, optional
            Where to save the picture, in a format of matplotlib's (.png, .svg, .pdf).

        Returns
        -------
        matplotlib Axes
        """
        from ..views.rate_range import plot  # only where somebody wants to look

        return plot(self, path)

    def __repr__(self) -> str:
        ends = f" from {self.rates[0]:.3g} to {self.rates[-1]:.3g}" if len(self.rates) else ""
        suggestion = "None" if self.suggestion is None else f"{self.suggestion:.2g}"
        return f"LearningRateRange({len(self.rates)} rates{ends}, suggestion={suggestion})"


def range_test(engine: "Engine", rows: Rows, batch_size: int, rates: np.ndarray, threads: int | None) -> LearningRateRange:
    """A step with each of the rates, until the loss has risen far. The engine is as before then, whatever is raised."""
    from ..engine.epoch import Diverged

    before, losses = engine.snapshot(), []
    mean = lowest = math.inf
    try:
        for rate, batch in zip(rates, _batches(engine, rows, batch_size), strict=False):
            loss = _step(engine, batch, float(rate), threads)
            losses.append(loss)
            mean = loss if len(losses) == 1 else MEMORY * mean + (1 - MEMORY) * loss
            lowest = min(lowest, mean)
            if mean > RISE * lowest > 0:
                break
    except Diverged:  # of the steps before it there is a loss
        pass
    finally:
        engine.restore(before)
    return LearningRateRange(np.array(rates[: len(losses)]), np.array(losses))


def _step(engine: "Engine", rows: Rows, rate: float, threads: int | None) -> float:
    ended: list[Epoch] = []
    assert rows.y is not None
    data, weights, rates = (rows.x, rows.y, len(rows)), rows.sample_weight, np.array([rate])
    engine.train_epochs(1, ended, *data, False, 0, threads, sample_weight=weights, learning_rates=rates)
    return float(ended[0].loss)


def _batches(engine: "Engine", rows: Rows, size: int) -> Iterator[Rows]:
    """Whole batches in random order, without end."""
    size = min(size, len(rows))
    while True:
        order = engine.next_order(len(rows))
        for start in range(0, len(rows) - size + 1, size):
            yield rows.taken(order[start : start + size])
