"""What an activation is: a name and settings, from which the engine's codes and the formula follow."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..kernels import codes
from ..serialization import Configured
from .flatness import NOWHERE, Flatness, flatness, output_range
from .kinds import KINDS, REQUIRED

if TYPE_CHECKING:
    from ..graph.codegen.bound import BoundFunction


@dataclass(frozen=True, repr=False)
class Activation(Configured):
    """What a layer does to its weighted sums.

    Take one of ``fastbp.activations``, name it (``"tanh"``), or give a function; see ``fastbp.activations.custom``.
    Called with data it computes, called with settings it gives the activation that has them:

    >>> from fastbp import activations
    >>> activations.elu([-1000.0, 1.0])
    array([-1.,  1.])
    >>> activations.elu([-1000.0, 1.0], alpha=0.5)
    array([-0.5,  1. ])
    >>> activations.elu(alpha=0.5)
    Activation('elu', alpha=0.5)

    Parameters
    ----------
    name : str
        Its name in Keras.
    settings : tuple of (name, value)
        All of them, in Keras's order.
    function : callable, optional
        The formula of a custom activation.

    Attributes
    ----------
    code : int
        Its code in the kernels.
    alpha : float
        The kernels' parameter.
    """

    name: str
    settings: tuple[tuple[str, Any], ...] = ()
    function: Callable[..., Any] | None = None
    code: int = field(init=False, compare=False)
    alpha: float = field(init=False, compare=False)

    def __post_init__(self) -> None:
        code, alpha = codes.CUSTOM_ACTIVATION, 0.0
        if self.function is None and self.missing is None:
            code, alpha = KINDS[self.name].encode(dict(self.settings))
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "alpha", alpha)

    def __repr__(self) -> str:
        changed = [f"{name}={value!r}" for name, value in self.get_config().items()]
        return f"Activation({', '.join([repr(self.name), *changed])})"

    @property
    def __name__(self) -> str:
        return self.name

    @property
    def missing(self) -> str | None:
        """A setting that has no value yet."""
        return next((name for name, value in self.settings if value is REQUIRED), None)

    def get_config(self) -> dict[str, Any]:
        """The settings that are not the defaults.

        Examples
        --------
        >>> from fastbp import activations
        >>> activations.relu(max_value=6.0).get_config()
        {'max_value': 6.0}
        """
        if self.function is not None:
            return {}
        defaults = KINDS[self.name].defaults
        return {name: value for name, value in self.settings if value != defaults[name]}

    def serialized(self) -> Any:
        """The name alone, or name and settings."""
        config = self.get_config()
        if self.name == "<lambda>":
            raise TypeError(f"{self!r} cannot be written down: a function needs a name")
        return {"class_name": self.name, "config": config} if config else self.name

    # -- calls

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        """The activation of data; or, without data, the activation that has other settings.

        Parameters
        ----------
        *arguments
            Data: an array, a node of a formula, or a tensor without numbers (an ``Input``, or what a layer makes of one),
            which gives the output of an ``Activation`` layer; then settings in Keras's order. Of leaky_relu and elu a number
            alone is the first setting, and so is True or False of gelu.
        **settings
            By Keras's names.

        Examples
        --------
        >>> import numpy as np
        >>> from fastbp import activations
        >>> activations.relu(np.array([-1.0, 2.0]))
        array([0., 2.])
        >>> activations.leaky_relu(0.1)
        Activation('leaky_relu', negative_slope=0.1)
        """
        if "x" in settings:
            arguments = (settings.pop("x"), *arguments)
        if arguments and hasattr(arguments[0], "through_activation"):  # a layer's output, for data that will come
            return arguments[0].through_activation(self._with_settings(self._named(arguments[1:], settings)))
        if not arguments or (self._takes_number and _is_number(arguments[0])):
            return self._with_settings(self._named(arguments, settings))
        given = {**dict(self.settings), **self._named(arguments[1:], settings)}
        missing = [name for name, value in given.items() if value is REQUIRED]
        if missing:
            raise TypeError(f"{self.name} needs {missing[0]}=")
        from .formulas import compute  # the graph is imported only where there are formulas

        return compute(self._formula, arguments[0], **given)

    @property
    def _takes_number(self) -> bool:
        return self.function is None and KINDS[self.name].takes_number

    def _named(self, arguments: tuple[Any, ...], settings: Mapping[str, Any]) -> dict[str, Any]:
        """Settings by name, or the error for what it does not have."""
        names = [name for name, _ in self.settings]
        given = {**dict(zip(names, arguments, strict=False)), **settings}
        wrong = [*arguments[len(names) :], *(name for name in given if name not in names)]
        if wrong:
            wanted = f"the settings {', '.join(names)}" if names else "no settings"
            raise TypeError(f"{self.name} takes {wanted}, got {', '.join(map(repr, wrong))}")
        return given

    def _with_settings(self, given: Mapping[str, Any]) -> "Activation":
        """The same kind of activation with some settings changed."""
        if not given:
            return self
        kind = KINDS[self.name].settings
        checked = {name: kind[name].check(name, value) for name, value in given.items()}
        return Activation(self.name, tuple((name, checked.get(name, value)) for name, value in self.settings))

    # -- for layers and the engine

    @property
    def _formula(self) -> Callable[..., Any]:
        from . import formulas

        formula: Callable[..., Any] = self.function or getattr(formulas, self.name)
        return formula

    def output_units(self, units: int) -> int:
        """How many outputs a layer of ``units`` weighted sums has."""
        if self.code != codes.GLU:
            return units
        if units % 2:
            raise ValueError(f"glu takes pairs of units, so their number must be even, got {units}")
        return units // 2

    @property
    def flatness(self) -> Flatness:
        """Which of its outputs pass no gradient on."""
        if self.function is not None:  # which may give something else the next time
            return flatness(self)
        return _flatness_by_name(self)

    @property
    def range(self) -> tuple[float, float]:
        """The least and the largest that it can give, about; infinite where it has no bound."""
        return output_range(self)

    def bind(self, dtype: str) -> "BoundFunction | None":
        """The machine code of the formula, as it is now; None where the kernels have the activation themselves."""
        if self.code != codes.CUSTOM_ACTIVATION:
            return None
        from ..graph.codegen.bound import bind_activation
        from ..graph.codegen.row_graphs import trace_activation

        formula = partial(self._formula, **dict(self.settings)) if self.settings else self._formula
        return bind_activation(trace_activation(formula), dtype)


@cache
def _flatness_by_name(activation: Activation) -> Flatness:
    whole = activation.code == codes.GLU or activation.code in codes.WHOLE_ROW_ACTIVATIONS
    return NOWHERE if whole or activation.code == codes.LINEAR else flatness(activation)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number | np.bool_)
