"""The error of a formula that cannot be traced: it shows the user's own line and says what to write instead."""

import linecache
import sys
from pathlib import Path

_PACKAGE = str(Path(__file__).resolve().parent.parent)


class TraceError(TypeError):
    """A formula does something that a graph cannot hold.

    The message shows the line of the formula and what to use instead.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.trace(lambda x: x if x > 0 else -x, 1.0)
    Traceback (most recent call last):
    ...
    fastbp.graph.errors.TraceError: A formula cannot branch on a value that is not known yet...
    """


def trace_error(problem: str, instead: str) -> TraceError:
    """A TraceError about the innermost line that is neither ours nor NumPy's."""
    return TraceError(f"{problem}\n{_user_line()}{instead}")


def _user_line() -> str:
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith((_PACKAGE, "<__array_function__")) and f"{'site-packages'}" not in name:
            break
        if frame.f_back is None:
            return ""
        frame = frame.f_back
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    where = f'  File "{frame.f_code.co_filename}", line {frame.f_lineno}, in {frame.f_code.co_name}\n'
    return where + (f"    {line}\n" if line else "")
