"""The derivative of every operator, once: the graph and the step-by-step pass both use it.

``RULES[op](g, v, *args)`` gives for each argument what it adds to that argument's derivative (None: nothing), where ``g`` is
the derivative of the result by the node and ``v`` the node's own value. Everything may be a Node, a number or an array.

At kinks, as in JAX: abs has slope 0 at 0, relu has slope 0 at 0, and minimum and maximum of equal values give each half.
Comparisons and sign have slope 0 everywhere; where gives its derivative only to the value that was taken. What was not taken
may be infinite or NaN, or have such a slope: it gets 0 all the same (where JAX gives NaN).
"""

import math
from collections.abc import Callable
from typing import Any

from .functions import apply

Rule = Callable[..., tuple[Any, ...]]


def _where(condition: Any, x: Any, y: Any) -> Any:
    return apply("where", condition, x, y)


def _f(name: str) -> Callable[[Any], Any]:
    return lambda x: apply(name, x)


_exp, _log, _sqrt, _sin, _cos, _sinh, _cosh, _sigmoid, _sign = map(
    _f, ("exp", "log", "sqrt", "sin", "cos", "sinh", "cosh", "sigmoid", "sign")
)


def _lt(x: Any, y: Any) -> Any:
    return apply("lt", x, y)


def _extreme(g: Any, first: Any, tie: Any) -> tuple[Any, Any]:
    """Derivatives by the two arguments of minimum and maximum: ``first`` tells where the first one is taken."""
    half = 0.5 * g
    return _where(tie, half, _where(first, g, 0.0)), _where(tie, half, _where(first, 0.0, g))


def _power(g: Any, v: Any, x: Any, y: Any) -> tuple[Any, Any]:
    zero = apply("eq", y, 0.0)
    by_base = _where(zero, 0.0, g * (y * apply("pow", x, _where(zero, 1.0, y - 1.0))))
    # x^y log x has the limit 0 at x = 0.
    at_zero = apply("eq", x, 0.0)
    by_exponent = _where(at_zero, 0.0, g * (v * _log(_where(at_zero, 1.0, x))))
    return by_base, by_exponent


def _where_rule(g: Any, v: Any, condition: Any, x: Any, y: Any) -> tuple[Any, ...]:
    return None, _where(condition, g, 0.0), _where(condition, 0.0, g)


def _quotient(g: Any, v: Any, x: Any, y: Any) -> tuple[Any, Any]:
    return g / y, -(g * (v / y))


def _none(g: Any, v: Any, *args: Any) -> tuple[None, ...]:
    return (None,) * len(args)


RULES: dict[str, Rule] = {
    "add": lambda g, v, x, y: (g, g),
    "sub": lambda g, v, x, y: (g, -g),
    "mul": lambda g, v, x, y: (g * y, g * x),
    "div": _quotient,
    "pow": _power,
    "neg": lambda g, v, x: (-g,),
    "abs": lambda g, v, x: (g * _sign(x),),
    "sqrt": lambda g, v, x: (g * (0.5 / v),),
    "exp": lambda g, v, x: (g * v,),
    "expm1": lambda g, v, x: (g * _exp(x),),
    "log": lambda g, v, x: (g / x,),
    "log1p": lambda g, v, x: (g / (1.0 + x),),
    "sin": lambda g, v, x: (g * _cos(x),),
    "cos": lambda g, v, x: (-(g * _sin(x)),),
    "tan": lambda g, v, x: (g * (1.0 + v * v),),
    "arcsin": lambda g, v, x: (g / _sqrt((1.0 - x) * (1.0 + x)),),
    "arccos": lambda g, v, x: (-(g / _sqrt((1.0 - x) * (1.0 + x))),),
    "arctan": lambda g, v, x: (g / (1.0 + x * x),),
    "sinh": lambda g, v, x: (g * _cosh(x),),
    "cosh": lambda g, v, x: (g * _sinh(x),),
    "tanh": lambda g, v, x: (g * ((1.0 - v) * (1.0 + v)),),
    "sigmoid": lambda g, v, x: (g * (v * _sigmoid(-x)),),
    "relu": lambda g, v, x: (_where(_lt(0.0, x), g, 0.0),),
    "softplus": lambda g, v, x: (g * _sigmoid(x),),
    "erf": lambda g, v, x: (g * ((2.0 / math.sqrt(math.pi)) * _exp(-(x * x))),),
    "minimum": lambda g, v, x, y: _extreme(g, _lt(x, y), apply("eq", x, y)),
    "maximum": lambda g, v, x, y: _extreme(g, _lt(y, x), apply("eq", x, y)),
    "where": _where_rule,
    **dict.fromkeys(("sign", "lt", "le", "eq", "ne", "and", "or", "not"), _none),
}
