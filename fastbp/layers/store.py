"""Where the weights of a layer are: in an engine while a model uses them (models/holding.py), else in arrays of its own."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np


class Store(Protocol):
    """What holds the weights of one layer."""

    @property
    def dtype(self) -> np.dtype:
        """That of the weights."""

    def view(self) -> list[np.ndarray]:
        """The weights, to be read at once and not changed."""

    def averages(self) -> list[np.ndarray]:
        """Their averages over the steps of training, where these are kept, else the weights."""

    def write(self, arrays: Sequence[np.ndarray]) -> None:
        """Replace them by arrays of the same shapes and dtype."""


class AtRest:
    """Weights that no engine uses."""

    def __init__(self, arrays: Sequence[np.ndarray]) -> None:
        self.write(arrays)

    @classmethod
    def of(cls, arrays: Sequence[np.ndarray]) -> "AtRest":
        """The arrays themselves, which nobody else may have."""
        made = object.__new__(cls)
        made._arrays = list(arrays)
        return made

    @property
    def dtype(self) -> np.dtype:
        """That of the weights."""
        return self._arrays[0].dtype

    def view(self) -> list[np.ndarray]:
        """The weights themselves."""
        return self._arrays

    def averages(self) -> list[np.ndarray]:
        """The weights themselves."""
        return self._arrays

    def write(self, arrays: Sequence[np.ndarray]) -> None:
        """Replace the weights by copies."""
        self._arrays = [np.array(array) for array in arrays]
