"""Fits by a solver: it has all of the data at once, and each of its iterations is an epoch."""

import math
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import Data, Rows
from ..engine.interrupts import run_to_end
from ..errors import TrainingDiverged
from ..layers import Layer
from ..layers.stages import Stage, ruled
from ..optimizers import Solver
from ..scaled_sums import Targets
from ..solvers.base import NotFinite
from .batch_logs import tell
from .measures import Measures
from .progress import Progress
from .training_loop import FitLoop

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.epoch import Epoch
    from ..engine.objective import Objective


def whole_rows(solver: Solver, data: Data, batch_size: int | None, steps: int | None) -> Rows:
    """The data of a fit by a solver, which must be in memory and one batch."""
    name = type(solver).__name__
    if not isinstance(data, Rows):
        raise ValueError(f"x must be an array in memory for {name}, which takes all of the data at once, got data in parts")
    if batch_size is not None and batch_size < len(data):
        allowed = f"batch_size must be None, or at least the {len(data)} samples that {name} takes at once"
        raise ValueError(f"{allowed}, got {batch_size}")
    if steps not in (None, 1):
        raise ValueError(f"steps_per_epoch must be None or 1 for {name}, which takes all of the data at once, got {steps}")
    return data


def check_network(solver: Solver, layers: Iterable[Layer], units: int, feedback: str | None) -> None:
    """Refuse what a solver cannot do justice to: it needs a loss that is the same whenever it asks, and its gradient."""
    name = type(solver).__name__
    if feedback is not None:
        raise ValueError(f"feedback must be None for {name}, which goes by the gradient, got {feedback!r}")
    for layer in layers:
        stages = ruled(layer, units)
        units = layer.output_units(units) or 0
        if any(stage.is_random or (stage.normalizes_batch and layer.trainable) for stage in stages):
            raise ValueError(f"layers must do the same in training for {name} as they do else, got {layer!r}")
        _check_rules(solver, layer, stages)


def _check_rules(solver: Solver, layer: Layer, stages: Iterable[Stage]) -> None:
    """Refuse constraints and penalties of a layer that a solver does not know."""
    name = type(solver).__name__
    rules = [rule for stage in stages for rule in stage.rules if layer.trainable]
    for constraint in [rule.constraint for rule in rules]:
        if constraint is not None and not solver.takes_constraint(constraint):
            told = f"layers must have no constraint of this kind for {name}, got {constraint!r} in {layer!r}"
            raise ValueError(f"{told}: LBFGS keeps to NonNeg, optimizers to all")
    costs = [*((rule.regularizer, False) for rule in rules), *((stage.activity, True) for stage in stages)]
    for cost, on_outputs in costs:
        if cost is not None and not solver.takes_penalty(cost, on_outputs):
            told = f"layers must have no regularizer but L2 of weights for {name}, got {cost!r} in {layer!r}"
            raise ValueError(f"{told}: LBFGS takes all")


def check_watching(solver: Solver, callbacks: Iterable[Any]) -> None:
    """Refuse callbacks that look into the steps of an optimizer."""
    for callback in callbacks:
        if hasattr(callback, "on_kept"):
            raise ValueError(
                f"callbacks must not go on with a fit by {type(solver).__name__}, whose own memory nobody can keep"
            )
        if hasattr(callback, "on_observed"):
            who = type(callback).__name__
            raise ValueError(f"callbacks must not look into single steps of {type(solver).__name__}, got {who}")


class Solved:
    """What a solver works on.

    Parameters
    ----------
    build : callable
        Gives the engine with the present weights.
    measures : Measures
    rows : Rows
    threads : int, optional
    """

    def __init__(self, build: "Callable[[], Engine]", measures: Measures, rows: Rows, threads: int | None) -> None:
        assert rows.y is not None
        self._build, self.engine = build, build()
        self.objective = self.engine.objective(rows.x, rows.y, rows.sample_weight, threads)
        self._measures, self._rows, self._threads, self._targets = measures, rows, threads, Targets(rows.y)

    def fetch_weights(self) -> None:
        """Have the weights in the engine: a callback may have used another model of these layers."""
        if self._build() is not self.engine:
            raise RuntimeError("the model must have the layers that it had when fit began: a callback has changed them")

    def check_finite(self) -> None:
        """Look for what may be the reason why the loss is not finite."""
        self._rows.check_finite()

    def logs_of(self, epoch: "Epoch") -> dict[str, Any]:
        """The loss and metrics with the weights that the epoch has left."""
        rows, measures = self._rows, self._measures
        measured = epoch
        if measures.metrics:
            settings: dict[str, Any] = {"sample_weight": rows.sample_weight, "keep_outputs": measures.keeps_outputs}
            measured = self.engine.evaluate(rows.x, self._targets.y, measures.counted, self._threads, **settings)
            measured.loss = epoch.loss
        return measures.logs(measured, self._targets, rows.sample_weight)


class _Stopped(Exception):
    """A callback has ended the fit."""


class Watched:
    """An objective, with something to do before and after each evaluation.

    Parameters
    ----------
    objective : Objective
    before, after : callable
    """

    def __init__(self, objective: "Objective", before: Callable[[], None], after: Callable[[], None]) -> None:
        self._objective, self._before, self._after = objective, before, after
        self.ridge, self.lowest = objective.ridge, objective.lowest

    def _watch(self, function: Callable[..., Any], *arguments: np.ndarray) -> Any:
        self._before()
        found = function(*arguments)
        self._after()
        return found

    def value_and_gradient(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        found: tuple[float, np.ndarray] = self._watch(self._objective.value_and_gradient, point)
        return found

    def residuals(self, point: np.ndarray) -> np.ndarray:
        found: np.ndarray = self._watch(self._objective.residuals, point)
        return found

    def pull_back(self, point: np.ndarray, values: np.ndarray) -> np.ndarray:
        found: np.ndarray = self._watch(self._objective.pull_back, point, values)
        return found

    def square(self, point: np.ndarray) -> np.ndarray:
        found: np.ndarray = self._watch(self._objective.square, point)
        return found


class SolvingLoop(FitLoop):
    """A fit by a solver. Whatever ends it, the weights are those of the last iteration that was finished.

    An epoch begins with the first evaluation after the one before, since a solver may end instead; so there is one at least.

    Parameters
    ----------
    solver : Solver
    solved : Solved
    *arguments
        As ``FitLoop`` has them, after the first.
    """

    def __init__(self, solver: Solver, solved: Solved, *arguments: Any) -> None:
        super().__init__(solved, *arguments)
        self._solver, self._solved, self._objective = solver, solved, solved.objective
        self._point = np.zeros(0)
        self._loss = math.nan  # at that point
        self._is_open = False  # whether an epoch has begun
        self._began, self._before = 0.0, (0, 0)

    def _run_epochs(self, progress: Progress) -> None:
        if not self._goes_on():
            return
        self._progress, self._point = progress, self._objective.point()
        self._loss = self._objective.value(self._point)
        try:
            self._solve()
        finally:
            run_to_end(lambda: self._objective.place(self._point))
        if self._is_open:
            self._close()

    def _solve(self) -> None:
        watched = Watched(self._objective, self._open, self._look)
        history = self._history
        try:
            outcome = self._solver.minimize(watched, self._point, self._stop - self._first, self._iterated)
            history.converged, history.message = outcome.converged, outcome.message
        except _Stopped:
            history.converged, history.message = False, "A callback has ended the fit."
        except NotFinite:
            history.converged, history.message = False, "The loss is not finite where the fit begins."
            self._solved.check_finite()
            if not self._end_by_divergence(1):
                raise TrainingDiverged(self._next + 1, 1, None, from_finite=bool(np.isfinite(self._point).all())) from None
            self._is_open = False
            self._end_epoch(self._next - 1, self._progress)

    def _open(self) -> None:
        """Begin an epoch, if none has begun."""
        if not self._is_open:
            self._callbacks.on_epoch_begin(self._next)
            self._callbacks.on_train_batch_begin(0)
            self._solved.fetch_weights()
            self._is_open, self._began = True, time.perf_counter()
            self._before = self._objective.evaluations, self._objective.flop

    def _look(self) -> None:
        """Let callbacks look, after an evaluation."""
        self._callbacks.look()
        if self._callbacks.model.stop_training:
            raise _Stopped

    def _iterated(self, point: np.ndarray, loss: float) -> None:
        """Take note of where an iteration has come to, and end its epoch."""
        self._point, self._loss = point.copy(), loss
        self._objective.place(self._point)
        self._close()
        if self._callbacks.model.stop_training:
            raise _Stopped

    def _close(self) -> None:
        """End the epoch."""
        from ..engine.epoch import Epoch

        self._is_open = False
        objective, index, seconds = self._objective, self._next, time.perf_counter() - self._began
        samples = (objective.evaluations - self._before[0]) * objective.samples
        flop, threads = objective.flop - self._before[1], objective.threads
        self._ended.append(Epoch(self._loss, samples, 1, seconds, flop, threads, None))
        state = self._solved.engine.state
        state.steps += 1
        self._solver.iterations = state.steps
        tell(self._callbacks.on_train_batch_end, 0, self._training_logs, lambda: self._ended[-1])
        self._end_epoch(index, self._progress)
