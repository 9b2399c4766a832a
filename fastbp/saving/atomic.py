"""Files that are there as a whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

TEMPORARY = ".fastbp-tmp"  # the end of the name of a file that is being written


def writable_path(argument: str, path: Any, overwrite: bool = True) -> str:
    """Where a file may be written, or the error for a path where none can be."""
    try:
        name = os.fsdecode(os.fspath(path))
    except TypeError:
        raise TypeError(f"{argument} must be a path, as a string or a pathlib.Path, got {path!r}") from None
    if not name or os.path.isdir(name) or name.endswith(("/", os.sep)):
        raise IsADirectoryError(f"{argument} must be the path of a file, as 'model.keras', got the folder {name!r}")
    folder = os.path.dirname(name)
    if folder and not os.path.isdir(folder):
        raise FileNotFoundError(f"{argument} must lie in a folder that is there, got {name!r}: os.makedirs({folder!r}) makes it")
    if not overwrite and os.path.exists(name):
        raise FileExistsError(f"{argument} must be a new file with overwrite=False, got {name!r}, which is there already")
    return name


@contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """A new file to write, which takes the place of ``path`` once all of it is on the disk.

    Whatever happens on the way, whoever reads ``path`` finds the file from before or the new one, and where an error ends
    the writing nothing else is left behind.
    """
    target = os.path.realpath(path)  # a link stays one
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name[:100]}.{os.getpid()}.{secrets.token_hex(4)}{TEMPORARY}")
    try:
        with open(temporary, "xb", buffering=0) as file:
            yield file
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _keep_name(folder)


def _keep_name(folder: str) -> None:
    """Have the folder on the disk too, where the system can do that: else a power cut may bring the old file back."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_unfinished(folder: str) -> None:
    """Remove what processes that were killed have left of files they were writing."""
    for entry in os.scandir(folder):
        if entry.name.endswith(TEMPORARY) and entry.is_file(follow_symlinks=False):
            with suppress(OSError):
                os.unlink(entry.path)
