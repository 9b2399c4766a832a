"""What is tried out on a copy of a network: a look into one step, and some steps at different learning rates."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..engine.engine import Engine
from ..engine.epoch import Diverged
from ..engine.observer import Observed, Observer
from ..kernels.fields import UPDATE_NORM, WEIGHT_NORM

if TYPE_CHECKING:
    from ..data import Rows
    from ..losses import Loss
    from ..optimizers import Optimizer

LOOK_ROWS = 4096  # at most, of the batch that is looked into
STEPS = 40  # of a trial


@dataclass(frozen=True)
class Outcome:
    """What some steps made of the loss.

    ``before`` and ``after`` are the losses over the rows of the trial; infinite after steps that diverged. ``ratios`` has for
    each layer that learns the median of its updates over its weights.
    """

    before: float
    after: float
    ratios: np.ndarray

    @property
    def diverged(self) -> bool:
        return not np.isfinite(self.after)


class Trial:
    """Trials on copies of an engine, which stays as it is.

    Parameters
    ----------
    engine : Engine
    optimizer : Optimizer
    loss : Loss
    rows : Rows
    batch_size : int
    """

    def __init__(self, engine: Engine, optimizer: "Optimizer", loss: "Loss", rows: "Rows", batch_size: int) -> None:
        self._engine, self._optimizer, self._loss = engine, optimizer, loss
        self._rows, self._batch = rows, min(batch_size, len(rows))

    def _twin(self) -> Engine:
        return self._engine.twin(copy(self._optimizer), self._loss)

    def look(self) -> np.ndarray:
        """The record (stages, RECORD_FIELDS) of one step on a large batch."""
        found: list[Observed] = []
        rows = self._rows.part(0, min(LOOK_ROWS, len(self._rows)))
        self._learn(self._twin(), rows, len(rows), 1, 1.0, found.append)
        record: np.ndarray = found[0].records[0]
        return record

    def run(self, factor: float) -> Outcome:
        """Some steps at ``factor`` times the learning rate."""
        twin, found = self._twin(), list[Observed]()
        rows = self._rows.part(0, min(STEPS * self._batch, len(self._rows)))
        before = self._loss_of(twin, rows)
        done = self._learn(twin, rows, self._batch, -(-STEPS // -(-len(rows) // self._batch)), factor, found.append)
        after = self._loss_of(twin, rows) if done else np.inf
        records = np.concatenate([observed.records for observed in found])
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = records[:, :, UPDATE_NORM] / records[:, :, WEIGHT_NORM]
        learns = ~np.isnan(records[:, :, UPDATE_NORM]).all(axis=0)
        return Outcome(before, after if np.isfinite(after) else np.inf, np.median(ratios[:, learns], axis=0))

    def _learn(
        self, twin: Engine, rows: "Rows", batch: int, passes: int, factor: float, take: Callable[[Observed], None]
    ) -> bool:
        """Whether so many passes came to their end."""
        assert rows.y is not None
        count = passes * -(-len(rows) // batch)
        rates = self._optimizer.learning_rates(twin.steps, count)
        rates = np.full(count, self._optimizer.learning_rate) if rates is None else rates
        try:
            twin.train_epochs(
                *(passes, [], rows.x, rows.y, batch),
                sample_weight=rows.sample_weight,
                learning_rates=factor * rates,
                observer=Observer(1, take),
            )
        except Diverged:
            return False
        return True

    @staticmethod
    def _loss_of(twin: Engine, rows: "Rows") -> float:
        assert rows.y is not None
        return twin.value_and_gradient(rows.x, rows.y, sample_weight=rows.sample_weight, training=True)[0]
