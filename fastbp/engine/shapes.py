"""One layer's sizes and the place of its weights, and matrices in the panels that kernels read."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

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
    for run, columns in _runs(matrix, len(matrix), parts, lanes, target):
        width = columns.shape[1] // len(run)
        for panel, part in _pairs(run, columns, width):
            panel[:] = part
        if padding:
            run[:, :, width:] = 0


def unpack(source: np.ndarray, rows: int, parts: Panels, lanes: int, out: np.ndarray, first: int = 0) -> np.ndarray:
    """Fill ``out`` (some rows, columns) with the rows from ``first`` on of the matrix of ``rows`` rows that ``pack`` wrote."""
    for run, columns in _runs(out, rows, parts, lanes, source):
        some = run[:, first : first + len(out)]
        for panel, part in _pairs(some, columns, columns.shape[1] // len(run)):
            part[:] = panel
    return out


def _runs(
    matrix: np.ndarray, rows: int, parts: Panels, lanes: int, packed: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Panels (panels, rows, columns and padding) that have equally many columns, and those columns of the matrix."""
    start, units = 0, matrix.shape[1]
    widths = [(width * lanes, min(width * lanes, units - v * lanes)) for v, width in parts]
    column = 0
    for (padded, width), run in groupby(widths):
        count = len(list(run))
        size = count * rows * padded
        yield packed[start : start + size].reshape(count, rows, padded), matrix[:, column : column + count * width]
        start, column = start + size, column + count * width


def _pairs(panels: np.ndarray, columns: np.ndarray, width: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each panel without its padding, and its columns."""
    panels, step = panels[:, :, :width], width
    if panels.dtype == columns.dtype and columns.strides[1] == columns.itemsize:
        # A panel's row as one element: rows are short, and NumPy takes twice as long for them number by number.
        row = np.dtype((np.void, width * columns.itemsize))
        panels, columns, step = panels.view(row), columns.view(row), 1
    for i, panel in enumerate(panels):
        yield panel, columns[:, i * step : (i + 1) * step]


def pack_transposed(kernel: np.ndarray, lanes: int, target: np.ndarray) -> None:
    """Write a kernel (inputs, units) as the panels of its transposed copy, or as its rows where the units are few."""
    inputs, units = kernel.shape
    if units <= max_dot_units(target.dtype):
        target.reshape(units, -1)[:, :inputs] = kernel.T
    else:
        pack(kernel.T, panels(-(-inputs // lanes)), lanes, target)
