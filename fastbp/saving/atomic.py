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
    except BaseException as error:
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.filename in (None, temporary):
            error.filename = path  # the name that the user knows
        raise
    _keep_name(folder)


def write_all(file: BinaryIO, chunk: bytes | memoryview) -> None:
    """Write to a file without a buffer, which may take a part at a time."""
    rest = memoryview(chunk)
    while len(rest):
        rest = rest[file.write(rest) :]


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
