"""Which rows the members of an ensemble learn from: Breiman 1996, Bagging predictors, Machine Learning 24."""

from typing import Any

import numpy as np

from ..conversion import describe
from ..seeds import BOOTSTRAP, generator


def row_count(x: Any) -> int:
    """How many samples there are in data that has rows."""
    if getattr(x, "shape", None):
        return int(x.shape[0])
    if not hasattr(x, "__len__"):
        raise TypeError(f"x must be data of which rows can be chosen, as an array, got {describe(x)}")
    return len(x)


def bootstrap_rows(seed: int, count: int) -> np.ndarray:
    """As many rows as there are, drawn with replacement.

    Examples
    --------
    >>> rows = bootstrap_rows(0, 1000)
    >>> len(rows), 600 < len(set(rows.tolist())) < 660
    (1000, True)
    """
    rows: np.ndarray = generator(seed, BOOTSTRAP).integers(count, size=count)
    return rows


def out_of_bag(seed: int, count: int, total: int) -> np.ndarray:
    """The rows of ``total`` that ``bootstrap_rows`` has not drawn, in order."""
    unseen = np.ones(total, bool)
    unseen[bootstrap_rows(seed, count)] = False
    return np.flatnonzero(unseen)
