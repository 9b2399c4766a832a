"""The error of a formula that cannot be traced: it shows the user's own line and says what to write instead."""

import linecache
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

_PACKAGE = str(Path(__file__).resolve().parents[2])


class TraceError(TypeError):
    """A formula does something that a graph cannot hold.

    The message shows the line of the formula and what to use instead.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.trace(lambda x: x if x > 0 else -x, 1.0)
    Traceback (most recent call last):
    ...
    fastbp.graph.tracing.errors.TraceError: A formula cannot branch on a value that is not known yet...
    """


class MissingAttribute(TraceError, AttributeError):
    """An array's attribute that a node does not have, so that ``hasattr`` is false."""


def trace_error(problem: str, instead: str, formula: Callable[..., Any] | None = None) -> TraceError:
    """A TraceError about the innermost line outside of fastbp and NumPy, or about the first line of ``formula``."""
    code = getattr(formula, "__code__", None)
    if code is None:
        place = _innermost((frame, frame.f_lineno) for frame in _callers(sys._getframe(1)))
    else:
        place = _shown(code.co_filename, code.co_firstlineno, code.co_name)
    return TraceError(f"{problem}\n{place}{instead}")


def missing_attribute(problem: str, instead: str) -> MissingAttribute:
    """The error for ``__getattr__``."""
    return MissingAttribute(*trace_error(problem, instead).args)


def no_arithmetic(operator: str) -> TraceError:
    """The error for arithmetic that NumPy refuses on booleans."""
    return trace_error(
        f"NumPy has no {operator} for conditions.",
        "Use ^ or != and ~ for conditions; fastbp.where(condition, 1.0, 0.0) makes numbers of them.",
    )


def is_about_nodes(error: Exception) -> bool:
    """Whether a function that a formula called failed because it got nodes instead of numbers."""
    if isinstance(error.__cause__ or error.__context__, TraceError) or type(error).__module__.startswith("numba."):
        return True
    if isinstance(error, TypeError) and "ufunc" in str(error):  # on an array of nodes
        return True
    return isinstance(error, TypeError | ValueError | AttributeError) and "Node" in str(error)


def call_error(error: Exception) -> TraceError:
    """A TraceError about the formula's line that called a function which cannot take nodes."""
    if type(error).__module__.startswith("numba."):
        said, instead = "It calls a function compiled by Numba.", "Call the Python function that it was made from: f.py_func."
    else:
        said = str(error)
        instead = (
            "Use operators, and functions of fastbp or NumPy: np.exp(x), np.logaddexp.reduce(x) for scipy's logsumexp, ..."
        )
    frames = reversed(list(traceback.walk_tb(error.__traceback__)))
    return TraceError(f"A formula does what cannot be traced. {said}\n{_innermost(frames)}{instead}")


def _callers(frame: FrameType | None) -> Iterable[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _innermost(frames: Iterable[tuple[FrameType, int]]) -> str:
    """The first line that is the user's."""
    for frame, line in frames:
        code = frame.f_code
        if not code.co_filename.startswith((_PACKAGE, "<__array_function__")) and "site-packages" not in code.co_filename:
            return _shown(code.co_filename, line, code.co_name)
    return ""


def _shown(file: str, number: int, function: str) -> str:
    line = linecache.getline(file, number).strip()
    return f'  File "{file}", line {number}, in {function}\n' + (f"    {line}\n" if line else "")
