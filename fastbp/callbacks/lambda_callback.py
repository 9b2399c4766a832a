"""A callback made of functions."""

from collections.abc import Callable
from typing import Any

from ..arguments import unknown
from .base import NUMBERED_HOOKS, OLDER_NAMES, PLAIN_HOOKS, Callback

_NAMES = *NUMBERED_HOOKS, *PLAIN_HOOKS, *OLDER_NAMES.values()


class LambdaCallback(Callback):
    """A callback made of functions.

    Parameters
    ----------
    on_epoch_begin, on_epoch_end, on_train_batch_begin, on_train_batch_end : callable, optional
        Given the number of the epoch or batch, and the logs.
    on_train_begin, on_train_end : callable, optional
        Given the logs.
    **hooks
        Any other hook of ``Callback``, by its name.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Dense(1, kernel_initializer="zeros")])
    >>> model.compile(fastbp.SGD(0.25), "mse")
    >>> printing = fastbp.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs))
    >>> history = model.fit([[1.0]], [2.0], epochs=2, verbose=0, callbacks=[printing])
    0 {'loss': 4.0}
    1 {'loss': 0.0}
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **hooks: Callable[..., Any] | None,
    ) -> None:
        hooks |= {"on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end}
        hooks |= {"on_train_begin": on_train_begin, "on_train_end": on_train_end}
        hooks |= {"on_train_batch_begin": on_train_batch_begin, "on_train_batch_end": on_train_batch_end}
        for name, function in hooks.items():
            if name not in _NAMES:
                raise unknown("hooks", name, _NAMES)
            if function is None:
                continue
            if not callable(function):
                raise TypeError(f"{name} must be a function, got {function!r}")
            vars(self)[name] = function
