"""The one place that sets compile options, and the on-disk cache of compiled kernels.

Numba's own cache stamps each file with the source of the function itself, so an edit to a callee elsewhere runs old
code, and its index is shared between processes without a lock. Here one file holds one compiled kernel; its name is a
hash of everything that shaped it (all of the package's sources, versions, CPU, signature), it is written aside and then
moved into place, and its content carries its own checksum. A stale, half-written or foreign file is simply not found.
"""

import hashlib
import os
import pickle
import sys
import tempfile
import warnings
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from types import FunctionType

import llvmlite
import numba
from numba import njit, types
from numba.core import compiler, config
from numba.core.caching import NullCache
from numba.core.runtime import rtsys

if getattr(config, "CPU_NAME", None) is not None and getattr(config, "CPU_FEATURES", None) is None:
    # A CPU was asked for by name: Numba would still add the host's features to it.
    vars(config)["CPU_FEATURES"] = ""

_OPTIONS = {"nogil": True, "error_model": "numpy", "boundscheck": False, "fastmath": False}

MAX_CACHE_BYTES = 256 * 1024 * 1024  # of the folder: the kernels of some versions, and the code of thousands of formulas


def cache_directory():
    """Where compiled kernels are kept: NUMBA_CACHE_DIR, or the user's cache folder."""
    if config.CACHE_DIR:
        return Path(config.CACHE_DIR) / "fastbp"
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "fastbp"


def _source_stamp():
    """A hash of all that decides what the compiler is given, the CPU apart."""
    stamp = hashlib.sha256(f"{sys.version} {numba.__version__} {llvmlite.__version__}".encode())
    root = Path(__file__).resolve().parents[2]
    for path in sorted(root.rglob("*.py")):
        stamp.update(str(path.relative_to(root)).encode())
        stamp.update(path.read_bytes())
    return stamp.hexdigest()


_STAMP = _source_stamp()  # taken when the sources are read, so that an edit while we run is not mistaken for them


@lru_cache(maxsize=1)
def _warn_uncached(reason):
    warnings.warn(
        f"fastbp could not keep its compiled kernels ({reason}): every process compiles them anew. "
        "Set NUMBA_CACHE_DIR to a folder that can be written.",
        RuntimeWarning,
        stacklevel=3,
    )


def _file(name, signature, codegen):
    key = repr((name, str(signature), codegen.magic_tuple(), _STAMP))
    return cache_directory() / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.bin"


def read_cached(name, signature, codegen):
    """What ``write_cached`` kept for this source, CPU and signature, or None."""
    try:
        path = _file(name, signature, codegen)
        content = path.read_bytes()
    except (OSError, RuntimeError):
        return None
    with suppress(OSError):  # what is used stays longest
        os.utime(path)
    checksum, payload = content[:32], content[32:]
    return pickle.loads(payload) if hashlib.sha256(payload).digest() == checksum else None


def is_cached(name, signature, codegen):
    """Whether ``write_cached`` has kept something under this name for this source, CPU and signature."""
    try:
        return _file(name, signature, codegen).exists()
    except (OSError, RuntimeError):
        return False


def write_cached(name, signature, codegen, data):
    """Keep compiled code on disk; a warning, once, where that is not possible."""
    payload = pickle.dumps(data, protocol=pickle.HIGHEST_PROTOCOL)
    try:
        path = _file(name, signature, codegen)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(payload).digest() + payload)
        os.replace(temporary, path)
        _make_room(path.parent)
    except (OSError, RuntimeError) as error:
        _warn_uncached(str(error))


def _make_room(folder):
    """Drop what was not used for longest where the folder has grown beyond its limit."""
    files = []
    for entry in os.scandir(folder):
        with suppress(OSError):  # another process may drop files too
            files.append((entry.stat().st_mtime, entry.stat().st_size, entry.path))
    surplus = sum(size for _, size, _ in files) - MAX_CACHE_BYTES
    for _, size, path in sorted(files):
        if surplus <= 0:
            break
        with suppress(OSError):
            os.unlink(path)
        surplus -= size


class _KernelCache(NullCache):
    """Loads and saves one kernel's machine code; Numba's dispatcher asks it before and after compiling."""

    def __init__(self, name):
        self._name = name

    def load_overload(self, signature, target_context):
        # Only what machine code needs at run time. To refresh the context, as Numba's own cache does, imports all that
        # Numba can type (0.3 s), only to load what is typed already.
        rtsys.initialize(target_context)
        data = read_cached(self._name, signature, target_context.codegen())
        return None if data is None else compiler.CompileResult._rebuild(target_context, *data)

    def save_overload(self, signature, data):
        write_cached(self._name, signature, data.codegen, data._reduce())


def inner(tag):
    """Decorate a function that only other kernels call. It is compiled into each of them.

    ``tag`` tells apart the versions of a function that closures make (the element type): code from the cache is linked
    by name, and two versions of one name would be taken for one another.
    """
    return lambda function: _inner(function, tag)


def _inner(function, tag):
    f = function
    function = FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, f.__closure__)  # f stays as it is
    function.__module__, function.__qualname__ = f.__module__, f"{f.__qualname__}_{tag}"
    compiled = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **_OPTIONS)(function)
    # Numba would compile another version for each literal argument.
    template = compiled.get_call_template
    compiled.get_call_template = lambda arguments, named: template([types.unliteral(a) for a in arguments], named)
    return compiled


_kernels: dict = {}


def kernel(name, signature, build):
    """The compiled entry point ``name``: from memory, from disk, or compiled now.

    Parameters
    ----------
    name : str
        What tells this kernel from all others, element type included: "train-float32".
    signature : str
        Numba signature. It is the only one the kernel will ever have.
    build : callable
        Called without arguments when the kernel is first wanted; returns the Python function to compile.
    """
    if name not in _kernels:
        function = build()
        function.__qualname__ = name.replace("-", "_")
        function = njit(**_OPTIONS)(function)
        function._cache = _KernelCache(name)
        function.compile(signature)
        function.disable_compile()
        _kernels[name] = function
    return _kernels[name]


def compilations():
    """How many kernels this process compiled itself, and how many it found on disk: (compiled, loaded)."""
    compiled = sum(sum(f.stats.cache_misses.values()) for f in _kernels.values())
    loaded = sum(sum(f.stats.cache_hits.values()) for f in _kernels.values())
    return compiled, loaded
