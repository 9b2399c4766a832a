"""The engine: one network's parameters and plans, and the calls into the compiled kernels.

It trusts what it is given (validation.py has looked at it) and knows nothing of names, callbacks or progress.
"""

import threading
import time
from weakref import WeakSet

import numpy as np

from ..forks import at_fork, product_lock
from ..kernels import fields as at
from ..kernels.loss import CATEGORICAL, CUSTOM
from ..kernels.optimizer import SCALARS, SCHEDULE, STORE
from ..kernels.simd.machine import machine
from ..kernels.statistics import counts_size
from ..kernels.step import run_kernel
from . import threads as pool
from .epoch import Epoch, Statistics
from .interrupts import surely
from .parameters import Parameters, address, aligned_zeros
from .plan import choose_threads, float_bits, forward_flop, fuse, is_small, make_plan, step_flop

FETCH_FROM = 256 * 1024  # bytes of parameters and their state that a core's cache does not keep from step to step
EVALUATION_ROWS = 8192  # rows of one step when nothing is learnt
INTERRUPTIBLE_FROM = 2e8  # operations of a call from which it runs beside the calling thread, which Ctrl-C can then reach


class Diverged(ArithmeticError):
    """The loss of a step, or the weights it left (``by_weights``), were not finite. ``step`` counts from 1 in its epoch."""

    def __init__(self, step, by_weights=False):
        super().__init__(f"the {'weights were' if by_weights else 'loss was'} not finite at step {step}")
        self.step, self.by_weights = step, by_weights


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

    def __init__(self, stages, dtype="float32", seed=0):
        self.stages, self.dtype = tuple(stages), np.dtype(dtype)
        self._parameters = Parameters(self.stages, self.dtype, machine().lanes(self.dtype))
        self.shapes = self._parameters.shapes
        self._forward_flop, self._step_flop = forward_flop(self.shapes, 1), step_flop(self.shapes, 1)
        self._random = np.array([seed], np.uint64).view(np.int64)
        self._scalars = aligned_zeros(SCALARS, self.dtype)
        self._hyper, self._schedule = np.zeros(8), np.ones(SCHEDULE)
        self._optimizer = self._loss = None
        self._plans = {}
        self._activations = None  # the code of those that are formulas, else None
        self._order, self._order_address = np.zeros(0, np.int64), 0
        self._losses = {}  # the code of a loss that is a formula, by the columns of targets
        self._kept = self._remembered = None
        self._begun = 0.0, None  # the loss and the counts of a pass that ``train_steps`` is in the midst of
        self._repeatable = None  # (plan, its place for x, its place for the output) of the last small forward(keep=True)
        self._kernel = None
        self._lock = threading.RLock()  # plans hold buffers: one call at a time
        self._learning = False  # whether a call is changing the weights
        self.steps = 0
        _engines.add(self)

    # -- parameters

    def get_weights(self):
        """Kernels (in, out) and biases (out,), in order, as new arrays."""
        return self._parameters.arrays(self._parameters.weights)

    def set_weights(self, weights):
        self._parameters.set_weights(weights)
        self._kept = None

    def configure(self, optimizer, loss):
        """Take an optimizer and a loss, and start the optimizer's state afresh."""
        self._optimizer, self._loss = optimizer, loss
        self._parameters.reset_state(optimizer.slots, optimizer.initial_state)
        self._schedule[:] = 1.0
        self.steps, self._remembered = 0, None
        self._forget_plans()
        self._activations, self._losses = None, {}

    def _changing(self):
        return self._parameters.weights, self._parameters.state, self._schedule, self._random

    def memory(self):
        """Bytes of the parameters with the optimizer's state and transposed copy, and of the plans' buffers."""
        p = self._parameters
        return p.weights.nbytes + p.state.nbytes + p.transposed.nbytes, sum(plan.memory for plan in self._plans.values())

    def snapshot(self):
        """A copy of everything that training changes."""
        return [a.copy() for a in self._changing()], self.steps

    def restore(self, snapshot):
        copies, self.steps = snapshot
        for array, copy in zip(self._changing(), copies, strict=True):
            array[:] = copy
        self._parameters.refresh_transposed()

    def remember(self):
        """Take a snapshot to ``go_back`` to. There is one, and the memory for it is used again."""
        if self._remembered is None:
            self._remembered = self.snapshot()
            return
        for copy, array in zip(self._remembered[0], self._changing(), strict=True):
            copy[:] = array
        self._remembered = self._remembered[0], self.steps

    def is_finite(self):
        """Whether all weights are numbers."""
        return bool(np.isfinite(self._parameters.weights).all())

    def go_back(self):
        """Return to where ``remember`` was called last."""
        self.restore(self._remembered)

    def leave_parent(self):
        """In a forked child: end the call that a thread of the parent was in. Training goes back to what was remembered."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
            return
        self._lock, learning, self._learning = threading.RLock(), self._learning, False
        self._forget_plans()
        if learning and self._remembered is not None:
            self.go_back()
        self._parameters.refresh_transposed()

    # -- running

    def prepare(self, announce=lambda: None):
        """Have the kernel at hand, so that no pass's time has its compilation in it; ``announce()`` goes before that."""
        if self._kernel is None:
            self._kernel = run_kernel(self.dtype.name, announce)

    def train_epoch(self, x, y, batch_size, shuffle=True, statistics=0, threads=None):
        """One pass over the data. Raises Diverged; the parameters are then of no use."""
        ended = []
        self.train_epochs(1, ended, x, y, batch_size, shuffle, statistics, threads)
        return ended[0]

    def train_epochs(self, count, ended, x, y, batch_size, shuffle=True, statistics=0, threads=None):
        """Up to ``MOST_EPOCHS`` passes over the data in one compiled call. Raises Diverged; the parameters are then of no use.

        The passes that have ended are appended to ``ended``, whatever is raised. ``statistics`` are counted over all of them.
        """
        batch = min(batch_size, len(x))
        with self._lock:
            plan = self._plan(at.TRAIN, batch, choose_threads(batch * self._step_flop, threads))
            self._give_data(plan, x, y, shuffle and batch < len(x))  # a single step takes all samples anyway
            self._give_optimizer(plan)
            result = plan.buffers["result"]
            result[: at.EPOCH_LOSS] = 0  # for a run that does not even begin
            self._learning = True
            try:
                self._run(plan, x, y, len(x) * self._step_flop, statistics, ended, count)
            finally:
                self._learning = False
                self.steps += int(result[at.STEPS])

    def train_steps(self, first, stop, ended, x, y, batch_size, shuffle=True, statistics=0, threads=None):
        """Steps first .. stop of a pass over the data, which calls with the same data and settings go on with.

        With the last step the pass is appended to ``ended``. Raises Diverged; the parameters are then of no use.
        """
        batch = min(batch_size, len(x))
        with self._lock:
            plan = self._plan(at.TRAIN, batch, choose_threads(batch * self._step_flop, threads))
            self._give_data(plan, x, y, shuffle and batch < len(x))
            self._give_optimizer(plan)
            result = plan.buffers["result"]
            result[: at.EPOCH_LOSS] = 0
            if first == 0:
                self._begun = 0.0, self._new_counts(plan, statistics)
            result[at.LOSS_SUM], counts = self._begun
            plan[at.FIRST_STEP], plan[at.LAST_STEP] = first, stop
            try:
                self._run(plan, x, y, batch * (stop - first) * self._step_flop, statistics, ended, 1, counts)
            finally:
                plan[at.FIRST_STEP] = plan[at.LAST_STEP] = 0
                self._begun = float(result[at.LOSS_SUM]), counts
                self.steps += int(result[at.STEPS])

    def evaluate(self, x, y, statistics=0, threads=None):
        """Loss and statistics over the data; nothing changes."""
        batch = min(EVALUATION_ROWS, len(x))
        with self._lock:
            phases = at.FORWARD | at.LOSS_PHASE
            plan = self._plan(phases, batch, choose_threads(batch * self._forward_flop, threads))
            self._give_data(plan, x, y, shuffle=False)
            return self._run(plan, x, y, len(x) * self._forward_flop, statistics, [])

    def forward(self, x, threads=None, keep=False):
        """The network's output (n, units). With ``keep``, what ``backward`` needs is kept."""
        with self._lock:
            if keep and self._repeatable is not None and len(x) == self._repeatable[0].batch:
                return self._forward_again(x)
            n, units = len(x), self.shapes[-1].units_out
            batch = n if keep else min(EVALUATION_ROWS, n)
            phases = at.OUTPUT_KEPT if keep else at.OUTPUT_ALONE
            plan = self._plan(phases, batch, choose_threads(batch * self._forward_flop, threads), keep)
            self._give_data(plan, x, None, shuffle=False)
            plan[at.PHASES] = phases  # backward has others
            if is_small(n * units * self.dtype.itemsize):
                out = plan.stage(at.OUT, (n, units), self.dtype)
            else:
                out = np.empty((n, units), self.dtype)
                plan[at.OUT], plan[at.OUT_ROW] = address(out), out.strides[0]
            self._call(plan, n * self._forward_flop, x, out)
            x_place, out_place = plan.staged(at.X), plan.staged(at.OUT)
            if keep:
                self._kept = plan
                if plan.threads == 1 and x_place is not None and out_place is not None:
                    self._repeatable = plan, x_place, out_place
            return out if out_place is None else out.copy()

    def _forward_again(self, x):
        """The same with everything in place from the last time: a control loop asks for a row after a row."""
        plan, place, out = self._repeatable
        plan[at.PHASES] = at.OUTPUT_KEPT
        place[...] = x
        self._kernel(plan.address, 0)
        self._kept = plan
        return out.copy()

    def backward(self, dy):
        """Gradients of sum(dy * output) for the x of the last ``forward(x, keep=True)``: (dx, gradients)."""
        with self._lock:
            plan = self._kept
            plan.view(-1, at.DELTA, self.shapes[-1].units_out)[:] = dy
            plan[at.PHASES] = at.BACKWARD | at.UPDATE
            gradient = self._give_store(plan)
            self._call(plan, plan.batch * self._step_flop)
            gradients = self._parameters.arrays(gradient)
            delta, kernel = plan.view(0, at.DELTA, self.shapes[0].units_out), self.get_weights()[0]
            with product_lock, np.errstate(all="ignore"):
                return delta @ kernel.T, gradients

    def value_and_gradient(self, x, y):
        """The loss over all of x, y and its gradient in ``get_weights`` order."""
        batch = len(x)
        with self._lock:
            plan = self._plan(at.TRAIN, batch, choose_threads(batch * self._step_flop))
            self._give_data(plan, x, y, shuffle=False)
            gradient = self._give_store(plan)
            epoch = self._run(plan, x, y, batch * self._step_flop, 0, [])
            return epoch.loss, self._parameters.arrays(gradient)

    def apply_gradients(self, gradients):
        """One step of the optimizer along given gradients, in ``get_weights`` order. Raises Diverged, as ``train_epoch``."""
        flat = aligned_zeros(self._parameters.size, self.dtype)
        self._parameters.fill(flat, gradients)
        with self._lock:
            plan = self._plan(at.UPDATE, 1, 1)
            plan[at.SAMPLES], plan[at.GROUPS] = 1, 1
            plan[at.GRADIENTS] = address(flat) - address(self._parameters.weights)
            self._give_optimizer(plan)
            self._call(plan, 0)
            self.steps += 1
            self._check(plan)

    # -- plans

    def _forget_plans(self):
        self._plans.clear()
        self._repeatable = None

    def _plan(self, phases, batch, threads, keep=False):
        key = phases, batch, threads, keep
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) > 8:  # a caller that never repeats a size must not fill the memory
                self._forget_plans()
            loss = self._loss if phases & at.LOSS_PHASE else None
            plan = make_plan(self._parameters, fuse(self.stages, loss), phases, batch, threads, keep)
            plan[at.PARAMETERS] = address(self._parameters.weights)
            plan[at.RANDOM], plan[at.SLOT] = address(self._random), self._parameters.weights.nbytes
            plan[at.HYPER], plan[at.SCHEDULE] = address(self._hyper), address(self._schedule)
            plan[at.SCALARS] = address(self._scalars)
            self._give_activations(plan)
            if loss is not None:
                plan[at.LOSS_PARAMETER], plan[at.LOSS_PER_OUTPUT] = float_bits(loss.parameter), loss.code < CATEGORICAL
            self._plans[key] = plan
        return plan

    def _give_activations(self, plan):
        """Activations that are formulas of the user's: compiled once, so that all plans have the same."""
        if self._activations is None:
            self._activations = [stage.activation.bind(self.dtype.name) for stage in self.stages]
        for row, function in zip(plan.table, self._activations, strict=False):  # what a loss adds is no formula
            row[at.ALPHA] = row[at.ALPHA] if function is None else function.address

    def _give_data(self, plan, x, y, shuffle):
        plan[at.SAMPLES], plan[at.SHUFFLE], plan[at.ORDER] = len(x), shuffle, 0
        plan.place(at.X, x)
        if y is not None:
            plan.place(at.Y, y)
            if self._loss.code == CUSTOM:
                plan[at.LOSS_PARAMETER] = self._bound_loss(y.shape[1]).address
        if shuffle:
            if len(self._order) != len(x):
                self._order = np.empty(len(x), np.int64)
                self._order_address = address(self._order)
            plan[at.ORDER] = self._order_address

    def _bound_loss(self, targets):
        """The code of a loss that is a formula, for so many columns of targets."""
        if targets not in self._losses:
            self._losses[targets] = self._loss.bind(targets, self.shapes[-1].units_out, self.dtype.name)
        return self._losses[targets]

    def _give_optimizer(self, plan):
        parameters, slots = self._parameters, self._optimizer.slots
        self._hyper[:] = self._optimizer.hyper
        plan[at.OPTIMIZER], plan[at.STATE] = self._optimizer.code, parameters.state_offset
        touched = parameters.weights.nbytes * (2 + slots)
        plan[at.FETCHED] = 1 + slots if touched > FETCH_FROM else 0

    def _give_store(self, plan):
        """Have the update store the gradient instead of using it: a flat buffer laid out like the weights."""
        gradient = aligned_zeros(self._parameters.size, self.dtype)
        plan[at.OPTIMIZER], plan[at.FETCHED] = STORE, 0
        plan[at.STATE] = address(gradient) - address(self._parameters.weights)
        return gradient

    def _call(self, plan, flop, *data):
        """Run a plan on its threads, or on one where somebody else has the team. ``data`` are the arrays it works on."""
        if self._kernel is None:
            self.prepare()
        control = plan.buffers["control"]
        control.fill(0)
        wait = flop > INTERRUPTIBLE_FROM
        if plan.threads == 1 and not wait:
            self._kernel(plan.address, 0)
            return
        with pool.team(max(plan.threads, 2)) as threads:
            alone = threads == 1 or plan.rests()
            plan.use_threads(1 if alone else plan.threads)
            keep = self, plan, data
            pool.run(self._kernel, plan.address, 1 if alone else plan.threads, control, wait and threads > 1, keep)
            plan.learn_from_run(alone)

    def _new_counts(self, plan, statistics):
        """Room for what is counted for the metrics."""
        return np.zeros((int(plan.fields[at.GROUPS]) or 1, counts_size(self.shapes[-1].units_out))) if statistics else None

    def _run(self, plan, x, y, flop, statistics, ended, count=1, counts=None):
        """Run ``count`` passes of a plan that measures a loss; append those that have ended, as Epochs, and return the last.

        ``flop`` is of one pass. ``counts`` is what was counted of it in calls before. Raises Diverged if the pass learns.
        """
        result = plan.buffers["result"]
        plan[at.EPOCHS] = count
        units = self.shapes[-1].units_out
        plan[at.STATISTICS] = statistics
        if statistics:
            counts = self._new_counts(plan, statistics) if counts is None else counts
            plan[at.COUNTS], plan[at.COUNTS_ROW] = address(counts), counts.strides[0]
        before, scale = len(ended), len(x) * (units if plan.fields[at.LOSS_PER_OUTPUT] else 1)
        steps = -(-len(x) // int(plan.fields[at.BATCH]))

        def note():
            done = int(result[at.EPOCHS_DONE])
            sums = Statistics(counts.sum(axis=0), units) if statistics else None
            for total in result[at.EPOCH_LOSS : at.EPOCH_LOSS + done].tolist()[len(ended) - before :]:
                ended.append(Epoch(total / scale, len(x), steps, seconds / done, flop, plan.threads, sums))

        self.prepare()
        start = time.perf_counter()
        try:
            self._call(plan, count * flop, x, y, counts)
        finally:
            seconds = time.perf_counter() - start
            surely(note)
        self._check(plan)
        return ended[-1] if ended else None

    def _check(self, plan):
        """Raise Diverged if the run did."""
        result = plan.buffers["result"]
        if result[at.DIVERGED_AT]:
            raise Diverged(int(result[at.DIVERGED_AT]), bool(result[at.SPOILT]))


_engines: WeakSet[Engine] = WeakSet()


def _leave_parent():
    for engine in list(_engines):
        engine.leave_parent()


at_fork(after_in_child=_leave_parent)


def warmup():
    """Compile, or load from disk, every kernel."""
    for dtype in ("float32", "float64"):
        run_kernel(dtype)
