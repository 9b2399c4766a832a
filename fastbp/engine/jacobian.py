"""Derivatives of every output of every sample: with respect to the inputs, and to the weights.

For the inputs there is a pass forward and, for each output, one back. For the weights each row of data is a group of its own,
with its own gradient (kernels/step.py): so every kind of layer serves, with the functions that training has.
"""

from collections.abc import Iterator

import numpy as np

from ..kernels import fields as at
from .parameters import Parameters
from .plan import Plan
from .plans import Plans
from .runner import Runner
from .work import choose_threads

MAX_GRADIENT_BYTES = 16 * 1024 * 1024  # bytes of the rows' gradients that there are at a time
MAX_ROWS = 1024  # rows that are kept for the way back, or have a gradient


def blocks(rows: int, size: int) -> Iterator[slice]:
    """``rows`` rows, up to ``size`` at a time."""
    return (slice(first, min(first + size, rows)) for first in range(0, rows, size))


def unit_vector(units: int, j: int, rows: int, dtype: np.dtype) -> np.ndarray:
    """Rows that are 1 for one output and 0 for the others, (rows, units)."""
    row = np.zeros(units, dtype)
    row[j] = 1
    return np.broadcast_to(row, (rows, units))


class RowGradients:
    """The gradient of each row's outputs along some direction with respect to the weights, for some rows at a time.

    Parameters
    ----------
    plans : Plans
    runner : Runner
    parameters : Parameters
        The network's, perhaps with others that are trainable: only these have a gradient.
    flop : int
        Operations of a step on one row.
    threads : int, optional

    Attributes
    ----------
    rows : int
        So many at a time.
    """

    def __init__(self, plans: Plans, runner: Runner, parameters: Parameters, flop: int, threads: int | None) -> None:
        self._plans, self._runner, self._parameters = plans, runner, parameters
        self._flop, self._threads = flop, threads
        self.rows = max(1, min(MAX_ROWS, MAX_GRADIENT_BYTES // max(parameters.weights.nbytes, 1)))
        self._made: dict[int, Plan] = {}

    def _plan(self, rows: int) -> Plan:
        if rows not in self._made:
            threads = choose_threads(rows * self._flop, self._threads)
            self._made[rows] = self._plans.project(self._parameters, at.TRAIN & ~at.UPDATE, rows, threads, groups=rows)
        return self._made[rows]

    def along(self, x: np.ndarray, directions: np.ndarray, sample_weight: np.ndarray | None = None) -> np.ndarray:
        """The gradients (rows, numbers laid out like the weights), valid until the next call.

        Parameters
        ----------
        x : array (rows, features)
            Up to ``self.rows`` rows.
        directions : array (rows, units)
            What the outputs are multiplied by and added up.
        sample_weight : array (rows,) of float64, optional
            What the gradients are multiplied by.
        """
        plan = self._plan(len(x))
        self._plans.bind_data(plan, x, None, sample_weight)
        plan.place(at.Y, directions)
        self._runner.run(plan, len(x) * self._flop, x, directions, sample_weight)
        return plan.buffers["gradients"].reshape(len(x), -1)


def weight_jacobian(gradients: RowGradients, parameters: Parameters, x: np.ndarray) -> list[np.ndarray]:
    """Outputs with respect to weights: an array (rows, outputs, *shape) for each, in ``get_weights`` order."""
    units, positions = parameters.shapes[-1].units_out, parameters.arrays(np.arange(parameters.size))
    found = [np.empty((len(x), units, *places.shape), parameters.dtype) for places in positions]
    for rows in blocks(len(x), gradients.rows):
        for j in range(units):
            by_row = gradients.along(x[rows], unit_vector(units, j, rows.stop - rows.start, parameters.dtype))
            for array, places in zip(found, positions, strict=True):
                array[rows, j] = by_row[:, places]
    return found


def input_jacobian(plans: Plans, runner: Runner, x: np.ndarray, flop: int, threads: int | None) -> np.ndarray:
    """Outputs with respect to inputs, (rows, outputs, features)."""
    units, dtype = plans.units, plans.dtype
    found = np.empty((len(x), units, x.shape[1]), dtype)
    for rows in blocks(len(x), MAX_ROWS):
        part = x[rows]
        work = len(part) * flop
        plan = plans.get(at.PREDICT_FOR_BACKWARD, len(part), choose_threads(work, threads), keep=True, apart=True)
        plans.bind_data(plan, part)
        plan[at.PHASES] = at.GATHER | at.FORWARD
        runner.run(plan, work, part)
        for j in range(units):
            plan.output_gradient()[:] = unit_vector(units, j, len(part), dtype)
            plan[at.PHASES] = at.BACKWARD | at.INPUT_GRADIENT
            runner.run(plan, work)
            found[rows, j] = plan.input_gradient()
    return found
