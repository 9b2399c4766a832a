"""What a network is made of. A layer here is a description; the weights belong to the model that uses it."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

from .. import activations, initializers
from ..activations import Activation
from ..arguments import boolean, integer
from ..initializers import Initializer
from .stages import Stage, dense


def check_name(name: object) -> str | None:
    """A layer's or a model's name, or None."""
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name must be a string or None, got {name!r}")
    return name


@dataclass(frozen=True, init=False)
class Input:
    """The width of a network's input, so that the network is built before it sees data.

    Parameters
    ----------
    shape : tuple of one int, or int
        Features of a sample, without the samples themselves.
    name : str, optional

    Examples
    --------
    >>> import fastbp
    >>> fastbp.Input((17,)).shape
    (17,)
    """

    shape: tuple[int]
    name: str | None

    def __init__(self, shape: int | Sequence[int], name: str | None = None) -> None:
        sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        if len(sizes) != 1:
            raise ValueError(f"shape must hold one number, the features of a sample, as in (17,), got {shape!r}")
        object.__setattr__(self, "shape", (integer("shape", sizes[0], 1),))
        object.__setattr__(self, "name", check_name(name))


@dataclass(frozen=True, init=False)
class Dense:
    """A fully connected layer: ``activation(x @ kernel + bias)``, kernel (inputs, units), bias (units,).

    Parameters
    ----------
    units : int
        Outputs of the layer.
    activation : str, Activation, callable or None
        See ``fastbp.activations``; None is linear. A function ``f(z)`` of the weighted sums is a formula of one's own,
        differentiated and compiled; see ``fastbp.activations.custom``. Softmax only in the last layer.
    use_bias : bool
    kernel_initializer, bias_initializer : str or callable
        See ``fastbp.initializers``.
    name : str, optional
        Where it is left out, a model calls its layers dense, dense_1, ... No two layers of a model may be given one name.

    Notes
    -----
    The same description may stand at several places of a network; each place has weights and a name of its own.

    Examples
    --------
    >>> import fastbp
    >>> layer = fastbp.Dense(64, "tanh")
    >>> layer.units, layer.activation.name
    (64, 'tanh')
    """

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
        settings = {
            "units": integer("units", units, 1),
            "activation": activations.get(activation),
            "use_bias": boolean("use_bias", use_bias),
            "kernel_initializer": initializers.get(kernel_initializer, "kernel_initializer"),
            "bias_initializer": initializers.get(bias_initializer, "bias_initializer"),
            "name": check_name(name),
        }
        for setting, value in settings.items():
            object.__setattr__(self, setting, value)

    def output_units(self, input_units: int) -> int:
        """Outputs for an input of so many units."""
        return self.units

    def stages(self, input_units: int) -> tuple[Stage, ...]:
        """What the layer is for kernels."""
        return dense(input_units, self.units, self.activation, self.use_bias)

    @property
    def description(self) -> "Dense":
        """The layer as it was given, where this is one that a model has named."""
        given: Dense = vars(self).get("_description", self)
        return given

    def placed(self, name: str) -> "Dense":
        """The same layer under the name it has in a model."""
        layer = copy(self)
        object.__setattr__(layer, "name", name)
        object.__setattr__(layer, "_description", self)
        return layer
