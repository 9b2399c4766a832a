"""Numbers that are not finite: found, and reported with their place."""

import math
from collections.abc import Sequence

import numpy as np

MAX_SQUARED = 1 << 13  # elements; up to here a product of the array with itself is faster than a sum, which may warn
FINITE_BLOCK = 1 << 20  # elements checked at a time when the sum is not finite


def check_finite(argument: str, array: np.ndarray, rows: Sequence[int] | np.ndarray | None = None) -> None:
    """Make sure that all numbers of an array (n, k) are finite. ``rows``: what its rows are called, else 0, 1, ...

    One pass: a sum, or one of squares, is finite only if all its terms are. Finite terms may overflow, so then each is checked.
    """
    if array.size <= MAX_SQUARED and math.isfinite(np.vdot(array, array)):
        return
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.add.reduce(array, axis=None)
    if math.isfinite(total):
        return
    block = max(1, FINITE_BLOCK // array.shape[1])
    for start in range(0, len(array), block):
        finite = np.isfinite(array[start : start + block])
        if not finite.all():
            place, column = np.unravel_index(int(np.argmin(finite)), finite.shape)
            row = start + int(place)
            raise not_finite(argument, array[row, column], array.dtype, row if rows is None else rows[row], int(column))


def not_finite(argument: str, value: object, dtype: np.dtype, row: int, column: int) -> ValueError:
    """The error for a number that is not finite."""
    return ValueError(
        f"{argument} must be finite, got {value} (as {dtype}) at row {row}, column {column}: "
        "clean the data, or pass check_finite=False"
    )
