"""Sequential: a stack of layers that learns, with the methods and habits of Keras's.

The way of a fit: the arguments are checked -> the engine runs an epoch, or some short ones, in one compiled
call -> the history grows.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import boolean, integer, number, verbosity
from ..conversion import describe
from ..data import inputs, split
from ..engine.threads import check_threads
from ..feature_names import column_names
from ..metrics import epoch_logs
from ..scaled_sums import Targets
from .history import History
from .progress import Progress, format_logs, show
from .trainable import Data, Trainable, as_returned
from .training_loop import TrainingLoop

if TYPE_CHECKING:
    from ..engine.epoch import Epoch


class Fittable(Trainable):
    """What learns from data, measures and predicts."""

    history: History | None = None

    # -- learning

    def fit(
        self,
        x: Any,
        y: Any,
        batch_size: int | None = 32,
        epochs: int = 1,
        verbose: int | str = "auto",
        *,
        validation_data: tuple[Any, Any] | None = None,
        validation_split: float = 0.0,
        shuffle: bool = True,
        initial_epoch: int = 0,
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
        batch_size : int
            Samples of a step (None: 32); the last batch of an epoch may be smaller.
        epochs : int
            The number of the last epoch, as many as there are passes over the data unless ``initial_epoch`` is set.
        verbose : {"auto", 0, 1, 2}
            0 shows nothing, 1 (and "auto") a bar, 2 a line for each epoch.
        validation_data : tuple (x, y), optional
            Data to measure the loss and metrics on after each epoch. It takes precedence over ``validation_split``.
        validation_split : float
            In [0, 1): the part of the data, from its end, that is kept for validation.
        shuffle : bool
            Take the samples in another order each epoch.
        initial_epoch : int
            Where to begin counting.
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
        batch_size = integer("batch_size", 32 if batch_size is None else batch_size, 1)
        epochs, initial_epoch = integer("epochs", epochs, 0), integer("initial_epoch", initial_epoch, 0)
        verbose, shuffle, threads = verbosity(verbose), boolean("shuffle", shuffle), _thread_count(threads)
        train, held_out = self._training_data(x, y, validation_data, validation_split, check_finite)
        engine, (metrics, counted) = self._build(train[0].shape[1]), self._to_measure()
        self._feature_names = self._feature_names or column_names(x)
        steps = -(-len(train[0]) // batch_size)
        history = self.history = History({"verbose": verbose, "epochs": epochs, "steps": steps, "dtype": self.dtype})

        def learn(count: int, ended: "list[Epoch]") -> None:
            engine.train_epochs(count, ended, *train, batch_size, shuffle, counted, threads)

        def train_epochs(index: int, count: int, ended: "list[Epoch]") -> None:
            self._train(engine, index, count, ended, learn)

        loop = TrainingLoop(engine, train_epochs, (metrics, counted), train[1], held_out, threads, history)
        with Progress(verbose, epochs, initial_epoch) as progress:
            progress.prepare(engine)
            loop.run(initial_epoch, epochs, progress)
        return history

    # -- measuring

    def evaluate(
        self,
        x: Any,
        y: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        *,
        return_dict: bool = False,
        check_finite: bool = True,
        threads: int | None = None,
    ) -> float | list[float] | dict[str, float]:
        """The loss and metrics on data.

        Parameters
        ----------
        x, y : arrays
            As for ``fit``.
        batch_size : int, optional
            Accepted as Keras accepts it; the result does not depend on it.
        verbose : {"auto", 0, 1, 2}
            0 prints nothing, the others one line.
        return_dict : bool
            Return a dict by name instead.
        check_finite : bool
            Refuse NaN and infinity in the data.
        threads : int, optional

        Returns
        -------
        float, list or dict
            The loss, with the metrics after it in a list where there are any.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Input((1,)), fastbp.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse", metrics=["mae"])
        >>> model.evaluate([[1.0], [2.0]], [3.0, 4.0], verbose=0)
        [4.0, 2.0]
        """
        if batch_size is not None:
            integer("batch_size", batch_size, 1)
        verbose, threads, (metrics, counted) = verbosity(verbose), _thread_count(threads), self._to_measure()
        engine = self._need_engine("evaluate")
        x, y = self._pair(x, y, check_finite)
        logs = epoch_logs(engine.evaluate(x, y, counted, threads), metrics, Targets(y))
        if verbose:
            show(format_logs(logs))
        return as_returned(logs, return_dict)

    def test_on_batch(
        self, x: Any, y: Any, *, return_dict: bool = False, check_finite: bool = True
    ) -> float | list[float] | dict[str, float]:
        """The loss and metrics on one batch, as ``evaluate`` has them, without a word.

        Parameters
        ----------
        x, y, return_dict, check_finite
            As for ``evaluate``.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Input((1,)), fastbp.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse")
        >>> model.test_on_batch([[1.0]], [3.0])
        4.0
        """
        return self.evaluate(x, y, verbose=0, return_dict=return_dict, check_finite=check_finite)

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: int | str = "auto", *, threads: int | None = None
    ) -> np.ndarray:
        """The output for x. A row with NaN or infinity in it gives what the arithmetic gives, as in Keras.

        Parameters
        ----------
        x : array of shape (samples, features)
        batch_size, verbose
            Checked and accepted as Keras accepts them, without effect.
        threads : int, optional

        Returns
        -------
        ndarray of shape (samples, units)

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Input((2,)), fastbp.Dense(1, kernel_initializer="ones")])
        >>> model.predict([[1.0, 2.0]])
        array([[3.]], dtype=float32)
        """
        if batch_size is not None:
            integer("batch_size", batch_size, 1)
        verbosity(verbose)
        engine = self._engine or self._need_engine("predict")
        x = self._rows(x) if self._flattens else x
        x = inputs("x", x, self._input_units, self._dtype, False, self._feature_names)
        output: np.ndarray = engine.forward(x, _thread_count(threads))
        return output

    def predict_on_batch(self, x: Any) -> np.ndarray:
        """The output for x, as ``predict`` gives it.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Input((2,)), fastbp.Dense(1, kernel_initializer="ones")])
        >>> model.predict_on_batch([[1.0, 2.0]])
        array([[3.]], dtype=float32)
        """
        return self.predict(x)

    # -- the parts of these

    def _training_data(
        self, x: Any, y: Any, validation_data: Any, validation_split: Any, check_finite: bool
    ) -> tuple[Data, Data | None]:
        """What to train on and what to validate on, all of it checked."""
        fraction = number("validation_split", validation_split, 0, 1, below=True)
        train = self._pair(x, y, check_finite)
        if validation_data is not None:
            if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
                raise ValueError(f"validation_data must be a tuple (x, y), got {describe(validation_data)}")
            like = train[0].shape[1], self._feature_names or column_names(x)
            return train, self._pair(validation_data[0], validation_data[1], check_finite, "validation_data ", like)
        if not fraction:
            return train, None
        train_x, train_y, held_out_x, held_out_y = split(*train, fraction)
        return (train_x, train_y), (held_out_x, held_out_y)


def _thread_count(threads: Any) -> int | None:
    return None if threads is None else check_threads(threads, "threads")
