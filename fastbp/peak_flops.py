"""The peak arithmetic rate of the processor."""

import ctypes
import threading
import time

from .engine.threads import check_threads


def measure_limit(threads: int = 1, dtype: str = "float32") -> float:
    """Measure the multiply-add limit: what a number of threads can do in registers, without touching memory.

    Parameters
    ----------
    threads : int
        How many run at the same time.
    dtype : {"float32", "float64"}

    Returns
    -------
    float
        Billions of floating-point operations a second (GFLOP/s), a multiply-add counted as two. The best of a few short
        runs: about a tenth of a second in all.

    Raises
    ------
    TypeError, ValueError
        If threads is not an integer of at least 1, or for another dtype.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.measure_limit() > 0
    True
    """
    threads = check_threads(threads, "threads")
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype must be 'float32' or 'float64', got {dtype!r}")
    from .kernels import functions
    from .kernels.multiply_add import flop_per_turn, spin
    from .kernels.simd.machine import machine

    # A call through ctypes releases the GIL, so threads run at the same time.
    call = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int64)(functions.address(spin, dtype))
    turns, flop = 200_000, flop_per_turn(machine().lanes(dtype))
    best = min(_time_together(call, turns, threads) for _ in range(8))
    while best < 0.005:
        turns *= 2
        best = min(_time_together(call, turns, threads) for _ in range(4))
    return turns * flop * threads / best / 1e9


def _time_together(call, turns, threads):
    """Seconds that the slowest of the threads takes."""
    seconds = [0.0] * threads
    gate = threading.Barrier(threads)

    def work(i):
        gate.wait()
        start = time.perf_counter()
        call(turns)
        seconds[i] = time.perf_counter() - start

    workers = [threading.Thread(target=work, args=(i,)) for i in range(1, threads)]
    for worker in workers:
        worker.start()
    work(0)
    for worker in workers:
        worker.join()
    return max(seconds)
