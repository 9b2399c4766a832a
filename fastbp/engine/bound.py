"""A step, or a prediction, bound to arrays that stay: what each call has to do is next to nothing but call the kernel."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..kernels import fields as at
from ..kernels.optimizer import HYPER_RATE
from .epoch import Diverged
from .passes import Pass
from .runner import MIN_INTERRUPTIBLE_FLOP
from .work import choose_threads

KEPT_STEPS = 64  # steps between two copies of what training changes: the copy may take as long as some steps


class BoundStep:
    """One training step on arrays, as often as it is asked for.

    Parameters
    ----------
    engine : Engine
    x, y : arrays
        As the engine takes them. What is in them when the step runs is learnt from.

    Attributes
    ----------
    generation : int
        Of the plans: once they have another, the step is of use no more.
    """

    def __init__(self, engine: Any, x: np.ndarray, y: np.ndarray) -> None:
        plans, n, optimizer = engine._plans, len(x), engine._optimizer
        assert optimizer is not None
        plans.expect(y)
        one_pass = plans.takes_one_pass(n)
        self._flop = n * engine._step_flop
        threads = 1 if one_pass else choose_threads(self._flop)
        plan = plans.make(at.TRAIN, n, threads, training=True, one_pass=one_pass)
        plans.bind_data(plan, x, y)
        plans.bind_optimizer(plan)
        plan.point(at.X, x)
        plan.point(at.Y, y)
        units = engine.shapes[-1].units_out
        self.generation, self._pass = plans.generation, Pass(plan, (x, y), units, engine._step_flop)
        self._plan, self._address, self._runner, self._state = plan, plan.address, engine._runner, engine.state
        self._parameters, self._engine = engine._parameters, engine
        self._optimizer, self._settings = optimizer, vars(optimizer)
        self._terms = n * (units if plan.fields[at.LOSS_PER_OUTPUT] else 1)
        self._fields, self._hyper = _numbers(plan.fields), _numbers(plans._hyper)
        self._result = _numbers(plan.buffers["result"])
        alone = plan.threads == 1 and self._flop <= MIN_INTERRUPTIBLE_FLOP
        self._kernel = engine._runner._kernel_for(plan) if alone else self._run_team
        self._version, self._left = -1, 0  # of the weights after the last step, and steps until they are copied

    def _run_team(self, address: int, thread: int) -> None:
        self._runner.run(self._plan, self._flop, self._pass)

    def run(self, keep: bool = False) -> float:
        """Take the step; the loss before it. The caller holds the engine's lock. Raises Diverged.

        Before some steps, or with ``keep`` before each, what training changes is copied, for ``go_back``. The step of
        Diverged counts from there.
        """
        state, parameters, result = self._state, self._parameters, self._result
        if keep or not self._left or self._version != parameters.version:
            state.remember()
            self._left = KEPT_STEPS
        self._hyper[HYPER_RATE] = self._settings["learning_rate"] if self._optimizer.schedule is None else self._scheduled()
        self._fields[at.NOISE_STEP] = state.steps
        result[at.STEPS] = result[at.EPOCHS_DONE] = 0.0
        self._engine._learning = True
        try:
            parameters.version += 1
            self._kernel(self._address, 0)
        finally:
            self._engine._learning = False
            state.steps += int(result[at.STEPS])
        self._version, self._left = parameters.version, self._left - 1
        if result[at.EPOCHS_DONE] == 1.0:
            loss: float = result[at.EPOCH_LOSS] / self._terms
            return loss
        self.generation = -1
        raise Diverged(KEPT_STEPS - self._left, bool(result[at.DIVERGED_WEIGHTS]))

    def _scheduled(self) -> float:
        rates = self._optimizer.learning_rates(self._state.steps, 1)
        assert rates is not None
        return float(rates[0])


def _numbers(array: Any) -> Any:
    """An array's numbers, which Python reads and writes twice as fast here."""
    return memoryview(array)


class BoundMeasure:
    """The loss for samples and targets in arrays, as often as it is asked for, and its gradient where that is wanted.

    Parameters
    ----------
    engine : Engine
    x, y : arrays
    differentiates : bool

    Attributes
    ----------
    generation : int
        As of ``BoundStep``.
    gradient : array or None
        Where it is until the next run, laid out like the weights.
    """

    def __init__(self, engine: Any, x: np.ndarray, y: np.ndarray, differentiates: bool) -> None:
        plans, n, self.x, self.y = engine._plans, len(x), x, y
        plans.expect(y)
        plan = plans.make(at.TRAIN if differentiates else at.FORWARD | at.LOSS_PHASE, n, 1)
        plans.bind_data(plan, x, y)
        plan.point(at.X, x)
        plan.point(at.Y, y)
        self.gradient = plans.bind_gradient(plan) if differentiates else None
        units = engine.shapes[-1].units_out
        self.generation, self._pass = plans.generation, Pass(plan, (x, y), units, engine._step_flop)
        self._terms = n * (units if plan.fields[at.LOSS_PER_OUTPUT] else 1)
        self._result, self._address = _numbers(plan.buffers["result"]), plan.address
        self._kernel = engine._runner._kernel_for(plan)

    def run(self, x: np.ndarray, y: np.ndarray) -> float:
        """The loss on other data of the same shapes; evaluations leave penalties on weights out. The caller holds the lock."""
        self.x[...], self.y[...] = x, y
        self._kernel(self._address, 0)
        loss: float = self._result[at.EPOCH_LOSS] / self._terms
        return loss


class BoundPrediction:
    """The outputs for samples in an array, as often as they are asked for.

    Parameters
    ----------
    engine : Engine
    x : array (n, features)

    Attributes
    ----------
    generation : int
        As of ``BoundStep``.
    x, out : arrays
        The samples, and where their outputs (n, units) are until the next run.
    """

    def __init__(self, engine: Any, x: np.ndarray) -> None:
        plans, runner = engine._for_predictions()
        n, units = len(x), engine.shapes[-1].units_out
        batch, self._flop = min(engine._prediction_rows(), n), n * engine._forward_flop
        plan = plans.make(at.PREDICT_ONLY, batch, choose_threads(batch * engine._forward_flop))
        plans.bind_data(plan, x)
        plan.point(at.X, x)
        self.out = np.empty((n, units), engine.dtype)
        plan.point(at.OUT, self.out)
        self._plan, self._address, self.x, self._runner = plan, plan.address, x, runner
        self.generation, self._folded = engine._plans.generation, engine._folded
        alone = plan.threads == 1 and self._flop <= MIN_INTERRUPTIBLE_FLOP
        self._kernel: Callable[[int, int], Any] = runner._kernel_for(plan) if alone else self._run_team

    def _run_team(self, address: int, thread: int) -> None:
        self._runner.run(self._plan, self._flop, self.x, self.out)

    def run(self) -> None:
        """Have the outputs in ``out``. The caller holds the engine's lock."""
        if self._folded is not None:
            self._folded.refresh()
        self._kernel(self._address, 0)
