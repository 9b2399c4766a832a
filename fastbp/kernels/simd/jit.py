"""The one place that sets compile options."""

from contextlib import contextmanager
from types import FunctionType

from numba import njit, types
from numba.core import compiler, config
from numba.core.caching import NullCache
from numba.core.runtime import rtsys
from numba.extending import intrinsic

from ... import forks
from . import disk_cache

if vars(config).get("DISABLE_JIT"):  # the kernels are nothing without it, and would fail far from the cause
    raise RuntimeError("the kernels need Numba's JIT: unset NUMBA_DISABLE_JIT")

if getattr(config, "CPU_NAME", None) is not None and getattr(config, "CPU_FEATURES", None) is None:
    # A CPU was asked for by name: Numba would still add the host's features to it.
    vars(config)["CPU_FEATURES"] = ""

_OPTIONS = {"nogil": True, "error_model": "numpy", "boundscheck": False, "fastmath": False}


class _KernelCache(NullCache):
    """Loads and saves one kernel's machine code; Numba's dispatcher asks it before and after compiling."""

    def __init__(self, name):
        self._name = name

    def load_overload(self, signature, target_context):
        # Only what machine code needs at run time. To refresh the context, as Numba's own cache does, imports all that
        # Numba can type (0.3 s), only to load what is typed already.
        rtsys.initialize(target_context)
        data = disk_cache.read(self._name, signature, target_context.codegen())
        return None if data is None else compiler.CompileResult._rebuild(target_context, *data)

    def save_overload(self, signature, data):
        disk_cache.write(self._name, signature, data.codegen, data._reduce())


_variant = ""  # of the kernel that is being made


@contextmanager
def variant(name):
    """Functions that are decorated in this block have other names than those of the same code outside of it."""
    global _variant
    before, _variant = _variant, f"_{name}"
    try:
        yield
    finally:
        _variant = before


def inner(tag):
    """Decorate a function that only other kernels call. It is compiled into each of them.

    ``tag`` tells apart the versions of a function that closures make (the element type): code from the cache is linked
    by name, and two versions of one name would be taken for one another.
    """
    return lambda function: _inner(function, tag + _variant)


def _inner(function, tag):
    f = function
    function = FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, f.__closure__)  # f stays as it is
    function.__module__, function.__qualname__ = f.__module__, f"{f.__qualname__}_{tag}"
    compiled = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **_OPTIONS)(function)
    # Numba would compile another version for each literal argument.
    template = compiled.get_call_template
    compiled.get_call_template = lambda arguments, named: template([types.unliteral(a) for a in arguments], named)
    return compiled


@intrinsic
def nothing(typing, *arguments):
    """Do nothing and return 0, whatever is given: in the place of what a kernel is compiled without.

    As an intrinsic it is not compiled anew for the types of each call.
    """
    signature = types.int64(types.StarArgTuple.from_types(arguments))
    return signature, lambda context, builder, signature, values: context.get_constant(types.int64, 0)


_kernels: dict = {}
making = forks.lock()  # held while one is made: other threads that want it wait, and find it


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
    with making:
        if name not in _kernels:
            function = build()
            function.__qualname__ = name.replace("-", "_")
            function = njit(**_OPTIONS)(function)
            function._cache = _KernelCache(name)
            function.compile(signature)
            function.disable_compile()
            _kernels[name] = function
        return _kernels[name]


def is_cached(name, signature, codegen):
    """Whether ``kernel`` would find this one on disk."""
    return disk_cache.contains(name, signature, codegen)


def compilations():
    """How many kernels this process compiled itself, and how many it found on disk: (compiled, loaded)."""
    compiled = sum(sum(f.stats.cache_misses.values()) for f in _kernels.values())
    loaded = sum(sum(f.stats.cache_hits.values()) for f in _kernels.values())
    return compiled, loaded
