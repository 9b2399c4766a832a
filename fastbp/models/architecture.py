"""Which layers a network has: their order, their names, and the shapes that follow."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..arguments import dtype_name, unique_name
from ..layers import Flatten, Input, Layer
from ..layers.base import Weight, check_name
from .display import Displayed


class Architecture(Displayed):
    """The layers of a model, one after the other, before there are weights."""

    def __init__(self, layers: Sequence[Input | Layer] | None, dtype: str, name: str | None) -> None:
        self.name = check_name(name) or "sequential"
        self._dtype = np.dtype(dtype_name(dtype))
        self._layers: list[Layer] = []  # each under its name, see Layer.placed
        self._sample_shape: tuple[int, ...] | None = None  # that of an Input of several axes
        self._flattens = False  # whether data may have several axes
        self._input_units: int | None = None
        if layers is not None and not isinstance(layers, list | tuple):
            raise TypeError(f"layers must be a list of layers, got {layers!r}")
        for layer in layers or ():
            self.add(layer)

    @property
    def layers(self) -> list[Layer]:
        """The layers in order, without the Input; each has a name, given or of the kind of ``dense_1``."""
        return list(self._layers)

    @property
    def dtype(self) -> str:
        """The dtype of weights and of all arithmetic."""
        return self._dtype.name

    @property
    def built(self) -> bool:
        """Whether the input's width is known, so that there are weights."""
        return self._input_units is not None and bool(self._layers)

    @property
    def input_shape(self) -> tuple[Any, ...] | None:
        """(None, features), with Flatten the shape of a sample after None; None before the model is built."""
        if self._sample_shape is not None:
            return (None, *self._sample_shape)
        return None if self._input_units is None else (None, self._input_units)

    @property
    def output_shape(self) -> tuple[None, int | None] | None:
        """(None, units of the last layer), or None without layers."""
        return (None, self._output_units) if self._layers else None

    @property
    def _output_units(self) -> int | None:
        """Outputs of the last layer; None where nothing tells yet."""
        units = self._input_units
        for layer in self._layers:
            units = layer.output_units(units)
        return units

    def _need_outputs(self) -> int:
        """Outputs of the last layer, or the error where there are none."""
        units = self._output_units
        if units is None:
            raise ValueError("layers must hold at least one Dense layer, got none: add one before using the model")
        return units

    @property
    def _output_activation(self) -> str | None:
        """The name of the activation that the output comes from."""
        return next((layer.output_activation for layer in reversed(self._layers) if layer.output_activation), None)

    def add(self, layer: Input | Layer) -> None:
        """Append a layer. Weights there are stay; those of the new layer are drawn, and the optimizer starts afresh.

        Parameters
        ----------
        layer : Layer or Input
            An Input only as the first.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential()
        >>> model.add(fastbp.Input((3,)))
        >>> model.add(fastbp.Dense(2))
        >>> model.count_params()
        8
        """
        if isinstance(layer, Input):
            if self._layers or self._input_units is not None:
                raise ValueError(f"layers must have an Input at most once, as the first, got {layer!r} after others")
            self._input_units, self._sample_shape = layer.units, layer.shape if len(layer.shape) > 1 else None
            return
        if not isinstance(layer, Layer):
            raise TypeError(f"layers must be layers of fastbp.layers, after at most one Input, got {layer!r}")
        if self._sample_shape is not None and not self._layers and not isinstance(layer, Flatten):
            raise ValueError(f"layers must have a Flatten after an Input of shape {self._sample_shape}, got {layer!r}")
        placed = self._place(layer)
        self._forget_engine()
        self._flattens = self._flattens or (not self._layers and isinstance(layer, Flatten))
        self._layers.append(placed)

    def _forget_engine(self) -> None:
        """Called before the layers change."""

    def _place(self, layer: Layer) -> Layer:
        """A layer under the name that is its own in this model."""
        names, description = [other.name for other in self._layers], layer.description
        if description.name in names and all(other.description is not description for other in self._layers):
            raise ValueError(f"layers must have different names, got a second layer named {description.name!r}")
        return description.placed(unique_name(description.name or description.kind, names.__contains__))

    def _rows(self, x: Any) -> Any:
        """Data of several axes as rows, where the layers begin with a Flatten; what else is wrong with it others say."""
        if np.ndim(x) <= 2:
            return x
        array = np.asarray(x)
        if self._sample_shape is not None and array.shape[1:] != self._sample_shape:
            wanted = ", ".join(map(str, self._sample_shape))
            raise ValueError(f"x must have shape (samples, {wanted}), got {array.shape}")
        return array.reshape(len(array), -1)

    def _weights_of(self, units: int) -> list[Weight]:
        """All weights, in ``get_weights`` order."""
        return [weight for weights in self._weights_by_layer(units) for weight in weights]

    def _weights_by_layer(self, units: int) -> Iterator[tuple[Weight, ...]]:
        for layer in self._layers:
            yield layer.weights(units)
            units = layer.output_units(units) or 0

    def _weight_shapes(self, units: int) -> list[tuple[int, ...]]:
        return [weight.shape for weight in self._weights_of(units)]

    def __repr__(self) -> str:
        sizes: list[Any] = [self._input_units or "?"]
        for layer in self._layers:
            if layer.weights(1):
                sizes.append(layer.output_units(None))
        return f"<{type(self).__name__} {self.name!r}: {'-'.join(map(str, sizes))}, {self.dtype}>"
