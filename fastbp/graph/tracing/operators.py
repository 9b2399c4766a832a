"""What each operator computes, in NumPy, and how it is written. No operator here looks at more than one row.

The step-by-step pass, the folding of constants and the tests' reference all use these functions.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .special.operator import OperatorTable
from .special.table import SPECIAL

_erf_of_one = np.vectorize(math.erf, otypes=[float])


def sigmoid(x: Any) -> Any:
    """1 / (1 + e^-x), which does not overflow."""
    small = np.exp(-np.abs(x))
    return np.where(np.asarray(x) < 0, small, 1.0) / (1.0 + small)


def softplus(x: Any) -> Any:
    """log(1 + e^x), which does not overflow."""
    return np.logaddexp(0.0, x)


def sigmoid_derivative(x: Any) -> Any:
    """The derivative of the sigmoid, to all digits for large x too."""
    small = np.exp(-np.abs(x))
    return small / np.square(1.0 + small)


def one_minus_square(x: Any) -> Any:
    """1 - x^2, to all digits near x = 1."""
    return (1.0 - x) * (1.0 + x)


def cosine_of(x: Any, y: Any) -> Any:
    """x / hypot(x, y), the cosine of the angle of a point (x, y); 0 at the origin."""
    far = np.isinf(x) | np.isinf(y)
    x, y = (np.where(far, np.where(np.isinf(v), np.sign(v), 0.0), v) for v in (x, y))
    size = np.maximum(np.abs(x), np.abs(y))
    size = np.where(size == 0, 1.0, size)
    x, y = x / size, y / size
    return (x / np.where((x == 0) & (y == 0), 1.0, np.sqrt(x * x + y * y)))[()]


def relu(x: Any) -> Any:
    """x above 0, else 0; NaN stays."""
    return np.maximum(x, 0.0)


def erf(x: Any) -> Any:
    """The error function."""
    return _erf_of_one(np.asarray(x, dtype=float))[()]


# Operators of one number, which are also functions of this package and (most of them) NumPy ufuncs.
UNARY: dict[str, Callable[..., Any]] = {
    "abs": np.abs,
    "sign": np.sign,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "arcsinh": np.arcsinh,
    "arccosh": np.arccosh,
    "arctanh": np.arctanh,
    "sigmoid": sigmoid,
    "relu": relu,
    "softplus": softplus,
    "erf": erf,
}

# Written between their operands.
INFIX: dict[str, tuple[str, Callable[..., Any]]] = {
    "add": ("+", np.add),
    "sub": ("-", np.subtract),
    "mul": ("*", np.multiply),
    "div": ("/", np.true_divide),
    "pow": ("**", np.float_power),
    "lt": ("<", np.less),
    "le": ("<=", np.less_equal),
    "eq": ("==", np.equal),
    "ne": ("!=", np.not_equal),
    "and": ("&", np.logical_and),
    "or": ("|", np.logical_or),
}

_ELEMENTWISE: dict[str, Callable[..., Any]] = {
    **UNARY,
    **{name: function for name, (_, function) in INFIX.items()},
    "neg": np.negative,
    "not": np.logical_not,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "fmin": np.fmin,
    "fmax": np.fmax,
    "hypot": np.hypot,
    "logaddexp": np.logaddexp,
    "sigmoid_derivative": sigmoid_derivative,
    "one_minus_square": one_minus_square,
    "cosine_of": cosine_of,
    "where": np.where,
    **{name: operator.evaluate for name, operator in SPECIAL.items()},
}
ELEMENTWISE = OperatorTable(_ELEMENTWISE, lambda operator: operator.evaluate)

# Operators that give booleans.
CONNECTIVES = {"and", "or", "not"}
LOGICAL = {"lt", "le", "eq", "ne", *CONNECTIVES}
COMMUTATIVE = {"add", "mul", "minimum", "maximum", "fmin", "fmax", "hypot", "logaddexp", "eq", "ne", "and", "or"}

# Arithmetic on booleans, where NumPy does not treat them as 1 and 0: a connective, or refused (None).
BOOLEAN_ARITHMETIC = {
    **{"add": "or", "maximum": "or", "fmax": "or", "mul": "and", "minimum": "and", "fmin": "and"},
    **dict.fromkeys(("sub", "neg", "sign")),
}


def evaluate(op: str, values: Any) -> Any:
    """One elementwise operator on numbers or arrays; overflow and the like give infinities and NaN, as in compiled code."""
    with np.errstate(all="ignore"):
        return ELEMENTWISE[op](*values)
