"""A node of the graph, and the operators that a formula may use on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .errors import missing_attribute, no_arithmetic, trace_error
from .operators import LOGICAL, UNARY
from .reductions import Reductions, check_conditions
from .rounding import Rounding

Shape = tuple[int, ...]

_ALLOWED = (
    "Use the operators + - * / **, the functions of fastbp (exp, log, sin, where, minimum, sum, mean, ...) "
    "or NumPy's functions of the same names."
)
_NO_MATH = "Instead of functions of math use those of fastbp or NumPy: fastbp.exp(x), np.exp(x), ..."
_MAX_ITERATED_ROWS = 4096  # rows that a formula may loop over
_MAX_INDICES = 256  # elements that it may choose at once, each a node


class NodeTape(Protocol):
    """What a node needs of its tape; implemented by ``tape.Tape``."""

    nodes: list[Node]
    arrays: dict[int, np.ndarray]

    def input(self, name: str, shape: Shape = ()) -> Node: ...
    def constant(self, value: Any) -> Node: ...
    def variable(self, node: Node) -> Node: ...
    def size(self, node: Node) -> Node: ...
    def rows_of(self, node: Node) -> Node: ...
    def lift(self, value: Any) -> Node | None: ...
    def decide(self, condition: Node) -> bool: ...
    def integer(self, node: Node, whole: bool) -> int | None: ...
    def undecided(self) -> AbstractContextManager[None]: ...
    def make(self, op: str, *arguments: Node) -> Node: ...
    def number(self, node: Node) -> Node: ...
    def common_shape(self, op: str, args: tuple[Node, ...]) -> Shape: ...
    def stack(self, elements: list[Node]) -> Node: ...
    def assemble(self, length: int, whole: list[Node], pieces: list[tuple[Any, Node]]) -> Node: ...
    def element(self, node: Node, i: int) -> Node: ...
    def slice(self, node: Node, start: int, stop: int) -> Node: ...
    def sum(self, node: Node) -> Node: ...
    def exact_dot(self, x: Node, y: Node) -> Node: ...
    def combine(self, op: str, x: Any, y: Any) -> Any: ...
    def apply_ufunc(self, ufunc: Any, method: str, inputs: Any, options: Any) -> Any: ...
    def apply_function(self, function: Any, args: Any, options: Any) -> Any: ...


class Node(Rounding, Reductions):
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
    __array_priority__ = 100

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
        if self.op == "stack":
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

    def __getitem__(self, key: Any) -> Node:
        if isinstance(key, tuple) and len(key) == 1:
            key = key[0]
        if key is Ellipsis:
            return self
        if self.shape and isinstance(key, slice):
            start, stop, step = key.indices(self.shape[0])
            if step == 1 and stop > start:
                return self.tape.slice(self, start, stop)
            places = range(start, stop, step)
            if 0 < len(places) <= _MAX_INDICES:
                return self.tape.stack([self.tape.element(self, i) for i in places])
        elif self.shape and isinstance(key, list | np.ndarray) and np.ndim(key) == 1 and _are_indices(key):
            return self.tape.stack([self[i] for i in key])
        elif self.shape and hasattr(key, "__index__") and not isinstance(key, Node | bool | np.ndarray):
            place = key.__index__()
            if not -self.shape[0] <= place < self.shape[0]:
                raise IndexError(f"index {place} is out of range for {self.shape[0]} values")
            return self.tape.element(self, place % self.shape[0])
        raise trace_error(
            f"A formula cannot index {'a vector' if self.shape else 'a single number'} with {key!r}.",
            "Use whole numbers, or slices of neighbouring rows. Instead of a mask: fastbp.where(condition, a, b), and "
            "fastbp.sum(fastbp.where(condition, x, 0.0)). Data can be selected or reordered before it is passed in.",
        )

    def __setitem__(self, key: Any, value: Any) -> None:
        raise trace_error("A formula cannot change a value in place.", "Compute a new one; fastbp.where(c, a, b) picks.")

    if TYPE_CHECKING:  # defined below

        def __neg__(self) -> Node: ...
        def __abs__(self) -> Node: ...
        def __pos__(self) -> Node: ...
        def __invert__(self) -> Node: ...
        def __add__(self, other: Any) -> Any: ...
        def __radd__(self, other: Any) -> Any: ...
        def __sub__(self, other: Any) -> Any: ...
        def __rsub__(self, other: Any) -> Any: ...
        def __mul__(self, other: Any) -> Any: ...
        def __rmul__(self, other: Any) -> Any: ...
        def __truediv__(self, other: Any) -> Any: ...
        def __rtruediv__(self, other: Any) -> Any: ...
        def __pow__(self, other: Any) -> Any: ...
        def __rpow__(self, other: Any) -> Any: ...
        def __and__(self, other: Any) -> Any: ...
        def __rand__(self, other: Any) -> Any: ...
        def __or__(self, other: Any) -> Any: ...
        def __ror__(self, other: Any) -> Any: ...
        def __xor__(self, other: Any) -> Any: ...
        def __rxor__(self, other: Any) -> Any: ...
        def __lt__(self, other: Any) -> Any: ...
        def __le__(self, other: Any) -> Any: ...
        def __gt__(self, other: Any) -> Any: ...
        def __ge__(self, other: Any) -> Any: ...

    # -- what a graph cannot hold

    def __bool__(self) -> bool:
        return self.tape.decide(self)

    def __int__(self) -> int:
        found = self.tape.integer(self, whole=False)
        return self._no_number() if found is None else found

    def __index__(self) -> int:
        found = self.tape.integer(self, whole=True)
        return self._no_number() if found is None else found

    def _no_number(self, *_: Any) -> Any:
        raise trace_error("A formula cannot turn a node into a Python number.", _NO_MATH)

    __float__ = __complex__ = _no_number

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise trace_error("A formula cannot turn a node into an array.", f"{_ALLOWED} fastbp.stack([a, b]) makes a vector.")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # libraries probe for these
            raise AttributeError(f"a node has no {name}")
        raise missing_attribute(f"A node has no {name}.", _ALLOWED)

    __hash__ = object.__hash__

    # -- NumPy's functions

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        return self.tape.apply_ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        return self.tape.apply_function(function, args, options)


def _are_indices(key: Any) -> bool:
    return 0 < len(key) <= _MAX_INDICES and not any(isinstance(i, Node | bool) or not hasattr(i, "__index__") for i in key)


def _operator(op: str, swap: bool = False) -> Callable[[Node, Any], Any]:
    def apply(self: Node, other: Any) -> Any:
        lifted = self.tape.lift(other)
        if lifted is None:
            return self.tape.combine(op, other, self) if swap else self.tape.combine(op, self, other)
        return self.tape.make(op, lifted, self) if swap else self.tape.make(op, self, lifted)

    return apply


def _unary(op: str) -> Callable[[Node], Node]:
    def apply(self: Node) -> Node:
        return self.tape.make(op, self)

    return apply


def _connective(op: str, swap: bool = False) -> Callable[[Node, Any], Any]:
    plain = _operator(op, swap)

    def apply(self: Node, other: Any) -> Any:
        check_conditions(self, other)
        return plain(self, other)

    return apply


def _invert(self: Node) -> Node:
    check_conditions(self)
    return self.tape.make("not", self)


def _positive(self: Node) -> Node:
    if self.is_logical:
        raise no_arithmetic("+")
    return self


for _name, _op in {"add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "pow": "pow"}.items():
    setattr(Node, f"__{_name}__", _operator(_op))
    setattr(Node, f"__r{_name}__", _operator(_op, swap=True))
for _name, _op in {"and": "and", "or": "or", "xor": "ne"}.items():
    setattr(Node, f"__{_name}__", _connective(_op))
    setattr(Node, f"__r{_name}__", _connective(_op, swap=True))
for _name, _op, _swap in [
    ("lt", "lt", False),
    ("le", "le", False),
    ("gt", "lt", True),
    ("ge", "le", True),
    ("eq", "eq", False),
    ("ne", "ne", False),
]:
    setattr(Node, f"__{_name}__", _operator(_op, _swap))
for _name in UNARY:  # NumPy calls them on arrays that hold nodes
    setattr(Node, _name, _unary(_name))
for _name in ("neg", "abs"):
    setattr(Node, f"__{_name}__", _unary(_name))
setattr(Node, "__invert__", _invert)  # noqa: B010
setattr(Node, "__pos__", _positive)  # noqa: B010
