"""How many threads to use, and the worker threads themselves.

One team of plain Python threads serves the whole process. They run kernels that have released the interpreter and meet at
the kernels' own barrier. A caller that finds the team taken runs with one thread: several teams would only wait for each
other's processors.
"""

import contextlib
import functools
import math
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np

from ..forks import at_fork
from ..kernels.fields import ABORT, QUIT, STOP

WAKE_SECONDS = 0.2  # after which a waiting thread looks whether it has been interrupted
MAX_THREADS = 1024  # as many cores as machines have; tens of thousands of threads would only bring the machine to a halt

_wanted: int | None = None


@functools.cache  # a small formula takes less time than these files
def _cgroup_quota() -> int | None:
    """CPUs that the container may use, or None where nothing limits it; as it was when first asked for."""
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return None if quota == "max" else math.ceil(int(quota) / int(period))
    with contextlib.suppress(OSError, ValueError):
        allowed = int(Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").read_text())
        microseconds = int(Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us").read_text())
        return math.ceil(allowed / microseconds) if allowed > 0 else None
    return None


@functools.cache
def _environment_limit() -> int | None:
    """Threads that OpenMP's and Numba's own variables allow, or None; as it was when first asked for.

    joblib, dask and batch systems set them, so that several processes share a machine.
    """
    limits = []
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        with contextlib.suppress(ValueError):  # OpenMP ignores what is no number too
            limits.append(int(os.environ.get(name, "").split(",")[0]))  # a list is for parallel regions within each other
    return min((limit for limit in limits if limit > 0), default=None)


def available_cpus() -> int:
    """CPUs this process may really use: its affinity, within its container's quota."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cpus, _cgroup_quota() or cpus))


def set_num_threads(n: int | None) -> None:
    """Set the most threads that fastbp uses from now on.

    Parameters
    ----------
    n : int or None
        From 1 to 1024. More than the CPUs there are is allowed, and slow. None: back to FASTBP_NUM_THREADS, or to a choice by
        the work of a step, the CPUs that this process may use, and OMP_NUM_THREADS or NUMBA_NUM_THREADS if they allow fewer.

    Raises
    ------
    TypeError, ValueError
        If n is no integer from 1 to 1024.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.set_num_threads(1)
    >>> fastbp.get_num_threads()
    1
    >>> fastbp.set_num_threads(None)
    """
    global _wanted
    _wanted = None if n is None else check_threads(n, "n")


def check_threads(n: Any, name: str) -> int:
    """``n`` as a number of threads, or an error that names the argument."""
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(f"{name} must be an integer of at least 1, got {n!r}")
    if int(n) < 1:
        raise ValueError(f"{name} must be at least 1, got {n!r}")
    if int(n) > MAX_THREADS:
        raise ValueError(f"{name} must be at most {MAX_THREADS}, got {n!r}")
    return int(n)


def get_num_threads() -> int:
    """The most threads that fastbp uses.

    The first of: what ``set_num_threads`` was given; FASTBP_NUM_THREADS; the CPUs that this process may use, or fewer where
    OMP_NUM_THREADS or NUMBA_NUM_THREADS says so.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.get_num_threads() >= 1
    True
    """
    return explicit_threads() or min(available_cpus(), _environment_limit() or MAX_THREADS)


def explicit_threads() -> int | None:
    """The number somebody asked for, or None."""
    if _wanted is not None:
        return _wanted
    text = os.environ.get("FASTBP_NUM_THREADS", "").strip()
    if not text:
        return None
    if not text.isdigit() or int(text) < 1:
        raise ValueError(f"FASTBP_NUM_THREADS must be an integer of at least 1, got {text!r}")
    return check_threads(int(text), "FASTBP_NUM_THREADS")


class _Worker(threading.Thread):
    """Runs what it is handed, one call at a time, for ever."""

    def __init__(self) -> None:
        super().__init__(name="fastbp", daemon=True)
        self.calls: SimpleQueue[Any] = SimpleQueue()
        self.start()

    def run(self) -> None:
        while True:
            function, arguments, done, wake, keep = self.calls.get()
            function(*arguments)
            del keep
            done.append(arguments[1])
            wake.put(None)


class _Team:
    """The process's workers, grown as needed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.workers: list[_Worker] = []

    def worker(self, i: int) -> _Worker:
        while len(self.workers) <= i:
            self.workers.append(_Worker())
        return self.workers[i]


_team = _Team()


def _forget_team() -> None:
    """A forked child has none of its parent's threads."""
    global _team
    _team = _Team()


at_fork(after_in_child=_forget_team)


@contextlib.contextmanager
def team(threads: int) -> Iterator[int]:
    """Take the team for ``threads`` threads; yields how many there will be: 1 where somebody else has it."""
    lock = _team.lock
    taken = threads > 1 and lock.acquire(blocking=False)
    try:
        yield threads if taken else 1
    finally:
        if taken:
            lock.release()


def run(function: Callable[[int, int], object], plan: int, threads: int, control: np.ndarray, wait: bool, keep: object) -> None:
    """Call ``function(plan, thread)`` once for each thread and return when all are back.

    Parameters
    ----------
    function : callable
        A compiled kernel that releases the interpreter.
    plan : int
        Its first argument.
    threads : int
        With more than one, the caller holds the team.
    control : array
        The kernel's flags (kernels/team.py). An interrupt (Ctrl-C) raises STOP, lets the kernel end its step, and goes on.
    wait : bool
        The calling thread only waits, so that it can be interrupted. Short runs do without: it works as thread 0.
    keep : object
        What the kernel's addresses point into. The workers hold on to it until they are through, whatever the caller does.
    """
    if threads == 1 and not wait:
        function(plan, 0)
        return
    done: list[int] = []
    wake: SimpleQueue[None] = SimpleQueue()
    started = 0
    interrupt: BaseException | None = None
    try:
        for i in range(0 if wait else 1, threads):
            started += 1
            _team.worker(i).calls.put((function, (plan, i), done, wake, keep))
        if not wait:
            function(plan, 0)
    except BaseException as error:  # some are in, some are not: nobody may wait for the others
        control[ABORT] = control[QUIT] = 1
        interrupt = error
    while len(done) < started:
        try:
            _sleep_until(done, started, wake)
        except BaseException as error:  # let the kernel end its step first
            control[STOP] = 1
            interrupt = error
    if interrupt is not None:
        raise interrupt


def _sleep_until(done: list[int], started: int, wake: "SimpleQueue[None]") -> None:
    while len(done) < started:
        with contextlib.suppress(Empty):
            wake.get(timeout=WAKE_SECONDS)
