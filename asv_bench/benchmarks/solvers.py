"""Solvers: fits over all of the data at once, and the derivatives that they need."""

import numpy as np

import fastbp

from .common import SMOKE
from .finder import Names

CURVE = np.linspace(-1, 1, 200).reshape(-1, 1)
NETWORKS = {"1-10-1": (1, 10, 1), "10-100-1": (10, 100, 1), "10-30-30-3": (10, 30, 30, 3)}
ITERATIONS = 5 if SMOKE else 50


def network(sizes, solver, rows):
    """A compiled model in double precision, and its data."""
    names = {"lbfgs": "LBFGS", "lm": "LevenbergMarquardt"}
    found = getattr(Names("optimizers"), names[solver])(ftol=0.0, gtol=0.0)
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=(rows, sizes[0]))
    y = np.sin(3 * x @ rng.normal(size=(sizes[0], sizes[-1])) / np.sqrt(sizes[0]))
    layers = [*(fastbp.Dense(units, "tanh") for units in sizes[1:-1]), fastbp.Dense(sizes[-1])]
    model = fastbp.Sequential(layers, seed=0, dtype="float64")
    model.compile(found, "mse")
    model.fit(x, y, epochs=1, verbose=0)
    return model, x, y


class Solvers:
    """Iterations from the initial weights, of about 500 samples."""

    params = (list(NETWORKS), ["lbfgs", "lm"], [1, 2])
    param_names = ["network", "solver", "threads"]

    def setup(self, name, solver, threads):
        self.model, self.x, self.y = network(NETWORKS[name], solver, 500)
        self.weights = self.model.get_weights()

    def time_iterations(self, name, solver, threads):
        self.model.set_weights(self.weights)
        self.model.fit(self.x, self.y, epochs=ITERATIONS, verbose=0, threads=threads)


class Jacobians:
    """Derivatives of all outputs for 1,000 samples."""

    params = (list(NETWORKS), ["inputs", "weights"])
    param_names = ["network", "with_respect_to"]

    def setup(self, name, with_respect_to):
        self.model, self.x, _ = network(NETWORKS[name], "lbfgs", 1000)
        self.model.jacobian(self.x, with_respect_to)

    def time_jacobian(self, name, with_respect_to):
        self.model.jacobian(self.x, with_respect_to)

    def peakmem_jacobian(self, name, with_respect_to):
        self.model.jacobian(self.x, with_respect_to)


class Curve:
    """Levenberg and Marquardt's method on a smooth curve, to a mean squared error of 1e-8."""

    def setup(self):
        self.model, _, _ = network((1, 10, 1), "lm", 200)
        self.weights = self.model.get_weights()

    def track_epochs(self):
        self.model.set_weights(self.weights)
        history = self.model.fit(CURVE, np.sin(3 * CURVE), epochs=500, verbose=0)
        return 1 + int(np.argmax(np.array(history.history["loss"]) < 1e-8))

    track_epochs.unit = "epochs"
