"""The loss over some data as a function of one vector: what solvers minimise."""

import threading
from collections.abc import Sequence

import numpy as np

from ..kernels import fields as at
from ..layers.stages import Stage
from .jacobian import RowGradients, blocks, unit_vector
from .parameters import Parameters
from .passes import Pass, doubles
from .plan import Plan
from .plans import Plans
from .rules import lowest, ridge, weight_penalty
from .runner import Runner
from .work import choose_threads, forward_flop, step_flop


class Objective:
    """The loss over all of some data, with its derivatives, as a function of the weights that training changes.

    They are one vector of float64, in ``get_weights`` order. A call leaves the network with the weights it is given.

    Parameters
    ----------
    stages : sequence of Stage
    parameters : Parameters
    plans : Plans
    runner : Runner
    lock : lock
        Held while the network computes.
    data : tuple of arrays
        x, y, and the samples' weights or None.
    threads : int, optional

    Attributes
    ----------
    size : int
        Numbers in the vector.
    samples : int
    ridge, lowest : array
        What penalties and constraints say of each number: the factor of its square in the loss, and the least it may be.
    evaluations, flop : int
        Passes over the data so far, and the operations of their matrix products.
    threads : int
        Of the last pass.
    penalty : float
        What the last loss with a gradient has of penalties on weights.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        parameters: Parameters,
        plans: Plans,
        runner: Runner,
        lock: threading.RLock,
        data: tuple[np.ndarray, np.ndarray, np.ndarray | None],
        threads: int | None = None,
    ) -> None:
        self._stages, self._parameters, self._plans, self._runner, self._lock = stages, parameters, plans, runner, lock
        x, y, sample_weight = data
        self._x, self._y, self._sample_weight, self._threads = x, y, doubles(sample_weight), threads
        self._units = parameters.shapes[-1].units_out
        self.samples = len(x)
        self._forward_flop, self._step_flop = forward_flop(parameters.shapes, 1), step_flop(parameters.shapes, 1)
        self._positions = parameters.learnt_positions()
        self.ridge, self.lowest = ridge(stages, parameters), lowest(stages, parameters)
        self.size, self.evaluations, self.flop, self.threads = len(self._positions), 0, 0, 1
        self.penalty = 0.0
        self._passes: dict[int, Pass] = {}
        self._gradient = np.zeros(0, parameters.dtype)
        self._by_row: RowGradients | None = None
        self._projection: tuple[Plan, np.ndarray] | None = None
        self._roots = None if sample_weight is None else np.sqrt(sample_weight, dtype=np.float64)

    # -- the vector

    def point(self) -> np.ndarray:
        """The present weights."""
        with self._lock:
            point: np.ndarray = self._parameters.weights[self._positions].astype(np.float64)
        return point

    @np.errstate(over="ignore", invalid="ignore")  # what is not finite is found by who asked for it
    def place(self, point: np.ndarray) -> None:
        """Have the network use these weights. It does no harm when it is called twice."""
        with self._lock:
            self._parameters.version += 1
            self._parameters.weights[self._positions] = point
            self._parameters.note_written()

    # -- the function

    def value(self, point: np.ndarray) -> float:
        """The loss."""
        loss = self._run(at.FORWARD | at.LOSS_PHASE, point, self._forward_flop)
        return loss + weight_penalty(self._stages, self._parameters)

    def value_and_gradient(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss and its gradient."""
        loss = self._run(at.TRAIN, point, self._step_flop)
        return loss, self._gradient[self._positions].astype(np.float64)

    def _run(self, phases: int, point: np.ndarray, flop: int) -> float:
        with self._lock:
            self.place(point)
            if phases not in self._passes:
                self._passes[phases] = self._pass(phases, flop)
            work = self._passes[phases]
            self._runner.run(work.plan, work.flop(1), work)
            epoch = work.ended()[0]
        self.threads, self.penalty = epoch.threads, epoch.penalty
        self._count(flop)
        return float(epoch.loss)

    def _pass(self, phases: int, flop: int) -> Pass:
        self._plans.expect(self._y)
        plan = self._plan(phases, flop)
        self._plans.bind_data(plan, self._x, self._y, self._sample_weight)
        if phases & at.UPDATE:
            self._gradient = self._plans.bind_gradient(plan)
        return Pass(plan, (self._x, self._y, self._sample_weight), self._units, flop)

    def _plan(self, phases: int, flop: int) -> Plan:
        """One that nothing else works on: it stays bound to the data."""
        return self._plans.get(phases, self.samples, choose_threads(self.samples * flop, self._threads), apart=True)

    def _count(self, flop: int) -> None:
        self.evaluations += 1
        self.flop += self.samples * flop

    # -- for sums of squares: the residuals r, and their derivatives J

    @np.errstate(over="ignore", invalid="ignore")
    def residuals(self, point: np.ndarray) -> np.ndarray:
        """Output - target, times the root of the sample's weight, (samples, outputs). The loss is their mean square."""
        with self._lock:
            self.place(point)
            plan = self._plan(at.PREDICT_ONLY, self._forward_flop)
            self._plans.bind_data(plan, self._x)
            outputs = plan.output(self.samples, self._units)
            self._runner.run(plan, self.samples * self._forward_flop, self._x, outputs)
            found: np.ndarray = outputs.astype(np.float64) - self._y
        self._count(self._forward_flop)
        return found if self._roots is None else found * self._roots[:, None]

    @np.errstate(over="ignore", invalid="ignore")
    def pull_back(self, point: np.ndarray, values: np.ndarray) -> np.ndarray:
        """J' times a number for each residual."""
        with self._lock:
            self.place(point)
            if self._projection is None:
                self._projection = self._project()
            plan, gradient = self._projection
            directions = values.astype(self._parameters.dtype)
            plan.place(at.Y, directions)
            self._runner.run(plan, self.samples * self._step_flop, self._x, directions, self._roots)
            found: np.ndarray = gradient[self._positions].astype(np.float64)
        self._count(self._step_flop)
        return found

    def _project(self) -> tuple[Plan, np.ndarray]:
        threads = choose_threads(self.samples * self._step_flop, self._threads)
        plan = self._plans.project(self._parameters, at.TRAIN, self.samples, threads)
        self._plans.bind_data(plan, self._x, None, self._roots)
        return plan, self._plans.bind_gradient(plan)

    def square(self, point: np.ndarray) -> np.ndarray:
        """J'J, of which the lower half counts."""
        from scipy.linalg.blas import dsyrk

        found = np.zeros((self.size, self.size), order="F")
        with self._lock:
            self.place(point)
            if self._by_row is None:
                self._by_row = RowGradients(self._plans, self._runner, self._parameters, self._step_flop, self._threads)
            for rows in blocks(self.samples, self._by_row.rows):
                weights = None if self._roots is None else self._roots[rows]
                for j in range(self._units):
                    direction = unit_vector(self._units, j, rows.stop - rows.start, self._parameters.dtype)
                    by_row = self._by_row.along(self._x[rows], direction, weights)
                    jacobian = by_row.take(self._positions, axis=1).astype(np.float64, copy=False)
                    found = dsyrk(1.0, jacobian.T, beta=1.0, c=found, overwrite_c=1, lower=1)
        self._count(self._step_flop * self._units)
        return found
