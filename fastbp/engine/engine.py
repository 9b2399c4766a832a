"""The engine: one network's parameters and plans, and the calls into the compiled kernels.

It trusts what it is given (data.py has looked at it) and knows nothing of names, callbacks or progress.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from weakref import WeakSet

import numpy as np

from ..forks import at_fork
from ..kernels import fields as at
from ..kernels.simd.machine import machine
from ..kernels.step import run_kernel
from ..layers.stages import Stage
from ..losses import Loss
from ..optimizers import Optimizer
from .epoch import Epoch
from .parameters import Parameters, address, aligned_zeros
from .plan import Plan
from .plans import Plans
from .runner import Runner
from .state import Snapshot, TrainingState
from .work import choose_threads, forward_flop, step_flop

EVALUATION_ROWS = 8192  # rows of one step when nothing is learnt


class Engine:
    """One network, ready to run.

    Parameters
    ----------
    stages : sequence of Stage
        What the layers are for kernels, in order.
    dtype : "float32" or "float64"
    seed : int
        Of the shuffling.
    """

    def __init__(self, stages: Iterable[Stage], dtype: str = "float32", seed: int = 0) -> None:
        self.stages, self.dtype = tuple(stages), np.dtype(dtype)
        self._parameters = Parameters(self.stages, self.dtype, machine().lanes(self.dtype))
        self.state = TrainingState(self._parameters, seed)
        self._plans = Plans(self.stages, self.state)
        self._runner = Runner(self._plans)
        self.shapes = self._parameters.shapes
        self._forward_flop, self._step_flop = forward_flop(self.shapes, 1), step_flop(self.shapes, 1)
        self._kept: Plan | None = None  # the plan of the last forward(keep=True)
        # (plan, its place for x, its place for the output) of the last small forward(keep=True)
        self._repeatable: tuple[Plan, np.ndarray, np.ndarray] | None = None
        # the loss and the counts of a pass that ``train_steps`` is in the midst of
        self._begun: tuple[float, np.ndarray | None] = (0.0, None)
        self._lock = threading.RLock()  # plans hold buffers: one call at a time
        self._learning = False  # whether a call is changing the weights
        _engines.add(self)

    # -- parameters

    def get_weights(self) -> list[np.ndarray]:
        """Kernels (in, out) and biases (out,), in order, as new arrays."""
        return self._parameters.arrays(self._parameters.weights)

    def set_weights(self, weights: Sequence[np.ndarray]) -> None:
        self._parameters.set_weights(weights)
        self._kept = None

    def configure(self, optimizer: Optimizer, loss: Loss | None) -> None:
        """Take an optimizer and a loss, and start the optimizer's state afresh."""
        self.state.reset_optimizer(optimizer)
        self._plans.configure(optimizer, loss)
        self._repeatable = None

    @property
    def steps(self) -> int:
        """Of the optimizer, so far."""
        return self.state.steps

    def snapshot(self) -> Snapshot:
        """A copy of everything that training changes."""
        return self.state.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        self.state.restore(snapshot)

    def memory(self) -> tuple[int, int]:
        """Bytes of the parameters with the optimizer's state and transposed copy, and of the plans' buffers."""
        p = self._parameters
        return p.weights.nbytes + p.state.nbytes + p.transposed.nbytes, self._plans.memory

    def leave_parent(self) -> None:
        """In a forked child: end the call that a thread of the parent was in. Training goes back to what was remembered."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
            return
        self._lock, learning, self._learning = threading.RLock(), self._learning, False
        self._plans.clear()
        self._repeatable = None
        if learning:
            self.state.go_back()
        self._parameters.refresh_transposed()

    # -- running

    def prepare(self, announce: Callable[[], object] = lambda: None) -> None:
        """Have the kernel at hand, so that no pass's time has its compilation in it; ``announce()`` goes before that."""
        self._runner.prepare(announce)

    def train_epoch(self, *arguments: Any, **settings: Any) -> Epoch:
        """One pass over the data. Raises Diverged; the parameters are then of no use."""
        ended: list[Epoch] = []
        self.train_epochs(1, ended, *arguments, **settings)
        return ended[0]

    def train_epochs(
        self,
        count: int,
        ended: list[Epoch],
        x: np.ndarray,
        y: np.ndarray,
        batch_size: int,
        shuffle: bool = True,
        statistics: int = 0,
        threads: int | None = None,
    ) -> None:
        """Up to ``MAX_EPOCHS`` passes over the data in one compiled call. Raises Diverged; the parameters are then of no use.

        The passes that have ended are appended to ``ended``, whatever is raised. ``statistics`` are counted over all of them.
        """
        batch = min(batch_size, len(x))
        with self._lock:
            plan, result = self._training_plan(x, y, batch, shuffle, threads)
            self._learning = True
            try:
                self._runner.run_passes(plan, x, y, len(x) * self._step_flop, statistics, ended, count)
            finally:
                self._learning = False
                self.state.steps += int(result[at.STEPS])

    def train_steps(
        self,
        first: int,
        stop: int,
        ended: list[Epoch],
        x: np.ndarray,
        y: np.ndarray,
        batch_size: int,
        shuffle: bool = True,
        statistics: int = 0,
        threads: int | None = None,
    ) -> None:
        """Steps first .. stop of a pass over the data, which calls with the same data and settings go on with.

        With the last step the pass is appended to ``ended``. Raises Diverged; the parameters are then of no use.
        """
        batch = min(batch_size, len(x))
        with self._lock:
            plan, result = self._training_plan(x, y, batch, shuffle, threads)
            if first == 0:
                self._begun = 0.0, self._runner.new_counts(plan, statistics)
            result[at.LOSS_SUM], counts = self._begun
            plan[at.FIRST_STEP], plan[at.LAST_STEP] = first, stop
            try:
                self._runner.run_passes(plan, x, y, batch * (stop - first) * self._step_flop, statistics, ended, 1, counts)
            finally:
                plan[at.FIRST_STEP] = plan[at.LAST_STEP] = 0
                self._begun = float(result[at.LOSS_SUM]), counts
                self.state.steps += int(result[at.STEPS])

    def _training_plan(
        self, x: np.ndarray, y: np.ndarray, batch: int, shuffle: bool, threads: int | None
    ) -> tuple[Plan, np.ndarray]:
        """The plan of training on x, y, and where its results will be."""
        plan = self._plans.get(at.TRAIN, batch, choose_threads(batch * self._step_flop, threads))
        self._plans.bind_data(plan, x, y, shuffle and batch < len(x))  # a single step takes all samples anyway
        self._plans.bind_optimizer(plan)
        result = plan.buffers["result"]
        result[: at.EPOCH_LOSS] = 0  # for a run that does not even begin
        return plan, result

    def evaluate(self, x: np.ndarray, y: np.ndarray, statistics: int = 0, threads: int | None = None) -> Epoch:
        """Loss and statistics over the data; nothing changes."""
        batch = min(EVALUATION_ROWS, len(x))
        with self._lock:
            phases = at.FORWARD | at.LOSS_PHASE
            plan = self._plans.get(phases, batch, choose_threads(batch * self._forward_flop, threads))
            self._plans.bind_data(plan, x, y, shuffle=False)
            ended: list[Epoch] = []
            self._runner.run_passes(plan, x, y, len(x) * self._forward_flop, statistics, ended)
            return ended[0]

    def forward(self, x: np.ndarray, threads: int | None = None, keep: bool = False) -> np.ndarray:
        """The network's output (n, units). With ``keep``, what ``backward`` needs is kept."""
        with self._lock:
            if keep and self._repeatable is not None and len(x) == self._repeatable[0].batch:
                return self._forward_again(x, *self._repeatable)
            n, units = len(x), self.shapes[-1].units_out
            batch = n if keep else min(EVALUATION_ROWS, n)
            phases = at.PREDICT_FOR_BACKWARD if keep else at.PREDICT_ONLY
            plan = self._plans.get(phases, batch, choose_threads(batch * self._forward_flop, threads), keep)
            self._plans.bind_data(plan, x, None, shuffle=False)
            plan[at.PHASES] = phases  # backward has others
            out = plan.output(n, units)
            self._runner.run(plan, n * self._forward_flop, x, out)
            x_place, out_place = plan.staged(at.X), plan.staged(at.OUT)
            if keep:
                self._kept = plan
                if plan.threads == 1 and x_place is not None and out_place is not None:
                    self._repeatable = plan, x_place, out_place
            return out if out_place is None else out.copy()

    def _forward_again(self, x: np.ndarray, plan: Plan, place: np.ndarray, out: np.ndarray) -> np.ndarray:
        """The same with everything in place from the last time: a control loop asks for a row after a row."""
        plan[at.PHASES] = at.PREDICT_FOR_BACKWARD
        place[...] = x
        self._runner.run_again(plan)
        self._kept = plan
        return out.copy()

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """Gradients of sum(dy * output) for the x of the last ``forward(x, keep=True)``: (dx, gradients)."""
        with self._lock:
            plan = self._kept
            assert plan is not None  # whoever calls has seen to it that a forward pass came first
            plan.output_gradient()[:] = dy
            plan[at.PHASES] = at.BACKWARD | at.UPDATE | at.INPUT_GRADIENT
            gradient = self._plans.bind_gradient(plan)
            self._runner.run(plan, plan.batch * self._step_flop)
            return plan.input_gradient().copy(), self._parameters.arrays(gradient)

    def value_and_gradient(self, x: np.ndarray, y: np.ndarray) -> tuple[float, list[np.ndarray]]:
        """The loss over all of x, y and its gradient in ``get_weights`` order."""
        batch = len(x)
        with self._lock:
            plan = self._plans.get(at.TRAIN, batch, choose_threads(batch * self._step_flop))
            self._plans.bind_data(plan, x, y, shuffle=False)
            gradient = self._plans.bind_gradient(plan)
            ended: list[Epoch] = []
            self._runner.run_passes(plan, x, y, batch * self._step_flop, 0, ended)
            return ended[0].loss, self._parameters.arrays(gradient)

    def apply_gradients(self, gradients: Sequence[np.ndarray]) -> None:
        """One step of the optimizer along given gradients, in ``get_weights`` order. Raises Diverged, as ``train_epoch``."""
        flat = aligned_zeros(self._parameters.size, self.dtype)
        self._parameters.fill(flat, gradients)
        with self._lock:
            plan = self._plans.get(at.UPDATE, 1, 1)
            plan[at.SAMPLES], plan[at.GROUPS] = 1, 1
            plan[at.GRADIENTS] = address(flat) - address(self._parameters.weights)
            self._plans.bind_optimizer(plan)
            self._runner.run(plan, 0)
            self.state.steps += 1
            plan.check()


_engines: WeakSet[Engine] = WeakSet()


def _leave_parent() -> None:
    for engine in list(_engines):
        engine.leave_parent()


at_fork(after_in_child=_leave_parent)


def warmup() -> None:
    """Compile, or load from disk, every kernel."""
    for dtype in ("float32", "float64"):
        run_kernel(dtype)
