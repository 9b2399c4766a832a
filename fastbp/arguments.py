"""Checks of the names and numbers that a user passes, and their error texts."""

import inspect
import itertools
import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np


def unknown(argument: str, value: object, allowed: Iterable[str]) -> ValueError:
    """The error for a name that is none of ``allowed``, with the nearest one suggested."""
    from difflib import get_close_matches  # only an error needs it

    names = sorted(allowed)
    text = f"{argument} must be one of {', '.join(map(repr, names))}, got {value!r}"
    lower = {name.lower(): name for name in names}
    near = get_close_matches(str(value).lower(), lower)
    near.sort(key=lambda name: sorted(name) != sorted(str(value).lower()))  # letters that changed places are the likeliest
    return ValueError(text + (f". Did you mean {lower[near[0]]!r}?" if near else ""))


def unique_name(name: str, is_taken: Callable[[str], bool]) -> str:
    """``name``, or the first of name_1, name_2, ... that is not taken."""
    numbered = (f"{name}_{i}" if i else name for i in itertools.count())
    return next(candidate for candidate in numbered if not is_taken(candidate))


def lookup(
    argument: str, identifier: Any, base: type, classes: Mapping[str, type], allowed: str = "a name or an object"
) -> Any:
    """The object of ``base`` that a name, a class or an object stands for; case does not matter in names."""
    if isinstance(identifier, base):
        return identifier
    if isinstance(identifier, type) and identifier in classes.values():
        return identifier()
    if not isinstance(identifier, str):
        raise TypeError(f"{argument} must be {allowed} of fastbp.{base.__module__.split('.')[1]}, got {identifier!r}")
    names = {name.lower(): name for name in classes}
    if identifier.lower() not in names:
        raise unknown(argument, identifier, classes)
    return classes[names[identifier.lower()]]()


def check_signature(argument: str, value: Any, names: Sequence[str]) -> None:
    """Make sure that a function can be called with these positional arguments."""
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):  # NumPy's functions and the like have no signature
        return
    try:
        signature.bind(*names)
    except TypeError as error:
        wanted = f"{argument} must be a function of ({', '.join(names)})"
        raise TypeError(f"{wanted}, got {function_name(value)}{signature}: {error}") from None


def function_name(value: Any) -> str:
    """The name of a function, a partial or another callable object."""
    value = getattr(value, "func", value)
    return str(getattr(value, "__name__", type(value).__name__))


def integer(argument: str, value: Any, minimum: int) -> int:
    """``value`` as an int of at least ``minimum``; booleans and floats are refused."""
    if type(value) is int and value >= minimum:  # as nearly always
        return value
    allowed = f"{argument} must be an integer of at least {minimum}"
    if isinstance(value, bool) or not hasattr(value, "__index__") or np.ndim(value):
        raise TypeError(f"{allowed}, got {value!r}")
    try:
        result = operator.index(value)
    except TypeError:  # NumPy's floats have the method and refuse to use it
        raise TypeError(f"{allowed}, got {value!r}") from None
    if result < minimum:
        raise ValueError(f"{allowed}, got {result}")
    return result


def number(argument: str, value: Any, low: float = -math.inf, high: float = math.inf, below: bool = False) -> float:
    """``value`` as a finite float from ``low`` to ``high`` (with ``below``, less than ``high``)."""
    if type(value) is float and low <= value < high and -math.inf < value:
        return value
    allowed = f"{argument} must be a finite number"
    if low > -math.inf or high < math.inf:
        allowed += f" of at least {low:g}" if high == math.inf else f" in [{low:g}, {high:g}{')' if below else ']'}"
    if isinstance(value, bool | str | bytes) or not hasattr(value, "__float__") or np.ndim(value):
        raise TypeError(f"{allowed}, got {value!r}")
    result = float(value)
    if not (math.isfinite(result) and low <= result <= high) or (below and result == high):
        raise ValueError(f"{allowed}, got {result!r}")
    return result


def boolean(argument: str, value: Any) -> bool:
    """``value`` as a bool; other truthy values are refused."""
    if value is True or value is False:
        return bool(value)
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{argument} must be True or False, got {value!r}")
    return bool(value)


def dtype_name(value: Any) -> str:
    """A model's dtype as "float32" or "float64"."""
    try:
        name = str(np.dtype(value).name) if value is not None else None
    except TypeError:
        name = None
    if name not in ("float32", "float64"):
        raise ValueError(f"dtype must be 'float32' or 'float64', got {value!r}")
    return name


def verbosity(value: Any) -> int:
    """0, 1 or 2; "auto" is 1."""
    if isinstance(value, str) and value == "auto":
        return 1
    if isinstance(value, str) or value not in (0, 1, 2):
        raise ValueError(f"verbose must be 'auto', 0, 1 or 2, got {value!r}")
    return int(value)
