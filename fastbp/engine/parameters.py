"""A network's parameters as the kernels keep them: one flat buffer of panels, and copies back and forth.

A layer's kernel (in, out) and bias (out,) become panels ``[panel][in + 1][width]``: a few vectors of columns at a time, the
bias as last row, columns padded with zeros to whole vectors. Weights of other kinds, a number for each unit, are padded rows
one after the other. Optimizers do not care about the order of parameters, so they stay like this for good; users see ordinary
arrays.
"""

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from ..layers.stages import Stage
from .memory import address, aligned_zeros, zeros
from .packed import PackedRows
from .shapes import Shape, pack, pack_transposed, unpack


class Parameters:
    """The flat buffers of one network: weights, transposed copies, optimizer state.

    Parameters
    ----------
    stages : sequence of Stage
        What the layers are for kernels, in order.
    dtype : "float32" or "float64"
    lanes : int
        Elements of a vector, as the kernels use them.

    Attributes
    ----------
    version : int
        Another number whenever the weights have changed. Whoever writes them moves it on.
    stale : array of int64
        For each layer, whether its weights have left the transposed copy behind. Kernels that read it bring it up to date.
    has_feedback : bool
        Whether errors go back through other matrices than the transposed weights.
    """

    has_feedback = False

    def __init__(self, stages: Iterable[Stage], dtype: Any, lanes: int) -> None:
        self.dtype, self.version = np.dtype(dtype), 0
        self.shapes: list[Shape] = []
        offset = transposed_offset = 0
        for stage in stages:
            shape = Shape(stage.units_in, stage.units_out, stage.kind, stage.bias, lanes, offset, transposed_offset)
            shape = replace(
                shape,
                vectors=stage.vectors,
                learnt_vectors=stage.learnt_vectors,
                trainable=stage.learns,
                forms=stage.forms,
                constants=stage.constants,
                normalizes_batch=stage.normalizes_batch,
            )
            self.shapes.append(shape)
            offset += shape.size
            transposed_offset += shape.transposed_size
        self.size = offset
        self.weights = aligned_zeros("weights", offset, self.dtype)
        self.transposed = aligned_zeros("transposed", transposed_offset, self.dtype)
        self.stale = zeros("stale", len(self.shapes), np.int64)
        self.feedback = aligned_zeros("feedback", 0, self.dtype)  # panels in the place of the transposed copies: feedback.py
        self.reset_state(0)

    @property
    def weighted(self) -> list[Shape]:
        """The shapes of the layers with weights."""
        return [shape for shape in self.shapes if shape.weighted]

    def set_trainable(self, stages: Iterable[Stage]) -> None:
        """Have those layers' weights differentiated and updated whose stages say so."""
        self.shapes = [
            replace(shape, trainable=stage.learns, normalizes_batch=stage.normalizes_batch)
            for shape, stage in zip(self.shapes, stages, strict=True)
        ]

    def all_trainable(self) -> "Parameters":
        """The same buffers, of layers that are all trainable."""
        other = copy(self)
        other.shapes = [replace(shape, trainable=shape.is_dense or shape.learnt_vectors > 0) for shape in self.shapes]
        return other

    def widened(self) -> "Parameters":
        """The same layout for buffers of float64."""
        other = copy(self)
        other.dtype = np.dtype(np.float64)
        return other

    def without_weights(self, stages: Iterable[Stage]) -> list[Shape]:
        """The shapes of further stages, which have no weights."""
        lanes = self.shapes[0].lanes
        return [Shape(stage.units_in, stage.units_out, stage.kind, False, lanes, 0, 0) for stage in stages]

    def reset_state(self, slots: int, initial: float = 0.0) -> None:
        """Fresh optimizer state; slot 0 starts at ``initial``."""
        self.state = aligned_zeros("optimizer state", slots * self.size, self.dtype)
        self.state_offset = address(self.state) - address(self.weights)
        self.state[: self.size] = initial

    def slot(self, number: int) -> np.ndarray:
        """One array of the optimizer's state."""
        return self.state[number * self.size : (number + 1) * self.size]

    def set_weights(self, weights: Sequence[np.ndarray]) -> None:
        """Take kernels and biases in order."""
        self.fill(self.weights, weights)
        self.note_written()

    def copy_weights(self) -> np.ndarray:
        """A copy of the weights as they lie here."""
        return self.weights.copy()

    def restore_weights(self, copied: np.ndarray) -> None:
        """Return to what ``copy_weights`` gave."""
        self.weights[:] = copied
        self.note_written()

    def note_written(self) -> None:
        """Weights were written: the transposed copies are to follow."""
        self.version += 1
        self.stale[:] = 1

    def _transpose(self, weights: np.ndarray, transposed: np.ndarray) -> None:
        """Write the kernels in a buffer laid out like the weights into one laid out like the transposed copies."""
        for shape, matrix in self._matrices(weights):
            if shape.is_dense:
                target = transposed[shape.transposed_offset : shape.transposed_offset + shape.transposed_size]
                pack_transposed(matrix[: shape.units_in], shape.lanes, target)

    def route_errors(self, table: np.ndarray, by_feedback: bool) -> None:
        """Have the layers of a plan send errors back by what the network learns by, or by the true derivative: one here."""

    def fill(self, buffer: np.ndarray, arrays: Iterable[np.ndarray], padding: bool = True) -> None:
        """Write arrays in ``get_weights`` order into a flat buffer laid out like the weights; padding becomes 0, or stays."""
        remaining = iter(arrays)
        for shape in self.weighted:
            matrix = np.empty((shape.rows, shape.units_out), self.dtype)
            shape.write(matrix, remaining)
            target = buffer[shape.offset : shape.offset + shape.size]
            pack(matrix, shape.panels, shape.lanes, target, padding)

    def _matrices(self, buffer: np.ndarray) -> Iterator[tuple[Shape, np.ndarray]]:
        for shape in self.weighted:
            yield shape, self.matrix(shape, buffer)

    def matrix(self, shape: Shape, buffer: np.ndarray) -> np.ndarray:
        """The matrix of a layer's weights from a flat buffer laid out like the weights."""
        source = buffer[shape.offset : shape.offset + shape.size]
        return unpack(source, shape.rows, shape.panels, shape.lanes, np.empty((shape.rows, shape.units_out), buffer.dtype))

    def arrays(self, buffer: np.ndarray) -> list[np.ndarray]:
        """Kernels and biases, in order, as new arrays from a flat buffer laid out like the weights."""
        return [array.whole() if isinstance(array, PackedRows) else array for array in self.stored(buffer)]

    def stored(self, buffer: np.ndarray) -> list[np.ndarray | PackedRows]:
        """The same, kernels where they are in the buffer: for a file, which is to need no copy of them."""
        found: list[np.ndarray | PackedRows] = []
        for shape in self.weighted:
            if shape.is_dense:
                found.append(PackedRows(shape, buffer, 0, shape.units_in))
                if shape.bias:
                    found.append(PackedRows(shape, buffer, shape.units_in, 1).whole()[0])
            else:
                found += [np.array(part) for part in shape.read(self.matrix(shape, buffer))]
        return found

    # -- the same, as positions in the flat buffers: for those who change all weights often

    def learnt_positions(self) -> np.ndarray:
        """Where the numbers that training changes lie in a buffer laid out like the weights, in ``get_weights`` order."""
        found = [np.zeros(0, np.int64)]
        for shape, matrix in self._matrices(np.arange(self.size)):
            if shape.learns:
                found += [part.ravel() for part in shape.learnt_parts(matrix)]
        return np.concatenate(found)
