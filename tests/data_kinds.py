"""Data of all kinds that hold the same numbers, each row of which can be told from every other."""

import numpy as np
from scipy import sparse

from fastbp import losses
from fastbp.data import Spec


def numbered(rows, columns, dtype="float32"):
    """An array whose element in row r and column c is r + c / 100, with a zero here and there."""
    array = np.arange(rows)[:, None] + np.arange(columns)[None, :] / 100
    array[(np.arange(rows)[:, None] + np.arange(columns)) % 3 == 0] = 0
    return array.astype(dtype)


def spec(inputs=None, outputs=1, loss="mse", dtype="float32", **settings):
    return Spec(inputs, outputs, np.dtype(dtype), losses.get(loss) if loss else None, **settings)


class Slices:
    """As a data set of h5py: shape, dtype and slices of rows, no fancy indices. It counts the rows it gives."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.given = array, array.shape, array.dtype, 0

    def __getitem__(self, rows):
        assert isinstance(rows, slice) and rows.step is None
        assert 0 <= rows.start <= rows.stop <= len(self.array)
        self.given += rows.stop - rows.start
        return self.array[rows].copy()


def mapped(folder, array, order="C"):
    """The array in a file that is mapped."""
    name = f"{folder}/{array.dtype.str[1:]}-{order}-{len(list(folder.iterdir()))}.bin"
    file = np.memmap(name, array.dtype, "w+", shape=array.shape, order=order)
    file[:] = array
    file.flush()
    return np.memmap(name, array.dtype, "r", shape=array.shape, order=order)


def with_duplicates(array):
    """A sparse matrix in which each number is the sum of two."""
    parts = sparse.coo_matrix(array.astype(float))
    twice = [np.concatenate([part, part]) for part in (parts.row, parts.col)]
    halves = np.concatenate([0.75 * parts.data, 0.25 * parts.data])
    order = np.argsort(twice[0], kind="stable")
    counts = np.concatenate([[0], np.cumsum(np.bincount(twice[0], minlength=len(array)))])
    return sparse.csr_matrix((halves[order], twice[1][order], counts), shape=array.shape)


def h5py_dataset(folder, array):
    import h5py

    file = h5py.File(f"{folder}/data-{len(list(folder.iterdir()))}.h5", "w")
    return file.create_dataset("x", data=array, chunks=(min(7, len(array)), *array.shape[1:]))


# name: makes it of a folder and an array
LAZY = {
    "CSR matrix": lambda folder, a: sparse.csr_matrix(a),
    "CSR array": lambda folder, a: sparse.csr_array(a),
    "CSR of float64": lambda folder, a: sparse.csr_matrix(a.astype("float64")),
    "CSR of sums": lambda folder, a: with_duplicates(a),
    "CSC": lambda folder, a: sparse.csc_matrix(a),
    "COO": lambda folder, a: sparse.coo_array(a),
    "LIL": lambda folder, a: sparse.lil_matrix(a),
    "memmap of float64": lambda folder, a: mapped(folder, a.astype("float64")),
    "memmap in F order": lambda folder, a: mapped(folder, a, "F"),
    "memmap of other byte order": lambda folder, a: mapped(folder, a.astype(">f4")),
    "every other row of a memmap": lambda folder, a: mapped(folder, np.repeat(a, 2, axis=0))[::2],
    "array of a memmap of float64": lambda folder, a: np.asarray(mapped(folder, a.astype("float64"))),
    "slices": lambda folder, a: Slices(a),
    "slices of float64": lambda folder, a: Slices(a.astype("float64")),
    "h5py": h5py_dataset,
}
