"""Members trained by an executor: processes, or whatever else takes functions to be called."""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, as_completed
from typing import Any

from ..conversion import describe
from .job import Form, Job
from .member import Member
from .parcels import pack, parcels, train, unpack

PER_WORKER = 4  # parcels for each worker: the data that members share goes along with each


class Executed:
    """Runs jobs as ``local.run_jobs`` does.

    Parameters
    ----------
    executor : concurrent.futures.Executor
        Or what has a ``submit(function, *arguments)`` that gives futures like its.
    """

    def __init__(self, executor: Any) -> None:
        if not callable(getattr(executor, "submit", None)):
            raise TypeError(f"executor must have a submit(function, *arguments), got {describe(executor)}")
        self._executor = executor
        self._workers = int(getattr(executor, "_max_workers", None) or os.cpu_count() or 1)

    def run_jobs(
        self,
        jobs: Sequence[Job],
        forms: Sequence[Form],
        threads: int,
        seconds: float | None,
        ended: Callable[[Member], None] = lambda member: None,
    ) -> dict[int, Member]:
        """Run jobs, and say by their indices what has become of them; each in one thread."""
        deadline = None if seconds is None else time.time() + seconds
        waiting: dict[Any, list[Job]] = {}
        for parcel in parcels(jobs, self._workers, PER_WORKER):
            waiting[self._executor.submit(train, pack(parcel), 1, deadline, *forms)] = parcel
        found: dict[int, Member] = {}
        try:
            for future in _as_completed(list(waiting)):
                parcel = waiting.pop(future)
                for job, member in zip(parcel, unpack(parcel, future.result()), strict=True):
                    found[job.index] = member
                    ended(member)
        finally:
            for future in waiting:
                future.cancel()
        return found


def _as_completed(futures: Sequence[Any]) -> Any:
    """Futures as they end; those of another kind in their order."""
    return as_completed(futures) if all(isinstance(future, Future) for future in futures) else futures
