"""What errors go back through in a model that does not learn by backpropagation."""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import unknown
from ..layers import Layer
from ..layers.base import Weight
from ..seeds import FEEDBACK, generator

if TYPE_CHECKING:
    from ..engine.feedback import Feedback

ALIGNMENT, DIRECT, SIGN = FEEDBACKS = ("alignment", "direct", "sign")


def check_feedback(value: Any) -> str | None:
    """A kind of feedback; None for backpropagation."""
    if value is not None and value not in FEEDBACKS:
        raise unknown("feedback", value, FEEDBACKS)
    return None if value is None else str(value)


def draw_matrices(kind: str, layers: Iterable[Layer], units: int, seed: int) -> list[np.ndarray]:
    """A matrix (inputs, errors) for each dense layer of a chain whose input has ``units``.

    Its numbers are uniform and as large as those of the layer's kernel at first, by the mean of their squares; for "sign" all
    are that size.
    """
    random, kernels, found = generator(seed, FEEDBACK), _kernels(layers, units), []
    for kernel, (inputs, errors) in zip(kernels, _shapes(kind, kernels), strict=True):
        size = _root_mean_square(kernel.initializer(kernel.shape, random, "float64"))
        if not 0 < size < math.inf:  # zeros learn too, but nothing comes through zeros
            size = math.sqrt(2 / sum(kernel.shape))
        limit = math.sqrt(3) * size
        matrix = np.full((inputs, errors), size) if kind == SIGN else random.uniform(-limit, limit, (inputs, errors))
        found.append(matrix)
    return found


def matrix_shapes(kind: str, layers: Iterable[Layer], units: int) -> list[tuple[int, int]]:
    """The shapes of the matrices that ``draw_matrices`` gives."""
    return _shapes(kind, _kernels(layers, units))


def _kernels(layers: Iterable[Layer], units: int) -> list[Weight]:
    kernels = []
    for layer in layers:
        if any(stage.is_dense for stage in layer.stages(units)):
            kernels.append(layer.weight_specs(units)[0])
        units = layer.output_units(units) or 0
    return kernels


def _shapes(kind: str, kernels: Sequence[Weight]) -> list[tuple[int, int]]:
    return [(kernel.shape[0], (kernels[-1] if kind == DIRECT else kernel).shape[1]) for kernel in kernels]


def _root_mean_square(array: Any) -> float:
    return float(np.sqrt(np.mean(np.square(np.asarray(array, dtype=float)))))


def engine_feedback(kind: str | None, matrices: Sequence[np.ndarray] | None) -> "Feedback | None":
    """The feedback as the engine takes it."""
    if matrices is None:
        return None
    from ..engine.feedback import Feedback  # and with it Numba

    return Feedback(matrices, is_direct=kind == DIRECT, is_signed=kind == SIGN)


def angle(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> float:
    """The angle between two lists of arrays of the same shapes, in degrees; NaN where all of one are zero.

    By Kahan's formula, which keeps its digits near 0 and 180 degrees.
    """
    a, b = (np.concatenate([np.ravel(array) for array in arrays]).astype(float) for arrays in (one, other))
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    if 0 in lengths:
        return math.nan
    a, b = a / lengths[0], b / lengths[1]
    return math.degrees(2 * math.atan2(np.linalg.norm(a - b), np.linalg.norm(a + b)))
