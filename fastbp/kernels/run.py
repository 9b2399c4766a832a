"""The compiled kernel that trains, measures and predicts: loaded from disk, or compiled in two processes at once."""

from numba.core.registry import cpu_target

from . import functions
from .simd import jit
from .simd.background_compile import another_process
from .simd.jit import kernel
from .step import make_run

SIGNATURE = "void(int64, int64)"

_ready: dict = {}


def run_kernel(dtype, announce=lambda: None):
    """The compiled ``run(plan, thread)`` for "float32" or "float64". It serves every network.

    ``announce()`` is called first where it has to be compiled.
    """
    if dtype not in _ready:  # each network asks for it
        if is_cached(dtype):
            functions.load(dtype)
        else:
            announce()
            with another_process(f"from fastbp.kernels import run; run.compile_only({dtype!r})"):
                functions.load(dtype)
        _ready[dtype] = _run(dtype)
    return _ready[dtype]


def compile_only(dtype):
    """Compile ``run`` for other processes to load. Here it must not be called: it is not linked to the library."""
    functions.promise(dtype)
    _run(dtype)


def _run(dtype):
    return kernel(f"run-{dtype}", SIGNATURE, lambda: make_run(dtype))


def is_cached(dtype):
    """Whether ``run_kernel`` would find all it needs on disk."""
    return functions.is_cached(dtype) and jit.is_cached(f"run-{dtype}", SIGNATURE, cpu_target.target_context.codegen())
