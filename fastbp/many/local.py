"""Members trained in this process: threads that take some after others, and the calling thread, which watches over them."""

import contextlib
import ctypes
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from queue import Empty, SimpleQueue

from ..callbacks.history import History
from ..layers.claims import claimed
from ..models.resting import is_at_rest, rest
from .compiled import CompiledRun
from .job import Form, Job
from .kinds import kind_of
from .member import Member
from .networks import Networks
from .work import Waiting, epochs_at_once, in_order, team_of

LOOK_SECONDS = 0.02  # between two looks at the time and at who has ended
AT_ONCE_SECONDS = 0.005  # of training between two looks at whether it is to end


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
    deadline, networks = None if seconds is None else time.perf_counter() + seconds, Networks()
    for job in jobs:
        job.network = job.network or networks.of(job.model, job.width(forms))
    done: dict[int, Member] = {}
    apart, together = in_order(jobs, threads)
    kinds = {job.index: kind for job in apart if (kind := kind_of(job, forms)) is not None}
    if apart:
        _Crew(Waiting(apart, kinds, threads), forms, min(threads, len(apart)), 1, deadline, done, ended).run()
    if together:
        _Crew(Waiting(together, {}, 1), forms, 1, threads, deadline, done, ended).run()
    return done


def run_job(job: Job, forms: Sequence[Form], threads: int) -> Member:
    """Train one member by its ``fit``. Its errors are kept, not raised."""
    model, start = job.model, time.perf_counter()
    before, error, was_at_rest = model.history, None, is_at_rest(model)
    try:
        model.fit(**job.arguments(forms), verbose=0, threads=threads)
        if was_at_rest:
            with claimed(model.leaves(), "fit_many", True):
                rest(model)
    except Exception as raised:
        error = raised
    history = model.history if model.history is not before else History()
    return Member(model, history, error, time.perf_counter() - start)


def not_begun(job: Job) -> Member:
    """What becomes of a job for which there is no time."""
    return Member(job.model, History(), TimeoutError("the time_budget was over before this model began"))


class _Crew:
    """Threads that run jobs, and what the calling thread does meanwhile."""

    def __init__(
        self,
        waiting: Waiting,
        forms: Sequence[Form],
        workers: int,
        threads: int,
        deadline: float | None,
        done: dict[int, Member],
        tell: Callable[[Member], None],
    ) -> None:
        self.waiting, self.forms, self.threads = waiting, forms, threads
        self._deadline, self._done, self._tell = deadline, done, tell
        self.is_over = False  # nothing is begun any more
        self.ended: deque[tuple[Job, Member]] = deque()
        self.left: deque[Job] = deque()  # taken, and not begun
        self.leaving: SimpleQueue[None] = SimpleQueue()
        self._workers = [_Worker(self) for _ in range(workers)]

    def run(self) -> None:
        """Have all jobs run. Ctrl-C ends them within a step, and goes on."""
        try:
            for worker in self._workers:
                worker.start()
            while any(worker.is_in for worker in self._workers):
                self._wait()
                self._look_at_time()
                self._note_ended()
        except BaseException:
            self.is_over = True
            self._stop()
            raise
        self._note_ended()
        for job in (*self.left, *self.waiting.rest()):
            self._note(job, not_begun(job))

    def _wait(self) -> None:
        """Sleep for a moment, or until a worker leaves. (Ctrl-C amid ``join`` would have Python take it for gone.)"""
        with contextlib.suppress(Empty):
            self.leaving.get(timeout=LOOK_SECONDS)

    def _look_at_time(self) -> None:
        """After the deadline, have those that are running end with their epoch."""
        if self._deadline is not None and time.perf_counter() >= self._deadline:
            self.is_over = True
            for worker in self._workers:
                worker.end()

    def _note_ended(self) -> None:
        for worker in self._workers:
            if worker.fault is not None:
                raise worker.fault
        while self.ended:
            self._note(*self.ended.popleft())

    def _note(self, job: Job, member: Member) -> None:
        self._done[job.index] = member
        self._tell(member)

    def _stop(self) -> None:
        """Have the workers leave within a step, and wait until they have."""
        while any(worker.is_in and worker.ident is not None for worker in self._workers):
            for worker in self._workers:
                worker.stop()
            with contextlib.suppress(KeyboardInterrupt):  # it is under way already
                self._wait()


class _Worker(threading.Thread):
    """Runs what it takes, one after another."""

    def __init__(self, crew: _Crew) -> None:
        super().__init__(name="fastbp-many", daemon=True)
        self._crew = crew
        self._job: Job | None = None  # whose fit goes on
        self._compiled: tuple[Hashable, CompiledRun] | None = None
        self._is_told = False
        self.is_in = False
        self.fault: BaseException | None = None  # of fastbp itself

    def start(self) -> None:
        self.is_in = True
        try:
            super().start()
        except RuntimeError:  # there may be no more threads
            self.is_in = False
            raise

    def run(self) -> None:
        try:
            while not self._crew.is_over and (taken := self._crew.waiting.take()) is not None:
                jobs = taken.jobs if taken.kind is None else self._run_compiled(taken.kind, taken.jobs)
                for job in jobs:
                    self._run_fit(job)
        except KeyboardInterrupt:  # raised here by ``stop``
            pass
        except BaseException as error:
            self.fault = error
        finally:
            self.is_in = False
            self._crew.leaving.put(None)

    def _run_compiled(self, kind: Hashable, jobs: list[Job]) -> list[Job]:
        """Run jobs of one kind; those that are left to their own fit."""
        crew = self._crew
        if self._compiled is None or self._compiled[0] != kind:
            self._compiled = kind, CompiledRun(jobs[0], crew.forms)
        try:
            members = self._compiled[1].run(jobs, epochs_at_once(jobs[0], AT_ONCE_SECONDS))
        except RuntimeError:  # another thread is fitting one of them: the fit of that one says so
            return jobs
        pairs = list(zip(jobs, members, strict=True))
        crew.ended.extend([(job, member) for job, member in pairs if member is not None])
        return [job for job, member in pairs if member is None]

    def _run_fit(self, job: Job) -> None:
        crew = self._crew
        if crew.is_over:
            crew.left.append(job)
            return
        self._job = job
        member = run_job(job, crew.forms, team_of(job, crew.threads))
        self._job = None
        crew.ended.append((job, member))

    # -- called by the thread that watches

    def end(self) -> None:
        """Have what is running end with its epoch. To be repeated, since it may only be about to begin."""
        if (job := self._job) is not None:
            job.model.stop_training = True
        if self._compiled is not None:
            self._compiled[1].end()

    def stop(self) -> None:
        """Have it leave within a step; a fit as Ctrl-C would have it. To be repeated."""
        if self._compiled is not None:
            self._compiled[1].stop()
        job = self._job
        if job is None:
            return
        if not self._is_told and self.ident is not None:
            self._is_told = True
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident), ctypes.py_object(KeyboardInterrupt))
        engine = job.model._engine
        if engine is not None:
            engine.stop_runs()
