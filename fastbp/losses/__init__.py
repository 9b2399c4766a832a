"""Losses: descriptions that the engine resolves to its integer codes.

The regression losses and the binary cross-entropy average over outputs and samples, the categorical cross-entropies
over samples (Keras's ``sum_over_batch_size``). Where the last layer is a sigmoid or softmax, its cross-entropy is
computed from the layer's logits, so that it stays finite however confident the network is.
"""

from ..arguments import lookup
from .base import Loss
from .cross_entropy import BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy
from .custom import Custom, custom_loss
from .regression import Huber, LogCosh, MeanAbsoluteError, MeanSquaredError, Poisson

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Custom",
    "Huber",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "get",
]

_CLASSES: dict[str, type[Loss]] = {
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "mean_absolute_error": MeanAbsoluteError,
    "mae": MeanAbsoluteError,
    "huber": Huber,
    "huber_loss": Huber,
    "log_cosh": LogCosh,
    "logcosh": LogCosh,
    "poisson": Poisson,
    "binary_crossentropy": BinaryCrossentropy,
    "bce": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
}
_CLASSES |= {c.__name__: c for c in set(_CLASSES.values())}


def get(identifier: object) -> Loss:
    """The loss that a name, a class, a ``Loss`` or a function stands for.

    Parameters
    ----------
    identifier : str, Loss, class of losses or function of (y_true, y_pred)
        For functions, and objects with a method ``call``, see ``Custom``.

    Raises
    ------
    TypeError, ValueError
        If there is no such loss.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.get("mae").name
    'mean_absolute_error'
    """
    loss: Loss = custom_loss(identifier) or lookup("loss", identifier, Loss, _CLASSES, "a name, a function or an object")
    return loss
