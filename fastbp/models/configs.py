"""Models as settings and back, in Keras's form: ``{"class_name": "Sequential", "config": {...}}``."""

from collections.abc import Mapping
from typing import Any

from .. import layers as layer_classes
from ..layers import InputLayer, Layer
from ..layers.settings import layer_dtype
from ..layers.symbolic import LATER
from .architecture import Architecture

MODULES = {"sequential": "keras", "functional": "keras.src.models.functional"}


def written(layer: Layer) -> dict[str, Any]:
    """A layer or a model by class and settings, with what Keras needs to find its own class."""
    module, name = MODULES.get(layer.kind, "keras.layers"), type(layer).__name__
    if layer.kind == "functional":
        name = "Functional"
    registered = name if layer.kind in MODULES else None
    return {"module": module, "class_name": name, "config": layer.get_config(), "registered_name": registered}


def sequential_config(model: Architecture) -> dict[str, Any]:
    """The settings of a stack of layers."""
    sample = model.asked_sample()
    layers = [] if sample is None else [model._input or InputLayer(sample)]
    config = _general(model)
    config["layers"] = [written(layer) for layer in [*layers, *model._layers]]
    return config if sample is None else {**config, "build_input_shape": [None, *sample]}


def functional_config(model: Architecture) -> dict[str, Any]:
    """The settings of a model of called layers: each with the layer that it was called on."""
    layers, last = [], None
    for layer, tensor in zip(model.layers, model.tensors(), strict=True):
        config = {**written(layer), "name": layer.name, "inbound_nodes": []}
        if last is not None:
            name, before = last
            source = {"shape": list(before.shape), "dtype": model.dtype, "keras_history": [name, 0, 0]}
            called = {} if tensor.training is None else {"training": tensor.training}
            config["inbound_nodes"] = [{"args": [{"class_name": "__keras_tensor__", "config": source}], "kwargs": called}]
        layers.append(config)
        last = layer.name, tensor
    ends = {"input_layers": [[layers[0]["name"], 0, 0]], "output_layers": [[layers[-1]["name"], 0, 0]]}
    return {**_general(model), "layers": layers, **ends}


def _general(model: Architecture) -> dict[str, Any]:
    """What both kinds have."""
    config = {"name": model.name, "trainable": model.trainable, "dtype": model.dtype}
    return {**config, **given_feedback({"feedback": model.feedback})}


# -- reading


def layer_of(config: Any, classes: Mapping[str, Any]) -> Layer:
    """The layer or model that was written down; ``classes`` are those of models and the user's own, by name."""
    if not isinstance(config, Mapping) or "class_name" not in config:
        raise ValueError(f"a layer must be written down as {{'class_name': ..., 'config': ...}}, got {config!r}")
    name, settings = config["class_name"], dict(config.get("config") or {})
    found = classes[name] if name in classes else getattr(layer_classes, name, None)
    if not isinstance(found, type) or not issubclass(found, Layer):
        raise ValueError(f"class_name must be a layer of fastbp.layers or a model, got {name!r}")
    read: Any = found.from_config
    made: Layer = read(settings, classes) if issubclass(found, Architecture) else read(settings)
    return made


def model_dtype(config: Mapping[str, Any]) -> str | None:
    """The dtype of a model that was written down, if it was."""
    return layer_dtype(config.get("dtype"))


def given_feedback(config: Mapping[str, Any]) -> dict[str, Any]:
    """The feedback of a model that has one: it is no setting of Keras's."""
    feedback = config.get("feedback")
    return {} if feedback is None else {"feedback": feedback}


def chained(config: Mapping[str, Any], classes: Mapping[str, Any]) -> list[tuple[Layer, bool | None]]:
    """The layers of a model of called layers in the order in which they follow each other, with ``training`` of each call."""
    made, after, modes = {}, {}, {}
    for layer in config["layers"]:
        name = layer.get("name") or layer["config"]["name"]
        made[name] = layer_of(layer, classes)
        sources = list(_sources(layer.get("inbound_nodes") or []))
        modes[name] = _mode(layer.get("inbound_nodes") or [])
        if len(sources) > 1 or (sources and sources[0] in after):
            raise ValueError(f"layers must follow each other in a chain, got several connections of {name!r}: {LATER}")
        if sources:
            after[sources[0]] = name
    name = _only_name("input_layers", config["input_layers"])
    order = [name]
    while name in after:
        name = after[name]
        order.append(name)
    if name != _only_name("output_layers", config["output_layers"]) or len(order) < len(made):
        raise ValueError(f"layers must follow each other in a chain, from the input to the output: {LATER}")
    return [(made[name], modes[name]) for name in order]


def _mode(nodes: Any) -> bool | None:
    """The ``training`` that a layer was called with; None if it was called without."""
    given = [node.get("kwargs", {}).get("training") for node in nodes if isinstance(node, Mapping)]
    return next((bool(training) for training in given if training is not None), None)


def _sources(nodes: Any) -> list[str]:
    """The names of the layers that a layer was called on, as Keras 3 and Keras 2 write them."""
    if isinstance(nodes, Mapping) and nodes.get("class_name") == "__keras_tensor__":
        return [nodes["config"]["keras_history"][0]]
    if isinstance(nodes, Mapping):
        return _sources(nodes.get("args", []))
    if isinstance(nodes, list) and len(nodes) in (3, 4) and isinstance(nodes[0], str):
        return [nodes[0]]
    return [name for node in nodes for name in _sources(node)] if isinstance(nodes, list) else []


def _only_name(argument: str, ends: Any) -> str:
    """The name in ``[["input", 0, 0]]`` or ``["input", 0, 0]``."""
    ends = [ends] if ends and isinstance(ends[0], str) else ends
    if len(ends) != 1:
        raise ValueError(f"{argument} must name one layer, got {ends!r}: {LATER}")
    return str(ends[0][0])
