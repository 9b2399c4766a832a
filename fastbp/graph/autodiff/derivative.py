"""Derivatives of Python functions, with the names and the calls of JAX."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..codegen.program import Program
from ..tracing.errors import trace_error
from ..tracing.functions import as_node, tape_of
from ..tracing.node import Node, NodeTape
from ..tracing.rows import Rows
from ..tracing.surroundings import Surroundings
from ..tracing.tape import UNROLLED
from ..tracing.trace import active_tape, flatten, results, trace_arguments, trace_within
from ..tracing.walks import substitute
from .chain_rule import gradient
from .forward_mode import push

# From a formula's result and the nodes to differentiate by: what to compute, and how to hand it out.
Recipe = Callable[[Node, list[Node]], tuple[list[Node], Callable[[list[Any], bool], Any]]]

MAX_KEPT = 32  # shapes of one function's arguments
_PLAIN = {bool, int, float, str, bytes, type(None)}


class Derivative:
    """A function's derivative: traced for each new set of shapes, and again when something around it may have changed."""

    def __init__(self, f: Callable[..., Any], argnums: int | Sequence[int], recipe: Recipe) -> None:
        if not callable(f):
            raise TypeError(f"f must be a function, got {f!r}")
        self._f, self._recipe = f, recipe
        self.__wrapped__ = f  # as functools has it: for inspect, and for what f sees around it
        self._single, self._argnums = argument_numbers(argnums)
        self._kept: OrderedDict[Any, tuple[Program, Any, Surroundings]] = OrderedDict()
        self.__name__ = f"{recipe.__name__.removesuffix('_recipe')}_{getattr(f, '__name__', 'formula')}"
        self.__doc__ = getattr(f, "__doc__", None)

    def __call__(self, *args: Any, **settings: Any) -> Any:
        if active_tape() is not None or tape_of(args) is not None:
            return self._on_tape(partial(self._f, **settings), args)
        arrays = [_array(i, a) for i, a in enumerate(args)]
        named = {name: value for name, value in settings.items() if _is_data(value)}
        dtype = _dtype([*arrays, *named.values()])
        key = (dtype, tuple((a.shape, a.dtype.kind == "b") for a in arrays), *(_setting_key(item) for item in settings.items()))
        kept = self._kept.get(key)
        if kept is None or not kept[-1].unchanged():
            kept = self._kept[key] = self._compile(arrays, named, settings, dtype)
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        program, finish, _ = kept
        return finish(program(flatten([*arrays, *named.values()])), self._single)

    def _compile(
        self, arrays: list[np.ndarray], named: dict[str, np.ndarray], settings: dict[str, Any], dtype: str
    ) -> tuple[Program, Any, Surroundings]:
        surroundings = Surroundings(self._f)
        surroundings.is_known &= all(name in named or _is_plain(value) for name, value in settings.items())
        graph, handed = trace_within(surroundings, self._f, lambda tape, f: trace_arguments(tape, f, arrays, settings))
        nodes, finish = self._recipe(_only(graph.outputs, self._f), [_by(handed[: len(arrays)], i) for i in self._argnums])
        return Program(graph.inputs, nodes, dtype), finish, surroundings

    def _on_tape(self, f: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """A derivative inside of another formula."""
        tape = tape_of(args) or active_tape()
        assert tape is not None
        handed = [a if isinstance(a, Rows) else as_node(tape, a) for a in args]
        stand_ins = {i % len(handed): _stand_in(tape, _by(handed, i)) for i in self._argnums}
        inner = [stand_ins[i][0] if i in stand_ins else a for i, a in enumerate(handed)]
        output = _only(results(tape, f, *inner), f)
        leaves = [node for i in self._argnums for node in stand_ins[i % len(handed)][1]]
        nodes, finish = self._recipe(output, [stand_ins[i % len(handed)][0] for i in self._argnums])
        nodes = substitute(nodes, {leaf: leaf.args[0] for leaf in leaves})
        return finish(nodes, self._single)


def _stand_in(tape: NodeTape, node: Node) -> tuple[Node, list[Node]]:
    """Something to differentiate by instead of a node, and the variables in it."""
    if node.op == "stack":
        variables = [tape.variable(a) for a in node.args]
        return tape.stack(variables), variables
    variable = tape.variable(node)
    return variable, [variable]


def _is_data(value: Any) -> bool:
    """Whether an argument given by name is data, read at each call, and no setting that is a part of the formula."""
    return isinstance(value, np.ndarray) and bool(value.ndim)


def _is_plain(value: Any) -> bool:
    return type(value) in _PLAIN or isinstance(value, np.generic)


def _setting_key(item: tuple[str, Any]) -> Any:
    """What tells calls apart by an argument given by name: a setting's value, of data the shape."""
    name, value = item
    return name, type(value), value.shape if _is_data(value) else repr(value) if _is_plain(value) else None


def _dtype(arrays: list[np.ndarray]) -> str:
    """float32 if all arrays are; numbers and integers follow them."""
    kinds = {a.dtype.name for a in arrays if a.ndim and a.dtype.kind == "f"}
    return "float32" if kinds == {"float32"} else "float64"


def argument_numbers(argnums: Any) -> tuple[bool, list[int]]:
    """Whether ``argnums`` names one argument alone, and all that it names."""
    single = not isinstance(argnums, Sequence) or isinstance(argnums, str)
    numbers = [argnums] if single else argnums
    if any(isinstance(i, bool) or not hasattr(i, "__index__") for i in numbers):
        raise TypeError(f"argnums must be an integer or a sequence of integers, got {argnums!r}")
    return single, [i.__index__() for i in numbers]


def _array(i: int, value: Any) -> np.ndarray:
    try:
        return np.asarray(value)
    except ValueError:
        raise TypeError(f"argument {i} must be a number or an array of numbers, got {value!r}") from None


def _only(outputs: list[Node], f: Callable[..., Any]) -> Node:
    if len(outputs) != 1:
        raise trace_error(
            f"A formula to differentiate must return one thing, not a tuple of {len(outputs)}.",
            "Return a number, or fastbp.stack([...]) for jacobian.",
            f,
        )
    return outputs[0]


def _by(handed: list[Any], i: int) -> Node:
    if not -len(handed) <= i < len(handed):
        raise ValueError(f"argnums names argument {i}, the function was given {len(handed)}")
    if isinstance(handed[i], Rows):
        raise TypeError(f"argument {i} has shape {handed[i].shape}: derivatives are by numbers and vectors")
    return handed[i]


def derivatives(output: Node, wrt: list[Node]) -> list[Node]:
    """The derivatives of a single number by each node; a stack of variables counts by its elements."""
    leaves = [leaf for node in wrt for leaf in (node.args if node.op == "stack" else [node])]
    found = iter(gradient(output, leaves))
    return [node.tape.stack([next(found) for _ in node.args]) if node.op == "stack" else next(found) for node in wrt]


def gradient_recipe(output: Node, wrt: list[Node]) -> Any:
    if output.shape:
        raise trace_error(
            f"grad needs a formula with a single number as its result, not {output.shape[0]} values.",
            "Use fastbp.sum or fastbp.mean over the data, or fastbp.jacobian.",
        )
    return derivatives(output, wrt), lambda values, single: values[0] if single else tuple(values)


def value_and_gradient_recipe(output: Node, wrt: list[Node]) -> Any:
    nodes, _ = gradient_recipe(output, wrt)
    return [output, *nodes], lambda values, single: (values[0], values[1] if single else tuple(values[1:]))


def _elements(node: Node) -> list[Node]:
    """A node's single numbers, to differentiate by each."""
    if not node.shape:
        return [node]
    if node.shape[0] > UNROLLED:
        raise trace_error(
            f"A matrix of derivatives by or of {node.shape[0]} values is too large.",
            f"jacobian and hessian work with vectors of up to {UNROLLED} parameters; grad has no such limit.",
        )
    return [node.tape.element(node, i) for i in range(node.shape[0])]


def rows_by_parameters(output: Node, wrt: list[Node]) -> list[list[Node]]:
    """For data with rows: the derivative of each row by each parameter, a node with rows for each (forward mode)."""
    tape = output.tape
    ones = tape.make("pow", tape.rows_of(output), tape.constant(0.0))
    found = []
    for node in wrt:
        if node.shape == output.shape:
            raise trace_error("jacobian cannot differentiate rows by rows of the same data.", "Differentiate by parameters.")
        rates = [push([output], _unit(node, i))[0] for i in range(node.size)]
        found.append([rate if rate.shape else tape.make("mul", rate, ones) for rate in rates])
    return found


def _unit(node: Node, i: int) -> dict[Node, Node]:
    """A change of one element of a node alone, at rate 1."""
    tape = node.tape
    if not node.shape:
        return {node: tape.constant(1.0)}
    if node.op == "stack":
        return {node.args[i]: tape.constant(1.0)}
    return {node: tape.stack([tape.constant(float(k == i)) for k in range(node.shape[0])])}


def jacobian_recipe(output: Node, wrt: list[Node]) -> Any:
    if output.shape and output.op != "stack" and all(node.shape != output.shape for node in wrt):
        _ = [_elements(node) for node in wrt]
        columns = rows_by_parameters(output, wrt)
        return [c for group in columns for c in group], lambda values, single: _columns(values, wrt, single)
    outputs = _elements(output)
    if len(outputs) <= sum(node.size for node in wrt):
        by_output = [derivatives(o, wrt) for o in outputs]
        table = [[e for node in row for e in _elements(node)] for row in by_output]
    else:
        rates = [push(outputs, _unit(node, i)) for node in wrt for i in range(len(_elements(node)))]
        table = [list(row) for row in zip(*rates, strict=True)]
    shapes = [(*output.shape, *node.shape) for node in wrt]
    return [e for row in table for e in row], lambda values, single: _blocks(values, len(outputs), shapes, single)


def _columns(values: list[np.ndarray], wrt: list[Node], single: bool) -> Any:
    found, at = [], iter(values)
    for node in wrt:
        columns = [next(at) for _ in range(node.size)]
        found.append(np.stack(columns, axis=1) if node.shape else columns[0])
    return found[0] if single else tuple(found)


def _blocks(values: list[Any], outputs: int, shapes: list[tuple[int, ...]], single: bool) -> Any:
    if tape_of(values) is not None:
        if len(values) > 1 and not (len(shapes) == 1 and len(shapes[0]) == 1):
            raise trace_error("A formula cannot hold a matrix of derivatives.", "Compute with gradients inside of a formula.")
        return values[0].tape.stack(values) if shapes[0] else values[0]
    table = np.array(values).reshape(outputs, -1)
    sizes = [int(np.prod(shape)) // outputs for shape in shapes]
    parts = np.split(table, np.cumsum(sizes)[:-1], axis=1)
    blocks = [part.reshape(shape) if shape else float(part[0, 0]) for part, shape in zip(parts, shapes, strict=True)]
    return blocks[0] if single else tuple(blocks)


def hessian_recipe(output: Node, wrt: list[Node]) -> Any:
    slopes, _ = gradient_recipe(output, wrt)
    elements = [e for node in slopes for e in _elements(node)]
    _ = [_elements(node) for node in wrt]
    nodes, place = [], []
    for i, slope in enumerate(elements):
        row = [e for node in derivatives(slope, wrt) for e in _elements(node)]
        for j in range(i, len(row)):  # it is symmetric
            nodes.append(row[j])
            place.append((i, j))
    shapes = [node.shape for node in wrt]
    return nodes, lambda values, single: _square(values, place, shapes, single)


def _square(values: list[Any], place: list[tuple[int, int]], shapes: list[tuple[int, ...]], single: bool) -> Any:
    if tape_of(values) is not None and len(values) == 1:
        return values[0] if not shapes[0] else values[0].tape.stack(values)
    sizes = [int(np.prod(shape)) for shape in shapes]
    table = np.empty((sum(sizes), sum(sizes)))
    for (i, j), value in zip(place, values, strict=True):
        table[i, j] = table[j, i] = value
    ends = np.cumsum(sizes)[:-1]
    blocks = [np.split(band, ends, axis=1) for band in np.split(table, ends, axis=0)]
    shaped = [[_shaped(b, shapes[i] + shapes[j]) for j, b in enumerate(band)] for i, band in enumerate(blocks)]
    return shaped[0][0] if single else tuple(tuple(band) for band in shaped)


def _shaped(block: np.ndarray, shape: tuple[int, ...]) -> Any:
    return block.reshape(shape) if shape else float(block[0, 0])
