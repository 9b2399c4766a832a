"""Models: what learns."""

from .history import History
from .sequential import Sequential

__all__ = ["History", "Sequential"]
