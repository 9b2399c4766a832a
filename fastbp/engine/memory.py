"""Arrays whose memory kernels work on: where they begin, and new ones, with a name for FASTBP_DEBUG=1 (guards.py)."""

from ctypes import addressof, c_char
from typing import Any

import numpy as np

from .guards import ALIGNMENT, ENABLED, guarded


def aligned_zeros(name: str, count: int, dtype: Any) -> np.ndarray:
    """A zeroed array of ``count`` elements that begins where vectors like it, on cache lines that hold nothing else."""
    if ENABLED:
        return guarded(name, count, dtype, True)
    dtype = np.dtype(dtype)
    size = count * dtype.itemsize
    raw = np.zeros(size + -size % ALIGNMENT + ALIGNMENT, np.uint8)
    start = -address(raw) % ALIGNMENT
    return raw[start : start + size].view(dtype)


def zeros(name: str, shape: Any, dtype: Any = np.float64) -> np.ndarray:
    """A zeroed array for single numbers."""
    return guarded(name, shape, dtype, True) if ENABLED else np.zeros(shape, dtype)


def empty(name: str, shape: Any, dtype: Any = np.float64) -> np.ndarray:
    """An array that will be written."""
    return guarded(name, shape, dtype, False) if ENABLED else np.empty(shape, dtype)


def address(array: np.ndarray | None) -> int:
    """Where an array's data begins, as an integer; 0 for no array."""
    if array is None:
        return 0
    buffer: Any = array
    try:  # a fourth of the time that NumPy takes to say it
        return addressof(c_char.from_buffer(buffer))
    except (TypeError, ValueError):  # it may not be written, has gaps, or is empty
        return array.ctypes.data
