"""What training changes, and the way back to how it was."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..kernels.optimizer import RUNNING_PRODUCTS
from ..optimizers import Optimizer
from .memory import zeros
from .parameters import Parameters

Snapshot = tuple[list[np.ndarray], int, int]


@dataclass(frozen=True)
class TrainingRecord:
    """What training changes besides the weights, laid out for no machine: what copies, pickles and files of a model hold.

    Attributes
    ----------
    slots : list of lists of arrays
        The arrays of the optimizer's state, each as the weights are; none before the first step. Kernels of a record that is
        to be stored at once are where they are.
    running_products : ndarray
        Of the optimizer's decays.
    generator : int
        The state of the shuffle's generator.
    steps, draws : int
        As ``TrainingState`` has them.
    """

    slots: list[list[Any]]
    running_products: np.ndarray
    generator: int
    steps: int
    draws: int

    def before_training(self) -> "TrainingRecord":
        """The same with the optimizer's state as it is before its first step."""
        return replace(self, slots=[], running_products=np.ones_like(self.running_products), steps=0)


class TrainingState:
    """A network's parameters with the optimizer's state, the shuffle's generator and the number of steps taken.

    ``steps`` are the optimizer's, ``draws`` those of predictions with noise: random numbers follow from these counts.

    Parameters
    ----------
    parameters : Parameters
    seed : int
        Of the shuffling.
    """

    def __init__(self, parameters: Parameters, seed: int) -> None:
        self.parameters = parameters
        self.running_products, self.generator = zeros("running products", RUNNING_PRODUCTS), zeros("generator", 1, np.int64)
        self.running_products[:], self.generator.view(np.uint64)[:] = 1.0, seed
        self.steps = self.draws = 0
        self._remembered: Snapshot | None = None

    def reset_optimizer(self, optimizer: Optimizer) -> None:
        """Start an optimizer's state afresh."""
        self.parameters.reset_state(optimizer.slots, optimizer.initial_state)
        self.running_products[:] = 1.0
        self.steps, self._remembered = 0, None

    def _arrays(self) -> tuple[np.ndarray, ...]:
        return self.parameters.weights, self.parameters.state, self.running_products, self.generator

    def snapshot(self) -> Snapshot:
        """A copy of everything that training changes."""
        return [array.copy() for array in self._arrays()], self.steps, self.draws

    def restore(self, snapshot: Snapshot) -> None:
        """Return to a snapshot."""
        copies, self.steps, self.draws = snapshot
        for array, copy in zip(self._arrays(), copies, strict=True):
            array[:] = copy
        self.parameters.note_written()

    def record(self, stored: bool = False) -> TrainingRecord:
        """A copy of everything that training changes but the weights, for any machine; kernels as ``Parameters.stored``."""
        parameters, count = self.parameters, 0
        if self.steps and parameters.size:
            count = len(parameters.state) // parameters.size
        arrays = parameters.stored if stored else parameters.arrays
        slots: list[list[Any]] = [list(arrays(parameters.slot(i))) for i in range(count)]
        return TrainingRecord(slots, self.running_products.copy(), int(self.generator[0]), self.steps, self.draws)

    def resume(self, record: TrainingRecord) -> None:
        """Go on from a record; the optimizer's state is fresh."""
        for i, arrays in enumerate(record.slots):
            self.parameters.fill(self.parameters.slot(i), arrays, padding=False)
        self.running_products[:], self.generator[0] = record.running_products, record.generator
        self.steps, self.draws, self._remembered = record.steps, record.draws, None

    def remember(self) -> None:
        """Take a snapshot to ``go_back`` to. There is one, and the memory for it is used again."""
        if self._remembered is None:
            self._remembered = self.snapshot()
            return
        for copy, array in zip(self._remembered[0], self._arrays(), strict=True):
            copy[:] = array
        self._remembered = self._remembered[0], self.steps, self.draws

    def go_back(self) -> None:
        """Return to where ``remember`` was called last, if it was."""
        if self._remembered is not None:
            self.restore(self._remembered)

    def is_finite(self) -> bool:
        """Whether all weights are numbers."""
        return bool(np.isfinite(self.parameters.weights).all())
