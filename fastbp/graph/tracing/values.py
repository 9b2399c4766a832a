"""The value of one node in NumPy, from those of its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .node import Node
from .operators import evaluate


def node_value(node: Node, values: Sequence[Any], dtype: Any = float) -> Any:
    """What a node that is no argument of the formula computes."""
    if node.op == "constant":
        return node.attr
    if node.op == "captured":
        return np.asarray(node.tape.arrays[node.attr], dtype=dtype).ravel()
    if node.op == "size":
        return float(len(values[0]))
    if node.op == "element":
        return values[0][node.attr]
    if node.op == "slice":
        return values[0][slice(*node.attr)]
    if node.op == "sum":
        return np.sum(values[0])
    if node.op == "max":
        return np.max(values[0])
    if node.op == "join":
        joined = np.empty(node.shape, dtype)
        for place, value in zip(node.attr, values, strict=True):
            joined[place.start : place.stop : place.step] = value
        return joined
    if node.op == "stack":
        return np.array(values, dtype=dtype)
    if node.op == "assemble":
        raise ValueError("derivatives of long vectors are computed by the compiled graph only")
    return evaluate(node.op, values)
