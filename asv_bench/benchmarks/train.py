"""Training: gather, forward, loss, backward and update."""

from workloads import WORKLOADS

from .common import own, rates, some, unit

# A graph opens with the first eight, and has a button for each of the others.
SHOWN = ["rl", "rl-2", "matexp-200", "rxla", "higgs", "digits", "mid", "wide"]
BY_STEPS = [name for name, w in WORKLOADS.items() if not (w.predicts or w.iterations)]
TRAINED = some(sorted(BY_STEPS, key=lambda name: name not in SHOWN))


class Train:
    """Every workload of compare.py, with its own dtype and number of threads."""

    params = TRAINED
    param_names = ["workload"]

    def setup(self, name):
        self.peer = own(name)

    def time_epoch(self, name):
        self.peer.run(1)


class Rates:
    """The same workloads, each measured once for all three figures."""

    params = TRAINED
    param_names = ["workload"]

    def setup_cache(self):
        return {name: rates(own(name)) for name in TRAINED}

    setup_cache.timeout = 600

    @unit("us/step")
    def track_step(self, found, name):
        return found[name]["us/step"]

    @unit("GFLOP/s")
    def track_gflops(self, found, name):
        return found[name]["GFLOP/s"]

    @unit("% of the limit")
    def track_fraction(self, found, name):
        return found[name]["% of the limit"]


class Scaling:
    """The same work with one thread and two, in single and double precision."""

    params = (some(["rl", "higgs", "mid"]), ["float32", "float64"], [1, 2])
    param_names = ["workload", "dtype", "threads"]

    def setup(self, name, dtype, threads):
        self.peer = own(name, dtype=dtype, threads=threads)

    def time_epoch(self, name, dtype, threads):
        self.peer.run(1)
