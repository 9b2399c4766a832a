"""Passes over data that learn: whole ones, or some steps at a time."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..kernels import fields as at
from ..kernels.random import shuffle_kernel
from .bound import BoundMeasure
from .core import Core
from .epoch import Epoch
from .guards import checked
from .memory import address, aligned_zeros, empty
from .objective import Objective
from .observer import Observation, Observer
from .passes import Pass, PassRecord, doubles
from .plan import is_small
from .work import FLOP_PER_THREAD, choose_threads


class Training(Core):
    """The part of ``Engine`` that learns.

    All that train take ``x, y, batch_size, shuffle, statistics, threads`` and, by name, ``sample_weight`` (n,), which the
    losses of the samples and their gradients are multiplied by (a loss that is not finite stays so, even by 0),
    ``keep_outputs``, to have the predictions in the ``Epoch``, ``learning_rates`` (float64), one for each step to be
    taken, ``observer``, which is told what happens in some steps, and ``penalty_factors``, for each step what penalties on
    weights are multiplied by. They raise Diverged; the parameters are then of no use.
    """

    def train_epoch(self, *arguments: Any, **settings: Any) -> Epoch:
        """One pass over the data."""
        ended: list[Epoch] = []
        self.train_epochs(1, ended, *arguments, **settings)
        return ended[0]

    def train_epochs(self, count: int, ended: list[Epoch], *arguments: Any, **settings: Any) -> None:
        """Up to ``MAX_EPOCHS`` passes over the data in one compiled call. Outputs can be kept of one pass alone.

        The passes that have ended are appended to ``ended``, whatever is raised. ``statistics`` are counted over all of them.
        """
        with self._lock:
            work = self._bound(False, count, *arguments, **settings)
            self._learn(work, lambda: self._runner.run_passes(work, ended, count))

    def train_steps(
        self, first: int, stop: int, ended: list[Epoch], x: np.ndarray, y: np.ndarray, *arguments: Any, **settings: Any
    ) -> None:
        """Steps first .. stop of a pass over the data, which calls with the same data and settings go on with.

        Other calls may come between them. With the last step the pass is appended to ``ended``.
        """
        with self._lock:
            if first == 0:
                self._pass = self._bound(True, 1, x, y, *arguments, **settings)
            work = self._pass
            if work is None or not work.goes_on(first, x, y):
                done = "none" if work is None else f"{work.done} steps of a pass over {work.samples} samples"
                raise ValueError(f"first must be the next step of the pass over x and y, got {first} after {done}")
            if not first < stop <= work.steps:
                raise ValueError(f"stop must be from {first + 1} to {work.steps}, the steps of a pass, got {stop}")
            self._plans.refresh_learning_rate()
            self._learn(work, lambda: self._runner.run_steps(work, first, stop, ended))
            if work.done == work.steps:
                work.release()

    def record_pass(self) -> PassRecord:
        """What has been done of the pass that ``train_steps`` began last."""
        with self._lock:
            assert self._pass is not None
            return self._pass.record()

    def resume_pass(self, record: PassRecord, *arguments: Any, **settings: Any) -> None:
        """Have so much done of a pass over the data as a record says: ``train_steps`` goes on with it."""
        with self._lock:
            work = self._bound(True, 1, *arguments, **settings)
            work.resume(record)
            self._pass = work

    def pass_so_far(self) -> Epoch:
        """What has been measured of the pass that ``train_steps`` began last. Its arrays are parts of those to come."""
        with self._lock:
            if self._pass is None:
                raise ValueError("pass_so_far needs a pass that has begun, got none since the engine was configured")
            return self._pass.so_far()

    def _bound(
        self,
        apart: bool,
        count: int,
        x: np.ndarray,
        y: np.ndarray,
        batch_size: int,
        shuffle: bool = True,
        statistics: int = 0,
        threads: int | None = None,
        *,
        sample_weight: np.ndarray | None = None,
        keep_outputs: bool = False,
        learning_rates: np.ndarray | None = None,
        observer: Observer | None = None,
        penalty_factors: np.ndarray | None = None,
    ) -> Pass:
        """A pass that is about to learn. ``apart``: its plan stays bound to it whatever else is called."""
        assert count == 1 or not keep_outputs
        n, batch = len(x), min(batch_size, len(x))
        self._plans.expect(y)
        one_pass = self._plans.takes_one_pass(batch)
        steps = count * -(-n // batch)
        trial = None if one_pass or threads is not None else self._trials.find(self._step_flop, batch, steps)
        wanted = threads if trial is None else trial.threads
        threads = 1 if one_pass else choose_threads(batch * self._step_flop, wanted)
        plan = self._plans.get(at.TRAIN, batch, threads, apart=apart, training=True, one_pass=one_pass)
        order = None
        if shuffle and batch < n:  # a single step takes all samples anyway
            order = empty("order", n, np.int64) if apart or keep_outputs else self._plans.order(n)
        weights, rates, factors = doubles(sample_weight), doubles(learning_rates), doubles(penalty_factors)
        for name, given in (("learning_rates", rates), ("penalty_factors", factors)):
            if given is not None and len(given) < steps:
                raise ValueError(f"{name} must have {steps} elements, one for each step, got {len(given)}")
        self._plans.bind_data(plan, x, y, weights, order)
        self._plans.bind_optimizer(plan, rates, factors)
        arrays = x, y, weights, rates, factors
        work = Pass(plan, arrays, self.shapes[-1].units_out, self._step_flop, statistics, keep_outputs, order)
        work.trial = trial
        if observer is not None:
            passes = count, work.steps, self.state.steps
            work.observation = Observation(observer, plan, self._parameters, self.stages, *passes)
        return work

    def _learn(self, work: Pass, run: Callable[[], None]) -> None:
        """``run()`` a pass, whose steps count as the optimizer's."""
        self._learning = True
        work.plan[at.NOISE_STEP] = self.state.steps
        try:
            run()
        finally:
            self._learning = False
            self.state.steps += work.ran
            if work.observation is not None:
                work.observation.collect()
        if work.trial is not None and work.done >= work.steps:
            work.trial.note(work.plan.threads, work.seconds / work.done)

    def next_order(self, n: int) -> np.ndarray:
        """The order in which the next shuffled pass over n samples would take them; the one after it has the next order."""
        order = empty("order", n, np.int64)
        with self._lock:
            checked(shuffle_kernel())(address(order), n, address(self.state.generator))
        return order

    def value_and_gradient(
        self,
        x: np.ndarray,
        y: np.ndarray,
        *,
        sample_weight: np.ndarray | None = None,
        training: bool = False,
        by_feedback: bool = False,
    ) -> tuple[float, list[np.ndarray]]:
        """The loss over all of x, y and its gradient in ``get_weights`` order, 0 for weights that are not trainable.

        With ``training``, those of the step that would come next, with its noise. ``by_feedback``: what the network learns by
        in its place, where it has a feedback of its own.
        """
        batch = len(x)
        with self._lock:
            self._plans.expect(y)
            if sample_weight is None and not training and not by_feedback:
                bound = self._bound_measure(x, y, True)
                if bound is not None and bound.gradient is not None:
                    return bound.run(x, y), self._parameters.arrays(bound.gradient)
            plan = self._plans.get(at.TRAIN, batch, choose_threads(batch * self._step_flop), training=training)
            plan[at.NOISE_STEP] = self.state.steps
            weights = doubles(sample_weight)
            self._plans.bind_data(plan, x, y, weights)
            gradient = self._plans.bind_gradient(plan, by_feedback)
            ended: list[Epoch] = []
            work = Pass(plan, (x, y, weights), self.shapes[-1].units_out, self._step_flop)
            self._runner.run_passes(work, ended)
            return ended[0].loss, self._parameters.arrays(gradient)

    def _bound_measure(self, x: np.ndarray, y: np.ndarray, differentiates: bool) -> BoundMeasure | None:
        """What measures the loss on such data, where as little came last time, and takes no more than one thread."""
        shapes = x.shape, y.shape
        last, bound = self._measured.get(differentiates, (None, None))
        if last == shapes and bound is not None and bound.generation == self._plans.generation:
            return bound
        is_little = is_small(x.nbytes + y.nbytes) and len(x) * self._step_flop < FLOP_PER_THREAD
        bound = BoundMeasure(self, np.empty_like(x), np.empty_like(y), differentiates) if is_little and last == shapes else None
        self._measured[differentiates] = shapes, bound
        return bound

    def objective(
        self, x: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None, threads: int | None = None
    ) -> Objective:
        """The loss over all of x, y as a function of one vector of weights."""
        data = x, y, sample_weight
        return Objective(self.stages, self._parameters, self._plans, self._runner, self._lock, data, threads)

    def apply_gradients(self, gradients: Sequence[np.ndarray]) -> None:
        """One step of the optimizer along given gradients, in ``get_weights`` order, for the weights that are trainable."""
        flat = aligned_zeros("given gradient", self._parameters.size, self.dtype)
        self._parameters.fill(flat, gradients)
        with self._lock:
            plan = self._plans.get(at.UPDATE, 1, 1, training=True)
            plan[at.SAMPLES], plan[at.GROUPS] = 1, 1
            plan[at.GRADIENTS] = address(flat) - address(self._parameters.weights)
            self._plans.bind_optimizer(plan)
            plan[at.NOISE_STEP] = self.state.steps
            self._runner.run(plan, 0)
            self.state.steps += 1
            plan.check()
