"""The loss and metrics of data that nothing is learnt from: what ``evaluate`` and the validation of a fit do."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ..arguments import integer
from ..callbacks.callback_list import CallbackList
from ..data import Batches, Data, Rows, Source
from ..scaled_sums import Targets
from .batch_logs import tell
from .measures import Answers, Measures
from .portions import chunks, limited

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.epoch import Epoch


class Measuring:
    """The measuring of some data, as often as it is asked for.

    Parameters
    ----------
    engine : Engine
    measures : Measures
    data : Rows, Source or Batches
    batch_size : int
        For callbacks that look at batches, and for a loss that belongs to a batch as a whole.
    steps : int, optional
        Batches to measure on; None: all.
    threads : int, optional
    callbacks : CallbackList
    """

    def __init__(
        self,
        engine: "Engine",
        measures: Measures,
        data: Data,
        batch_size: int,
        steps: int | None,
        threads: int | None,
        callbacks: CallbackList,
    ) -> None:
        data = limited(data, batch_size, steps)
        self._engine, self._measures, self._data, self._threads = engine, measures, data, threads
        self._batch_size, self._steps, self._callbacks = batch_size, steps, callbacks
        self._watched = callbacks.listens("on_test_batch_begin", "on_test_batch_end")
        self._targets = Targets(data.y) if isinstance(data, Rows) and data.y is not None else None

    def logs(self) -> dict[str, Any]:
        """The loss and metrics by name."""
        callbacks, data = self._callbacks, self._data
        callbacks.on_test_begin()
        logs = self._logs_of_portions() if self._watched or not isinstance(data, Rows) else self._logs_of_rows(data)
        callbacks.on_test_end(logs)
        return logs

    def _logs_of_rows(self, rows: Rows) -> dict[str, Any]:
        assert self._targets is not None
        return self._measures.logs(self._measure(rows), self._targets, rows.sample_weight)

    def _measure(self, rows: Rows) -> "Epoch":
        assert rows.y is not None
        size = self._batch_size if not isinstance(self._data, Batches) else len(rows)
        settings: dict[str, Any] = {"batch_size": size}
        if rows.sample_weight is not None:
            settings["sample_weight"] = rows.sample_weight
        if self._measures.keeps_outputs:
            settings["keep_outputs"] = True
        return self._engine.evaluate(rows.x, rows.y, self._measures.counted, self._threads, **settings)

    def _logs_of_portions(self) -> dict[str, Any]:
        """Of data that is not in memory, or that callbacks look at a batch at a time.

        Rows in memory are measured once more in the end, as they are without callbacks, unless one has ended it.
        """
        parts: list[Epoch] = []
        answers: list[Answers] = []
        model = self._callbacks.model
        model.stop_evaluating = False

        def logs_so_far(count: int) -> dict[str, Any]:
            return self._measures.logs_of_parts(parts[:count], answers[:count])

        for step, rows in enumerate(self._portions()):
            assert rows.y is not None
            self._callbacks.on_test_batch_begin(step)
            answers.append((rows.y, rows.sample_weight))
            parts.append(self._measure(rows))
            tell(self._callbacks.on_test_batch_end, step, logs_so_far, lambda: len(parts))
            if model.stop_evaluating:
                return logs_so_far(len(parts))
        return self._logs_of_rows(self._data) if isinstance(self._data, Rows) else logs_so_far(len(parts))

    def _portions(self) -> Iterator[Rows]:
        """The data in parts: batches where callbacks look at them."""
        data, size = self._data, self._batch_size
        if isinstance(data, Rows):
            return (data.part(start, min(start + size, len(data))) for start in range(0, len(data), size))
        if isinstance(data, Source):
            return chunks(data, size, self._watched or self._callbacks.model._has_loss_of_batch)
        data.restart()
        return data.epoch(self._steps)


def validated_epochs(frequency: Any) -> Callable[[int], bool]:
    """Whether an epoch, counted from 1, is one to validate after."""
    if isinstance(frequency, list | tuple | set | range):
        epochs = {integer("validation_freq", epoch, 1) for epoch in frequency}
        return epochs.__contains__
    every = integer("validation_freq", frequency, 1)
    return lambda epoch: epoch % every == 0
