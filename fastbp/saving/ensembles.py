"""Many models in one file: each described as a file of its own would, its arrays under the number of its place."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from ..arguments import boolean, integer
from ..engine.interrupts import import_to_end
from ..errors import ModelFileError
from ..models.holding import held
from ..models.model import Model
from ..utils.custom_objects import custom_object_scope
from .description import Description, described
from .files import ENSEMBLE, read_description, write_description
from .loading import model_of
from .paths import readable_path, writable_path


def save_models(models: Sequence[Model], settings: Mapping[str, Any], filepath: Any, overwrite: bool) -> None:
    """Put models and the settings of their ensemble into a file."""
    path = writable_path("filepath", filepath, overwrite)
    with ExitStack() as block:
        for model in models:
            block.enter_context(held(model))
        descriptions = [described(model) for model in models]
        arrays = {f"{i}/{name}": array for i, one in enumerate(descriptions) for name, array in one.arrays.items()}
        whole = {"ensemble": dict(settings), "members": [one.settings for one in descriptions]}
        write_description(path, ENSEMBLE, Description(whole, arrays), str(import_to_end("fastbp").__version__))


def load_models(filepath: Any, custom_objects: Mapping[str, Any] | None = None) -> tuple[list[Model], dict[str, Any]]:
    """The models of a file, and the settings of their ensemble."""
    path, objects = readable_path("filepath", filepath), dict(custom_objects or {})
    description = read_description(path, ENSEMBLE)
    try:
        settings = _checked(description.settings["ensemble"], len(description.settings["members"]))
        with custom_object_scope(objects):
            return [model_of(path, one, objects) for one in _members(description)], settings
    except ModelFileError:
        raise
    except Exception as error:
        raise ModelFileError(path, f"holds settings that no ensemble can be made of: {error}") from error


def _members(description: Description) -> list[Description]:
    members = [Description(settings) for settings in description.settings["members"]]
    for name, array in description.arrays.items():
        number, slash, rest = name.partition("/")
        if slash:
            members[int(number)].arrays[rest] = array
    return members


def _checked(settings: Mapping[str, Any], count: int) -> dict[str, Any]:
    """The settings of an ensemble, if they agree with each other and with the number of models."""
    members = integer("members", settings["members"], 1)
    seeds = [integer("seeds", seed, 0) for seed in settings["seeds"]]
    numbers = [integer("numbers", number, 0) for number in settings["numbers"]]
    if len(seeds) != members or len(numbers) != count or not count or sorted(set(numbers)) != numbers or numbers[-1] >= members:
        raise ValueError(f"there must be seeds for {members} members and numbers for {count}, got {len(seeds)}, {numbers}")
    rows, drawn_from = integer("rows", settings["rows"], 1), integer("drawn_from", settings["drawn_from"], 1)
    if drawn_from > rows:
        raise ValueError(f"drawn_from must be at most the number of rows, {rows}, got {drawn_from}")
    seed = settings["seed"]
    return {
        "members": members,
        "bootstrap": boolean("bootstrap", settings["bootstrap"]),
        "seed": None if seed is None else integer("seed", seed, 0),
        "seeds": seeds,
        "numbers": numbers,
        "drawn_from": drawn_from,
        "rows": rows,
    }
