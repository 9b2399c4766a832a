"""The networks that speed is measured on, and their data: the same for fastbp and for every peer."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Workload:
    """A network, a batch and an optimizer.

    ``threads`` is how many threads fastbp and its peers are given; ``fraction`` is of the limit of so many.
    """

    name: str
    sizes: tuple
    batch: int
    activation: str = "tanh"
    optimizer: str = "adam"
    threads: int = 1
    classes: bool = False
    dtype: str = "float32"

    @property
    def flop(self):
        """Operations of the matrix products of one training step: no input gradient for the first layer."""
        pairs = list(zip(self.sizes, self.sizes[1:], strict=False))
        return 6 * self.batch * sum(i * o for i, o in pairs) - 2 * self.batch * pairs[0][0] * pairs[0][1]

    @property
    def samples(self):
        """Rows of data: enough steps to time, not so many that memory is what is measured."""
        return self.batch * max(1, min(200, 20_000 // self.batch))

    def describe(self):
        network = "-".join(map(str, self.sizes))
        return f"{network} {self.activation}{' softmax' if self.classes else ''}, batch {self.batch}, {self.optimizer}"


WORKLOADS = {
    w.name: w
    for w in (
        Workload("curve", (1, 32, 32, 1), 64),
        Workload("rl", (17, 64, 64, 6), 64),
        Workload("rl-2", (17, 64, 64, 6), 64, threads=2),
        Workload("matexp", (4, 32, 16, 4), 10_000, threads=2),
        Workload("matexp-200", (4, 32, 16, 4), 200),
        Workload("online", (16, 32, 1), 1, optimizer="sgd"),
        Workload("rxla", (10, 80, 80, 80, 80, 1), 32, "relu", "sgd"),
        Workload("higgs", (28, 300, 300, 300, 300, 300, 1), 100, threads=2),
        Workload("higgs-momentum", (28, 300, 300, 300, 300, 300, 1), 100, optimizer="momentum", threads=2),
        Workload("digits", (784, 128, 10), 128, "relu", threads=2, classes=True),
        Workload("mid", (256, 512, 512, 256), 256, "relu", threads=2),
        Workload("wide", (1024, 1024, 1024, 1024), 1024, "relu", threads=2),
        Workload("higgs-64", (28, 300, 300, 300, 300, 300, 1), 100, threads=2, dtype="float64"),
        Workload("mid-64", (256, 512, 512, 256), 256, "relu", threads=2, dtype="float64"),
    )
}

LEARNING_RATES = {"adam": 1e-3, "sgd": 1e-2, "momentum": 1e-2}


def make_data(workload):
    """Samples, targets and initial weights (kernels and biases in order)."""
    rng = np.random.default_rng(0)
    sizes, n = workload.sizes, workload.samples
    x = rng.normal(size=(n, sizes[0])).astype(workload.dtype)
    teacher = rng.normal(size=(sizes[0], sizes[-1])) / np.sqrt(sizes[0])
    signal = np.sin(2 * x @ teacher)
    y = signal.argmax(axis=1) if workload.classes else signal.astype(workload.dtype)
    weights = []
    for fan_in, fan_out in zip(sizes, sizes[1:], strict=False):
        limit = np.sqrt(6 / (fan_in + fan_out))
        weights += [rng.uniform(-limit, limit, size=(fan_in, fan_out)).astype(workload.dtype)]
        weights += [np.zeros(fan_out, workload.dtype)]
    return x, y, weights
