"""Penalties on weights and on outputs, which a model learns to keep small beside its loss.

Each is a class and a name: ``L2(0.001)``, "l2" and "L2". A penalty is a part of the loss that is reported, in ``fit``,
``evaluate`` and ``value_and_gradient``, and its gradient a part of the gradient that the optimizer sees, as in Keras. That
differs from ``weight_decay``, which shrinks weights beside the optimizer's step (Loshchilov and Hutter 2019,
arXiv:1711.05101).

>>> import numpy as np
>>> from fastbp import regularizers
>>> float(regularizers.L2(0.1)(np.array([1.0, -2.0])))
0.5
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import absent as _absent
from .arguments import number
from .serialization import Configured, Registry, spelled

__all__ = ["L1", "L1L2", "L2", "Regularizer", "deserialize", "get", "serialize"]

DEFAULT = 0.01  # Keras's factor


class Regularizer(Configured):
    """The base class of all penalties, ``l1 * sum(abs(x)) + l2 * sum(x**2)``.

    Attributes
    ----------
    l1, l2 : float
        At least 0. Where x is 0, the derivative of ``abs(x)`` is taken as 0.
    """

    l1: float = 0.0
    l2: float = 0.0

    def __call__(self, x: Any) -> Any:
        """The penalty on an array."""
        array = np.asarray(x)
        return self.l1 * np.sum(np.abs(array)) + self.l2 * np.sum(np.square(array))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in self.get_config().items())})"


def _factor(name: str, value: Any, default: float) -> float:
    return default if value is None else number(name, value, 0) + 0.0  # without the sign of a zero


@dataclass(frozen=True, repr=False)
class L1(Regularizer):
    """``l1 * sum(abs(x))``, which makes weights 0 that do not matter (Tibshirani 1996, the lasso).

    Parameters
    ----------
    l1 : float
        At least 0.

    Examples
    --------
    >>> import fastbp
    >>> layer = fastbp.Dense(3, kernel_regularizer=fastbp.regularizers.L1(0.001))
    >>> layer.kernel_regularizer
    L1(l1=0.001)
    """

    l1: float = DEFAULT

    def __post_init__(self) -> None:
        object.__setattr__(self, "l1", _factor("l1", self.l1, DEFAULT))


@dataclass(frozen=True, repr=False)
class L2(Regularizer):
    """``l2 * sum(x**2)``, which keeps all weights small (Hoerl and Kennard 1970, ridge regression).

    Parameters
    ----------
    l2 : float
        At least 0.

    Examples
    --------
    >>> import fastbp
    >>> x, y = [[1.0], [2.0]], [1.0, 2.0]
    >>> layer = fastbp.Dense(1, kernel_initializer="ones", kernel_regularizer=fastbp.regularizers.L2(0.25))
    >>> model = fastbp.Sequential([layer])
    >>> model.compile("sgd", "mse")
    >>> model.value_and_gradient(x, y)[0]
    0.25
    """

    l2: float = DEFAULT

    def __post_init__(self) -> None:
        object.__setattr__(self, "l2", _factor("l2", self.l2, DEFAULT))


@dataclass(frozen=True, repr=False)
class L1L2(Regularizer):
    """``l1 * sum(abs(x)) + l2 * sum(x**2)`` (Zou and Hastie 2005, the elastic net).

    Parameters
    ----------
    l1, l2 : float
        At least 0. As in Keras, what is not given is 0 here, and 0.01 where the regularizer is given by its name alone.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.regularizers.L1L2(l2=0.5), fastbp.regularizers.get("l1_l2")
    (L1L2(l1=0.0, l2=0.5), L1L2(l1=0.01, l2=0.01))
    """

    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "l1", _factor("l1", self.l1, 0.0))
        object.__setattr__(self, "l2", _factor("l2", self.l2, 0.0))


l1, l2, l1_l2 = L1, L2, L1L2

_ALLOWED = "None, 'l1', 'l2', 'l1_l2' or an object of fastbp.regularizers"
_CUSTOM = "a penalty of your own is not compiled; L1L2(l1, l2) has both kinds"
_registry: Registry[Regularizer] = Registry(
    "regularizer", Regularizer, {"l1": L1, "l2": L2, "l1_l2": L1L2}, None, _ALLOWED, _absent.REGULARIZERS
)


def get(identifier: Any, argument: str = "regularizer") -> Regularizer | None:
    """The regularizer that a name, a class, a dict by ``serialize`` or an object stands for; None for None.

    Parameters
    ----------
    identifier : str, Regularizer, class, dict or None
    argument : str
        Its name in an error.

    Raises
    ------
    NotImplementedError, TypeError, ValueError
        If there is no such regularizer.

    Examples
    --------
    >>> from fastbp import regularizers
    >>> regularizers.get("l2")
    L2(l2=0.01)
    """
    if identifier is None:
        return None
    if isinstance(identifier, str) and spelled(identifier) == "l1l2":
        return L1L2(DEFAULT, DEFAULT)
    is_class = isinstance(identifier, type) and issubclass(identifier, Regularizer)
    found = identifier() if is_class else identifier if callable(identifier) else _registry.get(identifier, argument)
    if type(found).__call__ is not Regularizer.__call__:
        raise NotImplementedError(f"{argument} must be {_ALLOWED}, got {found!r}: {_CUSTOM}")
    return found


def serialize(regularizer: Any) -> Any:
    """A regularizer as a dict of its class and settings.

    Examples
    --------
    >>> from fastbp import regularizers
    >>> regularizers.serialize(regularizers.L2(0.1))
    {'class_name': 'L2', 'config': {'l2': 0.1}}
    """
    return _registry.serialize(regularizer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Regularizer | None:
    """The regularizer that ``serialize`` wrote down.

    Parameters
    ----------
    config : dict, str or None
    custom_objects : dict, optional
        Your own classes by name.

    Examples
    --------
    >>> from fastbp import regularizers
    >>> regularizers.deserialize({"class_name": "L1", "config": {"l1": 0.5}})
    L1(l1=0.5)
    """
    if config is None or isinstance(config, str):
        return get(config)
    return _registry.deserialize(config, custom_objects)


__getattr__ = _absent.explain(__name__, _absent.REGULARIZERS)
