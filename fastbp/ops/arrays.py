"""Arrays: made, turned into others, taken apart. In formulas only what keeps the samples apart is possible."""

from typing import Any

import numpy as np

from .. import config
from ..graph.tracing.arithmetic import Arithmetic
from ..graph.tracing.errors import trace_error
from .elementwise import cast


def convert_to_tensor(x: Any, dtype: Any = None) -> Any:
    """x as an array; what a formula computes with as it is.

    Parameters
    ----------
    x : number, array or Node
    dtype : str, optional

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.convert_to_tensor([1, 2], "float32")
    array([1., 2.], dtype=float32)
    """
    if dtype is not None:
        return cast(x, dtype)
    return x if isinstance(x, Arithmetic) else np.asarray(x)


def convert_to_numpy(x: Any) -> np.ndarray:
    """x as an array.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.convert_to_numpy([1.0])
    array([1.])
    """
    return np.asarray(x)


def is_tensor(x: Any) -> bool:
    """Whether x is an array, or stands for one in a formula.

    Examples
    --------
    >>> import fastbp, numpy
    >>> fastbp.ops.is_tensor(numpy.zeros(2)), fastbp.ops.is_tensor([0.0])
    (True, False)
    """
    return isinstance(x, Arithmetic | np.ndarray)


def shape(x: Any) -> Any:
    """The shape; in a loss the number of samples is None.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.shape([[1.0, 2.0]])
    (1, 2)
    """
    return np.shape(x)


def expand_dims(x: Any, axis: int) -> Any:
    """x with an axis of length 1 at a place.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.expand_dims([1.0, 2.0], -1).shape
    (2, 1)
    """
    if isinstance(x, Arithmetic) and np.ndim(x) == 1 and axis in (-1, 1):  # of a loss too
        return x[:, None]
    return np.expand_dims(x, axis)


def squeeze(x: Any, axis: Any = None) -> Any:
    """x without axes of length 1.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.squeeze([[1.0], [2.0]], -1)
    array([1., 2.])
    """
    return np.squeeze(x, axis)


def one_hot(x: Any, num_classes: int) -> np.ndarray:
    """Integers as rows with a 1 at their place; rows of zeros for what is out of range.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.one_hot([0, 2], 3)
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    rows: np.ndarray = np.asarray(x)[..., None] == np.arange(num_classes)
    return rows.astype(config.floatx())


def stop_gradient(variable: Any) -> Any:
    """An array as it is; refused in formulas, where all that depends on the arguments is differentiated.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.stop_gradient(1.0)
    1.0
    """
    if isinstance(variable, Arithmetic):
        raise trace_error("A formula cannot stop the gradient.", "Compute such values before fit, as columns of y_true.")
    return variable


def cond(pred: Any, true_fn: Any, false_fn: Any) -> Any:
    """What one of two functions returns; in a formula both are computed, and each sample takes its own.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.cond(True, lambda: 1.0, lambda: 2.0)
    1.0
    """
    if isinstance(pred, Arithmetic):
        return np.where(pred, true_fn(), false_fn())
    return true_fn() if pred else false_fn()
