"""Every check on what a user hands in, and every error text."""

import math
import operator
from collections.abc import Iterable
from typing import Any


def unknown(argument: str, value: object, allowed: Iterable[str]) -> ValueError:
    """The error for a name that is none of ``allowed``, with the nearest one suggested."""
    from difflib import get_close_matches  # only an error needs it

    names = sorted(allowed)
    text = f"{argument} must be one of {', '.join(map(repr, names))}, got {value!r}"
    lower = {name.lower(): name for name in names}
    near = get_close_matches(str(value).lower(), lower, n=1)
    return ValueError(text + (f". Did you mean {lower[near[0]]!r}?" if near else ""))


def integer(argument: str, value: Any, minimum: int) -> int:
    """``value`` as an int of at least ``minimum``; booleans and floats are refused."""
    allowed = f"{argument} must be an integer of at least {minimum}"
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{allowed}, got {value!r}")
    number = operator.index(value)
    if number < minimum:
        raise ValueError(f"{allowed}, got {number}")
    return number


def number(argument: str, value: Any, low: float = -math.inf, high: float = math.inf, below: bool = False) -> float:
    """``value`` as a finite float from ``low`` to ``high`` (``below``: less than ``high``)."""
    allowed = f"{argument} must be a finite number"
    if low > -math.inf or high < math.inf:
        allowed += f" of at least {low:g}" if high == math.inf else f" in [{low:g}, {high:g}{')' if below else ']'}"
    if isinstance(value, (bool, str, bytes)) or not hasattr(value, "__float__") or getattr(value, "ndim", 0):
        raise TypeError(f"{allowed}, got {value!r}")
    result = float(value)
    if not (math.isfinite(result) and low <= result <= high) or (below and result == high):
        raise ValueError(f"{allowed}, got {result!r}")
    return result


def boolean(argument: str, value: Any) -> bool:
    """``value`` as a bool; NumPy's are welcome, other truthy things are not."""
    if not isinstance(value, bool) and type(value).__name__ not in ("bool", "bool_"):
        raise TypeError(f"{argument} must be True or False, got {value!r}")
    return bool(value)
