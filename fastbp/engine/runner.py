"""Running a plan: the call into the compiled kernel, on as many threads as there are, and what it measured."""

import time
from collections.abc import Callable

from ..kernels import fields as at
from ..kernels.run import run_kernel
from . import threads as pool
from .epoch import Epoch
from .guards import checked
from .interrupts import run_to_end
from .passes import Pass
from .plan import Plan
from .plans import Plans

MIN_INTERRUPTIBLE_FLOP = 2e8  # of a call that runs beside the calling thread, which Ctrl-C can then reach


class Runner:
    """Runs the plans of one network.

    Parameters
    ----------
    plans : Plans
    """

    def __init__(self, plans: Plans) -> None:
        self._plans = plans
        self._kernel: Callable[[int, int], object] | None = None
        self._is_full = False

    def prepare(self, announce: Callable[[], object] = lambda: None) -> Callable[[int, int], object]:
        """The kernel, compiled if need be; ``announce()`` goes before that."""
        return self._choose(self._plans.need_full_kernel, announce)

    def _choose(self, full: bool, announce: Callable[[], object] = lambda: None) -> Callable[[int, int], object]:
        if self._kernel is None or self._is_full != full:
            self._kernel, self._is_full = run_kernel(self._plans.dtype.name, announce, full), full
        return self._kernel

    def _kernel_for(self, plan: Plan) -> Callable[[int, int], object]:
        return self._choose(self._plans.need_full_kernel or bool(plan.fields[at.MONITOR] or plan.fields[at.LOSS_SUMS]))

    @checked
    def run(self, plan: Plan, flop: float, *data: object) -> None:
        """Run a plan on its threads, or on one where somebody else has the team. ``data`` holds the arrays it works on."""
        kernel = self._kernel_for(plan)
        control = plan.buffers["control"]
        self._plans.note_run(plan)
        control.fill(0)
        wait = flop > MIN_INTERRUPTIBLE_FLOP
        if plan.threads == 1 and not wait:
            kernel(plan.address, 0)
            return
        with pool.team(max(plan.threads, 2)) as threads:
            single_thread = threads == 1 or plan.rests()
            used = 1 if single_thread else plan.threads
            plan.use_threads(used)
            keep = self, plan, data
            pool.run(kernel, plan.address, used, control, wait and threads > 1, keep)
            plan.learn_from_run(single_thread)

    @checked
    def run_again(self, plan: Plan) -> None:
        """Run a small plan of one thread that has run before: nothing is left to prepare."""
        self.prepare()(plan.address, 0)

    def run_passes(self, work: Pass, ended: list[Epoch], count: int = 1) -> None:
        """Run ``count`` passes, and append those that have ended. Raises Diverged if they learn."""
        work.plan[at.EPOCHS] = count
        self._measure(work, count * work.steps, ended)

    def run_steps(self, work: Pass, first: int, stop: int, ended: list[Epoch]) -> None:
        """Run steps first .. stop of a pass, and append it if that is its end. Raises Diverged if it learns."""
        work.begin(first, stop)
        self._measure(work, stop - first, ended)

    def _measure(self, work: Pass, steps: int, ended: list[Epoch]) -> None:
        before, done, seconds = len(ended), work.done, work.seconds
        self._kernel_for(work.plan)
        start = time.perf_counter()

        def record() -> None:
            work.done, work.seconds = done + work.ran, seconds + elapsed
            ended.extend(work.ended()[len(ended) - before :])

        try:
            self.run(work.plan, work.flop(steps), work)
        finally:
            elapsed = time.perf_counter() - start
            run_to_end(record)
        work.plan.check()
