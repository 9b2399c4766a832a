"""What a layer has beside its settings: a name, weights, and the models that hold it.

The weights of a layer are in one place at a time: in the engine of the model that used them last, or at rest in arrays. A
model that finds a layer's weights elsewhere brings them into its own engine (``models/holding.py``), so models that hold the
same layer have the same weights of it, as in Keras.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar
from weakref import ref

import numpy as np

from ..arguments import boolean
from ..config import floatx
from ..data import arrays
from ..seeds import WEIGHTS, generator
from .claims import changes
from .settings import batch_shape, sample_shape
from .store import AtRest, Store
from .symbolic import SymbolicTensor
from .variable import Variable


class Held:
    """The part of a layer that changes."""

    kind: ClassVar[str]
    _given_name: str | None = None
    _made_name: str | None = None  # by a model, where none was given
    _trainable: bool = True
    _own_dtype: str | None = None
    _first_input: tuple[int, ...] | None = None  # the sample's shape that it asks for as a first layer
    _sample: tuple[int, ...] | None = None  # the shape of a sample that it takes, once that is known
    _store: Store | None = None
    _holders: "tuple[ref[Any], ...]" = ()
    _tensors: "tuple[ref[SymbolicTensor], ...]" = ()  # its outputs for tensors without numbers
    _scattered: str | None = None  # the model at several of whose places it stands
    _draws: int = 0  # steps of predictions with noise that it has made by itself

    def weight_specs(self, input_units: int) -> tuple[Any, ...]:
        """Name, shape and initializer of each weight."""
        raise NotImplementedError

    # -- names and flags

    @property
    def name(self) -> str:
        """The name that was given, else the one that a model made up, as dense_1."""
        return self._given_name or self._made_name or self.kind

    @property
    def trainable(self) -> bool:
        """Whether training changes its weights. A change takes effect with the next ``compile`` of a model."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._refuse_scattered()
        self._trainable = boolean("trainable", value)

    @property
    def built(self) -> bool:
        """Whether the width of its input is known."""
        return self._sample is not None

    @property
    def dtype(self) -> str:
        """The dtype of its weights and output."""
        models = self.holders()
        if self._store is None and models:
            return str(models[0].dtype)
        return self._store.dtype.name if self._store else self._own_dtype or floatx()

    # -- shapes

    def build(self, input_shape: Any) -> None:
        """Say what shape the input has: (None, features).

        Examples
        --------
        >>> import fastbp
        >>> layer = fastbp.Dense(2)
        >>> layer.build((None, 3))
        >>> [w.shape for w in layer.get_weights()]
        [(3, 2), (2,)]
        """
        has_batch_axis = isinstance(input_shape, tuple | list) and len(input_shape) > 1
        sample = batch_shape("input_shape", input_shape) if has_batch_axis else sample_shape("input_shape", input_shape)
        self.check_sample(sample)
        self.expect(sample)
        self.located()

    def check_sample(self, sample: tuple[int, ...]) -> None:
        """Refuse samples that its weights do not fit."""
        if self._store is None or sample == self._sample:
            return
        shapes = [spec.shape for spec in self.weight_specs(math.prod(sample))]
        if shapes != [array.shape for array in self._store.view()]:
            raise ValueError(
                f"layer {self.name!r} has weights for samples of shape {self._sample}, got {sample}: make a new layer, "
                "as layer.from_config(layer.get_config()) does"
            )

    def expect(self, sample: tuple[int, ...]) -> None:
        """Take note of the shape of a sample of the input."""
        self._sample = sample

    # -- weights

    def _specs(self) -> tuple[Any, ...]:
        return () if self._sample is None else self.weight_specs(math.prod(self._sample))

    @property
    def weights(self) -> list[Variable]:
        """Its weights as objects, in ``get_weights`` order; none before the width of its input is known."""
        self._refuse_scattered()
        return [Variable(self, i, spec.name, spec.shape, spec.trainable) for i, spec in enumerate(self._specs())]

    def _weight(self, name: str) -> Variable:
        """The weight of a name, or the error where there is none yet."""
        found = next((weight for weight in self.weights if weight.name == name), None)
        if found is None:
            raise AttributeError(f"{self!r} has no {name} before its input is known: build it, or use it in a built model")
        return found

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        return [weight for weight in self.weights if weight.trainable]

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training leaves as they are."""
        return [weight for weight in self.weights if not weight.trainable]

    @property
    def variables(self) -> list[Variable]:
        """The weights, by another name."""
        return self.weights

    @property
    def trainable_variables(self) -> list[Variable]:
        """The weights that training changes, by another name."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The weights that training leaves as they are, by another name."""
        return self.non_trainable_weights

    def get_weights(self) -> list[np.ndarray]:
        """Copies of its weights; none before the width of its input is known.

        Examples
        --------
        >>> import fastbp
        >>> layer = fastbp.Dense(2)
        >>> model = fastbp.Sequential([fastbp.Input((3,)), layer])
        >>> [w.shape for w in layer.get_weights()]
        [(3, 2), (2,)]
        """
        store = self.located()
        return [] if store is None else [np.array(array) for array in store.view()]

    def averages(self) -> list[np.ndarray]:
        """The averages of its weights over the steps, where an optimizer keeps them, else the weights."""
        store = self.located()
        return [] if store is None else store.averages()

    @changes
    def set_weights(self, weights: Sequence[Any]) -> None:
        """Replace its weights by arrays as ``get_weights`` gives them.

        Examples
        --------
        >>> import fastbp
        >>> layer = fastbp.Dense(1)
        >>> model = fastbp.Sequential([fastbp.Input((2,)), layer])
        >>> layer.set_weights([[[1.0], [2.0]], [3.0]])
        >>> model.predict([[1.0, 1.0]])
        array([[6.]], dtype=float32)
        """
        store, shapes = self.located(), [spec.shape for spec in self._specs()]
        if store is None and len(weights) and self._sample is None:
            raise ValueError(f"layer {self.name!r} has no weights yet: build it, or begin the model's layers with an Input")
        checked = arrays("weights", weights, shapes, store.dtype if store else np.dtype(self.dtype))
        if store is not None:
            store.write(checked)

    def count_params(self) -> int:
        """How many numbers its weights hold.

        Examples
        --------
        >>> import fastbp
        >>> layer = fastbp.Dense(2)
        >>> layer.build((None, 3))
        >>> layer.count_params()
        8
        """
        if self._sample is None:
            raise ValueError(f"count_params needs a layer whose input is known, got {self!r}: build it")
        return sum(math.prod(spec.shape) for spec in self._specs())

    def located(self) -> Store | None:
        """Where its weights are, drawn now if they were not yet; None for a layer that has none."""
        self._refuse_scattered()
        if self._store is None and self._specs():
            for model in self.holders():
                if model.built:
                    model.draw_weights()
                    break
        if self._store is None and self._specs():
            self.draw(generator(None, WEIGHTS), np.dtype(self.dtype))
        return self._store

    def draw(self, random: Any, dtype: np.dtype) -> None:
        """Draw the first weights."""
        drawn: list[np.ndarray] = []
        name = "float32" if dtype.itemsize == 4 else "float64"  # NumPy takes long to say it
        for spec in self._specs():
            array = spec.initializer(spec.shape, random, name)
            drawn += arrays(f"{spec.name}_initializer", [array], [spec.shape], dtype)
        if drawn:
            self._store = AtRest(drawn)

    # -- models

    def holders(self) -> list[Any]:
        """The models that it is a layer of."""
        return [model for model in (holder() for holder in self._holders) if model is not None]

    def hold(self, model: Any) -> None:
        """Take note of a model that it is a layer of."""
        self._holders = (*map(ref, self.holders()), ref(model))

    def let_go(self, model: Any) -> None:
        """It is no longer a layer of a model."""
        self._holders = tuple(ref(other) for other in self.holders() if other is not model)

    def scatter(self, model: Any) -> None:
        """It now stands for layers at several places, each with weights of its own."""
        self._scattered, self._store, self._holders, self._made_name = model.name, None, (), None

    def _refuse_scattered(self) -> None:
        if self._scattered is not None:
            raise ValueError(
                f"{self!r} stands at several places of {self._scattered!r}, each with its own weights: "
                "get them from model.layers"
            )

    # -- tensors without numbers

    def remember(self, tensor: SymbolicTensor) -> None:
        """Take note of an output."""
        self._tensors = (*(known for known in self._tensors if known() is not None), ref(tensor))

    @property
    def output(self) -> SymbolicTensor:
        """Its output as a tensor without numbers, to make other models of."""
        if not list(self._alive()):
            for model in self.holders():
                model.tensors()
        found = list(self._alive())
        if len(found) != 1:
            reason = "it is used at several places" if found else "it has not been called, or the input is not known"
            raise AttributeError(f"{self!r} has no one output: {reason}")
        return found[0]

    @property
    def input(self) -> SymbolicTensor:
        """What it was called on, as a tensor without numbers."""
        source = self.output.source
        return self.output if source is None else source

    def _alive(self) -> Iterator[SymbolicTensor]:
        return (tensor for tensor in (known() for known in self._tensors) if tensor is not None)

    # -- copies: each has weights of its own

    def __getstate__(self) -> dict[str, Any]:
        if self._scattered is None:
            self.located()  # a copy has the weights that this one has, not others of its own drawing
        state = dict(vars(self))
        for passing in ("_holders", "_tensors"):
            state.pop(passing, None)
        if self._store is not None:
            state["_store"] = AtRest(self._store.view())
        return state


def trainable_flags(layers: Iterable[Held]) -> tuple[bool, ...]:
    """Which layers training changes."""
    return tuple(layer.trainable for layer in layers)
