"""NumPy's functions that go over axes beyond sums and means: var, prod, cumsum, norm, trapezoid, ..."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from .errors import trace_error
from .functions import apply, as_node, tape_of
from .node import Node
from .node_array import NodeArray, as_array, cells_of
from .reductions import no_options
from .shape_functions import array_of, diff, single_axis


def _node(a: Any) -> Any:
    tape = tape_of([a])
    assert tape is not None
    return as_node(tape, a)


def _is_batch(x: Any) -> bool:
    """Whether it is an array of a loss, of which a formula sees one sample."""
    return not isinstance(x, NodeArray) and type(x) is not Node


def _var(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    no_options(dtype, out)
    x = _node(a) + 0.0
    left = x - x.mean(axis, keepdims=True)
    count = x.shape[-1] if _is_batch(x) else math.prod(x.shape[i] for i in as_array(x)._axes(axis))
    if count <= ddof:
        raise trace_error(f"np.var over {count} values with ddof={ddof:g} is not defined.", "Use more values.")
    divisor = (count if _is_batch(x) else as_array(x).count(axis)) - ddof
    return (left * left).sum(axis, keepdims=keepdims) / divisor


def _std(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    return _root_of(_var(a, axis, dtype, out, ddof, keepdims))


def _any(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    no_options(None, out)
    return apply("ne", (_node(a) != 0.0).sum(axis, keepdims=keepdims), 0.0)


def _all(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    no_options(None, out)
    return apply("eq", (_node(a) == 0.0).sum(axis, keepdims=keepdims), 0.0)


def _count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return (_node(a) != 0.0).sum(axis, keepdims=keepdims)


def _ptp(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    x = _node(a)
    return x.extreme("maximum", axis, out, keepdims) - x.extreme("minimum", axis, out, keepdims)


def combining(op: str, default: int | None = None) -> Callable[..., Any]:
    """All values along axes, by an operator whose order does not matter: "mul" for ``np.prod``."""

    def apply_to(a: Any, axis: Any = default, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        no_options(dtype, out)
        x = _node(a)
        if _is_batch(x):
            return _over_columns(op, x, axis, keepdims)
        array = as_array(x)
        return array.reduced(op, array._axes(axis), keepdims)

    return apply_to


def _over_columns(op: str, x: Any, axis: Any, keepdims: bool) -> Any:
    """Of each sample of a loss."""
    if x.ndim != 2 or axis not in (-1, 1):
        raise trace_error(f"A loss cannot go over axis {axis!r} in this way.", "axis=-1 goes over a sample's outputs.")
    columns = [x[..., i : i + 1] + 0.0 for i in range(x.shape[-1])]
    total = reduce(lambda one, other: apply(op, one, other), columns)
    return total if keepdims else total[..., 0]


def running(op: str, default: int | None = None) -> Callable[..., Any]:
    """cumsum and its kin: axis by axis unrolled, since every value needs the one before."""

    def apply_to(a: Any, axis: Any = default, dtype: Any = None, out: Any = None) -> Any:
        no_options(dtype, out)
        x = array_of(a)
        if axis is None:
            x, axis = as_array(x.flat()), 0
        elif not x.ndim:
            x = as_array(x.flat())
        place = single_axis(x, axis)
        x = x.unrolled(tuple(i for i in x.axes if i != place))
        rows = np.moveaxis(x.cells, place, 0)
        flat = [[x.tape.number(node) for node in row] for row in rows.reshape(len(rows), -1).tolist()]
        for i in range(1, len(flat)):
            flat[i] = [x.tape.make(op, before, now) for before, now in zip(flat[i - 1], flat[i], strict=True)]
        cells = cells_of((node for row in flat for node in row), rows.shape)
        return NodeArray(x.tape, np.moveaxis(cells, 0, place), x.axes, x.sizes).simplified()

    return apply_to


def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    values = array_of(y, x, dx)
    place = single_axis(values, axis)
    width = dx
    if x is not None:
        points = array_of(x, y)
        width = diff(points, axis=axis if points.ndim > 1 else 0)
        if points.ndim == 1:
            width = as_array(width).reshaped(tuple(points.size - 1 if i == place else 1 for i in range(values.ndim)))
    before = (slice(None),) * place
    both = values[(*before, slice(1, None))] + values[(*before, slice(None, -1))]
    return (width * both / 2.0).sum(place)


# -- norms


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002
    a = _node(x) + 0.0
    if axis is None and ord is None:
        return _root(a, None, keepdims)
    axes = tuple(range(a.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if len(axes) == 1:
        return _vector_norm(a, ord, axes[0], keepdims)
    if len(axes) == 2 and ord in (None, "fro", "f"):
        return _root(a, axes, keepdims)
    if len(axes) == 2 and ord in (1, -1, np.inf, -np.inf):
        first, second = axes if abs(ord) == 1 else axes[::-1]
        found = abs(a).sum(first, keepdims=True).extreme("maximum" if ord > 0 else "minimum", second, keepdims=True)
        return found if keepdims else found.squeeze(axes)
    raise trace_error(
        f"A formula cannot compute np.linalg.norm with ord={ord!r} over axes {axes}.", "Use None, 'fro', 1 or inf."
    )


def _root(a: Any, axis: Any, keepdims: bool) -> Any:
    return _root_of((a * a).sum(axis, keepdims=keepdims))


def _root_of(total: Any) -> Any:
    """The root of a sum of squares; its derivative at 0 is 0."""
    return apply("sqrt", apply("where", apply("eq", total, 0.0), 0.0, total))


def _vector_norm(a: Any, order: Any, axis: Any, keepdims: bool) -> Any:
    if order is None or order == 2:
        return _root(a, axis, keepdims)
    if order in (np.inf, -np.inf):
        return abs(a).extreme("maximum" if order > 0 else "minimum", axis, keepdims=keepdims)
    if order == 0:
        return (a != 0.0).sum(axis, keepdims=keepdims)
    if isinstance(order, str):
        raise trace_error(f"np.linalg.norm of vectors has no ord={order!r}.", "Use a number.")
    if order == 1:
        return abs(a).sum(axis, keepdims=keepdims)
    return (abs(a) ** float(order)).sum(axis, keepdims=keepdims) ** (1.0 / order)


ARRAY_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "var": _var,
    "std": _std,
    "prod": combining("mul"),
    "any": _any,
    "all": _all,
    "count_nonzero": _count_nonzero,
    "ptp": _ptp,
    "cumsum": running("add"),
    "cumprod": running("mul"),
    "trapezoid": _trapezoid,
    "norm": _norm,  # of np.linalg
}
