"""The locks of compilation, Numba's and LLVM's. A fork waits until they are free and lets the child have them free.

A lock made anew in the child would not do: the compiler itself would be in the middle of something for ever.
"""

from contextlib import nullcontext

from llvmlite.binding import ffi
from numba.core.compiler_lock import global_compiler_lock

from ...forks import at_fork

_llvm_lock = getattr(ffi.lib, "_lock", nullcontext())  # held in every call of LLVM, compilation or not


__all__ = ["global_compiler_lock"]

_held: list[bool] = []  # by a fork under way: there may be one that began before this module was there


def _hold() -> None:
    global_compiler_lock.acquire()
    _llvm_lock.__enter__()
    _held.append(True)


def _release() -> None:
    if _held:
        _held.pop()
        _llvm_lock.__exit__(None, None, None)
        global_compiler_lock.release()


at_fork(before=_hold, after_in_parent=_release, after_in_child=_release)
