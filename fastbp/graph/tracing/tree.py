"""Arguments made of containers (pytrees): their leaves in order, and the form to put others of the kind back into.

As in JAX, containers are dicts, lists, tuples, named tuples and None, which has no leaves; dataclasses too, of which a field
with ``metadata={"static": True}`` belongs to the form. A list or tuple of numbers alone is one leaf, a vector, as for NumPy.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from .node import Node

Leaf = tuple[str, Any]  # where in the tree, as it would be written, and what is there


@dataclasses.dataclass(frozen=True)
class Structure:
    """The form of a tree: ``kind`` is the container's type, None for a leaf; ``vector`` that of a vector given as a list."""

    kind: Any = None
    keys: tuple[Any, ...] = ()
    children: tuple[Structure, ...] = ()
    static: tuple[Any, ...] = ()
    vector: Any = None

    def rebuild(self, leaves: Iterator[Any], leaf: Callable[[Any, Structure], Any] = lambda value, _: value) -> Any:
        """The same form with other leaves, each passed through ``leaf(value, structure)``."""
        if self.kind is None:
            return leaf(next(leaves), self)
        parts = [child.rebuild(leaves, leaf) for child in self.children]
        return _KINDS[_family(self.kind)](self, parts)


def as_given(value: Any, structure: Structure) -> Any:
    """A vector as the list or tuple that it was."""
    if structure.vector is None:
        return value
    return structure.vector(value.tolist() if isinstance(value, np.ndarray) else value)


def _dataclass(structure: Structure, parts: list[Any]) -> Any:
    new = object.__new__(structure.kind)
    for name, value in [*zip(structure.keys, parts, strict=True), *structure.static]:
        object.__setattr__(new, name, value)
    return new


def _dict(structure: Structure, parts: list[Any]) -> Any:
    items = dict(zip(structure.keys, parts, strict=True))
    if issubclass(structure.kind, defaultdict):
        return structure.kind(*structure.static, items)
    return structure.kind(items) if structure.kind in (dict, OrderedDict) else items


_LEAF = Structure()
_PLAIN_LEAVES = {float, int, np.ndarray}
_KINDS: dict[str, Callable[[Structure, list[Any]], Any]] = {
    "none": lambda structure, parts: None,
    "dict": _dict,
    "named": lambda structure, parts: structure.kind(*parts),
    "sequence": lambda structure, parts: structure.kind(parts),
    "dataclass": _dataclass,
}


def _family(kind: type) -> str:
    """What a type is among containers; "" for a leaf."""
    if kind is type(None):
        return "none"
    if issubclass(kind, Mapping):
        return "dict"
    if issubclass(kind, list | tuple):
        return "named" if hasattr(kind, "_fields") else "sequence"
    return "dataclass" if dataclasses.is_dataclass(kind) and not hasattr(kind, "__array__") else ""


def is_vector(value: Any) -> bool:
    """Whether a list or tuple holds nothing but numbers."""
    return type(value) in (list, tuple) and all(_is_number(v) for v in value)


def is_array(value: Any) -> bool:
    """The same of lists of lists too, which are arrays of data."""
    return type(value) in (list, tuple) and all(_is_number(v) or is_array(v) for v in value)


def _is_number(value: Any) -> bool:
    if isinstance(value, Node | np.ndarray):
        return not value.ndim
    return isinstance(value, bool | int | float | np.generic)


def flatten(tree: Any, is_leaf: Callable[[Any], bool], path: str = "") -> tuple[list[Leaf], Structure]:
    """The leaves, each with its place, and the form.

    Parameters
    ----------
    is_leaf : callable
        Whether a container is a leaf: ``is_vector`` for parameters, ``is_array`` for data.
    path : str
        How the tree is called.
    """
    if type(tree) in _PLAIN_LEAVES:  # at once, for calls with small arguments
        return [(path, tree)], _LEAF
    family = _family(type(tree))
    if not family or is_leaf(tree):
        vector = type(tree) if family and is_vector(tree) else None
        return [(path, tree)], Structure(vector=vector)
    keys: tuple[Any, ...] = ()
    static: tuple[Any, ...] = ()
    if family == "none":
        named = []
    elif family == "dict":
        keys = tuple(tree)
        named = [(f"{path}[{key!r}]", tree[key]) for key in keys]
        static = (tree.default_factory,) if isinstance(tree, defaultdict) else ()
    elif family == "dataclass":
        fields = dataclasses.fields(tree)
        keys = tuple(field.name for field in fields if not field.metadata.get("static"))
        static = tuple((field.name, getattr(tree, field.name)) for field in fields if field.metadata.get("static"))
        named = [(f"{path}.{key}", getattr(tree, key)) for key in keys]
    elif family == "named":
        keys = tree._fields
        named = [(f"{path}.{key}", value) for key, value in zip(keys, tree, strict=True)]
    else:
        named = [(f"{path}[{i}]", value) for i, value in enumerate(tree)]
    leaves: list[Leaf] = []
    children = []
    for name, value in named:
        found, child = flatten(value, is_leaf, name)
        leaves += found
        children.append(child)
    return leaves, Structure(type(tree), keys, tuple(children), static)


def matching(structure: Structure, tree: Any, path: str) -> list[Leaf]:
    """The leaves of a tree that must have this form; a dict's in the order of the form's keys.

    Raises
    ------
    TypeError
        If it has another one.
    """
    if structure.kind is None:
        return [(path, tree)]
    family = _family(structure.kind)
    if _family(type(tree)) != family or (family in ("named", "dataclass") and type(tree) is not structure.kind):
        raise TypeError(f"{path} must be a {structure.kind.__name__} as the argument that it belongs to is, got {tree!r}")
    if family == "dict":
        if set(tree) != set(structure.keys):
            raise TypeError(f"{path} must have the keys {list(structure.keys)}, got {list(tree)}")
        parts = [(f"{path}[{key!r}]", tree[key]) for key in structure.keys]
    elif family == "dataclass":
        parts = [(f"{path}.{key}", getattr(tree, key)) for key in structure.keys]
    else:
        parts = [] if family == "none" else [(f"{path}[{i}]", value) for i, value in enumerate(tree)]
    if len(parts) != len(structure.children):
        raise TypeError(f"{path} must have {len(structure.children)} parts, got {len(parts)}")
    return [leaf for (name, part), child in zip(parts, structure.children, strict=True) for leaf in matching(child, part, name)]
