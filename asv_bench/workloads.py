"""The networks that speed is measured on, what is asked of fastbp there, and their data: the same for every peer."""

from dataclasses import dataclass

import numpy as np

NORM_EPSILON = 1e-3
LEARNING_RATES = {"adam": 1e-3, "sgd": 1e-2, "momentum": 1e-2}
MOST_ROWS, MOST_STEPS, MOST_FLOP = 20_000, 2000, 6e10  # of an epoch: enough steps to time, not so many that it takes long


@dataclass(frozen=True)
class Workload:
    """A network, a batch and an optimizer; or, with ``predicts``, a network and the rows of one prediction.

    With ``iterations`` it is a solver that takes all samples at once, so many times, from the initial weights: an iteration
    counts as a step.

    ``threads`` is how many fastbp and its peers are given. The last fields are the goals, where there are any: ``fraction``
    of the multiply-add limit of so many threads, ``ratio`` to the best peer's time, ``microseconds`` of a step. ``reach`` is
    a loss, to measure the time to it. ``dropout`` is the rate of a dropout after each hidden layer; with ``normalizes`` a layer
    normalization follows each.
    """

    name: str
    sizes: tuple
    batch: int
    activation: str = "tanh"
    optimizer: str = "adam"
    threads: int = 1
    classes: bool = False
    dtype: str = "float32"
    predicts: bool = False
    normalizes: bool = False
    iterations: int = 0
    fraction: float | None = None
    ratio: float | None = None
    microseconds: float | None = None
    reach: float | None = None
    dropout: float = 0.0

    @property
    def flop(self):
        """Operations of the matrix products of one step: a training step has no input gradient for the first layer."""
        products = [i * o for i, o in zip(self.sizes, self.sizes[1:], strict=False)]
        return 2 * self.batch * (sum(products) if self.predicts else 3 * sum(products) - products[0])

    @property
    def steps(self):
        """Steps of an epoch."""
        if self.iterations:
            return self.iterations
        fitting = min(MOST_STEPS, MOST_ROWS // self.batch, int(MOST_FLOP / self.flop))
        return 1 if self.predicts else max(1, fitting)

    @property
    def samples(self):
        """Rows of data."""
        return self.batch if self.iterations else self.batch * self.steps

    @property
    def checked_steps(self):
        """Steps after which all peers must have the same loss; none where they drop other units."""
        if self.iterations:
            return self.iterations
        return 0 if self.predicts or self.dropout else max(5, min(100, int(2e11 / self.flop)))

    def describe(self):
        network = "-".join(map(str, self.sizes))
        kind = f" {self.activation}{' softmax' if self.classes else ''}{', float64' if self.dtype == 'float64' else ''}"
        kind += ", layer norm" if self.normalizes else ""
        if self.dropout:
            kind += f", dropout {self.dropout:g}"
        if self.predicts:
            return f"{network}{kind}, predict {self.batch:,} row{'s' if self.batch > 1 else ''}"
        return f"{network}{kind}, batch {self.batch:,}, {self.optimizer}"


RL, HIGGS, MATEXP = (17, 64, 64, 6), (28, 300, 300, 300, 300, 300, 1), (4, 32, 16, 4)
MID, WIDE = (256, 512, 512, 256), (1024, 1024, 1024, 1024)

WORKLOADS = {
    w.name: w
    for w in (
        Workload("curve", (1, 32, 32, 1), 64, fraction=0.50, ratio=5),
        Workload("rl", RL, 64, fraction=0.70, ratio=4, reach=0.05),
        Workload("rl-2", RL, 64, threads=2, fraction=0.49, ratio=4),  # 1.4 times 70 % of one core
        Workload("rl-layernorm", RL, 64, normalizes=True, ratio=2),
        Workload("matexp", MATEXP, 10_000, threads=2, fraction=0.50, ratio=6),
        Workload("matexp-200", MATEXP, 200, fraction=0.60, ratio=9),
        Workload("online", (16, 32, 1), 1, optimizer="sgd", microseconds=0.35, ratio=5),
        Workload("online-rl", RL, 1, optimizer="sgd", ratio=4),
        Workload("online-wide", (64, 256, 256, 8), 1, "relu", ratio=2),
        Workload("batch-8", RL, 8, ratio=4),
        Workload("rxla", (10, 80, 80, 80, 80, 1), 32, "relu", "sgd", fraction=0.60, ratio=4),
        Workload("higgs", HIGGS, 100, threads=2, fraction=0.82, ratio=1.5, reach=0.01),
        Workload("higgs-dropout", HIGGS, 100, threads=2, ratio=1.4, dropout=0.2),
        Workload("higgs-momentum", HIGGS, 100, optimizer="momentum", threads=2, fraction=0.82, ratio=1.5),
        Workload("digits", (784, 128, 10), 128, "relu", threads=2, classes=True, fraction=0.78, ratio=1.6, reach=0.5),
        Workload("mid", MID, 256, "relu", threads=2, fraction=0.90, ratio=1.25),
        Workload("wide", WIDE, 1024, "relu", threads=2, fraction=0.92, ratio=1.2),
        Workload("higgs-64", HIGGS, 100, threads=2, dtype="float64", fraction=0.80, ratio=1.3),
        Workload("mid-64", MID, 256, "relu", threads=2, dtype="float64", fraction=0.80, ratio=1.3),
        Workload(
            "diabetes-lbfgs",
            (10, 100, 1),
            442,
            optimizer="lbfgs",
            dtype="float64",
            iterations=100,
            ratio=3,
        ),
        Workload("predict-row", RL, 1, predicts=True, microseconds=6, ratio=5),
        Workload("predict-million", RL, 1_000_000, threads=2, predicts=True, fraction=0.70, ratio=2),
    )
}


def make_data(workload):
    """Samples, targets and initial weights in order: kernels and biases, the scales and offsets of normalizations."""
    rng = np.random.default_rng(0)
    sizes = workload.sizes
    x, y = _diabetes() if workload.name == "diabetes-lbfgs" else _teacher(workload, rng)
    weights = []
    for fan_in, fan_out in zip(sizes, sizes[1:], strict=False):
        limit = np.sqrt(6 / (fan_in + fan_out))
        weights += [rng.uniform(-limit, limit, size=(fan_in, fan_out)).astype(workload.dtype)]
        weights += [np.zeros(fan_out, workload.dtype)]
        if workload.normalizes and len(weights) < 4 * (len(sizes) - 2) + 2:
            weights += [np.ones(fan_out, workload.dtype), np.zeros(fan_out, workload.dtype)]
    return x, y, weights


def _teacher(workload, rng):
    """Random samples, and a sine of each for the targets."""
    sizes, n = workload.sizes, workload.samples
    x = rng.normal(size=(n, sizes[0])).astype(workload.dtype)
    teacher = rng.normal(size=(sizes[0], sizes[-1])) / np.sqrt(sizes[0])
    signal = np.sin(2 * x @ teacher)
    return x, signal.argmax(axis=1) if workload.classes else signal.astype(workload.dtype)


def _diabetes():
    """442 patients: ten features, scaled, and how far the disease has gone."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    return (x - x.mean(axis=0)) / x.std(axis=0), y.reshape(-1, 1)
