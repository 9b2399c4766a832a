"""Packages that are needed for some files alone."""

from importlib import import_module
from typing import Any


def needed(package: str, what: str) -> Any:
    """A package, or the error that says how to install it."""
    try:
        return import_module(package)
    except ImportError as error:
        raise ImportError(f"{what} needs {package}: install it, as by pip install {package}") from error
