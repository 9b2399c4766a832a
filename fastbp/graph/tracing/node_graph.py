"""A traced formula: its arguments, its results, and all nodes between them."""

from __future__ import annotations

from .node import Node, NodeTape, Shape
from .traversal import live


class NodeGraph:
    """A formula's arguments, its results, and all nodes that those need, each after its arguments."""

    def __init__(
        self, name: str, inputs: list[Node], outputs: list[Node], shapes: tuple[list[Shape], list[Shape]] | None = None
    ) -> None:
        self.name, self.inputs, self.outputs = name, inputs, outputs
        # Of what inputs and outputs stand for: arrays of several dimensions are vectors in the graph.
        self.input_shapes, self.output_shapes = shapes or ([n.shape for n in inputs], [n.shape for n in outputs])
        needed = {node.index: node for node in [*live(outputs), *inputs]}
        self.nodes = [needed[i] for i in sorted(needed)]

    @property
    def tape(self) -> NodeTape:
        return self.outputs[0].tape
