"""The derivative of every operator, once: the graph and the step-by-step pass both use it.

``RULES[op](g, v, *args)`` gives for each argument what it adds to that argument's derivative (None: nothing), where ``g`` is
the derivative of the result with respect to the node and ``v`` the node's own value. Everything may be a Node, a number or an
array.

At kinks, as in JAX: the derivatives of abs and relu at 0 and of hypot at (0, 0) are 0; minimum and maximum of equal values,
and logaddexp of equal infinities, give half to each. Those of comparisons and sign are 0 everywhere. where gives its derivative
only to the value that was taken: the other one may be infinite or NaN, or have such a derivative, and gets 0 all the same
(where JAX gives NaN).

Rules are differentiated again. So they use operators whose own rules have no cancellation: the derivative of tanh
is one_minus_square(v), for (1 - v) (1 + v) as a product would have a difference of two numbers near 1 as its derivative.
"""

import math
from collections.abc import Callable
from typing import Any

from ..tracing.errors import trace_error
from ..tracing.functions import apply
from ..tracing.node import Node
from ..tracing.operators import ELEMENTWISE
from ..tracing.special.operator import Operator, OperatorTable
from ..tracing.special.table import SPECIAL

Rule = Callable[..., tuple[Any, ...]]


def _where(condition: Any, x: Any, y: Any) -> Any:
    return apply("where", condition, x, y)


def _f(name: str) -> Callable[[Any], Any]:
    return lambda x: apply(name, x)


_exp, _log, _sqrt, _sin, _cos, _sinh, _cosh, _tanh, _sigmoid, _sigmoid_derivative, _sign, _one_minus_square = map(
    _f,
    (
        *("exp", "log", "sqrt", "sin", "cos", "sinh", "cosh", "tanh"),
        *("sigmoid", "sigmoid_derivative", "sign", "one_minus_square"),
    ),
)


def _cosine_of(x: Any, y: Any) -> Any:
    return apply("cosine_of", x, y)


def _lt(x: Any, y: Any) -> Any:
    return apply("lt", x, y)


def _extreme(g: Any, first: Any, tie: Any) -> tuple[Any, Any]:
    """Derivatives with respect to the two arguments of minimum and maximum: ``first`` is true where the first is taken."""
    half = 0.5 * g
    return _where(tie, half, _where(first, g, 0.0)), _where(tie, half, _where(first, 0.0, g))


def _power(g: Any, v: Any, x: Any, y: Any) -> tuple[Any, Any]:
    # x^y log x has the limit 0 at x = 0. There x^0 has no derivative; elsewhere it is 0, but that changes with y.
    at_zero = apply("eq", x, 0.0)
    flat = apply("eq", y, 0.0)
    if isinstance(y, Node) and y.op != "constant":
        flat = apply("and", at_zero, flat)
    base_term = _where(flat, 0.0, g * (y * apply("pow", x, _where(flat, 1.0, y - 1.0))))
    exponent_term = _where(at_zero, 0.0, g * (v * _log(_where(at_zero, 1.0, x))))
    return base_term, exponent_term


def _hypot(g: Any, v: Any, x: Any, y: Any) -> tuple[Any, Any]:
    return g * _cosine_of(x, y), g * _cosine_of(y, x)


def _cosine_rule(g: Any, v: Any, x: Any, y: Any) -> tuple[Any, Any]:
    other = g * (_cosine_of(y, x) / apply("hypot", x, y))
    return other * _cosine_of(y, x), -(other * v)


def _logaddexp(g: Any, v: Any, x: Any, y: Any) -> tuple[Any, Any]:
    # Equal infinities have no difference.
    same = apply("and", apply("eq", x, y), apply("eq", apply("abs", x), math.inf))
    difference = _where(same, 0.0, x - y)
    return g * _sigmoid(difference), g * _sigmoid(-difference)


def _where_rule(g: Any, v: Any, condition: Any, x: Any, y: Any) -> tuple[Any, ...]:
    return None, _where(condition, g, 0.0), _where(condition, 0.0, g)


def _quotient(g: Any, v: Any, x: Any, y: Any) -> tuple[Any, Any]:
    return g / y, -(g * (v / y))


def _none(g: Any, v: Any, *args: Any) -> tuple[None, ...]:
    return (None,) * len(args)


class _Operators:
    """All operators as functions: ``f.exp(x)``, and by their names: ``f.apply(name, x)``."""

    apply = staticmethod(apply)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):  # libraries probe for these
            raise AttributeError(name)
        if name not in ELEMENTWISE:
            raise trace_error(f"A graph has no operator {name}, for a derivative of that order.", "Use lower derivatives.")
        return lambda *x: apply(name, *x)


def _of_table(operator: Operator) -> Rule:
    """The rule of an entry of the table."""

    def rule(g: Any, v: Any, *x: Any) -> tuple[Any, ...]:
        return tuple(d if d is None else g * d for d in operator.derivatives(_OPERATORS, v, *x))

    return rule


_OPERATORS = _Operators()

_RULES: dict[str, Rule] = {
    "add": lambda g, v, x, y: (g, g),
    "sub": lambda g, v, x, y: (g, -g),
    "mul": lambda g, v, x, y: (g * y, g * x),
    "div": _quotient,
    "pow": _power,
    "neg": lambda g, v, x: (-g,),
    "abs": lambda g, v, x: (g * _sign(x),),
    "sqrt": lambda g, v, x: (g * (0.5 / v),),
    "exp": lambda g, v, x: (g * v,),
    "exp2": lambda g, v, x: (g * (v * math.log(2.0)),),
    "expm1": lambda g, v, x: (g * _exp(x),),
    "log": lambda g, v, x: (g / x,),
    "log2": lambda g, v, x: (g * (1.0 / math.log(2.0)) / x,),
    "log10": lambda g, v, x: (g * (1.0 / math.log(10.0)) / x,),
    "log1p": lambda g, v, x: (g / (1.0 + x),),
    "sin": lambda g, v, x: (g * _cos(x),),
    "cos": lambda g, v, x: (-(g * _sin(x)),),
    "tan": lambda g, v, x: (g * (1.0 + v * v),),
    "arcsin": lambda g, v, x: (g / _sqrt(_one_minus_square(x)),),
    "arccos": lambda g, v, x: (-(g / _sqrt(_one_minus_square(x))),),
    "arctan": lambda g, v, x: (g / (1.0 + x * x),),
    "sinh": lambda g, v, x: (g * _cosh(x),),
    "cosh": lambda g, v, x: (g * _sinh(x),),
    "tanh": lambda g, v, x: (g * _one_minus_square(v),),
    "arcsinh": lambda g, v, x: (g / apply("hypot", x, 1.0),),
    "arccosh": lambda g, v, x: (g / (_sqrt(x - 1.0) * _sqrt(x + 1.0)),),
    "arctanh": lambda g, v, x: (g / _one_minus_square(x),),
    "sigmoid": lambda g, v, x: (g * _sigmoid_derivative(x),),
    "sigmoid_derivative": lambda g, v, x: (-(g * (v * _tanh(0.5 * x))),),
    "one_minus_square": lambda g, v, x: (-(g * (x + x)),),
    "relu": lambda g, v, x: (_where(_lt(0.0, x), g, 0.0),),
    "softplus": lambda g, v, x: (g * _sigmoid(x),),
    "erf": lambda g, v, x: (g * ((2.0 / math.sqrt(math.pi)) * _exp(-(x * x))),),
    "minimum": lambda g, v, x, y: _extreme(g, _lt(x, y), apply("eq", x, y)),
    "maximum": lambda g, v, x, y: _extreme(g, _lt(y, x), apply("eq", x, y)),
    "fmin": lambda g, v, x, y: _extreme(g, apply("or", _lt(x, y), apply("ne", y, y)), apply("eq", x, y)),
    "fmax": lambda g, v, x, y: _extreme(g, apply("or", _lt(y, x), apply("ne", y, y)), apply("eq", x, y)),
    "hypot": _hypot,
    "cosine_of": _cosine_rule,
    "logaddexp": _logaddexp,
    "where": _where_rule,
    **dict.fromkeys(("sign", "lt", "le", "eq", "ne", "and", "or", "not"), _none),
    **{name: _of_table(operator) for name, operator in SPECIAL.items()},
}
RULES = OperatorTable(_RULES, _of_table)
