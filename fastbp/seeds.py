"""Random streams, each from a seed and a purpose, so that no two uses of one seed get the same numbers.

Data made with ``default_rng(seed)`` and weights drawn from ``default_rng(seed)`` would be the same numbers.
"""

from __future__ import annotations  # numpy.random takes a while to import

import numpy as np

WEIGHTS, SHUFFLE, INITIALIZER, FORMULA = range(4)  # what a stream is for
_FASTBP = int.from_bytes(b"fastbp", "big")


def generator(seed: int | None, purpose: int) -> np.random.Generator:
    """The stream of a seed for a purpose; without a seed, a new one at every call.

    Examples
    --------
    >>> import numpy as np
    >>> bool(generator(0, WEIGHTS).normal() == generator(0, WEIGHTS).normal())
    True
    >>> bool(generator(0, WEIGHTS).normal() == np.random.default_rng(0).normal())
    False
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_FASTBP, purpose)))


def shuffle_seed(seed: int | None, purpose: int) -> int:
    """The seed of the kernels' shuffle."""
    return int(generator(seed, purpose).integers(2**63))
