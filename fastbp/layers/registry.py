"""Layers as settings and back."""

from collections.abc import Mapping
from typing import Any

from .. import absent
from ..serialization import Registry
from .activation import Activation
from .activation_layers import ELU, LeakyReLU, PReLU, ReLU, Softmax
from .activity import ActivityRegularization
from .base import Layer
from .batch_normalization import BatchNormalization
from .dense import Dense
from .input import InputLayer
from .noise import AlphaDropout, Dropout, GaussianDropout, GaussianNoise
from .normalization import Normalization
from .rescaling import Rescaling
from .reshaping import Flatten, Identity, Reshape
from .row_normalization import LayerNormalization, RMSNormalization, UnitNormalization

_CLASSES: tuple[type[Layer], ...] = (
    Activation,
    ActivityRegularization,
    AlphaDropout,
    BatchNormalization,
    Dense,
    Dropout,
    ELU,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    Identity,
    InputLayer,
    LayerNormalization,
    LeakyReLU,
    Normalization,
    PReLU,
    ReLU,
    Rescaling,
    Reshape,
    RMSNormalization,
    Softmax,
    UnitNormalization,
)
_registry: Registry[Layer] = Registry("layer", Layer, {cls.__name__: cls for cls in _CLASSES}, absent=absent.LAYERS)


def serialize(layer: Any) -> Any:
    """A layer as a dict of its class and settings, without its weights.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.layers.serialize(fastbp.layers.Identity(name="same"))
    {'class_name': 'Identity', 'config': {'name': 'same', 'trainable': True, 'dtype': None}}
    """
    return _registry.serialize(layer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Layer:
    """The layer that ``serialize`` wrote down, with weights of its own.

    Parameters
    ----------
    config : dict
    custom_objects : dict, optional
        Your own classes and functions by name.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.layers.deserialize({"class_name": "Dense", "config": {"units": 3}}).units
    3
    """
    return _registry.deserialize(config, custom_objects)
