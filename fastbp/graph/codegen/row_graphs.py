"""A custom loss or activation as a graph: traced once, and differentiated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from ..autodiff.chain_rule import gradient
from ..tracing.batch import BatchNode, BatchTape
from ..tracing.errors import TraceError, trace_error
from ..tracing.node import Node
from ..tracing.node_graph import NodeGraph
from ..tracing.trace import call
from ..tracing.traversal import live


@dataclass(frozen=True)
class LossGraph:
    """A loss as the graph of one sample.

    ``value`` is the sample's loss; ``gradient`` is with respect to the vector ``y_pred``, times ``scale``, which is one over
    the samples of a batch.
    """

    y_true: Node
    y_pred: Node
    scale: Node
    value: Node
    gradient: Node

    @property
    def graph(self) -> NodeGraph:
        return NodeGraph("loss", [self.y_true, self.y_pred, self.scale], [self.value, self.gradient])


@dataclass(frozen=True)
class ActivationGraph:
    """An activation as the graph of one unit: ``value`` and its ``derivative`` for the weighted sum ``z``."""

    z: Node
    value: Node
    derivative: Node

    @property
    def graph(self) -> NodeGraph:
        return NodeGraph("activation", [self.z], [self.value, self.derivative])


_traced: WeakKeyDictionary[Any, dict[tuple[int, int], LossGraph]] = WeakKeyDictionary()


def loss_graph(loss: Any, targets: int, units: int) -> LossGraph:
    """``trace_loss`` of a ``losses.Custom``, once for each object: later changes around its formula have no effect."""
    known = _traced.setdefault(loss, {})
    if (targets, units) not in known:
        known[targets, units] = trace_loss(loss.function, targets, units)
    return known[targets, units]


def trace_loss(f: Callable[..., Any], targets: int, units: int) -> LossGraph:
    """The loss ``f(y_true, y_pred)`` for ``targets`` columns of y_true and ``units`` outputs.

    Raises
    ------
    TraceError
        If f does something that a loss cannot.
    """
    tape = BatchTape()
    y_true, y_pred = tape.columns("y_true", targets), tape.columns("y_pred", units)
    true_leaf, pred_leaf = (node for node in tape.nodes if node.op == "input")
    result = call(tape, f, y_true, y_pred)
    if not isinstance(result, BatchNode):
        raise _bad_result(f, result, "A loss", "one value for each sample, or for each of its outputs")
    value = tape.number(result.sample)
    if value.shape:  # one value for each output: their mean is the sample's loss
        value = tape.make("div", tape.sum(value), tape.constant(value.shape[0]))
    if not _depends(value, pred_leaf):
        raise _bad_result(f, result, "A loss", "something that depends on y_pred")
    scale = tape.input("scale")
    (output_gradient,) = gradient(value, [pred_leaf], scale)
    return LossGraph(true_leaf, pred_leaf, scale, value, output_gradient)


def trace_activation(f: Callable[..., Any]) -> ActivationGraph:
    """The activation ``f(z)``.

    Raises
    ------
    TraceError
        If f does something that an activation cannot.
    """
    tape = BatchTape()
    z = tape.units("z")
    result = call(tape, f, z)
    if not isinstance(result, BatchNode) or not _depends(result.sample, z.sample):
        raise _bad_result(f, result, "An activation", "something that depends on z")
    value = tape.number(result.sample)
    (derivative,) = gradient(value, [z.sample])
    return ActivationGraph(z.sample, value, derivative)


def _depends(node: Node, leaf: Node) -> bool:
    return any(n is leaf for n in live([node]))


def _bad_result(f: Callable[..., Any], result: Any, what: str, wanted: str) -> TraceError:
    shown = f"{type(result).__name__}" if isinstance(result, BatchNode) else repr(result)
    return trace_error(f"{what} must return {wanted}, got {shown}.", "Compute it from the arguments.", f)
