"""Derivatives of Python functions, named and called as in JAX."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..codegen.program import Program
from ..tracing.closure_fingerprint import ClosureFingerprint
from ..tracing.errors import trace_error
from ..tracing.functions import as_node, tape_of
from ..tracing.node import Node, NodeTape
from ..tracing.rows import Rows
from ..tracing.trace import active_tape, flatten, results, trace_arguments, trace_within
from ..tracing.traversal import substitute
from .recipes import Recipe

MAX_CACHED = 32  # shapes of one function's arguments
_PLAIN = {bool, int, float, str, bytes, type(None)}


class Derivative:
    """A function's derivative: traced for each new set of shapes, and again when something it refers to may have changed."""

    def __init__(self, f: Callable[..., Any], argnums: int | Sequence[int], recipe: Recipe) -> None:
        if not callable(f):
            raise TypeError(f"f must be a function, got {f!r}")
        self._f, self._recipe = f, recipe
        self.__wrapped__ = f  # as functools.wraps sets it: for inspect, and for what f refers to
        self._single, self._argnums = argument_numbers(argnums)
        self._cache: OrderedDict[Any, tuple[Program, Any, ClosureFingerprint]] = OrderedDict()
        self.__name__ = f"{recipe.__name__.removesuffix('_recipe')}_{getattr(f, '__name__', 'formula')}"
        self.__doc__ = getattr(f, "__doc__", None)

    def __call__(self, *args: Any, **settings: Any) -> Any:
        if active_tape() is not None or tape_of(args) is not None:
            return self._on_tape(partial(self._f, **settings), args)
        arrays = [_array(i, a) for i, a in enumerate(args)]
        named = {name: value for name, value in settings.items() if _is_data(value)}
        dtype = _dtype([*arrays, *named.values()])
        key = (dtype, tuple((a.shape, a.dtype.kind == "b") for a in arrays), *(_setting_key(item) for item in settings.items()))
        entry = self._cache.get(key)
        if entry is None or not entry[-1].unchanged():
            entry = self._cache[key] = self._compile(arrays, named, settings, dtype)
            if len(self._cache) > MAX_CACHED:
                self._cache.popitem(last=False)
        program, finish, _ = entry
        return finish(program(flatten([*arrays, *named.values()])), self._single)

    def _compile(
        self, arrays: list[np.ndarray], named: dict[str, np.ndarray], settings: dict[str, Any], dtype: str
    ) -> tuple[Program, Any, ClosureFingerprint]:
        fingerprint = ClosureFingerprint(self._f)
        fingerprint.is_known &= all(name in named or _is_plain(value) for name, value in settings.items())
        graph, arguments = trace_within(fingerprint, self._f, lambda tape, f: trace_arguments(tape, f, arrays, settings))
        nodes, finish = self._recipe(
            _single_output(graph.outputs, self._f), [_argument(arguments[: len(arrays)], i) for i in self._argnums]
        )
        return Program(graph.inputs, nodes, dtype), finish, fingerprint

    def _on_tape(self, f: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """A derivative inside of another formula."""
        tape = tape_of(args) or active_tape()
        assert tape is not None
        arguments = [a if isinstance(a, Rows) else as_node(tape, a) for a in args]
        stand_ins = {i % len(arguments): _stand_in(tape, _argument(arguments, i)) for i in self._argnums}
        inner = [stand_ins[i][0] if i in stand_ins else a for i, a in enumerate(arguments)]
        output = _single_output(results(tape, f, *inner), f)
        leaves = [node for i in self._argnums for node in stand_ins[i % len(arguments)][1]]
        nodes, finish = self._recipe(output, [stand_ins[i % len(arguments)][0] for i in self._argnums])
        nodes = substitute(nodes, {leaf: leaf.args[0] for leaf in leaves})
        return finish(nodes, self._single)


def _stand_in(tape: NodeTape, node: Node) -> tuple[Node, list[Node]]:
    """Something to differentiate with respect to instead of a node, and the variables in it."""
    if node.op == "stack":
        variables = [tape.variable(a) for a in node.args]
        return tape.stack(variables), variables
    variable = tape.variable(node)
    return variable, [variable]


def _is_data(value: Any) -> bool:
    """Whether a keyword argument is data, read at each call, rather than a setting, which is a part of the formula."""
    return isinstance(value, np.ndarray) and bool(value.ndim)


def _is_plain(value: Any) -> bool:
    return type(value) in _PLAIN or isinstance(value, np.generic)


def _setting_key(item: tuple[str, Any]) -> Any:
    """The part of a call's cache key for a keyword argument: a setting's value, the shape of data."""
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


def _single_output(outputs: list[Node], f: Callable[..., Any]) -> Node:
    if len(outputs) != 1:
        raise trace_error(
            f"A formula to differentiate must return one thing, not a tuple of {len(outputs)}.",
            "Return a number, or fastbp.stack([...]) for jacobian.",
            f,
        )
    return outputs[0]


def _argument(arguments: list[Any], i: int) -> Node:
    if not -len(arguments) <= i < len(arguments):
        raise ValueError(f"argnums names argument {i}, the function was given {len(arguments)}")
    if isinstance(arguments[i], Rows):
        raise TypeError(f"argument {i} has shape {arguments[i].shape}: derivatives are with respect to numbers and vectors")
    node: Node = arguments[i]
    return node
