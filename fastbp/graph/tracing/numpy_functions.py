"""NumPy's functions on nodes: ``np.exp(x)`` is ``fastbp.exp(x)``.

A NumPy function has its meaning from NumPy, with the same arguments in the same order, or it is refused.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from . import functions
from .arithmetic import check_conditions
from .array_functions import ARRAY_FUNCTIONS
from .complex_numbers import any_complex, apply_complex_ufunc
from .errors import trace_error
from .functions import apply, as_node, tape_of
from .moving_functions import MOVING_FUNCTIONS
from .nan_functions import NAN_FUNCTIONS
from .node import Node
from .node_array import NodeArray
from .numeric_functions import NUMERIC_FUNCTIONS, NUMERIC_UFUNCS
from .operators import ELEMENTWISE
from .order_functions import ORDER_FUNCTIONS
from .product_functions import PRODUCT_FUNCTIONS, matmul, vecdot
from .shape_functions import SHAPE_FUNCTIONS
from .special.table import SPECIAL
from .traversal import dependent, live, substitute
from .ufunc_methods import ufunc_method

_INSTEAD = "Use functions of fastbp or NumPy that a graph knows: "


def _operator(op: str) -> Callable[..., Any]:
    return lambda *x: apply(op, *x)


_OPERATORS = {function.__name__: op for op, function in ELEMENTWISE.items() if isinstance(function, np.ufunc)}
_UFUNCS: dict[str, Callable[..., Any]] = {
    **{name: _operator(op) for name, op in _OPERATORS.items()},
    "fabs": lambda x: apply("abs", x + 0.0),
    "power": _operator("pow"),
    "positive": lambda x: +x,
    "greater": lambda x, y: apply("lt", y, x),
    "greater_equal": lambda x, y: apply("le", y, x),
    "logical_xor": lambda x, y: apply("ne", apply("not", x), apply("not", y)),
    "bitwise_and": lambda x, y: x & y,
    "bitwise_or": lambda x, y: x | y,
    "bitwise_xor": lambda x, y: x ^ y,
    "invert": lambda x: ~x,
    "isnan": lambda x: apply("ne", x, x),
    "isinf": lambda x: apply("eq", apply("abs", x), math.inf),
    "isfinite": lambda x: apply("lt", apply("abs", x), math.inf),
    "square": lambda x: apply("pow", x, 2.0),
    "conjugate": lambda x: x + 0.0,
    "reciprocal": lambda x: 1.0 / x,
    "deg2rad": lambda x: x * (math.pi / 180.0),
    "radians": lambda x: x * (math.pi / 180.0),
    "rad2deg": lambda x: x * (180.0 / math.pi),
    "degrees": lambda x: x * (180.0 / math.pi),
    "expit": functions.sigmoid,  # scipy.special's
    "erf": functions.erf,
    "matmul": matmul,
    "vecdot": vecdot,
}
_UFUNCS |= {ufunc: _operator(name) for name, operator in SPECIAL.items() for ufunc in operator.ufuncs} | NUMERIC_UFUNCS


def apply_ufunc(ufunc: Any, method: str, inputs: Any, options: Any) -> Any:
    """A ufunc with a node among its inputs."""
    options = {name: value for name, value in options.items() if name != "out" or any(array is not None for array in value)}
    name = ufunc.__name__
    if method == "__call__" and not options and any_complex(*inputs):
        return apply_complex_ufunc(ufunc, inputs)
    known = any(getattr(sys.modules.get(module), name, None) is ufunc for module in ("numpy", "scipy.special"))
    other = ufunc_method(name, method, _OPERATORS.get(name)) if known else None
    if other is not None:
        return _call(f"{name}.{method}", other, inputs, options)
    if method != "__call__" or not known or name not in _UFUNCS:
        shown = f"{'np.' * hasattr(np, name)}{name}{'' if method == '__call__' else f'.{method}'}"
        raise trace_error(f"A graph has no operator for {shown}.", _INSTEAD + _known(_UFUNCS))
    if options:
        said = ", ".join(f"{option}=" for option in options)
        raise trace_error(f"A graph cannot compute np.{name} with {said}.", "Leave it out; fastbp.where(c, a, b) chooses.")
    tape = tape_of(inputs)
    assert tape is not None
    if name in ("bitwise_and", "bitwise_or", "bitwise_xor", "invert"):
        check_conditions(*inputs)
    return _UFUNCS[name](*(as_node(tape, value) for value in inputs))


def _node(*values: Any) -> Any:
    """The first value as a node, of the tape of any of them."""
    tape = tape_of(values)
    assert tape is not None
    return as_node(tape, values[0])


def _sum(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False, initial: Any = 0.0, where: Any = True
) -> Any:
    return _node(a, initial, where).sum(axis, dtype, out, keepdims, initial, where)


def _mean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True) -> Any:
    return _node(a, where).mean(axis, dtype, out, keepdims, where=where)


def _extreme(op: str) -> Callable[..., Any]:
    def function(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
        found = _node(a, initial).extreme(op, axis, out, keepdims)
        return found if initial is None else apply(op, found, initial)

    return function


def _average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    x = _node(a, weights)
    if returned:
        raise trace_error("A graph cannot compute np.average with returned=True.", "np.sum(weights) is what it would return.")
    if weights is None:
        return x.mean(axis, keepdims=keepdims)
    w = as_node(x.tape, weights)
    if w.ndim == 1 and x.ndim > 1 and hasattr(axis, "__index__") and w.shape == (x.shape[axis],):
        w = np.broadcast_to(w.reshape([n if i == axis % x.ndim else 1 for i, n in enumerate(x.shape)]), x.shape)
    if w.shape != x.shape:
        raise trace_error(f"np.average of {x.shape} values has {w.shape} weights.", "One weight for each value is needed.")
    # A count of conditions, not the condition that both hold.
    return ((x + 0.0) * (w + 0.0)).sum(axis, keepdims=keepdims) / w.sum(axis, keepdims=keepdims)


def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:  # noqa: A002
    if (a_min is not None or a_max is not None) and (min is not None or max is not None):
        raise trace_error("np.clip has bounds of both kinds.", "Give a_min and a_max, or min= and max=.")
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    x = _node(a, low, high)
    x = x if low is None else functions.maximum(x, low)
    return x if high is None else functions.minimum(x, high)


def _polyval(p: Any, x: Any) -> Any:
    total = _filled(0.0, _node(x, p))
    for coefficient in p:
        total = total * x + coefficient
    return total


def _filled(value: float, x: Any) -> Any:
    """The same number in every row of x."""
    ones = apply("pow", x, 0.0)
    return apply("ne", value * ones, 0.0) if x.is_logical else value * ones


def _select(condlist: Any, choicelist: Any, default: Any = 0.0) -> Any:
    conditions, choices = list(condlist), list(choicelist)
    if len(conditions) != len(choices) or not conditions:
        raise trace_error(f"np.select has {len(conditions)} conditions and {len(choices)} choices.", "Give one for each.")
    check_conditions(*conditions)
    chosen = default
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        chosen = functions.where(condition, choice, chosen)
    return chosen


def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    conditions, pieces = list(condlist) if isinstance(condlist, list | tuple) else [condlist], list(funclist)
    if len(pieces) not in (len(conditions), len(conditions) + 1):
        raise trace_error(
            f"np.piecewise has {len(conditions)} conditions and {len(pieces)} functions.", "Give one for each, or one more."
        )
    check_conditions(*conditions)
    values = [_apply_piece(piece, x, args, kw) if callable(piece) else piece for piece in pieces]
    chosen = values.pop() if len(values) > len(conditions) else 0.0
    for condition, value in zip(conditions, values, strict=True):
        chosen = functions.where(condition, value, chosen)
    return chosen


def _apply_piece(piece: Callable[..., Any], x: Node, args: Any, kw: Any) -> Any:
    """A piece on all rows, where NumPy passes it only some of them: the same if it treats each row independently."""
    if isinstance(x, NodeArray):
        raise trace_error("A formula cannot compute np.piecewise of several dimensions.", "fastbp.where chooses.")
    if type(x) is not Node or not x.shape:  # a batch never mixes its samples
        return piece(x, *args, **kw)
    rows = x.tape.variable(x)
    with x.tape.undecided():  # NumPy's piece would see sums of some of the rows
        value = as_node(x.tape, piece(rows, *args, **kw))
    nodes = live([value], [rows])
    changing = dependent(nodes, [rows])
    if any(node.index in changing and node.op in ("sum", "max", "element", "slice", "join") for node in nodes):
        raise trace_error("A piece of np.piecewise mixes its rows.", "Compute sums and single values outside of it.")
    return substitute([value], {rows: x})[0]


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "where": functions.where,
    "select": _select,
    "piecewise": _piecewise,
    "sum": _sum,
    "mean": _mean,
    "average": _average,
    "clip": _clip,
    **{name: _extreme("maximum") for name in ("max", "amax")},
    **{name: _extreme("minimum") for name in ("min", "amin")},
    "polyval": _polyval,
    "ndim": lambda a: a.ndim,
    "shape": lambda a: a.shape,
    "zeros_like": lambda a: _filled(0.0, a),
    "ones_like": lambda a: _filled(1.0, a),
    "real": lambda val: _node(val),
    "imag": lambda val: _filled(0.0, _node(val)),
    **SHAPE_FUNCTIONS,
    **MOVING_FUNCTIONS,
    **ARRAY_FUNCTIONS,
    **PRODUCT_FUNCTIONS,
    **ORDER_FUNCTIONS,
    **NAN_FUNCTIONS,
    **NUMERIC_FUNCTIONS,
}


def apply_function(function: Any, args: Any, options: Any) -> Any:
    """A NumPy function other than a ufunc, with a node among its arguments."""
    name = function.__name__
    home = "numpy.linalg" if name == "norm" else "numpy"
    if function.__module__ != home or name not in _FUNCTIONS:
        shown = f"{function.__module__.replace('numpy', 'np', 1)}.{name}"
        raise trace_error(f"A graph has no operator for {shown}.", _INSTEAD + _known({**_UFUNCS, **_FUNCTIONS}))
    return _call(name, _FUNCTIONS[name], args, options)


def _call(name: str, function: Callable[..., Any], args: Any, options: Any) -> Any:
    try:
        return function(*args, **options)
    except TypeError as error:
        if "argument" not in str(error):
            raise
        raise trace_error(f"np.{name} in a formula: {error}.", "Leave out what the graph does not know.") from None


def _known(table: dict[str, Any]) -> str:
    return ", ".join(sorted(table)) + "."
