"""Tensors without numbers: what layers are called on to say how they follow each other."""

import math
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

LATER = "directed graphs of layers come later; a network is a chain from one Input to one output now"


class SymbolicTensor:
    """The output of a layer, for data that will come: a shape, a dtype and where it comes from.

    Attributes
    ----------
    shape : tuple
        (None, features), None for the number of samples.
    dtype : str
    name : str
    layer : Layer
        The layer whose output it is.
    source : SymbolicTensor or None
        What that layer was called on; None for an Input.
    training : bool or None
        What the layer was called with.

    Examples
    --------
    >>> import fastbp
    >>> x = fastbp.Input((4,))
    >>> fastbp.Dense(3)(x).shape
    (None, 3)
    """

    through_activation: ClassVar[Callable[["SymbolicTensor", Any], "SymbolicTensor"]]  # set by activation.py

    __array_ufunc__ = None  # operators of arrays leave it to this class to refuse
    __hash__ = object.__hash__

    def __init__(
        self,
        layer: Any,
        source: "SymbolicTensor | None",
        shape: tuple[int, ...],
        dtype: str = "float32",
        training: bool | None = None,
    ) -> None:
        self.layer, self.source, self.dtype, self.training = layer, source, dtype, training
        self.shape: tuple[int | None, ...] = (None, *shape)
        self.sample_shape = shape

    @property
    def name(self) -> str:
        return str(self.layer.name)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def units(self) -> int:
        """The number of features of a sample."""
        return math.prod(self.sample_shape)

    def chain(self) -> "list[SymbolicTensor]":
        """This tensor and all before it, the first first."""
        found = [self]
        while found[-1].source is not None:
            found.append(found[-1].source)
        return found[::-1]

    def __repr__(self) -> str:
        return f"<SymbolicTensor {self.name!r}, shape {self.shape}, {self.dtype}>"

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(f"{self!r} has no numbers: call model.predict(x) for the output on data")

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(f"{self!r} has no numbers to go through")

    def __len__(self) -> int:
        raise TypeError(f"{self!r} has no length: the number of samples is not known before there is data")

    def __bool__(self) -> bool:
        raise TypeError(f"{self!r} has no numbers, so it is neither true nor false")

    def _refuse(self, *_: Any) -> Any:
        raise TypeError(f"{self!r} has no numbers to compute with: {LATER}")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __matmul__ = __rmatmul__ = __pow__ = __rpow__ = __neg__ = __abs__ = __getitem__ = _refuse


def refuse_several(what: str, tensors: Any) -> None:
    """The error for several tensors where a chain has one."""
    raise ValueError(f"{what} must be one tensor, got {type(tensors).__name__} of {len(tensors)}: {LATER}")
