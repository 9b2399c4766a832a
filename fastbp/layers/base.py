"""What every kind of layer answers. Networks, summaries, parameters and plans ask a layer and never look at its class.

A layer is a description: the weights belong to the model that uses it. To add a kind: a class in this package; for kernels a
kind of row in ``kernels/fields.py`` and its functions in ``kernels/layers``, which ``dispatch.py`` there chooses; its twin in
the tests' oracle.
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
    """An array that a layer learns: what it is called, its shape, and the initializer that was given for it."""

    name: str
    shape: tuple[int, ...]
    initializer: Callable[..., Any]


class Layer:
    """What all layers have.

    Attributes
    ----------
    kind : str
        What a model calls layers of this kind where they have no name: dense, dense_1, ...
    name : str or None
    """

    kind: ClassVar[str]
    name: str | None

    def _set(self, **settings: Any) -> None:
        """Set the fields of a description, which is final afterwards."""
        for setting, value in settings.items():
            object.__setattr__(self, setting, value)

    # -- what a network asks

    def output_units(self, input_units: int | None) -> int | None:
        """Outputs for an input of so many units; None where both are unknown."""
        return input_units

    def weights(self, input_units: int) -> tuple[Weight, ...]:
        """What is learnt, in ``get_weights`` order."""
        return ()

    def stages(self, input_units: int) -> tuple[Stage, ...]:
        """What the layer is for kernels."""
        raise NotImplementedError

    @property
    def output_activation(self) -> str | None:
        """The name of the activation that its output comes from; None where it hands its input on."""
        return None

    # -- its place in a model

    @property
    def description(self) -> "Layer":
        """The layer as it was given, where this is one that a model has named."""
        given: Layer = vars(self).get("_description", self)
        return given

    def placed(self: Kind, name: str) -> Kind:
        """The same layer under the name it has in a model."""
        layer = copy(self)
        layer._set(name=name, _description=self)
        return layer
