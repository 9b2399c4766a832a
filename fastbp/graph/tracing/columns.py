"""Data of several columns in a formula: each column is a vector."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .errors import missing_attribute, trace_error
from .functions import as_node
from .node import Node
from .tape import Tape

_INSTEAD = "Take its columns: x[:, 0], x[:, 1], ..., or x @ w with one weight for each."


class Columns:
    """An argument of shape (n, k): ``x[:, j]`` is a column, ``x.T`` a list of them all, ``x @ w`` their weighted sum."""

    ndim = 2

    def __init__(self, tape: Tape, name: str, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.T = [tape.input(f"{name}[:, {j}]", shape[:1]) for j in range(shape[1])]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Node:
        rows: Any
        column: Any
        rows, column = key if isinstance(key, tuple) and len(key) == 2 else (None, None)
        is_whole = rows is Ellipsis or (isinstance(rows, slice) and rows == slice(None))
        if is_whole and not isinstance(column, Node) and column in range(-len(self.T), len(self.T)):
            return self.T[operator.index(column)]
        raise trace_error(f"A formula cannot index data of shape {self.shape} with {key!r}.", _INSTEAD)

    def __matmul__(self, weights: Any) -> Any:
        w = as_node(self.T[0].tape, weights)
        if w.shape != self.shape[1:]:
            raise trace_error(f"Data of shape {self.shape} times {w.shape} weights.", "One weight for each column is needed.")
        total = self.T[0] * w[0]
        for j in range(1, self.shape[1]):
            total = total + self.T[j] * w[j]
        return total

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise trace_error(f"A formula cannot compute with data of shape {self.shape} as a whole.", _INSTEAD)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if ufunc is np.matmul and inputs[0] is self and not options:
            return self @ inputs[1]
        return self._refuse()

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function is np.dot and args[0] is self and len(args) == 2 and not options:
            return self @ args[1]
        return self._refuse()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # libraries probe for these
            raise AttributeError(f"data of several columns has no {name}")
        raise missing_attribute(f"Data of shape {self.shape} has no {name} in a formula.", _INSTEAD)

    __hash__ = object.__hash__
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __rmatmul__ = __iter__ = __abs__ = __mod__ = __floordiv__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = __rpow__ = _refuse
    __neg__ = __array__ = _refuse
