"""Networks, weights, data and settings to try, described as ``oracle.py`` describes them."""

import math

import numpy as np

import oracle
import oracle_norm

HIDDEN_ACTIVATIONS = list(oracle.ACTIVATIONS)

# What the kernels have no code for, with settings, some of them others than the defaults.
FORMULAS = [{"activation": name} for name in oracle.FORMULAS if name not in ("relu", "threshold")]
FORMULAS += [
    {"activation": name, "settings": settings}
    for name, settings in [
        ("relu", {"max_value": 2.5}),
        ("relu", {"negative_slope": 0.1, "max_value": 4.0, "threshold": 0.7}),
        ("relu", {"threshold": 1.3}),
        ("celu", {"alpha": 0.4}),
        ("squareplus", {"b": 0.7}),
        ("hard_shrink", {"threshold": 1.1}),
        ("soft_shrink", {"threshold": 1.1}),
        ("threshold", {"threshold": 0.3, "default_value": -1.2}),
        ("threshold", {"threshold": -1.3, "default_value": 0.0}),
    ]
]

# Normalizations of rows. An epsilon that is not tiny keeps rows of few units from blowing rounding up.
NORMS = [
    {"kind": "layer", "epsilon": 0.1},
    {"kind": "layer", "epsilon": 0.1, "scale": False},
    {"kind": "layer", "epsilon": 0.1, "center": False},
    {"kind": "layer", "epsilon": 0.1, "scale": False, "center": False},
    {"kind": "rms", "epsilon": 0.1},
    {"kind": "unit"},
]

# Every loss with last activations that it makes sense with: apart from the layer, and as one function of the logits.
PAIRINGS = [
    ({"name": "mean_squared_error"}, "linear"),
    ({"name": "mean_squared_error"}, "softmax"),
    ({"name": "mean_squared_error"}, "relu"),
    ({"name": "mean_absolute_error"}, "linear"),
    ({"name": "huber"}, "tanh"),
    ({"name": "huber", "delta": 0.3}, "linear"),
    ({"name": "log_cosh"}, "gelu"),
    ({"name": "poisson"}, "softplus"),
    ({"name": "binary_crossentropy"}, "sigmoid"),
    ({"name": "binary_crossentropy", "label_smoothing": 0.2}, "sigmoid"),
    ({"name": "binary_crossentropy"}, "softmax"),
    ({"name": "binary_crossentropy", "from_logits": True}, "linear"),
    ({"name": "binary_crossentropy", "from_logits": True, "label_smoothing": 0.1}, "tanh"),
    ({"name": "categorical_crossentropy"}, "softmax"),
    ({"name": "categorical_crossentropy", "label_smoothing": 0.1}, "softmax"),
    ({"name": "categorical_crossentropy"}, "sigmoid"),
    ({"name": "categorical_crossentropy", "label_smoothing": 0.3}, "softplus"),
    ({"name": "categorical_crossentropy", "from_logits": True}, "linear"),
    ({"name": "sparse_categorical_crossentropy"}, "softmax"),
    ({"name": "sparse_categorical_crossentropy"}, "sigmoid"),
    ({"name": "sparse_categorical_crossentropy", "from_logits": True}, "linear"),
]

# Every rule of every optimizer.
OPTIMIZERS = [
    {"name": "sgd"},
    {"name": "sgd", "nesterov": True},
    {"name": "sgd", "weight_decay": 0.05},
    {"name": "sgd", "momentum": 0.9},
    {"name": "sgd", "momentum": 0.7, "weight_decay": 0.1},
    {"name": "sgd", "momentum": 0.9, "nesterov": True},
    {"name": "sgd", "momentum": 0.7, "nesterov": True, "weight_decay": 0.1},
    {"name": "rmsprop"},
    {"name": "rmsprop", "rho": 0.7, "epsilon": 1e-3, "weight_decay": 0.1},
    {"name": "rmsprop", "momentum": 0.5},
    {"name": "rmsprop", "centered": True},
    {"name": "rmsprop", "centered": True, "momentum": 0.5, "weight_decay": 0.1},
    {"name": "adagrad"},
    {"name": "adagrad", "initial_accumulator_value": 0.3, "epsilon": 1e-3, "weight_decay": 0.1},
    {"name": "adam"},
    {"name": "adam", "beta_1": 0.5, "beta_2": 0.67, "epsilon": 1e-3, "weight_decay": 0.1},
    {"name": "adam", "amsgrad": True},
    {"name": "adam", "beta_2": 0.5, "amsgrad": True, "weight_decay": 0.1},
    {"name": "adamw"},
    {"name": "adamw", "weight_decay": 0.2},
    {"name": "nadam"},
    {"name": "nadam", "beta_1": 0.5, "beta_2": 0.67, "epsilon": 1e-3, "weight_decay": 0.1},
    {"name": "adamax"},
    {"name": "adamax", "beta_1": 0.5, "beta_2": 0.67, "epsilon": 1e-3, "weight_decay": 0.1},
    {"name": "adadelta"},
    {"name": "adadelta", "rho": 0.7, "epsilon": 1e-3, "weight_decay": 0.1},
    {"name": "lion"},
    {"name": "lion", "beta_1": 0.5, "beta_2": 0.67, "weight_decay": 0.1},
]


def describe(value):
    """How a parametrised test is named."""
    if isinstance(value, dict):
        return "-".join(str(v) if k == "name" else describe(v) if k == "settings" else f"{k}={v}" for k, v in value.items())
    return str(value)


def random_weights(network, widths, generator):
    """Weights that keep the signal's size, and biases that are not zero."""
    weights = []
    for i, layer in enumerate(network):
        weights.append(generator.normal(size=(widths[i], widths[i + 1])) / math.sqrt(widths[i]))
        if layer.get("use_bias", True):
            weights.append(generator.normal(size=widths[i + 1]) * 0.3)
        for name in oracle_norm.vectors_of(layer["norm"]) if "norm" in layer else ():
            weights.append((name == "gamma") + generator.normal(size=widths[i + 1]) * 0.3)
    return weights


def random_targets(loss, n, units, generator):
    """Targets (n, units) of the kind that the loss wants, or labels (n,)."""
    if loss["name"] == "sparse_categorical_crossentropy":
        return generator.integers(0, units, n)
    if loss["name"] == "categorical_crossentropy":
        return np.eye(units)[generator.integers(0, units, n)]
    if loss["name"] == "binary_crossentropy":
        return generator.integers(0, 2, (n, units)).astype(float)
    if loss["name"] == "poisson":
        return generator.poisson(2.0, (n, units)).astype(float)
    return generator.normal(size=(n, units))
