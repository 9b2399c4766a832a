"""The fully connected layer."""

from collections.abc import Callable, Hashable
from typing import Any, Unpack

from .. import activations, constraints, initializers, regularizers
from ..activations import Activation
from ..arguments import boolean, integer
from ..constraints import Constraint
from ..initializers import Initializer
from ..regularizers import Regularizer
from .base import Layer, Weight
from .settings import Common, refuse_unless_none
from .stages import Stage, dense
from .variable import Variable


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
    kernel_regularizer, bias_regularizer, activity_regularizer : str or Regularizer, optional
        Penalties on the kernel, the bias and the output; see ``fastbp.regularizers``.
    kernel_constraint, bias_constraint : str or Constraint, optional
        What kernel and bias are brought to after each step; see ``fastbp.constraints``.
    lora_rank, lora_alpha, quantization_config : None
        Of Keras, to come in a later version.
    **settings
        ``name``, ``trainable``, ``input_shape``, ``input_dim`` and the others of every ``Layer``.

    Notes
    -----
    A layer in two models has the same weights in both, as in Keras. At several places of one model it stands for as many
    layers, each with its own weights and its own name: get them from ``model.layers`` then.

    Examples
    --------
    >>> import fastbp
    >>> layer = fastbp.Dense(64, "tanh")
    >>> layer.units, layer.activation.name
    (64, 'tanh')
    >>> model = fastbp.Sequential([fastbp.Input((3,)), layer])
    >>> layer.kernel.shape
    (3, 64)
    """

    kind = "dense"
    units: int
    activation: Activation
    use_bias: bool
    kernel_initializer: Initializer
    bias_initializer: Initializer
    kernel_regularizer: Regularizer | None
    bias_regularizer: Regularizer | None
    kernel_constraint: Constraint | None
    bias_constraint: Constraint | None

    def __init__(  # type: ignore[misc]  # activity_regularizer by its position too, as in Keras
        self,
        units: int,
        activation: str | Activation | Callable[..., Any] | None = None,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        kernel_regularizer: str | Regularizer | None = None,
        bias_regularizer: str | Regularizer | None = None,
        activity_regularizer: str | Regularizer | None = None,
        kernel_constraint: str | Constraint | None = None,
        bias_constraint: str | Constraint | None = None,
        lora_rank: None = None,
        lora_alpha: None = None,
        quantization_config: None = None,
        **settings: Unpack[Common],
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **settings)
        self._set(
            units=integer("units", units, 1),
            activation=activations.get(activation),
            use_bias=boolean("use_bias", use_bias),
            kernel_initializer=initializers.get(kernel_initializer, "kernel_initializer"),
            bias_initializer=initializers.get(bias_initializer, "bias_initializer"),
            kernel_regularizer=regularizers.get(kernel_regularizer, "kernel_regularizer"),
            bias_regularizer=regularizers.get(bias_regularizer, "bias_regularizer"),
            kernel_constraint=constraints.get(kernel_constraint, "kernel_constraint", axes=2),
            bias_constraint=constraints.get(bias_constraint, "bias_constraint", axes=1),
            **refuse_unless_none(lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config),
        )
        self.activation.output_units(self.units)  # an odd number of units does not go with all

    def output_units(self, input_units: int | None) -> int:
        """The number of outputs, whatever the input: ``units``, or half of them where the activation takes pairs."""
        return self.activation.output_units(self.units)

    def weight_specs(self, input_units: int) -> tuple[Weight, ...]:
        """Kernel and bias."""
        rules = self.kernel_regularizer, self.kernel_constraint
        kernel = Weight("kernel", (input_units, self.units), self.kernel_initializer, True, *rules)
        rules = self.bias_regularizer, self.bias_constraint
        return (kernel, Weight("bias", (self.units,), self.bias_initializer, True, *rules)) if self.use_bias else (kernel,)

    def stages(self, input_units: int) -> tuple[Stage, ...]:
        """The layer as the kernels compute it."""
        return dense(input_units, self.units, self.activation, self.use_bias)

    def stage_key(self) -> Hashable | None:
        """All its settings but how weights are drawn."""
        rules = self.kernel_regularizer, self.bias_regularizer, self.kernel_constraint, self.bias_constraint
        return type(self), self.units, self.activation, self.use_bias, rules, self.activity_regularizer

    @property
    def output_activation(self) -> str | None:
        """The name of the activation."""
        return self.activation.name

    @property
    def kernel(self) -> Variable:
        """The kernel, of shape (inputs, units)."""
        return self._weight("kernel")

    @property
    def bias(self) -> Variable | None:
        """The bias, of shape (units,); None for a layer without one."""
        return self._weight("bias") if self.use_bias else None
