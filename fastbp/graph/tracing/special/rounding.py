"""The operators that round, and division with remainder.

Their derivatives are those on either side of their steps, as in JAX: 0 of what is flat there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .operator import Operator


def _flat(f: Any, v: Any, *x: Any) -> tuple[None, ...]:
    return (None,) * len(x)


def _rounding(name: str, about: str, shown: str, reference: Callable[..., Any]) -> Operator:
    return Operator(name, f"{about}; its derivative is 0.", ("rounding", name), _flat, shown, (-1.5,), reference, (name,))


def _pair(name: str, about: str, rule: Any, shown: str, at: tuple[float, float], reference: Any) -> Operator:
    function = ("rounding", name)
    return Operator(name, about, function, rule, shown, at, reference, (reference.__name__,), parameters=("x", "y"))


OPERATORS = (
    _rounding("floor", "The largest whole number that is not larger", "-2.000000", np.floor),
    _rounding("ceil", "The smallest whole number that is not smaller", "-1.000000", np.ceil),
    _rounding("trunc", "x without its fraction", "-1.000000", np.trunc),
    _rounding("rint", "The nearest whole number, halves to even", "-2.000000", np.rint),
    _pair(
        "mod",
        "The rest of x / y with the sign of y: Python's ``x % y``, NumPy's remainder.",
        lambda f, v, x, y: (1.0, -f.floor_divide(x, y)),
        "0.500000",
        (-1.5, 2.0),
        np.remainder,
    ),
    _pair(
        "fmod",
        "The rest of x / y with the sign of x, as in C.",
        lambda f, v, x, y: (1.0, -f.rint((x - v) / y)),
        "-1.500000",
        (-1.5, 2.0),
        np.fmod,
    ),
    _pair(
        "floor_divide",
        "The largest whole number up to x / y: Python's ``x // y``; its derivatives are 0.",
        _flat,
        "-1.000000",
        (-1.5, 2.0),
        np.floor_divide,
    ),
    _pair(
        "copysign",
        "The size of x with the sign of y.",
        lambda f, v, x, y: (f.sign(x) * f.copysign(1.0, y), None),
        "-1.500000",
        (1.5, -2.0),
        np.copysign,
    ),
    _pair(
        "heaviside",
        "0 for negative x, 1 for positive x, y at 0; its derivative with respect to x is 0.",
        lambda f, v, x, y: (None, f.where(f.eq(x, 0.0), 1.0, 0.0)),
        "1.000000",
        (1.5, 0.5),
        np.heaviside,
    ),
)
