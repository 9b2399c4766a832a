"""What every kind of layer has. Networks, summaries, parameters and plans use these methods and never test a layer's class.

A layer is a description: the weights belong to the model that uses it. To add a kind: a class in this package; for kernels a
kind of row in ``kernels/fields.py`` and its functions in ``kernels/layers``, which ``dispatch.py`` there chooses; a reference
in the tests' oracle.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from .stages import Stage

Kind = TypeVar("Kind", bound="Layer")


def check_name(name: object) -> str | None:
    """A layer's or a model's name, or None."""
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name must be a string or None, got {name!r}")
    return name


@dataclass(frozen=True)
class Weight:
    """A trainable array of a layer: its name, its shape, and its initializer."""

    name: str
    shape: tuple[int, ...]
    initializer: Callable[..., Any]


class Layer:
    """The base class of all layers.

    Attributes
    ----------
    kind : str
        The default name of layers of this kind: dense, dense_1, ...
    name : str or None
    """

    kind: ClassVar[str]
    name: str | None

    def _set(self, **settings: Any) -> None:
        """Set the fields of a description, which is immutable otherwise."""
        for setting, value in settings.items():
            object.__setattr__(self, setting, value)

    # -- what a network needs to know

    def output_units(self, input_units: int | None) -> int | None:
        """The number of outputs for this number of inputs; None where both are unknown."""
        return input_units

    def weights(self, input_units: int) -> tuple[Weight, ...]:
        """The trainable weights, in ``get_weights`` order."""
        return ()

    def stages(self, input_units: int) -> tuple[Stage, ...]:
        """The layer as the kernels compute it."""
        raise NotImplementedError

    @property
    def output_activation(self) -> str | None:
        """The name of the activation that computes its output; None if it leaves its input as it is."""
        return None

    # -- its place in a model

    @property
    def description(self) -> "Layer":
        """The layer as it was given, if this is the copy that a model has named."""
        given: Layer = vars(self).get("_description", self)
        return given

    def placed(self: Kind, name: str) -> Kind:
        """The same layer under the name it has in a model."""
        layer = copy(self)
        layer._set(name=name, _description=self)
        return layer
