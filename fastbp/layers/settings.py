"""The arguments that all layers take."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict

from .. import regularizers
from ..arguments import boolean, dtype_name, integer
from ..keywords import ANY, Advice, Table, accepted

ADVICE: Table = {
    "init": "use kernel_initializer",
    "weights": Advice("use layer.set_weights(...) where the layer is in a model", (None,)),
    "output_dim": "use units",
    "bias": "use use_bias",
    **{f"W_{rule}": Advice(f"use kernel_{rule}", (None,)) for rule in ("regularizer", "constraint")},
    **{f"b_{rule}": Advice(f"use bias_{rule}", (None,)) for rule in ("regularizer", "constraint")},
    **dict.fromkeys(("kernel_regularizer", "kernel_constraint"), Advice("it has no kernel", (None,))),
    **dict.fromkeys(("bias_regularizer", "bias_constraint"), Advice("it has no bias", (None,))),
    "quantization_config": Advice("it comes in a later version", (None,)),
    **dict.fromkeys(("autocast", "dynamic"), Advice("", ANY)),
}


class Common(TypedDict, total=False):
    """Arguments of every layer.

    ``input_shape``, ``input_dim``, ``batch_shape`` and ``batch_input_shape`` make the layer bring an ``Input`` along where
    it is a model's first; elsewhere they have no effect.
    """

    name: str | None
    trainable: bool
    dtype: Any
    input_shape: int | Sequence[int] | None
    input_dim: int | None
    batch_shape: Sequence[int | None] | None
    batch_input_shape: Sequence[int | None] | None
    activity_regularizer: Any


def check_name(name: object) -> str | None:
    """A layer's or a model's name, or None."""
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name must be a string or None, got {name!r}")
    return name


def sample_shape(argument: str, shape: Any) -> tuple[int, ...]:
    """The shape of one sample, without the batch axis."""
    sizes = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    if not sizes:
        raise ValueError(f"{argument} must hold at least one number, the features of a sample, as in (17,), got {shape!r}")
    if None in sizes:
        raise TypeError(f"{argument} must be the sizes of one sample, which are fixed here, got {shape!r}")
    return tuple(integer(argument, size, 1) for size in sizes)


def batch_shape(argument: str, shape: Any) -> tuple[int, ...]:
    """The shape of one sample out of (None, features): the number of samples may be any."""
    if not isinstance(shape, tuple | list) or len(shape) < 2:
        raise ValueError(f"{argument} must be (None, features), got {shape!r}")
    if shape[0] is not None:
        integer(argument, shape[0], 1)
    return sample_shape(argument, shape[1:])


def layer_dtype(value: Any) -> str | None:
    """A layer's dtype by its name, or by Keras's policy; None where it is the model's."""
    if isinstance(value, Mapping):
        value = value.get("config", {}).get("name")
    return None if value is None else dtype_name(getattr(value, "name", value))


def first_input(settings: Mapping[str, Any]) -> tuple[int, ...] | None:
    """The shape of a sample that a first layer asks for."""
    for argument in ("batch_shape", "batch_input_shape"):
        if settings.get(argument) is not None:
            return batch_shape(argument, settings[argument])
    if settings.get("input_dim") is not None:
        return (integer("input_dim", settings["input_dim"], 1),)
    return None if settings.get("input_shape") is None else sample_shape("input_shape", settings["input_shape"])


def common(layer: str, settings: Mapping[str, Any], own: Iterable[str]) -> dict[str, Any]:
    """The fields of a layer for the arguments that all of them take; ``own`` are the names of its other arguments."""
    accepted(layer, settings, {*own, *Common.__annotations__}, ADVICE)
    return {
        "_given_name": check_name(settings.get("name")),
        "_trainable": boolean("trainable", settings.get("trainable", True)),
        "_own_dtype": layer_dtype(settings.get("dtype")),
        "_first_input": first_input(settings),
        "activity_regularizer": regularizers.get(settings.get("activity_regularizer"), "activity_regularizer"),
    }


def refuse_unless_none(**settings: Any) -> dict[str, None]:
    """The error for arguments of Keras that come in a later version; where they are None, themselves."""
    for argument, value in settings.items():
        if value is not None:
            raise NotImplementedError(f"{argument} must be None, got {value!r}: it comes in a later version")
    return dict.fromkeys(settings)
