"""Prediction: how long a row takes, and how many rows a second."""

from .common import own, rates, unit


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
