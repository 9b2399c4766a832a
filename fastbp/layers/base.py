"""What every kind of layer has. Networks, summaries, parameters and plans use these methods and never test a layer's class.

A layer is its settings, which are fixed, and a place for its weights: they are drawn when the width of its input is known,
and lie in the engine of the model that uses them. To add a kind: a class in this package that says its ``weight_specs``,
``stages`` and ``output_units``; for kernels a kind of row in ``kernels/fields.py`` and its functions in ``kernels/layers``,
which ``dispatch.py`` there chooses; a reference in the tests' oracle.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar, Unpack

from ..arguments import boolean
from ..constraints import Constraint
from ..keywords import accepted
from ..notices import warn_of_mode
from ..regularizers import Regularizer
from ..serialization import constructor_arguments, serialize
from .held import Held
from .settings import ADVICE, Common, batch_shape, common
from .stages import Stage
from .symbolic import SymbolicTensor, refuse_several

Kind = TypeVar("Kind", bound="Layer")


@dataclass(frozen=True)
class Weight:
    """An array of a layer: its name, its shape, its initializer, whether gradients change it, what keeps it small."""

    name: str
    shape: tuple[int, ...]
    initializer: Callable[..., Any]
    trainable: bool = True
    regularizer: Regularizer | None = None
    constraint: Constraint | None = None


class Layer(Held):
    """The base class of all layers.

    Parameters
    ----------
    name : str, optional
        If it is left out, a model calls its layers dense, dense_1, ...
    trainable : bool
        Whether training changes the weights; see the attribute.
    dtype : str, optional
        Only that of the model.
    input_shape, input_dim, batch_shape
        The shape of a sample, so that a model of which this is the first layer needs no ``Input``.
    activity_regularizer : str or Regularizer, optional
        A penalty on the layer's output, the mean over the samples of a batch; see ``fastbp.regularizers``.

    Attributes
    ----------
    kind : str
        The default name of layers of this kind.
    """

    kind: ClassVar[str] = "layer"
    keeps_axes: ClassVar[bool] = False  # whether it takes samples of several axes, and leaves them as they are
    makes_rows: ClassVar[bool] = False  # whether it makes rows of samples of several axes
    differs_in_training: ClassVar[bool] = False  # whether it does something else while a network learns
    compute: ClassVar[Callable[[Any, Any, bool], Any]]  # its output for data, which takes an engine: set by models/network.py
    activity_regularizer: Regularizer | None = None

    def __new__(cls, *arguments: Any, **settings: Any) -> Self:
        if cls.__module__.startswith("fastbp."):  # before Python misses an argument that has another name in older code
            accepted(cls.__name__, settings, {*constructor_arguments(cls), *Common.__annotations__}, ADVICE)
        return super().__new__(cls)

    def __init__(self, **settings: Unpack[Common]) -> None:
        cls = type(self)
        if cls.stages is Layer.stages:
            raise NotImplementedError(
                f"{cls.__name__} cannot be compiled: layers with a call of their own come in a later version. For a formula "
                "of each number there is Activation(function), for a loss or a metric a function"
            )
        self._set(**common(cls.__name__, settings, constructor_arguments(cls)))

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_") or isinstance(getattr(type(self), name, None), property):
            object.__setattr__(self, name, value)
        else:
            raise AttributeError(f"{name} of {self!r} cannot be changed, got {value!r}: make a new layer with it")

    def _set(self, **settings: Any) -> None:
        """Set the fields, which are fixed otherwise."""
        for setting, value in settings.items():
            object.__setattr__(self, setting, value)

    # -- what a network needs to know

    def output_units(self, input_units: int | None) -> int | None:
        """The number of outputs for this number of inputs; None where both are unknown."""
        return input_units

    def output_sample(self, sample: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of a sample of the output, for one of the input."""
        if self.keeps_axes:
            return sample
        if len(sample) != 1:
            raise ValueError(f"layers must have a Flatten before what takes rows, got {self!r} for samples of shape {sample}")
        return (self.output_units(sample[0]) or 0,)

    @property
    def input_shape(self) -> tuple[Any, ...] | None:
        """(None, features), None before that is known."""
        return None if self._sample is None else (None, *self._sample)

    @property
    def output_shape(self) -> tuple[Any, ...] | None:
        """(None, units), None before the input is known."""
        return None if self._sample is None else (None, *self.output_sample(self._sample))

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        """The shape of the output for one of the input, both with None for the number of samples.

        Examples
        --------
        >>> import fastbp
        >>> fastbp.layers.Flatten().compute_output_shape((None, 28, 28))
        (None, 784)
        """
        return (None, *self.output_sample(batch_shape("input_shape", input_shape)))

    def weight_specs(self, input_units: int) -> tuple[Weight, ...]:
        """The weights, in ``get_weights`` order."""
        return ()

    def stages(self, input_units: int) -> tuple[Stage, ...]:
        """The layer as the kernels compute it."""
        raise NotImplementedError

    def stage_key(self) -> Hashable | None:
        """Equal for layers whose stages are the same; None where nothing tells. Whether they are trained does not count."""
        return None

    def asked_sample(self) -> tuple[int, ...] | None:
        """The shape of a sample that it asks for where it is a model's first layer."""
        return self._first_input

    @property
    def output_activation(self) -> str | None:
        """The name of the activation that computes its output; None if it leaves its input as it is."""
        return None

    def leaves(self) -> "Iterator[Layer]":
        """The layers that it is made of: itself, unless it is a model."""
        yield self

    def twin(self: Kind, name: str | None = None, with_weights: bool = False) -> Kind:
        """Another layer of the same settings, under another name if one is given."""
        passing = ("_holders", "_tensors", "_store", "_scattered")
        other = object.__new__(type(self))
        vars(other).update({field: value for field, value in vars(self).items() if field not in passing})
        if name is not None:
            other._given_name, other._made_name = None, name
        if with_weights:
            other._store = self._store
        return other

    @property
    def losses(self) -> list[float]:
        """What the weights that training changes cost at present, a number for each that has a penalty.

        Penalties on outputs belong to data: they are in the loss that ``evaluate`` gives, beside these.

        Examples
        --------
        >>> import fastbp
        >>> layer = fastbp.Dense(2, kernel_initializer="ones", kernel_regularizer=fastbp.regularizers.L2(0.5))
        >>> model = fastbp.Sequential([fastbp.Input((3,)), layer])
        >>> model.losses
        [3.0]
        """
        pairs = [
            (w, spec) for leaf in self.leaves() if leaf.trainable for w, spec in zip(leaf.weights, leaf._specs(), strict=True)
        ]
        return [float(spec.regularizer(w.numpy().astype(float))) for w, spec in pairs if spec.trainable and spec.regularizer]

    # -- calling

    def __call__(self, x: Any, training: bool | None = None) -> Any:
        """The output as a tensor without numbers for one, as an array for data.

        Parameters
        ----------
        x : SymbolicTensor or array
        training : bool, optional
            Whether layers do to data what they do while a network learns: noise, for one, is another at each call. Of a tensor
            without numbers it is what ``model(x)`` goes by where that is not told otherwise, as ``fit`` and ``predict`` are.

        Examples
        --------
        >>> import fastbp
        >>> x = fastbp.Input((4,))
        >>> model = fastbp.models.Model(x, fastbp.Dense(3)(x))
        >>> fastbp.Dense(2, kernel_initializer="ones")([[1.0, 2.0]])
        array([[3., 3.]], dtype=float32)
        """
        if isinstance(x, SymbolicTensor):
            return self.follow(x, self._mode(training))
        if isinstance(x, tuple | list) and any(isinstance(tensor, SymbolicTensor) for tensor in x):
            refuse_several(f"the input of {self!r}", x)
        return type(self).compute(self, x, boolean("training", training or False))

    def _mode(self, training: Any) -> bool | None:
        """``training`` of a call on a tensor without numbers; None where it makes no difference."""
        if training is None or not self.changes_in_training():
            return None
        warn_of_mode(repr(self), boolean("training", training))
        return bool(training)

    def changes_in_training(self) -> bool:
        """Whether it, or a layer that it is made of, does something else while a network learns."""
        return any(layer.differs_in_training for layer in self.leaves())

    def follow(self, source: SymbolicTensor, training: bool | None = None) -> SymbolicTensor:
        """The output for a tensor without numbers."""
        sample = source.sample_shape
        self.check_sample(sample)
        tensor = SymbolicTensor(self, source, self.output_sample(sample), training=training)
        self.expect(sample)
        self.remember(tensor)
        return tensor

    # -- settings

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer with weights of its own, as values that JSON can hold.

        Examples
        --------
        >>> import fastbp
        >>> fastbp.layers.Identity(name="same").get_config()
        {'name': 'same', 'trainable': True, 'dtype': None}
        """
        own = {name: serialize(getattr(self, name)) for name in constructor_arguments(type(self), by_name_alone=False)}
        if self.activity_regularizer is not None:
            own["activity_regularizer"] = serialize(self.activity_regularizer)
        return {"name": self.name, "trainable": self.trainable, "dtype": self._own_dtype, **own}

    @classmethod
    def from_config(cls: type[Kind], config: dict[str, Any]) -> Kind:
        """The layer that ``get_config`` describes.

        Examples
        --------
        >>> import fastbp
        >>> fastbp.Dense.from_config({"units": 3, "activation": "tanh"})
        <Dense name=dense, units=3, activation=tanh, built=False>
        """
        return cls(**config)

    def __repr__(self) -> str:
        told = {"units": getattr(self, "units", None), "activation": self.output_activation}
        shown = "".join(f", {name}={value}" for name, value in told.items() if value is not None)
        return f"<{type(self).__name__} name={self.name}{shown}, built={self.built}>"
