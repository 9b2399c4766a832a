"""Other processes compile, each one thing, while this one waits: in a process only one thread can compile.

They leave their work in the cache. A process that waits can be interrupted at once, one that is within the compiler cannot.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from . import disk_cache
from .turns import turn


def can_start() -> bool:
    """Whether there is a processor to spare, and an interpreter that is what it is called: not a program with one inside."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    named_python = Path(sys.executable or "").name.lower().startswith("python")
    return cpus > 1 and named_python and not getattr(sys, "frozen", False)


def _start(code: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"]
    none = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=none, stdout=none, stderr=none)


def compile_once(is_cached: Callable[[], bool], load: Callable[[], object], *codes: str) -> None:
    """Have code on disk that the first of the processes that want it compiles: in pieces elsewhere, where not, by ``load``."""
    with turn():
        if not is_cached():
            run_elsewhere(*codes)
            load()


def run_elsewhere(*codes: str) -> None:
    """Run each piece of Python code in a process of its own, all at once, to their end. An error there is not one here.

    Where there are no other processes to be had, or what they compile could not be kept, nothing happens.
    """
    if not (can_start() and disk_cache.is_writable()):
        return
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for code in codes:
            processes.append(_start(code))
        # Not ``wait``: where a signal reaches another thread, nothing would wake this one.
        while any(process.poll() is None for process in processes):
            time.sleep(0.01)
    except OSError:
        pass
    finally:
        for process in processes:
            process.kill()
            process.wait()
