"""Members trained in this process: threads that take one after another, and the calling thread, which watches over them."""

import contextlib
import ctypes
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from ..callbacks.history import History
from .job import Form, Job
from .member import Member
from .work import in_order, team_of

LOOK_SECONDS = 0.02  # between two looks at the time and at who has ended


def run_jobs(
    jobs: Sequence[Job],
    forms: Sequence[Form],
    threads: int,
    seconds: float | None,
    ended: Callable[[Member], None] = lambda member: None,
) -> dict[int, Member]:
    """Run jobs, and say by their indices what has become of them.

    Parameters
    ----------
    jobs : sequence of Job
    forms : sequence
        Of the data that they share.
    threads : int
        In all.
    seconds : float, optional
        That they have; None: all that they need.
    ended : callable
        Called in this thread for each that has ended.
    """
    deadline = None if seconds is None else time.perf_counter() + seconds
    apart, together = in_order(jobs, threads)
    done: dict[int, Member] = {}
    for part, workers in ((apart, min(threads, len(apart))), (together, 1)):
        if part:
            _Crew(part, forms, workers, threads if part is together else 1, deadline, done, ended).run()
    return done


def run_job(job: Job, forms: Sequence[Form], threads: int) -> Member:
    """Train one member. Its errors are kept, not raised."""
    model, start = job.model, time.perf_counter()
    before, error = model.history, None
    try:
        model.fit(**job.arguments(forms), verbose=0, threads=threads)
    except Exception as raised:
        error = raised
    history = model.history if model.history is not before else History()
    return Member(model, history, error, time.perf_counter() - start)


class _Worker(threading.Thread):
    """Runs a job after another."""

    def __init__(self, crew: "_Crew") -> None:
        super().__init__(name="fastbp-many", daemon=True)
        self._crew = crew
        self.job: Job | None = None

    def run(self) -> None:
        with contextlib.suppress(KeyboardInterrupt):  # raised here by whoever has us stop
            while (job := self._crew.take()) is not None:
                self.job = job
                member = self._crew.run_job(job)
                self.job = None
                self._crew.ended.append((job, member))


class _Crew:
    """Threads that run jobs, and what the calling thread does meanwhile."""

    def __init__(
        self,
        jobs: Sequence[Job],
        forms: Sequence[Form],
        workers: int,
        threads: int,
        deadline: float | None,
        done: dict[int, Member],
        tell: Callable[[Member], None],
    ) -> None:
        self._jobs, self._forms, self._threads = deque(jobs), forms, threads
        self._deadline, self._done, self._tell = deadline, done, tell
        self._is_over = False  # nothing is begun any more
        self.ended: deque[tuple[Job, Member]] = deque()
        self._workers = [_Worker(self) for _ in range(workers)]

    def take(self) -> Job | None:
        """The next job, if there is one."""
        if self._is_over:
            return None
        with contextlib.suppress(IndexError):
            return self._jobs.popleft()
        return None

    def run_job(self, job: Job) -> Member:
        return run_job(job, self._forms, team_of(job, self._threads))

    def run(self) -> None:
        """Have all jobs run. Ctrl-C ends them within a step, and goes on."""
        try:
            for worker in self._workers:
                worker.start()
            while any(worker.is_alive() for worker in self._workers):
                self._join()
                self._look_at_time()
                self._note_ended()
        except BaseException:
            self._is_over = True
            self._stop()
            raise
        self._note_ended()
        for job in self._jobs:
            error = TimeoutError("the time_budget was over before this model began")
            self._note(job, Member(job.model, History(), error))

    def _join(self) -> None:
        alive = next((worker for worker in self._workers if worker.is_alive()), None)
        if alive is not None:
            alive.join(LOOK_SECONDS)

    def _look_at_time(self) -> None:
        """After the deadline, have those that are running end with their epoch."""
        if self._deadline is not None and time.perf_counter() >= self._deadline:
            self._is_over = True
            for worker in self._workers:
                if (job := worker.job) is not None:
                    job.model.stop_training = True

    def _note_ended(self) -> None:
        while self.ended:
            self._note(*self.ended.popleft())

    def _note(self, job: Job, member: Member) -> None:
        self._done[job.index] = member
        self._tell(member)

    def _stop(self) -> None:
        """Have the workers raise KeyboardInterrupt where they are, and wait until they are out."""
        for worker in self._workers:
            if worker.is_alive() and worker.ident is not None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(worker.ident), ctypes.py_object(KeyboardInterrupt))
        while any(worker.is_alive() for worker in self._workers):
            for worker in self._workers:
                job = worker.job
                engine = None if job is None else job.model._engine
                if engine is not None:
                    engine.stop_runs()
            with contextlib.suppress(KeyboardInterrupt):  # it is under way already
                self._join()
