"""What a network is made of. A layer here is a description; the weights belong to the model that uses it."""

from .. import absent as _absent
from .activation import Activation
from .activation_layers import ELU, LeakyReLU, PReLU, ReLU, Softmax
from .base import Layer
from .dense import Dense
from .reshaping import Flatten, Input

__all__ = ["ELU", "Activation", "Dense", "Flatten", "Input", "Layer", "LeakyReLU", "PReLU", "ReLU", "Softmax"]

__getattr__ = _absent.explain(__name__, _absent.LAYERS)
