"""Arrays whose memory kernels work on: where they begin, and new ones that begin where vectors like it."""

from typing import Any

import numpy as np

ALIGNMENT = 128  # bytes: two cache lines, which processors fetch in pairs


def aligned_zeros(count: int, dtype: Any) -> np.ndarray:
    """A zeroed array of ``count`` elements whose first byte lies on a boundary that vectors like."""
    dtype = np.dtype(dtype)
    raw = np.zeros(count * dtype.itemsize + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + count * dtype.itemsize].view(dtype)


def address(array: np.ndarray | None) -> int:
    """Where an array's data begins, as an integer; 0 for no array."""
    return 0 if array is None else array.ctypes.data
