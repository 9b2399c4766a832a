"""What a network is made of."""

from .. import absent as _absent
from .activation import Activation
from .activation_layers import ELU, LeakyReLU, PReLU, ReLU, Softmax
from .activity import ActivityRegularization
from .base import Layer
from .batch_normalization import BatchNormalization
from .dense import Dense
from .input import Input, InputLayer
from .noise import AlphaDropout, Dropout, GaussianDropout, GaussianNoise
from .normalization import Normalization
from .registry import deserialize, serialize
from .rescaling import Rescaling
from .reshaping import Flatten, Identity, Reshape
from .row_normalization import LayerNormalization, RMSNormalization, UnitNormalization

__all__ = [
    "Activation",
    "ActivityRegularization",
    "AlphaDropout",
    "BatchNormalization",
    "Dense",
    "Dropout",
    "ELU",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "Input",
    "InputLayer",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Normalization",
    "PReLU",
    "RMSNormalization",
    "ReLU",
    "Rescaling",
    "Reshape",
    "Softmax",
    "UnitNormalization",
    "deserialize",
    "serialize",
]

__getattr__ = _absent.explain(__name__, _absent.LAYERS)
