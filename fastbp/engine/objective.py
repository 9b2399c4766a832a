"""The loss over some data as a function of one vector: what solvers minimise."""

import threading

import numpy as np

from ..kernels import fields as at
from .epoch import Epoch
from .jacobian import RowGradients, blocks, unit_vector
from .parameters import Parameters
from .passes import Pass, doubles
from .plan import Plan
from .plans import Plans
from .runner import Runner
from .work import choose_threads, forward_flop, step_flop


class Objective:
    """The loss over all of some data, with its derivatives, as a function of the weights that training changes.

    They are one vector of float64, in ``get_weights`` order. A call leaves the network with the weights it is given.

    Parameters
    ----------
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
    samples, residuals : int
        Samples, and these times outputs.
    evaluations, flop : int
        Passes over the data so far, and the operations of their matrix products.
    threads : int
        Of the last pass.
    """

    def __init__(
        self,
        parameters: Parameters,
        plans: Plans,
        runner: Runner,
        lock: threading.RLock,
        data: tuple[np.ndarray, np.ndarray, np.ndarray | None],
        threads: int | None = None,
    ) -> None:
        self._parameters, self._plans, self._runner, self._lock = parameters, plans, runner, lock
        x, y, sample_weight = data
        self._x, self._y, self._sample_weight, self._threads = x, y, doubles(sample_weight), threads
        self._units = parameters.shapes[-1].units_out
        self.samples, self.residuals = len(x), len(x) * self._units
        self._forward_flop, self._step_flop = forward_flop(parameters.shapes, 1), step_flop(parameters.shapes, 1)
        self._positions = parameters.learnt_positions()
        self._copies, self._copied = parameters.transposed_positions()
        self.size, self.evaluations, self.flop, self.threads = len(self._positions), 0, 0, 1
        self._passes: dict[int, Pass] = {}
        self._gradient = np.zeros(0, parameters.dtype)
        self._by_row: RowGradients | None = None

    # -- the vector

    def point(self) -> np.ndarray:
        """The present weights."""
        with self._lock:
            return self._parameters.weights[self._positions].astype(np.float64)

    def place(self, point: np.ndarray) -> None:
        """Have the network use these weights. It does no harm when it is called twice."""
        with self._lock:
            weights, transposed = self._parameters.weights, self._parameters.transposed
            weights[self._positions] = point
            transposed[self._copies] = weights[self._copied]

    # -- the function

    def value(self, point: np.ndarray) -> float:
        """The loss."""
        return self._run(at.FORWARD | at.LOSS_PHASE, point, self._forward_flop)

    def value_and_gradient(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss and its gradient."""
        loss = self._run(at.TRAIN, point, self._step_flop)
        return loss, self._gradient[self._positions].astype(np.float64)

    def _run(self, phases: int, point: np.ndarray, flop: int) -> float:
        with self._lock:
            self.place(point)
            if phases not in self._passes:
                self._passes[phases] = self._pass(phases, flop)
            ended: list[Epoch] = []
            self._runner.run_passes(self._passes[phases], ended)
            self.threads = ended[0].threads
        self._count(flop)
        return float(ended[0].loss)

    def _pass(self, phases: int, flop: int) -> Pass:
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

    # -- for sums of squares

    def normal_equations(self, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """J'J and J'r at a point, where r are the residuals, output - target, and J their derivatives.

        Each is multiplied by the root of its sample's weight, so that r'r is the squared loss times ``residuals``.
        """
        from scipy.linalg.blas import dsyrk

        with self._lock:
            self.place(point)
            if self._by_row is None:
                self._by_row = RowGradients(self._plans, self._runner, self._parameters, self._step_flop, self._threads)
            square, slope = np.zeros((self.size, self.size), order="F"), np.zeros(self.size)
            roots = None if self._sample_weight is None else np.sqrt(self._sample_weight)
            for rows in blocks(self.samples, self._by_row.rows):
                count = rows.stop - rows.start
                outputs = np.empty((count, self._units), self._parameters.dtype)
                weights = None if roots is None else roots[rows]
                jacobian = np.empty((count, self.size))
                for j in range(self._units):
                    direction = unit_vector(self._units, j, count, self._parameters.dtype)
                    by_row = self._by_row.along(self._x[rows], direction, weights, outputs)
                    jacobian[...] = by_row.take(self._positions, axis=1)
                    residuals = outputs[:, j].astype(np.float64) - self._y[rows, j]
                    slope += jacobian.T @ (residuals if weights is None else residuals * weights)
                    square = dsyrk(1.0, jacobian.T, beta=1.0, c=square, overwrite_c=1, lower=1)
        self._count(self._step_flop * self._units)
        return square, slope
