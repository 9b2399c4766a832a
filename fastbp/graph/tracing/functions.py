"""The functions that a formula may use. On nodes they make nodes; on numbers and arrays they compute, as NumPy's do."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .arithmetic import Arithmetic
from .errors import trace_error
from .node import NodeTape
from .operators import UNARY, evaluate
from .special.operator import Operator
from .special.table import SPECIAL

_DOC = """{about}

Parameters
----------
{parameters} : number, array or Node

Examples
--------
>>> import fastbp
>>> print(f"{{fastbp.{name}({at}):.6f}}")
{result}
"""

_ABOUT = {
    "abs": "The absolute value; its derivative at 0 is 0.",
    "sign": "-1, 0 or 1; its derivative is 0 everywhere.",
    "sqrt": "The square root.",
    "exp": "e^x.",
    "exp2": "2^x, exact for whole numbers.",
    "expm1": "e^x - 1, exact to the last digits near 0.",
    "log": "The natural logarithm.",
    "log2": "The logarithm to base 2, exact for powers of 2.",
    "log10": "The logarithm to base 10, exact for powers of 10.",
    "log1p": "log(1 + x), exact to the last digits near 0.",
    "sin": "The sine.",
    "cos": "The cosine.",
    "tan": "The tangent.",
    "arcsin": "The angle whose sine is x.",
    "arccos": "The angle whose cosine is x.",
    "arctan": "The angle whose tangent is x.",
    "sinh": "The hyperbolic sine.",
    "cosh": "The hyperbolic cosine.",
    "tanh": "The hyperbolic tangent.",
    "arcsinh": "The number whose hyperbolic sine is x.",
    "arccosh": "The number from 0 on whose hyperbolic cosine is x.",
    "arctanh": "The number whose hyperbolic tangent is x.",
    "sigmoid": "1 / (1 + e^-x).",
    "relu": "x where it is positive, else 0; its derivative at 0 is 0.",
    "softplus": "log(1 + e^x).",
    "erf": "The error function.",
}


def tape_of(values: Sequence[Any]) -> NodeTape | None:
    """The tape of the first node among the values (or inside arrays among them), or None."""
    for value in values:
        if isinstance(value, Arithmetic):
            tape: NodeTape = value.tape
            return tape
        if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.dtype == object and value.ndim):
            found = tape_of(list(value))
            if found is not None:
                return found
    return None


def as_node(tape: NodeTape, value: Any) -> Any:
    """A number, an array, a list of nodes or a node as a node or an array of nodes."""
    node = tape.lift(value)
    if node is None:
        raise trace_error(f"A formula cannot compute with {value!r}.", "Use numbers, arrays and nodes.")
    return node


def apply(op: str, *values: Any) -> Any:
    """An elementwise operator on nodes, or at once on numbers and arrays."""
    tape = tape_of(values)
    if tape is None:
        return evaluate(op, values)
    return tape.apply(op, *(as_node(tape, v) for v in values))


def _unary(name: str) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        return apply(name, x)

    at = 1.5 if name == "arccosh" else 0.5
    function.__name__ = function.__qualname__ = name
    result = f"{float(evaluate(name, [at])):.6f}"
    function.__doc__ = _DOC.format(about=_ABOUT[name], parameters="x", name=name, at=at, result=result)
    return function


_unary_functions = {name: _unary(name) for name in UNARY}
sqrt, exp, expm1, log, log1p = (_unary_functions[name] for name in ("sqrt", "exp", "expm1", "log", "log1p"))
sin, cos, tan, arcsin, arccos, arctan = (_unary_functions[n] for n in ("sin", "cos", "tan", "arcsin", "arccos", "arctan"))
sinh, cosh, tanh, sigmoid, relu = (_unary_functions[name] for name in ("sinh", "cosh", "tanh", "sigmoid", "relu"))
softplus, erf, sign, abs = (_unary_functions[name] for name in ("softplus", "erf", "sign", "abs"))  # noqa: A001
exp2, log2, log10 = (_unary_functions[name] for name in ("exp2", "log2", "log10"))
arcsinh, arccosh, arctanh = (_unary_functions[name] for name in ("arcsinh", "arccosh", "arctanh"))


def _of_table(operator: Operator) -> Callable[..., Any]:
    """The public function of an entry of the table."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature([inspect.Parameter(name, kind) for name in operator.parameters])

    def function(*args: Any, **named: Any) -> Any:
        return apply(operator.name, *signature.bind(*args, **named).args)

    function.__name__ = function.__qualname__ = operator.name
    function.__signature__ = signature  # type: ignore[attr-defined]
    names, at = ", ".join(operator.parameters), ", ".join(map(repr, operator.at))
    function.__doc__ = _DOC.format(about=operator.about, parameters=names, name=operator.name, at=at, result=operator.shown)
    return function


globals().update({name: _of_table(operator) for name, operator in SPECIAL.items() if operator.public})


def where(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, else y. Derivatives flow only to the one that was taken.

    Parameters
    ----------
    condition : comparison of nodes, or array
    x, y : number, array or Node

    Examples
    --------
    >>> import fastbp
    >>> fastbp.grad(lambda x: fastbp.where(x > 0, x**2, 3 * x))(-1.0)
    3.0
    """
    return apply("where", condition, x, y)


def minimum(x: Any, y: Any) -> Any:
    """The smaller one. Where both are equal each gets half of the derivative.

    Parameters
    ----------
    x, y : number, array or Node

    Examples
    --------
    >>> import fastbp
    >>> fastbp.grad(lambda x: fastbp.minimum(x, 2.0))(2.0)
    0.5
    """
    return apply("minimum", x, y)


def maximum(x: Any, y: Any) -> Any:
    """The larger one. Where both are equal each gets half of the derivative.

    Parameters
    ----------
    x, y : number, array or Node

    Examples
    --------
    >>> import fastbp
    >>> fastbp.grad(lambda x: fastbp.maximum(x, 2.0))(3.0)
    1.0
    """
    return apply("maximum", x, y)


def hypot(x: Any, y: Any) -> Any:
    """The square root of x^2 + y^2, also where x^2 would overflow; its derivatives at (0, 0) are 0.

    Parameters
    ----------
    x, y : number, array or Node

    Examples
    --------
    >>> import fastbp
    >>> fastbp.grad(fastbp.hypot)(3.0, 4.0)
    0.6
    """
    return apply("hypot", x, y)


def logaddexp(x: Any, y: Any) -> Any:
    """log(e^x + e^y), also where e^x would overflow.

    Parameters
    ----------
    x, y : number, array or Node

    Examples
    --------
    >>> import fastbp
    >>> fastbp.grad(fastbp.logaddexp)(1000.0, 1000.0)
    0.5
    """
    return apply("logaddexp", x, y)


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A001
    """The sum over all rows of the data (a single number is its own sum).

    Parameters
    ----------
    x : number, array or Node
    axis : int, optional
        Over which axis; over all if not given. In a loss, -1 for the sum over the outputs of each sample.
    keepdims : bool
        Whether the axis stays, with size 1.

    Examples
    --------
    >>> import fastbp, numpy
    >>> fastbp.grad(lambda w, x: fastbp.sum(w * x))(2.0, numpy.array([1.0, 2.0, 3.0]))
    6.0
    """
    tape = tape_of([x])
    return np.sum(x, axis=axis, keepdims=keepdims) if tape is None else as_node(tape, x).sum(axis, keepdims=keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean over all rows of the data.

    Parameters
    ----------
    x : number, array or Node
    axis : int, optional
        Over which axis; over all if not given. In a loss, -1 for the mean over the outputs of each sample.
    keepdims : bool
        Whether the axis stays, with size 1.

    Examples
    --------
    >>> import fastbp, numpy
    >>> fastbp.grad(lambda w, x: fastbp.mean(w * x))(2.0, numpy.array([1.0, 2.0, 3.0]))
    2.0
    """
    tape = tape_of([x])
    return np.mean(x, axis=axis, keepdims=keepdims) if tape is None else as_node(tape, x).mean(axis, keepdims=keepdims)


def stack(values: Sequence[Any], axis: int = 0) -> Any:
    """Numbers as a vector, or arrays along a new axis: what a formula with several results returns.

    Parameters
    ----------
    values : sequence of numbers and Nodes
    axis : int
        Where the new axis is.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.jacobian(lambda x: fastbp.stack([x, x**2, x**3]))(2.0)
    array([ 1.,  4., 12.])
    """
    tape = tape_of(values)
    return np.stack(list(values), axis) if tape is None else tape.apply_function(np.stack, (list(values), axis), {})
