"""Predictions through fewer layers: a batch normalization upon a linear dense layer is folded into that layer's weights.

With ``s = gamma / sqrt(variance + epsilon)`` the two compute ``x @ (W * s) + (b - mean) * s + beta``, one dense layer. The
folded weights are a copy, made anew when the weights have changed.

A normalization is never folded into the layer above: far from 0, where it takes the difference of its input and the mean, sums
of products with the input itself would have lost the digits that are left of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..activations import linear
from ..kernels import fields as at
from ..kernels.matrix.dots import max_dot_units
from ..layers.stages import Stage
from .parameters import Parameters
from .plans import Plans
from .runner import Runner
from .shapes import Shape
from .state import TrainingState


@dataclass(frozen=True)
class Line:
    """``z * scale + offset`` for each unit of a layer, in float64; the padding is 0."""

    scale: np.ndarray
    offset: np.ndarray

    def then(self, other: "Line") -> "Line":
        return Line(self.scale * other.scale, self.offset * other.scale + other.offset)


def line_of(stage: Stage, weights: np.ndarray) -> Line:
    """What a batch normalization does in predictions, by its weights: a row of each, with the padding."""
    smallest, rows = np.finfo(weights.dtype).tiny, weights.astype(np.float64)
    mean, variance = rows[stage.learnt_vectors], rows[stage.learnt_vectors + 1] + stage.settings[0]
    scale = (rows[0] if stage.learnt_vectors > stage.bias else 1.0) / np.sqrt(np.maximum(variance, smallest))
    offset = (rows[stage.learnt_vectors - 1] if stage.bias else 0.0) - mean * scale
    return Line(scale, offset)


def fold(stages: Sequence[Stage]) -> tuple[list[Stage], list[list[int]]]:
    """The stages that are left, and for each of these the stages that it stands for."""
    left: list[Stage] = []
    sources: list[list[int]] = []
    for i, stage in enumerate(stages):
        if stage.is_random:  # in predictions it does nothing
            continue
        if stage.kind == at.BATCH_NORM and left and left[-1].is_dense and left[-1].activation == linear:
            left[-1] = replace(left[-1], bias=True, activation=stage.activation, rules=(), activity=None)
            sources[-1].append(i)
        else:
            left.append(stage)
            sources.append([i])
    return left, sources


def folds(stages: Sequence[Stage]) -> bool:
    """Whether there is anything to fold."""
    return any(len(sources) > 1 for sources in fold(stages)[1])


class Folded:
    """A network's copy for predictions.

    Parameters
    ----------
    stages : sequence of Stage
    parameters : Parameters
        The network's own, which are read.
    """

    def __init__(self, stages: Sequence[Stage], parameters: Parameters) -> None:
        self._stages, self._source, self._version = stages, parameters, -1
        left, self._sources = fold(stages)
        self.parameters = Parameters(left, parameters.dtype, parameters.shapes[0].lanes)
        self.plans = Plans(left, TrainingState(self.parameters, 0))
        self.runner = Runner(self.plans)

    def refresh(self) -> None:
        """Have the weights be those of the network as they are now."""
        if self._version == self._source.version:
            return
        for target, sources in zip(self.parameters.shapes, self._sources, strict=True):
            if not target.weighted:
                continue
            source, norms = self._source.shapes[sources[0]], sources[1:]
            if norms:
                self._fold(target, source, [line_of(self._stages[i], self._rows(i)) for i in norms])
            else:
                self._part(self.parameters, target)[:] = self._part(self._source, source)
            self._transpose(target)
        self._version = self._source.version

    @staticmethod
    def _part(parameters: Parameters, shape: Shape) -> np.ndarray:
        return parameters.weights[shape.offset : shape.offset + shape.size]

    def _rows(self, i: int) -> np.ndarray:
        """The weights of a kind that has a number for each unit, as rows with their padding."""
        shape = self._source.shapes[i]
        return self._part(self._source, shape).reshape(shape.vectors, -1)

    def _fold(self, target: Shape, source: Shape, lines: Iterable[Line]) -> None:
        """Write the folded panels of a dense layer."""
        first, *others = lines
        for other in others:
            first = first.then(other)
        scale, rows = first.scale.astype(self.parameters.dtype), target.units_in
        old, new = self._part(self._source, source), self._part(self.parameters, target)
        for start, stop, width in same_widths(source):
            columns, lanes = slice(start * source.lanes, stop * source.lanes), width * source.lanes
            shape = -1, source.rows, lanes
            before = old[columns.start * source.rows : columns.stop * source.rows].reshape(shape)
            after = new[columns.start * target.rows : columns.stop * target.rows].reshape(-1, target.rows, lanes)
            np.multiply(before[:, :rows], scale[columns].reshape(-1, 1, lanes), out=after[:, :rows])
            bias = before[:, rows].astype(np.float64) if source.bias else 0.0
            after[:, rows] = bias * first.scale[columns].reshape(-1, lanes) + first.offset[columns].reshape(-1, lanes)

    def _transpose(self, shape: Shape) -> None:
        """The transposed copy where predictions read it: of a layer of few units."""
        if not shape.is_dense or shape.units_out > max_dot_units(self.parameters.dtype):
            return
        kernel = self._part(self.parameters, shape).reshape(shape.rows, -1)[: shape.units_in, : shape.units_out]
        size = shape.transposed_size
        target = self.parameters.transposed[shape.transposed_offset : shape.transposed_offset + size]
        target.reshape(shape.units_out, -1)[:, : shape.units_in] = kernel.T


def same_widths(shape: Shape) -> list[tuple[int, int, int]]:
    """(first vector, last, width) of neighbouring panels of the same width."""
    found: list[tuple[int, int, int]] = []
    for start, width in shape.panels:
        if found and found[-1][2] == width:
            found[-1] = found[-1][0], start + width, width
        else:
            found.append((start, start + width, width))
    return found
