"""A second process that compiles one thing while this one compiles another: in a process only one thread can compile.

It leaves its work in the cache. Where there is no second process to be had, nothing is lost but time.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def can_start() -> bool:
    """Whether there is a processor to spare, and an interpreter that is what it is called: not a program with one inside."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    named_python = Path(sys.executable or "").name.lower().startswith("python")
    return cpus > 1 and named_python and not getattr(sys, "frozen", False)


def _start(code: str) -> subprocess.Popen[bytes] | None:
    command = [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"]
    none = subprocess.DEVNULL
    try:
        return subprocess.Popen(command, stdin=none, stdout=none, stderr=none) if can_start() else None
    except OSError:
        return None


@contextmanager
def another_process(code: str) -> Iterator[None]:
    """Run Python code in the background of the block; both are done at its end. An error there is not one here."""
    process = _start(code)
    try:
        yield
    except BaseException:
        if process:
            process.kill()
        raise
    finally:
        if process:
            process.wait()
