"""Which layers a network has: their order, their names, and the shapes that follow."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..arguments import boolean, dtype_name
from ..layers import InputLayer, Layer
from ..layers.base import Weight
from ..layers.settings import check_name
from ..layers.symbolic import SymbolicTensor
from .display import Displayed

Sample = tuple[int, ...]


class Architecture(Displayed, Layer):
    """The layers of a model, one after the other, before there are weights. A model may be a layer of another."""

    kind = "functional"

    def __init__(self, dtype: str, name: str | None, trainable: bool = True) -> None:
        self._given_name = check_name(name)
        self._dtype = np.dtype(dtype_name(dtype))
        self._trainable = boolean("trainable", trainable)
        self._layers: list[Layer] = []  # each has a name that no other has
        self._input: InputLayer | None = None
        self._symbolic: list[SymbolicTensor] = []  # the input and the output of each layer, once asked for
        self._modes: dict[int, bool] = {}  # the ``training`` that layers, by number, were called with
        self._sample_shape: Sample | None = None  # that of an Input of several axes
        self._flattens = False  # whether data may have several axes
        self._input_units: int | None = None

    _feedback: str | None = None
    __setattr__ = object.__setattr__  # type: ignore[assignment]  # unlike a layer's, its attributes may be set

    # -- its layers

    @property
    def layers(self) -> list[Layer]:
        """The layers in order, with the ``InputLayer`` in front; each has a name, given or of the kind of ``dense_1``."""
        return [*([] if self._input is None else [self._input]), *self._layers]

    def leaves(self) -> Iterator[Layer]:
        """The layers that are no models, of those within it too."""
        for layer in self._layers:
            yield from layer.leaves()

    def leaves_by_path(self) -> Iterator[tuple[str, Layer]]:
        """The same with their names, those within models after the model's: "encoder/dense"."""
        for layer in self._layers:
            if isinstance(layer, Architecture):
                yield from ((f"{layer.name}/{path}", leaf) for path, leaf in layer.leaves_by_path())
            else:
                yield layer.name, layer

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by its name or its number.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Dense(3), fastbp.Dense(2, name="out")])
        >>> model.get_layer("out").units, model.get_layer(index=0).units
        (2, 3)
        """
        if (name is None) == (index is None):
            raise ValueError(f"get_layer needs either a name or an index, got name={name!r} and index={index!r}")
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(f"index must be below the {len(layers)} layers of {self.name!r}, got {index}")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        inside = [f"{layer.name!r} has one" for layer in layers if any(leaf.name == name for leaf in layer.leaves())]
        names = ", ".join(repr(layer.name) for layer in layers)
        raise ValueError(f"name must be one of {names}, got {name!r}{''.join(f': {text}' for text in inside[:1])}")

    @property
    def trainable(self) -> bool:
        """Whether training changes its weights; setting it sets it for all layers. It takes effect with ``compile``."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = boolean("trainable", value)
        for layer in self._layers:
            layer.trainable = value

    @property
    def feedback(self) -> str | None:
        """What errors go back through when it learns; None for backpropagation."""
        return self._feedback

    # -- shapes

    @property
    def dtype(self) -> str:
        """The dtype of weights and of all arithmetic."""
        return "float32" if self._dtype.itemsize == 4 else "float64"  # NumPy takes long to say it

    @property
    def built(self) -> bool:
        """Whether the input's width is known, so that there are weights."""
        return self._input_units is not None and bool(self._layers)

    @property
    def input_shape(self) -> tuple[Any, ...] | None:
        """(None, features), or the shape of a sample of several axes after None; None before the model is built."""
        sample = self.asked_sample()
        return None if sample is None else (None, *sample)

    @property
    def output_shape(self) -> tuple[Any, ...] | None:
        """(None, units of the last layer), or None without layers."""
        if not self._layers:
            return None
        sample = self.asked_sample()
        return (None, self._output_units) if sample is None else (None, *self.output_sample(sample))

    def asked_sample(self) -> Sample | None:
        """The shape of a sample of the input, if it is known."""
        if self._sample_shape is not None or self._input_units is None:
            return self._sample_shape
        return (self._input_units,)

    def output_sample(self, sample: Sample) -> Sample:
        """The shape of a sample of the output, for one of the input."""
        for layer in self._layers:
            sample = layer.output_sample(sample)
        return sample

    def _samples(self, sample: Sample) -> Iterator[tuple[Layer, Sample, Sample]]:
        """Each layer with the shapes of a sample of its input and output."""
        for layer in self._layers:
            outputs = layer.output_sample(sample)
            yield layer, sample, outputs
            sample = outputs

    def check_sample(self, sample: Sample) -> None:
        """Refuse samples that the layers do not fit."""
        known = self.asked_sample()
        if known is not None and sample != known:
            raise ValueError(f"the input of {self.name!r} must be samples of shape {known}, got {sample}")
        for layer, inputs, _ in self._samples(sample):
            layer.check_sample(inputs)

    def expect(self, sample: Sample) -> None:
        """Take note of the shape of a sample of the input."""
        self._input_units, self._sample_shape = math.prod(sample), sample if len(sample) > 1 else None
        for layer, inputs, _ in self._samples(sample):
            layer.expect(inputs)

    def output_units(self, input_units: int | None) -> int | None:
        """The number of outputs for this number of inputs; None where nothing tells yet."""
        for layer in self._layers:
            input_units = layer.output_units(input_units)
        return input_units

    @property
    def _output_units(self) -> int | None:
        """Outputs of the last layer; None where nothing tells yet."""
        return self.output_units(self._input_units)

    def _need_outputs(self) -> int:
        """Outputs of the last layer, or the error where there are none."""
        units, shape = self._output_units, self.output_shape
        if units is None:
            raise ValueError("layers must hold at least one Dense layer, got none: add one before using the model")
        if shape is not None and len(shape) > 2:
            raise ValueError(f"layers must end in rows, got an output of shape {shape}: leave the last Reshape away")
        return units

    @property
    def output_activation(self) -> str | None:
        """The name of the activation that the output comes from."""
        return next((layer.output_activation for layer in reversed(self._layers) if layer.output_activation), None)

    _output_activation = output_activation

    def weight_specs(self, input_units: int) -> tuple[Weight, ...]:
        """The weights, in ``get_weights`` order."""
        return tuple(self._weights_of(input_units))

    def _weights_of(self, units: int) -> list[Weight]:
        """All weights, in ``get_weights`` order."""
        return [weight for weights in self._weights_by_layer(units) for weight in weights]

    def _weights_by_layer(self, units: int) -> Iterator[tuple[Weight, ...]]:
        for layer in self.leaves():
            yield layer.weight_specs(units)
            units = layer.output_units(units) or 0

    def _weight_shapes(self, units: int) -> list[tuple[int, ...]]:
        return [weight.shape for weight in self._weights_of(units)]

    def _rows(self, x: Any) -> Any:
        """Data of several axes as rows, where the layers make rows of it; what else is wrong with it others say."""
        if np.ndim(x) <= 2:
            return x
        array = np.asarray(x)
        if self._sample_shape is not None and array.shape[1:] != self._sample_shape:
            wanted = ", ".join(map(str, self._sample_shape))
            raise ValueError(f"x must have shape (samples, {wanted}), got {array.shape}")
        return array.reshape(len(array), -1)

    # -- tensors without numbers

    def tensors(self) -> list[SymbolicTensor]:
        """The input and the output of each layer as tensors without numbers."""
        sample = self.asked_sample()
        if not self._symbolic and sample is not None:
            self._input = self._input or InputLayer(sample)
            self._symbolic = [self._input.tensor()]
            for i, layer in enumerate(self._layers):
                self._symbolic.append(layer.follow(self._symbolic[-1], self._modes.get(i)))
        return self._symbolic

    @property
    def input(self) -> SymbolicTensor:
        """The input as a tensor without numbers."""
        return self._tensor(0)

    @property
    def output(self) -> SymbolicTensor:
        """The output as a tensor without numbers."""
        return self._tensor(-1)

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """The input in a list."""
        return [self.input]

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """The output in a list."""
        return [self.output]

    def _tensor(self, index: int) -> SymbolicTensor:
        tensors = self.tensors()
        if not tensors:
            raise AttributeError(f"{self!r} has no input or output yet: begin the layers with an Input, or build it")
        return tensors[index]

    # -- showing

    def __repr__(self) -> str:
        units = self._input_units
        sizes: list[Any] = [units or "?"]
        for layer in self.leaves():
            units = layer.output_units(units)
            if layer.weight_specs(1):
                sizes.append(units or "?")
        return f"<{type(self).__name__} {self.name!r}: {'-'.join(map(str, sizes))}, {self.dtype}>"
