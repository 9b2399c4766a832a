"""A custom loss or activation as a graph: traced once, and differentiated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from ..autodiff.batch_gradient import batch_gradient, depends
from ..autodiff.chain_rule import gradient
from ..tracing.batch import BatchNode, BatchTape
from ..tracing.errors import TraceError, trace_error
from ..tracing.node import Node
from ..tracing.node_graph import NodeGraph
from ..tracing.trace import call


@dataclass(frozen=True)
class Mean:
    """A mean over the batch: the leaf that stands for it, what it is the mean of, and how many passes come before its own."""

    leaf: Node
    of: Node
    level: int


@dataclass(frozen=True)
class LossGraph:
    """A loss as the graph of one sample.

    ``value`` is the sample's loss; ``gradient`` is that of the batch's loss with respect to the sample's vector ``y_pred``,
    ``scale`` being one over the samples of a batch. Both may use ``means`` over the batch, in the order of their levels, and
    the number of ``samples``.
    """

    y_true: Node
    y_pred: Node
    scale: Node
    value: Node
    gradient: Node
    means: tuple[Mean, ...] = ()
    samples: Node | None = None

    @property
    def is_of_batch(self) -> bool:
        """Whether the value of a sample depends on the others of its batch, or on how many they are."""
        return bool(self.means) or self.samples is not None

    def places(self) -> tuple[dict[int, int], list[tuple[int, int]]]:
        """Where each mean begins in an array of all, by its leaf's index; and the places of those of each pass."""
        found: dict[int, int] = {}
        passes: list[tuple[int, int]] = []
        end = 0
        for mean in self.means:
            found[mean.leaf.index], start, end = end, end, end + mean.leaf.size
            if mean.level == len(passes):
                passes.append((start, end))
            passes[-1] = passes[-1][0], end
        return found, passes

    @property
    def graph(self) -> NodeGraph:
        leaves = [self.y_true, self.y_pred, self.scale, *(mean.leaf for mean in self.means)]
        outputs = [self.value, self.gradient, *(mean.of for mean in self.means)]
        if self.samples is not None:
            leaves.append(self.samples)
        return NodeGraph("loss of the batch" if self.means else "loss", leaves, outputs)


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


def known_graphs(loss: Any) -> list[LossGraph]:
    """Those that ``loss_graph`` has given for an object."""
    return list(_traced.get(loss, {}).values())


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
    if not depends(value, pred_leaf, tape.means):
        raise _bad_result(f, result, "A loss", "something that depends on y_pred")
    scale = tape.input("scale")
    found = batch_gradient(value, pred_leaf, scale, tape.means)
    leaves = tape.means.needed([value, found])
    means = [Mean(leaf, tape.means.of(leaf), level) for leaf, level in zip(leaves, tape.means.levels(leaves), strict=True)]
    means.sort(key=lambda mean: mean.level)
    return LossGraph(true_leaf, pred_leaf, scale, value, found, tuple(means), tape.means.samples)


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
    if not isinstance(result, BatchNode) or not depends(result.sample, z.sample, tape.means):
        raise _bad_result(f, result, "An activation", "something that depends on z")
    value = tape.number(result.sample)
    (derivative,) = gradient(value, [z.sample])
    return ActivationGraph(z.sample, value, derivative)


def _bad_result(f: Callable[..., Any], result: Any, what: str, wanted: str) -> TraceError:
    shown = f"{type(result).__name__}" if isinstance(result, BatchNode) else repr(result)
    return trace_error(f"{what} must return {wanted}, got {shown}.", "Compute it from the arguments.", f)
