"""What keeps a model from learning: findings about its data, its layers and its learning rate."""

from .finding import Diagnosis, Finding

__all__ = ["Diagnosis", "Finding"]
