"""Networks that are trained one after another by one plan: what each begins with, and what becomes of it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..layers.stages import Stage
from ..optimizers import Optimizer
from .state import TrainingRecord


class Samples(NamedTuple):
    """Data to learn from or to measure on: rows of arrays, as the engine takes them."""

    x: np.ndarray
    y: np.ndarray
    sample_weight: np.ndarray | None = None
    rows: np.ndarray | None = None

    @property
    def total(self) -> int:
        return len(self.x) if self.rows is None else len(self.rows)


class Stopping(NamedTuple):
    """When to stop early: the settings of callbacks/stopping.py, of a loss."""

    by_validation: bool
    patience: int
    min_delta: float
    baseline: float | None
    start_from_epoch: int
    restores: bool


class Entrant(NamedTuple):
    """A network that is about to be trained.

    Attributes
    ----------
    weights : list of arrays
        In ``get_weights`` order.
    record : TrainingRecord or None
        What training has changed besides them before.
    stages : sequence of Stage
    seed : int
        Of the shuffling, and of the noise of stages that have no seed of their own.
    optimizer : Optimizer
    train, held_out : Samples
    epochs : int
    stopping : Stopping or None
    """

    weights: Sequence[np.ndarray]
    record: TrainingRecord | None
    stages: Sequence[Stage]
    seed: int
    optimizer: Optimizer
    train: Samples
    held_out: Samples | None
    epochs: int
    stopping: Stopping | None


class Outcome(NamedTuple):
    """What has become of it.

    Attributes
    ----------
    kind : int
        ``WAITS``, ``ENDED``, ``DIVERGED`` or ``STOPPED`` of kernels/series.py.
    losses, validation_losses : arrays
        Of the epochs that have ended.
    weights, record
        As after these; of no use where it has diverged.
    stopping : array or None
        As kernels/series.py leaves it.
    share : float
        Of the time of all.
    """

    kind: int
    losses: np.ndarray
    validation_losses: np.ndarray
    weights: list[np.ndarray]
    record: TrainingRecord
    stopping: np.ndarray | None
    share: float
