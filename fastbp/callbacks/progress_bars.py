"""Callbacks that show how far a fit is."""

from typing import Any

from ..arguments import boolean
from .base import Callback


class ProgbarLogger(Callback):
    """What ``fit`` shows by ``verbose``. ``fit`` has one already: this is for training loops written by hand.

    Examples
    --------
    >>> import fastbp
    >>> shown = fastbp.callbacks.CallbackList(add_progbar=True, epochs=2, verbose=2)
    >>> shown.on_train_begin()
    >>> shown.on_epoch_end(0, {"loss": 0.5})
    Epoch 1/2 - ...s - loss: 0.5...
    >>> shown.on_train_end()
    """

    def __init__(self) -> None:
        self._progress: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin to show."""
        from ..arguments import verbosity
        from ..models.progress import Progress

        params = self.params or {}
        self._progress = Progress(verbosity(params.get("verbose", 1)), params.get("epochs", 1), 0)
        self._progress.__enter__()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Show an epoch."""
        self._progress.epoch_ended(epoch, logs or {}, 0.0)

    def on_train_end(self, logs: Any = None) -> None:
        """Show the last epoch."""
        self._progress.__exit__(None, None, None)


class TqdmCallback(Callback):
    """A tqdm bar of the epochs, with the logs behind it, in a terminal or a notebook; for use with ``verbose=0``.

    Parameters
    ----------
    batches : bool
        Have a second bar, of an epoch's batches.
    **settings
        Those of ``tqdm.auto.tqdm``, like ``leave``, ``file`` and ``ncols``.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> history = model.fit([[1.0]], [1.0], epochs=3, verbose=0, callbacks=[fastbp.callbacks.TqdmCallback(disable=True)])
    """

    def __init__(self, batches: bool = False, **settings: Any) -> None:
        self.settings = settings
        self._epochs: Any = None
        self._batches: Any = None
        if boolean("batches", batches):  # these hooks cost time, and are there only where they are wanted
            vars(self).update(on_epoch_begin=self._epoch_begins, on_train_batch_end=self._batch_ends)

    def on_train_begin(self, logs: Any = None) -> None:
        """Draw the bar."""
        from tqdm.auto import tqdm

        self._epochs = tqdm(desc="epochs", total=self.params.get("epochs"), unit="epoch", **self.settings)

    def _epoch_begins(self, epoch: int, logs: Any = None) -> None:
        from tqdm.auto import tqdm

        settings = {**self.settings, "leave": False}
        self._batches = tqdm(desc="batches", total=self.params.get("steps"), unit="batch", **settings)

    def _batch_ends(self, batch: int, logs: Any = None) -> None:
        if self._batches is None:  # the fit goes on in the midst of an epoch
            self._epoch_begins(0)
        self._batches.update(1)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Show an epoch."""
        if self._batches is not None:
            self._batches.close()
        self._epochs.set_postfix(logs or {}, refresh=False)
        self._epochs.update(1)

    def on_train_end(self, logs: Any = None) -> None:
        """Draw the bar as it is in the end."""
        self._epochs.close()
