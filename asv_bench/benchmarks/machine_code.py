"""Calls of single kernels, by address, as compiled code makes them."""

import ctypes
from functools import lru_cache

import numpy as np

from .finder import entry, parameters

__all__ = ["address", "aligned_matrix", "aligned_zeros", "kernel"]

address = parameters.address
ALIGNMENT = 64


@lru_cache
def kernel(function, dtype):
    """A VectorFunction as Python calls it: integers in, nothing out. A call costs about a microsecond."""
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * function.arguments)
    return kind(entry(function, dtype))


def aligned_zeros(count, dtype):
    """A zeroed array that begins where vectors like it: its own, since fastbp's was called otherwise in other commits."""
    dtype = np.dtype(dtype)
    raw = np.zeros(count * dtype.itemsize + ALIGNMENT, np.uint8)
    start = -address(raw) % ALIGNMENT
    return raw[start : start + count * dtype.itemsize].view(dtype)


def aligned_matrix(values, row):
    """A copy of a matrix in rows of ``row`` elements, zeros after what is given, aligned for vectors."""
    matrix = aligned_zeros(len(values) * row, values.dtype).reshape(len(values), row)
    matrix[:, : values.shape[1]] = values
    return matrix
