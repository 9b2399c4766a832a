"""Compiled code on disk, for the next process.

Numba's own cache stamps each file with the source of the function itself, so an edit to a callee elsewhere runs old
code, and its index is shared between processes without a lock. Here one file holds one compiled thing; its name is a
hash of everything that shaped it (sources, versions, CPU, signature), it is written aside and then moved into place, and
its content carries its own checksum. A stale, half-written or foreign file is simply not found.

What is read is executed, so nothing is read that anybody but the user can have written: the folder and each file must
belong to the user, and nobody else may write to them. Folders above are not looked at. Who may write there can put another
folder in place of ours, but cannot make it, or a file in it, belong to the user.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import tempfile
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from numba.core import config

from .sources import KERNELS, Sources

MAX_CACHE_BYTES = 256 * 1024 * 1024  # of the folder: the kernels of some versions, and the code of thousands of formulas
ABANDONED = 3600.0  # seconds after which nobody is still writing a file
_GROUP_OR_OTHERS_WRITE = 0o022
_DIGEST_BYTES = hashlib.sha256().digest_size


def directory() -> Path:
    """Where compiled code is kept: NUMBA_CACHE_DIR, or the user's cache folder."""
    chosen = vars(config)["CACHE_DIR"]
    if chosen:
        return Path(chosen) / "fastbp"
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "fastbp"


def read(name: str, signature: str, codegen: Any, sources: Sources = KERNELS) -> Any:
    """What ``write`` kept for these sources, CPU and signature, or None."""
    try:
        path = _file(name, signature, codegen, sources)
        if not _is_private(path.parent, os.stat(path.parent)):
            return None
        with open(path, "rb") as file:
            if not _is_private(path, os.fstat(file.fileno())):  # of the very file that is read
                return None
            content = file.read()
    except (OSError, RuntimeError):
        return None
    with suppress(OSError):  # what is used stays longest
        os.utime(path)
    payload = content[_DIGEST_BYTES:]
    return pickle.loads(payload) if content[:_DIGEST_BYTES] == _digest(path, payload) else None


def contains(name: str, signature: str, codegen: Any, sources: Sources = KERNELS) -> bool:
    """Whether there is a file for ``read`` to read."""
    try:
        path = _file(name, signature, codegen, sources)
        return _is_private(path.parent, os.stat(path.parent)) and _is_private(path, os.stat(path))
    except (OSError, RuntimeError):
        return False


def write(name: str, signature: str, codegen: Any, data: Any, sources: Sources = KERNELS) -> None:
    """Keep compiled code on disk; a warning, once, where that is not possible."""
    payload = pickle.dumps(data, protocol=pickle.HIGHEST_PROTOCOL)
    try:
        if not sources.are_unchanged():
            return  # the code may be of some files as they were and of others as they are
        path = _file(name, signature, codegen, sources)
        path.parent.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if _is_private(path.parent, os.stat(path.parent)):
            _put(path, _digest(path, payload) + payload)
            _make_room(path.parent)
    except (OSError, RuntimeError) as error:
        _warn_once(
            "uncached",
            f"fastbp could not keep its compiled kernels ({error}): every process compiles them anew. "
            "Set NUMBA_CACHE_DIR to a folder that can be written.",
        )


def is_writable() -> bool:
    """Whether ``write`` is likely to keep what it is given."""
    try:
        folder = directory()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.access(folder, os.W_OK) and _is_private(folder, os.stat(folder))
    except (OSError, RuntimeError):
        return False


def _file(name: str, signature: str, codegen: Any, sources: Sources) -> Path:
    if not sources.stamp:
        raise RuntimeError("the package's sources cannot be read")
    key = repr((name, str(signature), codegen.magic_tuple(), sources.stamp))
    return directory() / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.bin"


def _digest(path: Path, payload: bytes) -> bytes:
    """The checksum of a file's content; with its name, so that a file under another's name is not taken for that."""
    return hashlib.sha256(path.name.encode() + payload).digest()


def _is_private(path: Path, status: os.stat_result) -> bool:
    """Whether a folder or file is the user's and nobody else may write to it; if not, a warning, once."""
    if not hasattr(os, "geteuid"):
        return True  # Windows keeps a user's folders from others by itself
    if status.st_uid == os.geteuid() and not status.st_mode & _GROUP_OR_OTHERS_WRITE:
        return True
    why = "belongs to somebody else" if status.st_uid != os.geteuid() else "can be written by others (see chmod go-w)"
    _warn_once(
        "unsafe",
        f"fastbp does not use compiled kernels from {str(path)!r}: it {why}, and what is loaded from there is executed. "
        "Remove it, or set NUMBA_CACHE_DIR to a folder of your own.",
    )
    return False


_warned: set[str] = set()


def _warn_once(kind: str, message: str) -> None:
    if kind not in _warned:
        _warned.add(kind)
        with suppress(ValueError):  # standard error is closed
            warnings.warn(message, RuntimeWarning, stacklevel=4)


def _put(path: Path, content: bytes) -> None:
    """Write a file as a whole: nobody sees a part of it, whenever this process dies."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _make_room(folder: Path) -> None:
    """Drop what dead processes left behind, and what was not used for longest where the folder has outgrown its limit."""
    total, entries = 0, []
    for entry in os.scandir(folder):
        with suppress(OSError):  # another process may drop files too
            if not entry.is_file(follow_symlinks=False):
                continue
            status = entry.stat(follow_symlinks=False)
            if entry.name.endswith(".tmp") and time.time() - status.st_mtime > ABANDONED:
                os.unlink(entry.path)
                continue
            total += status.st_size
            if entry.name.endswith(".bin"):
                entries.append((status.st_mtime, status.st_size, entry.path))
    for _, size, path in sorted(entries):
        if total <= MAX_CACHE_BYTES:
            break
        with suppress(OSError):
            os.unlink(path)
        total -= size
