"""What a formula sees besides its arguments: the cache of traced formulas must notice when that changes."""

from __future__ import annotations

import types
from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np

SMALL = 64  # arrays up to this size always count by their contents
_DEPTH = 4
_PLAIN = (int, float, complex, bool, str, bytes, type(None))
_HEAP_TYPE = 1 << 9  # of classes that are written in Python
_INERT = (types.ModuleType, type, types.BuiltinFunctionType, np.ufunc)


def fingerprint(f: Callable[..., Any], read: Collection[int] = ()) -> tuple[Any, ...]:
    """Equal for two calls of f that read the same numbers, functions and arrays around them.

    Objects count by who they are and by their attributes, arrays by their contents too: a formula may have read single
    elements of them. Large arrays whose ids are in ``read`` count by who they are alone: the compiled formula goes through
    them at each call.
    """
    return tuple(_freeze(value, 0, set(), read) for value in _read(f))


def _read(f: Any) -> Iterator[Any]:
    """What a Python function refers to."""
    while hasattr(f, "__wrapped__"):
        f = f.__wrapped__
    call = getattr(type(f), "__call__", None)  # noqa: B004
    if isinstance(call, types.FunctionType):  # an object that is called like a function
        f = types.MethodType(call, f)
    if isinstance(f, types.MethodType):
        yield from vars(f.__self__).values() if hasattr(f.__self__, "__dict__") else (f.__self__,)
        yield from _class_attributes(type(f.__self__))
        f = f.__func__
    if hasattr(f, "func") and hasattr(f, "keywords"):  # functools.partial
        yield from f.args
        yield from f.keywords.values()
        f = f.func
    if not isinstance(f, types.FunctionType):
        return
    yield from f.__defaults__ or ()
    yield from (f.__kwdefaults__ or {}).values()
    for cell in f.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            continue
    for name in _names(f.__code__):
        if name in f.__globals__:
            yield f.__globals__[name]


def _class_attributes(kind: type) -> Iterator[Any]:
    """Numbers, arrays and methods of a class that is written in Python."""
    for base in kind.__mro__:
        if base.__flags__ & _HEAP_TYPE:
            yield from (value for name, value in list(vars(base).items()) if not name.startswith("__"))


def _names(code: types.CodeType) -> Iterator[str]:
    """The global names of a function, those inside of its comprehensions and lambdas too."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _freeze(value: Any, depth: int, seen: set[int], read: Collection[int]) -> Any:
    if isinstance(value, _PLAIN):
        return value if value == value else "nan"
    if isinstance(value, np.ndarray) and value.dtype != object:
        if value.size <= SMALL:
            return value.tobytes(), value.shape, id(value)
        return (id(value),) if id(value) in read else (id(value), hash(value.tobytes()))
    if depth < _DEPTH and id(value) not in seen and not isinstance(value, _INERT):
        seen.add(id(value))
        if isinstance(value, list | tuple):
            return type(value), tuple(_freeze(v, depth + 1, seen, read) for v in value)
        if isinstance(value, dict):
            return tuple((repr(k), _freeze(v, depth + 1, seen, read)) for k, v in value.items())
        if isinstance(value, types.FunctionType) and not value.__module__.startswith(("fastbp.", "numpy.", "scipy.")):
            return id(value), tuple(_freeze(v, depth + 1, seen, read) for v in _read(value))
        if type(value).__flags__ & _HEAP_TYPE and hasattr(value, "__dict__") and not callable(value):
            return id(value), tuple((k, _freeze(v, depth + 1, seen, read)) for k, v in list(vars(value).items()))
    return id(value)
