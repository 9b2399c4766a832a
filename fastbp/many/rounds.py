"""Rounds of training on the workers of a cluster, as the epochs of a fit."""

import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from ..data.combine import combine
from ..errors import TrainingDiverged
from ..metrics import epoch_logs
from ..models.measures import LateTargets
from ..models.model import Model
from ..models.progress import Progress
from ..models.training_loop import FitLoop
from ..seeds import spawned
from .averaging import Arrays, Mean, place, state_of, tree
from .outer import Outer
from .replica import Report, Task, countable, forget, train
from .shards import Shards

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.epoch import Epoch

ATTEMPTS = 3  # at a round whose state was lost together with the worker that held it
GRACE = 1.0  # seconds that a worker may be late by, whatever the factor


@dataclass(frozen=True)
class Settings:
    """How a round is trained: see ``fastbp.dask.fit``."""

    local_epochs: int
    batch_size: int
    shuffle: bool
    straggler_factor: float | None


class Rounds:
    """Rounds of local training, after each of which the workers' states are averaged.

    Parameters
    ----------
    client : distributed.Client
    model : Model
        Has the state from which the next round begins.
    engine : Engine
        The model's.
    shards : Shards
    settings : Settings
    outer : Outer, optional
    """

    lost: tuple[type[BaseException], ...] = (CancelledError, OSError)  # what says that a worker went, and something with it

    def __init__(
        self, client: Any, model: Model, engine: "Engine", shards: Shards, settings: Settings, outer: Outer | None
    ) -> None:
        import cloudpickle

        self.client, self.shards, self.settings = client, shards, settings
        self._model, self._engine, self._outer = model, engine, outer
        self.name, self._packed = f"fastbp-{uuid4().hex}", cloudpickle.dumps(model)
        self.metrics = countable(model._to_measure(), shards.is_weighted)
        self._set_generators(int(engine.state.generator[0]))
        self._workers = len(shards)  # that were in time in the last round
        self._typical: float | None = None  # seconds of a shard in the last round, the median
        self._share_model()

    def _set_generators(self, generator: int) -> None:
        """Have each shard begin with random numbers of its own; those of the first are the model's."""
        self.generators = [spawned(generator, shard) for shard in range(len(self.shards))]

    def _share(self, state: Sequence[Arrays]) -> Any:
        """A state on one worker; others get it as they need it. (dask's broadcast hangs where a worker is lost amid it.)"""
        return self.client.scatter([state], hash=False)[0]

    def _share_model(self) -> None:
        self.packed = self.client.scatter(self._packed, hash=False)

    def close(self) -> None:
        """Let go of what the workers hold."""
        self.client.run(forget, self.name, on_error="ignore")

    # -- a round

    def train(self) -> "Epoch":
        """A round; the model has the state after it."""
        start, before = time.perf_counter(), state_of(self._engine)
        averaged = self._safely(lambda: self._averaged(before))
        return self._end_round(start, before, averaged)

    def _safely(self, work: Callable[[], Mean]) -> Mean:
        """Work that is done again where a worker was lost with what nobody else had."""
        for _ in range(ATTEMPTS):
            try:
                return work()
            except self.lost as error:
                reason = error
                self._find_rows()
                self._share_model()
        raise RuntimeError(
            "a worker was lost with what no other can compute again: x must be data that dask can read anew, not scattered"
        ) from reason

    def _find_rows(self) -> None:
        """Take note of where the rows are now."""
        where = self.client.who_has(self.shards.rows)
        for shard, future in enumerate(self.shards.rows):
            if where.get(future.key):
                self.shards.holders[shard] = sorted(where[future.key])[0]

    def _averaged(self, before: Sequence[Arrays]) -> Mean:
        state = self._share(before)
        parts = [self._submit(train, shard, self._task(shard), self.packed, state) for shard in range(len(self.shards))]
        found: Mean = tree(self.client, self._in_time(parts)).result()
        return found

    def _submit(self, function: Callable[..., Any], shard: int, task: Any, *arguments: Any) -> Any:
        """A task where the shard's rows are, or elsewhere if that worker is lost."""
        where = {"workers": [self.shards.holders[shard]], "allow_other_workers": True}
        rows = self.shards.rows[shard]
        return self.client.submit(function, task, *arguments, rows, pure=False, **where)

    def _task(self, shard: int) -> Task:
        s, optimizer = self.settings, self._model._compiled()[0]
        limit = None if s.straggler_factor is None or self._typical is None else s.straggler_factor * self._typical
        rate = None if optimizer.schedule is not None else float(optimizer.learning_rate)
        generator = self.generators[shard]
        return Task(self.name, shard, generator, rate, s.local_epochs, s.batch_size, s.shuffle, limit)

    def _in_time(self, futures: Sequence[Any]) -> list[Any]:
        """Those that are done, once the others are late by more than the factor; all if there is none."""
        factor = self.settings.straggler_factor
        if factor is None or len(futures) == 1:
            return list(futures)
        from distributed import wait

        start = time.perf_counter()
        half = -(-len(futures) // 2)
        while sum(future.done() for future in futures) < half:
            pending = [future for future in futures if not future.done()]
            wait(pending, return_when="FIRST_COMPLETED")
        limit = factor * (time.perf_counter() - start) + GRACE
        while not all(future.done() for future in futures) and time.perf_counter() - start < limit:
            time.sleep(0.01)
        return [future for future in futures if future.done()]

    def _end_round(self, start: float, before: Sequence[Arrays], averaged: Mean) -> "Epoch":
        """Have the model in the averaged state, or where the outer optimizer goes from there; the round as an epoch."""
        reports: list[Report] = averaged.reports
        for report in reports:
            self.generators[report.shard] = report.generator
        self._workers = len(reports)
        self._typical = statistics.median(report.seconds for report in reports)
        weights, *others = averaged.arrays
        if self._outer is not None:
            weights = self._outer.step(before[0], weights)
        self._take([weights, *others], self.generators[0])
        return self._as_epoch([report.epoch for report in reports], averaged, time.perf_counter() - start)

    def _take(self, arrays: Sequence[Arrays], generator: int) -> None:
        """Have the model in a state."""
        place(self._engine, arrays, generator)
        self._model._compiled()[0].end_at(self._engine.steps)
        self._model._kept_rows = 0

    def _as_epoch(self, parts: "Sequence[Epoch]", averaged: Mean, seconds: float) -> "Epoch":
        whole, passes = combine(parts), averaged.rows / sum(part.samples for part in parts)
        threads = sum(part.threads for part in parts)
        return replace(whole, samples=int(averaged.rows), seconds=seconds, flop=int(whole.flop * passes), threads=threads)

    def logs_of(self, epoch: "Epoch") -> dict[str, Any]:
        """The mean loss of the last passes over the rows, and the metrics that can be counted."""
        logs = epoch_logs(epoch, self.metrics, LateTargets(epoch.samples, _nowhere))
        if self.settings.straggler_factor is not None:
            logs["workers"] = float(self._workers)
        return logs


def in_epoch(epoch: int, error: TrainingDiverged) -> TrainingDiverged:
    """What a worker has raised, with the number of the round."""
    _, step, learning_rate, by_weights, from_finite = error._arguments
    return TrainingDiverged(epoch, step, learning_rate, by_weights, from_finite)


def _nowhere() -> np.ndarray:
    raise AssertionError("the targets are on the workers")


class RoundsLoop(FitLoop):
    """A fit by rounds: each of them is an epoch.

    Parameters
    ----------
    rounds : Rounds
    *arguments
        As ``FitLoop`` has them, after the first.
    """

    def __init__(self, rounds: Rounds, *arguments: Any) -> None:
        super().__init__(rounds, *arguments)
        self._rounds = rounds

    def _run_epochs(self, progress: Progress) -> None:
        while self._goes_on():
            index = self._next
            self._callbacks.on_epoch_begin(index)
            try:
                self._ended.append(self._rounds.train())
            except TrainingDiverged as error:
                if not self._end_by_divergence(error.step):
                    raise in_epoch(index + 1, error) from None
            self._end_epoch(index, progress)
