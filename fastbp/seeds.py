"""Random streams, each from a seed and a purpose, so that no two uses of one seed get the same numbers.

Data made with ``default_rng(seed)`` and weights drawn from ``default_rng(seed)`` would be the same numbers.
"""

from __future__ import annotations  # numpy.random takes a while to import

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from .arguments import integer

WEIGHTS, SHUFFLE, INITIALIZER, FORMULA, NOISE, FEEDBACK, MEMBERS, BOOTSTRAP = range(8)  # what a stream is for
_FASTBP = int.from_bytes(b"fastbp", "big")
_Streams = Iterator[tuple[int, int]]  # what stands for a seed that is not given, and the number of the stream
_default: _Streams | None = None
_of_block: ContextVar[_Streams | None] = ContextVar("streams", default=None)  # it goes before


def generator(seed: int | None, purpose: int) -> np.random.Generator:
    """The stream of a seed for a purpose; without a seed, a new one at every call (see ``set_random_seed``).

    Examples
    --------
    >>> import numpy as np
    >>> bool(generator(0, WEIGHTS).normal() == generator(0, WEIGHTS).normal())
    True
    >>> bool(generator(0, WEIGHTS).normal() == np.random.default_rng(0).normal())
    False
    """
    key: tuple[int, ...] = (_FASTBP, purpose)
    streams = (_of_block.get() or _default) if seed is None else None
    if streams is not None:
        seed, number = next(streams)
        key = (*key, number)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def shuffle_seed(seed: int | None, purpose: int) -> int:
    """The seed of the kernels' shuffle."""
    return int(generator(seed, purpose).integers(2**63))


def noise_seed(seed: int, number: int) -> int:
    """The seed of a layer's noise, as a 64-bit integer with a sign; ``number``: which one of the random layers it is."""
    sequence = np.random.SeedSequence(seed, spawn_key=(_FASTBP, NOISE, number))
    return int(np.random.default_rng(sequence).integers(-(2**63), 2**63))


def spawned(seed: int, number: int) -> int:
    """The seed of one of several that do the same at once, each by other random numbers; the first has the seed itself."""
    if number == 0:
        return seed
    return int(np.random.default_rng(np.random.SeedSequence(seed % 2**64, spawn_key=(_FASTBP, number))).integers(2**63))


@contextmanager
def seeding(seed: int) -> Iterator[None]:
    """A block in which what this thread makes without a seed of its own follows from this one.

    Examples
    --------
    >>> def draw():
    ...     with seeding(3):
    ...         return generator(None, WEIGHTS).normal()
    >>> draw() == draw()
    True
    """
    token = _of_block.set(_streams(seed))
    try:
        yield
    finally:
        _of_block.reset(token)


def _streams(seed: int) -> _Streams:
    return zip(itertools.repeat(seed), itertools.count(), strict=False)


def set_random_seed(seed: int) -> None:
    """Seed Python's ``random``, NumPy's global generator, and whatever fastbp makes from now on without a seed of its own.

    Models that are made after it in the same order get the same weights and shuffling, each of them others.

    Parameters
    ----------
    seed : int
        From 0 to 2**32 - 1, as NumPy's global generator takes it.

    Examples
    --------
    >>> import fastbp
    >>> def first_weight():
    ...     fastbp.utils.set_random_seed(1)
    ...     return fastbp.Sequential([fastbp.Input((1,)), fastbp.Dense(1)]).get_weights()[0]
    >>> bool(first_weight() == first_weight())
    True
    """
    import random

    global _default
    seed = integer("seed", seed, 0)
    if seed >= 2**32:
        raise ValueError(f"seed must be less than 2**32, got {seed}")
    random.seed(seed)
    np.random.seed(seed)
    _default = _streams(seed)
