"""What ``fit`` shows while it runs: a bar, a line for each epoch, or nothing."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

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
        if self.verbose == 1 and self.epochs > self.initial_epoch:
            from tqdm import tqdm  # takes a while to import, and only bars need it

            layout = "{desc}{percentage:3.0f}%|{bar:20}| [{elapsed}<{remaining}]{postfix}"
            self._bar = tqdm(total=self.epochs, initial=self.initial_epoch, bar_format=layout, dynamic_ncols=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._bar is not None:
            self._draw()
            self._bar.close()

    def epoch_ended(self, epoch: int, logs: Mapping[str, float], samples_per_second: float) -> None:
        """Take note of an epoch (counted from 0) and show it where it is time to."""
        if not self.verbose:
            return
        self._last, now = (epoch, logs, samples_per_second), time.perf_counter()
        if self.verbose == 2:
            seconds, self._started = now - self._started, now
            rate = format_rate(samples_per_second)
            print(f"Epoch {epoch + 1}/{self.epochs} - {seconds:.3f}s - {format_logs(logs)} - {rate}", flush=True)
        elif now - self._drawn > REDRAW_SECONDS:
            self._draw()
            self._drawn = now

    def _draw(self) -> None:
        if self._last is None:
            return
        epoch, logs, samples_per_second = self._last
        self._bar.n = epoch + 1
        self._bar.set_description_str(f"Epoch {epoch + 1}/{self.epochs} ", refresh=False)
        self._bar.set_postfix_str(f"{format_logs(logs)} - {format_rate(samples_per_second)}", refresh=True)
