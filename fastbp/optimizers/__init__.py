"""Optimizers: descriptions that the engine resolves to its integer codes. The update rules are Keras's.

In the rules ``w`` is a parameter, ``g`` its gradient, ``a`` the learning rate and ``t`` the step, counted from 1. With
``weight_decay`` (a float or None) every rule first does ``w -= w * weight_decay * a`` (decoupled; biases as well).
``epsilon`` keeps a divisor from being zero; each rule says where it is added. ``name`` is a label.

An optimizer's ``learning_rate`` may be set at any time, also on a compiled model, whose optimizer state it keeps.
The other settings decide what state there is, so they are final: compile the model again with a new optimizer.

>>> import fastbp
>>> optimizer = fastbp.optimizers.get("adam")
>>> optimizer.learning_rate = 1e-4
>>> optimizer
Adam(learning_rate=0.0001, beta_1=0.9, beta_2=0.999, epsilon=1e-07, amsgrad=False, weight_decay=None, name='adam')
"""

from ..arguments import lookup
from .adaptive import Adagrad, Adam, AdamW, Nadam, RMSprop
from .base import Optimizer
from .sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Nadam", "Optimizer", "RMSprop", "get"]

_CLASSES: dict[str, type[Optimizer]] = {c.__name__.lower(): c for c in (SGD, RMSprop, Adagrad, Adam, AdamW, Nadam)}


def get(identifier: object) -> Optimizer:
    """The optimizer that a name, a class or an ``Optimizer`` stands for.

    Parameters
    ----------
    identifier : str, Optimizer or class of optimizers

    Examples
    --------
    >>> import fastbp
    >>> fastbp.optimizers.get("sgd").learning_rate
    0.01
    """
    optimizer: Optimizer = lookup("optimizer", identifier, Optimizer, _CLASSES)
    return optimizer
