"""The oracle's losses, with their gradients with respect to the output, by Keras's definitions."""

import math

import numpy as np

from oracle_activations import log_softmax, sigmoid, softmax, softplus

EPSILON = 1e-7  # how far Keras keeps probabilities from 0 and 1


def huber(p, t, delta):
    error = np.abs(p - t)
    return np.where(error <= delta, error**2 / 2, delta * error - delta**2 / 2)


def clip_slope(p):
    """The derivative of clipping p to [EPSILON, 1 - EPSILON]."""
    return np.where((p < EPSILON) | (p > 1 - EPSILON), 0.0, 1.0)


def bce(p, t):
    p = np.clip(p, EPSILON, 1 - EPSILON)
    return -(t * np.log(p) + (1 - t) * np.log(1 - p))


def bce_slope(p, t):
    inside = np.clip(p, EPSILON, 1 - EPSILON)
    return clip_slope(p) * ((1 - t) / (1 - inside) - t / inside)


# name: (value of each output, its derivative with respect to p); all are averaged over outputs and samples
ELEMENTWISE_LOSSES = {
    "mean_squared_error": (lambda p, t, delta: (p - t) ** 2, lambda p, t, delta: 2 * (p - t)),
    "mean_absolute_error": (lambda p, t, delta: np.abs(p - t), lambda p, t, delta: np.sign(p - t)),
    "huber": (huber, lambda p, t, delta: np.clip(p - t, -delta, delta)),
    "log_cosh": (
        lambda p, t, delta: np.abs(p - t) + np.log1p(np.exp(-2 * np.abs(p - t))) - math.log(2),
        lambda p, t, delta: np.tanh(p - t),
    ),
    "poisson": (lambda p, t, delta: p - t * np.log(p + EPSILON), lambda p, t, delta: 1 - t / (p + EPSILON)),
    "binary_crossentropy": (lambda p, t, delta: bce(p, t), lambda p, t, delta: bce_slope(p, t)),
    "binary_crossentropy_of_logits": (lambda z, t, delta: softplus(z) - t * z, lambda z, t, delta: sigmoid(z) - t),
}


def targets(loss, y, units):
    """y as the loss compares it with the output: in float64, labels as rows of 0 and 1, smoothed where asked."""
    if loss["name"] == "sparse_categorical_crossentropy":
        return np.eye(units)[np.asarray(y)]
    y = np.asarray(y, dtype=np.float64).reshape(len(y), units)
    smoothing = loss.get("label_smoothing", 0.0)
    if loss["name"] == "binary_crossentropy":
        return y * (1 - smoothing) + smoothing / 2
    return y * (1 - smoothing) + smoothing / units


def cce_rows(p, t):
    """Cross-entropy of each row of p divided by its sum and clipped, and its gradient."""
    total = p.sum(axis=1, keepdims=True)
    q = p / total
    inside = np.clip(q, EPSILON, 1 - EPSILON)
    dq = -t / inside * clip_slope(q)
    dp = (dq - (dq * q).sum(axis=1, keepdims=True)) / total
    return -(t * np.log(inside)).sum(axis=1), dp


def cce_of_logits_rows(z, t):
    """Softmax and cross-entropy of each row as one function of the logits, and its gradient."""
    dz = softmax(z) * t.sum(axis=1, keepdims=True) - t
    return -(t * log_softmax(z)).sum(axis=1), dz


def loss_rows(loss, output, y, logits=False):
    """The loss of each row and its gradient with respect to ``output``: logits if ``logits`` or the loss says so."""
    t = targets(loss, y, output.shape[1])
    logits = logits or loss.get("from_logits", False)
    if loss["name"].endswith("categorical_crossentropy"):
        return cce_of_logits_rows(output, t) if logits else cce_rows(output, t)
    value, slope = ELEMENTWISE_LOSSES[loss["name"] + ("_of_logits" if logits else "")]
    delta = loss.get("delta", 1.0)
    return value(output, t, delta).mean(axis=1), slope(output, t, delta) / output.shape[1]


def loss_value_and_gradient(loss, output, y, logits=False, sample_weight=None):
    """The mean over rows of their losses, each times its weight, and the gradient of that with respect to ``output``."""
    values, slopes = loss_rows(loss, output, y, logits)
    weight = np.ones(len(values)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    return (weight * values).mean(), weight[:, None] * slopes / len(values)


def is_fused(network, loss):
    """Whether the loss is computed from the last layer's pre-activation: stable where its output has saturated."""
    partner = {
        "binary_crossentropy": "sigmoid",
        "categorical_crossentropy": "softmax",
        "sparse_categorical_crossentropy": "softmax",
    }
    return partner.get(loss["name"]) == network[-1]["activation"] and not loss.get("from_logits", False)
