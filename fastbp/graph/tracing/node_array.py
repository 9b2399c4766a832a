"""Arrays of several dimensions in a formula.

An array of nodes is a NumPy array whose cells are nodes, each a number or a vector. Vectors run along one or more axes of the
array, in which it has one cell only: for data of shape (n, k) with its columns as vectors, ``cells`` has shape (1, k) and
``axes`` is (0,). The axes of vectors stay loops in compiled code, all others are unrolled. An argument is a single vector that
runs along all of its axes; it is taken apart where a formula needs that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from typing import Any

import numpy as np

from .arithmetic import MAX_CELLS
from .errors import trace_error
from .node import Node, NodeTape, Shape
from .reductions import Reductions, no_options

MAX_UNROLLED = 64  # vectors up to this length may be split into their elements
_OVER_ROWS = ("add", "maximum", "minimum")  # operators that go over a vector's rows in one pass
_OF_CONDITIONS = ("maximum", "minimum", "fmax", "fmin")  # of conditions they give conditions, as NumPy's do
_TOO_LARGE = (
    f"Arrays are computed as vectors along an axis, and unrolled along the others: into up to {MAX_CELLS} vectors or numbers. "
    "fastbp.sum(fastbp.where(condition, x, 0.0)) needs no elements."
)


def cells_of(nodes: Iterable[Any], shape: Shape) -> np.ndarray:
    """Nodes as a NumPy array, whose elements they are."""
    items = list(nodes)
    cells = np.empty(len(items), object)
    for i, node in enumerate(items):
        cells[i] = node
    return cells.reshape(shape)


class NodeArray(Reductions):
    """An array of nodes.

    Parameters
    ----------
    tape : NodeTape
    cells : array of Node
        With a single cell along each of ``axes``.
    axes : tuple of int
        The axes that the cells' rows run along, in the order in which they do.
    sizes : tuple of int
        How long they are.
    """

    __slots__ = ("axes", "cells", "shape", "sizes", "tape")
    tape: NodeTape
    shape: Shape

    def __init__(self, tape: NodeTape, cells: np.ndarray, axes: Shape = (), sizes: Shape = ()) -> None:
        if cells.size == 0 or cells.size > MAX_CELLS:
            raise trace_error(f"A formula cannot compute with an array of {cells.size or 'no'} cells.", _TOO_LARGE)
        long = [(axis, size) for axis, size in zip(axes, sizes, strict=True) if size > 1]
        if axes and not long:  # vectors of one value
            cells = cells_of([tape.element(node, 0) for node in cells.flat], cells.shape)
        self.tape, self.cells = tape, cells
        self.axes, self.sizes = tuple(axis for axis, _ in long), tuple(size for _, size in long)
        shape = list(cells.shape)
        for axis, size in long:
            shape[axis] = size
        self.shape = tuple(shape)

    # -- what it is

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def is_logical(self) -> bool:
        return all(node.is_logical for node in self.cells.flat)

    @property
    def T(self) -> Any:
        return self.transposed(tuple(reversed(range(self.ndim))))

    def __repr__(self) -> str:
        return f"<Node array of shape {self.shape}>"

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> Any:
        return self.tape.index(self, key)

    def simplified(self) -> Any:
        """A number or vector as a node."""
        if self.ndim > 1:
            return self
        if self.axes or not self.ndim:
            return self.cells.flat[0]
        return self.tape.stack(list(self.cells))

    # -- the same values in other cells

    def unrolled(self, keep: Shape = ()) -> NodeArray:
        """With vectors along the axes of ``keep`` only; of several that have others between them, along fewer."""
        array = self
        while any(axis not in keep for axis in array.axes):
            ends = {array.axes[0]: 0, array.axes[-1]: -1}
            others = [axis for axis in ends if axis not in keep]
            axis = others[0] if others else min(ends, key=lambda axis: array.shape[axis])
            array = array.unrolled_at(ends[axis])
        return array

    def unrolled_at(self, which: int, places: Sequence[int] | None = None) -> NodeArray:
        """Taken apart along the first (0) or the last (-1) axis of its vectors, with all values or those at some places."""
        axis, size, length = self.axes[which], self.sizes[which], math.prod(self.sizes)
        places = range(size) if places is None else places
        if self.cells.size * len(places) > MAX_CELLS:
            raise trace_error(f"A formula cannot take an array of shape {self.shape} apart along axis {axis}.", _TOO_LARGE)
        parts = [cells_of([self._part(node, which, i, length) for node in self.cells.flat], self.cells.shape) for i in places]
        kept = [k for k in range(len(self.axes)) if k != which % len(self.axes)]
        axes, sizes = tuple(self.axes[k] for k in kept), tuple(self.sizes[k] for k in kept)
        return NodeArray(self.tape, np.concatenate(parts, axis), axes, sizes)

    def _part(self, node: Node, which: int, i: int, length: int) -> Node:
        size = self.sizes[which]
        if len(self.axes) == 1:
            return self.tape.element(node, i)
        if which == 0:
            rest = length // size
            return self.tape.rows(node, range(i * rest, (i + 1) * rest))
        return self.tape.rows(node, range(i, length, size))

    def numbers(self) -> np.ndarray:
        """A NumPy array of the same shape, each element a node that is a number."""
        return self.unrolled().cells

    def flat(self) -> Node:
        """All values as one vector, in C order."""
        if not self.axes:
            return self.tape.stack(list(self.cells.flat))
        rows = range(self.axes[0], self.axes[-1] + 1)
        others = [axis for axis in rows if axis not in self.axes and self.shape[axis] > 1]
        if others or list(self.axes) != sorted(self.axes):
            longest = self.axes[int(np.argmax(self.sizes))]
            return self.unrolled((longest,)).flat()
        step, length = math.prod(self.shape[self.axes[-1] + 1 :]), math.prod(self.sizes)
        pieces = []
        for place, node in zip(np.ndindex(self.cells.shape), self.cells.flat, strict=True):
            start = int(np.ravel_multi_index(place, self.shape))
            pieces.append((range(start, start + step * (length - 1) + 1, step), node))
        return self.tape.join(self.size, pieces)

    # -- over axes

    def reduced(self, op: str, axes: tuple[int, ...], keepdims: bool = False) -> Any:
        """Values combined along some axes by an operator whose order does not matter."""
        array = self
        if any(axis in axes for axis in self.axes):
            within = tuple(axis for axis in self.axes if axis in axes)
            beside = tuple(axis for axis in self.axes if axis not in axes)
            if op in _OVER_ROWS and self._length(beside) <= self._length(within):
                array = self.unrolled(within)
                over = [_over_rows(self.tape, op, node) for node in array.cells.flat]
                array = NodeArray(self.tape, cells_of(over, array.cells.shape))
            else:
                array = self.unrolled(beside)
        cells = np.moveaxis(array.cells, axes, range(len(axes))) if axes else array.cells[None]
        rest = cells.shape[len(axes) or 1 :]
        table = cells.reshape(-1, math.prod(rest))
        numbers = (
            table.tolist() if op in _OF_CONDITIONS else [[self.tape.number(node) for node in row] for row in table.tolist()]
        )
        found = [reduce(lambda x, y: self.tape.make(op, x, y), column) for column in zip(*numbers, strict=True)]
        shape = tuple(1 if axis in axes else n for axis, n in enumerate(array.cells.shape))
        whole = NodeArray(self.tape, cells_of(found, shape), array.axes, array.sizes)
        if keepdims:
            return whole.simplified()
        return whole.reshaped(tuple(n for axis, n in enumerate(whole.shape) if axis not in axes))

    def _length(self, axes: Shape) -> int:
        return math.prod(self.shape[axis] for axis in axes)

    def _axes(self, axis: Any) -> tuple[int, ...]:
        """Axes as NumPy's functions take them, as whole numbers from 0 on."""
        if axis is None:
            return tuple(range(self.ndim))
        given = axis if isinstance(axis, tuple | list) else (axis,)
        if any(not hasattr(a, "__index__") or not -self.ndim <= a < self.ndim for a in given) or isinstance(axis, list):
            if self.ndim or any(a not in (0, -1) for a in given):
                raise trace_error(
                    f"An array of shape {self.shape} has no axis {axis!r}.", "Axes count from 0, or from -1 back."
                )
            return ()
        found = tuple(a.__index__() % self.ndim for a in given)
        if len(set(found)) < len(found):
            raise trace_error(f"Axis {axis!r} names an axis twice.", "Name each once.")
        return found

    def _total(self, axis: Any, keepdims: bool) -> Any:
        return self.reduced("add", self._axes(axis), keepdims)

    def count(self, axis: Any) -> Any:
        """How many values there are along axes; of vectors, how many rows they have when the graph runs."""
        axes = self._axes(axis)
        if not self.axes or any(a not in axes for a in self.axes):
            return self._length(axes)
        return self.tape.size(self.cells.flat[0]) * float(self._length(tuple(a for a in axes if a not in self.axes)))

    def _average(self, axis: Any, keepdims: bool) -> Any:
        return self._total(axis, keepdims) / self.count(axis)

    def extreme(self, op: str, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        """The largest ("maximum") or smallest ("minimum") values."""
        no_options(None, out)
        return self.reduced(op, self._axes(axis), keepdims)

    def squeeze(self, axis: Any = None) -> Any:
        """Without axes of size 1."""
        axes = tuple(i for i, n in enumerate(self.shape) if n == 1) if axis is None else self._axes(axis)
        if any(self.shape[a] != 1 for a in axes):
            raise trace_error(f"A formula cannot squeeze axis {axis!r} of shape {self.shape}.", "Leave it out.")
        return self.reshaped(tuple(n for i, n in enumerate(self.shape) if i not in axes))

    def ravel(self) -> Any:
        """As a vector."""
        return self.flat()

    # -- other shapes

    def expanded(self, ndim: int) -> NodeArray:
        """With axes of size 1 before the others."""
        extra = ndim - self.ndim
        axes = tuple(axis + extra for axis in self.axes)
        return NodeArray(self.tape, self.cells.reshape((1,) * extra + self.cells.shape), axes, self.sizes)

    def transposed(self, order: Shape) -> Any:
        axes = tuple(order.index(axis) for axis in self.axes)
        return NodeArray(self.tape, self.cells.transpose(order), axes, self.sizes).simplified()

    def reshaped(self, shape: Shape) -> Any:
        """The same values in C order."""
        if not self.axes:
            return NodeArray(self.tape, self.cells.reshape(shape)).simplified()
        if [n for n in shape if n > 1] == [n for n in self.shape if n > 1]:  # axes of size 1 come and go
            places = [i for i, n in enumerate(shape) if n > 1]
            mine = [i for i, n in enumerate(self.shape) if n > 1]
            axes = tuple(places[mine.index(axis)] for axis in self.axes)
            sizes = {axis: 1 for axis in axes}
            cells = self.cells.reshape([sizes.get(i, n) for i, n in enumerate(shape)])
            return NodeArray(self.tape, cells, axes, self.sizes).simplified()
        return shaped(self.flat(), shape)


def _over_rows(tape: NodeTape, op: str, node: Node) -> Node:
    if op == "add":
        return tape.sum(node)
    if node.is_logical:  # whether any is true, or all are
        found = _over_rows(tape, op, tape.number(node))
        return tape.make("ne", found, tape.constant(0.0))
    return tape.max(node) if op == "maximum" else tape.make("neg", tape.max(tape.make("neg", node)))


def as_array(value: Any) -> NodeArray:
    """A node as an array of nodes."""
    if isinstance(value, NodeArray):
        return value
    if type(value) is not Node:
        raise trace_error("A loss or an activation cannot compute with arrays of several dimensions.", "Use columns: y[:, 0].")
    if value.op == "stack":
        return NodeArray(value.tape, cells_of(value.args, value.shape))
    if value.shape:
        return NodeArray(value.tape, cells_of([value], (1,)), (0,), value.shape)
    return NodeArray(value.tape, cells_of([value], ()))


def shaped(node: Node, shape: Shape) -> Any:
    """A vector's values, in C order, in another shape."""
    if len(shape) == 1:
        return node
    if node.op == "stack":
        return NodeArray(node.tape, cells_of(node.args, shape)).simplified()
    if not shape:
        return node.tape.element(node, 0)
    return NodeArray(node.tape, cells_of([node], (1,) * len(shape)), tuple(range(len(shape))), shape)


def flat_node(value: Any) -> Node:
    """A node, or an array of nodes as a vector."""
    return value.flat() if isinstance(value, NodeArray) else value
