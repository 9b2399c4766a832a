"""Peak memory of a fit, beside that of the same process without the fit."""

from workloads import WORKLOADS

from .common import own, some


class Fit:
    params = (some(["rl", "higgs", "matexp", "wide"]), ["float32", "float64"])
    param_names = ["workload", "dtype"]

    def setup(self, name, dtype):
        self.peer = own(name, dtype=dtype, threads=1, batch=32)  # a small batch: what the fit below takes comes on top

    def peakmem_fit(self, name, dtype):
        w = WORKLOADS[name]
        self.peer.model.fit(self.peer.x, self.peer.y, w.batch, 1, 0, threads=w.threads)

    def peakmem_reference(self, name, dtype):
        """What the interpreter, the libraries, the network and its data take."""
