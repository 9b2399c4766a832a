"""What keeps weights and outputs small: what each costs beside the plain step, the two measured in turns."""

import statistics
import time

import numpy as np
from workloads import WORKLOADS

import fastbp

from .common import TRACK_SECONDS, some, unit

# What each dense layer has.
FEATURES = {
    "l2": {"kernel_regularizer": "l2"},
    "l1_l2": {"kernel_regularizer": "l1_l2"},
    "activity": {"activity_regularizer": "l2"},
    "non_neg": {"kernel_constraint": "non_neg"},
    "max_norm": {"kernel_constraint": "max_norm"},
}


def model_of(workload, settings):
    """A workload's network whose layers have some settings, compiled."""
    inputs, *hidden, outputs = workload.sizes
    layers = [fastbp.Dense(units, workload.activation, **settings) for units in hidden]
    model = fastbp.Sequential([fastbp.Input((inputs,)), *layers, fastbp.Dense(outputs, **settings)], seed=0)
    model.compile("adam", "mse")
    return model


class Cost:
    """Workloads with each of these."""

    params = (["rl", "higgs"], some(FEATURES))
    param_names = ["workload", "feature"]

    def setup(self, name, feature):
        if not hasattr(fastbp, "regularizers"):
            raise NotImplementedError  # an older commit, which has none
        self.workload = workload = WORKLOADS[name]
        self.models = [model_of(workload, settings) for settings in ({}, FEATURES[feature])]
        random, rows = np.random.default_rng(0), min(workload.samples, 200 * workload.batch)
        self.x = random.normal(size=(rows, workload.sizes[0])).astype("float32")
        self.y = random.normal(size=(rows, workload.sizes[-1])).astype("float32")
        for model in self.models:
            self.seconds(model)

    def seconds(self, model):
        """Of an epoch."""
        settings = {"verbose": 0, "threads": self.workload.threads, "check_finite": False}
        start = time.perf_counter()
        model.fit(self.x, self.y, batch_size=self.workload.batch, **settings)
        return time.perf_counter() - start

    @unit("% of the plain step")
    def track_cost(self, name, feature):
        ratios, end = [], time.perf_counter() + 2 * TRACK_SECONDS
        while time.perf_counter() < end or len(ratios) < 3:
            plain, other = (self.seconds(model) for model in self.models)
            ratios.append(other / plain)
        return 100 * (statistics.median(ratios) - 1)
