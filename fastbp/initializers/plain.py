"""Random numbers of a given distribution, and constants."""

from __future__ import annotations  # numpy.random takes a while to import

import math
from dataclasses import dataclass

import numpy as np

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
    """Every number is ``value``."""

    value: float = 0.0

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return np.full(shape, self.value)


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
