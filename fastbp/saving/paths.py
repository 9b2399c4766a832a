"""Paths that a user gives."""

import os
from typing import Any


def readable_path(argument: str, path: Any) -> str:
    """The path of a file to read, or the error for what is none."""
    name = path_name(argument, path)
    if not os.path.lexists(name):
        raise FileNotFoundError(f"{argument} must be a file that is there, got {name!r}")
    return name


def writable_path(argument: str, path: Any, overwrite: bool = True) -> str:
    """The path of a file that may be written, or the error for one where none can be."""
    name = path_name(argument, path)
    if not name or os.path.isdir(name) or name.endswith(("/", os.sep)):
        raise IsADirectoryError(f"{argument} must be the path of a file, got the folder {name!r}")
    folder = os.path.dirname(name)
    if folder and not os.path.isdir(folder):
        raise FileNotFoundError(f"{argument} must lie in a folder that is there, got {name!r}: make {folder!r} first")
    if not overwrite and os.path.exists(name):
        raise FileExistsError(f"{argument} must be a new file with overwrite=False, got {name!r}, which is there already")
    return name


def path_name(argument: str, path: Any) -> str:
    """A path as a string."""
    try:
        return os.fsdecode(os.fspath(path))
    except TypeError:
        raise TypeError(f"{argument} must be a path, as a string or a pathlib.Path, got {path!r}") from None
