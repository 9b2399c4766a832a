"""Files that are there as a whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

TEMPORARY = ".fastbp-tmp"  # the end of the name of a file that is being written


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
