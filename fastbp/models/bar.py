"""The bar of ``fit`` in a terminal: tqdm's, which takes a while to import, for those who want to see one."""

import threading
from typing import Any

from tqdm import tqdm
from tqdm.std import TqdmDefaultWriteLock

from ..forks import at_fork

LAYOUT = "{desc}{percentage:3.0f}%|{bar:12}| [{elapsed}<{remaining}]{postfix}"


class _Bar(tqdm):  # type: ignore[type-arg]
    """A bar that is redrawn when told to, so that no thread has to look after it."""

    monitor_interval = 0


class TerminalBar:
    """One line that is drawn over and over.

    Parameters
    ----------
    stream : file object
    epochs, initial_epoch : int
        As ``fit``'s.
    what : str
        What is counted.
    """

    def __init__(self, stream: Any, epochs: int, initial_epoch: int, what: str = "Epoch") -> None:
        self._epochs, self._what = epochs, what
        self._bar = _Bar(total=epochs, initial=initial_epoch, bar_format=LAYOUT, file=stream, dynamic_ncols=True)

    def starts(self) -> None:
        """Estimate the time left from that of the epochs, which begin now."""
        self._bar.unpause()

    def tell(self, text: str) -> None:
        """A text in front of the bar."""
        self._bar.set_description_str(f"{text} ", refresh=True)

    def draw(self, epoch: int, logs: str, rate: str) -> None:
        """Show an epoch, counted from 1. Metrics come last: a narrow terminal cuts the line's end."""
        self._bar.n = epoch
        self._bar.set_description_str(f"{self._what} {epoch}/{self._epochs} ", refresh=False)
        self._bar.set_postfix_str(f"{rate} - {logs}" if rate else logs, refresh=True)

    def close(self) -> None:
        """End the line."""
        self._bar.close()


def _renew_lock() -> None:
    """Another thread of the parent may have been drawing."""
    if isinstance(tqdm.get_lock(), TqdmDefaultWriteLock):
        TqdmDefaultWriteLock.th_lock = threading.RLock()
        tqdm.set_lock(TqdmDefaultWriteLock())


at_fork(after_in_child=_renew_lock)
