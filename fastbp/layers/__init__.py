"""What a network is made of."""

from .. import absent as _absent
from .activation import Activation
from .activation_layers import ELU, LeakyReLU, PReLU, ReLU, Softmax
from .activity import ActivityRegularization
from .base import Layer
from .dense import Dense
from .input import Input, InputLayer
from .registry import deserialize, serialize
from .rescaling import Rescaling
from .reshaping import Flatten, Identity, Reshape

__all__ = [
    "Activation",
    "ActivityRegularization",
    "Dense",
    "ELU",
    "Flatten",
    "Identity",
    "Input",
    "InputLayer",
    "Layer",
    "LeakyReLU",
    "PReLU",
    "ReLU",
    "Rescaling",
    "Reshape",
    "Softmax",
    "deserialize",
    "serialize",
]

__getattr__ = _absent.explain(__name__, _absent.LAYERS)
