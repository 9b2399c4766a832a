"""What ``fit`` shows while it runs: a bar, a line for each epoch, or nothing.

What is only shown stops nothing: there may be no stream (``pythonw``, services), or one that is closed or full.
"""

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol

REDRAW_SECONDS = 0.1  # small networks finish thousands of epochs a second: drawing each would cost more than the epoch


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

    def fileno(self) -> int:
        """By which tqdm asks how wide a terminal is."""
        number: int = self._stream.fileno()
        return number


class Runs(Protocol):
    """What can be made ready to run; it calls ``announce()`` before it compiles."""

    def prepare(self, announce: Callable[[], None]) -> None: ...


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
        self._bar: Any = None
        self._drawn = self._started = 0.0
        self._last: tuple[int, Mapping[str, float], float] | None = None

    def __enter__(self) -> "Progress":
        self._started = time.perf_counter()
        if self.verbose == 1 and self.epochs > self.initial_epoch and sys.stderr is not None:
            from .bar import LAYOUT, Bar

            arguments = {"total": self.epochs, "initial": self.initial_epoch, "bar_format": LAYOUT}
            self._bar = Bar(**arguments, file=_Stream(sys.stderr), dynamic_ncols=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._bar is not None:
            self._draw()
            self._bar.close()

    def prepare(self, runs: Runs) -> None:
        """Have what runs the epochs made ready, and tell when that means to compile."""
        if self.epochs > self.initial_epoch:
            runs.prepare(self._compiling)
            self._started = time.perf_counter()
            if self._bar is not None:
                self._bar.unpause()  # it estimates the time left from that of the epochs so far

    def _compiling(self) -> None:
        if self.verbose == 2:
            show("Compiling (once per machine)")
        elif self._bar is not None:
            self._bar.set_description_str("Compiling (once per machine) ", refresh=True)

    def epoch_ended(self, epoch: int, logs: Mapping[str, float], samples_per_second: float) -> None:
        """Show an epoch (counted from 0) if the last one was shown long enough ago."""
        if not self.verbose:
            return
        self._last, now = (epoch, logs, samples_per_second), time.perf_counter()
        if self.verbose == 2:
            seconds, self._started = now - self._started, now
            rate = format_rate(samples_per_second)
            show(f"Epoch {epoch + 1}/{self.epochs} - {seconds:.3f}s - {format_logs(logs)} - {rate}")
        elif now - self._drawn > REDRAW_SECONDS:
            self._draw()
            self._drawn = now

    def _draw(self) -> None:
        if self._last is None or self._bar is None:
            return
        epoch, logs, samples_per_second = self._last
        self._bar.n = epoch + 1
        self._bar.set_description_str(f"Epoch {epoch + 1}/{self.epochs} ", refresh=False)
        self._bar.set_postfix_str(f"{format_logs(logs)} - {format_rate(samples_per_second)}", refresh=True)
