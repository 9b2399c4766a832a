"""Peak memory of a fit, beside that of the same process without the fit."""

from .common import own


class Fit:
    params = ["rl", "higgs", "matexp", "wide"]
    param_names = ["workload"]

    def setup(self, name):
        self.peer = own(name, threads=1, batch=32)  # a small batch: what the fit below takes comes on top

    def peakmem_fit(self, name):
        from workloads import WORKLOADS

        w = WORKLOADS[name]
        self.peer.model.fit(self.peer.x, self.peer.y, w.batch, 1, 0, threads=w.threads)

    def peakmem_reference(self, name):
        """What the interpreter, the libraries, the network and its data take."""
