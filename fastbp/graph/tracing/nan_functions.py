"""NumPy's functions that leave out NaN: nansum, nanmean, nanmax, ..."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .array_functions import combining, running
from .errors import trace_error
from .functions import apply
from .node_array import as_array
from .reductions import no_options
from .shape_functions import array_of


def _numbers(a: Any, instead: float = 0.0) -> tuple[Any, Any]:
    """Where there is a number, and the values with something instead of NaN."""
    x = as_array(array_of(a) + 0.0).simplified()
    return x == x, apply("where", x == x, x, instead)


def _nansum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    return _numbers(a)[1].sum(axis, dtype, out, keepdims)


def _nanmean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    there, x = _numbers(a)
    return x.sum(axis, dtype, out, keepdims) / there.sum(axis, keepdims=keepdims)


def _nanvar(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    no_options(dtype, out)
    there, x = _numbers(a)
    left = apply("where", there, x - _nanmean(a, axis, keepdims=True), 0.0)
    count = there.sum(axis, keepdims=keepdims) - float(ddof)
    return apply("where", count > 0.0, (left * left).sum(axis, keepdims=keepdims) / count, math.nan)


def _nanstd(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    return apply("sqrt", _nanvar(a, axis, dtype, out, ddof, keepdims))


def _extreme(op: str, instead: float) -> Callable[..., Any]:
    def function(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        there, x = _numbers(a, instead)
        found = x.extreme(op, axis, out, keepdims)
        return apply("where", there.sum(axis, keepdims=keepdims) > 0.0, found, math.nan)

    return function


def _replaced(instead: float, function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, *args, **named: function(_numbers(a, instead)[1], *args, **named)


def _nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    if posinf is None or neginf is None:
        raise trace_error(
            "np.nan_to_num puts the largest number of a type in the place of infinity.", "Give it posinf= and neginf=."
        )
    value = _numbers(x, nan)[1]
    return apply("where", value == math.inf, posinf, apply("where", value == -math.inf, neginf, value))


NAN_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "nansum": _nansum,
    "nanmean": _nanmean,
    "nanvar": _nanvar,
    "nanstd": _nanstd,
    "nanmax": _extreme("maximum", -math.inf),
    "nanmin": _extreme("minimum", math.inf),
    "nanprod": _replaced(1.0, combining("mul")),
    "nancumsum": _replaced(0.0, running("add")),
    "nancumprod": _replaced(1.0, running("mul")),
    "nan_to_num": _nan_to_num,
}
