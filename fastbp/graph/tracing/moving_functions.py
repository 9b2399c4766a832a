"""NumPy's functions that pick values and put them elsewhere: flip, roll, split, tile, diag, pad, ..."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import trace_error
from .node_array import as_array
from .shape_functions import array_of, concatenate, counted


def _moving(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that NumPy computes on an array whose elements are nodes; zeros that it adds are numbers."""

    def apply(a: Any, *args: Any, **named: Any) -> Any:
        array = array_of(a)
        try:
            found = function(array.numbers(), *args, **named)
        except (ValueError, IndexError) as error:
            raise trace_error(f"np.{function.__name__} of shape {array.shape}: {error}", "See NumPy's rules.") from None
        return [array.tape.lift(part) for part in found] if isinstance(found, list | tuple) else array.tape.lift(found)

    return apply


def _flip(m: Any, axis: Any = None) -> Any:
    a = array_of(m)
    axes = a._axes(axis)
    return a[tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(a.ndim))]


def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    array = array_of(a)
    if axis is None:
        return as_array(_roll(array.flat(), shift, 0)).reshaped(array.shape)
    shifts, axes = np.broadcast_arrays(shift, axis)
    found = array.simplified()
    for by, place in zip(shifts.ravel().tolist(), map(lambda k: counted(k, array.ndim), axes.ravel().tolist()), strict=True):
        before, cut = (slice(None),) * place, -by % array.shape[place]
        if cut:
            found = concatenate([found[(*before, slice(cut, None))], found[(*before, slice(None, cut))]], place)
    return found


def _splitting(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that cuts an array: where, shows a vector of places."""

    def apply(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
        array = array_of(ary)
        if function is np.hsplit:
            axis = min(array.ndim, 2) - 1
        elif function in (np.vsplit, np.dsplit):
            axis = 0 if function is np.vsplit else 2
        if array.ndim <= axis or (function is np.vsplit and array.ndim < 2):
            raise trace_error(f"np.{function.__name__} of shape {array.shape} has no meaning.", "See NumPy's rules.")
        place, cut = counted(axis, array.ndim), np.array_split if function is np.array_split else np.split
        try:
            parts = cut(np.arange(array.shape[place]), indices_or_sections)
        except (ValueError, TypeError) as error:
            raise trace_error(f"np.{function.__name__} of shape {array.shape}: {error}", "See NumPy's rules.") from None
        before = (slice(None),) * place
        return [array[(*before, slice(*(part[[0, -1]] + [0, 1]).tolist() if part.size else (0, 0)))] for part in parts]

    return apply


def _pad(array: Any, pad_width: Any, mode: Any = "constant", **named: Any) -> Any:
    if mode not in ("constant", "edge", "reflect", "symmetric", "wrap"):
        raise trace_error(
            f"A formula cannot compute np.pad with mode={mode!r}.", "It knows 'constant', 'edge', 'reflect' and 'wrap'."
        )
    return _moving(np.pad)(array, pad_width, mode, **named)


_MOVED = (
    *(np.fliplr, np.flipud, np.rot90, np.tile, np.repeat, np.diag, np.diagonal, np.diagflat, np.tril, np.triu),
    *(np.take, np.delete),
)
MOVING_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{function.__name__: _moving(function) for function in _MOVED},
    **{function.__name__: _splitting(function) for function in (np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit)},
    "flip": _flip,
    "roll": _roll,
    "pad": _pad,
}
