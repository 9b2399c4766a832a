"""The weights of many networks of one form as rows of numbers, in the order users see them, and as kernels keep them."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from .parameters import Parameters


class Numbering:
    """Which number of a network's arrays, in ``get_weights`` order, is where in a flat buffer.

    Parameters
    ----------
    parameters : Parameters
        Of one of the networks.
    """

    def __init__(self, parameters: Parameters) -> None:
        numbered = parameters.arrays(np.arange(parameters.size))
        self._shapes = [array.shape for array in numbered]
        self._ends = list(accumulate(array.size for array in numbered))
        self._read = np.concatenate([np.zeros(0, np.int64), *(array.ravel() for array in numbered)])
        # A number may be in several places, and some places hold none: two fillings tell.
        first, second = np.zeros(parameters.size, np.float64), np.zeros(parameters.size, np.float64)
        wide = parameters.widened()
        for buffer, start in ((first, 0), (second, 1)):
            wide.fill(buffer, self._split(np.arange(start, start + len(self._read), dtype=np.float64)))
        self._places = np.flatnonzero(second - first == 1)
        self._sources = first[self._places].astype(np.int64)

    def _split(self, numbers: np.ndarray) -> list[np.ndarray]:
        starts = [0, *self._ends[:-1]]
        parts = zip(starts, self._ends, self._shapes, strict=True)
        return [numbers[start:stop].reshape(shape) for start, stop, shape in parts]

    def write(self, buffers: np.ndarray, arrays: Sequence[Sequence[np.ndarray]]) -> None:
        """Fill buffers, a row for each network, with its arrays. What holds no number stays."""
        numbers = np.empty((len(arrays), len(self._read)), buffers.dtype)
        for row, own in zip(numbers, arrays, strict=True):
            np.concatenate([array.reshape(-1) for array in own], out=row)
        buffers[:, self._places] = numbers[:, self._sources]

    def read(self, buffers: np.ndarray) -> list[list[np.ndarray]]:
        """The arrays of each network, which share their memory with those of the others."""
        return [self._split(row) for row in buffers[:, self._read]]
