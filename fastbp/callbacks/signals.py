"""Ending a fit by a signal, as the host of a job sends one before it kills."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..arguments import unknown
from ..engine.interrupts import import_to_end, run_to_end
from .base import Callback
from .messages import message

# Those that ask a process to do something, of which each system has some.
_NAMES = "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGXCPU", "SIGBREAK"
_SIGNALS = {name: signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__}


class InterruptOnSignal(Callback):
    """Have signals end a fit as Ctrl-C does: at once, by a KeyboardInterrupt, with the model at the last finished step.

    SIGTERM is what schedulers, containers and service managers send some seconds before they kill. Without a handler it ends
    the process on the spot. With this callback the fit ends instead, the model can be saved, and can go on. When the fit is
    left, however that is, the handlers from before are back.

    Parameters
    ----------
    signals : str, int, or list of these
        Their names or numbers: "SIGTERM", "SIGINT" (Ctrl-C), "SIGHUP", "SIGUSR1" ...
    filepath : str or path, optional
        Where to save the model then, as ``model.save`` does. Further signals wait for the end of it.
    verbose : int
        With 1, say so.

    Attributes
    ----------
    received : str or None
        The signal that ended the last fit.

    Raises
    ------
    RuntimeError
        By a fit outside of the main thread: Python runs handlers in that alone.

    Examples
    --------
    >>> import signal, tempfile
    >>> from pathlib import Path
    >>> import fastbp
    >>> def kill(epoch, logs):
    ...     if epoch == 2:
    ...         signal.raise_signal(signal.SIGTERM)  # another process would call os.kill
    >>> killing = fastbp.callbacks.LambdaCallback(on_epoch_end=kill)
    >>> path = Path(tempfile.mkdtemp()) / "model.keras"
    >>> stopping = fastbp.callbacks.InterruptOnSignal("SIGTERM", path)
    >>> model = fastbp.Sequential([fastbp.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> try:
    ...     history = model.fit([[1.0]], [1.0], epochs=9, verbose=0, callbacks=[stopping, killing])
    ... except KeyboardInterrupt as interrupt:
    ...     print(interrupt, stopping.received, model.history.epoch, fastbp.load_model(path).optimizer.iterations)
    SIGTERM SIGTERM [0, 1, 2] 3
    """

    def __init__(self, signals: Any = "SIGTERM", filepath: Any = None, verbose: int = 0) -> None:
        several = signals if isinstance(signals, list | tuple | set | frozenset) else [signals]
        self.signals = [_signal(one) for one in several]
        if not self.signals:
            raise ValueError(f"signals must name one at least, got {signals!r}")
        self.filepath, self.verbose = None if filepath is None else os.fspath(filepath), verbose
        self.received: str | None = None
        self._waits = False  # further signals, until the model is saved

    @contextmanager
    def around_fit(self) -> Iterator[None]:
        """What ``fit`` runs in."""
        handlers = self._handlers()
        if self.filepath is not None:
            Path(self.filepath).parent.mkdir(parents=True, exist_ok=True)
            import_to_end("fastbp.saving.paths").writable_path("filepath", self.filepath)
        self.received, self._waits = None, False
        try:
            interrupt = self._interrupt(handlers)
            for number in handlers:
                signal.signal(number, interrupt)
            yield
        except KeyboardInterrupt:
            self._waits = True
            if self.received is not None:
                self._save()
            raise
        finally:
            run_to_end(lambda: _restore(handlers))

    def _handlers(self) -> dict[signal.Signals, Any]:
        """The handlers of the signals as they are."""
        if threading.current_thread() is not threading.main_thread():
            name = threading.current_thread().name
            raise RuntimeError(
                f"InterruptOnSignal works in the main thread alone, where Python runs handlers of signals, got {name!r}: "
                "have the fit in the main thread, or leave the callback out"
            )
        handlers = {number: signal.getsignal(number) for number in self.signals}
        for number, handler in handlers.items():
            if handler is None:
                raise RuntimeError(
                    f"signals must have handlers of Python, which can be put back; that of {number.name} is none"
                )
        return handlers

    def _interrupt(self, handlers: dict[signal.Signals, Any]) -> Callable[[int, Any], None]:
        """The handler during a fit."""
        process = os.getpid()

        def interrupt(number: int, frame: Any) -> None:
            if os.getpid() != process:  # a child that was forked meanwhile, to load data for instance
                signal.signal(number, handlers[signal.Signals(number)])
                signal.raise_signal(number)
            elif not self._waits:
                self.received = signal.Signals(number).name
                raise KeyboardInterrupt(self.received)

        return interrupt

    def _save(self) -> None:
        if self.filepath is not None:
            self.model.save(self.filepath)
        if self.verbose:
            message(f"{self.received}: the fit ends" + (f", saved to {self.filepath}" if self.filepath else ""))


def _signal(value: Any) -> signal.Signals:
    """The signal of a name or a number."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"signals must be names or numbers of signals, got {value!r}")
    for name, one in _SIGNALS.items():
        if value in (name, int(one)):
            return one
    raise unknown("signals", value, _SIGNALS)


def _restore(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
