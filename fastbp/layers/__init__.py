"""What a network is made of."""

from .activation import Activation
from .base import Layer
from .dense import Dense
from .input import Input, InputLayer
from .rescaling import Rescaling
from .reshaping import Flatten, Identity, Reshape

__all__ = ["Activation", "Dense", "Flatten", "Identity", "Input", "InputLayer", "Layer", "Rescaling", "Reshape"]
