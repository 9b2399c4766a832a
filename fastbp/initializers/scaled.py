"""Random numbers whose variance fits the size of the layer."""

from __future__ import annotations  # numpy.random takes a while to import

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..arguments import unknown
from ..keywords import keywords
from .base import KEYWORDS, BuiltIn, Shape
from .plain import TRUNCATED_STDDEV, truncated_normal


def _fans(shape: Shape) -> tuple[int, int]:
    """Inputs and outputs of a kernel (in, out) or a bias (out,)."""
    return (shape[0], shape[0]) if len(shape) == 1 else (math.prod(shape[:-1]), shape[-1])


class _Scaled(BuiltIn):
    """Random numbers whose variance fits the layer's size."""

    scale: ClassVar[Any]
    mode: ClassVar[Any]
    distribution: ClassVar[Any] = "truncated_normal"

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        fan_in, fan_out = _fans(shape)
        variance = self.scale / {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        if self.distribution == "uniform":
            return rng.uniform(-math.sqrt(3 * variance), math.sqrt(3 * variance), shape)
        if self.distribution == "untruncated_normal":
            return rng.standard_normal(shape) * math.sqrt(variance)
        return truncated_normal(shape, rng) * (math.sqrt(variance) / TRUNCATED_STDDEV)


@keywords(KEYWORDS)
@dataclass(frozen=True)
class VarianceScaling(_Scaled):
    """Random numbers of variance ``scale / n``, where ``mode`` says what n is.

    Parameters
    ----------
    scale : float
    mode : {"fan_in", "fan_out", "fan_avg"}
        A layer's inputs, outputs or their mean.
    distribution : {"truncated_normal", "untruncated_normal", "uniform"}
    seed : int, optional

    Examples
    --------
    >>> import numpy as np
    >>> from fastbp import initializers
    >>> he_normal, same = initializers.HeNormal(seed=0), initializers.VarianceScaling(2.0, "fan_in", seed=0)
    >>> bool((he_normal((3, 2)) == same((3, 2))).all())
    True
    """

    scale: float = 1.0  # type: ignore[misc]  # a class variable for the named ones
    mode: str = "fan_in"  # type: ignore[misc]
    distribution: str = "truncated_normal"  # type: ignore[misc]
    seed: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scale <= 0:
            raise ValueError(f"scale must be more than 0, got {self.scale!r}")
        if self.mode not in (modes := ("fan_in", "fan_out", "fan_avg")):
            raise unknown("mode", self.mode, modes)
        if self.distribution not in (allowed := ("truncated_normal", "untruncated_normal", "uniform")):
            raise unknown("distribution", self.distribution, allowed)


@keywords(KEYWORDS)
@dataclass(frozen=True)
class _Named(_Scaled):
    """One whose name says all but the seed."""

    seed: int | None = None


class GlorotUniform(_Named):
    """Uniform in ``+-sqrt(6 / (inputs + outputs))``."""

    scale, mode, distribution = 1.0, "fan_avg", "uniform"


class GlorotNormal(_Named):
    """Truncated normal of variance ``2 / (inputs + outputs)``."""

    scale, mode = 1.0, "fan_avg"


class HeUniform(_Named):
    """Uniform in ``+-sqrt(6 / inputs)``."""

    scale, mode, distribution = 2.0, "fan_in", "uniform"


class HeNormal(_Named):
    """Truncated normal of variance ``2 / inputs``."""

    scale, mode = 2.0, "fan_in"


class LecunUniform(_Named):
    """Uniform in ``+-sqrt(3 / inputs)``."""

    scale, mode, distribution = 1.0, "fan_in", "uniform"


class LecunNormal(_Named):
    """Truncated normal of variance ``1 / inputs``."""

    scale, mode = 1.0, "fan_in"
