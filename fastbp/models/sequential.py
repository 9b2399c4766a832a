"""Sequential: a stack of layers that learns, with the methods and habits of Keras's.

The way of a fit: the arguments are checked -> the engine runs an epoch, or some short ones, in one compiled
call -> callbacks have a look -> the history grows.
"""

from typing import TYPE_CHECKING, Any

from ..arguments import boolean, integer, number, verbosity
from ..callbacks.callback_list import CallbackList, flat
from ..callbacks.history import History
from ..callbacks.progress_bars import ProgbarLogger
from ..conversion import describe
from ..feature_names import column_names
from ..metrics import epoch_logs
from ..scaled_sums import Targets
from .evaluation import BATCH_SIZE, Evaluable, thread_count
from .measuring import Measuring, validated_epochs
from .passes import Passes, Settings, WatchedPasses, WholePasses
from .progress import Progress
from .rows import Rows
from .training_loop import TrainingLoop

if TYPE_CHECKING:
    from ..engine.epoch import Epoch


class Sequential(Evaluable):
    """Layers one after the other.

    Parameters
    ----------
    layers : list of Dense, optional
        Perhaps with an Input first. Without one, the first data tells the width of the input.
    seed : int, optional
        Fixes the initial weights and the shuffling: the same seed gives the same bits. They have nothing to do with the
        numbers of ``np.random.default_rng(seed)``.
    dtype : {"float32", "float64"}
        Of weights and arithmetic. Data of this dtype that lies in C order is used where it is, without a copy.
    name : str, optional

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> x = np.linspace(-1, 1, 256, dtype="float32").reshape(-1, 1)
    >>> model = fastbp.Sequential([fastbp.Dense(32, "tanh"), fastbp.Dense(1)], seed=0)
    >>> model.compile(fastbp.Adam(0.01), "mse", metrics=["mae"])
    >>> history = model.fit(x, np.sin(3 * x), epochs=50, verbose=0)
    >>> model.evaluate(x, np.sin(3 * x), verbose=0, return_dict=True)["mae"] < 0.2
    True
    >>> model.predict(x[:5]).shape
    (5, 1)
    """

    history: History | None = None
    stop_training = False  # a callback may set it

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
        epochs : int
            The number of the last epoch, as many as there are passes over the data unless ``initial_epoch`` is set.
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
        class_weight : dict, optional
            By how much to multiply the loss of a sample, for each class label; 1 for those that are not named.
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
        validates, watching = validated_epochs(validation_freq), list(flat(callbacks))
        train, held_out = self._training_data(
            x, y, sample_weight, class_weight, validation_data, validation_split, check_finite
        )
        batch_size = _batch_size(batch_size, steps_per_epoch, len(train))
        engine, (metrics, counted) = self._build(train.x.shape[1]), self._to_measure()
        self._feature_names = self._feature_names or column_names(x)
        params = {"verbose": verbose, "epochs": epochs, "steps": steps_per_epoch or -(-len(train) // batch_size)}
        self.history, listening = self._listeners(watching, params)
        targets, settings = Targets(train.y), Settings(batch_size, shuffle, counted, threads)

        def logs_of(epoch: "Epoch") -> dict[str, float]:
            return epoch_logs(epoch, metrics, targets if epoch.samples == len(train) else _targets_so_far(epoch, train))

        passes: Passes
        if listening.listens("on_train_batch_begin", "on_train_batch_end"):
            passes = WatchedPasses(engine, train, settings, listening, logs_of)
        else:
            passes = WholePasses(engine, train, settings)

        def train_epochs(index: int, count: int, ended: "list[Epoch]") -> None:
            self._train(engine, index, count, ended, passes.train)

        validation = None
        if held_out is not None:
            size = integer("validation_batch_size", validation_batch_size or batch_size, 1)
            if validation_steps is not None:
                held_out = held_out.part(0, size * integer("validation_steps", validation_steps, 1))
            validation = Measuring(engine, (metrics, counted), held_out, size, threads, listening)
        loop = TrainingLoop(train_epochs, passes, logs_of, self.metrics_names, validation, validates, listening, self.history)
        self.stop_training = False
        with Progress(verbose, epochs, initial_epoch) as progress:
            progress.prepare(engine)
            loop.run(initial_epoch, epochs, progress)
        return self.history

    # -- the parts of it

    def _listeners(self, callbacks: list[Any], params: dict[str, Any]) -> tuple[History, CallbackList]:
        """The history to fill and the callbacks to call, without those whose work is done anyway."""
        history = next((callback for callback in callbacks if isinstance(callback, History)), None) or History()
        if type(history) is History:
            history.on_train_begin()
        called = [callback for callback in callbacks if type(callback) not in (History, ProgbarLogger)]
        listening = CallbackList(called, model=self, **params)
        history.set_params({**params, "dtype": self.dtype})
        return history, listening

    def _training_data(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        class_weight: Any,
        validation_data: Any,
        validation_split: Any,
        check_finite: bool,
    ) -> tuple[Rows, Rows | None]:
        """What to train on and what to validate on, all of it checked."""
        fraction = number("validation_split", validation_split, 0, 1, below=True)
        train = self._checked_rows(x, y, sample_weight, class_weight, check_finite)
        if validation_data is not None:
            if not isinstance(validation_data, tuple | list) or len(validation_data) not in (2, 3):
                raise ValueError(f"validation_data must be a tuple (x, y), got {describe(validation_data)}")
            like = train.x.shape[1], self._feature_names or column_names(x)
            held_x, held_y, weights = (*validation_data, None)[:3]
            return train, self._checked_rows(held_x, held_y, weights, None, check_finite, "validation_data ", like)
        return train.split(fraction) if fraction else (train, None)


def _targets_so_far(epoch: "Epoch", rows: Rows) -> Targets:
    """The targets of the samples that a pass has come to."""
    order = getattr(epoch, "order", None)
    return Targets(rows.y[: epoch.samples] if order is None else rows.y[order])


def _shuffles(shuffle: Any) -> bool:
    """Keras's "batch" changes the order within each batch, which is that of a sum."""
    return shuffle != "batch" and boolean("shuffle", shuffle)


def _batch_size(batch_size: Any, steps_per_epoch: Any, samples: int) -> int:
    if batch_size is not None:
        return integer("batch_size", batch_size, 1)
    return BATCH_SIZE if steps_per_epoch is None else -(-samples // integer("steps_per_epoch", steps_per_epoch, 1))
