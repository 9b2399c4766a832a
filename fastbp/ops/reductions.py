"""Functions that go over an axis. In a loss -1 is that of a sample's outputs; for sums and means 0 is that of the samples."""

from typing import Any

import numpy as np

from ..config import EPSILON
from .elementwise import quiet


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A001
    """The sum.

    Parameters
    ----------
    x : array or Node
    axis : int, optional
        All if it is left out.
    keepdims : bool

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.sum([[1.0, 2.0], [3.0, 4.0]], axis=-1)
    array([3., 7.])
    """
    return np.sum(x, axis=axis, keepdims=keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean.

    Parameters
    ----------
    x : array or Node
    axis : int, optional
        All if it is left out.
    keepdims : bool

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.mean([[1.0, 2.0], [3.0, 4.0]], axis=-1)
    array([1.5, 3.5])
    """
    return np.mean(x, axis=axis, keepdims=keepdims)


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A001
    """The largest number.

    Parameters
    ----------
    x : array or Node
    axis : int, optional
        All if it is left out.
    keepdims : bool

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.max([[1.0, 2.0], [3.0, 4.0]], axis=-1)
    array([2., 4.])
    """
    return np.max(x, axis=axis, keepdims=keepdims)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A001
    """The smallest number.

    Parameters
    ----------
    x : array or Node
    axis : int, optional
        All if it is left out.
    keepdims : bool

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.min([[1.0, 2.0], [3.0, 4.0]], axis=-1)
    array([1., 3.])
    """
    return np.min(x, axis=axis, keepdims=keepdims)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean squared distance from the mean.

    Parameters
    ----------
    x : array or Node
    axis : int, optional
        All if it is left out.
    keepdims : bool

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.var([[1.0, 2.0], [3.0, 5.0]], axis=-1)
    array([0.25, 1.  ])
    """
    x = np.asarray(x) if isinstance(x, list | tuple) else x
    return np.mean(np.square(x - np.mean(x, axis=axis, keepdims=True)), axis=axis, keepdims=keepdims)


def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The square root of ``var``.

    Parameters
    ----------
    x : array or Node
    axis : int, optional
        All if it is left out.
    keepdims : bool

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.std([[1.0, 2.0], [3.0, 5.0]], axis=-1)
    array([0.5, 1. ])
    """
    return np.sqrt(var(x, axis, keepdims))


def logsumexp(x: Any, axis: Any = -1, keepdims: bool = False) -> Any:
    """The logarithm of the sum of e^x, also where e^x would overflow.

    Parameters
    ----------
    x : array or Node
    axis : int
    keepdims : bool

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.logsumexp([[1000.0, 1000.0]], axis=-1).round(4)
    array([1000.6931])
    """
    x = np.asarray(x) if isinstance(x, list | tuple) else x
    most = np.max(x, axis=axis, keepdims=True)
    total = np.log(np.sum(np.exp(x - most), axis=axis, keepdims=True)) + most
    return total if keepdims else np.sum(total, axis=axis)


def softmax(x: Any, axis: int = -1) -> Any:
    """e^x over its sum.

    Parameters
    ----------
    x : array or Node
    axis : int

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.softmax([[1000.0, 1000.0]])
    array([[0.5, 0.5]])
    """
    return np.exp(log_softmax(x, axis))


def log_softmax(x: Any, axis: int = -1) -> Any:
    """The logarithm of the softmax.

    Parameters
    ----------
    x : array or Node
    axis : int

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.log_softmax([[0.0, 0.0]]).round(4)
    array([[-0.6931, -0.6931]])
    """
    x = np.asarray(x) if isinstance(x, list | tuple) else x
    return x - logsumexp(x, axis, keepdims=True)


def normalize(x: Any, axis: int = -1) -> Any:
    """x over the root of the sum of its squares; what is all zeros stays.

    Parameters
    ----------
    x : array or Node
    axis : int

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.normalize([[3.0, 4.0]])
    array([[0.6, 0.8]])
    """
    x = np.asarray(x) if isinstance(x, list | tuple) else x
    return quiet(lambda v: v / np.sqrt(np.maximum(np.sum(np.square(v), axis=axis, keepdims=True), EPSILON**2)), x)
