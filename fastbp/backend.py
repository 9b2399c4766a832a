"""``K``: the functions that custom losses and metrics of older Keras code use, and its global settings.

>>> import fastbp
>>> from fastbp import backend as K
>>> def loss(y_true, y_pred):
...     return K.mean(K.square(y_pred - y_true), axis=-1)
>>> model = fastbp.Sequential([fastbp.Input((1,)), fastbp.Dense(1, kernel_initializer="ones")])
>>> model.compile("sgd", loss)
>>> model.evaluate([[1.0]], [3.0], verbose=0)
4.0
"""

from typing import Any

import numpy as np

from . import absent as _absent
from . import ops
from .config import (
    backend,
    clear_session,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from .ops import (
    cast,
    elu,
    expand_dims,
    is_tensor,
    logsumexp,
    max,  # noqa: A004
    mean,
    min,  # noqa: A004
    one_hot,
    shape,
    softmax,
    sparse_categorical_crossentropy,
    squeeze,
    std,
    stop_gradient,
    sum,  # noqa: A004
    var,
)
from .seeds import set_random_seed

abs, square, exp, log, sin, cos, sign = ops.abs, ops.square, ops.exp, ops.log, ops.sin, ops.cos, ops.sign  # noqa: A001
tanh, sigmoid, softplus, softsign, hard_sigmoid = ops.tanh, ops.sigmoid, ops.softplus, ops.softsign, ops.hard_sigmoid
maximum, minimum, equal, not_equal = ops.maximum, ops.minimum, ops.equal, ops.not_equal
less, less_equal, greater, greater_equal = ops.less, ops.less_equal, ops.greater, ops.greater_equal
zeros_like, ones_like, ndim, binary_crossentropy = ops.zeros_like, ops.ones_like, ops.ndim, ops.binary_crossentropy
all, any, argmax, argmin, prod, cumsum = ops.all, ops.any, ops.argmax, ops.argmin, ops.prod, ops.cumsum  # noqa: A001
concatenate, reshape, transpose, dot, zeros, ones, eye = (
    ops.concatenate,
    ops.reshape,
    ops.transpose,
    ops.dot,
    ops.zeros,
    ops.ones,
    ops.eye,
)
round, int_shape = ops.round, shape  # noqa: A001

__all__ = [
    "abs",
    "all",
    "any",
    "argmax",
    "argmin",
    "backend",
    "binary_crossentropy",
    "cast",
    "cast_to_floatx",
    "categorical_crossentropy",
    "clear_session",
    "clip",
    "concatenate",
    "constant",
    "cos",
    "cumsum",
    "dot",
    "elu",
    "epsilon",
    "equal",
    "exp",
    "expand_dims",
    "eye",
    "floatx",
    "get_value",
    "greater",
    "greater_equal",
    "hard_sigmoid",
    "image_data_format",
    "int_shape",
    "is_tensor",
    "l2_normalize",
    "less",
    "less_equal",
    "log",
    "logsumexp",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "ndim",
    "not_equal",
    "one_hot",
    "ones",
    "ones_like",
    "pow",
    "prod",
    "relu",
    "reshape",
    "round",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_random_seed",
    "shape",
    "sigmoid",
    "sign",
    "sin",
    "softmax",
    "softplus",
    "softsign",
    "sparse_categorical_crossentropy",
    "sqrt",
    "square",
    "squeeze",
    "std",
    "stop_gradient",
    "sum",
    "switch",
    "tanh",
    "transpose",
    "var",
    "zeros",
    "zeros_like",
]


def clip(x: Any, min_value: Any, max_value: Any) -> Any:
    """x, but at least ``min_value`` and at most ``max_value``.

    Examples
    --------
    >>> from fastbp import backend as K
    >>> K.clip([-1.0, 0.5], 0.0, 1.0)
    array([0. , 0.5])
    """
    return ops.clip(x, min_value, max_value)


def pow(x: Any, a: Any) -> Any:  # noqa: A001
    """x to the power of a.

    Examples
    --------
    >>> from fastbp import backend as K
    >>> float(K.pow(2.0, 3))
    8.0
    """
    return ops.power(x, a)


def sqrt(x: Any) -> Any:
    """The square root; that of negative numbers is 0, as in Keras's backend.

    Examples
    --------
    >>> from fastbp import backend as K
    >>> K.sqrt([4.0, -1.0])
    array([2., 0.])
    """
    return ops.sqrt(ops.maximum(x, 0.0))


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """x above the threshold and ``alpha (x - threshold)`` below it, at most ``max_value``.

    Examples
    --------
    >>> from fastbp import backend as K
    >>> K.relu([-1.0, 2.0], alpha=0.1)
    array([-0.1,  2. ])
    """
    if alpha == 0.0 and threshold == 0.0:
        found = ops.relu(x)
    else:
        x = ops.convert_to_tensor(x)
        found = ops.where(x >= threshold, x, alpha * (x - threshold))
    return found if max_value is None else ops.minimum(found, max_value)


def l2_normalize(x: Any, axis: int | None = None) -> Any:
    """x over the root of the sum of its squares along an axis.

    Examples
    --------
    >>> from fastbp import backend as K
    >>> K.l2_normalize([[3.0, 4.0]], axis=-1)
    array([[0.6, 0.8]])
    """
    x = ops.convert_to_tensor(x)
    return x / ops.sqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), 1e-12))


def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """``-sum(t log p)`` over the classes of each sample.

    Examples
    --------
    >>> from fastbp import backend as K
    >>> K.categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).round(4)
    array([0.6931])
    """
    if axis not in (-1, 1):
        raise ValueError(f"axis must be -1, the last one, got {axis!r}")
    return ops.categorical_crossentropy(target, output, from_logits)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """One of two values (or what functions of no arguments return) where a condition holds, else the other.

    Examples
    --------
    >>> import numpy
    >>> from fastbp import backend as K
    >>> K.switch(numpy.array([True, False]), numpy.ones(2), numpy.zeros(2))
    array([1., 0.])
    """
    chosen = (value() if callable(value) else value for value in (then_expression, else_expression))
    return ops.where(condition, *chosen)


def constant(value: Any, dtype: str | None = None) -> np.ndarray:
    """An array.

    Examples
    --------
    >>> from fastbp import backend as K
    >>> K.constant([1, 2])
    array([1., 2.], dtype=float32)
    """
    return np.asarray(value, dtype or floatx())


def cast_to_floatx(x: Any) -> Any:
    """x as numbers of the dtype ``floatx()``.

    Examples
    --------
    >>> from fastbp import backend as K
    >>> K.cast_to_floatx([1, 2])
    array([1., 2.], dtype=float32)
    """
    return cast(x, floatx())


def get_value(x: Any) -> Any:
    """x itself: numbers are numbers here, as the ``learning_rate`` of an optimizer.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.backend.get_value(fastbp.Adam(0.01).learning_rate)
    0.01
    """
    return x


__getattr__ = _absent.explain(__name__, _absent.BACKEND)
