"""The callbacks of one call, called as if they were one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

from ..conversion import describe
from .base import NUMBERED_HOOKS, OLDER_NAMES, PLAIN_HOOKS, Callback, implements
from .history import History
from .progress_bars import ProgbarLogger

_HOOKS = *PLAIN_HOOKS, *NUMBERED_HOOKS
_NOBODY: dict[str, list[Callable[..., Any]]] = {hook: [] for hook in _HOOKS}


def _plain(hook: str) -> Callable[..., None]:
    def call(self: "CallbackList", logs: Any = None) -> None:
        logs = {} if logs is None else logs
        for listener in self._listeners[hook]:
            listener(logs)

    return call


def _numbered(hook: str) -> Callable[..., None]:
    def call(self: "CallbackList", number: int, logs: Any = None) -> None:
        logs = {} if logs is None else logs
        for listener in self._listeners[hook]:
            listener(number, logs)

    return call


def flat(callbacks: Any) -> Iterator[Any]:
    """The callbacks in None, one of them, or lists in lists, each checked."""
    if callbacks is None:
        return
    if isinstance(callbacks, CallbackList):
        callbacks = callbacks.callbacks
    if isinstance(callbacks, list | tuple):
        for callback in callbacks:
            yield from flat(callback)
        return
    if isinstance(callbacks, type) and hasattr(callbacks, "on_train_begin"):
        raise TypeError(f"callbacks must be callback objects, got the class {callbacks.__name__}: {callbacks.__name__}(...)")
    if not isinstance(callbacks, Callback) and not all(hasattr(callbacks, name) for name in ("set_model", "on_train_begin")):
        raise TypeError(f"callbacks must be a list of fastbp.callbacks.Callback objects, got {describe(callbacks)} in it")
    yield callbacks


class CallbackList:
    """The callbacks of one call, with the hooks of a single one: for loops written by hand, since ``fit`` makes its own.

    Parameters
    ----------
    callbacks : Callback or list, optional
        Lists may be nested.
    add_history, add_progbar : bool
        Whether to add a ``History`` and a ``ProgbarLogger`` where there is none.
    model : Sequential, optional
    **params
        What the callbacks find in ``params``: ``epochs``, ``steps``, ``verbose``.

    Examples
    --------
    >>> import fastbp
    >>> stopping = fastbp.callbacks.EarlyStopping("loss", patience=1)
    >>> model = fastbp.Sequential([fastbp.Dense(1)])
    >>> callbacks = fastbp.callbacks.CallbackList([stopping], model=model, epochs=9)
    >>> callbacks.on_train_begin()
    >>> for epoch, loss in enumerate([3.0, 2.0, 2.5, 1.0]):
    ...     callbacks.on_epoch_end(epoch, {"loss": loss})
    ...     if model.stop_training:
    ...         break
    >>> epoch, stopping.best
    (2, 2.0)
    """

    def __init__(
        self, callbacks: Any = None, add_history: bool = False, add_progbar: bool = False, model: Any = None, **params: Any
    ) -> None:
        self.callbacks = list(flat(callbacks))
        self.model: Any = None
        self.params: dict[str, Any] = {}
        if add_history and self.history is None:
            self.callbacks.append(History())
        if add_progbar and not any(isinstance(callback, ProgbarLogger) for callback in self.callbacks):
            self.callbacks.append(ProgbarLogger())
        self._listen()
        self.set_model(model)
        self.set_params(params)

    @property
    def history(self) -> History | None:
        """The one that is filled."""
        return next((callback for callback in self.callbacks if isinstance(callback, History)), None)

    def append(self, callback: Any) -> None:
        """Add a callback."""
        self.callbacks.extend(flat(callback))
        self._listen()

    def _listen(self) -> None:
        """Find out which callbacks have something to do in which hook."""
        self.keepers = [callback for callback in self.callbacks if hasattr(callback, "on_kept")]
        self.keeps_batches = any(keeper.keeps_batches for keeper in self.keepers)
        self.contexts = [callback.around_fit for callback in self.callbacks if hasattr(callback, "around_fit")]
        self.looks = [callback.on_look for callback in self.callbacks if hasattr(callback, "on_look")]
        self.observers = [callback for callback in self.callbacks if hasattr(callback, "on_observed")]
        if len(self.observers) > 1:
            raise ValueError(f"callbacks must hold at most one GradientMonitor, got {len(self.observers)}")
        self._listeners = {hook: self._listeners_of(hook) for hook in _HOOKS} if self.callbacks else _NOBODY

    def _listeners_of(self, hook: str) -> list[Callable[..., Any]]:
        names = hook, OLDER_NAMES.get(hook, hook)
        return [getattr(one, hook) for one in self.callbacks if any(implements(one, name) for name in names)]

    def listens(self, *hooks: str) -> bool:
        """Whether a callback has something to do in one of these hooks."""
        return bool(self.callbacks) and any(self._listeners[hook] for hook in hooks)

    def around_fit(self) -> AbstractContextManager[None]:
        """What a fit runs in: what callbacks want to have done however it ends."""
        return self._entered() if self.contexts else nullcontext()

    @contextmanager
    def _entered(self) -> Iterator[None]:
        with ExitStack() as stack:
            for context in self.contexts:
                stack.enter_context(context())
            yield

    def look(self) -> None:
        """Let those look who want to now and then."""
        for listener in self.looks:
            listener()

    def resume(self, fit: Any) -> None:
        """Have the fit go on from a backup, where a callback has one."""
        for keeper in self.keepers:
            keeper.on_resume(fit)

    def keep(self, fit: Any, batch: bool = False) -> None:
        """After an epoch or a batch, and all other hooks: let those keep a backup who want to."""
        for keeper in self.keepers:
            keeper.on_kept(fit, batch)

    def finish(self) -> None:
        """After the fit, and all other hooks: backups are not needed any more."""
        for keeper in self.keepers:
            keeper.on_finished()

    def diverged(self, batch: int) -> bool:
        """Tell those who want to know that the loss of a batch is not finite; whether there are any."""
        listeners = [callback.on_divergence for callback in self.callbacks if hasattr(callback, "on_divergence")]
        for listener in listeners:
            listener(batch)
        return bool(listeners)

    def set_model(self, model: Any) -> None:
        """Tell the callbacks which model is at work."""
        if model is not None:
            self.model = model
            for callback in self.callbacks:
                callback.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        """Tell the callbacks the settings of the call."""
        self.params = params
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    on_train_begin, on_train_end = _plain("on_train_begin"), _plain("on_train_end")
    on_test_begin, on_test_end = _plain("on_test_begin"), _plain("on_test_end")
    on_predict_begin, on_predict_end = _plain("on_predict_begin"), _plain("on_predict_end")
    on_epoch_begin, on_epoch_end = _numbered("on_epoch_begin"), _numbered("on_epoch_end")
    on_train_batch_begin, on_train_batch_end = _numbered("on_train_batch_begin"), _numbered("on_train_batch_end")
    on_test_batch_begin, on_test_batch_end = _numbered("on_test_batch_begin"), _numbered("on_test_batch_end")
    on_predict_batch_begin, on_predict_batch_end = _numbered("on_predict_batch_begin"), _numbered("on_predict_batch_end")
    on_batch_begin, on_batch_end = on_train_batch_begin, on_train_batch_end
