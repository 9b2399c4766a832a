"""Models: what learns."""

from .. import absent as _absent
from ..callbacks.history import History
from .cloning import clone_model, model_from_json
from .model import Model, Sequential
from .rate_finder import LearningRateRange

__all__ = ["History", "LearningRateRange", "Model", "Sequential", "clone_model", "model_from_json"]

__getattr__ = _absent.explain(__name__, _absent.MODELS)
