"""Models: what learns."""

from .. import absent as _absent
from ..callbacks.history import History
from .cloning import clone_model, model_from_json
from .model import Model, Sequential

__all__ = ["History", "Model", "Sequential", "clone_model", "model_from_json"]

__getattr__ = _absent.explain(__name__, _absent.MODELS)
