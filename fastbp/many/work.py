"""How much work a member is, and in what order members are taken so that all cores are busy to the end."""

import heapq
from collections.abc import Sequence
from typing import Any

from ..engine.work import choose_threads, step_flop
from ..layers.held import trainable_flags
from ..layers.stages import stages_of
from .job import Job

EFFICIENCY = 0.85  # of each thread where several train one model
NEGLIGIBLE = 0.02  # of the time of all: a gain that is not worth several threads


def row_flop(model: Any, width: int) -> int:
    """Operations of a training step for each row of so many features."""
    leaves = list(model.leaves())
    return step_flop(stages_of(leaves, width, trainable_flags(leaves)), 1)


def in_order(jobs: Sequence[Job], threads: int) -> tuple[list[Job], list[Job]]:
    """The jobs to be run side by side, a thread each, longest first; and those after that, each on several threads.

    The latter are the largest ones, where they would keep one core busy when all others have nothing left to do, and where a
    step of theirs is work enough for several.
    """
    ordered = sorted(jobs, key=lambda job: -job.flop)
    total = sum(job.flop for job in ordered)
    best, together = _makespan(ordered, threads), 0
    if threads > 1 and ordered and best > (1 + NEGLIGIBLE) * total / threads:
        spent = 0.0
        for count, job in enumerate(ordered[: 2 * threads], 1):
            spent += job.flop / max(1.0, EFFICIENCY * team_of(job, threads))
            makespan = spent + _makespan(ordered[count:], threads)
            if makespan < best - NEGLIGIBLE * total / threads:
                best, together = makespan, count
    return ordered[together:], ordered[:together]


def team_of(job: Job, threads: int) -> int:
    """The threads that pay for a step of a job's, of so many."""
    return min(threads, choose_threads(job.step_flop))


def _makespan(ordered: Sequence[Job], threads: int) -> float:
    """How long it takes until the last thread is through, if each takes the next job when it has ended one."""
    busy = [0.0] * threads
    for job in ordered:
        heapq.heapreplace(busy, busy[0] + job.flop)
    return max(busy)
