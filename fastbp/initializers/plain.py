"""Random numbers of a given distribution, and constants."""

from __future__ import annotations  # numpy.random takes a while to import

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arguments import number
from ..keywords import keywords
from .base import KEYWORDS, BuiltIn, Shape

# The standard deviation of a standard normal distribution truncated at two standard deviations.
TRUNCATED_STDDEV = 0.87962566103423978


def truncated_normal(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Standard normal numbers; those beyond 2 are drawn again."""
    values = rng.standard_normal(shape)
    while (beyond := np.abs(values) > 2).any():
        values[beyond] = rng.standard_normal(int(beyond.sum()))
    return values


@keywords(KEYWORDS)
@dataclass(frozen=True)
class RandomUniform(BuiltIn):
    """Uniformly distributed from ``minval`` to ``maxval``."""

    minval: float = -0.05
    maxval: float = 0.05
    seed: int | None = None

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(self.minval, self.maxval, shape)


@keywords(KEYWORDS)
@dataclass(frozen=True)
class RandomNormal(BuiltIn):
    """Normally distributed."""

    mean: float = 0.0
    stddev: float = 0.05
    seed: int | None = None

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return self.mean + self.stddev * rng.standard_normal(shape)


class TruncatedNormal(RandomNormal):
    """Normally distributed; numbers more than two ``stddev`` from the mean are drawn again."""

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return self.mean + self.stddev * truncated_normal(shape, rng)


@keywords(KEYWORDS)
@dataclass(frozen=True)
class Orthogonal(BuiltIn):
    """``gain`` times a matrix of orthonormal rows or columns, whichever are fewer (Saxe et al. 2014, arXiv:1312.6120)."""

    gain: float = 1.0
    seed: int | None = None

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        if len(shape) < 2:
            raise ValueError(f"orthogonal initializes kernels, of two dimensions, got shape {shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
        q *= np.sign(np.diag(r))  # makes every orthogonal matrix equally likely
        return self.gain * (q if rows >= columns else q.T).reshape(shape)


@keywords(KEYWORDS)
@dataclass(frozen=True)
class Constant(BuiltIn):
    """Every number is ``value``, or an array is, perhaps repeated along its first axes.

    Examples
    --------
    >>> import fastbp
    >>> bias = fastbp.initializers.Constant([1.0, -1.0])
    >>> fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(2, bias_initializer=bias)]).get_weights()[1]
    array([ 1., -1.], dtype=float32)
    """

    value: Any = 0.0

    def __post_init__(self) -> None:
        if np.ndim(self.value):
            object.__setattr__(self, "value", _numbers(np.asarray(self.value)))
        else:
            number("value", self.value)

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        try:
            return np.broadcast_to(self.value, shape)
        except ValueError:
            of = f"an array of shape {np.shape(self.value)}"
            raise ValueError(f"value must be a number or an array for weights of shape {shape}, got {of}") from None


def _numbers(array: np.ndarray) -> Any:
    """An array as tuples."""
    if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
        raise ValueError(f"value must be a finite number or an array of such, got {array!r}")
    return _tuples(array.astype(float).tolist())


def _tuples(values: Any) -> Any:
    return tuple(map(_tuples, values)) if isinstance(values, list) else values


class Zeros(BuiltIn):
    """Every number is 0."""

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return np.zeros(shape)


class Ones(BuiltIn):
    """Every number is 1."""

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return np.ones(shape)


@keywords(KEYWORDS)
@dataclass(frozen=True)
class Identity(BuiltIn):
    """``gain`` times the identity matrix; where a kernel is not square, the rest is 0."""

    gain: float = 1.0

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        if len(shape) != 2:
            raise ValueError(f"identity initializes kernels, of two dimensions, got shape {shape}")
        return self.gain * np.eye(*shape)
