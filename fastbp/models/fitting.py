"""Learning from data, with the arguments and habits of Keras's ``fit``: what it is asked for, and its checks."""

import math
from typing import Any

from ..arguments import boolean, integer, verbosity
from ..callbacks.callback_list import flat
from ..callbacks.history import History
from ..data import Batches, Data, training_data
from ..layers.claims import fits
from ..layers.held import trainable_flags
from ..optimizers import Solver
from .evaluation import BATCH_SIZE, thread_count
from .fit_request import FitRequest
from .measuring import validated_epochs
from .portions import need_end
from .running import Running
from .solving import check_network, check_watching, whole_rows


class Fittable(Running):
    """What learns from data, measures and predicts."""

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
        verbose, threads = verbosity(verbose), thread_count(threads)
        request = self._request(
            x,
            y,
            batch_size,
            epochs,
            callbacks,
            validation_split,
            validation_data,
            shuffle,
            class_weight,
            sample_weight,
            initial_epoch,
            steps_per_epoch,
            validation_steps,
            validation_batch_size,
            validation_freq,
            check_finite,
        )
        return self._run_fit(request, verbose, threads)

    # -- the parts of it

    def _request(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
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
        check_finite: bool = True,
    ) -> FitRequest:
        """The arguments of ``fit``, each looked at; the errors for those that are bad. The model is as it was."""
        epochs, initial_epoch = integer("epochs", epochs, 0), integer("initial_epoch", initial_epoch, 0)
        steps = None if steps_per_epoch is None else integer("steps_per_epoch", steps_per_epoch, 1)
        shuffle, validates, watching = _shuffles(shuffle), validated_epochs(validation_freq), list(flat(callbacks))
        (optimizer, _), spec = self._compiled(), self._spec()
        train, held_out = training_data(
            x,
            y,
            sample_weight,
            class_weight,
            validation_data,
            validation_split,
            spec=spec,
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
        if isinstance(optimizer, Solver):
            train = whole_rows(optimizer, train, batch_size, steps)
            size = len(train)
            check_network(optimizer, self.leaves(), train.width, self.feedback)
            check_watching(optimizer, watching)
            optimizer.check(self._learnt_numbers(train.width))
        passes = initial_epoch, epochs, shuffle, validates, watching
        return FitRequest(train, held_out, size, steps, held_out_size, held_out_steps, *passes)

    def _learnt_numbers(self, units: int) -> int:
        """How many numbers training changes, for an input of so many units."""
        flags = self._trained or trainable_flags(self.leaves())
        weights = [w for of_layer, flag in zip(self._weights_by_layer(units), flags, strict=True) if flag for w in of_layer]
        return sum(math.prod(weight.shape) for weight in weights if weight.trainable)


def _shuffles(shuffle: Any) -> bool:
    """Keras's "batch" changes the order within each batch, which is that of a sum."""
    return shuffle != "batch" and boolean("shuffle", shuffle)


def _batch_size(batch_size: Any, steps: int | None, data: Data) -> int:
    if batch_size is not None:
        return integer("batch_size", batch_size, 1)
    return BATCH_SIZE if steps is None or isinstance(data, Batches) else -(-len(data) // steps)
