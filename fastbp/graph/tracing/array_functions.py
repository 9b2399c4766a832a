"""NumPy's functions that combine values: products of matrices, and what goes over axes beyond sums and means."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import trace_error
from .functions import apply, as_node, tape_of
from .node import NodeTape
from .node_array import NodeArray, as_array
from .shape_functions import array_of


def _pair(x: Any, y: Any) -> tuple[NodeTape, NodeArray, NodeArray]:
    tape = tape_of([x, y])
    assert tape is not None
    return tape, as_array(as_node(tape, x)), as_array(as_node(tape, y))


# -- products


def matmul(x: Any, y: Any) -> Any:
    """``x @ y``."""
    tape, a, b = _pair(x, y)
    inner = b.shape[-2:][0] if b.ndim else None
    if not a.ndim or not b.ndim or a.shape[-1] != inner:
        raise trace_error(
            f"The product x @ y of arrays of shape {a.shape} and {b.shape} has no meaning.",
            "The last axis of x must be as long as the last but one of y (or its only one); * multiplies numbers.",
        )
    left = a[..., None] if a.ndim > 1 else a[:, None]
    right = b if b.ndim > 1 else b[:, None]
    right = as_array(right)[..., None, :, :] if a.ndim > 1 else right
    products = as_array(as_array(left) * right)
    total = products.reduced("add", (products.ndim - 2,))
    if b.ndim == 1:
        total = total[..., 0] if total.ndim else total
    return apply("ne", total, 0.0) if a.is_logical and b.is_logical else total


def vecdot(x: Any, y: Any) -> Any:
    """The products of vectors along the last axis."""
    _, a, b = _pair(x, y)
    if not a.ndim or not b.ndim or a.shape[-1] != b.shape[-1]:
        raise trace_error(f"np.vecdot of shapes {a.shape} and {b.shape} has no meaning.", "The last axes must be as long.")
    products = a * b
    total = products.sum(-1)
    return apply("ne", total, 0.0) if products.is_logical else total


def _dot(a: Any, b: Any) -> Any:
    _, x, y = _pair(a, b)
    if not x.ndim or not y.ndim:
        return x.simplified() * y.simplified()
    if y.ndim > 2:
        raise trace_error(f"A formula cannot compute np.dot of an array of shape {y.shape}.", "Use @ or np.einsum.")
    return matmul(x, y)


def _inner(a: Any, b: Any) -> Any:
    _, x, y = _pair(a, b)
    if not x.ndim or not y.ndim:
        return x.simplified() * y.simplified()
    if y.ndim > 2:
        raise trace_error(f"A formula cannot compute np.inner of an array of shape {y.shape}.", "Use np.einsum.")
    return matmul(x, y.T)


def _vdot(a: Any, b: Any) -> Any:
    _, x, y = _pair(a, b)
    return matmul(x.flat(), y.flat())


def _outer(a: Any, b: Any) -> Any:
    _, x, y = _pair(a, b)
    return as_array(x.flat())[:, None] * as_array(y.flat())[None, :]


def _einsum(subscripts: str, *operands: Any) -> Any:
    if not isinstance(subscripts, str) or "." in subscripts:
        raise trace_error("A formula knows np.einsum with letters only.", 'Write np.einsum("ij,jk->ik", a, b).')
    names, _, result = subscripts.replace(" ", "").partition("->")
    terms = names.split(",")
    if "->" not in subscripts:
        result = "".join(sorted(c for c in set(names) - {","} if names.count(c) == 1))
    tape = tape_of(operands)
    assert tape is not None
    arrays = [as_array(as_node(tape, a)) for a in operands]
    fits = len(terms) == len(arrays) and all(len(t) == a.ndim for t, a in zip(terms, arrays, strict=False))
    if not fits or len(set(result)) < len(result) or not set(result) <= set(names):
        raise trace_error(f"np.einsum({subscripts!r}) does not fit arrays of shapes {[a.shape for a in arrays]}.", "See NumPy.")
    sizes: dict[str, int] = {}
    for term, a in zip(terms, arrays, strict=True):
        for letter, size in zip(term, a.shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                raise trace_error(f"np.einsum({subscripts!r}) has two sizes for {letter!r}.", "They must be equal.")
    letters = [*result, *sorted(set(sizes) - set(result))]
    product: Any = None
    for term, a in zip(terms, arrays, strict=True):
        a, term = _diagonals(a, term)
        order = sorted(range(a.ndim), key=lambda k: letters.index(term[k]))
        moved = as_array(a.transposed(tuple(order)))
        spread = as_array(moved.reshaped(tuple(sizes[c] if c in term else 1 for c in letters)))
        product = spread if product is None else as_array(product * spread)
    over = tuple(range(len(result), len(letters)))
    return product.reduced("add", over) if over else product.simplified()


def _diagonals(a: NodeArray, term: str) -> tuple[NodeArray, str]:
    """Without letters that occur twice, as their diagonals."""
    while len(set(term)) < len(term):
        letter = next(c for c in term if term.count(c) > 1)
        first, second = [i for i, c in enumerate(term) if c == letter][:2]
        cells = np.diagonal(a.numbers(), axis1=first, axis2=second)
        a = NodeArray(a.tape, cells)
        term = "".join(c for i, c in enumerate(term) if i not in (first, second)) + letter
    return a, term


def _trace(a: Any) -> Any:
    array = array_of(a)
    if array.ndim != 2:
        raise trace_error(f"A formula knows np.trace of matrices, not of shape {array.shape}.", "Use np.einsum.")
    return array.tape.array(list(np.diagonal(array.numbers()))).reduced("add", (0,))


# -- over axes


def _count(x: Any, axis: Any) -> int:
    """How many values go into each result."""
    if isinstance(x, NodeArray) or not x.shape or None not in x.shape:
        return math.prod(x.shape[i] for i in as_array(x)._axes(axis))
    return int(x.shape[-1])  # of a batch, over its columns


def _var(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    _no(dtype=dtype, out=out)
    tape = tape_of([a])
    assert tape is not None
    x = tape.number(n) if (n := as_node(tape, a)).shape == () else n + 0.0
    left = x - x.mean(axis, keepdims=True)
    count = _count(x, axis) - ddof
    if count <= 0:
        raise trace_error(f"np.var over {count + ddof:g} values with ddof={ddof:g} is not defined.", "Use more values.")
    return (left * left).sum(axis, keepdims=keepdims) / float(count)


def _std(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    return apply("sqrt", _var(a, axis, dtype, out, ddof, keepdims))


def _no(**options: Any) -> None:
    for name, value in options.items():
        if value is not None:
            raise trace_error(f"A formula cannot choose {name}=.", "Leave it out: everything has the type of the arguments.")


def _prod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    _no(dtype=dtype, out=out)
    x = array_of(a)
    return x.reduced("mul", x._axes(axis), keepdims)


def _any(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    _no(out=out)
    x = array_of(a) != 0.0
    return apply("ne", x.sum(axis, keepdims=keepdims), 0.0)


def _all(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    _no(out=out)
    x = array_of(a) == 0.0
    return apply("eq", x.sum(axis, keepdims=keepdims), 0.0)


def _count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return (array_of(a) != 0.0).sum(axis, keepdims=keepdims)


def _ptp(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    _no(out=out)
    x = array_of(a)
    return x.extreme("maximum", axis, None, keepdims) - x.extreme("minimum", axis, None, keepdims)


def _running(op: str) -> Callable[..., Any]:
    """cumsum and cumprod: axis by axis unrolled, since every value needs the one before."""

    def apply_to(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        _no(dtype=dtype, out=out)
        x = array_of(a)
        if axis is None:
            x, axis = as_array(x.flat()), 0
        elif not x.ndim:
            x = as_array(x.flat())
        (place,) = x._axes(axis)
        x = x.unrolled(tuple(i for i in x.axes if i != place))
        rows = np.moveaxis(x.cells, place, 0)
        flat = [[x.tape.number(node) for node in row] for row in rows.reshape(len(rows), -1).tolist()]
        for i in range(1, len(flat)):
            flat[i] = [x.tape.make(op, before, now) for before, now in zip(flat[i - 1], flat[i], strict=True)]
        cells = np.empty(rows.size, object)
        for i, node in enumerate(node for row in flat for node in row):
            cells[i] = node
        return NodeArray(x.tape, np.moveaxis(cells.reshape(rows.shape), 0, place), x.axes, x.sizes).simplified()

    return apply_to


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002
    a = array_of(x)
    a = as_array(a + 0.0)
    if axis is None and ord is None:
        return _root(a, tuple(range(a.ndim)), keepdims)
    axes = a._axes(axis)
    if len(axes) == 1:
        return _vector_norm(a, ord, axes, keepdims)
    if len(axes) == 2 and ord in (None, "fro"):
        return _root(a, axes, keepdims)
    if len(axes) == 2 and ord in (1, -1, np.inf, -np.inf):
        first, second = axes if abs(ord) == 1 else axes[::-1]
        sums = as_array(as_array(abs(a)).reduced("add", (first,), True))
        found = sums.reduced("maximum" if ord > 0 else "minimum", (second,), True)
        return found if keepdims else as_array(found).squeeze(axes)
    raise trace_error(f"A formula cannot compute np.linalg.norm with ord={ord!r} over axes {axes}.", "Use None, 'fro', 1 or inf.")


def _root(a: NodeArray, axes: tuple[int, ...], keepdims: bool) -> Any:
    """The root of the sum of squares; its derivative at 0 is 0."""
    total = as_array(a * a).reduced("add", axes, keepdims)
    return apply("sqrt", apply("where", apply("eq", total, 0.0), 0.0, total))


def _vector_norm(a: NodeArray, order: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if order is None or order == 2:
        return _root(a, axes, keepdims)
    size = as_array(abs(a))
    if order in (np.inf, -np.inf):
        return size.reduced("maximum" if order > 0 else "minimum", axes, keepdims)
    if order == 0:
        return as_array(a != 0.0).reduced("add", axes, keepdims)
    if isinstance(order, str):
        raise trace_error(f"np.linalg.norm of vectors has no ord={order!r}.", "Use a number.")
    total = size.reduced("add", axes, keepdims) if order == 1 else as_array(size**order).reduced("add", axes, keepdims)
    return total if order == 1 else total ** (1.0 / order)


ARRAY_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "dot": _dot,
    "vdot": _vdot,
    "inner": _inner,
    "outer": _outer,
    "einsum": _einsum,
    "trace": _trace,
    "var": _var,
    "std": _std,
    "prod": _prod,
    "any": _any,
    "all": _all,
    "count_nonzero": _count_nonzero,
    "ptp": _ptp,
    "cumsum": _running("add"),
    "cumprod": _running("mul"),
    "norm": _norm,  # of np.linalg
}
