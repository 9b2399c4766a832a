"""A custom loss or activation, from its graph to the address of machine code that the training loop calls.

The machine code is a function with the same arguments as the engine's own losses and activations. So it costs no more than
they do, and the training loop is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...kernels.simd import native
from ..tracing.node_graph import NodeGraph
from ..tracing.text import as_key
from .activation_code import write_activation
from .loss_code import write_loss
from .record import Record
from .row_graphs import ActivationGraph, LossGraph


class BoundFunction:
    """A formula's machine code with its numbers and arrays.

    Attributes
    ----------
    address : int
        Of a record that is the function's argument too: the function's address, that of its numbers, those of its arrays
        (see ``Record``). It is valid as long as this object exists.
    """

    def __init__(self, graph: NodeGraph, dtype: str, write: Callable[[Any, str], list[str]]) -> None:
        self._code = native.load(f"{graph.name} of {dtype}: {as_key(graph, sizes=True)}", write)
        record = Record(graph.nodes)
        with np.errstate(over="ignore"):
            numbers = np.array([node.attr for node in record.numbers], dtype)
            arrays = [np.ascontiguousarray(node.tape.arrays[node.attr], dtype) for node in record.arrays]
        self._contents = numbers, *arrays
        addresses = [array.ctypes.data for array in self._contents]
        self._record = np.array([*self._code.addresses, *addresses], np.int64)
        self.address = self._record.ctypes.data

    @property
    def identity(self) -> tuple[Any, ...]:
        """Equal for those that compute the same."""
        return self._code, *((array.shape, array.tobytes()) for array in self._contents)


def bind_loss(loss: LossGraph, dtype: str) -> BoundFunction:
    """A loss's machine code, compiled now or found on disk: a function with the arguments of kernels/loss.py."""
    return BoundFunction(loss.graph, dtype, lambda module, name: write_loss(module, name, loss, dtype))


def bind_activation(activation: ActivationGraph, dtype: str) -> BoundFunction:
    """An activation's machine code: a function with the arguments of an activation in kernels/activation.py."""
    return BoundFunction(activation.graph, dtype, lambda module, name: write_activation(module, name, activation, dtype))
