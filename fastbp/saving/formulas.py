"""Formulas as the nodes of their graphs, and back: a file holds what a formula computes, never the code that wrote it down."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from ..graph.tracing.batch import BatchTape
from ..graph.tracing.batch_means import BatchMeans
from ..graph.tracing.node import Node
from ..graph.tracing.operators import ELEMENTWISE, UNARY
from ..graph.tracing.special.table import SPECIAL
from ..graph.tracing.tape import Tape
from ..graph.tracing.traversal import reachable

MAX_NODES = 20_000
MAX_STACKED = 256
_NOT_FINITE = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf}
_ARGUMENTS = {
    **dict.fromkeys(ELEMENTWISE, 2),
    **dict.fromkeys((*UNARY, "neg", "not", "sigmoid_derivative", "one_minus_square"), 1),
    **{name: len(operator.parameters) for name, operator in SPECIAL.items()},
    **dict.fromkeys(("where",), 3),
    **dict.fromkeys(("element", "slice", "sum", "batch_mean"), 1),
    **dict.fromkeys(("input", "constant", "captured", "batch_size"), 0),
}

Nodes = list[list[Any]]  # of each: the operator, the places of its arguments, and what else there is to say of it


class NotStorable(ValueError):
    """A graph that a file cannot hold."""


# -- writing


def written(value: Node) -> Nodes:
    """The nodes that a value needs, each after its arguments, the value last."""
    means = value.tape.means if isinstance(value.tape, BatchTape) else BatchMeans(cast(Tape, value.tape))
    nodes = sorted(reachable([value], means.operands), key=lambda node: node.index)
    places = {node.index: i for i, node in enumerate(nodes)}
    if len(nodes) > MAX_NODES or any(node.op not in _ARGUMENTS and node.op != "stack" for node in nodes):
        raise NotStorable(f"a formula must have at most {MAX_NODES} nodes, none of them of long vectors or tables")
    return [_written(node, [places[a.index] for a in means.operands(node)], means) for node in nodes]


def _written(node: Node, places: list[int], means: BatchMeans) -> list[Any]:
    if node is means.samples:
        return ["batch_size", places, None]
    if node.op == "input" and places:
        return ["batch_mean", places, None]
    return [node.op, places, _attribute(node)]


def _attribute(node: Node) -> Any:
    if node.op == "captured":
        return [_number(float(value)) for value in node.tape.arrays[node.attr]]
    if node.op == "constant":
        return node.attr if isinstance(node.attr, bool) else _number(node.attr)
    return list(node.attr) if node.op == "slice" else node.attr


def _number(value: float) -> float | str:
    return value if np.isfinite(value) else str(value)


# -- reading: whoever wrote the nodes, the tape makes of them what it makes of any formula


def replay(nodes: Nodes, tape: Tape, inputs: Mapping[str, Node]) -> Node:
    """The value of nodes on a tape, where these nodes stand for the inputs."""
    made: list[Node] = []
    if not isinstance(nodes, list) or not 0 < len(nodes) <= MAX_NODES:
        raise ValueError(f"a formula must have from 1 to {MAX_NODES} nodes")
    for op, places, attribute in nodes:
        if not all(type(place) is int and 0 <= place < len(made) for place in places):
            raise ValueError(f"an argument of {op!r} must be one of the nodes before it, got {places!r}")
        args = [made[place] for place in places]
        if op == "stack" and not 0 < len(args) <= MAX_STACKED or op != "stack" and _ARGUMENTS.get(op) != len(args):
            raise ValueError(f"a node must be of an operator that there is, got {op!r} of {len(args)} arguments")
        made.append(_made(op, args, attribute, tape, inputs))
        if len(tape.nodes) > 10 * MAX_NODES:
            raise ValueError("a formula must not grow without end")
    return made[-1]


def _made(op: str, args: list[Node], attribute: Any, tape: Tape, inputs: Mapping[str, Node]) -> Node:
    if op == "input":
        return inputs[attribute]
    if op == "constant":
        return tape.constant(attribute if isinstance(attribute, bool) else _finite_or_not(attribute))
    if op == "captured":
        return tape.captured(np.array([_finite_or_not(value) for value in attribute], float))
    if op == "element":
        (node,), (place,) = args, _places([attribute])
        if not node.shape and place == 0:  # one column is a single number
            return node
        if place >= node.shape[0]:
            raise ValueError(f"an element must be one of {node.shape[0]}, got {place}")
        return tape.element(node, place)
    if op == "slice":
        (node,), (start, stop) = args, _places(attribute)
        if not start < stop <= node.shape[0]:
            raise ValueError(f"a slice must lie within {node.shape[0]} values, got {attribute}")
        return tape.slice(node, start, stop)
    if op in ("batch_mean", "batch_size"):
        if not isinstance(tape, BatchTape):
            raise ValueError(f"{op} has a meaning in losses and metrics alone")
        return tape.means.over(args[0]) if args else tape.means.size()
    if op == "stack":
        return tape.stack(args)
    return tape.sum(args[0]) if op == "sum" else tape.make(op, *args)


def _places(values: Any) -> list[int]:
    if not all(type(value) is int and value >= 0 for value in values):
        raise ValueError(f"places must be whole numbers, got {values!r}")
    return list(values)


def _finite_or_not(value: Any) -> float:
    return _NOT_FINITE[value] if isinstance(value, str) else float(value)


# -- computing


def evaluate(nodes: Nodes, inputs: Mapping[str, np.ndarray]) -> Any:
    """The value of nodes for many samples: of a vector (samples, values), of a single number (samples, 1)."""
    made: list[Any] = []
    with np.errstate(all="ignore"):
        for op, places, attribute in nodes:
            args = [made[place] for place in places]
            made.append(_evaluated(op, args, attribute, inputs))
    return made[-1]


def _evaluated(op: str, args: list[Any], attribute: Any, inputs: Mapping[str, np.ndarray]) -> Any:
    if op == "input":
        return inputs[attribute]
    if op == "constant":
        return attribute if isinstance(attribute, bool) else _finite_or_not(attribute)
    if op == "captured":
        return np.array([_finite_or_not(value) for value in attribute], args[0].dtype if args else float)[None]
    if op == "element":
        return args[0][..., attribute : attribute + 1]
    if op == "slice":
        return args[0][..., slice(*attribute)]
    if op == "stack":
        return np.concatenate(
            np.broadcast_arrays(*(np.asarray(arg) if np.ndim(arg) else np.array([[arg]]) for arg in args)), -1
        )
    if op == "batch_mean":
        return np.mean(args[0], axis=0, keepdims=True)
    if op == "batch_size":
        return np.array([[float(len(next(iter(inputs.values()))))]])
    return np.sum(args[0], axis=-1, keepdims=True) if op == "sum" else ELEMENTWISE[op](*args)
