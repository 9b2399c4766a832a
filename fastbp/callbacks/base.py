"""What a callback is: an object with methods, the hooks, that are called while a model learns, measures or predicts."""

from collections.abc import Callable
from typing import Any, TypeVar

PLAIN_HOOKS = (
    "on_train_begin",
    "on_train_end",
    "on_test_begin",
    "on_test_end",
    "on_predict_begin",
    "on_predict_end",
)
NUMBERED_HOOKS = (
    "on_epoch_begin",
    "on_epoch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_batch_begin",
    "on_test_batch_end",
    "on_predict_batch_begin",
    "on_predict_batch_end",
)
OLDER_NAMES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}

Hook = TypeVar("Hook", bound=Callable[..., None])


def _default(hook: Hook) -> Hook:
    """Mark a hook that does nothing, as Keras marks its own: nobody has to call it."""
    vars(hook)["_is_default"] = True
    return hook


def implements(callback: Any, hook: str) -> bool:
    """Whether a callback has something to do in a hook: it, or its class, overrides the one that does nothing."""
    method = getattr(callback, hook, None)
    return method is not None and not getattr(method, "_is_default", False)


class Callback:
    """The base class of callbacks. Override the hooks that matter; those that are not overridden cost nothing.

    A hook of batches makes training stop in Python after each batch, which costs some microseconds; without one an epoch
    is a single compiled call. Callbacks of Keras that are made of these hooks work too.

    Attributes
    ----------
    model : Sequential
        The model at work. ``self.model.stop_training = True`` ends a fit after the batch or the epoch.
    params : dict
        The call's ``epochs``, ``steps`` and ``verbose``.

    Examples
    --------
    >>> import fastbp
    >>> class Losses(fastbp.callbacks.Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(epoch, logs["loss"])
    >>> model = fastbp.Sequential([fastbp.Dense(1, kernel_initializer="zeros")])
    >>> model.compile("sgd", "mse")
    >>> history = model.fit([[1.0]], [2.0], verbose=0, callbacks=[Losses()])
    0 4.0
    """

    model: Any = None
    params: Any = None

    def set_model(self, model: Any) -> None:
        """Called with the model before anything else."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called with the call's settings before anything else."""
        self.params = params

    @_default
    def on_train_begin(self, logs: Any = None) -> None:
        """Before the first epoch."""

    @_default
    def on_train_end(self, logs: Any = None) -> None:
        """After the last epoch; ``logs`` are those of that epoch."""

    @_default
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before an epoch, counted from 0."""

    @_default
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch and its validation; what is put into ``logs`` comes into the history."""

    @_default
    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch of training, counted from 0 in each epoch."""
        self.on_batch_begin(batch, logs)

    @_default
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch of training; ``logs`` are the means over the epoch so far."""
        self.on_batch_end(batch, logs)

    @_default
    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """An older name of ``on_train_batch_begin``."""

    @_default
    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """An older name of ``on_train_batch_end``."""

    @_default
    def on_test_begin(self, logs: Any = None) -> None:
        """Before ``evaluate`` or the validation of an epoch."""

    @_default
    def on_test_end(self, logs: Any = None) -> None:
        """After ``evaluate`` or the validation of an epoch."""

    @_default
    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch is measured."""

    @_default
    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch is measured; ``logs`` are the means so far."""

    @_default
    def on_predict_begin(self, logs: Any = None) -> None:
        """Before ``predict``."""

    @_default
    def on_predict_end(self, logs: Any = None) -> None:
        """After ``predict``."""

    @_default
    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch of predictions."""

    @_default
    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch of predictions, which are ``logs["outputs"]``."""
