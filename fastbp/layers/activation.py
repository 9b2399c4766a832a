"""An activation as a separate layer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import activations
from .base import Layer, check_name
from .stages import Stage, activate


@dataclass(frozen=True, init=False)
class Activation(Layer):
    """``activation(x)``. After a linear ``Dense`` it costs no more than ``Dense(units, activation)``.

    Parameters
    ----------
    activation : str, Activation, callable or None
        See ``fastbp.activations``.
    name : str, optional

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Input((2,)), fastbp.Dense(3), fastbp.layers.Activation("tanh")])
    >>> [layer.name for layer in model.layers]
    ['dense', 'activation']
    """

    kind = "activation"
    activation: activations.Activation
    name: str | None

    def __init__(self, activation: str | activations.Activation | Callable[..., Any] | None, name: str | None = None) -> None:
        self._set(activation=activations.get(activation), name=check_name(name))

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
