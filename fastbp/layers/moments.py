"""Mean and variance of data that comes in batches, in float64, as exact as if it were there at once."""

import math
from typing import Any

import numpy as np

CHUNK = 1 << 18  # numbers that are looked at together, so that no copy of all data is made


class Moments:
    """Means and variances along some axes, of all batches so far (Chan, Golub and LeVeque 1983).

    Parameters
    ----------
    axes : tuple of int
        Those of a batch that the numbers are averaged over, the first among them.

    Examples
    --------
    >>> moments = Moments((0,))
    >>> moments.add(np.array([[1e9, 0.0], [1e9 + 1, 4.0]]))
    >>> moments.mean.tolist(), moments.variance.tolist()
    ([1000000000.5, 2.0], [0.25, 4.0])
    """

    def __init__(self, axes: tuple[int, ...]) -> None:
        self._axes, self.count = axes, 0
        self._mean: Any = 0.0
        self._rest: Any = 0.0  # what rounding leaves out of the mean: far from zero it is large beside the deviations
        self._squares: Any = 0.0  # the sum of squared deviations from the mean

    @property
    def mean(self) -> np.ndarray:
        """That of all numbers so far."""
        return np.asarray(self._mean + self._rest)

    @property
    def variance(self) -> np.ndarray:
        """That of the numbers themselves, not of what they are a sample of."""
        return np.asarray(self._squares / self.count)

    def add(self, batch: np.ndarray) -> None:
        """Take account of some more samples."""
        rows = max(1, CHUNK // max(1, math.prod(batch.shape[1:])))
        for start in range(0, len(batch), rows):
            with np.errstate(all="ignore"):  # what is not finite shows in the result
                self._add(np.asarray(batch[start : start + rows], np.float64))

    def _add(self, x: np.ndarray) -> None:
        count = math.prod(x.shape[axis] for axis in self._axes)
        mean = x.mean(axis=self._axes, keepdims=True)
        deviations = x - mean
        shift = deviations.mean(axis=self._axes)  # by which rounding has missed the mean
        squares = np.square(deviations).sum(axis=self._axes) - count * np.square(shift)
        if not self.count:
            self._mean, self._rest, self._squares, self.count = mean.reshape(shift.shape), shift, np.maximum(squares, 0), count
            return
        apart = (mean.reshape(shift.shape) - self._mean) + (shift - self._rest)
        total = self.count + count
        self._mean, rounding = _sum(self._mean, apart * (count / total))
        self._rest = self._rest + rounding
        self._squares = self._squares + np.maximum(squares, 0) + np.square(apart) * (self.count * count / total)
        self.count = total


def _sum(a: Any, b: Any) -> tuple[Any, Any]:
    """A sum, and what its rounding leaves out (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)
