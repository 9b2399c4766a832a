"""What one pass over data gives."""

from dataclasses import dataclass

import numpy as np

from .kernels.statistics import CORRECT, ROWS, SUMS


@dataclass
class Statistics:
    """Sums over samples from which metrics are computed; one entry for each output (float64)."""

    count: int
    correct: float
    squared_error: np.ndarray
    absolute_error: np.ndarray
    target_sum: np.ndarray
    target_square_sum: np.ndarray

    @classmethod
    def from_counts(cls, counts, units):
        """From the kernels' counts of all slots together (kernels/statistics.py)."""
        return cls(int(counts[ROWS]), float(counts[CORRECT]), *counts[SUMS:].reshape(4, units))


@dataclass
class Epoch:
    """What one pass over data gave.

    ``loss`` is the mean over samples; ``flop`` counts the operations of the matrix products; ``threads`` is how many there
    were at most; ``statistics`` are there where asked for.
    """

    loss: float
    samples: int
    steps: int
    seconds: float
    flop: int
    threads: int
    statistics: Statistics | None
