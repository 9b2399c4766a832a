"""Units by means and variances that are known, or that data tells: Normalization."""

import math
from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from .. import initializers
from ..arguments import boolean, integer
from ..config import floatx
from ..conversion import as_numbers
from ..data.row_batches import row_batches
from .base import Layer, Weight
from .form import Form, sample_axes
from .moments import Moments
from .settings import Common
from .stages import Stage, affine
from .store import AtRest
from .variable import Variable

Sample = tuple[int, ...]


class Normalization(Layer):
    """``(x - mean) / sqrt(variance)``, so that inputs of any scale are about 0 and about as large as 1; with ``invert``
    the way back. A standard deviation is at least 1e-7.

    Mean and variance are given, or are those of the data that ``adapt`` has looked at: before that 0 and 1. Training leaves
    them as they are.

    Parameters
    ----------
    axis : int, tuple of int or None
        The axes of the data that have means of their own: -1, each unit, or of samples of several axes each place along the
        last. None: one mean and variance for all numbers.
    mean, variance : float or array-like, optional
        Both, or none. They have the shape of the axes, or one that can be broadcast to it.
    invert : bool
        Whether it multiplies and adds instead: the last layer of a model whose targets were normalized.
    **settings
        ``name`` and the others of every ``Layer``.

    Examples
    --------
    >>> import fastbp
    >>> layer = fastbp.layers.Normalization()
    >>> layer.adapt([[0.0, 100.0], [2.0, 300.0]])
    >>> layer([[0.0, 400.0]])
    array([[-1.,  2.]], dtype=float32)
    >>> fastbp.layers.Normalization(mean=5.0, variance=4.0, invert=True)([[1.0]])
    array([[7.]], dtype=float32)
    """

    kind = "normalization"
    keeps_axes = True
    axis: tuple[int, ...]
    invert: bool
    input_mean: np.ndarray | None
    input_variance: np.ndarray | None

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **settings: Unpack[Common],
    ) -> None:
        super().__init__(**settings)
        axes = () if axis is None else tuple(axis) if isinstance(axis, list | tuple) else (axis,)
        if (mean is None) != (variance is None):
            raise ValueError(f"mean and variance must be given together, got mean={mean!r} and variance={variance!r}")
        known = None if mean is None else _known(mean, variance, len(axes))
        self._set(
            axis=tuple(axis if axis == -1 else _axis(axis) for axis in axes),
            invert=boolean("invert", invert),
            input_mean=None if known is None else known[0],
            input_variance=None if known is None else known[1],
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, without what it has been adapted to."""
        common = {key: value for key, value in super().get_config().items() if key not in ("mean", "variance")}
        given = {"mean": self.input_mean, "variance": self.input_variance}
        return {**common, **{name: None if value is None else value.tolist() for name, value in given.items()}}

    # -- what a network needs to know

    def _form(self, sample: Sample) -> Form:
        return Form(sample, sample_axes("axis", self.axis, sample))

    def _own_sample(self, units: int) -> Sample:
        """The shape of a sample of so many units: the one that is known, unless it is another."""
        return self._sample if self._sample is not None and math.prod(self._sample) == units else (units,)

    def _weights_for(self, sample: Sample) -> tuple[Weight, ...]:
        if self.input_mean is not None:
            return ()
        shape = self._form(sample).shape
        zeros, ones = initializers.get("zeros"), initializers.get("ones")
        return (
            Weight("mean", shape, zeros, trainable=False),
            Weight("variance", shape, ones, trainable=False),
            Weight("count", (), zeros, trainable=False),  # without use, but a model of Keras has it
        )

    def weight_specs(self, input_units: int) -> tuple[Weight, ...]:
        """Mean, variance and a count, unless mean and variance were given."""
        return self._weights_for(self._own_sample(input_units))

    def check_sample(self, sample: Sample) -> None:
        """Refuse samples that its weights do not fit."""
        self._constants(sample)
        shapes = [weight.shape for weight in self._weights_for(sample)]
        if self._store is not None and shapes != [array.shape for array in self._store.view()]:
            raise ValueError(
                f"layer {self.name!r} has means for samples of shape {self._sample}, got {sample}: make a new layer"
            )

    def output_sample(self, sample: Sample) -> Sample:
        """That of the input."""
        self._constants(sample)
        return sample

    def _constants(self, sample: Sample) -> tuple[tuple[float, ...], ...]:
        """Mean and variance of each unit, where they were given."""
        form = self._form(sample)
        found = []
        for name, given in (("mean", self.input_mean), ("variance", self.input_variance)):
            if given is not None:
                try:
                    array = np.broadcast_to(given, form.shape)
                except ValueError:
                    raise ValueError(
                        f"{name} must have a shape that can be broadcast to {form.shape}, that of the axes of samples of "
                        f"shape {sample}, got {given.shape}"
                    ) from None
                found.append(tuple(form.spread(array).tolist()))
        return tuple(found)

    def stages(self, input_units: int) -> tuple[Stage, ...]:
        """The layer as the kernels compute it."""
        sample = self._own_sample(input_units)
        form, one = self._form(sample), Form(sample, ())
        forms = () if self.input_mean is not None else (form, form, one)
        return (affine(input_units, self.invert, forms, self._constants(sample)),)

    # -- its statistics

    def adapt(self, data: Any) -> None:
        """Take mean and variance of data, instead of what they were. They are summed up in float64.

        A model that uses the layer has the new ones at once, whether it has learnt by others or not.

        Parameters
        ----------
        data : array-like, table, or what yields batches
            All that ``fit`` takes as x, and lists of batches. A batch that is a tuple has x first. What has one axis only is
            a single unit.

        Examples
        --------
        >>> import fastbp
        >>> layer = fastbp.layers.Normalization(axis=None)
        >>> layer.adapt([1.0, 2.0, 3.0, 4.0, 5.0])
        >>> [float(weight) for weight in layer.get_weights()]
        [3.0, 2.0, 0.0]
        """
        if self.input_mean is not None:
            raise ValueError(f"adapt needs a layer without a given mean, got mean={self.input_mean.tolist()!r}")
        self._refuse_scattered()
        moments, sample = None, self._sample
        for batch in row_batches("data", data):
            sample = sample or batch.shape[1:]
            if moments is None:
                self.check_sample(sample)
                own = [axis + 1 for axis in self._form(sample).axes]
                moments = Moments(tuple(axis for axis in range(1 + len(sample)) if axis not in own))
            if batch.shape[1:] != sample:
                raise ValueError(f"data must be samples of shape {sample}, got {batch.shape[1:]}")
            moments.add(batch)
        if moments is None or not moments.count or sample is None:
            raise ValueError("data must hold at least one sample, got none")
        found = [np.asarray(moments.mean), moments.variance, np.zeros(())]
        if not all(np.isfinite(array).all() for array in found):
            raise ValueError("data must be finite, and its variance too: clean the data before")
        self._replace(sample, found)

    def _replace(self, sample: Sample, weights: list[np.ndarray]) -> None:
        """Have other weights, wherever they are."""
        self.expect(sample)
        store = self.located() if self._store is not None or self.holders() else None
        if store is None or isinstance(store, AtRest):
            self._store = AtRest(weights)  # in float64, whatever model will use them
        else:
            store.write([array.astype(store.dtype) for array in weights])

    @property
    def dtype(self) -> str:
        """The dtype of its output."""
        models = self.holders()
        return str(models[0].dtype) if models else self._own_dtype or floatx()

    @property
    def adapt_mean(self) -> Variable:
        """The mean as a weight."""
        return self._weight("mean")

    @property
    def adapt_variance(self) -> Variable:
        """The variance as a weight."""
        return self._weight("variance")

    @property
    def mean(self) -> np.ndarray | None:
        """What is subtracted, of a shape that goes with the data; None before the width of the input is known."""
        return self._wide("mean", self.input_mean)

    @property
    def variance(self) -> np.ndarray | None:
        """The variance in the same shape."""
        return self._wide("variance", self.input_variance)

    def _wide(self, name: str, given: np.ndarray | None) -> np.ndarray | None:
        if self._sample is None:
            return None
        form = self._form(self._sample)
        array = self._weight(name).numpy() if given is None else np.broadcast_to(given, form.shape)
        return array.reshape((1, *form.wide_shape)).astype(self.dtype)


def _axis(axis: Any) -> int:
    """An axis of the data; the first one counts the samples."""
    found = integer("axis", axis, -64)
    if not found:
        raise ValueError(f"axis must not be 0, the one of the samples, got {axis!r}")
    return found


def _known(mean: Any, variance: Any, axes: int) -> tuple[np.ndarray, np.ndarray]:
    """A given mean and variance in float64."""
    arrays = [as_numbers(name, value).astype(np.float64) for name, value in (("mean", mean), ("variance", variance))]
    if arrays[0].shape != arrays[1].shape:
        raise ValueError(f"mean and variance must have the same shape, got {arrays[0].shape} and {arrays[1].shape}")
    for name, array in zip(("mean", "variance"), arrays, strict=True):
        if array.ndim > axes:
            raise ValueError(f"{name} must have at most as many axes as there are in axis, {axes}, got shape {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} must be finite, got {array.tolist()!r}")
    if (arrays[1] < 0).any():
        raise ValueError(f"variance must be at least 0, got {arrays[1].tolist()!r}")
    return arrays[0], arrays[1]
