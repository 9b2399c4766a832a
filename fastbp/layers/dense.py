"""The fully connected layer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import activations, initializers
from ..activations import Activation
from ..arguments import boolean, integer
from ..initializers import Initializer
from .base import Layer, Weight, check_name
from .stages import Stage, dense


@dataclass(frozen=True, init=False)
class Dense(Layer):
    """A fully connected layer: ``activation(x @ kernel + bias)``, kernel (inputs, units), bias (units,).

    Parameters
    ----------
    units : int
        Outputs of the layer.
    activation : str, Activation, callable or None
        See ``fastbp.activations``; None is linear. A function ``f(z)`` of the weighted sums is a custom formula,
        differentiated and compiled; see ``fastbp.activations.custom``.
    use_bias : bool
    kernel_initializer, bias_initializer : str or callable
        See ``fastbp.initializers``.
    name : str, optional
        If it is left out, a model calls its layers dense, dense_1, ... No two layers of a model may be given the same name.

    Notes
    -----
    The same description may be used several times in a network; each use has its own weights and its own name.

    Examples
    --------
    >>> import fastbp
    >>> layer = fastbp.Dense(64, "tanh")
    >>> layer.units, layer.activation.name
    (64, 'tanh')
    """

    kind = "dense"
    units: int
    activation: Activation
    use_bias: bool
    kernel_initializer: Initializer
    bias_initializer: Initializer
    name: str | None

    def __init__(
        self,
        units: int,
        activation: str | Activation | Callable[..., Any] | None = None,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        name: str | None = None,
    ) -> None:
        self._set(
            units=integer("units", units, 1),
            activation=activations.get(activation),
            use_bias=boolean("use_bias", use_bias),
            kernel_initializer=initializers.get(kernel_initializer, "kernel_initializer"),
            bias_initializer=initializers.get(bias_initializer, "bias_initializer"),
            name=check_name(name),
        )
        self.activation.output_units(self.units)  # an odd number of units does not go with all

    def output_units(self, input_units: int | None) -> int:
        """The number of outputs, whatever the input: ``units``, or half of them where the activation takes pairs."""
        return self.activation.output_units(self.units)

    def weights(self, input_units: int) -> tuple[Weight, ...]:
        """Kernel and bias."""
        kernel = Weight("kernel", (input_units, self.units), self.kernel_initializer)
        return (kernel, Weight("bias", (self.units,), self.bias_initializer)) if self.use_bias else (kernel,)

    def stages(self, input_units: int) -> tuple[Stage, ...]:
        """The layer as the kernels compute it."""
        return dense(input_units, self.units, self.activation, self.use_bias)

    @property
    def output_activation(self) -> str | None:
        """The name of the activation."""
        return self.activation.name
