"""Prediction: how long a row takes, and how many rows a second."""

import statistics
import time

import numpy as np

from .common import SMOKE, own, rates, unit

CALLS = 10_000  # of compiled code, between two looks at the clock


class Row:
    """One row, from Python."""

    params = (["forward", "predict"], ["float32", "float64"])
    param_names = ["method", "dtype"]

    def setup(self, method, dtype):
        peer = own("predict-row", dtype=dtype)
        self.call, self.x = getattr(peer.model, method), peer.x

    def time_row(self, method, dtype):
        self.call(self.x)


class Rows:
    params = ([1_000, 1_000_000], ["float32", "float64"], [1, 2])
    param_names = ["rows", "dtype", "threads"]

    def setup(self, rows, dtype, threads):
        self.peer = own("predict-million", batch=rows, dtype=dtype, threads=threads)

    def time_rows(self, rows, dtype, threads):
        self.peer.run(1)


class Million:
    params = [1, 2]
    param_names = ["threads"]

    def setup_cache(self):
        return {threads: rates(own("predict-million", threads=threads)) for threads in self.params}

    @unit("GFLOP/s")
    def track_gflops(self, found, threads):
        return found[threads]["GFLOP/s"]

    @unit("% of the limit")
    def track_fraction(self, found, threads):
        return found[threads]["% of the limit"]


class Compiled:
    """One row of 17-64-64-6 in code that Numba compiles, as a control loop would have it: the aim is 2 us."""

    params = (["float32", "float64"], [False, True])
    param_names = ["dtype", "gradient"]

    def setup(self, dtype, gradient):
        import numba

        peer = own("predict-row", dtype=dtype)
        if not hasattr(peer.model, "predict_function"):
            raise NotImplementedError  # an old commit
        self.network, self.x = peer.model.predict_function(gradient=gradient), peer.x[0].copy()
        self.second = np.ones(peer.w.sizes[-1], dtype)  # filled with the output, or the direction of the gradient

        @numba.njit
        def call_often(network, x, second, calls):
            for _ in range(calls):
                network(x, second)

        self.call_often = call_often
        call_often(self.network, self.x, self.second, 1)

    @unit("us")
    def track_call(self, dtype, gradient):
        seconds = []
        for _ in range(3 if SMOKE else 30):
            start = time.perf_counter()
            self.call_often(self.network, self.x, self.second, CALLS)
            seconds.append((time.perf_counter() - start) / CALLS)
        return 1e6 * statistics.median(seconds)
