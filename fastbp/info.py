"""What fastbp finds on this machine: ``python -m fastbp info``."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from . import __version__
from .engine.threads import available_cpus, get_num_threads

FEATURES = ("sse2", "avx", "avx2", "fma", "avx512f", "neon", "sve")  # that decide how kernels are written
THREAD_VARIABLES = ("FASTBP_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
EXTRAS = ("scipy", "scikit-learn", "matplotlib", "pandas")


def cpu_name() -> str:
    """The model name of the processor.

    Examples
    --------
    >>> from fastbp.info import cpu_name
    >>> len(cpu_name()) > 0
    True
    """
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or "unknown"


def info() -> dict[str, str]:
    """Versions, processor, vector width, tiles, threads and the cache of compiled kernels, as text by name.

    Returns
    -------
    dict
        In the order in which ``python -m fastbp info`` prints it.

    Raises
    ------
    ValueError
        If FASTBP_NUM_THREADS is no number of at least 1.

    Examples
    --------
    >>> from fastbp.info import info
    >>> list(info())[:3]
    ['fastbp', 'python', 'packages']
    """
    import llvmlite.binding as llvm

    from .kernels.matrix.tile import tile_heights
    from .kernels.simd.machine import machine

    cpu = machine()
    host = llvm.get_host_cpu_features()
    asked = f", compiling for {name}" if (name := os.environ.get("NUMBA_CPU_NAME")) else ""
    wanted = ", ".join(f"{name} {text}" for name in THREAD_VARIABLES if (text := os.environ.get(name, "").strip()))
    llvm_version = ".".join(map(str, llvm.llvm_version_info))
    return {
        "fastbp": f"{__version__} in {Path(__file__).resolve().parent}",
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()} ({sys.executable})",
        "packages": f"{_versions(('numpy', 'numba', 'llvmlite', 'tqdm'))}, LLVM {llvm_version}",
        "extras": _versions(EXTRAS) or "none",
        "processor": f"{cpu_name()} ({llvm.get_host_cpu_name()}){asked}",
        "features": " ".join(name for name in FEATURES if host.get(name)) or "none",
        "vectors": f"{cpu.vector_bytes} bytes: {cpu.lanes('float32')} float32 or {cpu.lanes('float64')} float64",
        "registers": f"{cpu.registers}, multiply-add {'fused' if cpu.fma else 'in two instructions'}",
        "tiles": ", ".join(f"{tall} x {vectors}" for vectors, (_, tall) in tile_heights().items()) + " (rows x vectors)",
        "threads": f"up to {get_num_threads()}, of {available_cpus()} processors ({wanted or 'FASTBP_NUM_THREADS not set'})",
        "cache": _cache_text(),
    }


def _versions(names: tuple[str, ...]) -> str:
    found = []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _cache_text() -> str:
    """The folder of compiled kernels, and whether it holds those that this version needs."""
    from .kernels.simd.disk_cache import directory

    try:
        from .kernels.run import is_cached

        state = [f"{dtype} {'warm' if is_cached(dtype) else 'cold'}" for dtype in ("float32", "float64")]
        return f"{directory()}: {', '.join(state)}"
    except RuntimeError as error:  # no JIT, or no home folder
        return f"none: {error}"


def info_lines() -> list[str]:
    """``info()`` as aligned lines."""
    return [f"{name:<11}{text}" for name, text in info().items()]
