"""The arrays of a batch in a formula, traced as the formula of a single sample.

A loss gets ``y_true`` and ``y_pred`` of shape (samples, outputs), as in Keras. It treats every sample alike, so the graph of
one sample is enough: there an array (samples, w) is a vector of w, and one of (samples,) or (samples, 1) a single number.
``BatchNode`` keeps the whole array's shape beside the node of one sample, and refuses what mixes samples. Only the mean over
all of them is allowed, as the last step, since that is what happens to a loss anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any

import numpy as np

from .errors import TraceError, trace_error
from .node import Node
from .node_array import MAX_UNROLLED
from .tape import Tape

# Up to so many columns each is a separate node: then vectors run over samples, which fill them.
MAX_UNROLLED_COLUMNS = 8

# None stands for the samples; () is a single number, (w,) the same values for every sample. For an activation, which
# does not depend on the width of its layer, the columns are None too.
BatchShape = tuple[int | None, ...]
_ANY: BatchShape = (None, None)
_COLUMN: BatchShape = (None, 1)

_LINEAR = "Return one value for each sample; their mean is the loss. Of means only sums and multiples can be formed."
_UNIT = "An activation works on each unit alone: use operators and functions of z, not its columns, sums or means."


class BatchTape(Tape):
    """A tape of one sample's nodes, which also computes with the nodes of a batch."""

    adds_pieces = True

    def __init__(self) -> None:
        super().__init__()
        self._arrays_by_bytes: dict[bytes, np.ndarray] = {}

    def columns(self, name: str, width: int) -> BatchNode:
        """An argument of shape (samples, width)."""
        leaf = self.input(name, (width,))
        if width > MAX_UNROLLED_COLUMNS:
            return BatchNode(self, leaf, (None, width))
        elements = [self.element(leaf, i) for i in range(width)]
        return BatchNode(self, elements[0] if width == 1 else self.stack(elements), (None, width))

    def units(self, name: str) -> BatchNode:
        """An argument of any width, whose values are independent of each other."""
        return BatchNode(self, self.input(name), _ANY)

    def lift(self, value: Any) -> Any:
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
            raise trace_error("A loss cannot compute further with a mean over the samples of a batch.", _LINEAR)
        shape: BatchShape = ()
        for node in batch:
            shape = _broadcast(op, shape, node.shape)
        _refuse_values_for_samples(op, [node.shape for node in batch])
        sample = super().make(op, *(a.sample if isinstance(a, BatchNode) else a for a in arguments))
        return BatchNode(self, sample, shape, is_mean)

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


def _broadcast(op: str, x: BatchShape, y: BatchShape) -> BatchShape:
    """The shape of an operator's result by NumPy's rules, where the number of samples equals no other size."""
    if x == y or not x or not y:
        return x or y
    if _ANY in (x, y):
        raise trace_error(f"Operands of {op} are the units and an array of shape {min(x, y, key=len)}.", _UNIT)
    if len(x) < len(y):
        x, y = y, x
    if len(x) == 2 and y != (None,):
        wide, width = x[1], y[-1]
        if wide == width or width == 1:
            return x
        if wide == 1:
            return None, width
    names = " and ".join(map(_shown, (x, y)))
    raise trace_error(
        f"Operands of {op} have shapes {names}.",
        "Single columns are y_true[:, 0] and y_pred[:, 0], of shape (samples,); with y_pred[:, 0:1] they stay (samples, 1).",
    )


def _refuse_values_for_samples(op: str, shapes: list[BatchShape]) -> None:
    """A single column and an array of several values would broadcast to a table of all pairs: most likely each value was
    meant for one sample."""
    plain = [shape for shape in shapes if len(shape) == 1 and shape[0] not in (None, 1)]
    if plain and (None, 1) in shapes:
        raise trace_error(
            f"Operands of {op} are a column of shape (samples, 1) and an array of {plain[0][0]} values around the formula.",
            "What differs from sample to sample belongs into y_true. One value for each output: a[None, :].",
        )


def _shown(shape: BatchShape) -> str:
    inside = ", ".join("samples" if size is None else str(size) for size in shape)
    return f"({inside},)" if len(shape) == 1 else f"({inside})"


class BatchNode(Node):
    """An array of a batch: the node of one sample, and the shape of the whole."""

    __slots__ = ("is_mean", "sample")

    def __init__(self, tape: BatchTape, sample: Node, shape: BatchShape, is_mean: bool = False) -> None:
        super().__init__(tape, sample.index, sample.op, (), sample.attr, shape)  # type: ignore[arg-type]
        self.sample, self.is_mean = sample, is_mean

    def __repr__(self) -> str:
        return f"<array of shape {_shown(self.shape)}>"

    @property
    def is_logical(self) -> bool:
        return self.sample.is_logical

    @property
    def size(self) -> int:
        raise trace_error("A loss cannot ask for the size of a batch.", "shape[-1] is the number of outputs.")

    @property
    def T(self) -> Node:
        raise trace_error("A loss cannot transpose a batch.", "Single columns are y_pred[:, 0], y_pred[:, 1], ...")

    def __len__(self) -> int:
        raise trace_error("A loss cannot ask for the number of samples.", "fastbp.mean(x) is the mean over all of them.")

    def __iter__(self) -> Iterator[Node]:
        raise trace_error("A loss cannot go through the samples of a batch.", self._hint)

    @property
    def _hint(self) -> str:
        if self.shape == _ANY:
            return _UNIT
        return "Take columns, each a value for every sample: y_pred[:, 0], y_pred[:, 1:3], y_pred[..., -1]."

    def __getitem__(self, key: Any) -> Node:
        if key is Ellipsis or key == slice(None):
            return self
        if isinstance(key, tuple) and len(key) == 2 and (key[0] is Ellipsis or key[0] == slice(None)):
            if key[1] is None and self.ndim == 1:
                return self._as(self.sample, (None, 1))
            if self.ndim == 2 and self.shape != _ANY:
                return self._columns(key[1])
        raise trace_error(f"A formula cannot index an array of shape {_shown(self.shape)} with {key!r}.", self._hint)

    def _columns(self, key: Any) -> Node:
        """One column, or neighbouring ones."""
        width = self.shape[1]
        if key is Ellipsis:
            return self
        if isinstance(key, slice):
            start, stop, step = key.indices(width)
            if step == 1 and stop > start:
                sample = self.sample
                if width > 1:
                    sample = self.tape.slice(sample, start, stop) if stop - start > 1 else self.tape.element(sample, start)
                return self._as(sample, (None, stop - start))
        elif hasattr(key, "__index__") and not isinstance(key, Node | bool):
            place = key.__index__()
            if not -width <= place < width:
                raise trace_error(
                    f"A formula asks for column {place} of an array of shape {_shown(self.shape)}.",
                    "The last layer's units are the columns of y_pred, those of the targets given to fit are y_true's.",
                )
            return self._as(self.sample if width == 1 else self.tape.element(self.sample, place % width), (None,))
        raise trace_error(f"A formula cannot take columns {key!r} of an array of shape {_shown(self.shape)}.", self._hint)

    def _as(self, sample: Node, shape: BatchShape, is_mean: bool = False) -> BatchNode:
        assert isinstance(self.tape, BatchTape)
        return BatchNode(self.tape, sample, shape, is_mean)

    def squeeze(self, axis: Any = None) -> Node:
        """(samples, 1) as (samples,)."""
        return self._as(self.sample, (None,)) if self.shape == _COLUMN else self

    def ravel(self) -> Node:
        """(samples, 1) as (samples,); more columns would mix with the samples."""
        if self.ndim == 2 and self.shape[1] != 1:
            raise trace_error(f"A formula cannot flatten an array of shape {_shown(self.shape)}.", self._hint)
        return self.squeeze()

    # -- sums and means

    def _total(self, axis: Any, keepdims: bool) -> Node:
        """The sum over the columns of each sample."""
        if not self.shape:
            return self
        if not self._is_over_columns(axis):
            raise trace_error(
                "The sum over the samples would make the loss depend on the size of the batch.",
                "Write sum(x, axis=-1) for the sum over a sample's outputs; mean(x) is the mean over all.",
            )
        return self._as(self.tape.sum(self.sample), (None, 1) if keepdims else (None,))

    def _average(self, axis: Any, keepdims: bool) -> Node:
        """The mean over the columns of each sample, or over everything."""
        if not self.shape:
            return self
        over_columns, sample = self._is_over_columns(axis), self.sample
        if self.ndim == 2 and self.shape[1] > 1:
            sample = self.tape.make("div", self.tape.sum(sample), self.tape.constant(self.shape[1]))
        if over_columns:
            return self._as(sample, (None, 1) if keepdims else (None,))
        return self._as(sample, (), is_mean=True)

    def extreme(self, op: str, axis: Any = None, out: Any = None, keepdims: bool = False) -> Node:
        """The largest or smallest column of each sample."""
        if out is not None or not (self.shape and self._is_over_columns(axis)):
            raise trace_error(f"A loss cannot take np.{op[:3]} over the samples.", "axis=-1 goes over a sample's outputs.")
        width = self.shape[1] or 1
        if width > MAX_UNROLLED:
            raise trace_error(f"A loss cannot take np.{op[:3]} of {width} columns.", f"Of up to {MAX_UNROLLED} it can.")
        columns = [self.tape.element(self.sample, i) for i in range(width)] if width > 1 else [self.sample]
        found = reduce(lambda x, y: self.tape.make(op, x, y), columns)
        return self._as(found, (None, 1) if keepdims else (None,))

    def dot(self, other: Any) -> Node:
        raise trace_error("A loss has no matrix products.", "Write sum(x * y, axis=-1) for the product of each sample's rows.")

    def __matmul__(self, other: Any) -> Any:
        return self.dot(other)

    __rmatmul__ = __matmul__

    def _is_over_columns(self, axis: Any) -> bool:
        if self.shape == _ANY:
            raise trace_error("An activation cannot sum over the units of its layer.", _UNIT)
        axes = {a % self.ndim if -self.ndim <= a < self.ndim else a for a in ((axis,) if isinstance(axis, int) else axis or ())}
        if self.ndim == 2 and axes == {1}:
            return True
        if axis is None or axes == set(range(self.ndim)):
            return False
        raise trace_error(
            f"A loss cannot sum or average an array of shape {_shown(self.shape)} over axis {axis!r}.",
            "axis=-1 goes over a sample's outputs; without axis, mean goes over everything.",
        )


__all__ = ["BatchNode", "BatchTape", "TraceError"]
