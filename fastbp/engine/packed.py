"""Kernels read some rows at a time out of the panels they lie in: for files, which then need no copy of them."""

from dataclasses import dataclass

import numpy as np

from .shapes import Shape, unpack


@dataclass(frozen=True)
class PackedRows:
    """Rows of a dense layer's matrix of weights where they are, in a flat buffer. They change as that does.

    Attributes
    ----------
    layer : Shape
        The layer's sizes and place.
    buffer : array
        Laid out like the weights.
    first, rows : int
        Which rows: the kernel's, or the bias alone.
    """

    layer: Shape
    buffer: np.ndarray
    first: int
    rows: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows, self.layer.units_out

    @property
    def dtype(self) -> np.dtype:
        return self.buffer.dtype

    @property
    def nbytes(self) -> int:
        return self.rows * self.layer.units_out * self.dtype.itemsize

    def read(self, first: int, out: np.ndarray) -> np.ndarray:
        """Fill ``out`` (some rows, units) with the rows from ``first`` on."""
        layer = self.layer
        source = self.buffer[layer.offset : layer.offset + layer.size]
        return unpack(source, layer.rows, layer.panels, layer.lanes, out, self.first + first)

    def whole(self) -> np.ndarray:
        """All of it, as a new array."""
        return self.read(0, np.empty(self.shape, self.dtype))
