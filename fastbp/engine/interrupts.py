"""Ctrl-C may come between any two instructions of Python. What must not be left half done goes through here."""

import sys
import threading
from collections.abc import Callable
from importlib import import_module
from types import ModuleType


def run_to_end(function: Callable[[], None]) -> None:
    """Call a function to its end. It must do no harm when called twice: an interrupt has it called again, and goes on then."""
    try:
        function()
    except KeyboardInterrupt:
        function()
        raise


def import_to_end(name: str) -> ModuleType:
    """Import a module where Ctrl-C does not reach: Numba, once its import was cut short, cannot be imported again."""
    found = sys.modules.get(name)
    if found is not None and not getattr(found.__spec__, "_initializing", False):
        return found
    failed: list[BaseException] = []

    def work() -> None:
        try:
            import_module(name)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work, name=f"import {name}")
    thread.start()
    run_to_end(thread.join)
    if failed:
        raise failed[0]
    return sys.modules[name]
