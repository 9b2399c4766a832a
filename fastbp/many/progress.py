"""One bar for many models."""

import time
from types import TracebackType
from typing import Any

from ..models.progress import REDRAW_SECONDS, Display, choose_display, format_logs, joined, show
from .member import Member


class ManyProgress:
    """Shows models as their training ends.

    Parameters
    ----------
    verbose : int
        0 nothing, 1 a bar, 2 a line for each model.
    count : int
        How many there are.
    """

    def __init__(self, verbose: int, count: int) -> None:
        self._verbose, self._count, self._done = verbose, count, 0
        self._display: Display | None = None
        self._drawn = 0.0
        self._text = ""

    def __enter__(self) -> "ManyProgress":
        if self._verbose == 1 and self._count:
            self._display = choose_display(self._count, 0, "Model")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._display is not None:
            if self._done:
                self._display.draw(self._done, self._text, "")
            self._display.close()

    def ended(self, member: Member) -> None:
        """Show that one more has ended, if the last time is long enough ago."""
        self._done += 1
        if not self._verbose:
            return
        self._text, now = _outcome(member), time.perf_counter()
        if self._verbose == 2:
            show(joined(f"Model {self._done}/{self._count}", member.model.name, f"{member.seconds:.3f}s", self._text))
        elif self._display is not None and now - self._drawn > REDRAW_SECONDS:
            self._display.draw(self._done, self._text, "")
            self._drawn = now


def _outcome(member: Member) -> str:
    if member.error is not None:
        return type(member.error).__name__
    last: dict[str, Any] = {name: values[-1] for name, values in member.history.history.items() if values}
    return format_logs(last)
