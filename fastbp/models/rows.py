"""Data as the engine takes it."""

import math
from dataclasses import dataclass

import numpy as np

from ..data import split


@dataclass(slots=True)
class Rows:
    """Data as the engine takes it."""

    x: np.ndarray
    y: np.ndarray
    sample_weight: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.x)

    def split(self, fraction: float) -> tuple["Rows", "Rows"]:
        """Those to train on and, from the end, the ``fraction`` to validate on."""
        split(self.x, self.y, fraction)
        at = math.floor(len(self) * (1 - fraction))
        return self.part(0, at), self.part(at, len(self))

    def part(self, start: int, stop: int) -> "Rows":
        """Rows start .. stop."""
        weights = None if self.sample_weight is None else self.sample_weight[start:stop]
        return Rows(self.x[start:stop], self.y[start:stop], weights)
