"""Processes that begin at once take turns to compile: the first does, the others find what it has left.

The lock is on the cache folder itself, so no file of it stays. The system gives it back when a process ends, however that is.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ...forks import at_fork
from . import disk_cache

try:
    import fcntl
except ImportError:  # Windows: each compiles for itself
    fcntl = None  # type: ignore[assignment]

MAX_WAIT = 300.0  # seconds, after which a process goes on without its turn: nobody compiles for so long

_held: set[int] = set()  # descriptors


@contextmanager
def turn() -> Iterator[None]:
    """Be the only process to compile for this cache folder, as far as the file system can tell."""
    descriptor = _opened()
    try:
        if descriptor is not None:
            _held.add(descriptor)
            _wait(descriptor)
        yield
    finally:
        if descriptor is not None:
            _held.discard(descriptor)
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing would not do where a child has the descriptor too
            os.close(descriptor)


def _opened() -> int | None:
    if fcntl is None or not disk_cache.is_writable():
        return None
    try:
        return os.open(disk_cache.directory(), os.O_RDONLY)
    except OSError:
        return None


def _wait(descriptor: int) -> None:
    """Until it is this one's turn. Not within one call: Ctrl-C must reach it."""
    end = time.monotonic() + MAX_WAIT
    while time.monotonic() < end:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(0.02)
        except OSError:  # a file system without locks
            return


def _forget() -> None:
    """In a forked child: the turn is its parent's."""
    while _held:
        with suppress(OSError):
            os.close(_held.pop())


at_fork(after_in_child=_forget)
