"""What a formula returns, of any form: its nodes, and the same form with their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..tracing.arithmetic import Arithmetic
from ..tracing.errors import trace_error
from ..tracing.node import NodeTape
from ..tracing.node_array import flat_node
from ..tracing.tree import flatten
from .compiled import in_shape


class Output:
    """A formula's result: numbers and nodes, in containers or not.

    Parameters
    ----------
    f : callable, optional
        The formula; without it things that are neither numbers nor nodes are passed on as they are.
    """

    def __init__(self, tape: NodeTape, value: Any, f: Callable[..., Any] | None = None) -> None:
        leaves, self.structure = flatten(value, lambda _: False)
        self._leaves = [_lifted(tape, leaf, f) for _, leaf in leaves]
        found: list[Any] = [leaf for leaf in self._leaves if isinstance(leaf, Arithmetic)]
        self._is_logical = [leaf.is_logical for leaf in found]
        self.shapes = [leaf.shape for leaf in found]
        self.nodes = [flat_node(tape.number(leaf)) for leaf in found]

    def shaped(self, values: Sequence[Any]) -> Any:
        """The form with a value for each node."""
        return self.rebuilt([in_shape(value, shape) for value, shape in zip(values, self.shapes, strict=True)])

    def shaped_numbers(self, values: Sequence[Any]) -> Any:
        """The same where conditions count as 1 and 0: of tangents."""
        return self._of(in_shape(value, shape) for value, shape in zip(values, self.shapes, strict=True))

    def rebuilt(self, values: Sequence[Any]) -> Any:
        """The form with something for each node, of whatever shape."""
        return self._of(_as_bool(v) if logical else v for v, logical in zip(values, self._is_logical, strict=True))

    def _of(self, values: Iterator[Any]) -> Any:
        leaves = [next(values) if isinstance(leaf, Arithmetic) else leaf for leaf in self._leaves]
        return self.structure.rebuild(iter(leaves))


def _lifted(tape: NodeTape, leaf: Any, f: Callable[..., Any] | None) -> Any:
    if f is None or isinstance(leaf, Arithmetic):
        return leaf
    node = tape.lift(leaf)
    if node is None:
        raise trace_error(f"A formula must return numbers or nodes, not {leaf!r}.", "Return nodes, in containers or not.", f)
    return node


def _as_bool(value: Any) -> Any:
    if isinstance(value, Arithmetic):
        return value
    return value.astype(bool) if isinstance(value, np.ndarray) else bool(value)
