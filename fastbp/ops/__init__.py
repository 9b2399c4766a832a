"""Functions with Keras's names, for formulas (custom losses, metrics and activations) and for NumPy arrays.

What is elementwise works on both, and so do ``sum``, ``mean``, ``max`` and the like, in a loss with ``axis=-1``. What makes or
rearranges arrays, as ``ones`` or ``reshape``, is NumPy's function of the same name.

>>> import fastbp
>>> from fastbp import ops
>>> def loss(y_true, y_pred):
...     return ops.mean(ops.square(y_true - y_pred), axis=-1)
>>> model = fastbp.Sequential([fastbp.Input((1,)), fastbp.Dense(1, kernel_initializer="ones")])
>>> model.compile("sgd", loss)
>>> model.evaluate([[1.0]], [3.0], verbose=0)
4.0
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..losses.probability_functions import categorical_crossentropy, entropies, sparse_categorical_crossentropy
from .activation_functions import ACTIVATIONS, gelu, glu, sparsemax
from .arrays import cond, convert_to_numpy, convert_to_tensor, expand_dims, is_tensor, one_hot, shape, squeeze, stop_gradient
from .elementwise import ELEMENTWISE, cast, clip, where
from .reductions import log_softmax, logsumexp, max, mean, min, normalize, softmax, std, sum, var  # noqa: A004

amax, amin, saturate_cast = max, min, cast
globals().update(ELEMENTWISE | ACTIVATIONS)


def _of_numpy(names: str) -> dict[str, Any]:
    return {name: getattr(np, name) for name in names.split()}


_NUMPY = _of_numpy(
    "all any append arange argmax argmin argsort array average bincount broadcast_to ceil concatenate copy count_nonzero "
    "cumprod cumsum diag diff dot einsum empty eye flip floor floor_divide full full_like histogram hstack identity "
    "inner isclose linspace matmul median meshgrid mod moveaxis ndim ones ones_like outer pad percentile prod quantile "
    "ravel repeat reshape roll round searchsorted size sort split stack swapaxes take take_along_axis tensordot tile "
    "transpose tril triu unique vstack zeros zeros_like"
)
globals().update(_NUMPY)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """``-(t log p + (1 - t) log(1 - p))`` for each output; see ``fastbp.losses.binary_crossentropy`` for their mean.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.binary_crossentropy([[1.0, 1.0]], [[0.5, 0.5]]).round(4)
    array([[0.6931, 0.6931]])
    """
    return entropies(target, output, from_logits)


if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...


__all__ = [
    *ACTIVATIONS,
    *ELEMENTWISE,
    *_NUMPY,
    "amax",
    "amin",
    "binary_crossentropy",
    "cast",
    "categorical_crossentropy",
    "clip",
    "cond",
    "convert_to_numpy",
    "convert_to_tensor",
    "expand_dims",
    "gelu",
    "glu",
    "is_tensor",
    "log_softmax",
    "logsumexp",
    "max",
    "mean",
    "min",
    "normalize",
    "one_hot",
    "saturate_cast",
    "shape",
    "softmax",
    "sparsemax",
    "sparse_categorical_crossentropy",
    "squeeze",
    "std",
    "stop_gradient",
    "sum",
    "var",
    "where",
]
