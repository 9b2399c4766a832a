"""A model on a worker, and what it does there: functions that dask runs as tasks.

A task begins with the state that it is given, whatever the replica did before: so a task that is run once more on another
worker, because its first one is lost, gives the same bits.
"""

import pickle
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import Rows
from ..engine.work import choose_threads, step_flop
from ..metrics import CompiledMetric, needs_outputs
from ..metrics.r2 import R2Score
from ..models.measures import Measures
from ..models.passes import Teacher, WholePasses
from ..seeds import spawned
from .averaging import Arrays, Mean, place, state_of
from .parcels import aligned

if TYPE_CHECKING:
    from ..engine.epoch import Epoch

BETWEEN_LOOKS = 0.01  # seconds, at the clock, where the time is limited


@dataclass(frozen=True)
class Task:
    """What is to be done with a shard in a round.

    Attributes
    ----------
    fit : str
        Names the fit.
    shard : int
    generator : int
        The state of the shuffle's generator.
    learning_rate : float or None
        None where it follows a schedule.
    epochs, batch_size : int
    shuffle : bool
    seconds : float or None
        After which the rest of the round is left out.
    """

    fit: str
    shard: int
    generator: int
    learning_rate: float | None
    epochs: int
    batch_size: int
    shuffle: bool
    seconds: float | None = None


@dataclass
class Report:
    """How a shard's part of a round went: the last pass over it, all rows learnt from, and what the next one goes on from."""

    shard: int
    epoch: "Epoch"
    rows: int
    seconds: float
    generator: int


class Replica:
    """A model on a worker, with an engine of its own.

    Parameters
    ----------
    packed : bytes
        The pickled model.
    shard : int
        Each shard has random numbers of its own; the first has those of the model.
    width : int
    """

    def __init__(self, packed: bytes, shard: int, width: int) -> None:
        self._packed, self._shard, self._width = packed, shard, width
        self.lock = threading.Lock()
        self.at = -1, -1  # of steps that all take together: the block, and the step whose gradient was taken last
        self.seen = 0.0, 0.0  # of the block: the sum of the losses, and of how many rows
        self.order: tuple[int, np.ndarray] | None = None  # that followed from the generator in this state
        self._unpack()

    def _unpack(self) -> None:
        self.model = pickle.loads(self._packed)
        self.model._shuffle_seed = spawned(self.model._shuffle_seed, self._shard)
        self.engine = self.model._build(self._width)

    def begin(self, task: Task, state: Sequence[Arrays]) -> None:
        """Go on from a state."""
        if self.engine.steps and not state[1][1][0]:
            self._unpack()  # before the first step there is no optimizer's state to be placed
        place(self.engine, state, task.generator)
        if task.learning_rate is not None:
            self.model.optimizer.learning_rate = task.learning_rate

    def train(self, task: Task, rows: Rows) -> Mean:
        """The local epochs of a round."""
        ended: list[Epoch] = []
        start, learnt = time.perf_counter(), 0
        learn = self._timed(task, rows, start) if task.seconds else WholePasses(self._teacher(task, rows), rows).train
        for epoch in range(task.epochs):
            if task.seconds and epoch and time.perf_counter() - start > task.seconds:
                break
            self.model._train(self.engine, epoch, 1, ended, learn)
            learnt += ended[-1].samples
        last = replace(ended[-1], order=None, outputs=None)
        generator = int(self.engine.state.generator[0])
        report = Report(task.shard, last, learnt, time.perf_counter() - start, generator)
        return Mean(learnt, last.loss, state_of(self.engine), [report])

    def _teacher(self, task: Task, rows: Rows) -> Teacher:
        batch = min(task.batch_size, len(rows))
        threads = min(choose_threads(step_flop(self.engine.shapes, batch)), own_threads())
        is_weighted = rows.sample_weight is not None
        measures = Measures(countable(self.model._to_measure(), is_weighted), is_weighted, task.batch_size)
        return Teacher(self.engine, self.model.optimizer, measures, task.batch_size, task.shuffle, threads)

    def _timed(self, task: Task, rows: Rows, start: float) -> Any:
        """A function that makes a pass, or as much of it as there is time for."""
        teacher = self._teacher(task, rows)
        steps, end = teacher.steps(rows), start + (task.seconds or 0.0)

        def learn(count: int, ended: "list[Epoch]") -> None:
            take, step, block = teacher.stepwise(rows), 0, 1
            while step < steps and (not step or time.perf_counter() < end):
                before, stop = time.perf_counter(), min(step + block, steps)
                take(step, stop, ended)
                step = stop
                block *= 1 + (time.perf_counter() - before < BETWEEN_LOOKS)
            if step < steps:
                ended.append(self.engine.pass_so_far())

        return learn


def countable(metrics: Sequence[CompiledMetric], is_weighted: bool) -> tuple[CompiledMetric, ...]:
    """Those metrics that follow from sums over the rows of all workers, as the kernels count them."""
    kept: list[CompiledMetric] = []
    for metric in metrics:
        if not isinstance(metric.metric, R2Score) and not needs_outputs([*kept, metric], is_weighted):
            kept.append(metric)
    return tuple(kept)


_replicas: dict[tuple[str, int], Replica] = {}
_making = threading.Lock()


def replica_of(task: Task, packed: bytes, width: int) -> Replica:
    """The replica of a fit for a shard, made at its first use on this worker."""
    with _making:
        key = task.fit, task.shard
        if key not in _replicas:
            _replicas[key] = Replica(packed, task.shard, width)
        return _replicas[key]


def forget(fit: str) -> None:
    """Let go of the replicas of a fit."""
    with _making:
        for key in [key for key in _replicas if key[0] == fit]:
            del _replicas[key]


def own_threads() -> int:
    """The threads that this worker has been given."""
    from distributed import get_worker

    threads: int = get_worker().state.nthreads
    return threads


def train(task: Task, packed: bytes, state: Sequence[Arrays], rows: Rows) -> Mean:
    """The part of a shard in a round, as a task."""
    replica = replica_of(task, packed, rows.width)
    with replica.lock:
        replica.begin(task, state)
        return replica.train(task, aligned(rows))
