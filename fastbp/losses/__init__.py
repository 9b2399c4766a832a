"""Losses: descriptions that the engine resolves to its integer codes.

The regression losses and the binary cross-entropy average over outputs and samples, the categorical cross-entropies
over samples (Keras's ``sum_over_batch_size``). Where the last layer is a sigmoid or softmax, its cross-entropy is
computed from the layer's logits, so that it stays finite however confident the network is.

Each loss is a class and a function of the same name: ``MeanSquaredError`` and ``mean_squared_error``, also ``mse``.
"""

from collections.abc import Mapping
from types import FunctionType
from typing import Any

from .. import absent as _absent
from ..serialization import Registry
from .base import MEANS, Loss
from .cross_entropy import BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy
from .custom import Custom, custom_loss
from .distribution_functions import gamma, gaussian_nll, quantile, tweedie
from .distributions import Gamma, GaussianNLL, Quantile, Tweedie
from .formulas import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError,
    SquaredHinge,
)
from .functions import (
    categorical_hinge,
    cosine_similarity,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    squared_hinge,
)
from .probability_functions import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    sparse_categorical_crossentropy,
)
from .regression import Huber, LogCosh, MeanAbsoluteError, MeanSquaredError, Poisson

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Custom",
    "Gamma",
    "GaussianNLL",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "Quantile",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tweedie",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "cosine_similarity",
    "deserialize",
    "gamma",
    "gaussian_nll",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "quantile",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tweedie",
]

mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
bce = BCE = binary_crossentropy
kld = KLD = kullback_leibler_divergence = kl_divergence
logcosh = log_cosh
pinball = quantile

_BY_FUNCTION: dict[Any, type[Loss]] = {
    mean_squared_error: MeanSquaredError,
    mean_absolute_error: MeanAbsoluteError,
    mean_absolute_percentage_error: MeanAbsolutePercentageError,
    mean_squared_logarithmic_error: MeanSquaredLogarithmicError,
    huber: Huber,
    log_cosh: LogCosh,
    poisson: Poisson,
    kl_divergence: KLDivergence,
    cosine_similarity: CosineSimilarity,
    hinge: Hinge,
    squared_hinge: SquaredHinge,
    categorical_hinge: CategoricalHinge,
    binary_crossentropy: BinaryCrossentropy,
    categorical_crossentropy: CategoricalCrossentropy,
    sparse_categorical_crossentropy: SparseCategoricalCrossentropy,
    binary_focal_crossentropy: BinaryFocalCrossentropy,
    categorical_focal_crossentropy: CategoricalFocalCrossentropy,
    quantile: Quantile,
    gaussian_nll: GaussianNLL,
    tweedie: Tweedie,
    gamma: Gamma,
}
_CLASSES = {function.__name__: cls for function, cls in _BY_FUNCTION.items()}
_CLASSES |= {
    "mse": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError,
    "msle": MeanSquaredLogarithmicError,
    "huber_loss": Huber,
    "logcosh": LogCosh,
    "bce": BinaryCrossentropy,
    "kld": KLDivergence,
    "kullback_leibler_divergence": KLDivergence,
    "pinball": Quantile,
}
_CLASSES |= {cls.__name__: cls for cls in _BY_FUNCTION.values()}


def _convert(identifier: Any) -> Loss | None:
    """What is no loss yet: a function of this module, or a formula."""
    if isinstance(identifier, FunctionType) and identifier in _BY_FUNCTION:
        return _BY_FUNCTION[identifier]()
    is_loss = isinstance(identifier, Loss) or (isinstance(identifier, type) and issubclass(identifier, Loss))
    return None if is_loss else custom_loss(identifier)


_registry = Registry("loss", Loss, _CLASSES, _convert, "a name, a function or an object of fastbp.losses", _absent.LOSSES)


def get(identifier: Any) -> Loss:
    """The loss that a name, a class, a ``Loss``, a dict by ``serialize`` or a function stands for, to train a model with.

    Parameters
    ----------
    identifier : str, Loss, class of losses, dict or function of (y_true, y_pred)
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
    loss = _registry.get(identifier)
    loss = custom_loss(loss) or loss
    if loss.reduction not in MEANS:
        raise ValueError(
            f"loss {loss.name!r} has reduction={loss.reduction!r}, which a call computes, but models are trained with the mean "
            "over samples, 'sum_over_batch_size': a larger learning rate makes up for a sum"
        )
    return loss


def serialize(loss: Any) -> Any:
    """A loss as a dict of its class and settings; a function as its name.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.serialize(fastbp.losses.Poisson())["class_name"]
    'Poisson'
    """
    return _registry.serialize(loss)


def deserialize(name: Any, custom_objects: Mapping[str, Any] | None = None) -> Loss:
    """The loss that ``serialize`` wrote down.

    Parameters
    ----------
    name : dict or str
    custom_objects : dict, optional
        Your own classes and functions by name.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.deserialize({"class_name": "Huber", "config": {"delta": 2.0}}).delta
    2.0
    """
    return _registry.deserialize(name, custom_objects)


__getattr__ = _absent.explain(__name__, _absent.LOSSES)
