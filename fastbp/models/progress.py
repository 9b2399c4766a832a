"""What ``fit`` shows while it runs: a bar, a line for each epoch, or nothing.

A bar is drawn over and over in the same place. Where there is no such place, as in a log file, some epochs get a line instead.

What is only shown stops nothing: there may be no stream (``pythonw``, services), or one that is closed or full.
"""

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol

REDRAW_SECONDS = 0.1  # small networks finish thousands of epochs a second: drawing each would cost more than the epoch
LOG_SECONDS, LOG_SHARE = 1.0, 0.05  # between two lines of a log at least: so long, and that part of the time so far
COMPILING = "Compiling (once per machine)"


def format_logs(logs: Mapping[str, float]) -> str:
    """Losses and metrics in Keras's manner."""
    return " - ".join(f"{name}: {value:.4g}" for name, value in logs.items())


def format_rate(samples_per_second: float) -> str:
    """Samples per second with three digits.

    >>> format_rate(1234567.0)
    '1.23M samples/s'
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if samples_per_second >= size:
            return f"{samples_per_second / size:.3g}{letter} samples/s"
    return f"{samples_per_second:.3g} samples/s"


def show(line: str) -> None:
    """Print a line, as far as that is possible."""
    _Stream(sys.stdout).write(f"{line}\n")


class _Stream:
    """A stream to show text on. What it does not take is lost."""

    def __init__(self, stream: Any) -> None:
        self._stream, self.encoding = stream, getattr(stream, "encoding", None)

    def write(self, text: str) -> None:
        with suppress(Exception):
            try:
                self._stream.write(text)
            except UnicodeEncodeError:
                self._stream.write(text.encode("ascii", "backslashreplace").decode())
            self._stream.flush()

    def flush(self) -> None:
        """Each text is flushed as it is written."""

    def is_terminal(self) -> bool:
        """Whether what is written can be written over."""
        with suppress(Exception):
            return bool(self._stream.isatty())
        return False

    def fileno(self) -> int:
        """By which tqdm asks how wide a terminal is."""
        number: int = self._stream.fileno()
        return number


class Runs(Protocol):
    """What can be made ready to run; it calls ``announce()`` before it compiles."""

    def prepare(self, announce: Callable[[], None]) -> None: ...


class Display(Protocol):
    """Something that shows how far a fit is."""

    def starts(self) -> None:
        """Called before the first epoch, when all is compiled."""

    def tell(self, text: str) -> None:
        """Show what is going on before the first epoch."""

    def draw(self, epoch: int, logs: str, rate: str) -> None:
        """Show the epoch that has ended last, counted from 1: losses and metrics, and the samples a second if known."""

    def close(self) -> None:
        """Leave what has been shown last."""


class Log:
    """A display for streams that keep what is written: a line now and then, ever more rarely, and one for the last epoch."""

    def __init__(self, stream: _Stream, epochs: int, what: str = "Epoch") -> None:
        self._stream, self._epochs, self._what = stream, epochs, what
        self._last = ""
        self._started = self._shown = time.perf_counter()

    def starts(self) -> None:
        """Count the time from here."""
        self._started = self._shown = time.perf_counter()

    def tell(self, text: str) -> None:
        """A line of its own."""
        self._stream.write(f"{text}\n")

    def draw(self, epoch: int, logs: str, rate: str) -> None:
        """Show the epoch if the last one was shown long enough ago."""
        self._last, now = f"{joined(f'{self._what} {epoch}/{self._epochs}', logs, rate)}\n", time.perf_counter()
        if now - self._shown > max(LOG_SECONDS, LOG_SHARE * (now - self._started)):
            self._write(now)

    def close(self) -> None:
        """Show the last epoch unless it has been."""
        if self._last:
            self._write(self._shown)

    def _write(self, now: float) -> None:
        self._stream.write(self._last)
        self._last, self._shown = "", now


def choose_display(epochs: int, initial_epoch: int, what: str = "Epoch") -> Display | None:
    """A bar in a notebook or a terminal, lines in a log, nothing where there is no stream; ``what`` is counted."""
    if in_notebook():
        from .notebook_bar import NotebookBar

        return NotebookBar(epochs, initial_epoch, what)
    if sys.stderr is None:
        return None
    stream = _Stream(sys.stderr)
    if not stream.is_terminal():
        return Log(stream, epochs, what)
    from .bar import TerminalBar

    return TerminalBar(stream, epochs, initial_epoch, what)


def in_notebook() -> bool:
    """Whether the output goes to a notebook, or another front end of Jupyter."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return getattr(shell, "kernel", None) is not None


class Progress:
    """Shows epochs as they end.

    Parameters
    ----------
    verbose : int
        0 nothing, 1 a bar, 2 a line for each epoch.
    epochs, initial_epoch : int
        As ``fit``'s.
    """

    def __init__(self, verbose: int, epochs: int, initial_epoch: int) -> None:
        self.verbose, self.epochs, self.initial_epoch = verbose, epochs, initial_epoch
        self._display: Display | None = None
        self._drawn = self._started = 0.0
        self._last: tuple[int, Mapping[str, float], float] | None = None

    def __enter__(self) -> "Progress":
        self._started = time.perf_counter()
        if self.verbose == 1 and self.epochs > self.initial_epoch:
            self._display = choose_display(self.epochs, self.initial_epoch)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._display is not None:
            self._draw()
            self._display.close()

    def prepare(self, runs: Runs) -> None:
        """Have what runs the epochs made ready, and tell when that means to compile."""
        if self.epochs > self.initial_epoch:
            runs.prepare(self._compiling)
            self._started = time.perf_counter()
            if self._display is not None:
                self._display.starts()

    def _compiling(self) -> None:
        if self.verbose == 2:
            show(COMPILING)
        elif self._display is not None:
            self._display.tell(COMPILING)

    def epoch_ended(self, epoch: int, logs: Mapping[str, float], samples_per_second: float) -> None:
        """Show an epoch (counted from 0) if the last one was shown long enough ago."""
        if not self.verbose:
            return
        self._last, now = (epoch, logs, samples_per_second), time.perf_counter()
        if self.verbose == 2:
            seconds, self._started = now - self._started, now
            show(joined(f"Epoch {epoch + 1}/{self.epochs}", f"{seconds:.3f}s", *_texts(logs, samples_per_second)))
        elif now - self._drawn > REDRAW_SECONDS:
            self._draw()
            self._drawn = now

    def _draw(self) -> None:
        if self._last is not None and self._display is not None:
            epoch, logs, samples_per_second = self._last
            self._display.draw(epoch + 1, *_texts(logs, samples_per_second))


def _texts(logs: Mapping[str, float], samples_per_second: float) -> tuple[str, str]:
    """Losses and metrics, and the samples a second, where somebody has measured them."""
    return format_logs(logs), format_rate(samples_per_second) if samples_per_second > 0 else ""


def joined(*texts: str) -> str:
    """Texts in a line, without those that are empty."""
    return " - ".join(text for text in texts if text)
