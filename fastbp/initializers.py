"""Initial weights. An initializer is called as ``initializer(shape, rng, dtype)`` and returns an array.

>>> import numpy as np
>>> from fastbp import initializers
>>> initializers.get("he_normal")((3, 2), np.random.default_rng(0), "float32").shape
(3, 2)
"""

from __future__ import annotations  # numpy.random takes a while to import

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arguments import integer, number, unknown
from .seeds import INITIALIZER, generator

Shape = tuple[int, ...]
Initializer = Callable[[Shape, "np.random.Generator", str], np.ndarray]

# The standard deviation of a standard normal distribution truncated at two standard deviations.
_TRUNCATED_STDDEV = 0.87962566103423978


def _fans(shape: Shape) -> tuple[int, int]:
    """Inputs and outputs of a kernel (in, out) or a bias (out,)."""
    return (shape[0], shape[0]) if len(shape) == 1 else (math.prod(shape[:-1]), shape[-1])


def _truncated_normal(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Standard normal numbers; those beyond 2 are drawn again."""
    values = rng.standard_normal(shape)
    while (beyond := np.abs(values) > 2).any():
        values[beyond] = rng.standard_normal(int(beyond.sum()))
    return values


@dataclass(frozen=True)
class _BuiltIn:
    """An initializer that draws from the model's generator, or from a separate one if it has a ``seed``."""

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: str = "float32") -> np.ndarray:
        seed = getattr(self, "seed", None)
        with np.errstate(all="ignore"):  # numbers too small for the dtype are zero
            return self.draw(shape, rng if seed is None else generator(seed, INITIALIZER)).astype(dtype)

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        raise NotImplementedError

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name == "seed":
                value is None or integer("seed", value, 0)
            elif not isinstance(value, str):
                number(name, value)


@dataclass(frozen=True)
class VarianceScaling(_BuiltIn):
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
    >>> from fastbp import initializers
    >>> initializers.VarianceScaling(2.0, "fan_in") == initializers.get("he_normal")
    True
    """

    scale: float = 1.0
    mode: str = "fan_in"
    distribution: str = "truncated_normal"
    seed: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scale <= 0:
            raise ValueError(f"scale must be more than 0, got {self.scale!r}")
        if self.mode not in (modes := ("fan_in", "fan_out", "fan_avg")):
            raise unknown("mode", self.mode, modes)
        if self.distribution not in (allowed := ("truncated_normal", "untruncated_normal", "uniform")):
            raise unknown("distribution", self.distribution, allowed)

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        fan_in, fan_out = _fans(shape)
        variance = self.scale / {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        if self.distribution == "uniform":
            return rng.uniform(-math.sqrt(3 * variance), math.sqrt(3 * variance), shape)
        if self.distribution == "untruncated_normal":
            return rng.standard_normal(shape) * math.sqrt(variance)
        return _truncated_normal(shape, rng) * (math.sqrt(variance) / _TRUNCATED_STDDEV)


@dataclass(frozen=True)
class RandomUniform(_BuiltIn):
    """Uniformly distributed from ``minval`` to ``maxval``."""

    minval: float = -0.05
    maxval: float = 0.05
    seed: int | None = None

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(self.minval, self.maxval, shape)


@dataclass(frozen=True)
class RandomNormal(_BuiltIn):
    """Normally distributed."""

    mean: float = 0.0
    stddev: float = 0.05
    seed: int | None = None

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return self.mean + self.stddev * rng.standard_normal(shape)


@dataclass(frozen=True)
class TruncatedNormal(_BuiltIn):
    """Normally distributed; numbers more than two ``stddev`` from the mean are drawn again."""

    mean: float = 0.0
    stddev: float = 0.05
    seed: int | None = None

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return self.mean + self.stddev * _truncated_normal(shape, rng)


@dataclass(frozen=True)
class Orthogonal(_BuiltIn):
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


@dataclass(frozen=True)
class Constant(_BuiltIn):
    """Every number is ``value``."""

    value: float = 0.0

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return np.full(shape, self.value)


_NAMES: dict[str, _BuiltIn] = {
    "glorot_uniform": VarianceScaling(1.0, "fan_avg", "uniform"),
    "glorot_normal": VarianceScaling(1.0, "fan_avg"),
    "he_uniform": VarianceScaling(2.0, "fan_in", "uniform"),
    "he_normal": VarianceScaling(2.0, "fan_in"),
    "lecun_uniform": VarianceScaling(1.0, "fan_in", "uniform"),
    "lecun_normal": VarianceScaling(1.0, "fan_in"),
    "variance_scaling": VarianceScaling(),
    "random_uniform": RandomUniform(),
    "uniform": RandomUniform(),
    "random_normal": RandomNormal(),
    "normal": RandomNormal(),
    "truncated_normal": TruncatedNormal(),
    "orthogonal": Orthogonal(),
    "zeros": Constant(0.0),
    "ones": Constant(1.0),
    "constant": Constant(),
}


def get(identifier: Any, argument: str = "initializer") -> Initializer:
    """The initializer that a name or a callable stands for.

    Parameters
    ----------
    identifier : str or callable
        A callable takes (shape, rng, dtype) and returns an array.
    argument : str
        Its name in an error.

    Raises
    ------
    TypeError, ValueError
        If there is no such initializer.

    Examples
    --------
    >>> from fastbp import initializers
    >>> initializers.get("zeros")
    Constant(value=0.0)
    """
    if isinstance(identifier, str):
        spelled = {name.replace("_", ""): name for name in _NAMES}
        name = spelled.get(identifier.lower().replace("_", ""))  # GlorotUniform and glorot_uniform alike
        if name is None:
            raise unknown(argument, identifier, _NAMES)
        return _NAMES[name]
    if isinstance(identifier, type) or not callable(identifier):
        raise TypeError(f"{argument} must be a name or a callable of (shape, rng, dtype), got {identifier!r}")
    chosen: Initializer = identifier
    return chosen
