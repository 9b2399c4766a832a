"""Data of several columns, as a formula sees it: each column a vector."""

from __future__ import annotations

from typing import Any

from .errors import trace_error
from .functions import as_node
from .node import Node
from .tape import Tape

_INSTEAD = "Take its columns: x[:, 0], x[:, 1], ..., or x @ w with one weight for each."


class Columns:
    """An argument of shape (n, k): ``x[:, j]`` is a column, ``x.T`` a list of them all, ``x @ w`` their weighted sum."""

    __array_ufunc__ = None  # NumPy leaves operators to us
    ndim = 2

    def __init__(self, tape: Tape, name: str, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.T = [tape.input(f"{name}[:, {j}]", shape[:1]) for j in range(shape[1])]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Node:
        if isinstance(key, tuple) and len(key) == 2 and key[0] in (slice(None), Ellipsis) and hasattr(key[1], "__index__"):
            return self.T[key[1]]
        raise trace_error(f"A formula cannot index data of shape {self.shape} with {key!r}.", _INSTEAD)

    def __matmul__(self, weights: Any) -> Any:
        w = as_node(self.T[0].tape, weights)
        if w.shape != self.shape[1:]:
            raise trace_error(f"Data of shape {self.shape} times {w.shape} weights.", "One weight for each column is needed.")
        total = self.T[0] * w[0]
        for j in range(1, self.shape[1]):
            total = total + self.T[j] * w[j]
        return total

    def _no(self, *_: Any, **__: Any) -> Any:
        raise trace_error(f"A formula cannot compute with data of shape {self.shape} as a whole.", _INSTEAD)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = __rpow__ = _no
    __neg__ = __array__ = _no
