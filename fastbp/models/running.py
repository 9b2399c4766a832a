"""The way of a fit once its arguments have been checked.

The engine runs an epoch, or some short ones, in one compiled call -> callbacks have a look -> the history grows.
"""

from typing import TYPE_CHECKING, Any

from ..callbacks.callback_list import CallbackList
from ..callbacks.history import History
from ..callbacks.progress_bars import ProgbarLogger
from ..data import Batches, Data, Rows
from ..errors import TrainingDiverged
from ..optimizers import Solver
from .exploring import Explorable
from .fit_request import FitRequest
from .measures import Measures
from .measuring import Measuring
from .moving_statistics import compute_anew
from .passes import Passes, Teacher, WholePasses
from .portion_passes import PortionPasses
from .portions import is_weighted, portions, step_count
from .progress import Progress
from .solving import Solved, SolvingLoop
from .training_loop import FitLoop, Train, TrainingLoop

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.epoch import Epoch
    from ..engine.observer import Observer
    from .observing import FitObserver


class Running(Explorable):
    """What runs the epochs of a fit."""

    history: History | None = None
    stop_training = False  # a callback may set it
    _learnt_from: tuple[Data, int | None] | None = None  # the data and the steps of an epoch, while a fit goes on

    def _run_fit(self, request: FitRequest, verbose: int, threads: int | None) -> History:
        """Learn as asked."""
        train, held_out, size = request.train, request.held_out, request.batch_size
        first, epochs = request.first, request.epochs
        metrics, (optimizer, _) = self._to_measure(), self._compiled()
        engine = self._build(train.width)
        params = {"verbose": verbose, "epochs": epochs, "steps": step_count(train, size, request.steps)}
        if optimizer.schedule is not None:
            optimizer.check_schedule(engine.steps, (params["steps"] or 1) * max(epochs - first, 0))
        self._feature_names = self._feature_names or train.names
        self.history, listening = self._listeners(request.callbacks, params)
        validation = None
        if held_out is not None:
            measures = Measures(metrics, is_weighted(held_out), request.held_out_size)
            portion = request.held_out_size, request.held_out_steps
            validation = Measuring(engine, measures, held_out, *portion, threads, listening)

        rest = self.metrics_names, validation, request.validates, listening, self.history
        loop: FitLoop
        if isinstance(optimizer, Solver):
            assert isinstance(train, Rows)
            solved = Solved(lambda: self._build(train.width), Measures(metrics, is_weighted(train), size), train, threads)
            loop = SolvingLoop(optimizer, solved, *rest)
        else:
            observer = self._observer(listening, train.width)
            passes = self._passes(engine, train, size, request.steps, request.shuffle, threads, listening, observer)
            loop = TrainingLoop(self._explained(engine, train, passes, observer), passes, *rest)
        self.stop_training, self._learnt_from = False, (train, request.steps)
        try:
            with listening.around_fit(), Progress(verbose, epochs, first) as progress:
                progress.prepare(engine)
                loop.run(first, epochs, progress)
        finally:
            self._learnt_from = None
        return self.history

    def _compute_moving_statistics(self) -> None:
        """Have batch normalizations go by the data of the fit that goes on, with the weights as they are now."""
        if self._learnt_from is not None:
            compute_anew(self, *self._learnt_from)
            self._kept_rows = 0

    def _explained(self, engine: "Engine", data: Data, passes: Passes, observer: "FitObserver | None") -> Train:
        """The function that trains epochs. Where the loss diverges, what the data has in it may be the reason."""

        def train_epochs(index: int, count: int, ended: "list[Epoch]") -> None:
            if observer is not None:
                observer.epoch = index
            try:
                self._train(engine, index, count, ended, passes.train)
            except TrainingDiverged:
                if isinstance(data, Rows):
                    data.check_finite()
                raise

        return train_epochs

    def _passes(
        self,
        engine: "Engine",
        data: Data,
        batch_size: int,
        steps: int | None,
        shuffle: bool,
        threads: int | None,
        callbacks: CallbackList,
        observer: "Observer | None",
    ) -> Passes:
        """How passes over the data are to be made."""
        whole = isinstance(data, Rows) and steps is None
        measures = Measures(self._to_measure(), is_weighted(data), batch_size)
        size = None if isinstance(data, Batches) else batch_size
        teacher = Teacher(engine, self._compiled()[0], measures, size, shuffle and whole, threads, observer)
        looked_at = (
            callbacks.looks or callbacks.keeps_batches or callbacks.listens("on_train_batch_begin", "on_train_batch_end")
        )
        if isinstance(data, Rows) and whole and not looked_at:
            return WholePasses(teacher, data)
        order = engine.next_order if shuffle and not whole else None
        depends = steps is not None or isinstance(data, Batches)
        return PortionPasses(teacher, portions(data, batch_size, steps, order), callbacks, depends)

    def _observer(self, callbacks: CallbackList, width: int) -> "FitObserver | None":
        """What sees into steps for a callback that wants that, if there is one."""
        if not callbacks.observers:
            return None
        from .observing import FitObserver, watched_layers

        return FitObserver(callbacks.observers[0], watched_layers(self.leaves(), width))

    def _listeners(self, callbacks: list[Any], params: dict[str, Any]) -> tuple[History, CallbackList]:
        """The history to fill and the callbacks to call, without those whose work is done anyway."""
        history = next((callback for callback in callbacks if isinstance(callback, History)), None) or History()
        if type(history) is History and history in callbacks:
            history.on_train_begin()
        called = [callback for callback in callbacks if type(callback) not in (History, ProgbarLogger)]
        listening = CallbackList(called, model=self, **params)
        history.set_params({**params, "dtype": self.dtype})
        return history, listening
