"""Rows of data that does not lie ready in memory: sparse, of another dtype in a file, or behind an object that reads a file."""

import math
from typing import Any, Protocol

import numpy as np

from ..conversion import as_numbers, contiguous
from ..notices import warn_of_large_integers
from .finite import not_finite

MAX_WHOLE_BYTES = 1 << 26  # of data that is read or made dense whole: small data is fastest in memory
MAX_GAP_BYTES = 1 << 16  # of rows that nobody wants, read along with those around them rather than asked for in between

Wanted = slice | np.ndarray  # rows from start to stop, or by their int64 numbers


class Reader(Protocol):
    """What gives rows, in the order asked for."""

    shape: tuple[int, ...]
    dtype: np.dtype
    chunk_bytes: int  # of rows that are best read at a time

    def read(self, argument: str, rows: Wanted, dtype: np.dtype) -> np.ndarray:
        """The rows as a C-contiguous array of ``dtype``."""

    def check_finite(self, argument: str, dtype: np.dtype) -> bool:
        """Make sure that all numbers are finite, where that needs no pass through a file; whether it did."""


class _InPlaces:
    """A reader that goes from the lowest row to the highest, and puts each where it belongs."""

    shape: tuple[int, ...]
    dtype: np.dtype

    def read(self, argument: str, rows: Wanted, dtype: np.dtype) -> np.ndarray:
        if isinstance(rows, slice):
            return contiguous(argument, self._block(argument, rows), dtype)
        by_place = np.argsort(rows, kind="stable")
        found = np.empty((len(rows), *self.shape[1:]), dtype)
        self._fill(argument, found, by_place, rows[by_place])
        return found

    def _block(self, argument: str, rows: slice) -> np.ndarray:
        raise NotImplementedError

    def _fill(self, argument: str, found: np.ndarray, positions: np.ndarray, rows: np.ndarray) -> None:
        """Write rows, in rising order, to positions in ``found``."""
        raise NotImplementedError

    def check_finite(self, argument: str, dtype: np.dtype) -> bool:
        return False


class Mapped(_InPlaces):
    """Rows of an array that maps a file."""

    chunk_bytes = 1 << 23

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def _block(self, argument: str, rows: slice) -> np.ndarray:
        return self.array[rows]

    def _fill(self, argument: str, found: np.ndarray, positions: np.ndarray, rows: np.ndarray) -> None:
        _put(argument, found, positions, self.array[rows])


class Stored(_InPlaces):
    """Rows of an object with ``shape``, ``dtype`` and slices, such as a data set of h5py; it is asked for slices only."""

    chunk_bytes = MAX_WHOLE_BYTES  # the more rows at a time, the nearer to each other they lie

    def __init__(self, stored: Any) -> None:
        self.stored, self.shape, self.dtype = stored, tuple(map(int, stored.shape)), np.dtype(stored.dtype)
        row_bytes = max(1, self.dtype.itemsize * math.prod(self.shape[1:]))
        self.max_gap, self.max_block = max(1, MAX_GAP_BYTES // row_bytes), max(1, MAX_WHOLE_BYTES // row_bytes)  # rows

    def _block(self, argument: str, rows: slice) -> np.ndarray:
        return as_numbers(argument, self.stored[rows])

    def _fill(self, argument: str, found: np.ndarray, positions: np.ndarray, rows: np.ndarray) -> None:
        is_cut = (np.diff(rows) > self.max_gap) | (np.diff(rows // self.max_block) > 0)
        cuts = np.flatnonzero(is_cut) + 1
        for places, near in zip(np.split(positions, cuts), np.split(rows, cuts), strict=True):
            first = int(near[0])
            block = self._block(argument, slice(first, int(near[-1]) + 1))
            _put(argument, found, places, block[near - first])


class Sparse:
    """Rows of a matrix of scipy.sparse, or of what has its methods."""

    chunk_bytes = 1 << 23

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix.tocsr()
        self.shape, self.dtype = tuple(map(int, matrix.shape)), np.dtype(matrix.dtype)
        exact = getattr(self.matrix, "has_canonical_format", False)  # no number is the sum of several
        self.may_convert_first = bool(exact) and self.dtype.kind == "f"

    def read(self, argument: str, rows: Wanted, dtype: np.dtype) -> np.ndarray:
        chosen = self.matrix[rows]
        if self.may_convert_first:
            with np.errstate(all="ignore"):
                chosen = chosen.astype(dtype, copy=False)
        return contiguous(argument, np.asarray(chosen.toarray()), dtype)

    def check_finite(self, argument: str, dtype: np.dtype) -> bool:
        values = contiguous(argument, self.matrix.data, dtype)
        finite = np.isfinite(values)
        if not finite.all():
            at = int(np.argmin(finite))
            row = int(np.searchsorted(self.matrix.indptr, at, side="right")) - 1
            raise not_finite(argument, values[at], dtype, row, int(self.matrix.indices[at]))
        return True


def _put(argument: str, found: np.ndarray, positions: np.ndarray, block: np.ndarray) -> None:
    warn_of_large_integers(argument, block, found.dtype)
    with np.errstate(all="ignore"):
        found[positions] = block


# ------------------------------------------------------------------------------------------------- what is read how


def is_sparse(value: Any) -> bool:
    return hasattr(value, "tocsr") and hasattr(value, "toarray")


def is_stored(value: Any) -> bool:
    """Whether numbers are behind an object that gives slices of them, rather than in memory."""
    if isinstance(value, np.ndarray) or not all(hasattr(value, name) for name in ("shape", "dtype", "__getitem__")):
        return False
    in_memory = ("__dlpack__", "__array_interface__", "to_numpy", "tocsr")  # tensors, arrays, tables, sparse matrices
    if any(hasattr(value, name) for name in in_memory) or not len(value.shape) or None in value.shape:
        return False
    try:
        np.dtype(value.dtype)
    except TypeError:  # a dtype that is not NumPy's
        return False
    return True


def is_mapped(array: Any) -> bool:
    """Whether an array's numbers are in a file that is mapped into memory."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return True
        array = array.base
    return False


def is_large_map(value: Any) -> bool:
    """Whether it is an array in a file that is mapped, too large to be looked through for nothing."""
    return isinstance(value, np.ndarray) and value.nbytes > MAX_WHOLE_BYTES and is_mapped(value)


def reader(argument: str, value: Any, dtype: np.dtype) -> Reader | None:
    """What reads the rows of data that is better not taken whole; None for all other data."""
    if not (is_sparse(value) or is_stored(value) or is_large_map(value)):
        return None
    if dtype.itemsize * math.prod(value.shape) <= MAX_WHOLE_BYTES or np.dtype(value.dtype).kind not in "fiub":
        return None  # what is no numbers gets its error from those who take it whole
    if is_sparse(value):
        return Sparse(value)
    if is_stored(value):
        return Stored(value)
    return None if _is_usable(value, dtype) else Mapped(np.asarray(value))


def in_memory(value: Any) -> Any:
    """The same data as something that NumPy takes for an array."""
    if is_sparse(value):
        return value.toarray()
    if not is_stored(value):
        return value
    return value[0 : value.shape[0] if np.dtype(value.dtype).kind in "fiub" else 1]  # to see what else it is, one row will do


def _is_usable(array: np.ndarray, dtype: np.dtype) -> bool:
    flags = array.flags
    return array.dtype == dtype and flags.c_contiguous and flags.aligned
