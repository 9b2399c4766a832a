"""What is useful beside models: labels as columns, seeds, data that comes in batches, objects by name.

>>> from fastbp.utils import to_categorical
>>> to_categorical([1, 0]).tolist()
[[0.0, 1.0], [1.0, 0.0]]
"""

from .. import absent as _absent
from ..config import (
    clear_session,
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from ..models.drawing import plot_model
from ..seeds import set_random_seed
from .arrays import normalize, split_dataset, to_categorical
from .custom_objects import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    register_keras_serializable,
    serialize_keras_object,
)
from .py_dataset import PyDataset, Sequence

__all__ = [
    "CustomObjectScope",
    "PyDataset",
    "Sequence",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "is_interactive_logging_enabled",
    "normalize",
    "plot_model",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "to_categorical",
]

__getattr__ = _absent.explain(__name__, _absent.UTILS)
