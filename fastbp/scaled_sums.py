"""Sums of squares that may be too large or too small for a float64, and that of targets about their mean."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

BLOCK = 1 << 16  # numbers converted to float64 at a time


@dataclass(frozen=True)
class Scaled:
    """Numbers ``value * 2**power``, one for each output."""

    value: np.ndarray
    power: np.ndarray | int  # one number where it is the same for all

    @classmethod
    def total(cls, values: np.ndarray, powers: np.ndarray) -> Scaled:
        """The sum of three rows of ``values`` with rising powers: of small, ordinary (their power is 0) and large numbers."""
        if not values[::2].any():
            return cls(values[1], 0)
        top = len(powers) - 1 - np.argmax(values[::-1] != 0, axis=0)
        power = np.where((values != 0).any(axis=0), powers[top], powers[0])
        return cls(np.ldexp(values, powers[:, None] - power).sum(axis=0), power)

    def mean(self) -> Scaled:
        """The mean over outputs."""
        if isinstance(self.power, int):
            return Scaled(np.add.reduce(self.value) / len(self.value), self.power)  # which ``mean`` takes ten times as long for
        power = self.power.max()
        return Scaled(np.ldexp(self.value, self.power - power).mean(), power)

    def __truediv__(self, other: Scaled | int) -> Scaled:
        if isinstance(other, Scaled):
            return Scaled(self.value / other.value, self.power - other.power)
        return Scaled(self.value / other, self.power)

    def root(self) -> Scaled:
        """The square root of numbers whose power is even."""
        return Scaled(np.sqrt(self.value), self.power // 2)

    def numbers(self) -> np.ndarray:
        """As plain numbers, infinite or 0 beyond the range of float64."""
        if isinstance(self.power, int) and self.power == 0:
            return self.value
        with np.errstate(over="ignore"):
            plain: np.ndarray = np.ldexp(self.value, self.power)
        return plain


@dataclass(frozen=True)
class Targets:
    """What metrics need to know about the targets (samples, outputs), computed at first use."""

    y: np.ndarray

    @property
    def samples(self) -> int:
        return len(self.y)

    @cached_property
    def squares(self) -> Scaled:
        """The sum of squared distances from each output's mean; exactly 0 where all its targets are equal."""
        with np.errstate(invalid="ignore", over="ignore"):  # for targets that are not finite
            low, high = (extreme.astype(np.float64) for extreme in (self.y.min(axis=0), self.y.max(axis=0)))
            center, reach = low / 2 + high / 2, high / 2 - low / 2
            _, power = np.frexp(reach)
            rows = max(1, BLOCK // self.y.shape[1])
            starts = range(0, len(self.y), rows)

            def near(start: int) -> np.ndarray:  # within about -1 to 1
                scaled: np.ndarray = np.ldexp(self.y[start : start + rows] - center, -power)
                return scaled

            mean = sum(near(start).sum(axis=0) for start in starts) / len(self.y)
            total = sum(((near(start) - mean) ** 2).sum(axis=0) for start in starts)
        return Scaled(np.where(low == high, 0.0, total), 2 * power)
