"""Gradients, Jacobians and Hessians: which nodes to compute for them, and how to put the values together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from ..tracing.errors import trace_error
from ..tracing.functions import stack, tape_of
from ..tracing.node import Node
from ..tracing.node_array import MAX_UNROLLED, NodeArray, flat_node
from .chain_rule import gradient
from .forward_mode import jvp
from .pieces import filled


class Forms(Protocol):
    """How derivatives with respect to each node are returned."""

    shapes: list[tuple[int, ...]]  # of the nodes; those of several dimensions are differentiated by as vectors

    def given(self, parts: Sequence[Any]) -> Any:
        """In the form of the arguments."""

    def arrays(self, parts: Sequence[Any]) -> Any:
        """The same, where a list of numbers counts as an array."""


# From a formula's result and the nodes to differentiate with respect to: what to compute, and how to return it.
Recipe = Callable[[Any, list[Node]], tuple[list[Node], Callable[[list[Any], Forms], Any]]]


def derivatives(output: Node, wrt: list[Node]) -> list[Node]:
    """The derivatives of a single number with respect to each node; for a stack of variables, to its elements."""
    leaves = [leaf for node in wrt for leaf in (node.args if node.op == "stack" else [node])]
    found = iter(gradient(output, leaves))
    return [node.tape.stack([next(found) for _ in node.args]) if node.op == "stack" else next(found) for node in wrt]


def gradient_recipe(output: Node, wrt: list[Node]) -> Any:
    if output.shape:
        raise trace_error(
            f"grad needs a formula with a single number as its result, not {output.size} values.",
            "Use fastbp.sum or fastbp.mean over the data, or fastbp.jacobian.",
        )
    return derivatives(output, wrt), lambda values, forms: forms.given(values)


def value_and_gradient_recipe(output: Node, wrt: list[Node]) -> Any:
    nodes, _ = gradient_recipe(output, wrt)
    return [output, *nodes], lambda values, forms: (values[0], forms.given(values[1:]))


def _elements(node: Node) -> list[Node]:
    """The elements of a node."""
    if not node.shape:
        return [node]
    if node.shape[0] > MAX_UNROLLED:
        raise trace_error(
            f"A matrix of derivatives of or with respect to {node.shape[0]} values is too large.",
            f"jacobian and hessian work with vectors of up to {MAX_UNROLLED} parameters; grad has no such limit.",
        )
    return [node.tape.element(node, i) for i in range(node.shape[0])]


def rows_by_parameters(output: Node, wrt: list[Node]) -> list[list[Node]]:
    """The derivative of each row with respect to each parameter, as a node with rows for each parameter (forward mode)."""
    found = []
    for node in wrt:
        if node.shape == output.shape:
            raise trace_error("jacobian cannot differentiate rows with respect to rows of the same data.", "Use parameters.")
        tangents = [jvp([output], _unit(node, i))[0] for i in range(node.size)]
        found.append([filled(tangent, output) for tangent in tangents])
    return found


def _unit(node: Node, i: int) -> dict[Node, Node]:
    """The unit tangent of one element of a node."""
    tape = node.tape
    if not node.shape:
        return {node: tape.constant(1.0)}
    if node.op == "stack":
        return {node.args[i]: tape.constant(1.0)}
    return {node: tape.stack([tape.constant(float(k == i)) for k in range(node.shape[0])])}


def jacobian_recipe(result: Any, wrt: list[Node]) -> Any:
    output = flat_node(result)
    if output.shape and output.op != "stack" and all(node.shape != output.shape for node in wrt):
        _ = [_elements(node) for node in wrt]
        columns = rows_by_parameters(output, wrt)
        return [c for group in columns for c in group], lambda values, forms: _columns(values, wrt, result.shape, forms)
    outputs = _elements(output)
    if len(outputs) <= sum(node.size for node in wrt):
        by_output = [derivatives(o, wrt) for o in outputs]
        table = [[e for node in row for e in _elements(node)] for row in by_output]
    else:
        tangents = [jvp(outputs, _unit(node, i)) for node in wrt for i in range(len(_elements(node)))]
        table = [list(row) for row in zip(*tangents, strict=True)]
    rows = len(outputs)
    return [e for row in table for e in row], lambda values, forms: _blocks(
        values, rows, [(*result.shape, *shape) for shape in forms.shapes], forms
    )


def _columns(values: list[Any], wrt: list[Node], rows: tuple[int, ...], forms: Forms) -> Any:
    found, at = [], iter(values)
    for node, shape in zip(wrt, forms.shapes, strict=True):
        columns = [next(at) for _ in range(node.size)]
        found.append((stack(columns, 1) if node.shape else columns[0]).reshape(rows + shape))
    return forms.arrays(found)


def _blocks(values: list[Any], outputs: int, shapes: list[tuple[int, ...]], forms: Forms) -> Any:
    table = np.array(values).reshape(outputs, -1)
    sizes = [int(np.prod(shape)) // outputs for shape in shapes]
    parts = np.split(table, np.cumsum(sizes)[:-1], axis=1)
    return forms.arrays([_shaped(part, shape) for part, shape in zip(parts, shapes, strict=True)])


def hessian_recipe(output: Node, wrt: list[Node]) -> Any:
    gradients, _ = gradient_recipe(output, wrt)
    elements = [e for node in gradients for e in _elements(node)]
    _ = [_elements(node) for node in wrt]
    nodes, place = [], []
    for i, element in enumerate(elements):
        row = [e for node in derivatives(element, wrt) for e in _elements(node)]
        for j in range(i, len(row)):  # it is symmetric
            nodes.append(row[j])
            place.append((i, j))
    return nodes, lambda values, forms: _square(values, place, forms.shapes, forms)


def _square(values: list[Any], place: list[tuple[int, int]], shapes: list[tuple[int, ...]], forms: Forms) -> Any:
    sizes = [int(np.prod(shape)) for shape in shapes]
    table = np.empty((sum(sizes), sum(sizes)), float if tape_of(values) is None else object)
    for (i, j), value in zip(place, values, strict=True):
        table[i, j] = table[j, i] = value
    ends = np.cumsum(sizes)[:-1]
    blocks = [np.split(band, ends, axis=1) for band in np.split(table, ends, axis=0)]
    shaped = [[_shaped(b, shapes[i] + shapes[j]) for j, b in enumerate(band)] for i, band in enumerate(blocks)]
    return forms.arrays([forms.arrays(band) for band in shaped])


def _shaped(block: np.ndarray, shape: tuple[int, ...]) -> Any:
    """Numbers in a shape; inside of a formula they are nodes."""
    tape = tape_of([block])
    if tape is not None:
        return NodeArray(tape, block.reshape(shape)).simplified()
    return block.reshape(shape) if shape else float(block[0, 0])
