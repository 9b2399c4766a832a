"""The tape that a formula records its nodes on: equal nodes are one node, and constants are folded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .branches import Branches
from .complex_numbers import combine
from .errors import no_arithmetic, trace_error
from .node import Node, NodeTape, Shape
from .numpy_functions import apply_function, apply_ufunc
from .operators import BOOLEAN_ARITHMETIC, COMMUTATIVE, CONNECTIVES, evaluate
from .simplify import simplify
from .traversal import evaluate_node

MAX_UNROLLED = 64  # vectors up to this length may be split into their elements
_INSTEAD_OF_BRANCHES = (
    "Instead of if, and, or, min(), max() use fastbp.where(condition, a, b), & and |, fastbp.minimum, fastbp.maximum. "
    "On single numbers grad, jacobian and the like may branch; trace, losses and fits, which see no values, may not."
)
_WITH_ROWS = ("input", "captured", "variable")  # leaves that are not part of another one


class Tape(NodeTape):
    """All nodes of one formula, in the order in which they were made (so a node's arguments stand before it)."""

    shape_hint = "Both must have as many, or one be a single number."

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._known: dict[Any, Node] = {}
        self.arrays: dict[int, np.ndarray] = {}  # arrays that the formula refers to without having them as arguments
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

    # -- leaves

    def input(self, name: str, shape: Shape = ()) -> Node:
        """A new argument."""
        return self._new("input", (), name, shape)

    def constant(self, value: Any) -> Node:
        """A number; equal numbers are one node (0.0 and -0.0 are not equal, NaN is equal to NaN)."""
        value = bool(value) if isinstance(value, bool | np.bool_) else float(value)
        return self._shared("constant", (), value, (), key=(type(value), repr(value)))

    def captured(self, array: np.ndarray) -> Node:
        """An array from outside the formula; its contents are read at each call."""
        if array.ndim != 1:
            raise trace_error(
                f"A formula cannot use an array of shape {array.shape} from its surroundings.",
                "Use one-dimensional arrays, one value for each row, or pass the array as an argument.",
            )
        self.arrays[id(array)] = array
        return self._shared("captured", (), id(array), array.shape)

    def size(self, node: Node) -> Node:
        """How many rows a node has, known when the graph runs."""
        if node.op == "stack":
            return self.constant(node.shape[0])
        return self._shared("size", (self.rows_of(node),), None, ())

    def rows_of(self, node: Node) -> Node:
        """The first leaf that has as many rows as the node: lengths are read from it."""
        for leaf in self.nodes:
            if leaf.op in ("input", "captured", "slice", "variable") and leaf.shape == node.shape:
                return leaf
        raise AssertionError("a node with rows comes from a leaf with rows")

    # -- operators

    def lift(self, value: Any) -> Node | None:
        """A number, array or node as a node of this tape; None for anything else."""
        if isinstance(value, Node):
            if value.tape is not self:
                raise trace_error("A formula cannot use a node of another graph.", "Pass it as an argument.")
            return value
        if isinstance(value, bool | int | float | np.bool_ | np.integer | np.floating):
            return self.constant(value)
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            if value.ndim == 0:
                return self.constant(value[()])
            node = self.captured(value)
            return self.make("ne", node, self.constant(0.0)) if value.dtype.kind == "b" else node
        if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.dtype == object and value.ndim == 1):
            return self._of_list(value)
        return None

    def _of_list(self, values: Any) -> Node | None:
        """A list of numbers, or of nodes and numbers."""
        if len(values) == 0:
            raise trace_error("A formula cannot compute with an empty list.", "Give at least one number.")
        if not any(isinstance(v, Node) for v in values):
            try:
                array = np.asarray(values)
            except (ValueError, TypeError):  # nodes further inside, or rows of several lengths
                return None
            return None if array.dtype == object else self.lift(array)
        elements = [node for v in values if (node := self.lift(v)) is not None]
        return self.stack(elements) if len(elements) == len(values) else None

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
        if any(a.op == "stack" for a in args):
            return self._by_element(op, args)
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

    def number(self, node: Node) -> Node:
        """True and false as 1 and 0."""
        return self.make("where", node, self.constant(1.0), self.constant(0.0)) if node.is_logical else node

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

    # -- vectors and their elements

    def stack(self, elements: list[Node]) -> Node:
        """A short vector that is given by its elements."""
        if any(e.shape for e in elements):
            raise trace_error(
                "A formula cannot stack vectors, nor compute with a list of them.",
                "fastbp.stack([a, b]) makes a vector of single numbers; compute with vectors one by one.",
            )
        if any(e.is_logical for e in elements) and not all(e.is_logical for e in elements):
            elements = [self.number(e) for e in elements]
        return self._shared("stack", tuple(elements), None, (len(elements),))

    def assemble(self, length: int, whole: list[Node], pieces: list[tuple[Any, Node]]) -> Node:
        """A long vector: the sum of ``whole`` vectors, and of ``pieces`` that have a place (an index or a range) in it."""
        attr = (len(whole), *(place for place, _ in pieces))
        return self._shared("assemble", (*whole, *(node for _, node in pieces)), attr, (length,))

    def element(self, node: Node, i: int) -> Node:
        """One element; of an operator, the operator of the elements."""

        def pick(leaf: Node) -> Node | None:
            if leaf.op == "stack":
                return leaf.args[i]
            if leaf.op == "slice":
                return self._shared("element", leaf.args, leaf.attr[0] + i, ())
            return self._shared("element", (leaf,), i, ()) if leaf.op in _WITH_ROWS else None

        return self._picked(node, pick)

    def slice(self, node: Node, start: int, stop: int) -> Node:
        """Neighbouring rows; of an operator, the operator of the slices."""
        if (start, stop) == (0, node.shape[0]):
            return node
        if stop - start <= MAX_UNROLLED and node.shape[0] <= MAX_UNROLLED:
            return self.stack([self.element(node, i) for i in range(start, stop)])

        def pick(leaf: Node) -> Node | None:
            if leaf.op == "stack":
                return self.stack(list(leaf.args[start:stop]))
            if leaf.op == "slice":
                return self._shared("slice", leaf.args, (start + leaf.attr[0], stop + leaf.attr[0]), (stop - start,))
            return self._shared("slice", (leaf,), (start, stop), (stop - start,)) if leaf.op in _WITH_ROWS else None

        return self._picked(node, pick)

    def _picked(self, node: Node, pick: Callable[[Node], Node | None]) -> Node:
        """A node's operators applied to what ``pick`` takes from the leaves with rows; for an operator it gives None."""
        done: dict[int, Node] = {}

        def leaf(now: Node) -> Node | None:
            found = pick(now) if now.shape else now
            if found is None and now.op == "assemble":
                raise trace_error(
                    "A derivative of long vectors cannot be taken apart.", "Differentiate with respect to single numbers."
                )
            return found

        return evaluate_node(node, done, leaf, lambda now: self.make(now.op, *(done[a.index] for a in now.args)))

    def sum(self, node: Node) -> Node:
        """The sum over all rows."""
        node = self.number(node)
        if not node.shape:
            return node
        if node.op == "stack":
            total = node.args[0]
            for element in node.args[1:]:
                total = self.make("add", total, element)
            return total
        return self._shared("sum", (node,), None, ())

    def exact_dot(self, x: Node, y: Node) -> Node:
        """The sum of the products over all rows, in twice the precision; only as a result, not inside of a formula."""
        return self._shared("exact_dot", (x, y), None, ())

    def variable(self, node: Node) -> Node:
        """A stand-in for a node, to differentiate with respect to; it is equal to no other node."""
        return self._new("variable", (node,), None, node.shape)

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

    # -- equal nodes are one

    def _shared(self, op: str, args: tuple[Node, ...], attr: Any, shape: Shape, key: Any = None) -> Node:
        key = (op, *(a.index for a in args), attr) if key is None else (op, key)
        if key not in self._known:
            self._known[key] = self._new(op, args, attr, shape)
        return self._known[key]

    def _new(self, op: str, args: tuple[Node, ...], attr: Any, shape: Shape) -> Node:
        node = Node(self, len(self.nodes), op, args, attr, shape)
        self.nodes.append(node)
        return node
