"""A forked child has the memory of its parent but none of its other threads: what they held, nobody will give back there.

Each module mends what is its own. Locks around data are made anew in the child (engine.py, threads.py); a compilation is not
left half done in the first place, so a fork waits for its end (kernels/simd/lock.py), and for that of a product of NumPy's.
"""

import os
import threading


def at_fork(**hooks):
    """``os.register_at_fork``, where there is such a thing."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(**hooks)


# Around NumPy's products of matrices: a fork in the middle of one has OpenBLAS wait for ever, in the parent.
# No more may be awaited here: a fork that waits holds other locks already, such as that of ``logging``.
product_lock = threading.RLock()
at_fork(before=product_lock.acquire, after_in_parent=product_lock.release, after_in_child=product_lock.release)
