"""What a network is made of. A layer here is a description; the weights belong to the model that uses it."""

from .dense import Dense, Input

__all__ = ["Dense", "Input"]
