"""Models: what learns."""

from .cloning import clone_model, model_from_json
from .history import History
from .model import Model, Sequential

__all__ = ["History", "Model", "Sequential", "clone_model", "model_from_json"]
