"""The methods of NumPy's ufuncs: ``np.maximum.reduce``, ``np.add.accumulate``, ``np.subtract.outer``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .array_functions import ARRAY_FUNCTIONS, combining, running
from .functions import as_node, tape_of
from .product_functions import outer


def _node(*values: Any) -> Any:
    """The first value as a node, of the tape of any of them."""
    tape = tape_of(values)
    assert tape is not None
    return as_node(tape, values[0])


def _add(
    array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False, initial: Any = 0.0, where: Any = True
) -> Any:
    return _node(array, initial, where).sum(axis, dtype, out, keepdims, initial, where)


def _extreme(op: str) -> Callable[..., Any]:
    return lambda array, axis=0, dtype=None, out=None, keepdims=False: _node(array).extreme(op, axis, out, keepdims)


def _of_conditions(name: str) -> Callable[..., Any]:
    return lambda array, axis=0, dtype=None, out=None, keepdims=False: ARRAY_FUNCTIONS[name](array, axis, out, keepdims)


_REDUCE: dict[str, Callable[..., Any]] = {
    "add": _add,
    "maximum": _extreme("maximum"),
    "minimum": _extreme("minimum"),
    "logical_and": _of_conditions("all"),
    "logical_or": _of_conditions("any"),
    **{name: combining(op, 0) for name, op in {"multiply": "mul", "logaddexp": "logaddexp", "hypot": "hypot"}.items()},
    **{name: combining(name, 0) for name in ("fmax", "fmin")},
}
_ACCUMULATE: dict[str, Callable[..., Any]] = {
    **{name: running(op, 0) for name, op in {"add": "add", "multiply": "mul", "logaddexp": "logaddexp"}.items()},
    **{name: running(name, 0) for name in ("maximum", "minimum", "fmax", "fmin")},
}


def ufunc_method(name: str, method: str, op: str | None) -> Callable[..., Any] | None:
    """What stands for a method of a ufunc whose operator is ``op``; None for what a graph does not know."""
    if method == "outer":
        return None if op is None else partial(outer, op)
    return {"reduce": _REDUCE, "accumulate": _ACCUMULATE}.get(method, {}).get(name)
