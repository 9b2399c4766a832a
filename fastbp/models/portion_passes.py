"""Passes over data that Python has something to do in, and how another process goes on with one."""

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..callbacks.callback_list import CallbackList
from ..data import Rows
from ..data.combine import combine
from ..scaled_sums import Targets
from .batch_logs import tell
from .measures import Answers
from .passes import Teacher

if TYPE_CHECKING:
    from ..engine.epoch import Epoch
    from ..engine.passes import PassRecord

BETWEEN_LOOKS = 0.01  # seconds at least, where a batch takes less


class PortionPasses:
    """Passes that Python has something to do in: it puts the data together, or callbacks look at batches.

    Parameters
    ----------
    teacher : Teacher
    portions : callable
        Gives an iterator over the rows of the next pass, some batches at a time.
    callbacks : CallbackList
    depends : bool
        Whether what ``portions`` gives depends on what it gave before, and not on the engine's random numbers alone.
    """

    together = False

    def __init__(
        self, teacher: Teacher, portions: Callable[[], Iterator[Rows]], callbacks: CallbackList, depends: bool = False
    ) -> None:
        self._teacher, self._portions, self._callbacks, self._depends = teacher, portions, callbacks, depends
        self._watched = callbacks.keeps_batches or callbacks.listens("on_train_batch_begin", "on_train_batch_end")
        self._keep: Callable[[], None] = lambda: None
        self._block = 1  # steps between two looks of those who need not see each
        self._parts: list[Epoch] = []  # of the last pass, one for each portion
        self._answers: list[Answers] = []
        self._targets: Targets | None = None  # of data that is one portion
        self._read = 0  # passes since ``portions`` depended on nothing before
        self._random = 0  # the state of the engine's generator then
        self._is_running = False
        self._left: dict[str, Any] | None = None  # where another process was

    def train(self, count: int, ended: "list[Epoch]") -> None:
        """Make a pass; it is appended when it has ended, or a callback has ended it."""
        from ..engine.epoch import Diverged

        left, self._left = self._left, None
        parts, record = ([], None) if left is None else (list(left["parts"]), left["pass"])
        self._parts, self._answers, step = parts, [], 0
        done = len(parts)
        portions, self._is_running = self._next_pass(left), True
        for rows in portions:
            assert rows.y is not None
            self._answers.append((rows.y, rows.sample_weight))
            if len(self._answers) <= done:
                step += parts[len(self._answers) - 1].steps
                continue
            self._have_random_of(left)
            try:
                if self._watched or self._callbacks.looks:
                    self._by_steps(rows, step, record)
                else:
                    self._teacher.train(1, parts, rows, step)
            except Diverged as error:
                error.step += step
                raise
            step, left, record = step + parts[-1].steps, None, None
            if self._callbacks.model.stop_training:
                break
        self._have_random_of(left)
        self._is_running = False
        if parts:
            ended.append(parts[0] if len(parts) == 1 else combine(parts))

    def _by_steps(self, rows: Rows, first: int, record: "PassRecord | None" = None) -> None:
        """A portion of the pass, whose first batch is number ``first``; with a record, what is left of it."""
        callbacks, engine, parts, answers = self._callbacks, self._teacher.engine, self._parts, self._answers
        train, done, steps = self._teacher.stepwise(rows, first, record), len(parts), self._teacher.steps(rows)
        reports, watched, step = callbacks.listens("on_train_batch_end"), self._watched, 0 if record is None else record.done

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
            if callbacks.keeps_batches:
                self._keep()
            step = stop

    def _take(self, train: "Callable[[int, int, list[Epoch]], None]", step: int, stop: int) -> None:
        """Take steps; of those that take less time than there should be between looks, more the next time."""
        start = perf_counter()
        train(step, stop, self._parts)
        if perf_counter() - start < BETWEEN_LOOKS and stop - step == self._block:
            self._block *= 2

    # -- what is measured

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

    # -- left, and gone on with by another process

    def is_within(self) -> bool:
        """Whether the next pass has begun already."""
        return self._left is not None and bool(self._left["is_within"])

    def begin(self, keep: Callable[[], None]) -> None:
        """Before the first pass."""
        self._keep = keep

    def get_state(self) -> dict[str, Any]:
        """Where the passes are: what is done of the present one, and how its portions are come by again."""
        engine, within = self._teacher.engine, self._is_running
        now, has_ended = int(engine.state.generator[0]), len(self._parts) == len(self._answers)
        return {
            "is_within": within,
            "read": self._read - within if self._depends else 0,
            "random": self._random if within or self._depends else now,
            "random_now": now,
            "parts": [epoch.as_dict() for epoch in self._parts] if within else [],
            "pass": engine.record_pass()._asdict() if within and not has_ended else None,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        from ..engine.epoch import Epoch
        from ..engine.passes import PassRecord

        parts, record = [Epoch.from_dict(part) for part in state["parts"]], state["pass"]
        self._left = {**state, "parts": parts, "pass": None if record is None else PassRecord(**record)}

    def _next_pass(self, left: "dict[str, Any] | None") -> Iterator[Rows]:
        """The portions of the next pass, or of the one that another process has left."""
        random = self._teacher.engine.state.generator
        if left is None:
            if not self._depends or not self._read:
                self._read, self._random = 0, int(random[0])
        else:
            self._read, self._random, random[0] = left["read"], left["random"], left["random"]
            for _ in range(self._read):
                for _ in self._portions():  # it depends on what was read before
                    pass
            if not left["is_within"]:
                random[0] = left["random_now"]
        self._read += 1
        return self._portions()

    def _have_random_of(self, left: "dict[str, Any] | None") -> None:
        """The portions that were left have been come by, with the random numbers of then: on with those of now."""
        if left is not None and left["is_within"]:
            self._teacher.engine.state.generator[0] = left["random_now"]
