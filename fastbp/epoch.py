"""What one pass over data gives."""

from dataclasses import dataclass

import numpy as np

from .kernels.statistics import ABSOLUTE_ERROR, CORRECT, ROWS, SCALES, SQUARED_ERROR, SUMS
from .squares import Scaled


@dataclass
class Statistics:
    """Sums over samples from which metrics are computed; of errors one for each output."""

    count: int
    correct: float
    squared_error: Scaled
    absolute_error: Scaled

    @classmethod
    def from_counts(cls, counts, units):
        """From the kernels' counts of all slots together (kernels/statistics.py)."""
        sums = counts[SUMS:].reshape(len(SCALES), 2, units)
        powers = -np.array(SCALES)
        squared = Scaled.total(sums[:, SQUARED_ERROR], 2 * powers)
        return cls(int(counts[ROWS]), float(counts[CORRECT]), squared, Scaled.total(sums[:, ABSOLUTE_ERROR], powers))


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
