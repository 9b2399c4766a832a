"""How the passes of a fit over its data are trained: what all kinds have in common, and several in a compiled call."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from ..data import Rows
from ..optimizers import Optimizer
from ..scaled_sums import Targets
from .measures import Measures

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.epoch import Epoch
    from ..engine.observer import Observer
    from ..engine.passes import PassRecord


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

    def stepwise(
        self, rows: Rows, before: int = 0, record: "PassRecord | None" = None
    ) -> "Callable[[int, int, list[Epoch]], None]":
        """A function of (first, stop, ended) that makes a pass some steps at a time, or goes on with one."""
        done = 0 if record is None else record.done
        train, arguments, settings = self.engine.train_steps, self._arguments(rows), self._settings(1, rows, before, done)
        if record is not None:
            self.engine.resume_pass(record, *arguments, **settings)

        def take_steps(first: int, stop: int, ended: "list[Epoch]") -> None:
            train(first, stop, ended, *arguments, **settings)

        return take_steps

    def _arguments(self, rows: Rows) -> tuple[Any, ...]:
        return rows.x, rows.y, self._batch_size or len(rows), self._shuffle, self.measures.counted, self._threads

    def _settings(self, count: int, rows: Rows, before: int, done: int = 0) -> dict[str, Any]:
        """The engine's other arguments: what is not needed is left out. ``done``: steps that have been taken of a pass."""
        settings: dict[str, Any] = {}
        if rows.sample_weight is not None:
            settings["sample_weight"] = rows.sample_weight
        if self.measures.keeps_outputs:
            settings["keep_outputs"] = True
        if self._observer is not None:
            self._observer.steps_before = before
            settings["observer"] = self._observer
        if self._optimizer.schedule is not None:
            settings["learning_rates"] = self._optimizer.learning_rates(self.engine.steps - done, count * self.steps(rows))
        return settings


class Measured(Protocol):
    """What tells the loss and metrics of an epoch."""

    def logs_of(self, epoch: "Epoch") -> dict[str, Any]:
        """Those of the last epoch."""


class Passes(Measured, Protocol):
    """Data to learn from, again and again."""

    together: bool  # whether several passes can be made in one call

    def is_within(self) -> bool:
        """Whether another process has begun the next pass."""

    def begin(self, keep: Callable[[], None]) -> None:
        """Before the first pass; ``keep()`` is to be called after each batch where the callbacks keep batches."""

    def get_state(self) -> Any:
        """Where the passes are, for another process to go on from."""

    def set_state(self, state: Any) -> None:
        """Go on from there."""

    def train(self, count: int, ended: "list[Epoch]") -> None:
        """Make passes; those that have ended are appended, whatever is raised."""


class WholePasses:
    """Passes over rows in memory that nobody looks into: Python has nothing to do in them."""

    def __init__(self, teacher: Teacher, rows: Rows) -> None:
        assert rows.y is not None
        self._teacher, self._rows, self._targets = teacher, rows, Targets(rows.y)
        self.together = not (teacher.measures.keeps_outputs or teacher.measures.counted)  # what is measured is of one

    def is_within(self) -> bool:
        return False

    def begin(self, keep: Callable[[], None]) -> None:
        pass

    def get_state(self) -> None:
        return None

    def set_state(self, state: None) -> None:
        pass

    def train(self, count: int, ended: "list[Epoch]") -> None:
        self._teacher.train(count, ended, self._rows)

    def logs_of(self, epoch: "Epoch") -> dict[str, Any]:
        return self._teacher.measures.logs(epoch, self._targets, self._rows.sample_weight)
