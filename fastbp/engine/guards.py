"""FASTBP_DEBUG=1: every buffer that compiled code writes to lies between canaries, which are looked at after each call.

A kernel that writes past the end of a buffer, or before its beginning, is then found by the call that did it, with the
buffer's name. New buffers whose contents nobody should rely on hold the same bytes. Without the variable nothing of this is
there: arrays are NumPy's own, and ``checked`` gives back the function that it is given.
"""

import functools
import itertools
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

ENABLED = os.environ.get("FASTBP_DEBUG", "").strip() not in ("", "0")  # as it was when fastbp was imported

GUARD = 512  # bytes of canaries on either side: more than the widest vectors of a panel's row
ALIGNMENT = 128  # bytes: two cache lines, which processors fetch in pairs
_CANARY = 0xA5  # as a float it is tiny and negative, as an address nobody's

P = ParamSpec("P")
R = TypeVar("R")


class BufferOverrun(RuntimeError):
    """Compiled code wrote outside of a buffer: a fault of fastbp, which FASTBP_DEBUG=1 has found."""


_numbers, _lock = itertools.count(), threading.Lock()
_guarded: dict[int, tuple[Any, str, int, int]] = {}  # a weak reference to the memory, the name, where it begins and ends
_gone: deque[int] = deque()


def guarded(name: str, shape: Any, dtype: Any, zeroed: bool) -> np.ndarray:
    """A new aligned array between canaries."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    memory = np.full(size + 2 * GUARD + ALIGNMENT, _CANARY, np.uint8)
    start = GUARD + -(memory.ctypes.data + GUARD) % ALIGNMENT
    stop, number = start + size, next(_numbers)
    array: np.ndarray = memory[start:stop].view(dtype).reshape(shape)
    if zeroed:
        memory[start:stop] = 0
    with _lock:
        _guarded[number] = weakref.ref(memory, lambda _: _gone.append(number)), name, start, stop
    return array


def check() -> None:
    """Raise BufferOverrun if anything was written outside of a buffer that is still there."""
    with _lock:
        while _gone:
            _guarded.pop(_gone.popleft(), None)
        found = list(_guarded.items())
    for number, (reference, name, start, stop) in found:
        memory = reference()
        if memory is None:
            continue
        for side, part, first in (("before", memory[:start], 0), ("after", memory[stop:], stop)):
            if part.tobytes().strip(bytes([_CANARY])):
                places = np.flatnonzero(part != _CANARY) + first - (start if side == "before" else stop)
                with _lock:
                    _guarded.pop(number, None)  # it is told once
                raise BufferOverrun(
                    f"compiled code wrote {side} the buffer {name!r} of {stop - start} bytes, at {_places(places)} "
                    f"bytes from its {'beginning' if side == 'before' else 'end'}"
                )


def _places(places: np.ndarray) -> str:
    return f"{places[0]}" if len(places) == 1 else f"{places[0]} .. {places[-1]}"


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """A function after which the canaries are looked at, whatever it raises."""
    if not ENABLED:
        return function

    @functools.wraps(function)
    def call(*arguments: P.args, **named: P.kwargs) -> R:
        try:
            return function(*arguments, **named)
        finally:
            check()

    return call
