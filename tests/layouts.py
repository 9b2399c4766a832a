"""The same numbers laid out in every way that NumPy knows: in another order, apart, out of line, of another byte order."""

import numpy as np


def _apart(array):
    """Elements a page and more from each other."""
    wide = np.full((array.shape[0], 1 + 1100 * array.shape[1]), np.nan if array.dtype.kind == "f" else 77, array.dtype)
    wide[:, 1::1100] = array
    return wide[:, 1::1100]


def _unaligned(array):
    """Elements that begin at odd addresses."""
    raw = np.zeros(array.nbytes + 1, np.uint8)
    target = raw[1:].view(array.dtype).reshape(array.shape) if array.nbytes else array.copy()
    target[...] = array
    return target


def _read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def _part(array):
    """A part of a larger array, with other numbers all round."""
    large = np.full((array.shape[0] + 2, array.shape[1] + 3), 99, array.dtype)
    large[1:-1, 2:-1] = array
    return large[1:-1, 2:-1]


def _of_fields(array):
    """A column of records, as structured arrays have them."""
    records = np.zeros(array.shape, [("flag", "u1"), ("value", array.dtype)])
    records["value"] = array
    return records["value"]


LAYOUTS = {
    "as it is": lambda a: a.copy(),
    "Fortran order": np.asfortranarray,
    "rows backwards": lambda a: a[::-1].copy()[::-1],
    "columns backwards": lambda a: a[:, ::-1].copy()[:, ::-1],
    "both backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "every other row": lambda a: np.repeat(a, 2, axis=0)[::2],
    "every third column": lambda a: np.repeat(a, 3, axis=1)[:, ::3],
    "elements far apart": _apart,
    "unaligned": _unaligned,
    "read-only": _read_only,
    "other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "a part of another": _part,
    "a field of records": _of_fields,
    "transposed twice": lambda a: np.ascontiguousarray(a.T).T,
    "a list": lambda a: a.tolist(),
    "rows in a list": list,
    "a matrix of a subclass": lambda a: a.copy().view(type("Sub", (np.ndarray,), {})),
    "objects": lambda a: a.astype(object),
}
