"""Learning from data, with the arguments and habits of Keras's ``fit``.

The way of a fit: the arguments are checked -> the engine runs an epoch, or some short ones, in one compiled
call -> callbacks have a look -> the history grows.
"""

import math
from typing import TYPE_CHECKING, Any

from ..arguments import boolean, integer, verbosity
from ..callbacks.callback_list import CallbackList, flat
from ..callbacks.history import History
from ..callbacks.progress_bars import ProgbarLogger
from ..data import Batches, Data, Rows, training_data
from ..errors import TrainingDiverged
from ..layers.claims import fits
from ..layers.held import trainable_flags
from ..optimizers import Solver
from .evaluation import BATCH_SIZE, thread_count
from .exploring import Explorable
from .measures import Measures
from .measuring import Measuring, validated_epochs
from .moving_statistics import compute_anew
from .passes import Passes, Teacher, WholePasses
from .portion_passes import PortionPasses
from .portions import is_weighted, need_end, portions, step_count
from .progress import Progress
from .solving import Solved, SolvingLoop, check_network, check_watching, whole_rows
from .training_loop import FitLoop, Train, TrainingLoop

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.epoch import Epoch
    from ..engine.observer import Observer
    from .observing import FitObserver


class Fittable(Explorable):
    """What learns from data, measures and predicts."""

    history: History | None = None
    stop_training = False  # a callback may set it
    _learnt_from: tuple[Data, int | None] | None = None  # the data and the steps of an epoch, while a fit goes on

    @fits
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        *,
        check_finite: bool = True,
        threads: int | None = None,
    ) -> History:
        """Learn from data, a batch at a time.

        Parameters
        ----------
        x : array of shape (samples, features)
            Or a list, a DataFrame, a memory-mapped array, anything that NumPy takes for an array of numbers. The names of
            a DataFrame's columns are remembered, and later ones must have the same in the same order.
        y : array of shape (samples, units), or (samples,) for one unit or integer labels
        batch_size : int, optional
            Samples of a step (None: 32, or as many as make ``steps_per_epoch``); the last batch of an epoch may be smaller.
            A solver takes all samples at once, and nothing else.
        epochs : int
            The number of the last epoch, as many as there are passes over the data unless ``initial_epoch`` is set. Of a
            solver so many iterations at most.
        verbose : {"auto", 0, 1, 2}
            0 shows nothing, 1 (and "auto") a bar, 2 a line for each epoch.
        callbacks : list of Callback, optional
            See ``fastbp.callbacks``.
        validation_split : float
            In [0, 1): the part of the data, from its end, that is kept for validation.
        validation_data : tuple (x, y) or (x, y, sample_weight), optional
            Data to measure the loss and metrics on after each epoch. It takes precedence over ``validation_split``.
        shuffle : bool
            Take the samples in another order each epoch.
        class_weight : dict or "balanced", optional
            By how much to multiply the loss of a sample, for each class label; 1 for those that are not named. Balanced:
            ``samples / (classes * samples of the class)``, so that all classes count the same.
        sample_weight : array of shape (samples,), optional
            By how much to multiply the loss of each sample. The mean is still over their number.
        initial_epoch : int
            Where to begin counting.
        steps_per_epoch : int, optional
            Batches of an epoch. The next epoch goes on with those that are left, and ends early, with a warning, where the
            data ends.
        validation_steps : int, optional
            How many batches of the validation data to measure on; all if left out.
        validation_batch_size : int, optional
            Of these batches (None: ``batch_size``).
        validation_freq : int or list of int
            Validate after every so many epochs, or after these, counted from 1.
        check_finite : bool
            Refuse NaN and infinity in the data (one pass over it).
        threads : int, optional
            How many threads; chosen by the work of a step if left out. The result does not depend on it.

        Returns
        -------
        History
            Also kept as ``model.history``, with the epochs so far if the fit is interrupted.

        Raises
        ------
        TypeError, ValueError
            For bad input. The model is as it was.
        RuntimeError
            If another thread is fitting this model, or one with layers of it.
        TrainingDiverged
            If the loss or the weights become NaN or infinite. The model has the weights of the last epoch that was finished.
            The callback ``TerminateOnNaN`` ends the fit instead.

        Examples
        --------
        >>> import numpy as np
        >>> import fastbp
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(500, 4))
        >>> model = fastbp.Sequential([fastbp.Dense(16, "relu"), fastbp.Dense(1, "sigmoid")], seed=0)
        >>> model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        >>> history = model.fit(x, x[:, 0] > x[:, 1], epochs=2, validation_split=0.2, verbose=0)
        >>> sorted(history.history)
        ['accuracy', 'loss', 'val_accuracy', 'val_loss']
        """
        epochs, initial_epoch = integer("epochs", epochs, 0), integer("initial_epoch", initial_epoch, 0)
        verbose, threads, shuffle = verbosity(verbose), thread_count(threads), _shuffles(shuffle)
        steps = None if steps_per_epoch is None else integer("steps_per_epoch", steps_per_epoch, 1)
        validates, watching = validated_epochs(validation_freq), list(flat(callbacks))
        metrics, (optimizer, _) = self._to_measure(), self._compiled()
        train, held_out = training_data(
            x,
            y,
            sample_weight,
            class_weight,
            validation_data,
            validation_split,
            spec=self._spec(),
            check_finite=check_finite,
            batch_size=batch_size,
        )
        self._check_targets(train)
        need_end(train, "steps_per_epoch", steps)
        size = _batch_size(batch_size, steps, train)
        held_out_size = integer("validation_batch_size", validation_batch_size or size, 1)
        held_out_steps = None if validation_steps is None else integer("validation_steps", validation_steps, 1)
        if held_out is not None:
            self._check_targets(held_out)
            need_end(held_out, "validation_steps", held_out_steps)
        optimizer = self._compiled()[0]
        if isinstance(optimizer, Solver):
            train = whole_rows(optimizer, train, batch_size, steps)
            size = len(train)
            check_network(optimizer, self.leaves(), train.width, self.feedback)
            check_watching(optimizer, watching)
            optimizer.check(self._learnt_numbers(train.width))
        engine = self._build(train.width)
        params = {"verbose": verbose, "epochs": epochs, "steps": step_count(train, size, steps)}
        if optimizer.schedule is not None:
            optimizer.check_schedule(engine.steps, (params["steps"] or 1) * max(epochs - initial_epoch, 0))
        self._feature_names = self._feature_names or train.names
        self.history, listening = self._listeners(watching, params)
        validation = None
        if held_out is not None:
            measures = Measures(metrics, is_weighted(held_out), held_out_size)
            validation = Measuring(engine, measures, held_out, held_out_size, held_out_steps, threads, listening)

        rest = self.metrics_names, validation, validates, listening, self.history
        loop: FitLoop
        if isinstance(optimizer, Solver):
            assert isinstance(train, Rows)
            solved = Solved(lambda: self._build(train.width), Measures(metrics, is_weighted(train), size), train, threads)
            loop = SolvingLoop(optimizer, solved, *rest)
        else:
            observer = self._observer(listening, train.width)
            passes = self._passes(engine, train, size, steps, shuffle, threads, listening, observer)
            loop = TrainingLoop(self._explained(engine, train, passes, observer), passes, *rest)
        self.stop_training, self._learnt_from = False, (train, steps)
        try:
            with listening.around_fit(), Progress(verbose, epochs, initial_epoch) as progress:
                progress.prepare(engine)
                loop.run(initial_epoch, epochs, progress)
        finally:
            self._learnt_from = None
        return self.history

    # -- the parts of it

    def _compute_moving_statistics(self) -> None:
        """Have batch normalizations go by the data of the fit that goes on, with the weights as they are now."""
        if self._learnt_from is not None:
            compute_anew(self, *self._learnt_from)
            self._kept_rows = 0

    def _learnt_numbers(self, units: int) -> int:
        """How many numbers training changes, for an input of so many units."""
        flags = self._trained or trainable_flags(self.leaves())
        weights = [w for of_layer, flag in zip(self._weights_by_layer(units), flags, strict=True) if flag for w in of_layer]
        return sum(math.prod(weight.shape) for weight in weights if weight.trainable)

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


def _shuffles(shuffle: Any) -> bool:
    """Keras's "batch" changes the order within each batch, which is that of a sum."""
    return shuffle != "batch" and boolean("shuffle", shuffle)


def _batch_size(batch_size: Any, steps: int | None, data: Data) -> int:
    if batch_size is not None:
        return integer("batch_size", batch_size, 1)
    return BATCH_SIZE if steps is None or isinstance(data, Batches) else -(-len(data) // steps)
