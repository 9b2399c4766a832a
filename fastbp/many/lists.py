"""Lists with an entry for each of many models, and single values that stand for all."""

from copy import deepcopy
from typing import Any

import numpy as np

from ..conversion import describe
from ..models.model import Model


def members_of(models: Any) -> list[Any]:
    if isinstance(models, Model) or not isinstance(models, list | tuple):
        raise TypeError(f"models must be a list of models, got {describe(models)}")
    names: dict[str, int] = {}
    objects: dict[int, tuple[int, str]] = {}
    for i, model in enumerate(models):
        if not isinstance(model, Model):
            raise TypeError(f"models[{i}] must be a model of fastbp, got {describe(model)}")
        if model._given_name is not None and names.setdefault(model._given_name, i) != i:
            other = names[model._given_name]
            raise ValueError(f"models must have different names, got {model._given_name!r} for models[{other}] and models[{i}]")
        parts = [(model, "model"), *((leaf, f"layer {leaf.name!r}") for leaf in model.leaves()), (model.optimizer, "optimizer")]
        for part, what in parts:
            other, _ = objects.setdefault(id(part), (i, what))
            if part is not None and other != i:
                raise ValueError(
                    f"models must share nothing that training changes, got one {what} in models[{other}] and models[{i}]: "
                    "make one for each, or a copy (copy.deepcopy)"
                )
    return list(models)


def each(name: str, value: Any, count: int) -> list[Any]:
    """One value for each member, given as a list, or one that is that of all."""
    if isinstance(value, list) or (isinstance(value, np.ndarray) and value.ndim == 1):
        return _of_length(name, list(value), count)
    return [value] * count


def one_for_each(name: str, value: Any, count: int) -> list[Any]:
    if value is None:
        return [None] * count
    if not isinstance(value, list | tuple) and not (isinstance(value, np.ndarray) and value.ndim == 2):
        raise TypeError(f"{name} must be a list with an entry for each of the {count} models, got {describe(value)}")
    return _of_length(name, list(value), count)


def is_for_each(weights: Any, count: int) -> bool:
    """Whether weights of samples are given for each member, rather than one for each sample."""
    if isinstance(weights, list | tuple):
        return any(entry is None or np.ndim(entry) > 0 for entry in weights)
    return isinstance(weights, np.ndarray) and weights.ndim == 2 and weights.shape[1] != 1


def weights_for_each(weights: Any, count: int) -> list[Any]:
    return one_for_each("sample_weight", weights if is_for_each(weights, count) else None, count)


def _of_length(name: str, values: list[Any], count: int) -> list[Any]:
    if len(values) != count:
        raise ValueError(f"{name} must have an entry for each of the {count} models, got {len(values)}")
    return values


def callbacks_for_each(callbacks: Any, count: int) -> list[list[Any]]:
    """Those of each member: copies of what all have, or what the list has for each."""
    if callbacks is None:
        return [[] for _ in range(count)]
    if not isinstance(callbacks, list | tuple):
        callbacks = [callbacks]
    if callbacks and all(own is None or isinstance(own, list | tuple) for own in callbacks):
        lists = [list(own or ()) for own in _of_length("callbacks", list(callbacks), count)]
        owners: dict[int, int] = {}
        for i, own in enumerate(lists):
            for callback in own:
                if owners.setdefault(id(callback), i) != i:
                    raise ValueError(
                        f"callbacks must be other objects for each model, got one {type(callback).__name__} in "
                        f"callbacks[{owners[id(callback)]}] and callbacks[{i}]"
                    )
        return lists
    return [[_copied(callback) for callback in callbacks] for _ in range(count)]


def _copied(callback: Any) -> Any:
    try:
        return deepcopy(callback)
    except Exception as error:
        raise TypeError(
            f"callbacks must be ones that can be copied for each model, got {describe(callback)} ({error}): "
            "give a list of lists, one for each model"
        ) from error
