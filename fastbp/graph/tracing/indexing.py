"""``x[key]`` of arrays of nodes, with NumPy's keys."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .arithmetic import MAX_CELLS, Arithmetic
from .errors import trace_error
from .node_array import NodeArray, cells_of

_HINT = (
    "Use whole numbers, slices, None and arrays of whole numbers. Instead of a mask: fastbp.where(condition, a, b), and "
    "fastbp.sum(fastbp.where(condition, x, 0.0)). Data can be selected or reordered before it is passed in."
)


def index(array: NodeArray, key: Any) -> Any:
    """What NumPy gives for such a key. Vectors are kept where it takes neighbouring or evenly spaced rows of them."""
    keys = list(key) if isinstance(key, tuple) else [key]
    if any(isinstance(k, Arithmetic) for k in keys) or not all(map(_is_known, keys)):
        raise _refusal(array, key)
    if len(keys) == 1 and keys[0] is Ellipsis:
        return array.simplified()
    try:
        shape = np.broadcast_to(np.int8(0), array.shape)[key].shape  # NumPy's errors, and the shape of the result
    except IndexError as error:
        if "too many" in str(error):
            raise _refusal(array, key) from None
        raise IndexError(f"index {key!r} of an array of shape {array.shape}: {error}") from None
    if 0 in shape:
        raise _refusal(array, key)
    if array.axes and any(isinstance(k, list | np.ndarray) for k in keys) and array.size <= MAX_CELLS:
        array = array.unrolled()
    if not array.axes:
        found = array.cells[key]
        return NodeArray(array.tape, found).simplified() if isinstance(found, np.ndarray) else found
    if any(isinstance(k, list | np.ndarray) for k in keys):
        return _chosen(array, _full(keys, array.ndim), key)
    return _basic(array, _full(keys, array.ndim), key)


def _is_known(key: Any) -> bool:
    if key is None or key is Ellipsis or isinstance(key, slice):
        return True
    if isinstance(key, list | np.ndarray) and np.ndim(key):
        return np.asarray(key).dtype.kind in "biu"
    return hasattr(key, "__index__") and not isinstance(key, bool | np.bool_)


def _refusal(array: NodeArray, key: Any) -> Exception:
    what = "a single number" if not array.ndim else "a vector" if array.ndim == 1 else f"an array of shape {array.shape}"
    return trace_error(f"A formula cannot index {what} with {key!r}.", _HINT)


def _full(keys: list[Any], ndim: int) -> list[Any]:
    """A key for each axis, and None for each new one."""
    missing = ndim - sum(k is not None and k is not Ellipsis for k in keys)
    where = next((i for i, k in enumerate(keys) if k is Ellipsis), len(keys))
    return [*keys[:where], *[slice(None)] * missing, *(k for k in keys[where:] if k is not Ellipsis)]


def _basic(array: NodeArray, keys: list[Any], key: Any) -> Any:
    """Whole numbers, slices and new axes: first those of the vectors' axes, then the others as NumPy does."""
    axis = 0
    on_cells: list[Any] = []
    for k in keys:
        if k is None:
            on_cells.append(None)
            continue
        if axis in array.axes and k != slice(None):
            array, k = _along_vector(array, axis, k)
        on_cells.append(k)
        axis += 1
    cells = array.cells[tuple(on_cells)]
    # Where each axis has gone: whole numbers remove it, None adds one before it.
    places, old, new = {}, 0, 0
    for k in on_cells:
        if k is None:
            new += 1
        elif isinstance(k, slice):
            places[old], old, new = new, old + 1, new + 1
        else:
            old += 1
    if not isinstance(cells, np.ndarray):
        return cells
    return NodeArray(array.tape, cells, tuple(places[axis] for axis in array.axes), array.sizes).simplified()


def _along_vector(array: NodeArray, axis: int, key: Any) -> tuple[NodeArray, Any]:
    """The array with some rows of its vectors, and what is left of the key for its cells."""
    size, which = array.shape[axis], array.axes.index(axis)
    if isinstance(key, slice):
        places = range(size)[key]
        single = False
    else:
        places, single = range(size)[key.__index__() % size :][:1], True
    rest = math.prod(array.sizes) // size
    first, last = which == 0, which == len(array.axes) - 1
    if len(places) == 1 and (first or last):
        parts = [array._part(node, which if first else -1, places[0], rest * size) for node in array.cells.flat]
        kept = [k for k in range(len(array.axes)) if k != which]
        axes, sizes = tuple(array.axes[k] for k in kept), tuple(array.sizes[k] for k in kept)
        return NodeArray(array.tape, cells_of(parts, array.cells.shape), axes, sizes), 0 if single else slice(None)
    if places.step > 0 and (len(array.axes) == 1 or (first and places.step == 1)):
        taken = range(places[0] * rest, (places[-1] + 1) * rest, places.step)
        take = array.tape.slice if array.ndim == 1 else lambda n, *place: array.tape.rows(n, range(*place))
        parts = [take(n, taken.start, taken.stop, taken.step) for n in array.cells.flat]
        sizes = tuple(len(places) if k == which else n for k, n in enumerate(array.sizes))
        return NodeArray(array.tape, cells_of(parts, array.cells.shape), array.axes, sizes), slice(None)
    others = tuple(a for a in array.axes if a != axis)
    return array.unrolled(others), key


def _chosen(array: NodeArray, keys: list[Any], key: Any) -> Any:
    """Lists of whole numbers, or masks, for one axis that is unrolled; whole axes otherwise."""
    lists = [i for i, k in enumerate(keys) if isinstance(k, list | np.ndarray)]
    if len(lists) != 1 or np.ndim(keys[lists[0]]) != 1 or any(k != slice(None) for i, k in enumerate(keys) if i not in lists):
        raise _refusal(array, key)
    (axis,) = lists
    if axis in array.axes[:1] or axis in array.axes[-1:]:
        places = np.arange(array.shape[axis])[keys[axis]].tolist()
        return array.unrolled_at(0 if axis == array.axes[0] else -1, places).simplified()
    array = array.unrolled(tuple(a for a in array.axes if a != axis))
    return NodeArray(array.tape, array.cells[tuple(keys)], array.axes, array.sizes).simplified()
