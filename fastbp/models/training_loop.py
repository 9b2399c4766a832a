"""The epochs of one fit: run one by one where something is to be done after each, else some short ones in a compiled call."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..callbacks.callback_list import CallbackList
from ..callbacks.history import History
from ..callbacks.state import remembered, return_states, states_of
from ..engine.interrupts import run_to_end
from ..errors import TrainingDiverged
from ..kernels.fields import MAX_EPOCHS
from .measuring import Measuring
from .passes import Measured, Passes
from .progress import Progress

if TYPE_CHECKING:
    from ..engine.epoch import Epoch

AT_ONCE = 0.005  # seconds of training between two looks at the outside world, where an epoch takes less

Train = Callable[[int, int, "list[Epoch]"], None]  # first epoch, how many; those that have ended are appended


def epochs_at_once(seconds: float) -> int:
    """Epochs of one call into the kernel, by the seconds of one."""
    return min(MAX_EPOCHS, max(1, int(AT_ONCE / max(seconds, 1e-9))))


class FitLoop:
    """What a fit does, epoch after epoch, whatever an epoch is.

    Parameters
    ----------
    measured : Measured
        Tells what is measured of an epoch.
    names : list of str
        Of the loss and metrics.
    validation : Measuring, optional
    validates : callable
        Says whether it is to be done after an epoch, counted from 1.
    callbacks : CallbackList
    history : History
        Grows with the epochs.
    """

    def __init__(
        self,
        measured: Measured,
        names: Sequence[str],
        validation: Measuring | None,
        validates: Callable[[int], bool],
        callbacks: CallbackList,
        history: History,
    ) -> None:
        self._measured, self._names = measured, names
        self._validation, self._validates = validation, validates
        self._callbacks, self._history = callbacks, history
        self._ended: list[Epoch] = []
        self._logs: list[dict[str, float]] = []
        self._first = self._stop = 0
        self._recorded = 0  # epochs of the history from before the first of these
        self._last_logs: dict[str, float] = {}  # of the epoch before the first of these

    def run(self, first: int, stop: int, progress: Progress) -> None:
        """Epochs first .. stop. Those that have ended are in the history, whatever is raised."""
        self._first, self._stop = first, stop
        try:
            self._callbacks.on_train_begin()
            self._recorded = len(self._history.epoch)
            self._callbacks.resume(self)
            self._run_epochs(progress)
        finally:
            run_to_end(self._record)
        if stop > 0:
            self._callbacks.model._end_with_averages()
        self._callbacks.on_train_end(self._logs[-1] if self._logs else self._last_logs)
        self._callbacks.finish()

    def _run_epochs(self, progress: Progress) -> None:
        raise NotImplementedError

    @property
    def _next(self) -> int:
        """The number of the epoch after those that have ended."""
        return self._first + len(self._ended)

    def _goes_on(self) -> bool:
        """Whether there is another epoch."""
        return self._next < self._stop and not self._callbacks.model.stop_training

    def _end_epoch(self, index: int, progress: Progress) -> None:
        """What is done after an epoch, or some that went together, whose first is number ``index``."""
        if self._validation is not None:
            self._logs.append(self._validated_logs(index, self._validation))
        self._complete_logs()
        self._history.run = self._ended[-1]
        self._callbacks.on_epoch_end(index, self._logs[-1])
        self._record()
        progress.epoch_ended(self._history.epoch[-1], self._logs[-1], self._history.samples_per_second[-1])
        self._callbacks.keep(self)

    def _end_by_divergence(self, step: int) -> bool:
        """Have an epoch of NaN, and the last, where a callback wants that; whether one does."""
        if not self._callbacks.diverged(step - 1):
            return False
        from ..engine.epoch import Epoch

        self._ended.append(Epoch(math.nan, 0, step, 0.0, 0, 1, None))
        return True

    def _training_logs(self, epoch: "Epoch") -> dict[str, float]:
        return dict.fromkeys(self._names, math.nan) if math.isnan(epoch.loss) else self._measured.logs_of(epoch)

    def _validated_logs(self, index: int, validation: Measuring) -> dict[str, float]:
        """Those of the last epoch. After one that diverged there is nothing to validate: its weights are gone."""
        logs = self._training_logs(self._ended[-1])
        if self._validates(index + 1):
            measured = logs if math.isnan(logs["loss"]) else validation.logs()
            logs |= {f"val_{name}": value for name, value in measured.items()}
        return logs

    def _complete_logs(self) -> None:
        """Bring the logs up to the epochs that have ended; one that was not validated yet is left out."""
        if self._validation is None:
            self._logs.extend([self._training_logs(epoch) for epoch in self._ended[len(self._logs) :]])

    def _record(self) -> None:
        """Bring the history up to the epochs that have ended."""
        self._complete_logs()
        for i in range(len(self._history.epoch) - self._recorded, len(self._logs)):
            self._history.append(self._first + i, self._logs[i], self._ended[i])

    # -- left, and gone on with

    def get_state(self) -> dict[str, Any]:
        """All of the fit but the model: what another process needs to go on with it."""
        return {
            "epoch": self._next,
            "stopped": self._callbacks.model.stop_training,
            "logs": dict(self._logs[-1] if self._logs else self._last_logs),
            "history": remembered(self._history),
            "callbacks": states_of(self._callbacks.callbacks),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        return_states(self._callbacks.callbacks, state["callbacks"])
        vars(self._history).update(state["history"])
        self._first, self._last_logs, self._recorded = state["epoch"], state["logs"], len(self._history.epoch)
        self._callbacks.model.stop_training = state["stopped"]


class TrainingLoop(FitLoop):
    """A fit by an optimizer: epochs are passes over the data.

    Parameters
    ----------
    train : callable
    passes : Passes
        What it trains.
    *arguments
        As ``FitLoop`` has them, after the first.
    """

    def __init__(self, train: Train, passes: Passes, *arguments: Any) -> None:
        super().__init__(passes, *arguments)
        self._train, self._passes = train, passes

    def _run_epochs(self, progress: Progress) -> None:
        listens = self._callbacks.listens("on_epoch_begin", "on_epoch_end")
        one_by_one = listens or not self._passes.together or self._validation is not None or progress.verbose == 2
        count = 1
        self._passes.begin(lambda: self._callbacks.keep(self, batch=True))
        while self._goes_on():
            index = self._next
            if not self._passes.is_within():
                self._callbacks.on_epoch_begin(index)
            self._train_epochs(index, min(count, self._stop - index))
            if index == self._next:
                break  # there is no data left
            self._end_epoch(index, progress)
            count = 1 if one_by_one else epochs_at_once(self._ended[-1].seconds)

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "passes": self._passes.get_state()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        super().set_state(state)
        self._passes.set_state(state["passes"])

    def _train_epochs(self, index: int, count: int) -> None:
        """Train; an epoch that diverges is one of NaN where a callback wants that."""
        try:
            self._train(index, count, self._ended)
        except TrainingDiverged as error:
            if not self._end_by_divergence(error.step):
                raise
