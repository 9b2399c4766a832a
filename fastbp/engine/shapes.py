"""One layer's sizes and the place of its weights, and matrices in the panels that kernels read."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..kernels import fields as at
from ..kernels.matrix.dots import max_dot_units
from ..kernels.matrix.panels import panels
from ..layers.form import Form

Panels = list[tuple[int, int]]  # (first vector of columns, how many)


@dataclass(frozen=True)
class Shape:
    """One layer's sizes and the place of its panels in the flat buffers (in elements).

    ``trainable``: whether it has weights that are differentiated and updated. ``normalizes_batch``: see ``Stage``.
    """

    units_in: int
    units_out: int
    kind: int
    bias: bool
    lanes: int
    offset: int
    transposed_offset: int
    vectors: int = 0
    learnt_vectors: int = 0
    trainable: bool = False
    forms: tuple[Form, ...] = ()
    constants: tuple[tuple[float, ...], ...] = ()
    normalizes_batch: bool = False

    @property
    def is_dense(self) -> bool:
        return self.kind == at.DENSE

    @property
    def learns(self) -> bool:
        return self.trainable

    @property
    def weighted(self) -> bool:
        return self.is_dense or self.rows > 0

    @property
    def arrays(self) -> int:
        """How many arrays its weights are."""
        return 1 + self.bias if self.is_dense else self.vectors

    @property
    def variables(self) -> int:
        """How many of them gradients can change: the first ones."""
        return self.arrays if self.is_dense else self.learnt_vectors

    @property
    def rows(self) -> int:
        """Of the matrix of weights: the kernel's and the bias; or one for each vector; or none."""
        return self.units_in + self.bias if self.is_dense else self.vectors + len(self.constants)

    def _parts(self, matrix: np.ndarray) -> list[np.ndarray]:
        """The arrays that the matrix of weights holds, as views: kernel and bias, or vectors."""
        if not self.is_dense:
            return list(matrix[: self.vectors])
        return [matrix[: self.units_in], *([matrix[self.units_in]] if self.bias else [])]

    def learnt_parts(self, matrix: np.ndarray) -> list[np.ndarray]:
        """Those of the arrays that gradients change, as views."""
        return self._parts(matrix) if self.is_dense else self._parts(matrix)[: self.learnt_vectors]

    def read(self, matrix: np.ndarray) -> list[np.ndarray]:
        """The weights that the matrix holds, as users see them."""
        parts = self._parts(matrix)
        return [form.gather(part) for form, part in zip(self.forms, parts, strict=True)] if self.forms else parts

    def write(self, matrix: np.ndarray, arrays: Iterator[np.ndarray]) -> None:
        """Fill the matrix with the next weights, as ``read`` gives them."""
        for i, part in enumerate(self._parts(matrix)):
            array = next(arrays)
            part[...] = self.forms[i].spread(array) if self.forms else array
        if self.constants:
            matrix[self.vectors :] = self.constants

    @property
    def vectors_in(self) -> int:
        return -(-self.units_in // self.lanes)

    @property
    def vectors_out(self) -> int:
        return -(-self.units_out // self.lanes)

    @property
    def size(self) -> int:
        return self.rows * self.vectors_out * self.lanes

    @property
    def panels(self) -> Panels:
        return panels(self.vectors_out) if self.is_dense else [(0, self.vectors_out)]

    @property
    def transposed_size(self) -> int:
        return self.units_out * self.vectors_in * self.lanes if self.is_dense else 0


def pack(matrix: np.ndarray, parts: Panels, lanes: int, target: np.ndarray, padding: bool = True) -> None:
    """Write a matrix (rows, columns) into panels; the padding becomes zero, or stays as it is."""
    for block, columns in _blocks(matrix, parts, lanes, target):
        width = columns.shape[1]
        block[:, :width] = columns
        if padding:
            block[:, width:] = 0


def unpack(source: np.ndarray, rows: int, columns: int, parts: Panels, lanes: int) -> np.ndarray:
    """The matrix (rows, columns) that ``pack`` wrote, as a new array."""
    matrix = np.empty((rows, columns), source.dtype)
    for block, part in _blocks(matrix, parts, lanes, source):
        part[:] = block[:, : part.shape[1]]
    return matrix


def _blocks(matrix: np.ndarray, parts: Panels, lanes: int, panels: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each panel (rows, its columns and padding), and the columns of the matrix that are in it."""
    start, rows = 0, len(matrix)
    for v, width in parts:
        size = rows * width * lanes
        yield panels[start : start + size].reshape(rows, -1), matrix[:, v * lanes : (v + width) * lanes]
        start += size


def pack_transposed(kernel: np.ndarray, lanes: int, target: np.ndarray) -> None:
    """Write a kernel (inputs, units) as the panels of its transposed copy, or as its rows where the units are few."""
    inputs, units = kernel.shape
    if units <= max_dot_units(target.dtype):
        target.reshape(units, -1)[:, :inputs] = kernel.T
    else:
        pack(kernel.T, panels(-(-inputs // lanes)), lanes, target)
