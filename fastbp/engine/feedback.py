"""Networks whose errors go back through other matrices than the transposed weights: does the brain learn like that?

A brain has no wires by which the weights of one synapse could get to another one, on the way back. Feedback alignment sends
the errors of each layer back through a fixed random matrix, direct feedback those of the output to each layer, and
sign-symmetry keeps the signs of the weights alone. Forward, and in the gradient of each layer's own weights, all is as usual.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..kernels import fields as at
from ..layers.stages import Stage
from .memory import address, aligned_zeros
from .parameters import Parameters
from .shapes import Shape, pack_transposed


@dataclass(frozen=True, eq=False)
class Feedback:
    """What errors go back through.

    Attributes
    ----------
    matrices : sequence of arrays (inputs, errors)
        For each dense stage, laid out as its kernel is: the gradient with respect to the stage's input is ``error @ matrix.T``.
    is_direct : bool
        Whether the errors are those of the last dense stage, rather than of each stage itself.
    is_signed : bool
        Whether the numbers have the signs of the weights at the time, and only their size is given.
    """

    matrices: Sequence[np.ndarray]
    is_direct: bool = False
    is_signed: bool = False


class FeedbackParameters(Parameters):
    """The flat buffers of a network with feedback of its own.

    Parameters
    ----------
    stages, dtype, lanes
        As for ``Parameters``.
    feedback : Feedback
    """

    has_feedback = True

    def __init__(self, stages: Iterable[Stage], dtype: Any, lanes: int, feedback: Feedback) -> None:
        super().__init__(stages, dtype, lanes)
        self._is_direct, self._is_signed = feedback.is_direct, feedback.is_signed
        dense = [shape for shape in self.shapes if shape.is_dense]
        sizes = [_size(shape, matrix.shape[1]) for shape, matrix in zip(dense, feedback.matrices, strict=True)]
        self.feedback, self._places, first = aligned_zeros("feedback", sum(sizes), self.dtype), dict[int, int](), 0
        for shape, matrix, size in zip(dense, feedback.matrices, sizes, strict=True):
            panels = self.feedback[first : first + size]
            pack_transposed(matrix, lanes, panels)
            self._places[address(self.weights) + shape.offset * self.dtype.itemsize] = address(panels)
            first += size

    def note_written(self) -> None:
        super().note_written()
        if self._is_signed:  # the panels lie as those of the transposed copies do
            self._transpose(self.weights, self.transposed)
            np.copysign(self.feedback, self.transposed, out=self.feedback)

    def route_errors(self, table: np.ndarray, by_feedback: bool) -> None:
        dense = [row for row in table if row[at.KIND] == at.DENSE]
        for row in dense:
            row[at.ERROR], row[at.FEEDBACK] = address(row), row[at.TRANSPOSED]
            if row[at.TRANSPOSED]:  # the first layer passes nothing on
                panels = self._places[int(row[at.WEIGHTS])]
                row[at.SIGNED] = panels if self._is_signed else 0
                if by_feedback:
                    row[at.ERROR], row[at.FEEDBACK] = address(dense[-1] if self._is_direct else row), panels


def _size(shape: Shape, errors: int) -> int:
    """Elements of the panels of a matrix (inputs, errors)."""
    return errors * shape.vectors_in * shape.lanes
