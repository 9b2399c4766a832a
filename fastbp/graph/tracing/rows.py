"""An array of two dimensions in a formula: each row is a vector."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .errors import missing_attribute, trace_error
from .node import Node, NodeTape

_INSTEAD = "Take its rows: x[0], x[1], ..."


class Rows:
    """A two-dimensional argument in a formula: each of its rows is a vector."""

    def __init__(self, tape: NodeTape, name: str, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.nodes = [tape.input(f"{name}[{i}]", (shape[1],)) for i in range(shape[0])]

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple) and len(key) == 2 and key[1] == slice(None):
            key = key[0]
        if hasattr(key, "__index__") and not isinstance(key, Node):
            return self.nodes[key]
        if isinstance(key, tuple) and len(key) == 2 and all(hasattr(k, "__index__") for k in key):
            return self.nodes[key[0]][key[1]]
        raise trace_error(f"A formula cannot index an array of shape {self.shape} with {key!r}.", _INSTEAD)

    def __getattr__(self, name: str) -> Any:
        raise missing_attribute(f"An array of shape {self.shape} has no {name} in a formula.", _INSTEAD)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise trace_error(f"A formula cannot compute with an array of shape {self.shape}.", _INSTEAD)

    def _refuse(self, *_: Any) -> Any:
        return self.__array__()

    __hash__ = object.__hash__
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __abs__ = __matmul__ = __rmatmul__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __neg__ = (
        _refuse
    )
