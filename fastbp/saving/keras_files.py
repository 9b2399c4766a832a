"""Models that Keras wrote: .keras and .h5, of dense layers. The weights are read by keras_weights.py."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .. import losses, optimizers
from ..models.configs import layer_of
from ..models.model import Model, model_classes
from ..utils.custom_objects import custom_object_scope
from .keras_weights import MAX_TEXT_BYTES, KerasFile, read_weights, reading

__all__ = ["read_model", "read_weights"]


def read_model(path: Any, custom_objects: Mapping[str, Any] | None = None, compile: bool = True) -> Model:
    """The model in a file that Keras wrote.

    Parameters
    ----------
    path : str or path
        A ``.keras``, or an ``.h5`` that holds a whole model.
    custom_objects : dict, optional
        Your own classes and functions by name. Nothing else that the file names is looked up but fastbp's own.
    compile : bool
        Whether the model is compiled as it was. The optimizer's state starts afresh.

    Raises
    ------
    ModelFileError
        If it is no such file, is damaged, or has what fastbp has not, such as a Lambda layer.
    """
    objects = dict(custom_objects or {})
    with reading(path), KerasFile(path) as file, custom_object_scope(objects):
        settings, compiled = _settings(file)
        model = layer_of(_unbuilt(settings), {**model_classes(), **objects})
        if not isinstance(model, Model):
            file.refuse(f"holds {model!r}, which is no model")
        _expect_input(model, settings)
        arrays = file.weights(model)
        model.set_weights(arrays)
        if compile and compiled:
            _compile(model, compiled)
    return model


def _settings(file: KerasFile) -> tuple[dict[str, Any], dict[str, Any]]:
    """The model as settings, and what it was compiled with."""
    if file.is_archive:
        settings = json.loads(file.member("config.json", MAX_TEXT_BYTES))
        return settings, settings.get("compile_config") or {}
    settings = json.loads(file.text("model_config"))
    training = json.loads(file.text("training_config")) if "training_config" in file.root.attrs else {}
    return settings, {**training, "optimizer": training.get("optimizer_config")} if training else {}


def _unbuilt(settings: Any) -> Any:
    """Settings without what would have weights drawn before the file was seen to hold as many."""
    if isinstance(settings, Mapping):
        return {name: _unbuilt(value) for name, value in settings.items() if name not in ("build_input_shape", "build_config")}
    return [_unbuilt(value) for value in settings] if isinstance(settings, list) else settings


def _expect_input(model: Model, settings: Mapping[str, Any]) -> None:
    """Have the width of the input known, of layers that do not begin with an Input too."""
    if not model.built:
        inner = settings.get("config")
        shape = (settings.get("build_config") or {}).get("input_shape")
        shape = shape or (inner.get("build_input_shape") if isinstance(inner, Mapping) else None)
        if not shape:
            raise ValueError("nothing tells the shape of its input")
        sample = tuple(int(size) for size in shape[1:])
        model.check_sample(sample)
        model.expect(sample)


def _compile(model: Model, compiled: Mapping[str, Any]) -> None:
    """Compile a model as it was."""
    optimizer, loss = compiled.get("optimizer"), compiled.get("loss")
    model.compile(
        optimizer=optimizers.deserialize(optimizer) if optimizer else "rmsprop",
        loss=losses.deserialize(loss) if isinstance(loss, Mapping) else loss,
        metrics=compiled.get("metrics"),
        weighted_metrics=compiled.get("weighted_metrics"),
        steps_per_execution=compiled.get("steps_per_execution") or 1,
    )
