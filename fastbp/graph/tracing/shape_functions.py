"""NumPy's functions that move values to other places: reshape, transpose, concatenate, stack, flip, ..."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .broadcasting import broadcast_shape, concatenate_arrays, stack_arrays
from .errors import trace_error
from .functions import as_node, tape_of
from .node import NodeTape
from .node_array import NodeArray, as_array, cells_of


def array_of(*values: Any) -> NodeArray:
    """The first value as an array, on the tape of any of them."""
    return as_array(as_node(_tape(values), values[0]))


def _tape(values: Any) -> NodeTape:
    tape = tape_of(values)
    assert tape is not None
    return tape


def _probe(a: NodeArray) -> np.ndarray:
    """An array of the same shape that takes no memory, to ask NumPy for the shape of a result."""
    return np.broadcast_to(np.int8(0), a.shape)


def _asked(function: Callable[..., Any], a: NodeArray, *args: Any) -> tuple[int, ...]:
    try:
        shape: tuple[int, ...] = function(_probe(a), *args).shape
    except (ValueError, IndexError) as error:
        raise trace_error(f"np.{function.__name__} of an array of shape {a.shape}: {error}", "See NumPy's rules.") from None
    if 0 in shape:
        raise trace_error("A formula cannot compute with an empty array.", "Keep at least one number.")
    return shape


def _in_new_shape(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that keeps the order of the values."""

    def apply(a: Any, *args: Any, order: str = "C") -> Any:
        if order not in ("C", "A", "K"):
            raise trace_error(f"A formula cannot reshape in order {order!r}.", "Only 'C' is known: transpose before.")
        array = array_of(a)
        return array.reshaped(_asked(function, array, *args))

    return apply


def _reshape(a: Any, /, shape: Any, order: str = "C") -> Any:
    return _in_new_shape(np.reshape)(a, shape, order=order)


def _expand_dims(a: Any, axis: Any) -> Any:
    return _in_new_shape(np.expand_dims)(a, axis)


def _squeeze(a: Any, axis: Any = None) -> Any:
    return as_node(_tape([a]), a).squeeze(axis)


def _ravel(a: Any) -> Any:
    return as_node(_tape([a]), a).ravel()


def _permuting(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that moves axes: which ones shows an array whose sizes are all different."""

    def apply(a: Any, *args: Any, **named: Any) -> Any:
        array = array_of(a)
        probe = np.broadcast_to(np.int8(0), tuple(range(1, array.ndim + 1)))
        try:
            order = tuple(n - 1 for n in function(probe, *args, **named).shape)
        except ValueError as error:
            raise trace_error(f"np.{function.__name__} of shape {array.shape}: {error}", "See NumPy's rules.") from None
        return array.transposed(order)

    return apply


move_axis = _permuting(np.moveaxis)


def single_axis(a: NodeArray, axis: Any) -> int:
    """One axis, counted from 0."""
    return counted(axis, a.ndim)


def counted(axis: Any, ndim: int) -> int:
    """One of so many axes, counted from 0."""
    if not hasattr(axis, "__index__") or not -ndim <= axis < ndim:
        raise trace_error(f"Arrays of {ndim} dimensions have no axis {axis!r}.", "Axes count from 0, or from -1 back.")
    return int(axis.__index__() % ndim)


def concatenate(arrays: Any, axis: Any = 0) -> Any:
    """Arrays one after the other."""
    tape = _tape([list(arrays)])
    nodes = [as_node(tape, a) for a in arrays]
    if axis is None:
        nodes, axis = [as_array(a).flat() for a in nodes], 0
    dimensions = {a.ndim for a in nodes}
    if len(dimensions) > 1 or not min(dimensions):
        raise trace_error(
            f"np.concatenate has arrays of {sorted(dimensions)} dimensions.", "All must have as many, at least 1."
        )
    return concatenate_arrays(tape, nodes, counted(axis, nodes[0].ndim))


def stack(arrays: Any, axis: Any = 0) -> Any:
    """Arrays along a new axis."""
    tape = _tape([list(arrays)])
    nodes = [as_node(tape, a) for a in arrays]
    return stack_arrays(tape, nodes, counted(axis, nodes[0].ndim + 1))


def _at_least(a: Any, ndim: int, tape: NodeTape) -> Any:
    """With axes of size 1 as ``np.atleast_2d`` and ``np.atleast_3d`` add them."""
    array = as_array(as_node(tape, a))
    return array.reshaped({1: np.atleast_1d, 2: np.atleast_2d, 3: np.atleast_3d}[ndim](_probe(array)).shape)


def _joining(ndim: int, axis: int) -> Callable[..., Any]:
    def apply(tup: Any) -> Any:
        tape = _tape([list(tup)])
        nodes = [_at_least(a, ndim, tape) for a in tup]
        return concatenate(nodes, 0 if axis == 1 and nodes[0].ndim == 1 else axis)

    return apply


def _column_stack(tup: Any) -> Any:
    tape = _tape([list(tup)])
    nodes = [as_array(as_node(tape, a)) for a in tup]
    return concatenate([a.reshaped((a.size, 1)) if a.ndim < 2 else a for a in nodes], 1)


def _atleast(ndim: int) -> Callable[..., Any]:
    def apply(*arrays: Any) -> Any:
        found = tuple(_at_least(a, ndim, _tape(arrays)) for a in arrays)
        return found[0] if len(found) == 1 else found

    return apply


def _append(arr: Any, values: Any, axis: Any = None) -> Any:
    return concatenate([arr, values], axis)


def _broadcast_to(array: Any, shape: Any) -> Any:
    a = array_of(array)
    whole = _asked(np.broadcast_to, a, shape)
    a = a.expanded(len(whole))
    cells = np.broadcast_to(a.cells, tuple(1 if i in a.axes else n for i, n in enumerate(whole)))
    return NodeArray(a.tape, cells_of(cells.flat, cells.shape), a.axes, a.sizes).simplified()


def _broadcast_arrays(*arrays: Any) -> Any:
    tape = _tape(arrays)
    nodes = [as_node(tape, a) for a in arrays]
    shape = broadcast_shape("np.broadcast_arrays", [a.shape for a in nodes])
    return tuple(_broadcast_to(a, shape) for a in nodes)


def _meshgrid(*xi: Any, indexing: str = "xy", sparse: bool = False) -> Any:
    if indexing not in ("xy", "ij"):
        raise trace_error(f"np.meshgrid knows no indexing {indexing!r}.", "Use 'xy' or 'ij'.")
    tape = _tape(xi)
    flat = [as_array(as_node(tape, x)).flat() for x in xi]
    order = [1, 0, *range(2, len(flat))] if indexing == "xy" and len(flat) > 1 else list(range(len(flat)))
    nodes = [
        as_array(x).reshaped(tuple(x.size if i == k else 1 for i in range(len(flat)))) for x, k in zip(flat, order, strict=True)
    ]
    return tuple(nodes) if sparse else _broadcast_arrays(*nodes)


def diff(a: Any, n: int = 1, axis: Any = -1) -> Any:
    """Each value less the one before."""
    found = as_node(_tape([a]), a)
    place = counted(axis, found.ndim)
    before = (Ellipsis,) if place == found.ndim - 1 else (slice(None),) * place
    for _ in range(n):
        if found.shape[place] is None or found.shape[place] < 2:
            raise trace_error(f"np.diff along axis {place} of shape {found.shape} is empty.", "Keep at least two values.")
        ahead, behind = found[(*before, slice(1, None))], found[(*before, slice(None, -1))]
        found = ahead != behind if found.is_logical else ahead - behind
    return found


def _size(a: Any, axis: Any = None) -> int:
    node = as_node(_tape([a]), a)
    if axis is None:
        return int(node.size)
    return math.prod(node.shape[i] for i in as_array(node)._axes(axis)) if node.ndim or axis in (0, -1, ()) else 1


def _copy(a: Any) -> Any:
    return as_node(_tape([a]), a)


def _linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True) -> Any:
    tape = _tape([start, stop])
    first, last = as_node(tape, start), as_node(tape, stop)
    if first.shape or last.shape or num < 2:
        raise trace_error("A formula knows np.linspace of at least 2 values between single numbers.", "Write it out.")
    step = (last - first) / float(num - 1 if endpoint else num)
    values = first + step * as_node(tape, np.arange(float(num - 1 if endpoint else num)))
    return concatenate([values, as_array(last).reshaped((1,))]) if endpoint else values


SHAPE_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "reshape": _reshape,
    "ravel": _ravel,
    "squeeze": _squeeze,
    "expand_dims": _expand_dims,
    **{name: _permuting(getattr(np, name)) for name in ("transpose", "swapaxes", "moveaxis", "rollaxis", "matrix_transpose")},
    "concatenate": concatenate,
    "stack": stack,
    "hstack": _joining(1, 1),
    "vstack": _joining(2, 0),
    "dstack": _joining(3, 2),
    "column_stack": _column_stack,
    "append": _append,
    "atleast_1d": _atleast(1),
    "atleast_2d": _atleast(2),
    "atleast_3d": _atleast(3),
    "broadcast_to": _broadcast_to,
    "broadcast_arrays": _broadcast_arrays,
    "meshgrid": _meshgrid,
    "diff": diff,
    "linspace": _linspace,
    "size": _size,
    "copy": _copy,
}
