"""Members trained on the workers of a dask.distributed cluster."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from typing import Any

from ..callbacks.history import History
from .job import Form, Job
from .member import Member
from .parcels import pack, parcels, train, unpack
from .workers import usable_client

MAX_EMBEDDED = 1 << 20  # bytes of a parcel that goes by way of the scheduler
ATTEMPTS = 3  # at a parcel that was lost together with the worker that held it


class Cluster:
    """Runs jobs as ``local.run_jobs`` does.

    Data that members share is sent to each worker once. A parcel whose worker is lost is begun anew on another one; where
    that happens again and again, its members have the error.

    Parameters
    ----------
    client : distributed.Client
    """

    def __init__(self, client: Any) -> None:
        self._client = usable_client(client)
        self._threads = self._client.nthreads()

    def run_jobs(
        self,
        jobs: Sequence[Job],
        forms: Sequence[Form],
        threads: int,
        seconds: float | None,
        ended: Callable[[Member], None] = lambda member: None,
    ) -> dict[int, Member]:
        """Run jobs, and say by their indices what has become of them. Workers have their own ``threads``."""
        from distributed import as_completed

        self._deadline = None if seconds is None else time.time() + seconds
        self._forms, self._shared = forms, self._share(forms)
        slots = sum(self._threads.values())
        self._team = max(1, min(min(self._threads.values()), slots // max(len(jobs), 1)))
        waiting = {self._submit(parcel): (parcel, 1) for parcel in parcels(jobs, slots)}
        found: dict[int, Member] = {}
        futures = as_completed(list(waiting))
        try:
            for future in futures:
                parcel, attempt = waiting.pop(future)
                members = self._members(future, parcel, attempt)
                if members is None:
                    self._shared = self._share(self._forms)
                    future = self._submit(parcel)
                    waiting[future] = parcel, attempt + 1
                    futures.add(future)
                    continue
                for job, member in zip(parcel, members, strict=True):
                    found[job.index] = member
                    ended(member)
        finally:
            self._client.cancel(list(waiting))
        return found

    def _share(self, forms: Sequence[Form]) -> list[Any]:
        """The data on a worker; others get it once. (dask's broadcast hangs where a worker is lost amid it.)"""
        return [self._client.scatter([form], hash=False)[0] for form in forms]

    def _submit(self, parcel: Sequence[Job]) -> Any:
        packed: Any = pack(parcel)
        if len(packed) > MAX_EMBEDDED:
            packed = self._client.scatter([packed], hash=False)[0]
        return self._client.submit(train, packed, self._team, self._deadline, *self._shared, pure=False)

    def _members(self, future: Any, parcel: Sequence[Job], attempt: int) -> list[Member] | None:
        """What has become of the members of a parcel; None where it is to be sent once more."""
        from distributed import KilledWorker

        try:
            return unpack(parcel, future.result())
        except CancelledError:
            if attempt == ATTEMPTS:
                raise
            return None
        except KilledWorker as error:
            return [Member(job.model, History(), error) for job in parcel]
