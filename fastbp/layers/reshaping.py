"""Layers that change the shape of samples, or say it. Rows stay as they are: they are made where data is checked."""

import math
from collections.abc import Sequence
from typing import Unpack

from ..arguments import integer
from .base import Layer
from .settings import Common
from .stages import Stage


class Flatten(Layer):
    """Samples of several axes as rows: shapes such as (samples, 28, 28) become (samples, 784).

    Parameters
    ----------
    data_format : {"channels_last"}, optional
        The order of the numbers in a row is that in memory.
    **settings
        ``name`` and the others of every ``Layer``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.layers.Flatten(input_shape=(28, 28)), fastbp.Dense(10)])
    >>> model.predict(np.zeros((3, 28, 28))).shape
    (3, 10)
    """

    kind = "flatten"
    makes_rows = True
    data_format: str | None

    def __init__(self, data_format: str | None = None, **settings: Unpack[Common]) -> None:
        super().__init__(**settings)
        if data_format not in (None, "channels_last"):
            raise ValueError(f"data_format must be 'channels_last', the order in memory, got {data_format!r}")
        self._set(data_format=data_format)

    def output_sample(self, sample: tuple[int, ...]) -> tuple[int, ...]:
        """All numbers of a sample in a row."""
        return (math.prod(sample),)

    def stages(self, input_units: int) -> tuple[Stage, ...]:
        """None: the numbers stay where they are."""
        return ()


class Reshape(Layer):
    """Samples in another shape with the same numbers. Before the next ``Dense`` they must be rows again.

    Parameters
    ----------
    target_shape : tuple of int
        Of a sample; one of the sizes may be -1, which is what is left over.
    **settings
        ``name`` and the others of every ``Layer``.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.layers.Reshape((-1,))(fastbp.Input((4, 3))).shape
    (None, 12)
    """

    kind = "reshape"
    makes_rows = True
    target_shape: tuple[int, ...]

    def __init__(self, target_shape: Sequence[int], **settings: Unpack[Common]) -> None:
        super().__init__(**settings)
        if not isinstance(target_shape, tuple | list) or not target_shape or list(target_shape).count(-1) > 1:
            raise ValueError(f"target_shape must be a tuple of sizes, at most one of them -1, got {target_shape!r}")
        self._set(target_shape=tuple(-1 if n == -1 else integer("target_shape", n, 1) for n in target_shape))

    def output_sample(self, sample: tuple[int, ...]) -> tuple[int, ...]:
        """The target shape, with the size that is left over."""
        known, total = math.prod(size for size in self.target_shape if size != -1), math.prod(sample)
        if total % known or (-1 not in self.target_shape and total != known):
            wanted = f"target_shape must hold the {total} numbers of a sample of shape {sample}"
            raise ValueError(f"{wanted}, got {self.target_shape}")
        return tuple(total // known if size == -1 else size for size in self.target_shape)

    def stages(self, input_units: int) -> tuple[Stage, ...]:
        """None: the numbers stay where they are."""
        return ()


class Identity(Layer):
    """The input as it is.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.layers.Identity()(fastbp.Input((4,))).shape
    (None, 4)
    """

    kind = "identity"
    keeps_axes = True

    def stages(self, input_units: int) -> tuple[Stage, ...]:
        """None."""
        return ()
