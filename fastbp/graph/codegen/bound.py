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
        self._contents = numbers, *arrays, *self._room(dtype)
        addresses = [array.ctypes.data for array in self._contents]
        self._records = np.array([[function, *addresses] for function in self._code.addresses], np.int64)
        self.address = self._records.ctypes.data

    def _room(self, dtype: str) -> list[np.ndarray]:
        """Arrays that the code finds after its own."""
        return []

    @property
    def identity(self) -> tuple[Any, ...]:
        """Equal for those that compute the same."""
        return self._code, *((array.shape, array.tobytes()) for array in self._contents)


class BoundLoss(BoundFunction):
    """A loss's machine code: functions with the arguments of kernels/loss.py.

    Attributes
    ----------
    is_of_batch : bool
        Whether the value of a sample depends on its batch.
    means : int
        How many numbers are means over the batch.
    sums : array
        How they are come by, as kernels/batch_loss.py reads it.
    """

    def __init__(self, loss: LossGraph, dtype: str) -> None:
        self.is_of_batch = loss.is_of_batch
        places, passes = loss.places()
        self.means = passes[-1][1] if passes else 0
        super().__init__(loss.graph, dtype, lambda module, name: write_loss(module, name, loss, dtype))
        starts = [self._records[1 + k : 2 + k].ctypes.data for k in range(len(passes))]
        table = [len(passes), self._contents[-1].ctypes.data, self.means]
        self.sums = np.array(
            [*table, *(n for start, ends in zip(starts, passes, strict=True) for n in (start, *ends))], np.int64
        )

    def _room(self, dtype: str) -> list[np.ndarray]:
        return [np.zeros(self.means, dtype)] if self.is_of_batch else []


def bind_loss(loss: LossGraph, dtype: str) -> BoundLoss:
    """A loss's machine code, compiled now or found on disk."""
    return BoundLoss(loss, dtype)


def bind_activation(activation: ActivationGraph, dtype: str) -> BoundFunction:
    """An activation's machine code: a function with the arguments of an activation in kernels/activation.py."""
    return BoundFunction(activation.graph, dtype, lambda module, name: write_activation(module, name, activation, dtype))
