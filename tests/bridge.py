"""From the oracle's descriptions to fastbp's objects, and networks that both compute."""

from dataclasses import dataclass

import numpy as np

import oracle
from fastbp import activations, layers, losses, optimizers
from fastbp.engine.engine import Engine
from fastbp.layers.stages import stages_of
from gradcheck import relative_error
from networks import random_targets, random_weights

LOSSES = {
    "mean_squared_error": losses.MeanSquaredError,
    "mean_absolute_error": losses.MeanAbsoluteError,
    "huber": losses.Huber,
    "log_cosh": losses.LogCosh,
    "poisson": losses.Poisson,
    "binary_crossentropy": losses.BinaryCrossentropy,
    "categorical_crossentropy": losses.CategoricalCrossentropy,
    "sparse_categorical_crossentropy": losses.SparseCategoricalCrossentropy,
}
OPTIMIZERS = {
    "sgd": optimizers.SGD,
    "rmsprop": optimizers.RMSprop,
    "adagrad": optimizers.Adagrad,
    "adam": optimizers.Adam,
    "adamw": optimizers.AdamW,
    "nadam": optimizers.Nadam,
    "adamax": optimizers.Adamax,
    "adadelta": optimizers.Adadelta,
    "lion": optimizers.Lion,
}


def without_name(settings):
    return {key: value for key, value in settings.items() if key != "name"}


def make_activation(layer):
    name = layer["activation"]
    if "settings" in layer:
        return getattr(activations, name)(**layer["settings"])
    if "alpha" not in layer:
        return activations.get(name)
    if name == "leaky_relu":
        return activations.leaky_relu(negative_slope=layer["alpha"])
    return activations.elu(alpha=layer["alpha"])


def make_norm(norm):
    settings = {key: value for key, value in norm.items() if key != "kind"}
    kinds = {"layer": layers.LayerNormalization, "rms": layers.RMSNormalization, "unit": layers.UnitNormalization}
    return kinds[norm["kind"]](**settings)


def make_layer(layer, units):
    """The layers that one of the oracle's is."""
    activation, bias = make_activation(layer), layer.get("use_bias", True)
    if "norm" not in layer:
        return [layers.Dense(units, activation, bias)]
    if layer.get("norm_first"):
        return [layers.Dense(units, None, bias), make_norm(layer["norm"]), layers.Activation(activation)]
    return [layers.Dense(units, activation, bias), make_norm(layer["norm"])]


def make_stages(network, widths):
    """The layers as the engine takes them, those that do not learn among them."""
    made, learns = [], []
    for layer, units in zip(network, widths[1:], strict=True):
        made += make_layer(layer, units)
        learns += [layer.get("trainable", True)] * (len(made) - len(learns))
    return stages_of(made, widths[0], learns)


def make_loss(loss):
    return LOSSES[loss["name"]](**without_name(loss))


def make_optimizer(settings):
    return OPTIMIZERS[settings["name"]](**without_name(settings))


@dataclass
class Problem:
    """A network, its data and its loss, in the oracle's words; all numbers can be told exactly in ``dtype``."""

    network: list
    widths: list
    loss: dict
    dtype: str
    weights: list
    x: np.ndarray
    y: np.ndarray

    def engine(self, optimizer=None, seed=0):
        engine = Engine(make_stages(self.network, self.widths), self.dtype, seed)
        engine.configure(make_optimizer(optimizer or {"name": "sgd", "learning_rate": 0.01}), make_loss(self.loss))
        engine.set_weights([w.astype(self.dtype) for w in self.weights])
        return engine

    @property
    def data(self):
        """x and y as the engine takes them."""
        integers = np.issubdtype(self.y.dtype, np.integer)
        return self.x.astype(self.dtype), self.y.astype(np.int64 if integers else self.dtype)

    def is_smooth(self):
        """Whether no rounding can put a number on the other side of a kink."""
        kinks = {"relu", "leaky_relu", "elu", "selu"}  # elu only where alpha is not 1
        return self.loss["name"] != "mean_absolute_error" and not any(n["activation"] in kinks for n in self.network)


def make_problem(network, widths, loss, n, seed=0, dtype="float64"):
    """Random weights and data for a network."""
    generator = np.random.default_rng(seed)
    round_off = np.float32 if dtype == "float32" else np.float64
    weights = [w.astype(round_off).astype(np.float64) for w in random_weights(network, widths, generator)]
    x = generator.normal(size=(n, widths[0])).astype(round_off).astype(np.float64)
    y = random_targets(loss, n, widths[-1], generator)
    if not np.issubdtype(y.dtype, np.integer):
        y = y.astype(round_off).astype(np.float64)
    return Problem(network, widths, loss, dtype, weights, x, y)


def every_layer(activation, last="linear", widths=(5, 17, 16, 3), loss="mean_squared_error", dtype="float64", n=19):
    """A problem with the same activation in every hidden layer."""
    network = [{"activation": activation} for _ in widths[2:]] + [{"activation": last}]
    return make_problem(network, list(widths), {"name": loss}, n, dtype=dtype)


def last_terms(problem, tape):
    """The sums of the last layer with every term made positive: what the rounding of those sums is relative to."""
    kernel, bias, _ = oracle.layer_weights(problem.network, problem.weights)[-1]
    return np.abs(tape[-1][0]) @ np.abs(kernel) + (0 if bias is None else np.abs(bias))


def assert_gradients_agree(actual, expected, tolerance):
    """Each array to ``tolerance``, an array that is far smaller than the rest measured against the rest."""
    whole = np.sqrt(sum((g**2).sum() for g in expected))
    # 1 - tanh(z)^2 of a unit that has saturated is a difference of rounded numbers: small, and right to the rounding of 1. So
    # is what a normalization passes on, down to a gradient that is 0, times one over the norm that it divides by.
    smallest = 5e-3
    assert [np.shape(a) for a in actual] == [np.shape(e) for e in expected]
    for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
        error = relative_error(a, e, floor=max(1e-2 * whole, smallest))
        assert error <= tolerance, f"gradient {i}, shape {np.shape(e)}: relative error {error:.3g} above {tolerance:.3g}"


def assert_weights_agree(actual, expected, start, tolerance):
    """That the weights moved alike: the difference against how far they moved from ``start``."""
    moved = np.sqrt(sum(((e - s) ** 2).sum() for e, s in zip(expected, start, strict=True)))
    for i, (a, e, s) in enumerate(zip(actual, expected, start, strict=True)):
        rounding = 20 * np.finfo(a.dtype).eps * np.linalg.norm(s)  # of the sums of weight and step, in some ten steps
        error = relative_error(a - s, e - s, floor=max(1e-2 * moved, rounding / tolerance, 1e-9))
        assert error <= tolerance, f"weight {i}, shape {np.shape(e)}: relative error {error:.3g} above {tolerance:.3g}"


def train_oracle(problem, optimizer, batch_size, epochs):
    """Weights and epoch losses after training in the order of the data."""
    rule, weights, epoch_losses = oracle.Optimizer(optimizer), problem.weights, []
    for _ in range(epochs):
        weights, loss = oracle.train_epoch(problem.network, weights, problem.loss, rule, problem.x, problem.y, batch_size)
        epoch_losses.append(loss)
    return weights, epoch_losses
