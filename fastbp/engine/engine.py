"""The engine: one network's parameters and plans, and the calls into the compiled kernels.

It trusts what it is given (data.py has looked at it) and knows nothing of names, callbacks or progress.
"""

from collections.abc import Iterable
from weakref import WeakSet

import numpy as np

from ..forks import at_fork
from ..kernels import fields as at
from ..kernels.random import shuffle_kernel
from ..kernels.run import run_kernel
from ..layers.stages import Stage
from .bound import BoundPrediction
from .epoch import Epoch
from .feedback import Feedback
from .jacobian import RowGradients, input_jacobian, weight_jacobian
from .noise import prediction_step
from .passes import Pass, doubles
from .plan import Plan, is_small
from .rules import weight_penalty
from .training import Training
from .work import FLOP_PER_THREAD, choose_threads

EVALUATION_ROWS = 8192  # rows of one step when nothing is learnt
MAX_PREDICTION_FLOP = 1e10  # of a step, where rows are many: Ctrl-C is looked for between steps
ROWS_AT_ONCE = 128  # by whose multiples rows are predicted: so many give what they give among all others


class Engine(Training):
    """One network, ready to run.

    Parameters
    ----------
    stages : sequence of Stage
        What the layers are for kernels, in order.
    dtype : "float32" or "float64"
    seed : int
        Of the shuffling, and of the noise of stages that have no seed of their own.
    feedback : Feedback, optional
        What the network learns by instead of the gradient.
    """

    def __init__(
        self, stages: Iterable[Stage], dtype: str = "float32", seed: int = 0, feedback: Feedback | None = None
    ) -> None:
        super().__init__(stages, dtype, seed, feedback)
        _engines.add(self)

    def evaluate(
        self,
        x: np.ndarray,
        y: np.ndarray,
        statistics: int = 0,
        threads: int | None = None,
        *,
        sample_weight: np.ndarray | None = None,
        keep_outputs: bool = False,
        batch_size: int = EVALUATION_ROWS,
    ) -> Epoch:
        """Loss and statistics over the data, and the outputs where they are wanted; nothing changes.

        ``batch_size`` matters to a loss that belongs to a batch as a whole: it is the mean of that of the batches.
        """
        with self._lock:
            self._plans.expect(y)
            batch = min(batch_size if self._plans.measures_batch else EVALUATION_ROWS, len(x))
            fits = batch == len(x) or not self._plans.measures_batch
            if fits and sample_weight is None and not statistics and not keep_outputs and threads is None:
                bound = self._bound_measure(x, y, False)
                if bound is not None:
                    penalty, flop = weight_penalty(self.stages, self._parameters), batch * self._forward_flop
                    return Epoch(bound.run(x, y) + penalty, batch, 1, 0.0, flop, 1, None, penalty=penalty)
            phases = at.FORWARD | at.LOSS_PHASE
            plan = self._plans.get(phases, batch, choose_threads(batch * self._forward_flop, threads))
            weights = doubles(sample_weight)
            self._plans.bind_data(plan, x, y, weights)
            ended: list[Epoch] = []
            units = self.shapes[-1].units_out
            self._runner.run_passes(Pass(plan, (x, y, weights), units, self._forward_flop, statistics, keep_outputs), ended)
            ended[0].penalty = weight_penalty(self.stages, self._parameters)
            ended[0].loss += ended[0].penalty
            return ended[0]

    def forward(self, x: np.ndarray, threads: int | None = None, keep: bool = False, training: bool = False) -> np.ndarray:
        """The network's output (n, units). With ``keep``, what ``backward`` needs is kept.

        With ``training``, layers do what they do while the network learns; noise is another one at each call.
        """
        with self._lock:
            training = training and self._plans.differ_in_training
            if not keep and not training and threads is None:
                bound = self._bound_prediction
                if bound is not None and len(bound.x) == len(x) and bound.generation == self._plans.generation:
                    bound.x[...] = x
                    bound.run()
                    return bound.out.copy()
                self._note_prediction(x)
            if keep and not training and self._repeatable is not None and len(x) == self._repeatable[0].batch:
                return self._forward_again(x, *self._repeatable)
            n, units = len(x), self.shapes[-1].units_out
            whole = keep or (training and self._plans.normalize_batch)
            batch = n if whole else min(self._prediction_rows(), n)
            phases = at.PREDICT_FOR_BACKWARD if whole else at.PREDICT_ONLY
            plans, runner = (self._plans, self._runner) if keep or training else self._for_predictions()
            threads = choose_threads(batch * self._forward_flop, threads)
            plan = plans.get(phases, batch, threads, keep, training=training)
            plans.bind_data(plan, x)
            plan[at.PHASES] = phases  # backward has others
            if training:
                plan[at.NOISE_STEP] = prediction_step(self.state.draws)
                self.state.draws += -(-n // batch)
            out = plan.output(n, units)
            runner.run(plan, n * self._forward_flop, x, out)
            x_place, out_place = plan.staged(at.X), plan.staged(at.OUT)
            if keep:
                self._kept = plan
                if not training and plan.threads == 1 and x_place is not None and out_place is not None:
                    self._repeatable = plan, x_place, out_place
            return out if out_place is None else out.copy()

    def _note_prediction(self, x: np.ndarray) -> None:
        """Have a prediction for the next calls, where few rows, as many as last time, take no more than one thread."""
        if len(x) != self._last_rows:
            self._last_rows = len(x)
        elif is_small(x.nbytes) and len(x) * self._forward_flop < FLOP_PER_THREAD:
            self._bound_prediction = BoundPrediction(self, np.empty_like(x))

    def _prediction_rows(self) -> int:
        """Rows of a step that only predicts."""
        rows = int(MAX_PREDICTION_FLOP / max(self._forward_flop, 1))
        return min(EVALUATION_ROWS, max(1, rows // ROWS_AT_ONCE) * ROWS_AT_ONCE)

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
            if plan is None:
                raise ValueError("backward needs a forward(x) before it, got none since the weights last changed")
            plan.output_gradient()[:] = dy
            plan[at.PHASES] = at.BACKWARD | at.UPDATE | at.INPUT_GRADIENT
            gradient = self._plans.bind_gradient(plan)
            self._runner.run(plan, plan.batch * self._step_flop)
            return plan.input_gradient().copy(), self._parameters.arrays(gradient)

    def input_jacobian(self, x: np.ndarray, threads: int | None = None) -> np.ndarray:
        """Derivatives of the outputs with respect to the inputs, (n, units, features)."""
        with self._lock:
            return input_jacobian(self._plans, self._runner, x, self._step_flop, threads)

    def weight_jacobian(self, x: np.ndarray, threads: int | None = None) -> list[np.ndarray]:
        """Derivatives of the outputs with respect to the weights: (n, units, *shape) for each, trainable or not."""
        with self._lock:
            parameters = self._parameters.all_trainable()
            gradients = RowGradients(self._plans, self._runner, parameters, self._step_flop, threads)
            return weight_jacobian(gradients, parameters, x)


_engines: WeakSet[Engine] = WeakSet()


def _leave_parent() -> None:
    for engine in list(_engines):
        engine.leave_parent()


at_fork(after_in_child=_leave_parent)


def warmup(full: bool = False) -> None:
    """Compile, or load from disk, every kernel; those that are full only where asked to."""
    for dtype in ("float32", "float64"):
        run_kernel(dtype)
        if full:
            run_kernel(dtype, full=True)
    shuffle_kernel()
