"""Which functions depend on nothing but their arguments, as far as that is known."""

from __future__ import annotations

import sys
import types

# Packages of pure functions, and what in them is impure.
_PURE = {
    *("math", "cmath", "operator", "_operator", "builtins", "itertools", "functools", "_functools", "collections", "numbers"),
    *("typing", "abc", "fastbp", "numpy", "scipy.special", "scipy.constants", "scipy.interpolate", "scipy._lib"),
}
IMPURE_MODULES = ("numpy.random",)
IMPURE_NAMES = {
    *("open", "input", "eval", "exec", "compile", "globals", "locals", "vars", "getattr", "hasattr", "dir", "id", "__import__"),
    *("attrgetter", "methodcaller", "lru_cache", "cache", "load", "loadtxt", "genfromtxt", "fromfile", "memmap", "geterr"),
    *("empty", "empty_like", "__dict__", "__getattribute__", "__globals__", "__closure__"),
}


def is_pure(module: str) -> bool:
    """Whether a module is of a package whose functions are pure."""
    return any(module == p or module.startswith(f"{p}.") for p in _PURE) and not module.startswith(IMPURE_MODULES)


def is_library(f: types.FunctionType) -> bool:
    """Whether it is a function of a known package, and does not only claim to be."""
    module = f.__module__ or ""
    return is_pure(module) and module in sys.modules and f.__globals__ is vars(sys.modules[module])
