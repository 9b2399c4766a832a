"""How much work members are, and in what order they are taken so that all cores are busy to the end."""

import heapq
import threading
from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from ..engine.work import choose_threads
from .job import Job

EFFICIENCY = 0.85  # of each thread where several train one model
NEGLIGIBLE = 0.02  # of the time of all: a gain that is not worth several threads
FLOP_PER_SECOND, FLOP_PER_STEP, FLOP_PER_MEMBER = 2e10, 1e4, 1e6  # roughly, what goes with a step or a member told as work too
AT_A_TIME = 0.02 * FLOP_PER_SECOND  # the work of the members that a thread takes at a time
CHUNKS = 4  # for each thread, of what is left: so that all come to the end at about the same time
MIN_ALIKE = 4  # members of one kind, for fewer of which it does not pay to have what trains them all


def cost(job: Job) -> float:
    """The work of a job, with all that goes with it."""
    steps = job.epochs * job.flop / max(job.step_flop * job.epochs, 1.0)
    return job.flop + FLOP_PER_STEP * steps + FLOP_PER_MEMBER


def epochs_at_once(job: Job, seconds: float) -> int:
    """Epochs of a job that take about so long, at least one."""
    return max(1, int(seconds * FLOP_PER_SECOND * job.epochs / cost(job)))


def team_of(job: Job, threads: int) -> int:
    """The threads that pay for a step of a job's, of so many."""
    return min(threads, choose_threads(job.step_flop))


def in_order(jobs: Sequence[Job], threads: int) -> tuple[list[Job], list[Job]]:
    """The jobs to be run side by side, a thread each, longest first; and those after that, each on several threads.

    The latter are the largest ones, where they would keep one core busy when all others have nothing left to do, and where a
    step of theirs is work enough for several.
    """
    costs = {job.index: cost(job) for job in jobs}
    ordered = sorted(jobs, key=lambda job: -costs[job.index])
    sizes, total = [costs[job.index] for job in ordered], sum(costs.values())
    best, together = _makespan(sizes, threads), 0
    if threads > 1 and ordered and best > (1 + NEGLIGIBLE) * total / threads:
        spent = 0.0
        for count, job in enumerate(ordered[: 2 * threads], 1):
            spent += sizes[count - 1] / max(1.0, EFFICIENCY * team_of(job, threads))
            makespan = spent + _makespan(sizes[count:], threads)
            if makespan < best - NEGLIGIBLE * total / threads:
                best, together = makespan, count
    return ordered[together:], ordered[:together]


def _makespan(sizes: Sequence[float], threads: int) -> float:
    """How long it takes until the last thread is through, if each takes the next job when it has ended one."""
    busy = [0.0] * threads
    for size in sizes:
        heapq.heapreplace(busy, busy[0] + size)
    return max(busy)


class Taken(NamedTuple):
    """Jobs that a thread takes at a time: some of one kind, or one of none."""

    kind: Hashable | None
    jobs: list[Job]


class Waiting:
    """The jobs that have not begun, to be taken by threads: longest first, fewer at a time towards the end.

    Parameters
    ----------
    ordered : sequence of Job
        Longest first.
    kinds : mapping
        The kind of each job, by its index, where it has one.
    threads : int
    """

    def __init__(self, ordered: Sequence[Job], kinds: Mapping[int, Hashable], threads: int) -> None:
        groups: dict[Hashable, deque[Job]] = {}
        for job in ordered:
            if job.index in kinds:
                groups.setdefault(kinds[job.index], deque()).append(job)
        self._groups = {kind: group for kind, group in groups.items() if len(group) >= MIN_ALIKE}
        alone = [job for job in ordered if kinds.get(job.index) not in self._groups]
        self._left, self._threads, self._lock = sum(map(cost, ordered)), threads, threading.Lock()
        # (work of the longest one, which group, its kind or None, its jobs)
        queues = [*((kind, group) for kind, group in self._groups.items()), *((None, deque([job])) for job in alone)]
        self._heap = [(-cost(group[0]), i, kind, group) for i, (kind, group) in enumerate(queues)]
        heapq.heapify(self._heap)

    def take(self) -> Taken | None:
        """The next ones, if there are any."""
        with self._lock:
            if not self._heap:
                return None
            _, number, kind, group = heapq.heappop(self._heap)
            enough, work = min(AT_A_TIME, self._left / (CHUNKS * self._threads)), 0.0
            jobs: list[Job] = []
            while group and (not jobs or work + cost(group[0]) <= enough):
                jobs.append(group.popleft())
                work += cost(jobs[-1])
            self._left -= work
            if group:
                heapq.heappush(self._heap, (-cost(group[0]), number, kind, group))
            return Taken(kind, jobs)

    def rest(self) -> list[Job]:
        """Those that nobody has taken."""
        with self._lock:
            return [job for *_, group in self._heap for job in group]
