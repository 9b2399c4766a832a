"""What a network is made of and holds: layers and weights."""

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import dtype_name, integer, unique_name
from ..data import arrays
from ..layers import Flatten, Input, Layer
from ..layers.base import Weight, check_name
from ..layers.stages import stages_of
from ..losses import Loss
from ..metrics import Metric
from ..optimizers import Optimizer
from ..seeds import SHUFFLE, WEIGHTS, generator, shuffle_seed
from .summary import summary_lines

if TYPE_CHECKING:
    from ..engine.engine import Engine

Measures = tuple[tuple[Metric, ...], int]


class Network:
    """The part of ``Sequential`` that is there before anything runs.

    The engine is made when it is first needed, since importing it takes longer than all the rest.
    """

    def __init__(
        self,
        layers: Sequence[Input | Layer] | None = None,
        *,
        seed: int | None = None,
        dtype: str = "float32",
        name: str | None = None,
    ) -> None:
        self.name = check_name(name) or "sequential"
        self._dtype = np.dtype(dtype_name(dtype))
        seed = None if seed is None else integer("seed", seed, 0)
        self._random, self._shuffle_seed = generator(seed, WEIGHTS), shuffle_seed(seed, SHUFFLE)
        self._layers: list[Layer] = []  # each under its name, see Layer.placed
        self._sample_shape: tuple[int, ...] | None = None  # that of an Input of several axes
        self._feature_names: tuple[str, ...] | None = None  # the columns of the first data that named them
        self._flattens = False  # whether data may have several axes
        self._input_units: int | None = None
        self._engine: Engine | None = None
        self._first_weights: list[np.ndarray] = []  # those an engine yet to be made starts with; drawn where missing
        self._kept_rows = 0
        self._measures: Measures | None = None  # worked out when needed; void when a layer comes
        self.optimizer: Optimizer | None = None
        self.loss: Loss | None = None
        self.gradients: list[np.ndarray] | None = None
        if layers is not None and not isinstance(layers, list | tuple):
            raise TypeError(f"layers must be a list of layers, got {layers!r}")
        for layer in layers or ():
            self.add(layer)

    # -- structure

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
        if self._engine is not None:
            self._first_weights, self._engine, self._kept_rows = self._engine.get_weights(), None, 0
        self._flattens = self._flattens or (not self._layers and isinstance(layer, Flatten))
        self._layers.append(placed)
        self._measures = None

    def _place(self, layer: Layer) -> Layer:
        """A layer under the name that is its own in this model."""
        names, description = [other.name for other in self._layers], layer.description
        if description.name in names and all(other.description is not description for other in self._layers):
            raise ValueError(f"layers must have different names, got a second layer named {description.name!r}")
        return description.placed(unique_name(description.name or description.kind, names.__contains__))

    def build(self, input_shape: int | Sequence[int | None]) -> None:
        """Fix the input's width, which otherwise the first data does.

        Parameters
        ----------
        input_shape : int or tuple
            The features of a sample: ``17``, ``(17,)`` or ``(None, 17)``.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Dense(2)])
        >>> model.build((None, 3))
        >>> model.built
        True
        """
        sizes = tuple(input_shape) if isinstance(input_shape, tuple | list) else (input_shape,)
        if len(sizes) not in (1, 2) or (len(sizes) == 2 and sizes[0] is not None):
            raise ValueError(f"input_shape must be (features,) or (None, features), got {input_shape!r}")
        self._build(integer("input_shape", sizes[-1], 1))

    def _build(self, units: int) -> "Engine":
        """The engine for an input of ``units``, made now if there is none."""
        if self._engine is not None and units == self._input_units:
            return self._engine
        if self._input_units is not None and units != self._input_units:
            raise ValueError(f"input_shape must be that of the built model, {self._input_units}, got {units}")
        if not self._weights_of(units):
            raise ValueError("layers must hold at least one Dense layer, got none: add one before using the model")
        from ..engine.engine import Engine

        engine = Engine(stages_of(self._layers, units), self.dtype, self._shuffle_seed)
        engine.set_weights(self._draw_weights(units))
        if self.optimizer is not None:
            engine.configure(self.optimizer, self.loss)
        self._input_units, self._engine, self._first_weights = units, engine, []
        return engine

    def _need_engine(self, what: str) -> "Engine":
        """The engine of a model that is built, or the error for one that is not."""
        if self._engine is not None:
            return self._engine
        if not self.built:
            raise ValueError(
                f"{what} needs a built model, got one whose input width is unknown: call fit or build, "
                "or begin the layers with an Input"
            )
        return self._build(self._input_units or 0)

    def _weights_of(self, units: int) -> list[Weight]:
        """All weights, in ``get_weights`` order."""
        return [weight for weights in self._weights_by_layer(units) for weight in weights]

    def _weights_by_layer(self, units: int) -> Iterator[tuple[Weight, ...]]:
        for layer in self._layers:
            yield layer.weights(units)
            units = layer.output_units(units) or 0

    def _weight_shapes(self, units: int) -> list[tuple[int, ...]]:
        return [weight.shape for weight in self._weights_of(units)]

    def _draw_weights(self, units: int) -> list[np.ndarray]:
        weights = list(self._first_weights)
        for weight in self._weights_of(units)[len(weights) :]:
            drawn = weight.initializer(weight.shape, self._random, self.dtype)
            weights += arrays(f"{weight.name}_initializer", [drawn], [weight.shape], self._dtype)
        return weights

    def _rows(self, x: Any) -> Any:
        """Data of several axes as rows, where the layers begin with a Flatten; what else is wrong with it others say."""
        if np.ndim(x) <= 2:
            return x
        array = np.asarray(x)
        if self._sample_shape is not None and array.shape[1:] != self._sample_shape:
            wanted = ", ".join(map(str, self._sample_shape))
            raise ValueError(f"x must have shape (samples, {wanted}), got {array.shape}")
        return array.reshape(len(array), -1)

    # -- weights

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all weights: kernel (in, out) and bias (out,) of each layer in order.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(2)])
        >>> [w.shape for w in model.get_weights()]
        [(3, 2), (2,)]
        """
        return self._need_engine("get_weights").get_weights()

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Replace all weights.

        Parameters
        ----------
        weights : list of arrays
            As ``get_weights`` gives them.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(2)])
        >>> model.set_weights([[[1, 2], [3, 4], [5, 6]], [0, 1]])
        >>> model.predict([[1, 1, 1]])
        array([[ 9., 13.]], dtype=float32)
        """
        engine = self._need_engine("set_weights")
        engine.set_weights(arrays("weights", weights, self._weight_shapes(self._input_units or 0), self._dtype))
        self._kept_rows = 0

    def count_params(self) -> int:
        """How many numbers the model learns.

        Examples
        --------
        >>> import fastbp
        >>> fastbp.Sequential([fastbp.Input((17,)), fastbp.Dense(64), fastbp.Dense(6)]).count_params()
        1542
        """
        if not self.built:
            self._need_engine("count_params")
        return sum(int(np.prod(shape)) for shape in self._weight_shapes(self._input_units or 0))

    def summary(self, print_fn: Callable[[str], object] | None = None) -> None:
        """Print the layers, their output shapes and their numbers of parameters.

        Parameters
        ----------
        print_fn : callable, optional
            Given the text line by line instead of ``print``.

        Examples
        --------
        >>> import fastbp
        >>> fastbp.Sequential([fastbp.Input((17,)), fastbp.Dense(64, "tanh"), fastbp.Dense(6)]).summary()
        Model: "sequential"
        Layer (type)       Output shape   Activation   Params
        dense (Dense)      (None, 64)     tanh          1,152
        dense_1 (Dense)    (None, 6)      linear          390
        Total params: 1,542 (6.02 KB)
        """
        for line in summary_lines(self.name, self._layers, self._input_units, self._dtype.itemsize):
            (print_fn or print)(line)

    def __repr__(self) -> str:
        sizes: list[Any] = [self._input_units or "?"]
        for layer in self._layers:
            if layer.weights(1):
                sizes.append(layer.output_units(None))
        return f"<{type(self).__name__} {self.name!r}: {'-'.join(map(str, sizes))}, {self.dtype}>"

    # -- copies: an engine holds addresses, so it is never copied but made anew

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        engine = state.pop("_engine")
        state["_kept_rows"] = 0
        if engine is not None:
            state["_first_weights"] = engine.get_weights()
            state["_snapshot"] = (engine.shapes, engine.snapshot())
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        shapes, snapshot = state.pop("_snapshot", (None, None))
        self.__dict__.update(state, _engine=None)
        if snapshot is not None:
            engine = self._build(operator.index(state["_input_units"]))
            if engine.shapes == shapes:  # the optimizer's state is laid out for a machine; another starts it afresh
                engine.restore(snapshot)
