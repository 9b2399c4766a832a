"""What a formula reads besides its arguments, and whether that is still what it was when the formula was traced.

A traced formula may be used again only where everything around it is proven unchanged. ``ClosureFingerprint`` knows all that a
function's code can reach: closures, globals, defaults, attributes of objects, classes and modules, contents of containers
and arrays, and the same for every function it may call (``closure_walk.py``). Of each it holds the object itself, so that no
other gets the same id, or a copy of what may change in place. With something that is not known to stay the same, such as an
iterator, a random generator or a context variable, there is no proof: the formula is then traced at every call.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Collection
from operator import is_
from typing import Any

import numpy as np

from .closure_walk import MISSING, ClosureWalk, array_contents


class ClosureFingerprint:
    """All that a function can read besides its arguments, as it is now.

    Parameters
    ----------
    f : callable
        The formula, not yet called.
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        names: set[str] = set()
        while True:  # a function within reach adds names, which may bring others within reach
            self._walk = ClosureWalk(f, names)
            if self._walk.names <= names:
                break
            names = self._walk.names
        self.is_known = self._walk.is_known

    def unchanged(self) -> bool:
        """Whether everything is proven to be as it was."""
        if not self.is_known:
            return False
        walk = self._walk
        try:
            for table, name, value in walk.entries:
                if table.get(name, MISSING) is not value:
                    return False
            for owner, name, value in walk.attributes:
                if getattr(owner, name, MISSING) is not value:
                    return False
            for cell, value in walk.cells:
                if cell.cell_contents is not value:
                    return False
            for sequence, items in walk.sequences:
                if not _same(sequence, items):
                    return False
            for mapping, keys, values in walk.mappings:
                if not (_same(mapping.keys(), keys) and _same(mapping.values(), values)):
                    return False
            for array, contents in walk.contents:
                if array_contents(array) != contents:
                    return False
            for array, shape, dtype in walk.large_vectors:
                if array.shape != shape or array.dtype is not dtype:
                    return False
        except (ValueError, RuntimeError):  # a cell was emptied, a container changed during the comparison
            return False
        return True

    def with_arrays_as(self, stand_in: Callable[[np.ndarray], Any]) -> Callable[..., Any] | None:
        """The function with something else in place of the large arrays that it refers to, or None if there are none.

        What is traced with nodes for these arrays reads them at each call, and depends on their contents in no other way: so
        their contents need not be compared.
        """
        arrays = {id(array): stand_in(array) for array, _, _ in self._walk.large_vectors}
        f = self._walk.root
        if not arrays or not isinstance(f, types.FunctionType):
            return None
        cells = [types.CellType(arrays[i]) if (i := _content_id(cell)) in arrays else cell for cell in f.__closure__ or ()]
        found = {n: arrays[id(v)] for n in self._walk.root_names if id(v := f.__globals__.get(n)) in arrays}
        scope = {**f.__globals__, **found} if found else f.__globals__
        new = types.FunctionType(f.__code__, scope, f.__name__, f.__defaults__, tuple(cells) if cells else None)
        new.__kwdefaults__ = f.__kwdefaults__
        new.__dict__.update(f.__dict__)
        return new

    def forget_arrays(self) -> None:
        """The formula did not work with ``with_arrays_as``: what it takes from large arrays is unknown."""
        self.is_known = self.is_known and not self._walk.large_vectors


def _same(now: Collection[Any], then: tuple[Any, ...]) -> bool:
    return len(now) == len(then) and all(map(is_, now, then))


def _content_id(cell: Any) -> int:
    try:
        return id(cell.cell_contents)
    except ValueError:
        return 0
