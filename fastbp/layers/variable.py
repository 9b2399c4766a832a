"""One weight of a layer as an object: ``layer.kernel``, ``model.weights[0]``."""

from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin


class Variable(NDArrayOperatorsMixin):
    """A weight where it lives: what it reads is the present value, and ``assign`` changes the model.

    It computes like an array of its present value: ``layer.kernel * 2`` and ``np.linalg.norm(layer.kernel)`` are NumPy's.

    Attributes
    ----------
    name : str
        "kernel", "bias".
    path : str
        The layer's name before it: "dense/kernel".
    shape : tuple of int
    trainable : bool
        As the layer's; never for what no gradient changes, as a moving mean.

    Examples
    --------
    >>> import fastbp
    >>> layer = fastbp.Dense(2, kernel_initializer="ones")
    >>> model = fastbp.Sequential([fastbp.Input((3,)), layer])
    >>> layer.kernel.shape, layer.kernel.path
    ((3, 2), 'dense/kernel')
    >>> layer.bias.assign([1.0, 2.0])
    >>> model.predict([[1.0, 1.0, 1.0]])
    array([[4., 5.]], dtype=float32)
    """

    __hash__ = object.__hash__

    def __init__(self, layer: Any, index: int, name: str, shape: tuple[int, ...], learns: bool = True) -> None:
        self._layer, self._index, self.name, self.shape, self._learns = layer, index, name, shape, learns

    @property
    def path(self) -> str:
        return f"{self._layer.name}/{self.name}"

    @property
    def trainable(self) -> bool:
        return self._learns and bool(self._layer.trainable)

    @property
    def dtype(self) -> str:
        return self.numpy().dtype.name

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def value(self) -> np.ndarray:
        return self.numpy()

    def numpy(self) -> np.ndarray:
        """A copy of the present value."""
        array: np.ndarray = self._layer.get_weights()[self._index]
        return array

    @property
    def average(self) -> np.ndarray:
        """The average over the steps that an optimizer with ``use_ema`` keeps; without one the present value."""
        array: np.ndarray = self._layer.averages()[self._index]
        return array

    def assign(self, value: Any) -> None:
        """Replace the value by an array of the same shape, or a number for all of it."""
        arrays = self._layer.get_weights()
        arrays[self._index] = np.broadcast_to(value, self.shape) if np.ndim(value) == 0 else value
        self._layer.set_weights(arrays)

    def assign_add(self, value: Any) -> None:
        """Add to the value."""
        self.assign(self.numpy() + np.asarray(value))

    def assign_sub(self, value: Any) -> None:
        """Subtract from the value."""
        self.assign(self.numpy() - np.asarray(value))

    # -- as an array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.numpy().astype(dtype or self.dtype, copy=False)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **settings: Any) -> Any:
        arrays = [value.numpy() if isinstance(value, Variable) else value for value in inputs]
        return getattr(ufunc, method)(*arrays, **settings)

    def __getitem__(self, key: Any) -> Any:
        return self.numpy()[key]

    def __len__(self) -> int:
        return len(self.numpy())

    def __float__(self) -> float:
        return float(self.numpy())

    def __repr__(self) -> str:
        return f"<Variable {self.path}, shape {self.shape}>"
