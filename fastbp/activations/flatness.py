"""Where an activation lets no gradient through, and what it can give: found out by trying, the same way for any formula."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

FLAT = 0.05  # an output is flat where the derivative is smaller than this part of the largest
CENTRE, FAR = 2.0, (10.0, 20.0, 30.0)
GROWTH = 10.0  # times the largest derivative near 0, beyond which an activation has no largest one
STILL = 0.05  # of the range, by which an end moves at most where twice the input gives no more
STEP = 1e-5  # of the central difference


class Flatness(NamedTuple):
    """Which outputs of an activation pass no gradient on.

    Attributes
    ----------
    below : float
        The size of a derivative below which an output is flat; 0 where that does not happen.
    saturates : bool
        Whether outputs become flat at both ends, as tanh's, rather than at one, as relu's.
    """

    below: float
    saturates: bool


NOWHERE = Flatness(0.0, False)


def flatness(function: Callable[[Any], Any]) -> Flatness:
    """Which outputs of a function of each number pass no gradient on.

    Examples
    --------
    >>> import numpy as np
    >>> flatness(np.tanh).saturates
    True
    >>> flatness(lambda z: np.maximum(z, 0.01 * z))
    Flatness(below=0.0, saturates=False)
    """

    def slopes(z: Any) -> np.ndarray:
        z = np.asarray(z, dtype=np.float64)
        with np.errstate(all="ignore"):
            difference = np.asarray(function(z + STEP), np.float64) - np.asarray(function(z - STEP), np.float64)
        return np.abs(np.nan_to_num(difference / (2 * STEP), nan=0.0, posinf=np.inf))

    # Between round numbers, where formulas have their kinks and jumps.
    largest = float(slopes(np.linspace(-CENTRE, CENTRE, 199) + 0.0037).max())
    left, right = slopes(-np.array(FAR)), slopes(FAR)
    if largest == 0 or max(left.max(), right.max()) > GROWTH * largest:
        return NOWHERE
    ends = [bool(end[-1] < FLAT * largest and end[-1] <= end[0] / 2) for end in (left, right)]
    is_open = slopes([-0.25, 0.25]) >= FLAT * largest  # on both sides of 0, where most inputs are
    if not any(ends) and is_open.any():
        return NOWHERE
    return Flatness(FLAT * largest, all(ends) and bool(is_open.all()))


def output_range(function: Callable[[Any], Any]) -> tuple[float, float]:
    """The least and the largest of a function of rows of two numbers; infinite where they still move far from 0.

    Examples
    --------
    >>> import numpy as np
    >>> output_range(np.tanh)
    (-1.0, 1.0)
    >>> output_range(lambda z: np.maximum(z, 0))
    (0.0, inf)
    """
    grid = np.linspace(-1.0, 1.0, 41)
    pairs = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    with np.errstate(all="ignore"):
        inner, near, far = (np.asarray(function(size * pairs), np.float64) for size in (CENTRE, FAR[-1], 2 * FAR[-1]))
    low, high = (float(best([best(values) for values in (inner, near, far)])) for best in (np.nanmin, np.nanmax))
    margin = STILL * (high - low)
    return (
        -np.inf if low < np.nanmin(near) - margin else round(low, 6),
        np.inf if high > np.nanmax(near) + margin else round(high, 6),
    )
