"""The loss and metrics of data that nothing is learnt from: what ``evaluate`` and the validation of a fit do."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..arguments import integer
from ..callbacks.callback_list import CallbackList
from ..metrics import epoch_logs
from ..scaled_sums import Targets
from .batch_logs import BatchLogs
from .joined import joined
from .network import Measures
from .passes import weights_of
from .rows import Rows

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.epoch import Epoch


class Measuring:
    """The measuring of some data, as often as it is asked for.

    Parameters
    ----------
    engine : Engine
    measures : Measures
    rows : Rows
    batch_size : int
        For callbacks that look at batches; the result does not depend on it.
    threads : int, optional
    callbacks : CallbackList
    """

    def __init__(
        self, engine: "Engine", measures: Measures, rows: Rows, batch_size: int, threads: int | None, callbacks: CallbackList
    ) -> None:
        self._engine, self._rows, self._batch_size, self._threads = engine, rows, batch_size, threads
        self._metrics, self._counted = measures
        self._callbacks, self._targets = callbacks, Targets(rows.y)

    def logs(self) -> dict[str, float]:
        """The loss and metrics by name."""
        callbacks = self._callbacks
        callbacks.on_test_begin()
        if callbacks.listens("on_test_batch_begin", "on_test_batch_end"):
            logs = self._watched()
        else:
            logs = epoch_logs(self._measure(self._rows), self._metrics, self._targets)
        callbacks.on_test_end(logs)
        return logs

    def _measure(self, rows: Rows) -> "Epoch":
        return self._engine.evaluate(rows.x, rows.y, self._counted, self._threads, **weights_of(rows))

    def _watched(self) -> dict[str, float]:
        """The same, with callbacks that look at each batch; unless one of them ends it, it is all measured once more."""
        rows, callbacks = self._rows, self._callbacks
        done: list[Epoch] = []
        callbacks.model.stop_evaluating = False

        def logs_so_far(parts: int) -> dict[str, float]:
            epoch = joined(*done[:parts])
            return epoch_logs(epoch, self._metrics, Targets(rows.y[: epoch.samples]))

        for step, start in enumerate(range(0, len(rows), self._batch_size)):
            callbacks.on_test_batch_begin(step)
            done.append(self._measure(rows.part(start, start + self._batch_size)))
            callbacks.on_test_batch_end(step, BatchLogs(logs_so_far, len(done)))
            if callbacks.model.stop_evaluating:
                return logs_so_far(len(done))
        return epoch_logs(self._measure(rows), self._metrics, self._targets)


def validated_epochs(frequency: Any) -> Callable[[int], bool]:
    """Whether an epoch, counted from 1, is one to validate after."""
    if isinstance(frequency, list | tuple | set | range):
        epochs = {integer("validation_freq", epoch, 1) for epoch in frequency}
        return epochs.__contains__
    every = integer("validation_freq", frequency, 1)
    return lambda epoch: epoch % every == 0
