"""Functions of single numbers, on arrays and in formulas."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph.tracing import functions
from ..graph.tracing.arithmetic import Arithmetic

_DOC = """{about}

Parameters
----------
{parameters} : number, array or Node

Examples
--------
>>> import fastbp
>>> print(f"{{float(fastbp.ops.{name}({at})):.6f}}")
{result:.6f}
"""


def quiet(function: Callable[..., Any], *values: Any) -> Any:
    """A function's value; infinities and NaN come without a warning, as in compiled code. Lists are arrays."""
    with np.errstate(all="ignore"):
        return function(*(np.asarray(value) if isinstance(value, list | tuple) else value for value in values))


def _make(name: str, function: Callable[..., Any], about: str, parameters: str, at: str) -> Callable[..., Any]:
    """A function of (x) or (x1, x2), which is what Keras calls its arguments."""
    if parameters == "x":

        def made(x: Any) -> Any:
            return quiet(function, x)
    else:

        def made(x1: Any, x2: Any) -> Any:  # type: ignore[misc]
            return quiet(function, x1, x2)

    made.__name__ = made.__qualname__ = name
    made.__module__ = __package__
    values = [float(value) for value in at.split(",")]
    result = float(np.asarray(quiet(function, *values)))
    made.__doc__ = _DOC.format(about=about, parameters=parameters, name=name, at=at, result=result)
    return made


# name: (what computes it, what it is, where its example looks)
_OF_ONE: dict[str, tuple[Callable[..., Any], str, str]] = {
    "abs": (np.abs, "The absolute value.", "-0.5"),
    "negative": (np.negative, "-x.", "0.5"),
    "sign": (np.sign, "-1, 0 or 1.", "-0.5"),
    "square": (np.square, "x^2.", "0.5"),
    "sqrt": (np.sqrt, "The square root.", "0.5"),
    "rsqrt": (lambda x: 1.0 / np.sqrt(x), "1 over the square root.", "0.5"),
    "reciprocal": (lambda x: 1.0 / x, "1 / x.", "0.5"),
    "exp": (np.exp, "e^x.", "0.5"),
    "exp2": (np.exp2, "2^x.", "0.5"),
    "expm1": (np.expm1, "e^x - 1, exact to the last digits near 0.", "0.5"),
    "log": (np.log, "The natural logarithm.", "0.5"),
    "log1p": (np.log1p, "log(1 + x), exact to the last digits near 0.", "0.5"),
    "log2": (np.log2, "The logarithm to base 2.", "0.5"),
    "log10": (np.log10, "The logarithm to base 10.", "0.5"),
    "sin": (np.sin, "The sine.", "0.5"),
    "cos": (np.cos, "The cosine.", "0.5"),
    "tan": (np.tan, "The tangent.", "0.5"),
    "arcsin": (np.arcsin, "The angle whose sine is x.", "0.5"),
    "arccos": (np.arccos, "The angle whose cosine is x.", "0.5"),
    "arctan": (np.arctan, "The angle whose tangent is x.", "0.5"),
    "sinh": (np.sinh, "The hyperbolic sine.", "0.5"),
    "cosh": (np.cosh, "The hyperbolic cosine.", "0.5"),
    "tanh": (np.tanh, "The hyperbolic tangent.", "0.5"),
    "arcsinh": (np.arcsinh, "The number whose hyperbolic sine is x.", "0.5"),
    "arccosh": (np.arccosh, "The number from 0 on whose hyperbolic cosine is x.", "1.5"),
    "arctanh": (np.arctanh, "The number whose hyperbolic tangent is x.", "0.5"),
    "deg2rad": (np.deg2rad, "Degrees as an angle in radians.", "90"),
    "rad2deg": (np.rad2deg, "An angle in radians as degrees.", "0.5"),
    "isnan": (np.isnan, "Whether x is NaN.", "0.5"),
    "isinf": (np.isinf, "Whether x is infinite.", "0.5"),
    "isfinite": (np.isfinite, "Whether x is neither NaN nor infinite.", "0.5"),
    "logical_not": (np.logical_not, "Whether x is false (0).", "0"),
    "sigmoid": (functions.sigmoid, "1 / (1 + e^-x).", "0.5"),
    "softplus": (functions.softplus, "log(1 + e^x).", "0.5"),
    "erf": (functions.erf, "The error function.", "0.5"),
}
_OF_TWO: dict[str, tuple[Callable[..., Any], str, str]] = {
    "add": (np.add, "x1 + x2.", "0.5, 2.0"),
    "subtract": (np.subtract, "x1 - x2.", "0.5, 2.0"),
    "multiply": (np.multiply, "x1 * x2.", "0.5, 2.0"),
    "divide": (np.true_divide, "x1 / x2.", "0.5, 2.0"),
    "divide_no_nan": (
        lambda x1, x2: np.where(x2 == 0, 0.0, x1 / np.where(x2 == 0, 1.0, x2)),
        "x1 / x2, and 0 where x2 is 0.",
        "0.5, 0.0",
    ),
    "power": (np.power, "x1 to the power of x2.", "0.5, 2.0"),
    "minimum": (np.minimum, "The smaller one.", "0.5, 2.0"),
    "maximum": (np.maximum, "The larger one.", "0.5, 2.0"),
    "hypot": (np.hypot, "The square root of x1^2 + x2^2.", "3.0, 4.0"),
    "logaddexp": (np.logaddexp, "log(e^x1 + e^x2).", "0.5, 2.0"),
    "equal": (np.equal, "Whether both are equal.", "0.5, 2.0"),
    "not_equal": (np.not_equal, "Whether both differ.", "0.5, 2.0"),
    "less": (np.less, "Whether x1 < x2.", "0.5, 2.0"),
    "less_equal": (np.less_equal, "Whether x1 <= x2.", "0.5, 2.0"),
    "greater": (np.greater, "Whether x1 > x2.", "0.5, 2.0"),
    "greater_equal": (np.greater_equal, "Whether x1 >= x2.", "0.5, 2.0"),
    "logical_and": (np.logical_and, "Whether both hold.", "1, 0"),
    "logical_or": (np.logical_or, "Whether one of both holds.", "1, 0"),
    "logical_xor": (np.logical_xor, "Whether just one of both holds.", "1, 0"),
}
ELEMENTWISE = {name: _make(name, *entry[:2], "x", entry[2]) for name, entry in _OF_ONE.items()}
ELEMENTWISE |= {name: _make(name, *entry[:2], "x1, x2", entry[2]) for name, entry in _OF_TWO.items()}
ELEMENTWISE |= {"absolute": ELEMENTWISE["abs"], "true_divide": ELEMENTWISE["divide"]}


def where(condition: Any, x1: Any, x2: Any) -> Any:
    """x1 where the condition holds, else x2.

    Parameters
    ----------
    condition : comparison of nodes, or array
    x1, x2 : number, array or Node

    Examples
    --------
    >>> import fastbp, numpy
    >>> x = numpy.array([-1.0, 2.0])
    >>> fastbp.ops.where(x > 0, x, 0.0)
    array([0., 2.])
    """
    return quiet(np.where, condition, x1, x2)


def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    """x, but at least ``x_min`` and at most ``x_max``.

    Parameters
    ----------
    x : number, array or Node
    x_min, x_max : number or array

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.clip([-1.0, 0.5, 2.0], 0.0, 1.0)
    array([0. , 0.5, 1. ])
    """
    return quiet(lambda value: np.minimum(np.maximum(value, x_min), x_max), x)


def cast(x: Any, dtype: Any) -> Any:
    """x as numbers of another type. In a formula all numbers have one type: a condition becomes 1 and 0, "bool" a condition.

    Parameters
    ----------
    x : number, array or Node
    dtype : str

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.cast([0.5, 2.0], "int32")
    array([0, 2], dtype=int32)
    """
    kind = np.dtype(dtype).kind
    if not isinstance(x, Arithmetic):
        return np.asarray(x).astype(dtype)
    if kind == "b":
        return x if x.is_logical else functions.apply("ne", x, 0.0)
    return functions.where(x, 1.0, 0.0) if x.is_logical else x
