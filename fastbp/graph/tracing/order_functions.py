"""NumPy's functions that put values in order: sort, median, quantile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import trace_error
from .functions import apply, tape_of
from .node_array import MAX_UNROLLED, NodeArray, as_array
from .reductions import no_options
from .shape_functions import array_of, single_axis, stack


def _sorted(a: Any, axis: Any) -> tuple[list[Any], NodeArray, int]:
    """What is along an axis in rising order, NaN last; the array, and the axis."""
    x = array_of(a)
    if axis is None:
        x, axis = as_array(x.flat()), 0
    place = single_axis(x, axis)
    if x.shape[place] > MAX_UNROLLED:
        raise trace_error(f"A formula cannot sort {x.shape[place]} values.", f"It can sort up to {MAX_UNROLLED}.")
    rows = [x[(slice(None),) * place + (i,)] for i in range(x.shape[place])]
    for i, k in _exchanges(len(rows)):
        one, other = rows[i], rows[k]
        is_ahead = (other < one) | ((one != one) & (other == other))
        rows[i], rows[k] = apply("where", is_ahead, other, one), apply("where", is_ahead, one, other)
    return rows, x, place


def _exchanges(count: int) -> list[tuple[int, int]]:
    """Which places to compare one after the other (Batcher 1968, Sorting networks; Knuth, vol. 3, algorithm 5.2.2M)."""
    found = []
    top = p = 1 << ((count - 1).bit_length() - 1) if count > 1 else 0
    while p:
        q, r, d = top, 0, p
        while True:
            found += [(i, i + d) for i in range(count - d) if i & p == r]
            if q == p:
                break
            d, q, r = q - p, q // 2, p
        p //= 2
    return found


def _sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    if order is not None:
        raise trace_error("np.sort in a formula has no order=.", "Leave it out.")
    rows, _, place = _sorted(a, axis)
    return stack(rows, place)


def _between(a: Any, axis: Any, keepdims: bool, at: Callable[[list[Any]], Any]) -> Any:
    """What is made of the sorted values, or NaN if any is."""
    rows, x, place = _sorted(as_array(array_of(a) + 0.0), axis)
    found = apply("where", rows[-1] != rows[-1], rows[-1], at(rows))
    if not keepdims:
        return found
    ndim = array_of(a).ndim
    return as_array(found).reshaped(
        (1,) * ndim if axis is None else tuple(1 if i == place else n for i, n in enumerate(x.shape))
    )


def _median(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    no_options(None, out)

    def middle(rows: list[Any]) -> Any:
        half = len(rows) // 2
        return rows[half] if len(rows) % 2 else (rows[half - 1] + rows[half]) / 2.0

    return _between(a, axis, keepdims, middle)


def _quantile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, *, keepdims: bool = False
) -> Any:
    no_options(None, out)
    if tape_of([q]) is not None or np.ndim(q) or not 0 <= q <= 1:
        raise trace_error(f"A formula cannot compute the quantile {q!r}.", "It knows single numbers from 0 to 1.")

    def at(rows: list[Any]) -> Any:
        place = float(q) * (len(rows) - 1)
        low = int(place)
        share = place - low
        if not share:
            return rows[low]
        step = rows[low + 1] - rows[low]
        return rows[low] + step * share if share < 0.5 else rows[low + 1] - step * (1.0 - share)

    return _between(a, axis, keepdims, at)


def _percentile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, *, keepdims: bool = False
) -> Any:
    if tape_of([q]) is not None or np.ndim(q):
        raise trace_error(f"A formula cannot compute the percentile {q!r}.", "It knows single numbers from 0 to 100.")
    return _quantile(a, q / 100, axis, out, overwrite_input, keepdims=keepdims)


ORDER_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sort": _sort,
    "median": _median,
    "quantile": _quantile,
    "percentile": _percentile,
}
