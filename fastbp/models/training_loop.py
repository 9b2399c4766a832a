"""The epochs of one fit: run one by one where something is to be done after each, else some short ones in a compiled call."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..engine.interrupts import run_to_end
from ..metrics import epoch_logs
from ..scaled_sums import Targets
from .history import History
from .network import Measures
from .progress import Progress

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.epoch import Epoch

AT_ONCE = 0.005  # seconds of training between two looks at the outside world, where an epoch takes less

Train = Callable[[int, int, "list[Epoch]"], None]  # first epoch, how many; those that have ended are appended


def epochs_at_once(seconds: float) -> int:
    """Epochs of one call into the kernel, by the seconds of one."""
    from ..kernels.fields import MAX_EPOCHS

    return min(MAX_EPOCHS, max(1, int(AT_ONCE / max(seconds, 1e-9))))


class TrainingLoop:
    """What a fit does, epoch after epoch.

    Parameters
    ----------
    engine : Engine
    train : callable
    measures : Measures
    targets : array
        Of the training data.
    held_out : tuple of arrays, optional
        To validate on.
    threads : int, optional
    history : History
        Grows with the epochs.
    """

    def __init__(
        self,
        engine: "Engine",
        train: Train,
        measures: Measures,
        targets: np.ndarray,
        held_out: tuple[np.ndarray, np.ndarray] | None,
        threads: int | None,
        history: History,
    ) -> None:
        self._engine, self._train, self._threads, self._history = engine, train, threads, history
        self._metrics, self._counted = measures
        self._targets, self._held_out = Targets(targets), held_out
        self._held_out_targets = Targets(held_out[1]) if held_out else self._targets
        self._ended: list[Epoch] = []
        self._logs: list[dict[str, float]] = []

    def run(self, first: int, stop: int, progress: Progress) -> None:
        """Epochs first .. stop. Those that have ended are in the history, whatever is raised."""
        one_by_one = self._counted or self._held_out is not None or progress.verbose == 2
        count = 1
        try:
            while first + len(self._ended) < stop:
                index = first + len(self._ended)
                self._train(index, min(count, stop - index), self._ended)
                if self._held_out is not None:
                    self._logs.append(self._training_logs(self._ended[-1]) | self._validate())
                self._record(first)
                progress.epoch_ended(self._history.epoch[-1], self._logs[-1], self._history.samples_per_second[-1])
                count = 1 if one_by_one else epochs_at_once(self._ended[-1].seconds)
        finally:
            run_to_end(lambda: self._record(first))

    def _training_logs(self, epoch: "Epoch") -> dict[str, float]:
        return epoch_logs(epoch, self._metrics, self._targets)

    def _validate(self) -> dict[str, float]:
        assert self._held_out is not None
        epoch = self._engine.evaluate(*self._held_out, self._counted, self._threads)
        logs = epoch_logs(epoch, self._metrics, self._held_out_targets)
        return {f"val_{name}": value for name, value in logs.items()}

    def _record(self, first: int) -> None:
        """Bring the history up to the epochs that have ended; one that was not validated yet is left out."""
        if self._held_out is None:
            self._logs.extend([self._training_logs(epoch) for epoch in self._ended[len(self._logs) :]])
        for i in range(len(self._history.epoch), len(self._logs)):
            self._history.append(first + i, self._logs[i], self._ended[i])
