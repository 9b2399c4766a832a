"""NumPy's functions on nodes: ``np.exp(x)`` is ``fastbp.exp(x)``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import functions
from .errors import trace_error
from .functions import apply, as_node, tape_of
from .node import check_conditions
from .operators import INFIX, UNARY

_INSTEAD = "Use functions of fastbp or NumPy that a graph knows: "

_UFUNCS: dict[str, Any] = {name: lambda *x, op=name: apply(op, *x) for name in [*UNARY, "minimum", "maximum"]}
_UFUNCS |= {function.__name__: (lambda *x, op=op: apply(op, *x)) for op, (_, function) in INFIX.items()}


def _arcsinh(x: Any) -> Any:
    def positive(x: Any) -> Any:
        return functions.log1p(x + x * x / (1.0 + functions.sqrt(x * x + 1.0)))

    return functions.where(x < 0.0, -positive(-x), positive(x))


_UFUNCS |= {
    "absolute": functions.abs,
    "fabs": functions.abs,
    "power": lambda x, y: apply("pow", x, y),
    "divide": lambda x, y: apply("div", x, y),
    "negative": lambda x: apply("neg", x),
    "positive": lambda x: x,
    "greater": lambda x, y: apply("lt", y, x),
    "greater_equal": lambda x, y: apply("le", y, x),
    "logical_not": lambda x: apply("not", x),
    "logical_xor": lambda x, y: functions.where(x, apply("not", y), y),
    "bitwise_and": lambda x, y: apply("and", x, y),
    "bitwise_or": lambda x, y: apply("or", x, y),
    "bitwise_xor": lambda x, y: apply("ne", x, y),
    "invert": lambda x: apply("not", x),
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1.0 / x,
    "exp2": lambda x: functions.exp(x * math.log(2.0)),
    "log2": lambda x: functions.log(x) / math.log(2.0),
    "log10": lambda x: functions.log(x) / math.log(10.0),
    "arcsinh": _arcsinh,
    "arccosh": lambda x: functions.log(x + functions.sqrt((x - 1.0) * (x + 1.0))),
    "arctanh": lambda x: 0.5 * (functions.log1p(x) - functions.log1p(-x)),
    "hypot": lambda x, y: functions.sqrt(x * x + y * y),
    "logaddexp": lambda x, y: functions.maximum(x, y) + functions.softplus(-functions.abs(x - y)),
    "fmin": functions.minimum,
    "fmax": functions.maximum,
    "deg2rad": lambda x: x * (math.pi / 180.0),
    "radians": lambda x: x * (math.pi / 180.0),
    "rad2deg": lambda x: x * (180.0 / math.pi),
    "degrees": lambda x: x * (180.0 / math.pi),
    "expit": functions.sigmoid,  # scipy.special's
    "matmul": lambda x, y: functions.sum(x * y),
    "vecdot": lambda x, y: functions.sum(x * y),
}


def apply_ufunc(ufunc: Any, method: str, inputs: Any, options: Any) -> Any:
    """A ufunc with a node among its inputs."""
    if method == "reduce" and ufunc is np.add and options.get("axis") in (0, None, -1):
        return functions.sum(inputs[0], options.get("axis"), options.get("keepdims", False))
    if method != "__call__" or ufunc.__name__ not in _UFUNCS:
        name = f"{'np.' * hasattr(np, ufunc.__name__)}{ufunc.__name__}{'' if method == '__call__' else f'.{method}'}"
        raise trace_error(f"A graph has no operator for {name}.", _INSTEAD + _known(_UFUNCS))
    if "where" in options or any(array is not None for array in options.get("out") or ()):
        raise trace_error(f"A graph cannot fill arrays in place (np.{ufunc.__name__} with out= or where=).", "Leave them out.")
    if ufunc in (np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert):
        check_conditions(*inputs)
    tape = tape_of(inputs)
    assert tape is not None
    return _UFUNCS[ufunc.__name__](*(as_node(tape, value) for value in inputs))


def _clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:  # noqa: A002
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    x = x if low is None else functions.maximum(x, low)
    return x if high is None else functions.minimum(x, high)


def _polyval(p: Any, x: Any) -> Any:
    total = 0.0 * x
    for coefficient in p:
        total = total * x + coefficient
    return total


def _select(condlist: Any, choicelist: Any, default: Any = 0.0) -> Any:
    chosen = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        chosen = functions.where(condition, choice, chosen)
    return chosen


def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    conditions = condlist if isinstance(condlist, list | tuple) else [condlist]
    pieces = [piece(x, *args, **kw) if callable(piece) else piece for piece in funclist]
    chosen = pieces.pop() if len(pieces) > len(conditions) else 0.0
    for condition, piece in zip(conditions, pieces, strict=True):
        chosen = functions.where(condition, piece, chosen)
    return chosen


_FUNCTIONS: dict[str, Any] = {
    "where": functions.where,
    "select": _select,
    "piecewise": _piecewise,
    "sum": functions.sum,
    "mean": functions.mean,
    "average": functions.mean,
    "clip": _clip,
    "dot": lambda x, y: functions.sum(x * y),
    "vdot": lambda x, y: functions.sum(x * y),
    "inner": lambda x, y: functions.sum(x * y),
    "stack": lambda values, axis=0: functions.stack(values),
    "polyval": _polyval,
    "size": lambda x: x.size,
    "ndim": lambda x: x.ndim,
    "shape": lambda x: x.shape,
    "zeros_like": lambda x: 0.0 * x**0,
    "ones_like": lambda x: x**0,
    "ravel": lambda x: x.ravel(),
    "squeeze": lambda x, axis=None: x.squeeze(axis),
}


def apply_function(function: Any, args: Any, options: Any) -> Any:
    """One of NumPy's functions that is no ufunc, with a node among its arguments."""
    if function.__name__ not in _FUNCTIONS:
        name = f"{function.__module__.replace('numpy', 'np', 1)}.{function.__name__}"
        raise trace_error(f"A graph has no operator for {name}.", _INSTEAD + _known({**_UFUNCS, **_FUNCTIONS}))
    try:
        return _FUNCTIONS[function.__name__](*args, **options)
    except TypeError as error:
        if "argument" not in str(error):
            raise
        raise trace_error(f"np.{function.__name__} in a formula: {error}.", "Leave out what the graph does not know.") from None


def _known(table: dict[str, Any]) -> str:
    return ", ".join(sorted(table)) + "."
