"""A node of the graph, and the operators that a formula may use on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from .errors import trace_error
from .operators import LOGICAL
from .reductions import Reductions

Shape = tuple[int, ...]

_MAX_ITERATED_ROWS = 4096  # rows that a formula may loop over


class NodeTape(Protocol):
    """What a node needs of its tape; implemented by ``tape.Tape``."""

    nodes: list[Node]
    arrays: dict[int, np.ndarray]
    adds_pieces: bool  # whether compiled code adds up the pieces of a gradient itself

    def input(self, name: str, shape: Shape = ()) -> Node: ...
    def constant(self, value: Any) -> Node: ...
    def variable(self, node: Node) -> Node: ...
    def size(self, node: Node) -> Node: ...
    def rows_of(self, node: Node) -> Node: ...
    def lift(self, value: Any) -> Any: ...
    def decide(self, condition: Node) -> bool: ...
    def integer(self, node: Node, whole: bool) -> int | None: ...
    def undecided(self) -> AbstractContextManager[None]: ...
    def make(self, op: str, *arguments: Node) -> Node: ...
    def number(self, node: Node) -> Node: ...
    def common_shape(self, op: str, args: tuple[Node, ...]) -> Shape: ...
    def stack(self, elements: list[Node]) -> Node: ...
    def assemble(self, length: int, whole: list[Node], pieces: list[tuple[Any, Node]]) -> Node: ...
    def element(self, node: Node, i: int) -> Node: ...
    def slice(self, node: Node, start: int, stop: int, step: int = 1) -> Node: ...
    def rows(self, node: Node, place: range) -> Node: ...
    def join(self, length: int, pieces: list[tuple[range, Node]]) -> Node: ...
    def sum(self, node: Node) -> Node: ...
    def max(self, node: Node) -> Node: ...
    def array(self, value: Any) -> Any: ...
    def index(self, array: Any, key: Any) -> Any: ...
    def apply(self, op: str, *values: Any) -> Any: ...
    def exact_dot(self, x: Node, y: Node) -> Node: ...
    def combine(self, op: str, x: Any, y: Any) -> Any: ...
    def apply_ufunc(self, ufunc: Any, method: str, inputs: Any, options: Any) -> Any: ...
    def apply_function(self, function: Any, args: Any, options: Any) -> Any: ...


class Node(Reductions):
    """One step of a formula: an argument, a constant, or an operator on other nodes.

    Formulas make nodes by computing with them; ``fastbp.trace`` gives a formula its first ones.

    Attributes
    ----------
    op : str
        What it does: "input", "constant", "add", "exp", "sum", ...
    args : tuple of Node
        Its operands.
    shape : tuple
        ``()`` for a single number, ``(n,)`` for one value in each of n rows.
    value, grad
        Its value, and the derivative of the result with respect to it, after ``graph.forward(...)`` and ``graph.backward()``.

    Examples
    --------
    >>> import fastbp
    >>> graph = fastbp.trace(lambda x: fastbp.exp(2 * x), 0.0)
    >>> [node.op for node in graph.nodes]
    ['input', 'constant', 'mul', 'exp']
    """

    __slots__ = ("args", "attr", "grad", "index", "name", "op", "shape", "tape", "value")
    tape: NodeTape

    def __init__(self, tape: NodeTape, index: int, op: str, args: tuple[Node, ...], attr: Any, shape: Shape) -> None:
        self.tape, self.index, self.op, self.args, self.attr, self.shape = tape, index, op, args, attr, shape
        self.name = attr if op == "input" else ""
        self.value: Any = None
        self.grad: Any = None

    @property
    def is_logical(self) -> bool:
        """Whether it is true or false rather than a number."""
        if self.op == "constant":
            return isinstance(self.attr, bool)
        if self.op in ("stack", "join"):
            return all(a.is_logical for a in self.args)
        return self.op in LOGICAL

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return self.shape[0] if self.shape else 1

    @property
    def T(self) -> Node:
        return self

    def __repr__(self) -> str:
        rows = f"[{self.shape[0]}]" if self.shape else ""
        return f"<Node {self.name or self.op}{rows}>"

    # -- vectors

    def __len__(self) -> int:
        if not self.shape:
            raise trace_error("A formula cannot take the length of a single number.", "Pass a vector instead.")
        return self.shape[0]

    def __iter__(self) -> Iterator[Node]:
        if not self.shape:
            raise trace_error("A formula cannot go through a single number.", "Pass a vector instead.")
        if self.shape[0] > _MAX_ITERATED_ROWS:
            raise trace_error(
                f"A formula cannot go through {self.shape[0]} rows one by one.",
                "Compute with the array as a whole; fastbp.sum and fastbp.mean go over its rows.",
            )
        return (self.tape.element(self, i) for i in range(self.shape[0]))

    def __getitem__(self, key: Any) -> Any:
        if self.shape and hasattr(key, "__index__") and not isinstance(key, Node | bool | np.ndarray):
            place = key.__index__()
            if not -self.shape[0] <= place < self.shape[0]:
                raise IndexError(f"index {place} is out of range for {self.shape[0]} values")
            return self.tape.element(self, place % self.shape[0])
        return self.tape.array(self)[key]

    # -- what only some formulas may do

    def __bool__(self) -> bool:
        return self.tape.decide(self)

    def __int__(self) -> int:
        found = self.tape.integer(self, whole=False)
        return self._no_number() if found is None else found

    def __index__(self) -> int:
        found = self.tape.integer(self, whole=True)
        return self._no_number() if found is None else found
