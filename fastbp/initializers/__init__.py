"""Initial weights. An initializer is called as ``initializer(shape, rng, dtype)`` and returns an array.

Each is a class and a name: ``HeNormal(seed=1)``, "he_normal" and "HeNormal". One without a seed draws from the generator it is
given, a model's, and from a new one if it is given none.

>>> import numpy as np
>>> from fastbp import initializers
>>> initializers.get("he_normal")((3, 2), np.random.default_rng(0), "float32").shape
(3, 2)
>>> initializers.Constant(0.5)((2,))
array([0.5, 0.5], dtype=float32)
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from .. import absent as _absent
from ..serialization import Registry
from .base import BuiltIn, Custom, Initializer
from .layer_sequential import lsuv
from .plain import Constant, Identity, Ones, Orthogonal, RandomNormal, RandomUniform, TruncatedNormal, Zeros
from .scaled import GlorotNormal, GlorotUniform, HeNormal, HeUniform, LecunNormal, LecunUniform, VarianceScaling

__all__ = [
    "Constant",
    "Custom",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "deserialize",
    "get",
    "lsuv",
    "serialize",
]

glorot_uniform, glorot_normal, he_uniform, he_normal = GlorotUniform, GlorotNormal, HeUniform, HeNormal
lecun_uniform, lecun_normal, variance_scaling = LecunUniform, LecunNormal, VarianceScaling
random_uniform, random_normal, truncated_normal = RandomUniform, RandomNormal, TruncatedNormal
zeros, ones, constant, orthogonal, identity = Zeros, Ones, Constant, Orthogonal, Identity
OrthogonalInitializer, IdentityInitializer = Orthogonal, Identity

_BUILT_IN: dict[str, type[BuiltIn]] = {
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_uniform": LecunUniform,
    "lecun_normal": LecunNormal,
    "variance_scaling": VarianceScaling,
    "random_uniform": RandomUniform,
    "uniform": RandomUniform,
    "random_normal": RandomNormal,
    "normal": RandomNormal,
    "truncated_normal": TruncatedNormal,
    "orthogonal": Orthogonal,
    "identity": Identity,
    "zeros": Zeros,
    "zero": Zeros,
    "ones": Ones,
    "one": Ones,
    "constant": Constant,
}
_ALSO = {"OrthogonalInitializer": Orthogonal, "IdentityInitializer": Identity}


def _convert(identifier: Any) -> Any:
    """What Keras calls with a shape and a dtype, as what is called with a generator too."""
    if isinstance(identifier, type) and issubclass(identifier, Initializer):
        identifier = identifier()
    if isinstance(identifier, type) or not callable(identifier):
        return None
    return Custom(identifier) if _takes_dtype_second(identifier) else identifier


def _takes_dtype_second(function: Any) -> bool:
    if isinstance(function, BuiltIn | Custom):
        return False
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # NumPy's functions and the like have no signature
        return False
    return names[1:2] == ["dtype"]


_registry: Registry[Any] = Registry(
    "initializer", Initializer, _BUILT_IN | _ALSO, _convert, "a name or a callable of (shape, rng, dtype)", _absent.INITIALIZERS
)


def get(identifier: Any, argument: str = "initializer") -> Callable[..., Any]:
    """The initializer that a name, a class, a dict by ``serialize`` or a callable stands for.

    Parameters
    ----------
    identifier : str, class of initializers, dict or callable
        A callable takes (shape, rng, dtype), or as in Keras (shape, dtype=None), and returns an array.
    argument : str
        Its name in an error.

    Raises
    ------
    TypeError, ValueError
        If there is no such initializer.

    Examples
    --------
    >>> from fastbp import initializers
    >>> initializers.get("zeros")
    Zeros()
    """
    chosen: Callable[..., Any] = _registry.get(identifier, argument)
    return chosen


def serialize(initializer: Any) -> Any:
    """An initializer as a dict of its class and settings; a function as its name.

    Examples
    --------
    >>> from fastbp import initializers
    >>> initializers.serialize(initializers.HeNormal(seed=1))
    {'class_name': 'HeNormal', 'config': {'seed': 1}}
    """
    return _registry.serialize(initializer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Callable[..., Any]:
    """The initializer that ``serialize`` wrote down.

    Parameters
    ----------
    config : dict or str
    custom_objects : dict, optional
        Your own classes and functions by name.

    Examples
    --------
    >>> from fastbp import initializers
    >>> initializers.deserialize({"class_name": "Constant", "config": {"value": 0.5}})
    Constant(value=0.5)
    """
    chosen: Callable[..., Any] = _registry.deserialize(config, custom_objects)
    return chosen


__getattr__ = _absent.explain(__name__, _absent.INITIALIZERS)
