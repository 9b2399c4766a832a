"""All ways, and what they leave behind them in the process."""

import sys
import types

import ways_of_classes  # noqa: F401
import ways_of_containers  # noqa: F401
import ways_of_functions  # noqa: F401
import ways_of_objects  # noqa: F401
from ways import WAYS

__all__ = ["WAYS", "clean_up"]


def clean_up(monkeypatch):
    """An environment variable and a module that ways make: gone after the test."""
    monkeypatch.setenv("SURROUNDINGS_K", "0.0")
    monkeypatch.setitem(sys.modules, "surroundings_settings", types.ModuleType("surroundings_settings"))
