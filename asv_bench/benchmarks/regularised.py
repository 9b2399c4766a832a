"""What steers a fit: the cost of a step with a feature beside the plain step."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from workloads import LEARNING_RATES, WORKLOADS, make_data

import fastbp

from .common import TRACK_SECONDS, some, unit
from .finder import Names

layers, schedules = Names("layers"), Names("optimizers.schedules")


@dataclass(frozen=True)
class Feature:
    """What a feature adds to a network, each made anew for each use.

    ``after`` gives the layers that follow each hidden layer, ``dense`` the arguments of each Dense beside units and activation,
    ``optimizer`` those of Adam beside the learning rate, which they may replace.
    """

    after: Callable[[], list] = list
    dense: Callable[[], dict] = dict
    optimizer: Callable[[], dict] = dict


FEATURES = {
    "dropout": Feature(after=lambda: [layers.Dropout(0.2)]),
    "gaussian_dropout": Feature(after=lambda: [layers.GaussianDropout(0.2)]),
    "layernorm": Feature(after=lambda: [layers.LayerNormalization()]),
    "batchnorm": Feature(after=lambda: [layers.BatchNormalization()]),
    "l2": Feature(dense=lambda: {"kernel_regularizer": "l2"}),
    "l1_l2": Feature(dense=lambda: {"kernel_regularizer": "l1_l2"}),
    "activity": Feature(dense=lambda: {"activity_regularizer": "l2"}),
    "non_neg": Feature(dense=lambda: {"kernel_constraint": "non_neg"}),
    "max_norm": Feature(dense=lambda: {"kernel_constraint": "max_norm"}),
    "clipvalue": Feature(optimizer=lambda: {"clipvalue": 0.5}),
    "clipnorm": Feature(optimizer=lambda: {"clipnorm": 1.0}),
    "global_clipnorm": Feature(optimizer=lambda: {"global_clipnorm": 1.0}),
    "ema": Feature(optimizer=lambda: {"use_ema": True}),
    "schedule": Feature(optimizer=lambda: {"learning_rate": schedules.ExponentialDecay(LEARNING_RATES["adam"], 1000, 0.99)}),
}
TOGETHER = {"usual": ("dropout", "l2", "clipvalue", "schedule")}  # features at once


def together(name):
    """The features that a name stands for, as one."""
    parts = [FEATURES[part] for part in TOGETHER.get(name, (name,))]
    return Feature(
        lambda: [layer for part in parts for layer in part.after()],
        lambda: {key: value for part in parts for key, value in part.dense().items()},
        lambda: {key: value for part in parts for key, value in part.optimizer().items()},
    )


class Fit:
    """A workload's network with a feature, and its data."""

    def __init__(self, workload, feature):
        w, stack = workload, []
        self.x, self.y, _ = make_data(w)
        for units in w.sizes[1:-1]:
            stack += [fastbp.Dense(units, w.activation, **feature.dense()), *feature.after()]
        stack.append(fastbp.Dense(w.sizes[-1], **feature.dense()))
        self.model = fastbp.Sequential(stack, seed=0, dtype=w.dtype)
        self.model.build(w.sizes[0])
        self.model.compile(fastbp.Adam(**{"learning_rate": LEARNING_RATES["adam"], **feature.optimizer()}), "mse")
        self.settings = {"batch_size": w.batch, "verbose": 0, "threads": w.threads, "check_finite": False}

    def seconds(self):
        """Of an epoch."""
        start = time.perf_counter()
        self.model.fit(self.x, self.y, **self.settings)
        return time.perf_counter() - start


def cost(plain, steered):
    """By how much a step with a feature takes longer, in percent of the plain step: the two take turns."""
    ratios, end = [], time.perf_counter() + 2 * TRACK_SECONDS
    while time.perf_counter() < end or len(ratios) < 3:
        before, with_feature, after = plain.seconds(), steered.seconds(), plain.seconds()
        ratios.append(2 * with_feature / (before + after))
    return 100 * (statistics.median(ratios) - 1)


class Cost:
    """Each feature, and those together that a fit may have at once."""

    params = (["rl", "higgs"], some([*FEATURES, *TOGETHER]))
    param_names = ["workload", "feature"]

    def setup(self, name, feature):
        self.fits = [Fit(WORKLOADS[name], chosen) for chosen in (Feature(), together(feature))]
        for fit in self.fits:
            fit.seconds()

    @unit("% of the plain step")
    def track_cost(self, name, feature):
        return cost(*self.fits)
