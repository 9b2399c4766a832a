"""A Python function becomes a graph, by being called once with nodes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, TypeVar

import numpy as np

from .closure_fingerprint import ClosureFingerprint
from .errors import TraceError, call_error, is_about_nodes, trace_error
from .node import Node, NodeTape
from .node_array import flat_node, shaped
from .node_graph import NodeGraph
from .splines import splines_take_nodes
from .tape import Tape

Traced = TypeVar("Traced")
_tracing: ContextVar[NodeTape | None] = ContextVar("tracing", default=None)


@contextmanager
def tracing(tape: NodeTape) -> Iterator[None]:
    """While a formula is called with nodes of this tape."""
    token = _tracing.set(tape)
    try:
        yield
    finally:
        _tracing.reset(token)


def call(tape: NodeTape, f: Callable[..., Any], *args: Any) -> Any:
    """What a formula returns for nodes of this tape.

    Raises
    ------
    TraceError
        Also where a function that the formula calls fails because it cannot take nodes.
    """
    with tracing(tape), splines_take_nodes():
        try:
            return f(*args)
        except TraceError:
            raise
        except Exception as error:
            if not is_about_nodes(error):
                raise
            raise call_error(error) from error


def active_tape() -> NodeTape | None:
    """The tape of the formula that is being traced now, if any."""
    return _tracing.get()


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """Names for ``count`` arguments of f."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    found: list[str] = []
    for parameter in parameters:
        if parameter.kind == parameter.VAR_POSITIONAL:
            found += [f"{parameter.name}{i}" for i in range(count - len(found))]
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            found.append(parameter.name)
    return (found + [f"a{i}" for i in range(len(found), count)])[:count]


def argument(tape: NodeTape, name: str, example: Any) -> Any:
    """What stands for one argument while its function is traced."""
    array = np.asarray(example)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"argument {name} must be a number or an array of numbers, got {example!r}")
    if array.size == 0:
        raise ValueError(f"argument {name} is empty")
    return shaped(tape.input(name, (array.size,)), array.shape) if array.ndim > 1 else tape.input(name, array.shape)


def results(tape: NodeTape, f: Callable[..., Any], *args: Any) -> list[Any]:
    """What a formula returns, as nodes and arrays of nodes: a tuple gives several."""
    return as_results(tape, call(tape, f, *args), f)


def as_results(tape: NodeTape, value: Any, f: Callable[..., Any]) -> list[Any]:
    """The same of what it has returned."""
    nodes = [tape.lift(v) for v in (value if isinstance(value, tuple) else [value])]
    if not nodes or any(node is None for node in nodes):
        raise trace_error(f"A formula must return numbers or nodes, not {value!r}.", "Return a node, or a tuple of nodes.", f)
    return [tape.number(node) for node in nodes if node is not None]


def trace_within(
    fingerprint: ClosureFingerprint, f: Callable[..., Any], make: Callable[[Tape, Callable[..., Any]], Traced]
) -> Traced:
    """``make(tape, f)``, where f gets nodes in place of the large arrays that it refers to, if it works with them."""
    tape = Tape()
    with_nodes = fingerprint.with_arrays_as(tape.capture)
    if with_nodes is not None:
        with suppress(Exception):  # an error that is not due to the nodes occurs again below
            return make(tape, with_nodes)
        fingerprint.forget_arrays()
    return make(Tape(), f)


def trace_arguments(tape: Tape, f: Callable[..., Any], examples: Sequence[Any]) -> tuple[NodeGraph, list[Any]]:
    """The graph, and what stands for each argument (a Node, or NodeArray)."""
    arguments = [argument(tape, n, e) for n, e in zip(argument_names(f, len(examples)), examples, strict=True)]
    passed = [as_condition(tape, item, e) for item, e in zip(arguments, examples, strict=True)]
    found = results(tape, f, *passed)
    outputs, shapes = [flat_node(node) for node in found], ([a.shape for a in arguments], [node.shape for node in found])
    return NodeGraph(getattr(f, "__name__", "formula"), input_nodes(arguments), outputs, shapes), arguments


def input_nodes(arguments: Sequence[Any]) -> list[Node]:
    """The nodes of what stands for arguments: arrays are read as vectors."""
    return [_leaf(flat_node(item)) for item in arguments]


def _leaf(node: Node) -> Node:
    """Of an array of a single value, which stands there as an element, the argument itself."""
    return node.args[0].args[0] if node.op == "stack" else node


def as_condition(tape: NodeTape, item: Any, example: Any) -> Any:
    """A boolean argument, which compiled code gets as 1 and 0, as a condition."""
    if np.asarray(example).dtype.kind == "b" and item.shape:
        return tape.apply("ne", item, tape.constant(0.0))
    return item
