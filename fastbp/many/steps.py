"""Training in which the gradients of all workers are averaged in each step.

Only gradients move: every replica takes the same step along their mean, so that all have the same weights. Where a worker is
lost, so is its replica: some steps are taken once more, from the state before them, which the client has.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import Rows
from ..engine.work import step_flop
from ..errors import TrainingDiverged
from .averaging import Arrays, Mean, state_of, tree
from .parcels import aligned
from .replica import Replica, Task, replica_of
from .rounds import Rounds

if TYPE_CHECKING:
    from ..engine.epoch import Epoch

STEPS_AT_ONCE = 32  # after which the client fetches the state


class LostReplica(Exception):
    """A task has come to a worker whose replica is not where the step begins."""


@dataclass(frozen=True)
class Step:
    """Step ``index`` of an epoch, in a block of steps whose first one is ``first``."""

    block: int
    first: int
    index: int


class Steps(Rounds):
    """Rounds of local epochs in which every step is one of all workers together; the arguments are those of ``Rounds``."""

    lost = (*Rounds.lost, LostReplica)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        lengths, wanted = self.shards.lengths, self.settings.batch_size * len(self.shards)
        self._sizes = [-(-wanted * length // sum(lengths)) for length in lengths]  # of a shard's part of a batch
        self._count = max(-(-length // size) for length, size in zip(lengths, self._sizes, strict=True))
        self._blocks = 0
        self.metrics = ()  # there are no whole passes to count over

    def train(self) -> "Epoch":
        """A round. Its loss is that of the last epoch, each batch by the weights that it found."""
        from ..engine.epoch import Epoch

        start, samples, loss = time.perf_counter(), sum(self.shards.lengths) * self.settings.local_epochs, 0.0
        for _ in range(self.settings.local_epochs):
            loss = self._epoch()
        flop = samples * step_flop(self._engine.shapes, 1)
        return Epoch(loss, samples, self._count, time.perf_counter() - start, flop, len(self.shards), None)

    def _epoch(self) -> float:
        """An epoch; its mean loss."""
        generator, total = int(self._engine.state.generator[0]), 0.0
        self._set_generators(generator)
        if self.settings.shuffle and self._sizes[0] < self.shards.lengths[0]:
            self._engine.next_order(self.shards.lengths[0])
        after = int(self._engine.state.generator[0])
        for first in range(0, self._count, STEPS_AT_ONCE):
            total += self._block(first, min(first + STEPS_AT_ONCE, self._count), after)
        return total / sum(self.shards.lengths)

    def _block(self, first: int, stop: int, generator: int) -> float:
        """Some steps; the sum of the losses."""
        before = state_of(self._engine)
        ended = self._safely(lambda: self._steps(before, first, stop))
        self._take(ended.arrays, generator)
        return ended.loss * ended.rows

    def _steps(self, before: Sequence[Arrays], first: int, stop: int) -> Mean:
        state, mean = self._share(before), None
        self._blocks += 1
        tasks = [replace(self._task(shard), batch_size=size) for shard, size in enumerate(self._sizes)]
        for index in range(first, stop):
            given = Step(self._blocks, first, index), self.packed, state, mean
            mean = tree(self.client, [self._submit(gradient, shard, task, *given) for shard, task in enumerate(tasks)])
        given = Step(self._blocks, first, stop), self.packed, state, mean
        found: Mean = self._submit(finish, 0, tasks[0], *given).result()
        return found


def gradient(task: Task, step: Step, packed: bytes, state: Sequence[Arrays], before: Mean | None, rows: Rows) -> Mean:
    """A shard's part of the gradient of a step, after the step before it along ``before``; as a task."""
    replica = replica_of(task, packed, rows.width)
    with replica.lock:
        _follow(replica, task, step, state, before)
        part = _batch(replica, task, step.index, aligned(rows))
        return _gradient(replica, task, step.index, part)


def finish(task: Task, step: Step, packed: bytes, state: Sequence[Arrays], before: Mean | None, rows: Rows) -> Mean:
    """The state after a block of steps, with the mean loss of its batches; as a task."""
    replica = replica_of(task, packed, rows.width)
    with replica.lock:
        _follow(replica, task, step, state, before)
        seen = replica.seen
        return Mean(seen[1], seen[0] / seen[1], state_of(replica.engine))


def _follow(replica: Replica, task: Task, step: Step, state: Sequence[Arrays], before: Mean | None) -> None:
    """Have a replica be where a step begins."""
    here, previous = (step.block, step.index), (step.block, step.index - 1)
    if before is None:
        replica.begin(task, state)
        replica.seen = 0.0, 0.0
    elif replica.at == previous:
        engine, mean = replica.engine, before
        replica.at = -1, -1  # until the step is done
        replica.model._train(engine, 0, 1, [], lambda *_: engine.apply_gradients(mean.arrays[0]))
        replica.seen = replica.seen[0] + mean.loss * mean.rows, replica.seen[1] + mean.rows
    elif replica.at != here:
        raise LostReplica(f"shard {task.shard} must be at step {previous} or {here}, is at {replica.at}")
    replica.at = here


def _batch(replica: Replica, task: Task, index: int, rows: Rows) -> Rows:
    """The shard's part of batch ``index`` of an epoch, in the order that follows from the task's generator."""
    start, stop = index * task.batch_size, min((index + 1) * task.batch_size, len(rows))
    if start >= stop or not task.shuffle or task.batch_size >= len(rows):
        return rows.part(min(start, stop), stop)
    if replica.order is None or replica.order[0] != task.generator:
        replica.engine.state.generator[0] = task.generator
        replica.order = task.generator, replica.engine.next_order(len(rows))
    return rows.taken(replica.order[1][start:stop])


def _gradient(replica: Replica, task: Task, index: int, part: Rows) -> Mean:
    from ..engine.epoch import Diverged

    engine, model = replica.engine, replica.model
    if not len(part):
        return Mean(0.0, 0.0, [[np.zeros_like(weight) for weight in engine.get_weights()]])
    settings = {"training": True, "by_feedback": model.feedback is not None}
    try:
        loss, arrays = engine.value_and_gradient(part.x, part.y, sample_weight=part.sample_weight, **settings)
    except Diverged as error:
        raise TrainingDiverged(1, index + 1, float(model.optimizer.learning_rate), error.by_weights) from None
    return Mean(float(len(part)), float(loss), [arrays])
