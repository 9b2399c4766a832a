"""Ctrl-C may come between any two instructions of Python. What keeps records in step goes through ``run_to_end``."""

from collections.abc import Callable


def run_to_end(function: Callable[[], None]) -> None:
    """Call a function to its end. It must do no harm when called twice: an interrupt has it called again, and goes on then."""
    try:
        function()
    except KeyboardInterrupt:
        function()
        raise
