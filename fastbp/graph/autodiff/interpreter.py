"""The graph one step at a time, in plain NumPy: slow, and easy to follow."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tracing.node import Node
from ..tracing.node_graph import NodeGraph
from ..tracing.values import node_value
from .rules import RULES


def run_forward(graph: NodeGraph, values: list[Any]) -> list[Any]:
    """Every node's value, from the values of the inputs."""
    for node, value in zip(graph.inputs, values, strict=True):
        array = np.asarray(value, dtype=float)
        if array.ndim != node.ndim:
            raise ValueError(f"argument {node.name} must have shape {node.shape}, got {array.shape}")
        node.value = array if array.ndim else float(array)
    for node in graph.nodes:
        node.grad = None
        if node.op != "input":
            node.value = _value(node)
    return [node.value for node in graph.outputs]


def _value(node: Node) -> Any:
    value = node_value(node, [a.value for a in node.args])
    return value if node.ndim or node.is_logical or node.op == "constant" else float(value)


def run_backward(graph: NodeGraph, seed: Any) -> list[Any]:
    """Every node's grad, backwards from the first result."""
    output = graph.outputs[0]
    if output.value is None:
        raise ValueError("backward needs the values of a forward pass: call graph.forward(...) first")
    for node in graph.nodes:
        node.grad = np.zeros(node.value.shape) if np.ndim(node.value) else 0.0
    output.grad = output.grad + seed
    with np.errstate(all="ignore"):
        for node in reversed(graph.nodes):
            for argument, contribution in zip(node.args, _contributions(node), strict=True):
                if contribution is not None:
                    argument.grad = argument.grad + _summed_for(contribution, node, argument)
    return [node.grad for node in graph.inputs]


def _contributions(node: Node) -> Any:
    """What a node adds to the grad of each of its arguments."""
    g = node.grad
    if node.op == "sum":
        return [np.full(node.args[0].value.shape, g)]
    if node.op == "max":
        is_largest = node.args[0].value == node.value
        return [np.where(is_largest, g / np.sum(is_largest), 0.0)]
    if node.op == "join":
        return [g[p.start : p.stop : p.step] if a.shape else g[p.start] for p, a in zip(node.attr, node.args, strict=True)]
    if node.op == "size":
        return [None]
    if node.op in ("element", "slice"):
        spread = np.zeros(node.args[0].value.shape)
        spread[node.attr if node.op == "element" else slice(*node.attr)] = g
        return [spread]
    if node.op == "stack":
        return list(g)
    # NumPy's numbers: a division by zero gives infinity, as in compiled code, and no error.
    values = [np.asarray(v)[()] for v in (g, node.value, *(a.value for a in node.args))]
    contributions = RULES[node.op](*values) if node.args else ()
    # A value that was not taken contributes 0, whatever its derivative.
    return [
        contribution if contribution is None else np.where(np.equal(g, 0), 0.0, contribution)[()]
        for contribution in contributions
    ]


def _summed_for(contribution: Any, node: Node, argument: Node) -> Any:
    """A single number that went into every row gets the sum over the rows."""
    if argument.ndim:
        return contribution
    total = np.sum(np.broadcast_to(contribution, node.value.shape)) if node.ndim else contribution
    return float(total)
