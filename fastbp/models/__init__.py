"""Models: what learns."""

from ..callbacks.history import History
from .sequential import Sequential

__all__ = ["History", "Sequential"]
