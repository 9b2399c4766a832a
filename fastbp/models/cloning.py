"""Another model of the same layers, with weights of its own; models out of JSON."""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from ..layers import InputLayer, Layer
from ..layers.store import AtRest
from .configs import layer_of
from .functional import one_tensor
from .model import Model, Sequential, model_classes


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Any], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    *,
    seed: int | None = None,
) -> Model:
    """A model of layers like those of another, with weights of its own; it is not compiled.

    Parameters
    ----------
    model : Model
    input_tensors : SymbolicTensor, optional
        An ``Input`` for the new model.
    clone_function : callable, optional
        ``f(layer)`` makes the new layer. If it gives the layer itself, that is a layer of both models.
    call_function : callable, optional
        ``f(layer, tensor)`` calls a new layer, for models of called layers.
    recursive : bool
        Whether ``clone_function`` is called for the layers of models within the model too.
    seed : int, optional
        Of the new model.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(2)])
    >>> clone = fastbp.models.clone_model(model)
    >>> clone.set_weights(model.get_weights())
    """
    if not isinstance(model, Model):
        raise TypeError(f"model must be a Model, got {model!r}")
    sample, tensor = model.asked_sample(), None
    if input_tensors is not None:
        tensor = one_tensor("input_tensors", input_tensors)
    elif sample is not None:
        tensor = InputLayer(sample, name=model.input.name).tensor()

    def new(layer: Layer) -> Layer:
        if isinstance(layer, Model) and (clone_function is None or recursive):
            return clone_model(layer, None, clone_function, None, recursive)
        made = clone_function(layer) if clone_function is not None else layer.twin()
        if not isinstance(made, Layer):
            raise TypeError(f"clone_function must return a layer, got {made!r}")
        return made

    made: Model
    settings: dict[str, Any] = {"seed": seed, "dtype": model.dtype, "feedback": model.feedback}
    if isinstance(model, Sequential):
        if call_function is not None:
            raise ValueError("call_function must be None for a Sequential, whose layers are not called")
        layers = [new(layer) for layer in model.layers]
        made = Sequential(layers if tensor is None else [tensor, *layers], name=model._given_name, **settings)
    else:
        outputs: Any = tensor
        for i, layer in enumerate(model._layers):
            clone = new(layer)
            outputs = clone.follow(outputs, model._modes.get(i)) if call_function is None else call_function(clone, outputs)
        made = Model(tensor, outputs, model._given_name, **settings)
    made._trainable = model.trainable
    return made


def fresh_copy(model: Model, seed: int | None = None) -> Model:
    """A model like another that is compiled, compiled like it, with weights of its own and nothing learnt.

    ``seed``: of the new model; that of the other one if left out. What layers have been adapted to, they keep.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(2)], seed=0)
    >>> model.compile("adam", "mse")
    >>> model.set_weights([[[1, 2], [3, 4], [5, 6]], [0, 1]])
    >>> fresh_copy(model).get_weights()[1]
    array([0., 0.], dtype=float32)
    """
    optimizer, loss = deepcopy(model._compiled())
    made = clone_model(model, None, _untrained, recursive=True, seed=model._seed if seed is None else seed)
    optimizer.end_at(0)
    made._configure(optimizer, loss)
    made.optimizer, made.loss, made._metrics = optimizer, loss, deepcopy(model._metrics)
    return made


def _untrained(layer: Layer) -> Layer:
    made = layer.twin()
    if hasattr(layer, "adapt") and layer._store is not None:
        made._store = AtRest(layer._store.view())
    return made


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The model that ``to_json`` of fastbp or of Keras 3 wrote, with weights drawn anew.

    Parameters
    ----------
    json_string : str
    custom_objects : dict, optional
        Classes of your own by name.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(2, "tanh")])
    >>> fastbp.models.model_from_json(model.to_json())
    <Sequential 'sequential': 3-2, float32>
    """
    return layer_of(json.loads(json_string), {**model_classes(), **(custom_objects or {})})
