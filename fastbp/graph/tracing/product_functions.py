"""NumPy's functions that multiply arrays and add up the products: matrix products, einsum, outer, convolve, ..."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from string import ascii_letters
from typing import Any

import numpy as np

from .errors import trace_error
from .functions import apply, as_node, tape_of
from .node import NodeTape
from .node_array import NodeArray, as_array
from .shape_functions import array_of, concatenate, move_axis, stack


def _pair(x: Any, y: Any) -> tuple[NodeTape, NodeArray, NodeArray]:
    tape = tape_of([x, y])
    assert tape is not None
    return tape, as_array(as_node(tape, x)), as_array(as_node(tape, y))


def matmul(x: Any, y: Any) -> Any:
    """``x @ y``."""
    _, a, b = _pair(x, y)
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
        return _tensordot(a, b, ((-1,), (-2,)))
    return matmul(x, y)


def _inner(a: Any, b: Any) -> Any:
    _, x, y = _pair(a, b)
    if not x.ndim or not y.ndim:
        return x.simplified() * y.simplified()
    return _tensordot(a, b, ((-1,), (-1,)))


def _vdot(a: Any, b: Any) -> Any:
    _, x, y = _pair(a, b)
    return matmul(x.flat(), y.flat())


def outer(op: str, a: Any, b: Any) -> Any:
    """An operator on every pair of values of two arrays."""
    _, x, y = _pair(a, b)
    return apply(op, as_array(x)[(..., *[None] * y.ndim)], y.simplified())


def _outer(a: Any, b: Any) -> Any:
    _, x, y = _pair(a, b)
    return outer("mul", x.flat(), y.flat())


# -- einsum, and what it can say


def _einsum(subscripts: str, *operands: Any, optimize: Any = False) -> Any:
    if not isinstance(subscripts, str):
        raise trace_error("A formula knows np.einsum with letters only.", 'Write np.einsum("ij,jk->ik", a, b).')
    tape = tape_of(operands)
    assert tape is not None
    arrays = [as_array(as_node(tape, a)) for a in operands]
    names, arrow, result = subscripts.replace(" ", "").partition("->")
    terms = names.split(",")
    if "." in subscripts:
        terms, result = _without_dots(subscripts, terms, arrow and result, arrays)
    elif not arrow:
        result = "".join(sorted(c for c in set(names) - {","} if names.count(c) == 1))
    fits = len(terms) == len(arrays) and all(len(t) == a.ndim for t, a in zip(terms, arrays, strict=False))
    known = set("".join(terms))
    if not fits or len(set(result)) < len(result) or not set(result) <= known <= set(ascii_letters) | set(_DOTS):
        raise _no_einsum(subscripts, arrays)
    return contract(terms, result, arrays)


_DOTS = "".join(map(chr, range(0x3B1, 0x3C9)))  # letters for the axes that "..." stands for


def _without_dots(subscripts: str, terms: list[str], result: str, arrays: Sequence[NodeArray]) -> tuple[list[str], str]:
    """Letters in the place of "...", the last ones for the last axes."""
    spelled, most = [], 0
    for term, a in zip(terms, arrays, strict=False):
        count = a.ndim - len(term.replace("...", ""))
        if term.count("...") != term.count(".") / 3 or term.count("...") > 1 or not 0 <= count <= len(_DOTS):
            raise _no_einsum(subscripts, arrays)
        most = max(most, count if "." in term else 0)
        spelled.append(term.replace("...", _DOTS[len(_DOTS) - count :] if count else ""))
    dots = _DOTS[len(_DOTS) - most :] if most else ""
    if "->" in subscripts:
        if most and "..." not in result:
            raise _no_einsum(subscripts, arrays)
        return spelled, result.replace("...", dots)
    named = "".join(terms).replace(".", "")
    return spelled, dots + "".join(sorted(c for c in set(named) if named.count(c) == 1))


def _no_einsum(subscripts: str, arrays: Sequence[NodeArray]) -> Exception:
    shapes = " and ".join(str(a.shape) for a in arrays)
    return trace_error(f"np.einsum({subscripts!r}) does not fit arrays of shape {shapes}.", "Write a letter for each axis.")


def contract(terms: Sequence[str], result: str, arrays: Sequence[NodeArray]) -> Any:
    """The product of arrays whose axes have letters, summed over the letters that are not in ``result``."""
    sizes: dict[str, int] = {}
    for term, a in zip(terms, arrays, strict=True):
        for letter, size in zip(term, a.shape, strict=True):
            known = sizes.setdefault(letter, size)
            if letter in _DOTS and known == 1:
                sizes[letter] = size
            elif known != size and not (letter in _DOTS and size == 1):
                raise trace_error(f"np.einsum has axes of {known} and {size} values for one letter.", "They must be equal.")
    letters = [*result, *sorted(set(sizes) - set(result))]
    product: Any = None
    for term, a in zip(terms, arrays, strict=True):
        a, term = _diagonals(a, term)
        order = sorted(range(a.ndim), key=lambda k: letters.index(term[k]))
        moved = as_array(a.transposed(tuple(order)))
        own = dict(zip(term, a.shape, strict=True))
        spread = as_array(moved.reshaped(tuple(own.get(c, 1) for c in letters)))
        product = spread if product is None else as_array(product * spread)
    over = tuple(range(len(result), len(letters)))
    total = product.reduced("add", over) if over else product.simplified()
    return apply("ne", total, 0.0) if over and all(a.is_logical for a in arrays) else total


def _diagonals(a: NodeArray, term: str) -> tuple[NodeArray, str]:
    """Without letters that occur twice, as their diagonals."""
    while len(set(term)) < len(term):
        letter = next(c for c in term if term.count(c) > 1)
        first, second = [i for i, c in enumerate(term) if c == letter][:2]
        a = NodeArray(a.tape, np.diagonal(a.numbers(), axis1=first, axis2=second))
        term = "".join(c for i, c in enumerate(term) if i not in (first, second)) + letter
    return a, term


def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    array = array_of(a)
    if array.ndim < 2:
        raise trace_error(f"np.trace of an array of shape {array.shape} has no meaning.", "It takes two dimensions or more.")
    diagonals = np.diagonal(array.numbers(), offset, axis1, axis2)
    return NodeArray(array.tape, diagonals).reduced("add", (diagonals.ndim - 1,))


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    _, x, y = _pair(a, b)
    if hasattr(axes, "__index__"):
        count = axes.__index__()
        axes = tuple(range(x.ndim - count, x.ndim)), tuple(range(count))
    of_x, of_y = ((one,) if hasattr(one, "__index__") else tuple(one) for one in axes)
    of_x, of_y = x._axes(of_x), y._axes(of_y)
    if [x.shape[i] for i in of_x] != [y.shape[i] for i in of_y]:
        raise trace_error(f"np.tensordot of shapes {x.shape} and {y.shape} has no meaning over {axes}.", "See NumPy's rules.")
    first = ascii_letters[: x.ndim]
    second = list(ascii_letters[x.ndim : x.ndim + y.ndim])
    for i, k in zip(of_x, of_y, strict=True):
        second[k] = first[i]
    result = [c for i, c in enumerate(first) if i not in of_x] + [c for i, c in enumerate(second) if i not in of_y]
    return contract([first, "".join(second)], "".join(result), [x, y])


def _kron(a: Any, b: Any) -> Any:
    _, x, y = _pair(a, b)
    ndim = max(x.ndim, y.ndim)
    x, y = x.expanded(ndim), y.expanded(ndim)
    left = x.reshaped(tuple(n for size in x.shape for n in (size, 1)))
    right = y.reshaped(tuple(n for size in y.shape for n in (1, size)))
    shape = tuple(m * n for m, n in zip(x.shape, y.shape, strict=True))
    return as_array(left * right).reshaped(shape)


def _cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    _, x, y = _pair(a, b)
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = as_array(move_axis(x, axisa, -1)), as_array(move_axis(y, axisb, -1))
    if x.shape[-1] != 3 or y.shape[-1] != 3:
        raise trace_error(f"np.cross of shapes {x.shape} and {y.shape} has no meaning.", "It takes vectors of three numbers.")
    one, other = ([v[..., i] for i in range(3)] for v in (x, y))
    parts = [one[i] * other[k] - one[k] * other[i] for i, k in ((1, 2), (2, 0), (0, 1))]
    return stack(parts, axisc)


def _convolve(a: Any, v: Any, mode: str = "full") -> Any:
    tape, x, kernel = _pair(a, v)
    if x.ndim != 1 or kernel.ndim != 1 or mode not in ("full", "same", "valid"):
        raise trace_error(
            f"np.convolve of shapes {x.shape} and {kernel.shape} with mode={mode!r} has no meaning.",
            "It takes two vectors, and one of the modes 'full', 'same' and 'valid'.",
        )
    if x.is_logical and kernel.is_logical:
        raise trace_error("A formula cannot compute np.convolve of conditions.", "fastbp.where(c, 1.0, 0.0) makes numbers.")
    if kernel.size > x.size:
        x, kernel = kernel, x
    margin = kernel.size - 1
    start, stop = {"full": (0, x.size + margin), "same": (margin // 2, margin // 2 + x.size), "valid": (margin, x.size)}[mode]
    zeros = tape.stack([tape.constant(0.0)] * margin) if margin else None
    padded = as_array(concatenate([zeros, x, zeros]) if margin and mode != "valid" else x)
    offset = 0 if mode != "valid" else margin
    shift = margin - offset
    terms = [kernel[k] * padded[start + shift - k : stop + shift - k] for k in range(kernel.size)]
    return reduce(operator.add, terms)


def _correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    _, x, y = _pair(a, v)
    if x.size < y.size:  # NumPy's 'same' has its middle where the longer one comes first
        return as_array(_correlate(v, a, mode))[::-1]
    return _convolve(x, y[::-1], mode)


PRODUCT_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "dot": _dot,
    "vdot": _vdot,
    "inner": _inner,
    "outer": _outer,
    "einsum": _einsum,
    "trace": _trace,
    "tensordot": _tensordot,
    "kron": _kron,
    "cross": _cross,
    "convolve": _convolve,
    "correlate": _correlate,
}
