"""The shape of a network's input."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .base import Layer
from .settings import batch_shape as checked_batch_shape
from .settings import check_name, sample_shape
from .stages import Stage
from .symbolic import SymbolicTensor


class InputLayer(Layer):
    """The shape of a network's input, so that the network is built before there is data.

    Parameters
    ----------
    shape : tuple of int, or int
        The shape of one sample, without the batch axis. If it has several axes, a ``Flatten`` must come before ``Dense``.
    batch_size : int, optional
        Accepted without effect, as there may be any number of samples.
    dtype : str, optional
        That of data to come; the model computes in its own.
    batch_shape : tuple, optional
        Instead of ``shape``: (None, features).
    input_shape : tuple of int, optional
        Another name of ``shape``.
    name : str, optional

    Examples
    --------
    >>> import fastbp
    >>> fastbp.Sequential([fastbp.layers.InputLayer(shape=(4,)), fastbp.Dense(2)]).count_params()
    10
    """

    kind = "input_layer"
    keeps_axes = True

    def __init__(
        self,
        shape: int | Sequence[int] | None = None,
        batch_size: int | None = None,
        dtype: Any = None,
        batch_shape: Sequence[int | None] | None = None,
        name: str | None = None,
        *,
        input_shape: int | Sequence[int] | None = None,
        batch_input_shape: Sequence[int | None] | None = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        optional: bool = False,
    ) -> None:
        shape, batch_shape = input_shape if shape is None else shape, batch_shape or batch_input_shape
        if (shape is None) == (batch_shape is None):
            raise ValueError(f"give either shape or batch_shape, got shape={shape!r} and batch_shape={batch_shape!r}")
        if sparse or ragged or optional:
            raise ValueError("an Input that is sparse, ragged or optional is not there: it takes arrays of rows")
        sample = sample_shape("shape", shape) if batch_shape is None else checked_batch_shape("batch_shape", batch_shape)
        self._set(_given_name=check_name(name), _sample=sample, _input_dtype=np.dtype(dtype or "float32").name)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return self._sample or ()

    @property
    def batch_shape(self) -> tuple[int | None, ...]:
        """None for the number of samples, and the shape of one."""
        return (None, *self.shape)

    @property
    def units(self) -> int:
        """The number of features of a sample."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> str:
        """That of data to come."""
        return str(vars(self)["_input_dtype"])

    def stages(self, input_units: int) -> tuple[Stage, ...]:
        """None."""
        return ()

    def tensor(self) -> SymbolicTensor:
        """The input as a tensor without numbers."""
        tensor = next(self._alive(), None)
        if tensor is None:
            tensor = SymbolicTensor(self, None, self.shape, self.dtype)
            self.remember(tensor)
        return tensor

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one."""
        return {"batch_shape": list(self.batch_shape), "dtype": self.dtype, "name": self.name}


def Input(  # noqa: N802 (a function that is written like a class, as in Keras)
    shape: int | Sequence[int] | None = None,
    batch_size: int | None = None,
    dtype: Any = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    **settings: Any,
) -> SymbolicTensor:
    """The input of a network as a tensor without numbers: the first of a ``Sequential``, or what layers are called on.

    Parameters
    ----------
    shape, batch_size, dtype, batch_shape, name
        As for ``InputLayer``.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.Input((17,)).shape
    (None, 17)
    >>> x = fastbp.Input(shape=(28, 28))
    >>> model = fastbp.models.Model(x, fastbp.Dense(10)(fastbp.layers.Flatten()(x)))
    >>> model.output_shape
    (None, 10)
    """
    return InputLayer(shape, batch_size, dtype, batch_shape, name, **settings).tensor()
