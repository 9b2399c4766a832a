"""Backups of a fit: the model at work, and all that the fit has besides it."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ..engine.interrupts import import_to_end
from ..errors import ModelFileError
from ..models.holding import held
from ..models.trainable import Trainable
from .atomic import remove_unfinished
from .description import Description, described, return_to
from .files import TRAINING, read_description, write_description
from .values import is_storable, packed, unpacked

__all__ = ["read_backup", "remove_unfinished", "write_backup"]


def write_backup(model: Trainable, path: str, state: Mapping[str, Any]) -> None:
    """Put a backup in the place of ``path``."""
    arrays = dict[str, Any]()
    kept = {name: _storable(value) for name, value in state.items()}
    with held(model):
        description = described(model)
        settings = {**description.settings, "fit": packed(kept, arrays, "fit")}
        whole = Description(settings, {**description.arrays, **arrays})
        write_description(path, TRAINING, whole, str(import_to_end("fastbp").__version__))


def _storable(value: Any) -> Any:
    """A value without the parts of its dicts that cannot be stored."""
    if type(value) is dict:
        return {name: _storable(item) for name, item in value.items() if is_storable(item) or type(item) in (dict, list, tuple)}
    if type(value) in (list, tuple) and not is_storable(value):
        return type(value)(_storable(item) for item in value if is_storable(item) or type(item) in (dict, list, tuple))
    return value


def read_backup(model: Trainable, path: str) -> tuple[dict[str, Any], Callable[[], None]]:
    """The state of a fit that a backup has, and a function that has the model go back to it."""
    description = read_description(path, TRAINING)
    settings = description.settings
    try:
        is_same = _of(described(model).settings) == _of(settings)
        state: dict[str, Any] = unpacked(settings["fit"], description.arrays)
    except Exception as error:
        raise ModelFileError(path, f"cannot be gone on from: {error}") from error
    if not is_same:
        raise ValueError(
            f"backup_dir must be that of this fit, got a backup of another model, or one compiled otherwise: remove {path!r}, "
            "or give another folder"
        )
    return state, lambda: return_to(model, description)


def _of(settings: Mapping[str, Any]) -> str:
    """What must be the same for a fit to go on: the model and how it is compiled, up to the learning rate."""
    compiled = json.loads(json.dumps(settings["compiled"]))
    compiled["optimizer"]["config"].pop("learning_rate", None)
    return json.dumps([settings["kind"], settings["config"], settings["weights"], compiled], sort_keys=True)
