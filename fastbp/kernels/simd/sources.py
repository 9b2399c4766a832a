"""The sources that machine code is made from, told apart by a hash of their content and of the compiler's versions."""

from __future__ import annotations

import hashlib
import os
import sys

import llvmlite
import numba

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_VERSIONS = f"{sys.version} {numba.__version__} {llvmlite.__version__}"


class Sources:
    """All Python files below some folders of the package.

    Make one while the modules themselves are being imported: the stamp must be that of what runs, and a file that somebody
    edits later is not. To hash at first need would spare an import one millisecond and take such an edit for what was imported.

    Parameters
    ----------
    folders : str
        Relative to the package's own.
    beside : Sources, optional
        Others that shape the same code.

    Attributes
    ----------
    stamp : str
        Of the files as they were when this object was made; empty where there are none to be read, as in a zip file.
    """

    def __init__(self, *folders: str, beside: Sources | None = None) -> None:
        self._folders, self._beside = folders, beside
        self.stamp = self._hash()

    def are_unchanged(self) -> bool:
        """Whether the files still are what they were: some modules are imported only when they are wanted."""
        return self._hash() == self.stamp and (self._beside is None or self._beside.are_unchanged())

    def _hash(self) -> str:
        stamp = hashlib.sha256((self._beside.stamp if self._beside else _VERSIONS).encode())
        paths = [path for folder in self._folders for path in _python_files(os.path.join(_ROOT, folder))]
        for path in paths:
            stamp.update(f"\0{path[len(_ROOT) :]}\0".encode())
            with open(path, "rb", buffering=0) as file:
                stamp.update(file.read())
        return stamp.hexdigest() if paths else ""


def _python_files(folder: str) -> list[str]:
    """In an order that does not depend on the file system; compiled ones where a package comes without its sources."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        found += [os.path.join(parent, name) for name in names if name.endswith((".py", ".pyc"))]
    return sorted(found)


KERNELS = Sources("kernels")
