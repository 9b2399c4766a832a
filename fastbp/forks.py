"""A forked child has its parent's memory but none of its other threads, so a lock that those held is never released there.

Each module repairs its own state. Locks around data are replaced in the child (engine.py, threads.py); a compilation must not
be left half done, so a fork waits until it is finished (kernels/simd/lock.py).
"""

import os
import threading
from collections.abc import Callable


def at_fork(**hooks: Callable[[], object]) -> None:
    """``os.register_at_fork``, on systems that have it."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(**hooks)


def lock() -> "threading.RLock":
    """A lock that a forked child has free, whichever thread of the parent held it."""
    made = threading.RLock()
    at_fork(after_in_child=made._at_fork_reinit)  # type: ignore[attr-defined]
    return made
