"""The arrays of a batch in a formula, traced as the formula of a single sample.

A loss gets ``y_true`` and ``y_pred`` of shape (samples, outputs), as in Keras. It treats every sample alike, so the graph of
one sample is enough: there an array (samples, w) is a vector of w, and one of (samples,) or (samples, 1) a single number.
``BatchNode`` keeps the whole array's shape beside the node of one sample, and refuses what compares samples with each other.
Sums and means over all of them are allowed. A mean that is the last step costs nothing, since that is what happens to a loss
anyway; one that is computed further with is known once the whole batch has been summed up (batch_means.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from math import prod
from typing import Any

import numpy as np

from .batch_means import BatchMeans
from .batch_shapes import COLUMN, OF_ONE_UNIT, SAMPLES, UNITS, BatchShape, broadcast, refuse_values_for_samples, shown
from .errors import TraceError, trace_error
from .node import Node
from .node_array import MAX_UNROLLED
from .tape import Tape

# Up to so many columns each is a separate node: then vectors run over samples, which fill them.
MAX_UNROLLED_COLUMNS = 8

_COUNT = "Instead of a sum over the samples by their number: fastbp.mean(x), the mean over all of them."
_PAIRS = "Pairs of samples are outside of a loss. Means over the batch are not: fastbp.mean(x, axis=0), fastbp.sum(x, axis=0)."


class BatchTape(Tape):
    """A tape of one sample's nodes, which also computes with the nodes of a batch."""

    adds_pieces = True

    def __init__(self) -> None:
        super().__init__()
        self._arrays_by_bytes: dict[bytes, np.ndarray] = {}
        self.means = BatchMeans(self)

    def columns(self, name: str, width: int) -> BatchNode:
        """An argument of shape (samples, width)."""
        leaf = self.input(name, (width,))
        self.means.of_samples.add(leaf.index)
        if width > MAX_UNROLLED_COLUMNS:
            return BatchNode(self, leaf, (None, width))
        elements = [self.element(leaf, i) for i in range(width)]
        return BatchNode(self, elements[0] if width == 1 else self.stack(elements), (None, width))

    def units(self, name: str) -> BatchNode:
        """An argument of any width, whose values are independent of each other."""
        return BatchNode(self, self.input(name), UNITS)

    def lift(self, value: Any) -> Any:
        if value is None:
            raise trace_error("A loss cannot compute with None, which shape[0] is.", _COUNT)
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.size > 1:
            node = self._constants(value)
            return self.make("ne", node, self.constant(0.0)) if value.dtype.kind == "b" else node
        return super().lift(value.item() if isinstance(value, np.ndarray) and value.size == 1 else value)

    def _constants(self, array: np.ndarray) -> BatchNode:
        """An array from outside the formula: one value for each column."""
        if array.ndim > 2 or (array.ndim == 2 and len(array) > 1):
            raise trace_error(
                f"A formula cannot use an array of shape {array.shape} from its surroundings.",
                "An array must have one value for each output; what differs from sample to sample belongs into y_true.",
            )
        array = array.ravel().astype(float)
        if array.size <= MAX_UNROLLED_COLUMNS:
            return BatchNode(self, self.stack([self.constant(v) for v in array.tolist()]), array.shape)
        array = self._arrays_by_bytes.setdefault(array.tobytes(), array)  # equal ones are one node
        return BatchNode(self, self.captured(array), array.shape)

    def make(self, op: str, *arguments: Node) -> Node:
        batch = [a for a in arguments if isinstance(a, BatchNode)]
        if not batch:
            return super().make(op, *arguments)
        is_mean = any(a.is_mean for a in batch)
        if is_mean and not _keeps_means(op, arguments):
            return self.make(op, *(a.settled() if isinstance(a, BatchNode) else a for a in arguments))
        shape: BatchShape = ()
        for node in batch:
            shape = broadcast(op, shape, node.shape)
        refuse_values_for_samples(op, [node.shape for node in batch])
        sample = super().make(op, *(a.sample if isinstance(a, BatchNode) else a for a in arguments))
        return BatchNode(self, sample, shape, is_mean)

    def apply_ufunc(self, ufunc: Any, method: str, inputs: Any, options: Any) -> Any:
        if ufunc is np.matmul and method == "__call__" and not options:
            return self._dot(*inputs)
        return super().apply_ufunc(ufunc, method, inputs, options)

    def apply_function(self, function: Any, args: Any, options: Any) -> Any:
        if function is np.dot and len(args) == 2 and not options:
            return self._dot(*args)
        return super().apply_function(function, args, options)

    def _dot(self, x: Any, y: Any) -> Node:
        """The sum of products over the batch, of two values for each sample."""
        factors = [self.lift(x), self.lift(y)]
        if all(isinstance(factor, BatchNode) and factor.shape == SAMPLES for factor in factors):
            products: Node = self.make("mul", *map(self.number, factors)).sum()
            return products
        raise trace_error(
            "A loss has no matrix products.", f"Write sum(x * y, axis=-1) for the product of each sample's rows. {_PAIRS}"
        )

    def variable(self, node: Node) -> Node:
        if isinstance(node, BatchNode):
            raise trace_error("A loss cannot hold derivatives of its arguments.", "Write the derivative out as a formula.")
        return super().variable(node)

    def stack(self, elements: list[Node]) -> Node:
        if any(isinstance(e, BatchNode) for e in elements):
            raise trace_error(
                "A loss cannot stack arrays, or compute with a list of them.", "Add up the formulas of the columns instead."
            )
        return super().stack(elements)


def _keeps_means(op: str, arguments: tuple[Node, ...]) -> bool:
    """Whether f(mean(x)) = mean(f(x)): for sums of means and constants, and for multiples."""
    if any(isinstance(a, BatchNode) and not a.is_mean for a in arguments):
        return False
    if op == "mul":
        return any(not isinstance(a, BatchNode) for a in arguments)
    return op in ("add", "sub", "neg") or (op == "div" and not isinstance(arguments[1], BatchNode))


class BatchNode(Node):
    """An array of a batch: the node of one sample, and the shape of the whole."""

    __slots__ = ("is_mean", "sample")

    def __init__(self, tape: BatchTape, sample: Node, shape: BatchShape, is_mean: bool = False) -> None:
        super().__init__(tape, sample.index, sample.op, (), sample.attr, shape)  # type: ignore[arg-type]
        self.sample, self.is_mean = sample, is_mean

    def __repr__(self) -> str:
        return f"<array of shape {shown(self.shape)}>"

    @property
    def is_logical(self) -> bool:
        return self.sample.is_logical

    @property
    def size(self) -> int:
        if None in self.shape:
            raise trace_error("A loss cannot ask for the size of a batch.", f"shape[-1] is the number of outputs. {_COUNT}")
        return prod(self.shape)

    @property
    def T(self) -> Node:
        if None in self.shape:
            raise trace_error(
                "A loss cannot transpose a batch.", f"Single columns are y_pred[:, 0], y_pred[:, 1], ... {_PAIRS}"
            )
        return self

    def __len__(self) -> int:
        if not self.shape or None in self.shape[:1]:
            raise trace_error("A loss cannot ask for the number of samples.", _COUNT)
        return self.shape[0]

    def __iter__(self) -> Iterator[Node]:
        if self.ndim != 1 or None in self.shape:
            raise trace_error("A loss cannot go through the samples of a batch.", self._hint)
        return (self[i] for i in range(self.shape[0]))

    @property
    def _hint(self) -> str:
        if self.shape == UNITS:
            return OF_ONE_UNIT
        return "Take columns, each a value for every sample: y_pred[:, 0], y_pred[:, 1:3], y_pred[..., -1]."

    def settled(self) -> BatchNode:
        """A mean over the batch as what other values are computed from, rather than as what a loss ends with."""
        assert isinstance(self.tape, BatchTape)
        return BatchNode(self.tape, self.tape.means.over(self.sample), self.shape) if self.is_mean else self

    def __getitem__(self, key: Any) -> Node:
        if key is Ellipsis or key == slice(None):
            return self
        if self.ndim == 1 and None not in self.shape and not isinstance(key, tuple):
            return self._columns(key)
        of_columns = isinstance(key, tuple) and len(key) == 2 and (key[0] is Ellipsis or key[0] == slice(None))
        if of_columns and key[1] is None and self.shape == SAMPLES:
            return self._as(self.sample, COLUMN)
        if isinstance(key, tuple) and any(k is None for k in key):
            raise trace_error("A loss cannot set every sample against every other one.", _PAIRS)
        if of_columns and self.ndim == 2 and self.shape != UNITS:
            return self._columns(key[1])
        raise trace_error(f"A formula cannot index an array of shape {shown(self.shape)} with {key!r}.", self._hint)

    def _columns(self, key: Any) -> Node:
        """One column, or neighbouring ones."""
        width, rows = self.shape[-1], self.shape[:-1]
        if key is Ellipsis:
            return self
        if isinstance(key, slice):
            start, stop, step = key.indices(width)
            if step == 1 and stop > start:
                sample = self.sample
                if width > 1:
                    sample = self.tape.slice(sample, start, stop) if stop - start > 1 else self.tape.element(sample, start)
                return self._as(sample, (*rows, stop - start))
        elif hasattr(key, "__index__") and not isinstance(key, Node | bool):
            place = key.__index__()
            if not -width <= place < width:
                raise trace_error(
                    f"A formula asks for column {place} of an array of shape {shown(self.shape)}.",
                    "The last layer's units are the columns of y_pred, those of the targets given to fit are y_true's.",
                )
            return self._as(self.sample if width == 1 else self.tape.element(self.sample, place % width), rows)
        raise trace_error(f"A formula cannot take columns {key!r} of an array of shape {shown(self.shape)}.", self._hint)

    def _as(self, sample: Node, shape: BatchShape) -> BatchNode:
        assert isinstance(self.tape, BatchTape)
        return BatchNode(self.tape, sample, shape, self.is_mean)

    def squeeze(self, axis: Any = None) -> Node:
        """(samples, 1) as (samples,)."""
        return self._as(self.sample, tuple(size for size in self.shape if size != 1))

    def ravel(self) -> Node:
        """(samples, 1) as (samples,); more columns would mix with the samples."""
        if self.ndim == 2 and self.shape[1] != 1:
            raise trace_error(f"A formula cannot flatten an array of shape {shown(self.shape)}.", self._hint)
        return self.squeeze()

    # -- sums and means

    def _total(self, axis: Any, keepdims: bool) -> Node:
        """The sum over the columns of each sample, over the samples of each column, or over everything."""
        return self._reduced(axis, keepdims, averages=False)

    def _average(self, axis: Any, keepdims: bool) -> Node:
        """The mean over the columns of each sample, over the samples of each column, or over everything."""
        return self._reduced(axis, keepdims, averages=True)

    def _reduced(self, axis: Any, keepdims: bool, averages: bool) -> BatchNode:
        if not self.shape:
            return self
        tape, axes, sample, columns = self.tape, self._axes(axis), self.sample, self.shape[-1]
        assert isinstance(tape, BatchTape)
        if columns is not None and self.ndim - 1 in axes:
            sample = tape.sum(sample)
            if averages and columns > 1:
                sample = tape.make("div", sample, tape.constant(columns))
        shape = tuple(1 if i in axes else size for i, size in enumerate(self.shape) if keepdims or i not in axes)
        if self.shape[0] is not None or 0 not in axes:
            return self._as(sample, shape)
        mean = BatchNode(tape, tape.number(sample), shape, is_mean=True)
        return mean if averages else mean.settled() * BatchNode(tape, tape.means.size(), ())

    def extreme(self, op: str, axis: Any = None, out: Any = None, keepdims: bool = False) -> Node:
        """The largest or smallest column of each sample."""
        width = self.shape[-1] if self.shape else None
        if out is not None or width is None or self._axes(axis) != {self.ndim - 1}:
            raise trace_error(f"A loss cannot take np.{op[:3]} over the samples.", "axis=-1 goes over a sample's outputs.")
        if width > MAX_UNROLLED:
            raise trace_error(f"A loss cannot take np.{op[:3]} of {width} columns.", f"Of up to {MAX_UNROLLED} it can.")
        of = self.settled()
        columns = [self.tape.element(of.sample, i) for i in range(width)] if width > 1 else [of.sample]
        found = reduce(lambda x, y: self.tape.make(op, x, y), columns)
        return of._as(found, (*self.shape[:-1], *[1] * keepdims))

    def _axes(self, axis: Any) -> set[int]:
        """The axes to go over: 0 is that of the samples, where there are any."""
        if self.shape == UNITS:
            raise trace_error("An activation cannot sum over the units of its layer.", OF_ONE_UNIT)
        given = range(self.ndim) if axis is None else (axis,) if hasattr(axis, "__index__") else tuple(axis)
        axes = {a % self.ndim for a in given if -self.ndim <= a < self.ndim}
        if len(axes) == len(given) > 0:
            return axes
        raise trace_error(
            f"A loss cannot sum or average an array of shape {shown(self.shape)} over axis {axis!r}.",
            "axis=-1 goes over a sample's outputs, axis=0 over the samples; without axis, sums and means go over everything.",
        )


__all__ = ["BatchNode", "BatchTape", "TraceError"]
