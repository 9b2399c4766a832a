"""Optimizers: descriptions that the engine resolves to its integer codes. The update rules are Keras's.

In the rules ``w`` is a parameter, ``g`` its gradient, ``a`` the learning rate and ``t`` the step, counted from 1. With
``weight_decay`` (a float or None) every rule first does ``w -= w * weight_decay * a`` (decoupled; biases as well).
``epsilon`` keeps a divisor from being zero; each rule says where it is added. ``name`` is a label. ``learning_rate`` is a
number or one of ``fastbp.optimizers.schedules``.

``LBFGS`` and ``LevenbergMarquardt`` are no optimizers but solvers, which take all of the data at once: see ``Solver``.

An optimizer's ``learning_rate`` may be set at any time, also on a compiled model, whose optimizer state it keeps.
The other settings decide what state there is, so they are final: compile the model again with a new optimizer.

>>> import fastbp
>>> optimizer = fastbp.optimizers.get("adam")
>>> optimizer.learning_rate = 1e-4
>>> optimizer
Adam(learning_rate=0.0001, beta_1=0.9, beta_2=0.999, epsilon=1e-07, amsgrad=False, weight_decay=None, name='adam')
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import absent as _absent
from ..serialization import Registry
from ..solvers import LBFGS, LevenbergMarquardt, Solver
from .adaptive import Adagrad, Adam, AdamW, Nadam, RMSprop
from .base import Optimizer
from .sgd import SGD

if TYPE_CHECKING:
    from . import schedules

__all__ = [
    "LBFGS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "LevenbergMarquardt",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "Solver",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

_CLASSES: dict[str, type[Optimizer]] = {c.__name__.lower(): c for c in (SGD, RMSprop, Adagrad, Adam, AdamW, Nadam)}
_SOLVERS: dict[str, type[Optimizer]] = {"lbfgs": LBFGS, "lm": LevenbergMarquardt, "levenberg_marquardt": LevenbergMarquardt}
_registry = Registry("optimizer", Optimizer, {**_CLASSES, **_SOLVERS}, absent=_absent.OPTIMIZERS)


def get(identifier: Any) -> Optimizer:
    """The optimizer that a name, a class, a dict by ``serialize`` or an ``Optimizer`` stands for.

    Parameters
    ----------
    identifier : str, Optimizer, class of optimizers or dict

    Examples
    --------
    >>> import fastbp
    >>> fastbp.optimizers.get("sgd").learning_rate
    0.01
    """
    return _registry.get(identifier)


def serialize(optimizer: Any) -> Any:
    """An optimizer as a dict of its class and settings, without its state.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.optimizers.serialize(fastbp.SGD(0.1))["class_name"]
    'SGD'
    """
    return _registry.serialize(optimizer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Optimizer:
    """The optimizer that ``serialize`` wrote down.

    Parameters
    ----------
    config : dict or str
    custom_objects : dict, optional
        Your own classes by name, as those of schedules.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.optimizers.deserialize({"class_name": "Adam", "config": {"learning_rate": 0.01}}).learning_rate
    0.01
    """
    return _registry.deserialize(config, custom_objects)


__getattr__ = _absent.explain(__name__, _absent.OPTIMIZERS, modules=("schedules",))
