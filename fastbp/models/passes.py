"""How the passes of a fit over its data are trained: whole ones in a compiled call, or batch by batch for those who look on."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from ..callbacks.callback_list import CallbackList
from .batch_logs import BatchLogs
from .joined import joined
from .rows import Rows

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.epoch import Epoch

LogsOf = Callable[["Epoch"], dict[str, float]]  # of a pass, or the part of it that has been done


def weights_of(rows: Rows) -> dict[str, Any]:
    """The engine's argument for the samples' weights, where there are any."""
    return {} if rows.sample_weight is None else {"sample_weight": rows.sample_weight}


class Settings(NamedTuple):
    """How the engine is to train."""

    batch_size: int
    shuffle: bool
    counted: int  # its ``statistics``
    threads: int | None


class Passes(Protocol):
    """Data to train on, again and again."""

    together: bool  # whether several passes may be made in one call

    def train(self, count: int, ended: "list[Epoch]") -> None:
        """Train; the passes that have ended are appended, whatever is raised."""


class WholePasses:
    """Passes that nobody looks into: Python has nothing to do in them."""

    together = True

    def __init__(self, engine: "Engine", rows: Rows, settings: Settings) -> None:
        self._train, self._arguments, self._weights = engine.train_epochs, (rows.x, rows.y, *settings), weights_of(rows)

    def train(self, count: int, ended: "list[Epoch]") -> None:
        self._train(count, ended, *self._arguments, **self._weights)


class WatchedPasses:
    """The same passes, with the same bits, a step at a time: callbacks have a look after each."""

    together = False

    def __init__(self, engine: "Engine", rows: Rows, settings: Settings, callbacks: CallbackList, logs_of: LogsOf) -> None:
        self._engine, self._callbacks, self._logs_of = engine, callbacks, logs_of
        self._arguments, self._weights = (rows.x, rows.y, *settings), weights_of(rows)
        self._steps = -(-len(rows) // settings.batch_size)

    def train(self, count: int, ended: "list[Epoch]") -> None:
        engine, callbacks, before = self._engine, self._callbacks, len(ended)
        reports = callbacks.listens("on_train_batch_end")
        for step in range(self._steps):
            callbacks.on_train_batch_begin(step)
            engine.train_steps(step, step + 1, ended, *self._arguments, **self._weights)
            if reports:
                so_far = ended[-1] if len(ended) > before else self._so_far(step)
                callbacks.on_train_batch_end(step, BatchLogs(self._logs_of, so_far))
            if callbacks.model.stop_training and len(ended) == before:
                ended.append(self._so_far(step))
                return

    def _so_far(self, step: int) -> "Epoch":
        from ..engine.epoch import Epoch, Statistics
        from ..kernels.fields import LOSS_PER_OUTPUT

        engine, (x, _, batch_size, shuffle, *_) = self._engine, self._arguments
        (total, counts), units = engine._begun, engine.shapes[-1].units_out
        samples = min((step + 1) * batch_size, len(x))
        plan = next(plan for key, plan in engine._plans._plans.items() if key[1] == min(batch_size, len(x)))
        terms = samples * (units if plan.fields[LOSS_PER_OUTPUT] else 1)
        sums = None if counts is None else Statistics(counts.sum(axis=0), units)
        epoch = Epoch(total / terms, samples, step + 1, 1e-9, 0, 1, sums)
        order = engine._plans._order[:samples].copy() if shuffle and batch_size < len(x) else None
        vars(epoch)["order"] = order
        return epoch


class PortionPasses:
    """Passes over data that Python puts together, a portion of some batches at a time.

    Parameters
    ----------
    portions : callable
        Gives an iterator over the portions of the next epoch. With callbacks that look at batches, a portion is a batch.
    logs_of : callable
        Given the parts of a pass, one for each portion, and their targets.
    """

    together = False

    def __init__(
        self,
        engine: "Engine",
        portions: Callable[[], Iterator[Rows]],
        settings: Settings,
        callbacks: CallbackList,
        logs_of: Callable[["Epoch", list[np.ndarray]], dict[str, float]],
    ) -> None:
        self._engine, self._portions, self._settings = engine, portions, settings._replace(shuffle=False)
        self._callbacks, self._logs_of = callbacks, logs_of
        self.targets: list[np.ndarray] = []  # of the last epoch, where metrics need them

    def train(self, count: int, ended: "list[Epoch]") -> None:
        from ..engine.epoch import Diverged

        done: list[Epoch] = []
        targets = self.targets = []
        callbacks, step = self._callbacks, 0
        reports = callbacks.listens("on_train_batch_end")

        def logs_so_far(parts: int) -> dict[str, float]:
            return self._logs_of(joined(*done[:parts]), targets[:parts])

        for rows in self._portions():
            callbacks.on_train_batch_begin(step)
            try:
                self._engine.train_epochs(1, done, rows.x, rows.y, *self._settings, **weights_of(rows))
            except Diverged as error:
                error.step += step
                raise
            if self._settings.counted:
                targets.append(rows.y)
            if reports:
                callbacks.on_train_batch_end(step, BatchLogs(logs_so_far, len(done)))
            step += done[-1].steps
            if callbacks.model.stop_training:
                break
        if done:
            ended.append(joined(*done))
