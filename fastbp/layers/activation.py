"""An activation as a separate layer."""

from collections.abc import Callable
from typing import Any, Unpack

from .. import activations
from ..kernels.fields import ELEMENTWISE
from .base import Layer
from .settings import Common
from .stages import Stage, activate
from .symbolic import SymbolicTensor


class Activated(Layer):
    """A layer that is an activation."""

    activation: activations.Activation

    @property
    def keeps_axes(self) -> bool:  # type: ignore[override]
        """Whether it works on each number, rather than on rows or pairs."""
        return activate(2, self.activation).kind == ELEMENTWISE

    def output_units(self, input_units: int | None) -> int | None:
        """The number of outputs for this number of inputs: half of it where the activation takes pairs."""
        return None if input_units is None else self.activation.output_units(input_units)

    def stages(self, input_units: int) -> tuple[Stage, ...]:
        """The layer as the kernels compute it."""
        return (activate(input_units, self.activation),)

    @property
    def output_activation(self) -> str | None:
        """The name of the activation."""
        return self.activation.name


class Activation(Activated):
    """``activation(x)``. After a linear ``Dense`` it costs no more than ``Dense(units, activation)``.

    Parameters
    ----------
    activation : str, Activation, callable or None
        See ``fastbp.activations``.
    **settings
        ``name`` and the others of every ``Layer``.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Input((2,)), fastbp.Dense(3), fastbp.layers.Activation("tanh")])
    >>> [layer.name for layer in model.layers]
    ['dense', 'activation']
    """

    kind = "activation"

    def __init__(
        self, activation: str | activations.Activation | Callable[..., Any] | None, **settings: Unpack[Common]
    ) -> None:
        super().__init__(**settings)
        self._set(activation=activations.get(activation))


def _through_activation(tensor: SymbolicTensor, activation: activations.Activation) -> SymbolicTensor:
    """``activation(tensor)`` of fastbp.activations, as ``Activation(activation)(tensor)``."""
    output: SymbolicTensor = Activation(activation)(tensor)
    return output


SymbolicTensor.through_activation = _through_activation
