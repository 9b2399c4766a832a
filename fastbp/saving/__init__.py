"""Models in files: what Keras has in ``keras.saving``.

What is in a file is described in FORMAT.md, in this folder.
"""

from .. import absent as _absent
from ..utils.custom_objects import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    register_keras_serializable,
    serialize_keras_object,
)
from .loading import load_model, save_model

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]


def load_weights(model: object, filepath: object, skip_mismatch: bool = False) -> None:
    """``model.load_weights``."""
    model.load_weights(filepath, skip_mismatch)  # type: ignore[attr-defined]


def save_weights(model: object, filepath: object, overwrite: bool = True) -> None:
    """``model.save_weights``."""
    model.save_weights(filepath, overwrite)  # type: ignore[attr-defined]


__getattr__ = _absent.explain(__name__, _absent.SAVING)
