"""The tape that formulas are recorded on: what they compute with becomes nodes, simplified, and constants are folded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .arithmetic import Arithmetic
from .branches import Branches
from .broadcasting import elementwise, stack_arrays
from .complex_numbers import combine
from .errors import no_arithmetic, trace_error
from .functions import tape_of
from .indexing import index
from .node import Node, Shape
from .node_array import NodeArray, as_array, shaped
from .numpy_functions import apply_function, apply_ufunc
from .operators import BOOLEAN_ARITHMETIC, COMMUTATIVE, CONNECTIVES, evaluate
from .simplify import simplify
from .vectors import VectorTape

_INSTEAD_OF_BRANCHES = (
    "Instead of if, and, or, min(), max() use fastbp.where(condition, a, b), & and |, fastbp.minimum, fastbp.maximum. "
    "On single numbers grad, jacobian and the like may branch; trace, losses and fits, which see no values, may not."
)


class Tape(VectorTape):
    """The tape of one formula."""

    shape_hint = "Both must have as many, or one be a single number."

    def __init__(self) -> None:
        super().__init__()
        self._copies: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self.branches: Branches | None = None  # while the formula is traced with the values of a call

    # -- what Python decides

    def decide(self, condition: Node) -> bool:
        """Whether a condition holds, for Python's ``if`` and its kin."""
        if condition.op == "constant" and not condition.shape:
            return bool(condition.attr)
        if condition.shape or self.branches is None:
            raise trace_error("A formula cannot branch on a value that is not known yet.", _INSTEAD_OF_BRANCHES)
        return self.branches.decide(condition)

    def integer(self, node: Node, whole: bool) -> int | None:
        """A number as ``int`` gives it, or None where that is not known; with ``whole``, only if it is an integer anyway."""
        if node.shape or self.branches is None or (whole and not self.branches.is_whole(node)):
            return None
        return self.branches.integer(node)

    @contextmanager
    def undecided(self) -> Iterator[None]:
        """While values are not to be decided on."""
        branches, self.branches = self.branches, None
        try:
            yield
        finally:
            self.branches = branches

    # -- what formulas compute with

    def lift(self, value: Any) -> Any:
        """A number, array or node as a node or array of nodes of this tape; None for anything else."""
        if isinstance(value, Arithmetic):
            if value.tape is not self:
                raise trace_error("A formula cannot use a node of another graph.", "Pass it as an argument.")
            return value
        if isinstance(value, bool | int | float | np.bool_ | np.integer | np.floating):
            return self.constant(value)
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            if value.ndim == 0:
                return self.constant(value[()])
            node = self.capture(self._copied(value))
            return self.apply("ne", node, self.constant(0.0)) if value.dtype.kind == "b" else node
        if isinstance(value, np.ndarray) and value.dtype == object and value.ndim == 0:
            return self.lift(value[()])
        if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.dtype == object):
            return self._of_list(value)
        return None

    def _of_list(self, values: Any) -> Any:
        """A list of numbers, or of nodes and numbers, or of lists and arrays of equal shape."""
        if len(values) == 0:
            raise trace_error("A formula cannot compute with an empty list.", "Give at least one number.")
        if tape_of(values) is None:
            try:
                array = np.asarray(values.tolist() if isinstance(values, np.ndarray) else values)
            except (ValueError, TypeError):  # rows of several lengths
                return None
            return None if array.dtype == object else self.lift(array)
        elements = [node for v in values if (node := self.lift(v)) is not None]
        if len(elements) < len(values):
            return None
        return stack_arrays(self, elements, 0) if any(e.shape for e in elements) else self.stack(elements)

    def _copied(self, array: np.ndarray) -> np.ndarray:
        """A copy, since a formula may write into an array that it has computed with; the same one until it does."""
        _, copy = self._copies.get(id(array), (None, None))
        if copy is None or copy.shape != array.shape or not np.array_equal(copy, array, equal_nan=array.dtype.kind == "f"):
            _, copy = self._copies[id(array)] = array, array.copy()  # it holds the array, so that no other gets the same id
        return copy

    def capture(self, array: np.ndarray) -> Any:
        """``captured``, in the array's shape."""
        return shaped(self.captured(array), array.shape)

    def array(self, value: Any) -> NodeArray:
        """A node, or what can be lifted, as an array of nodes."""
        lifted = self.lift(value)
        if lifted is None:
            raise trace_error(f"A formula cannot compute with {value!r}.", "Use numbers, arrays and nodes.")
        return as_array(lifted)

    def index(self, array: NodeArray, key: Any) -> Any:
        return index(array, key)

    # -- operators

    def apply(self, op: str, *values: Any) -> Any:
        """An elementwise operator on nodes and arrays of nodes, broadcast as NumPy does."""
        if any(isinstance(v, NodeArray) for v in values):
            return elementwise(self, op, values)
        return self.make(op, *values)

    def make(self, op: str, *arguments: Node) -> Node:
        """An elementwise operator, simplified where that changes no result."""
        if all(a.is_logical for a in arguments[op == "where" :]):
            found = self._boolean_arithmetic(op, arguments)
            if found is not None:
                return found
        conditions = 1 if op == "where" else len(arguments) if op in CONNECTIVES else 0
        args = (*map(self._condition, arguments[:conditions]), *map(self.number, arguments[conditions:]))
        if len({a.shape for a in args if a.shape}) > 1:  # a vector of one value broadcasts to any other
            args = tuple(self.element(a, 0) if a.shape == (1,) else a for a in args)
        kinds = {a.op for a in args}
        if "join" in kinds:
            return self._by_piece(op, args)
        if "stack" in kinds:
            return self._by_element(op, args)
        if "assemble" in kinds:
            for a in args:
                self.check_whole(a)
        shape = self.common_shape(op, args)
        if all(a.op == "constant" for a in args):
            return self.constant(evaluate(op, [a.attr for a in args]))
        simpler = simplify(self, op, args)
        if simpler is not None:
            return simpler
        key: tuple[Any, ...]
        if op in COMMUTATIVE and args[0].index > args[1].index:
            key = (op, args[1].index, args[0].index)
        else:
            key = (op, *(a.index for a in args))
        return self._shared(op, args, None, shape, key=key)

    def _boolean_arithmetic(self, op: str, args: tuple[Node, ...]) -> Node | None:
        """An arithmetic operator on booleans, where NumPy does not treat them as 1 and 0; else None."""
        if op in ("abs", "floor", "ceil", "trunc"):
            return args[0]
        if op == "where":
            taken = self.make("and", args[0], args[1])
            return self.make("or", taken, self.make("and", self.make("not", args[0]), args[2]))
        if op not in BOOLEAN_ARITHMETIC:
            return None
        connective = BOOLEAN_ARITHMETIC[op]
        if connective is None:
            raise no_arithmetic({"sub": "-", "neg": "-"}.get(op, op))
        return self.make(connective, *args)

    def number(self, node: Any) -> Any:
        """True and false as 1 and 0."""
        return self.apply("where", node, self.constant(1.0), self.constant(0.0)) if node.is_logical else node

    def _condition(self, node: Node) -> Node:
        """Numbers as true where they are not 0, as in NumPy."""
        return node if node.is_logical else self.make("ne", node, self.constant(0.0))

    def common_shape(self, op: str, args: tuple[Node, ...]) -> Shape:
        shapes = {a.shape for a in args if a.shape}
        if len(shapes) > 1:
            sizes = " and ".join(str(shape[0]) for shape in sorted(shapes))
            raise trace_error(f"Operands of {op} have {sizes} values.", self.shape_hint)
        return shapes.pop() if shapes else ()

    def _by_element(self, op: str, args: tuple[Node, ...]) -> Node:
        (length,) = self.common_shape(op, args)
        return self.stack([self.make(op, *(self.element(a, i) if a.shape else a for a in args)) for i in range(length)])

    def _by_piece(self, op: str, args: tuple[Node, ...]) -> Node:
        (length,) = self.common_shape(op, args)
        joined = next(a for a in args if a.op == "join")
        pieces = []
        for place, piece in zip(joined.attr, joined.args, strict=True):
            parts = [a if not a.shape else self.rows(a, place) if piece.shape else self.element(a, place[0]) for a in args]
            pieces.append((place, self.make(op, *parts)))
        return self.join(length, pieces)

    # -- what other modules know about

    def combine(self, op: str, x: Any, y: Any) -> Any:
        """Python's operator on something that is no node: complex numbers, or NotImplemented."""
        return combine(op, x, y)

    def apply_ufunc(self, ufunc: Any, method: str, inputs: Any, options: Any) -> Any:
        """A NumPy ufunc with a node of this tape among its inputs."""
        return apply_ufunc(ufunc, method, inputs, options)

    def apply_function(self, function: Any, args: Any, options: Any) -> Any:
        """Another NumPy function with a node of this tape among its arguments."""
        return apply_function(function, args, options)
