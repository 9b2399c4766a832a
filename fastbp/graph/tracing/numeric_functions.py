"""NumPy's and scipy's names for what is made of the table's operators: roundings, and Bessel functions of a fixed order."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from . import functions
from .complex_numbers import ComplexNode, angle, wofz
from .errors import trace_error
from .functions import apply, as_node, tape_of
from .interpolation import interp
from .special import bessel


def _node(x: Any) -> Any:
    tape = tape_of([x])
    assert tape is not None
    return as_node(tape, x)


def _modf(x: Any) -> tuple[Any, Any]:
    whole = apply("trunc", x)
    rest = functions.where(apply("eq", apply("abs", x), math.inf), 0.0, x - whole)
    return apply("copysign", rest, x), whole


def _real(x: Any) -> Any:
    return x + 0.0


def _of_order(family: str) -> Callable[[Any, Any], Any]:
    """A Bessel function of a whole order that is known when the formula is traced."""

    def function(order: Any, x: Any) -> Any:
        if getattr(order, "op", None) != "constant" or not float(order.attr).is_integer():
            raise trace_error(
                f"A formula knows {family}v(order, x) for fixed whole orders only.",
                "Write the order as a number, such as 2: it cannot be fitted, nor be a fraction.",
            )
        name, sign = bessel.name_of(family, int(order.attr))
        if not name:
            raise trace_error(
                f"A formula knows {family}v(order, x) up to order {bessel.MAX_ORDER[family]}, not {int(order.attr)}.",
                "Compute it before and pass it in as data.",
            )
        value = apply(name, x)
        return -value if sign < 0 else value

    return function


NUMERIC_UFUNCS: dict[str, Callable[..., Any]] = {
    "signbit": lambda x: apply("copysign", 1.0, x) < 0.0,
    "conjugate": _real,
    "divmod": lambda x, y: (apply("floor_divide", x, y), apply("mod", x, y)),
    "modf": _modf,
    "round": lambda x: apply("rint", x),  # scipy.special's
    "log_expit": lambda x: -functions.softplus(-x),
    "exp10": lambda x: apply("pow", 10.0, x),
    "wofz": lambda x: wofz(ComplexNode(x, x.tape.constant(0.0))),
    **{name: _of_order(family) for name, family in {"jv": "j", "yn": "y", "yv": "y", "iv": "i"}.items()},
}

NUMERIC_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: lambda a, decimals=0, out=None: _node(a).round(decimals, out) for name in ("round", "around")},
    "fix": lambda x: apply("trunc", x),
    "sinc": lambda x: apply("sinc", x),
    "i0": lambda x: apply("i0", x),
    "interp": interp,
    "angle": lambda z, deg=False: angle(ComplexNode(z, z.tape.constant(0.0)), deg),
}
