"""A forked child has the memory of its parent but none of its other threads: what they held, nobody will give back there.

Each module mends what is its own. Locks around data are made anew in the child (engine.py, threads.py); a compilation is not
left half done in the first place, so a fork waits for its end (kernels/simd/lock.py).
"""

import os
from collections.abc import Callable


def at_fork(**hooks: Callable[[], object]) -> None:
    """``os.register_at_fork``, where there is such a thing."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(**hooks)
