"""The compiled kernels that train, measure and predict: loaded from disk, or compiled by two other processes at once.

There are two for each element type. One serves most networks; the other, which takes longer to compile, is full: it has what
only some of them need besides.
"""

from numba.core.registry import cpu_target

from . import functions
from .simd import jit
from .simd.background_compile import compile_once
from .simd.jit import kernel, making, variant
from .step import make_run

SIGNATURE = "void(int64, int64)"

_ready: dict = {}


def run_kernel(dtype, announce=lambda: None, full=False):
    """The compiled ``run(plan, thread)`` for "float32" or "float64".

    ``announce()`` is called first where it has to be compiled.
    """
    if (dtype, full) not in _ready:  # each network asks for it
        with making:
            if (dtype, full) not in _ready:
                _make_ready(dtype, full, announce)
    return _ready[dtype, full]


def _make_ready(dtype, full, announce):
    if not is_cached(dtype, full):
        announce()
        library = f"from fastbp.kernels import functions; functions.load({dtype!r}, {full})"
        run = f"from fastbp.kernels import run; run.compile_only({dtype!r}, {full})"
        compile_once(lambda: is_cached(dtype, full), lambda: _load(dtype, full), library, run)
    _ready[dtype, full] = _load(dtype, full)


def _load(dtype, full):
    functions.load(dtype, full)
    return _run(dtype, full)


def compile_only(dtype, full):
    """Compile ``run`` for other processes to load. Here it must not be called: it is not linked to the library."""
    functions.promise(dtype, full)
    _run(dtype, full)


def _name(dtype, full):
    return f"run-{dtype}-full" if full else f"run-{dtype}"


def _run(dtype, full):
    def build():
        if not full:
            return make_run(dtype, False)
        with variant("full"):  # code is linked by name, and some functions differ
            return make_run(dtype, True)

    return kernel(_name(dtype, full), SIGNATURE, build)


def is_cached(dtype, full=False):
    """Whether ``run_kernel`` would find all it needs on disk."""
    code = cpu_target.target_context.codegen()
    return functions.is_cached(dtype, full) and jit.is_cached(_name(dtype, full), SIGNATURE, code)
