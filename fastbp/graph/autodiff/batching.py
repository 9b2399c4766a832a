"""vmap: a formula of one example for a batch of them, as one compiled loop over the batch.

The formula is traced with single numbers for one example, so that nothing in its graph has rows that differ from example to
example. Then each of these numbers is replaced by all examples' values of it, which makes the graph of the batch: its rows are
the examples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..tracing.arithmetic import Arithmetic
from ..tracing.errors import trace_error
from ..tracing.functions import as_node, tape_of
from ..tracing.node import Node, NodeTape, Shape
from ..tracing.node_array import NodeArray, cells_of
from ..tracing.trace import active_tape, call
from ..tracing.traversal import dependent, live, substitute
from ..tracing.tree import Structure, flatten, is_array
from .compiled import Argument, CompiledFormula, Finish, arguments_on_tape
from .output import Output
from .pieces import filled

MAX_ELEMENTS = 1024  # of a vector of one example: each is a separate number in the compiled code

_TOO_LONG = f"Up to {MAX_ELEMENTS} elements can be taken one by one."


def vmap(f: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """f for a batch: a function of arrays that have the examples along an axis.

    Compiled as one loop over the examples, several of them in each vector, in several threads for many.

    Parameters
    ----------
    f : callable
        Takes one example: numbers and arrays; as for ``fastbp.grad``, which it may call. It cannot branch on what differs
        from example to example: ``fastbp.where`` chooses.
    in_axes : int, None, or sequence of them
        For each argument the axis of its examples, None where all examples have the same. For an argument made of containers
        one for all of it, or the same containers with one for each part. Arguments given by name have their examples along
        axis 0.
    out_axes : int, or the form of the result with integers in it
        Where the examples go in the results.

    Returns
    -------
    callable
        Takes the arguments of f with examples along the axes, and gives results with examples along theirs.

    Examples
    --------
    >>> import fastbp
    >>> import numpy as np
    >>> dot = fastbp.vmap(lambda x, w: fastbp.sum(w * x), in_axes=(0, None))
    >>> dot(np.arange(6.0).reshape(3, 2), np.array([1.0, 10.0]))
    array([10., 32., 54.])
    >>> fastbp.vmap(fastbp.grad(fastbp.sin))(np.array([0.0, np.pi]))
    array([ 1., -1.])
    """
    return Batched(f, in_axes, out_axes)


class Batched:
    """What ``vmap`` returns."""

    def __init__(self, f: Callable[..., Any], in_axes: Any, out_axes: Any) -> None:
        if not callable(f):
            raise TypeError(f"f must be a function, got {f!r}")
        if not (in_axes is None or _is_axis(in_axes) or isinstance(in_axes, tuple | list)):
            raise TypeError(f"in_axes must be an integer, None, or a tuple or list of them, got {in_axes!r}")
        self._f, self._in_axes, self._out_axes = f, in_axes, out_axes
        self._compiled: dict[tuple[str, ...], CompiledFormula] = {}
        self.__wrapped__ = f
        self.__name__ = f"vmap_{getattr(f, '__name__', 'formula')}"
        self.__doc__ = getattr(f, "__doc__", None)

    def __call__(self, *args: Any, **named: Any) -> Any:
        names, every = tuple(named), [*args, *named.values()]
        tape = active_tape() or tape_of([leaf for arg in every for _, leaf in flatten(arg, is_array)[0]])
        if tape is not None:
            given = arguments_on_tape(tape, every, set())
            places = iter(self._axes([argument.structure for argument in given], names))
            arguments = [Argument(a.structure, [_batch_last("an argument", *pair) for pair in _with(a, places)]) for a in given]
            nodes, finish = self._build(tape, self._f, arguments, names)
            return finish(nodes)
        trees = [flatten(arg, is_array) for arg in every]
        axes = self._axes([structure for _, structure in trees], names)
        leaves = [(f"argument {i}{path}", leaf) for i, (found, _) in enumerate(trees) for path, leaf in found]
        arrays = [_batch_last(name, leaf, axis) for (name, leaf), axis in zip(leaves, axes, strict=True)]
        sizes = {array.shape[-1] for array, axis in zip(arrays, axes, strict=True) if axis is not None}
        if len(sizes) != 1:
            if not sizes:
                raise ValueError("vmap must have at least one argument with an axis of examples, got in_axes without any")
            raise ValueError(f"arguments must have as many examples each, got {', '.join(map(str, sorted(sizes)))}")
        left = iter(arrays)
        moved = [structure.rebuild(left) for _, structure in trees]
        if names not in self._compiled:
            self._compiled[names] = CompiledFormula(self._f, partial(self._build, names=names))
        return self._compiled[names](moved, set())

    def _axes(self, structures: list[Structure], names: tuple[str, ...]) -> list[int | None]:
        """The axis of each leaf of the arguments."""
        positional = len(structures) - len(names)
        given = self._in_axes if isinstance(self._in_axes, tuple | list) else [self._in_axes] * positional
        if len(given) != positional:
            raise ValueError(f"in_axes must have one item for each of the {positional} arguments, got {len(given)}")
        pairs = zip([*given, *[0] * len(names)], structures, strict=True)
        return [axis for one, structure in pairs for axis in _prefix("in_axes", one, structure)]

    def _build(
        self, tape: NodeTape, f: Callable[..., Any], arguments: list[Argument], names: tuple[str, ...]
    ) -> tuple[list[Node], Finish]:
        axes = iter(self._axes([argument.structure for argument in arguments], names))
        examples: dict[Node, Node] = {}  # for each number of one example those of all
        handed = []
        for argument in arguments:
            leaves = [leaf if axis is None else _example(tape, leaf, examples) for leaf, axis in _with(argument, axes)]
            handed.append(argument.whole(leaves))
        if not examples:
            raise ValueError("vmap must have at least one argument with an axis of examples, got in_axes without any")
        positional = len(handed) - len(names)
        value = call(tape, partial(f, **dict(zip(names, handed[positional:], strict=True))), *handed[:positional])
        output = Output(tape, value, self._f)
        nodes = _unrolled(tape, output.nodes, list(examples))
        numbers = [part for node in nodes for part in (node.args if node.op == "stack" else [node])]
        batch = substitute(numbers, examples)
        changing = dependent(live(numbers), list(examples))
        like = next(iter(examples.values()))
        out_axes = list(_prefix("out_axes", self._out_axes, output.structure))
        for number in numbers:
            if number.shape and number.index not in changing:
                raise trace_error(f"A result of vmap has {number.shape[0]} values for each example.", _TOO_LONG)

        def finish(values: list[Any]) -> Any:
            left = iter(values)
            found = []
            for node, shape, axis in zip(nodes, output.shapes, out_axes, strict=True):
                own = list(node.args) if node.op == "stack" else [node]
                varies = any(number.index in changing for number in own)
                found.append(_gathered([next(left) for _ in own], shape, axis, like, varies))
            return output.rebuilt(found)

        return batch, finish


def _with(argument: Argument, axes: Iterator[int | None]) -> list[tuple[Any, int | None]]:
    return [(leaf, next(axes)) for leaf in argument.leaves]


def _is_axis(value: Any) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, bool | Node | np.ndarray)


def _prefix(name: str, axes: Any, structure: Structure) -> list[int | None]:
    """The axis of each leaf, from one for all of them or from the same containers with axes in them."""
    if axes is None or _is_axis(axes):
        return [axes if axes is None else axes.__index__()] * _count(structure)
    if isinstance(axes, dict):
        if not (isinstance(structure.kind, type) and issubclass(structure.kind, dict)) or set(axes) != set(structure.keys):
            raise ValueError(f"{name} must have the form of what it belongs to, got {axes!r}")
        parts = [axes[key] for key in structure.keys]
    elif isinstance(axes, tuple | list) and structure.kind is not None and len(axes) == len(structure.children):
        parts = list(axes)
    else:
        raise ValueError(f"{name} must be integers or None in the form of what they belong to, got {axes!r}")
    return [axis for part, child in zip(parts, structure.children, strict=True) for axis in _prefix(name, part, child)]


def _count(structure: Structure) -> int:
    return 1 if structure.kind is None else sum(_count(child) for child in structure.children)


def _batch_last(name: str, leaf: Any, axis: int | None) -> Any:
    """An array with its examples along the last axis."""
    array: Any = leaf if isinstance(leaf, Arithmetic) else np.asarray(leaf)
    if axis is None:
        return array
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(f"{name} must have an axis {axis} of examples, got shape {array.shape}")
    return array if array.ndim == 1 else np.moveaxis(array, axis, -1)


def _example(tape: NodeTape, leaf: Any, examples: dict[Node, Node]) -> Any:
    """What stands for one example of an argument whose examples are along the last axis."""
    shape = leaf.shape[:-1]
    if math.prod(shape) > MAX_ELEMENTS:
        raise trace_error(f"vmap cannot work with examples of {math.prod(shape)} values.", _TOO_LONG)
    whole = [leaf[place] for place in np.ndindex(shape)] if shape else [leaf]
    single = [tape.input(f"x[{i}]" if shape else leaf.name or "x") for i in range(len(whole))]
    examples.update(zip(single, whole, strict=True))
    example = NodeArray(tape, cells_of(single, shape)).simplified()
    return tape.apply("ne", example, tape.constant(0.0)) if leaf.is_logical else example


def _unrolled(tape: NodeTape, nodes: list[Node], numbers: list[Node]) -> list[Node]:
    """The same nodes, where no vector depends on the example: its elements are taken one by one."""
    every = live(nodes)
    changing = dependent(every, numbers)
    mixed = [node for node in every if node.shape and node.op != "stack" and node.index in changing]
    if not mixed:
        return nodes
    leaves = [node for node in live(mixed) if node.op in ("input", "captured", "slice") and node.shape]
    longest = max(leaf.shape[0] for leaf in leaves)
    if longest > MAX_ELEMENTS:
        raise trace_error(f"vmap cannot combine examples with {longest} values that all of them have.", _TOO_LONG)
    stacks = {leaf: tape.stack([tape.element(leaf, i) for i in range(leaf.shape[0])]) for leaf in leaves}
    return substitute(nodes, stacks)


def _gathered(parts: Sequence[Any], shape: Shape, axis: int | None, like: Node, varies: bool) -> Any:
    """A result, of a shape for each example, with its examples along an axis; ``like`` has as many rows."""
    if axis is None and varies:
        raise ValueError("out_axes must be an integer for what differs from example to example, got None")
    if axis is None:
        return _same_for_all(parts, shape)
    if not -len(shape) - 1 <= axis <= len(shape):
        raise ValueError(f"out_axes must be an axis of the result of {len(shape) + 1} dimensions, got {axis}")
    tape, table = tape_of(parts), None
    if tape is None:
        rows = [part if np.ndim(part) else np.full(like.shape, part) for part in parts]
        table = np.stack(rows).reshape(*shape, -1)
    else:
        cells = cells_of([filled(as_node(tape, part), like) for part in parts], (*shape, 1))
        table = NodeArray(tape, cells, (len(shape),), like.shape).simplified()
    return np.moveaxis(table, -1, axis) if shape else table


def _same_for_all(parts: Sequence[Any], shape: Shape) -> Any:
    """A result that does not differ from example to example."""
    tape = tape_of(parts)
    if not shape:
        return parts[0]
    return np.array(parts).reshape(shape) if tape is None else NodeArray(tape, cells_of(parts, shape)).simplified()
