"""Operators on arrays of nodes: arrays of several shapes, and vectors along several axes, brought together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .arithmetic import MAX_CELLS
from .errors import trace_error
from .node import NodeTape, Shape
from .node_array import NodeArray, as_array, cells_of

_AXES = f"Along one axis the values are vectors; the others are unrolled, into up to {MAX_CELLS} cells."


def elementwise(tape: NodeTape, op: str, values: Sequence[Any]) -> Any:
    """An operator on each element."""
    arrays = [as_array(value) for value in values]
    shape = broadcast_shape(op, [a.shape for a in arrays])
    arrays = [a.expanded(len(shape)) for a in arrays]
    axes = common_axes(arrays, shape)
    arrays = [a.unrolled(axes) for a in arrays]
    cells = [cells.ravel().tolist() for cells in np.broadcast_arrays(*(a.cells for a in arrays))]
    whole = tuple(1 if i in axes else n for i, n in enumerate(shape))
    found = cells_of([tape.make(op, *nodes) for nodes in zip(*cells, strict=True)], whole)
    return NodeArray(tape, found, axes, tuple(shape[axis] for axis in axes)).simplified()


def broadcast_shape(op: str, shapes: list[Shape]) -> Shape:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        shown = " and ".join(map(str, shapes))
        raise trace_error(f"Operands of {op} have shapes {shown}.", "They must fit each other as in NumPy.") from None


def common_axes(arrays: Sequence[NodeArray], shape: Shape, without: int | None = None) -> Shape:
    """Along which axes all vectors shall run so that there are as few cells as possible."""
    candidates: dict[Shape, int] = {}
    for axes in [(), *(a.axes for a in arrays), *((axis,) for a in arrays for axis in a.axes)]:
        if without not in axes and all(_can_run_along(a, axes) for a in arrays):
            candidates[axes] = math.prod(n for i, n in enumerate(shape) if i not in axes)
    best = min(candidates, key=lambda axes: candidates[axes])
    if candidates[best] > MAX_CELLS:
        raise trace_error(f"A formula cannot hold a table of shape {shape}, made of vectors along several axes.", _AXES)
    return best


def _can_run_along(array: NodeArray, axes: Shape) -> bool:
    """Whether the array can have vectors along these axes, or is the same along them."""
    kept = tuple(axis for axis in array.axes if axis in axes)
    if not kept:
        return all(array.shape[axis] == 1 for axis in axes)
    first, last = array.axes.index(kept[0]), array.axes.index(kept[-1])
    return kept == axes and last - first + 1 == len(kept)


def concatenate_arrays(tape: NodeTape, values: Sequence[Any], axis: int) -> Any:
    """Arrays one after the other along an axis; their other axes have the same sizes."""
    arrays = [as_array(value) for value in values]
    shapes = [tuple(1 if i == axis else n for i, n in enumerate(a.shape)) for a in arrays]
    if len(set(shapes)) > 1:
        shown = " and ".join(str(a.shape) for a in arrays)
        raise trace_error(f"A formula cannot join arrays of shapes {shown} along axis {axis}.", "The other axes must be equal.")
    total = sum(a.shape[axis] for a in arrays)
    shape = tuple(total if i == axis else n for i, n in enumerate(shapes[0]))
    lengths = [a.shape[axis] if a.axes else 0 for a in arrays]
    if max(lengths, default=0) * arrays[0].ndim and _is_longest(axis, arrays):
        return _joined(tape, [a.unrolled((axis,)) for a in arrays], axis, shape)
    axes = common_axes(arrays, shape, without=axis)
    parts = [a.unrolled(axes) for a in arrays]
    return NodeArray(tape, np.concatenate([a.cells for a in parts], axis), axes, tuple(shape[i] for i in axes)).simplified()


def _is_longest(axis: int, arrays: Sequence[NodeArray]) -> bool:
    """Whether vectors run along this axis, and along no longer one."""
    along = [a for a in arrays if axis in a.axes]
    return bool(along) and all(a.shape[axis] >= max(a.sizes) for a in along)


def _joined(tape: NodeTape, arrays: Sequence[NodeArray], axis: int, shape: Shape) -> Any:
    """Along the axis of the vectors."""
    others = tuple(1 if i == axis else n for i, n in enumerate(shape))
    found = []
    for place in np.ndindex(others):
        start = 0
        pieces: list[tuple[range, Any]] = []
        for a in arrays:
            cells = [a.cells[place]] if a.axes else list(a.cells[(*place[:axis], slice(None), *place[axis + 1 :])])
            width = a.shape[axis] if a.axes else 1
            pieces += [(range(start + i * width, start + (i + 1) * width), node) for i, node in enumerate(cells)]
            start += a.shape[axis]
        found.append(tape.join(shape[axis], pieces))
    return NodeArray(tape, cells_of(found, others), (axis,), (shape[axis],)).simplified()


def stack_arrays(tape: NodeTape, values: Sequence[Any], axis: int) -> Any:
    """Arrays of equal shape along a new axis."""
    shapes = {value.shape for value in values}
    if len(shapes) > 1:
        shown = " and ".join(map(str, sorted(shapes)))
        raise trace_error(f"A formula cannot stack arrays of shapes {shown}.", "All must have the same shape.")
    (shape,) = shapes
    place = axis % (len(shape) + 1)
    wide = (*shape[:place], 1, *shape[place:])
    arrays = [as_array(as_array(value).reshaped(wide)) for value in values]
    axes = common_axes(arrays, wide, without=place)
    parts = [a.unrolled(axes) for a in arrays]
    return NodeArray(tape, np.concatenate([a.cells for a in parts], place), axes, tuple(wide[i] for i in axes)).simplified()
