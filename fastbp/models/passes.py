"""How the passes of a fit over its data are trained: several in a compiled call, or with a look at every batch."""

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from ..callbacks.callback_list import CallbackList
from ..data import Rows
from ..data.combine import combine
from ..optimizers import Optimizer
from ..scaled_sums import Targets
from .batch_logs import tell
from .measures import Answers, Measures

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.epoch import Epoch
    from ..engine.observer import Observer


BETWEEN_LOOKS = 0.01  # seconds at least, where a batch takes less


class Teacher:
    """The engine's calls that learn, with all that they have in common.

    Parameters
    ----------
    engine : Engine
    optimizer : Optimizer
    measures : Measures
    batch_size : int, optional
        None: all of the rows that are given.
    shuffle : bool
        Whether the engine is to shuffle.
    threads : int, optional
    observer : Observer, optional
        Told what happens in some steps.
    """

    def __init__(
        self,
        engine: "Engine",
        optimizer: Optimizer,
        measures: Measures,
        batch_size: int | None,
        shuffle: bool,
        threads: int | None,
        observer: "Observer | None" = None,
    ) -> None:
        self._observer = observer
        self.engine, self._optimizer, self.measures = engine, optimizer, measures
        self._batch_size, self._shuffle, self._threads = batch_size, shuffle, threads

    def steps(self, rows: Rows) -> int:
        """Of a pass."""
        return 1 if self._batch_size is None else -(-len(rows) // self._batch_size)

    def train(self, count: int, ended: "list[Epoch]", rows: Rows, before: int = 0) -> None:
        """Make passes over the rows, in one call; ``before`` are the steps of a pass that has begun with other rows."""
        self.engine.train_epochs(count, ended, *self._arguments(rows), **self._settings(count, rows, before))

    def stepwise(self, rows: Rows, before: int = 0) -> "Callable[[int, int, list[Epoch]], None]":
        """A function of (first, stop, ended) that makes a pass some steps at a time."""
        train, arguments, settings = self.engine.train_steps, self._arguments(rows), self._settings(1, rows, before)

        def take_steps(first: int, stop: int, ended: "list[Epoch]") -> None:
            train(first, stop, ended, *arguments, **settings)

        return take_steps

    def _arguments(self, rows: Rows) -> tuple[Any, ...]:
        return rows.x, rows.y, self._batch_size or len(rows), self._shuffle, self.measures.counted, self._threads

    def _settings(self, count: int, rows: Rows, before: int) -> dict[str, Any]:
        """The engine's other arguments: what is not needed is left out."""
        settings: dict[str, Any] = {}
        if rows.sample_weight is not None:
            settings["sample_weight"] = rows.sample_weight
        if self.measures.keeps_outputs:
            settings["keep_outputs"] = True
        if self._observer is not None:
            self._observer.steps_before = before
            settings["observer"] = self._observer
        if self._optimizer.schedule is not None:
            settings["learning_rates"] = self._optimizer.learning_rates(self.engine.steps, count * self.steps(rows))
        return settings


class Measured(Protocol):
    """What tells the loss and metrics of an epoch."""

    def logs_of(self, epoch: "Epoch") -> dict[str, Any]:
        """Those of the last epoch."""


class Passes(Measured, Protocol):
    """Data to learn from, again and again."""

    together: bool  # whether several passes can be made in one call

    def train(self, count: int, ended: "list[Epoch]") -> None:
        """Make passes; those that have ended are appended, whatever is raised."""


class WholePasses:
    """Passes over rows in memory that nobody looks into: Python has nothing to do in them."""

    def __init__(self, teacher: Teacher, rows: Rows) -> None:
        assert rows.y is not None
        self._teacher, self._rows, self._targets = teacher, rows, Targets(rows.y)
        self.together = not (teacher.measures.keeps_outputs or teacher.measures.counted)  # what is measured is of one

    def train(self, count: int, ended: "list[Epoch]") -> None:
        self._teacher.train(count, ended, self._rows)

    def logs_of(self, epoch: "Epoch") -> dict[str, Any]:
        return self._teacher.measures.logs(epoch, self._targets, self._rows.sample_weight)


class PortionPasses:
    """Passes that Python has something to do in: it puts the data together, or callbacks look at batches.

    Parameters
    ----------
    teacher : Teacher
    portions : callable
        Gives an iterator over the rows of the next pass, some batches at a time.
    callbacks : CallbackList
    """

    together = False

    def __init__(self, teacher: Teacher, portions: Callable[[], Iterator[Rows]], callbacks: CallbackList) -> None:
        self._teacher, self._portions, self._callbacks = teacher, portions, callbacks
        self._watched = callbacks.listens("on_train_batch_begin", "on_train_batch_end")
        self._block = 1  # steps between two looks of those who need not see each
        self._parts: list[Epoch] = []  # of the last pass, one for each portion
        self._answers: list[Answers] = []
        self._targets: Targets | None = None  # of data that is one portion

    def train(self, count: int, ended: "list[Epoch]") -> None:
        """Make a pass; it is appended when it has ended, or a callback has ended it."""
        from ..engine.epoch import Diverged

        callbacks = self._callbacks
        parts: list[Epoch] = []
        self._parts = parts
        self._answers, step = [], 0
        for rows in self._portions():
            assert rows.y is not None
            self._answers.append((rows.y, rows.sample_weight))
            try:
                if self._watched or callbacks.looks:
                    self._by_steps(rows, step)
                else:
                    self._teacher.train(1, parts, rows, step)
            except Diverged as error:
                error.step += step
                raise
            step += parts[-1].steps
            if callbacks.model.stop_training:
                break
        if parts:
            ended.append(parts[0] if len(parts) == 1 else combine(parts))

    def _by_steps(self, rows: Rows, first: int) -> None:
        """A portion of the pass, whose first batch is number ``first``."""
        callbacks, engine, parts, answers = self._callbacks, self._teacher.engine, self._parts, self._answers
        train, done, steps = self._teacher.stepwise(rows, first), len(parts), self._teacher.steps(rows)
        reports, watched, step = callbacks.listens("on_train_batch_end"), self._watched, 0

        def measured() -> "tuple[list[Epoch], int, Epoch, list[Answers]]":
            return parts, done, parts[-1] if len(parts) > done else engine.pass_so_far(), answers

        while step < steps:
            callbacks.on_train_batch_begin(first + step)
            stop = step + 1 if watched else min(step + self._block, steps)
            self._take(train, step, stop)
            if reports:
                tell(callbacks.on_train_batch_end, first + step, self._logs, measured)
            callbacks.look()
            if callbacks.model.stop_training and len(parts) == done:
                parts.append(engine.pass_so_far())
                return
            step = stop

    def _take(self, train: "Callable[[int, int, list[Epoch]], None]", step: int, stop: int) -> None:
        """Take steps; of those that take less time than there should be between looks, more the next time."""
        start = perf_counter()
        train(step, stop, self._parts)
        if perf_counter() - start < BETWEEN_LOOKS and stop - step == self._block:
            self._block *= 2

    def _logs(self, measured: "tuple[list[Epoch], int, Epoch, list[Answers]]") -> dict[str, Any]:
        """Those of some parts and another one, in a list that may have grown since."""
        all_parts, done, last, answers = measured
        y, sample_weight = answers[0]
        if done or last.samples < len(y):
            return self._teacher.measures.logs_of_parts([*all_parts[:done], last], answers[: done + 1])
        if self._targets is None or self._targets.y is not y:
            self._targets = Targets(y)
        return self._teacher.measures.logs(last, self._targets, sample_weight)

    def logs_of(self, epoch: "Epoch") -> dict[str, Any]:
        return self._logs((self._parts, len(self._parts) - 1, self._parts[-1], self._answers))
