"""Running a plan: the call into the compiled kernel, on as many threads as there are, and what it measured."""

import time
from collections.abc import Callable

import numpy as np

from ..kernels import fields as at
from ..kernels.statistics import counts_size
from ..kernels.step import run_kernel
from . import threads as pool
from .epoch import Epoch, Statistics
from .interrupts import run_to_end
from .parameters import address
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

    def prepare(self, announce: Callable[[], object] = lambda: None) -> Callable[[int, int], object]:
        """The kernel, compiled if need be; ``announce()`` goes before that."""
        if self._kernel is None:
            self._kernel = run_kernel(self._plans.dtype.name, announce)
        return self._kernel

    def run(self, plan: Plan, flop: float, *data: np.ndarray | None) -> None:
        """Run a plan on its threads, or on one where somebody else has the team. ``data`` are the arrays it works on."""
        kernel, control = self.prepare(), plan.buffers["control"]
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

    def run_again(self, plan: Plan) -> None:
        """Run a small plan of one thread that has run before: nothing is left to prepare."""
        self.prepare()(plan.address, 0)

    def new_counts(self, plan: Plan, statistics: int) -> np.ndarray | None:
        """Room for what is counted for the metrics."""
        slots, size = int(plan.fields[at.GROUPS]) or 1, int(counts_size(self._plans.units))
        return np.zeros((slots, size)) if statistics else None

    def run_passes(
        self,
        plan: Plan,
        x: np.ndarray,
        y: np.ndarray,
        flop: int,
        statistics: int,
        ended: list[Epoch],
        count: int = 1,
        counts: np.ndarray | None = None,
    ) -> None:
        """Run ``count`` passes of a plan that measures a loss, and append those that have ended.

        ``flop`` is of one pass. ``counts`` is what was counted of it in calls before. Raises Diverged if the pass learns.
        """
        result, units = plan.buffers["result"], self._plans.units
        plan[at.EPOCHS], plan[at.STATISTICS] = count, statistics
        if counts is None:
            counts = self.new_counts(plan, statistics)
        if counts is not None:
            plan[at.COUNTS], plan[at.COUNTS_ROW] = address(counts), counts.strides[0]
        before, scale = len(ended), len(x) * (units if plan.fields[at.LOSS_PER_OUTPUT] else 1)
        steps = -(-len(x) // int(plan.fields[at.BATCH]))

        def record_epochs() -> None:
            done = int(result[at.EPOCHS_DONE])
            sums = None if counts is None else Statistics(counts.sum(axis=0), units)
            for total in result[at.EPOCH_LOSS : at.EPOCH_LOSS + done].tolist()[len(ended) - before :]:
                ended.append(Epoch(total / scale, len(x), steps, seconds / done, flop, plan.threads, sums))

        self.prepare()
        start = time.perf_counter()
        try:
            self.run(plan, count * flop, x, y, counts)
        finally:
            seconds = time.perf_counter() - start
            run_to_end(record_epochs)
        plan.check()
