"""Training: gather, forward, loss, backward and update."""

from workloads import WORKLOADS

from .common import fraction, gflops, own, step_seconds, unit


class Train:
    """Every workload of compare.py, with its own dtype and number of threads."""

    params = [name for name, workload in WORKLOADS.items() if not workload.predicts]
    param_names = ["workload"]

    def setup(self, name):
        self.peer = own(name)

    def time_epoch(self, name):
        self.peer.run(1)

    @unit("us/step")
    def track_step(self, name):
        return 1e6 * step_seconds(self.peer)

    @unit("GFLOP/s")
    def track_gflops(self, name):
        return gflops(self.peer)

    @unit("% of the limit")
    def track_fraction(self, name):
        return fraction(self.peer)


class Scaling:
    """The same work with one thread and two, in single and double precision."""

    params = (["rl", "higgs", "mid"], ["float32", "float64"], [1, 2])
    param_names = ["workload", "dtype", "threads"]

    def setup(self, name, dtype, threads):
        self.peer = own(name, dtype=dtype, threads=threads)

    def time_epoch(self, name, dtype, threads):
        self.peer.run(1)
