"""Models and weights into files, and weights out of them: what the methods of models do."""

from itertools import groupby
from typing import Any

import numpy as np

from ..engine.interrupts import import_to_end
from ..errors import ModelFileError
from ..models.holding import held
from ..models.trainable import Trainable
from ..notices import warn
from .description import WEIGHTS, Description, described, places_of, weights_of
from .files import MODEL, WEIGHTS_ALONE, read_description, write_description
from .kinds import is_of_keras, keras_files
from .paths import readable_path, writable_path


def save(model: Trainable, filepath: Any, overwrite: bool) -> None:
    """``model.save``."""
    path = writable_path("filepath", filepath, overwrite)
    _need_built(model, "save")
    with held(model):
        write_description(path, MODEL, described(model), _version())


def save_weights(model: Trainable, filepath: Any, overwrite: bool) -> None:
    """``model.save_weights``."""
    path = writable_path("filepath", filepath, overwrite)
    _need_built(model, "save_weights")
    with held(model):
        weights = weights_of(model)
        settings = {"weights": list(weights)}
        arrays = {f"{WEIGHTS}/{name}": array for name, array in weights.items()}
        write_description(path, WEIGHTS_ALONE, Description(settings, arrays), _version())


def load_weights(model: Trainable, filepath: Any, skip_mismatch: bool) -> None:
    """``model.load_weights``."""
    path = readable_path("filepath", filepath)
    _need_built(model, "load_weights")
    if is_of_keras(path):
        keras_files(path).read_weights(model, path)
        return
    found, places = read_description(path, WEIGHTS_ALONE, MODEL), places_of(model)
    arrays = [found.arrays.get(f"{WEIGHTS}/{name}") for name in found.settings["weights"]]
    if any(array is None for array in arrays):
        raise ModelFileError(path, "says that it has weights that are not in it")
    if [array.shape for array in arrays if array is not None] == [shape for _, shape in places]:
        model.set_weights(arrays)
    elif skip_mismatch:
        model.set_weights(_where_they_fit(model, dict(zip(found.settings["weights"], arrays, strict=True))))
    else:
        raise ModelFileError(path, f"has weights that do not fit: {_difference(found, places)}")


def _where_they_fit(model: Trainable, arrays: dict[str, Any]) -> list[np.ndarray]:
    """The weights, layer by layer in order, those of the model where those of the file have other shapes."""
    own, taken, skipped = dict(zip(weights_of(model), model.get_weights(), strict=True)), [], []
    layers = [list(names) for _, names in groupby(own, _layer)]
    theirs = [list(names) for _, names in groupby(arrays, _layer)]
    if len(layers) != len(theirs):
        raise ValueError(f"skip_mismatch needs a file of as many layers with weights, {len(layers)}, got {len(theirs)}")
    for names, others in zip(layers, theirs, strict=True):
        fits = [own[name].shape for name in names] == [arrays[name].shape for name in others]
        taken += [arrays[name] for name in others] if fits else [own[name] for name in names]
        skipped += [] if fits else [_layer(names[0])]
    warn(f"load_weights has left layers as they were whose weights in the file have other shapes: {', '.join(skipped)}")
    return taken


def _layer(path: str) -> str:
    return path.rpartition("/")[0]


def _difference(found: Description, places: list[tuple[str, tuple[int, ...]]]) -> str:
    """Where the weights of a file and of a model differ first."""
    names = found.settings["weights"]
    if len(names) != len(places):
        return f"it has {len(names)} arrays, the model {len(places)}"
    for name, (path, shape) in zip(names, places, strict=True):
        array = found.arrays[f"{WEIGHTS}/{name}"]
        if array.shape != shape:
            return f"its {name!r} has the shape {array.shape}, the model's {path!r} {shape}"
    return "they are others"


def _need_built(model: Trainable, what: str) -> None:
    if not model.built:
        model._need_engine(what)


def _version() -> str:
    return str(import_to_end("fastbp").__version__)
