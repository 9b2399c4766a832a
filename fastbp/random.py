"""Random arrays with Keras's names, from NumPy's generators: other numbers than Keras's, of the same distributions.

>>> import fastbp
>>> fastbp.random.uniform((2, 3), seed=1).shape
(2, 3)
"""

from __future__ import annotations  # numpy.random takes a while to import

from typing import Any

import numpy as np

from . import absent as _absent
from .arguments import integer
from .config import floatx
from .initializers import RandomNormal, RandomUniform, TruncatedNormal
from .seeds import INITIALIZER, generator, set_random_seed

__all__ = ["SeedGenerator", "normal", "randint", "set_random_seed", "shuffle", "truncated_normal", "uniform"]


class SeedGenerator:
    """Seeds one after the other, for functions that take ``seed=``: each call with it gets the next.

    Parameters
    ----------
    seed : int, optional

    Examples
    --------
    >>> import fastbp
    >>> seeds = fastbp.random.SeedGenerator(1)
    >>> bool((fastbp.random.normal((3,), seed=seeds) == fastbp.random.normal((3,), seed=seeds)).any())
    False
    """

    def __init__(self, seed: int | None = None) -> None:
        self._generator = generator(None if seed is None else integer("seed", seed, 0), INITIALIZER)

    def next(self) -> int:
        """The next seed."""
        return int(self._generator.integers(2**32))


def _generator(seed: int | SeedGenerator | None) -> np.random.Generator:
    if isinstance(seed, SeedGenerator):
        seed = seed.next()
    return generator(None if seed is None else integer("seed", seed, 0), INITIALIZER)


def normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: str | None = None, seed: int | SeedGenerator | None = None
) -> np.ndarray:
    """Normally distributed numbers.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.random.normal((2, 3), seed=1).dtype
    dtype('float32')
    """
    return RandomNormal(mean, stddev)(shape, _generator(seed), dtype or floatx())


def uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: str | None = None, seed: int | SeedGenerator | None = None
) -> np.ndarray:
    """Uniformly distributed numbers.

    Examples
    --------
    >>> import fastbp
    >>> bool((fastbp.random.uniform((2, 3)) < 1).all())
    True
    """
    return RandomUniform(minval, maxval)(shape, _generator(seed), dtype or floatx())


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: str | None = None, seed: int | SeedGenerator | None = None
) -> np.ndarray:
    """Normally distributed numbers, none further than two ``stddev`` from the mean.

    Examples
    --------
    >>> import fastbp
    >>> bool((abs(fastbp.random.truncated_normal((2, 3))) <= 2).all())
    True
    """
    return TruncatedNormal(mean, stddev)(shape, _generator(seed), dtype or floatx())


def randint(shape: Any, minval: int, maxval: int, dtype: str = "int32", seed: int | SeedGenerator | None = None) -> np.ndarray:
    """Whole numbers from ``minval`` to ``maxval - 1``.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.random.randint((2,), 3, 4)
    array([3, 3], dtype=int32)
    """
    return _generator(seed).integers(minval, maxval, tuple(shape)).astype(dtype)


def shuffle(x: Any, axis: int = 0, seed: int | SeedGenerator | None = None) -> np.ndarray:
    """A copy of x in another order along an axis.

    Examples
    --------
    >>> import fastbp
    >>> sorted(fastbp.random.shuffle([1, 2, 3]).tolist())
    [1, 2, 3]
    """
    return _generator(seed).permutation(np.asarray(x), axis)


__getattr__ = _absent.explain(__name__, _absent.RANDOM)
