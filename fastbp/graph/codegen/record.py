"""What the machine code of a loss or an activation finds at its address argument.

Its own address, then those of its numbers, of its arrays, and of a loss's means over the batch, if it has any.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...kernels.simd.vector import Vector
from ...kernels.simd.vocabulary import Simd
from ..tracing.node import Node
from ..tracing.text import is_runtime_constant

_NUMBERS = 1  # after the function's own address
_ARRAYS = 2


class Record:
    """Where a graph's numbers and arrays are.

    Parameters
    ----------
    nodes : sequence of Node
        Of the graph, in its order.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.numbers = [node for node in nodes if is_runtime_constant(node)]
        self.arrays = [node for node in nodes if node.op == "captured"]

    def load_numbers(self, s: Simd, address: Any) -> dict[int, Vector]:
        """Each number in every lane, by its node's index."""
        start = s.load_address(address, _NUMBERS)
        return {node.index: s.load_spread(s.offset(start, i)) for i, node in enumerate(self.numbers)}

    def load_arrays(self, s: Simd, address: Any) -> dict[int, Any]:
        """Where each array begins, by its node's index."""
        return {node.index: s.load_address(address, _ARRAYS + i) for i, node in enumerate(self.arrays)}

    def load_means(self, s: Simd, address: Any) -> Any:
        """Where the means over a batch begin, after the arrays."""
        return s.load_address(address, _ARRAYS + len(self.arrays))
