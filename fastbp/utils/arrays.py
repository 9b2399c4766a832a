"""What prepares arrays for a fit."""

from typing import Any

import numpy as np

from ..arguments import boolean, integer
from ..seeds import SHUFFLE, generator


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """Integer labels as rows with a 1 at the label and zeros elsewhere, for the categorical cross-entropy.

    Parameters
    ----------
    x : array of integers
        From 0 on; an axis of length 1 at the end is left out.
    num_classes : int, optional
        The length of the rows; one more than the largest label if it is left out.

    Returns
    -------
    ndarray of float32
        With an axis for the classes at the end.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.utils.to_categorical([0, 2], num_classes=3)
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    labels = _labels(x)
    most = int(labels.max()) if labels.size else -1
    if num_classes is None:
        if not labels.size:
            raise ValueError("num_classes must be given where x has no labels")
        num_classes = most + 1
    num_classes = integer("num_classes", num_classes, 1)
    if most >= num_classes:
        raise ValueError(f"x must hold labels below num_classes={num_classes}, got {most}")
    rows = np.zeros((labels.size, num_classes), np.float32)
    rows[np.arange(labels.size), labels.ravel()] = 1
    return rows.reshape(*labels.shape, num_classes)


def _labels(x: Any) -> np.ndarray:
    """Labels as integers from 0 on."""
    given = np.asarray(x)
    try:
        numbers = given if given.dtype.kind in "iub" else given.astype(float)
        with np.errstate(invalid="ignore"):
            labels = numbers.astype(np.int64)
    except (TypeError, ValueError):
        raise TypeError(
            f"x must hold integer labels, got {given.dtype}: numpy.unique(x, return_inverse=True)[1] makes them of others"
        ) from None
    wrong = (labels != numbers) | (labels < 0)
    if wrong.any():
        raise ValueError(f"x must hold integer labels from 0 on, got {numbers[wrong].flat[0]}")
    return labels[..., 0] if labels.ndim > 1 and labels.shape[-1] == 1 else labels


def normalize(x: Any, axis: int = -1, order: int | float = 2) -> np.ndarray:
    """x divided by its norm along an axis; what is all zeros stays.

    Parameters
    ----------
    x : array
    axis : int
    order : number
        Of the norm, as ``numpy.linalg.norm`` has it: 2 is the root of the sum of squares.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.utils.normalize([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    array = np.asarray(x)
    array = array if array.dtype.kind == "f" else array.astype(float)
    norm = np.linalg.norm(array, order, axis, keepdims=True)
    return array / np.where(norm == 0, 1, norm)


def split_dataset(
    dataset: Any,
    left_size: int | float | None = None,
    right_size: int | float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
) -> tuple[Any, Any]:
    """Arrays cut into a left and a right part, as for training and testing.

    Parameters
    ----------
    dataset : array, or tuple of arrays of one length
    left_size, right_size : int or float, optional
        How many samples, or what part of them (0 to 1); the rest if one is left out.
    shuffle : bool
        Take the samples in another order.
    seed : int, optional
        Of that order.

    Returns
    -------
    left, right
        Each in the form of ``dataset``.

    Examples
    --------
    >>> import numpy, fastbp
    >>> (x, y), (x_test, y_test) = fastbp.utils.split_dataset((numpy.ones((10, 3)), numpy.ones(10)), left_size=0.8)
    >>> x.shape, y_test.shape
    ((8, 3), (2,))
    """
    is_several = isinstance(dataset, tuple | list)
    arrays = [np.asarray(array) for array in dataset] if is_several else [np.asarray(dataset)]
    if not arrays or any(array.ndim == 0 or len(array) != len(arrays[0]) for array in arrays):
        raise ValueError(f"dataset must be arrays of one length, got shapes {[array.shape for array in arrays]}")
    count = len(arrays[0])
    left, right = (_size(name, size, count) for name, size in (("left_size", left_size), ("right_size", right_size)))
    if left is None and right is None:
        raise ValueError("left_size or right_size must be given, got neither")
    left = count - (right or 0) if left is None else left
    right = count - left if right is None else right
    if left > count or left + right > count:
        raise ValueError(f"left_size and right_size must be {count} samples together at most, got {left} and {right}")
    if boolean("shuffle", shuffle):
        order = generator(None if seed is None else integer("seed", seed, 0), SHUFFLE).permutation(count)
        arrays = [array[order] for array in arrays]
    parts = [array[:left] for array in arrays], [array[left : left + right] for array in arrays]
    first, second = (type(dataset)(part) if is_several else part[0] for part in parts)
    return first, second


def _size(name: str, size: Any, count: int) -> int | None:
    """A number of samples."""
    if size is None:
        return None
    if isinstance(size, float | np.floating):
        if not 0 <= size <= 1:
            raise ValueError(f"{name} must be from 0 to 1 where it is a part, got {size!r}")
        return round(float(size) * count)
    return integer(name, size, 0)
