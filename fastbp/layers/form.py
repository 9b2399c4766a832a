"""Arrays that have a number for some of a sample's axes, and stand for a number for each unit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Form:
    """An array with a number for each place along some axes of a sample, the same along the others.

    Attributes
    ----------
    sample : tuple of int
        The shape of a sample.
    axes : tuple of int
        Those that the array has, in order. Without any it is a single number.

    Examples
    --------
    >>> form = Form((2, 3), (1,))
    >>> form.shape, form.spread([1, 2, 3])
    ((3,), array([1, 2, 3, 1, 2, 3]))
    """

    sample: tuple[int, ...]
    axes: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the array."""
        return tuple(self.sample[axis] for axis in self.axes)

    @property
    def wide_shape(self) -> tuple[int, ...]:
        """The same with a 1 for the other axes of the sample."""
        return tuple(size if axis in self.axes else 1 for axis, size in enumerate(self.sample))

    def spread(self, array: Any) -> np.ndarray:
        """A number for each unit."""
        return np.broadcast_to(np.reshape(array, self.wide_shape), self.sample).ravel()

    def gather(self, units: np.ndarray) -> np.ndarray:
        """The array that ``spread`` made the numbers of the units of."""
        places = tuple(slice(None) if axis in self.axes else 0 for axis in range(len(self.sample)))
        return np.asarray(units.reshape(self.sample)[places])


def sample_axes(argument: str, axes: Sequence[int], sample: tuple[int, ...]) -> tuple[int, ...]:
    """Axes of an array of samples, of which the first counts them, as those of a sample, in order."""
    count = len(sample) + 1
    found = sorted({axis + count if axis < 0 else axis for axis in axes})
    if len(found) < len(axes) or any(not 1 <= axis < count for axis in found):
        allowed = ", ".join(map(str, [*range(1 - count, 0), *range(1, count)]))
        raise ValueError(f"{argument} must be of {allowed} for samples of shape {sample}, got {tuple(axes)}")
    return tuple(axis - 1 for axis in found)
