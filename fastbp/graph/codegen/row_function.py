"""A user's loss or activation, from a Python function to the address of machine code that the training loop calls.

The formula is traced once, differentiated, and compiled to a function with the arguments of the engine's own losses and
activations. So it costs no more than they do, and the training loop stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ...kernels.simd import native
from ..autodiff.chain_rule import gradient, live
from ..tracing.batch import BatchNode, BatchTape
from ..tracing.errors import TraceError, trace_error
from ..tracing.node import Node
from ..tracing.text import as_key
from ..tracing.trace import Graph, call
from .record import Record


@dataclass(frozen=True)
class RowLoss:
    """A loss as the graph of one sample.

    ``value`` is the sample's loss; ``slope`` its derivative by the vector ``y_pred``, times ``scale``, which is one over the
    samples of a batch.
    """

    y_true: Node
    y_pred: Node
    scale: Node
    value: Node
    slope: Node

    def bind(self, dtype: str) -> Bound:
        """Its machine code, compiled now or found on disk: a function with the arguments of kernels/loss.py."""

        def write(module: Any, name: str) -> list[str]:
            from .loss_code import write_loss

            return write_loss(module, name, self, dtype)

        return Bound(self.graph, dtype, write)

    @property
    def graph(self) -> Graph:
        return Graph("loss", [self.y_true, self.y_pred, self.scale], [self.value, self.slope])


@dataclass(frozen=True)
class RowActivation:
    """An activation as the graph of one unit: ``value`` and its derivative ``slope`` for the weighted sum ``z``."""

    z: Node
    value: Node
    slope: Node

    def bind(self, dtype: str) -> Bound:
        """Its machine code: a function with the arguments of an activation in kernels/activation.py."""

        def write(module: Any, name: str) -> list[str]:
            from .activation_code import write_activation

            return write_activation(module, name, self, dtype)

        return Bound(self.graph, dtype, write)

    @property
    def graph(self) -> Graph:
        return Graph("activation", [self.z], [self.value, self.slope])


class Bound:
    """A formula's machine code with its numbers and arrays.

    Attributes
    ----------
    address : int
        Of a record that is the function's argument too: the function's address, that of its numbers, those of its arrays
        (``Record`` says where). It is there as long as this object.
    """

    def __init__(self, graph: Graph, dtype: str, write: Callable[[Any, str], list[str]]) -> None:
        self._code = native.load(f"{graph.name} of {dtype}: {as_key(graph, sizes=True)}", write)
        record = Record(graph.nodes)
        with np.errstate(over="ignore"):
            numbers = np.array([node.attr for node in record.numbers], dtype)
            arrays = [np.ascontiguousarray(node.tape.arrays[node.attr], dtype) for node in record.arrays]
        self._contents = numbers, *arrays
        addresses = [array.ctypes.data for array in self._contents]
        self._record = np.array([*self._code.addresses, *addresses], np.int64)
        self.address = self._record.ctypes.data


_traced: WeakKeyDictionary[Any, dict[tuple[int, int], RowLoss]] = WeakKeyDictionary()


def loss_graph(loss: Any, targets: int, units: int) -> RowLoss:
    """``trace_loss`` of a ``losses.Custom``, once for each object: what its formula sees around it stays as it was."""
    known = _traced.setdefault(loss, {})
    if (targets, units) not in known:
        known[targets, units] = trace_loss(loss.function, targets, units)
    return known[targets, units]


def trace_loss(f: Callable[..., Any], targets: int, units: int) -> RowLoss:
    """The loss ``f(y_true, y_pred)`` for ``targets`` columns of y_true and ``units`` outputs.

    Raises
    ------
    TraceError
        Where f does what a loss cannot.
    """
    tape = BatchTape()
    y_true, y_pred = tape.columns("y_true", targets), tape.columns("y_pred", units)
    true_leaf, pred_leaf = (node for node in tape.nodes if node.op == "input")
    result = call(tape, f, y_true, y_pred)
    if not isinstance(result, BatchNode):
        raise _bad_result(f, result, "A loss", "one value for each sample, or for each of its outputs")
    value = result.sample
    if value.is_logical:
        value = tape.make("where", value, tape.constant(1.0), tape.constant(0.0))
    if value.shape:  # one value for each output: their mean is the sample's loss
        value = tape.make("div", tape.sum(value), tape.constant(value.shape[0]))
    if not _depends(value, pred_leaf):
        raise _bad_result(f, result, "A loss", "something that depends on y_pred")
    scale = tape.input("scale")
    (slope,) = gradient(value, [pred_leaf], scale)
    return RowLoss(true_leaf, pred_leaf, scale, value, slope)


def trace_activation(f: Callable[..., Any]) -> RowActivation:
    """The activation ``f(z)``.

    Raises
    ------
    TraceError
        Where f does what an activation cannot.
    """
    tape = BatchTape()
    z = tape.units("z")
    result = call(tape, f, z)
    if not isinstance(result, BatchNode) or not _depends(result.sample, z.sample):
        raise _bad_result(f, result, "An activation", "something that depends on z")
    value = result.sample
    if value.is_logical:
        value = tape.make("where", value, tape.constant(1.0), tape.constant(0.0))
    (slope,) = gradient(value, [z.sample])
    return RowActivation(z.sample, value, slope)


def _depends(node: Node, leaf: Node) -> bool:
    return any(n is leaf for n in live([node]))


def _bad_result(f: Callable[..., Any], result: Any, what: str, wanted: str) -> TraceError:
    shown = f"{type(result).__name__}" if isinstance(result, BatchNode) else repr(result)
    return trace_error(f"{what} must return {wanted}, got {shown}.", "Compute it from the arguments.", f)
