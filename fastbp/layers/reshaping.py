"""The shape of a network's input."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..arguments import integer
from .base import Layer, check_name
from .stages import Stage


@dataclass(frozen=True, init=False)
class Input:
    """The shape of a network's input, so that the network is built before there is data.

    Parameters
    ----------
    shape : tuple of int, or int
        The shape of one sample, without the batch axis. If it has several axes, ``Flatten`` must follow.
    name : str, optional

    Examples
    --------
    >>> import fastbp
    >>> fastbp.Input((17,)).shape
    (17,)
    >>> fastbp.Input((28, 28)).units
    784
    """

    shape: tuple[int, ...]
    name: str | None

    def __init__(self, shape: int | Sequence[int], name: str | None = None) -> None:
        sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        if not sizes:
            raise ValueError(f"shape must hold at least one number, the features of a sample, as in (17,), got {shape!r}")
        object.__setattr__(self, "shape", tuple(integer("shape", size, 1) for size in sizes))
        object.__setattr__(self, "name", check_name(name))

    @property
    def units(self) -> int:
        """The number of features of a sample."""
        return math.prod(self.shape)


@dataclass(frozen=True, init=False)
class Flatten(Layer):
    """Samples of several axes as rows: as the first layer it takes shapes such as (samples, 28, 28); elsewhere it does nothing.

    Parameters
    ----------
    name : str, optional

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Input((28, 28)), fastbp.layers.Flatten(), fastbp.Dense(10)])
    >>> model.predict(np.zeros((3, 28, 28))).shape
    (3, 10)
    """

    kind = "flatten"
    name: str | None

    def __init__(self, name: str | None = None) -> None:
        self._set(name=check_name(name))

    def stages(self, input_units: int) -> tuple[Stage, ...]:
        """None: rows are flattened where data is checked."""
        return ()
