"""The bar of ``fit`` in a notebook: HTML that is replaced in its place, which needs no widgets and stays in a kept notebook."""

import time
from contextlib import suppress
from html import escape
from typing import Any


class NotebookBar:
    """An output of the cell that is drawn over and over.

    Parameters
    ----------
    epochs, initial_epoch : int
        As ``fit``'s.
    what : str
        What is counted.
    """

    def __init__(self, epochs: int, initial_epoch: int, what: str = "Epoch") -> None:
        self._epochs, self._first, self._epoch = epochs, initial_epoch, initial_epoch
        self._what = what
        self._started = time.perf_counter()
        self._handle: Any = None
        self._show("")

    def starts(self) -> None:
        """Estimate the time left from that of the epochs, which begin now."""
        self._started = time.perf_counter()

    def tell(self, text: str) -> None:
        """A text beside the bar."""
        self._show(text)

    def draw(self, epoch: int, logs: str, rate: str) -> None:
        """Show an epoch, counted from 1."""
        self._epoch = epoch
        elapsed = time.perf_counter() - self._started
        left = elapsed / max(epoch - self._first, 1) * (self._epochs - epoch)
        texts = f"{self._what} {epoch}/{self._epochs}", f"[{clock(elapsed)}<{clock(left)}]", rate, logs
        self._show(" - ".join(text for text in texts if text))

    def close(self) -> None:
        """What has been shown last stays."""

    def _show(self, text: str) -> None:
        done = f'<progress value="{self._epoch - self._first}" max="{self._epochs - self._first}"></progress>'
        html = f'<div style="font-family: monospace">{done} {escape(text)}</div>'
        content = {"text/plain": text, "text/html": html}
        with suppress(Exception):  # what is only shown stops nothing
            from IPython.display import display

            if self._handle is None:
                self._handle = display(content, raw=True, display_id=True)
            else:
                self._handle.update(content, raw=True)


def clock(seconds: float) -> str:
    """Seconds as a clock shows them.

    >>> clock(0.4), clock(75), clock(3675)
    ('00:00', '01:15', '1:01:15')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"
