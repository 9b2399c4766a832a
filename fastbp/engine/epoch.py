"""What one pass over data gives, or that it diverged."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..kernels.statistics import ABSOLUTE_ERROR, CORRECT, ROWS, SCALES, SQUARED_ERROR, SUMS
from ..scaled_sums import Scaled


class Diverged(ArithmeticError):
    """The loss of a step, or the weights it left (``by_weights``), were not finite. ``step`` counts from 1 in its epoch."""

    def __init__(self, step: int, by_weights: bool = False) -> None:
        super().__init__(f"the {'weights were' if by_weights else 'loss was'} not finite at step {step}")
        self.step, self.by_weights = step, by_weights


@dataclass
class Statistics:
    """Sums over samples from which metrics are computed, as the kernels counted them (kernels/statistics.py)."""

    counts: np.ndarray
    units: int

    @property
    def count(self) -> int:
        return int(self.counts[ROWS])

    @property
    def correct(self) -> float:
        return float(self.counts[CORRECT])

    @cached_property
    def squared_error(self) -> Scaled:
        """One sum for each output."""
        return Scaled.total(self._errors[:, SQUARED_ERROR], -2 * np.array(SCALES))

    @cached_property
    def absolute_error(self) -> Scaled:
        return Scaled.total(self._errors[:, ABSOLUTE_ERROR], -np.array(SCALES))

    @property
    def _errors(self) -> np.ndarray:
        return self.counts[SUMS:].reshape(len(SCALES), 2, self.units)


@dataclass
class Epoch:
    """What one pass over data gave, or the part of it that has been done.

    ``loss`` is the mean over samples; ``flop`` counts the operations of the matrix products; ``threads`` is how many there
    were at most; ``statistics`` are there where asked for. So are ``outputs``, the predictions (samples, units) that the
    losses are of, in the order of training; ``order`` has the number of the sample of each row, where it is not the row's.
    ``penalty`` is what the loss has of penalties on weights.
    """

    loss: float
    samples: int
    steps: int
    seconds: float
    flop: int
    threads: int
    statistics: Statistics | None
    outputs: np.ndarray | None = None
    order: np.ndarray | None = None
    penalty: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Its attributes."""
        return {
            **vars(self),
            "statistics": self.statistics and {"counts": self.statistics.counts, "units": self.statistics.units},
        }

    @staticmethod
    def from_dict(attributes: Mapping[str, Any]) -> "Epoch":
        """What ``as_dict`` has given."""
        statistics = attributes["statistics"]
        return Epoch(**{**attributes, "statistics": statistics and Statistics(**statistics)})
