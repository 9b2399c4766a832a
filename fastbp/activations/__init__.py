"""Activations: what a layer does to its weighted sums. Names, arguments and defaults are Keras's.

Each is an object that a layer takes, by itself or by its name. Called with data it computes; called with settings it is the
activation that has them.

>>> from fastbp import activations
>>> activations.get("relu") is activations.relu
True
>>> activations.relu([-1.0, 2.0])
array([0., 2.])
>>> activations.leaky_relu(negative_slope=0.1)
Activation('leaky_relu', negative_slope=0.1)

The formula of each is the function of the same name in ``fastbp.activations.formulas``.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ..arguments import check_signature, function_name, unknown
from ..serialization import class_and_settings, is_config
from ..serialization import custom_objects as all_custom_objects
from .base import Activation
from .kinds import KINDS

__all__ = ["Activation", "custom", "deserialize", "get", "serialize", *KINDS, "hard_swish", "swish"]


def _built_in(name: str) -> Activation:
    return Activation(name, tuple(KINDS[name].defaults.items()))


linear = _built_in("linear")
relu, leaky_relu, relu6 = _built_in("relu"), _built_in("leaky_relu"), _built_in("relu6")
elu, selu, celu = _built_in("elu"), _built_in("selu"), _built_in("celu")
exponential, tanh = _built_in("exponential"), _built_in("tanh")
sigmoid, log_sigmoid = _built_in("sigmoid"), _built_in("log_sigmoid")
softplus, softsign, squareplus = _built_in("softplus"), _built_in("softsign"), _built_in("squareplus")
silu = swish = _built_in("silu")
mish, gelu, gelu_tanh = _built_in("mish"), _built_in("gelu"), _built_in("gelu_tanh")
hard_sigmoid, hard_tanh = _built_in("hard_sigmoid"), _built_in("hard_tanh")
hard_silu = hard_swish = _built_in("hard_silu")
tanh_shrink, hard_shrink, soft_shrink = _built_in("tanh_shrink"), _built_in("hard_shrink"), _built_in("soft_shrink")
threshold = _built_in("threshold")
sparse_plus, sparse_sigmoid = _built_in("sparse_plus"), _built_in("sparse_sigmoid")
softmax, log_softmax, sparsemax, glu = (_built_in(name) for name in ("softmax", "log_softmax", "sparsemax", "glu"))

_NAMES: dict[str, Activation] = {name: globals()[name] for name in [*KINDS, "swish", "hard_swish"]}


def custom(function: Callable[..., Any], name: str | None = None) -> Activation:
    """A custom formula, differentiated and compiled like the activations here.

    Passing the function itself to ``Dense(units, activation=f)`` does the same.

    Parameters
    ----------
    function : callable
        ``f(z)`` of an array (samples, units): computes each unit's output from its ``z`` alone, with operators, fastbp's
        functions or NumPy's. Numbers from outside the formula are constants, read again by each ``compile``.
    name : str, optional
        The function's if not given.

    Raises
    ------
    TraceError
        If the formula cannot be compiled.

    Examples
    --------
    >>> import fastbp
    >>> def gaussian(z):
    ...     return fastbp.exp(-(z**2))
    >>> fastbp.Dense(8, activation=gaussian).activation
    Activation('gaussian')
    """
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"activation must be a function of z, got {function!r}")
    check_signature("activation", function, ["z"])
    from ..graph.codegen.row_graphs import trace_activation  # now, so that a bad formula raises where it is given

    trace_activation(function)
    return Activation(name or function_name(function), function=function)


def get(identifier: object) -> Activation:
    """The activation that a name, an ``Activation``, a dict by ``serialize``, None or a function stands for.

    Parameters
    ----------
    identifier : str, Activation, dict, callable or None
        None is linear; for functions see ``custom``.

    Raises
    ------
    TypeError, ValueError
        If there is no such activation.

    Examples
    --------
    >>> from fastbp import activations
    >>> activations.get(None) is activations.linear
    True
    >>> activations.get({"class_name": "celu", "config": {"alpha": 0.5}})
    Activation('celu', alpha=0.5)
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str) or is_config(identifier):
        return deserialize(identifier)
    if isinstance(identifier, Activation):
        if identifier.missing is not None:
            raise TypeError(f"activation {identifier.name!r} needs {identifier.missing}=, as in {_example(identifier)}")
        return identifier
    if callable(identifier) and not isinstance(identifier, type):
        return custom(identifier)
    raise TypeError(f"activation must be a name, a function, an Activation or None, got {identifier!r}")


def _example(activation: Activation) -> str:
    return f"activations.{activation.name}({', '.join(f'{name}=0.5' for name, _ in activation.settings)})"


def serialize(activation: object) -> Any:
    """An activation as its name, or with settings that are not the defaults as a dict that JSON can hold.

    Parameters
    ----------
    activation : Activation, or what ``get`` makes one of

    Examples
    --------
    >>> from fastbp import activations
    >>> activations.serialize(activations.relu)
    'relu'
    >>> activations.serialize(activations.celu(alpha=0.5))
    {'class_name': 'celu', 'config': {'alpha': 0.5}}
    """
    return get(activation).serialized()


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Activation:
    """The activation that ``serialize`` wrote down.

    Parameters
    ----------
    config : str or dict
    custom_objects : dict, optional
        Functions of your own, by name.

    Examples
    --------
    >>> from fastbp import activations
    >>> activations.deserialize({"class_name": "relu", "config": {"max_value": 6.0}})
    Activation('relu', max_value=6.0)
    """
    settings: Mapping[str, Any] = {}
    if is_config(config):
        config, settings = class_and_settings(config)
    if not isinstance(config, str):
        return get(config)
    objects = {**all_custom_objects, **(custom_objects or {})}
    if config in objects:
        return get(objects[config])
    if config.lower() not in _NAMES:
        raise unknown("activation", config, [*_NAMES, *objects])
    return get(_NAMES[config.lower()](**settings))
