"""While formulas are traced, the splines of scipy.interpolate may be called with nodes.

They turn what they are called with into an array at once, which NumPy gives no way to answer for. So their classes get a
``__call__`` that looks for nodes first, as long as some thread is tracing, and their own back afterwards.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .functions import tape_of
from .interpolation import spline_at

_lock = threading.Lock()
_tracing = 0
_own: list[tuple[type, Callable[..., Any]]] = []


@contextmanager
def splines_take_nodes() -> Iterator[None]:
    """If there are any splines."""
    global _tracing  # noqa: PLW0603
    module = sys.modules.get("scipy.interpolate")
    if module is None:
        yield
        return
    with _lock:
        _tracing += 1
        if _tracing == 1:
            for kind in _classes(module):
                _own.append((kind, kind.__call__))
                kind.__call__ = _call(kind.__call__)  # type: ignore[method-assign]
    try:
        yield
    finally:
        with _lock:
            _tracing -= 1
            if not _tracing:
                while _own:
                    kind, call = _own.pop()
                    kind.__call__ = call  # type: ignore[method-assign]


def _classes(module: Any) -> list[Any]:
    """Those that define the ``__call__`` of a BSpline, and of a PPoly and its kin."""
    kinds = (*module.BSpline.__mro__, *module.PPoly.__mro__)
    return [kind for kind in kinds if "__call__" in vars(kind)]


def _call(own: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(own)
    def call(self: Any, x: Any, nu: Any = 0, extrapolate: Any = None) -> Any:
        return own(self, x, nu, extrapolate) if tape_of([x]) is None else spline_at(self, x, nu, extrapolate)

    return call
