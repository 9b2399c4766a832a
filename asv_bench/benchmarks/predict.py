"""Prediction: how long a row takes, and how many rows a second."""

from .common import fraction, gflops, own, unit


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

    def setup(self, threads):
        self.peer = own("predict-million", threads=threads)

    @unit("GFLOP/s")
    def track_gflops(self, threads):
        return gflops(self.peer)

    @unit("% of the limit")
    def track_fraction(self, threads):
        return fraction(self.peer)
