"""Networks with batch normalization as a textbook writes it: plain NumPy in float64, beside what ``oracle.py`` has.

A network is a list of layers: those of ``oracle.py``, ``{"kind": "batch_norm"}`` with the settings of Keras's layer, and
``{"kind": "activation", "activation": "tanh"}``. Its weights are one flat list: kernel, bias; gamma, beta, moving mean, moving
variance; in the order of the layers.
"""

import numpy as np

import oracle


def count(layer):
    """How many arrays a layer has."""
    kind = layer.get("kind", "dense")
    if kind == "dense":
        return 1 + layer.get("use_bias", True)
    return 2 + layer.get("center", True) + layer.get("scale", True) if kind == "batch_norm" else 0


def arrays_of(network, weights):
    """The arrays of each layer."""
    weights = list(weights)
    return [[weights.pop(0) for _ in range(count(layer))] for layer in network]


def learns(network):
    """For each array whether gradients change it."""
    flags = []
    for layer in network:
        moving = 2 if layer.get("kind") == "batch_norm" else 0
        flags += [layer.get("trainable", True)] * (count(layer) - moving) + [False] * moving
    return flags


def split(layer, arrays):
    """Gamma (1 without), beta (0 without), moving mean, moving variance."""
    arrays = list(arrays)
    gamma = arrays.pop(0) if layer.get("scale", True) else 1.0
    beta = arrays.pop(0) if layer.get("center", True) else 0.0
    return gamma, beta, *arrays


def uses_batch(layer, training):
    return training and layer.get("trainable", True)


def normalize(layer, arrays, x, training):
    """The layer's output, the normalized values, and 1 / the standard deviation."""
    gamma, beta, mean, variance = split(layer, arrays)
    if uses_batch(layer, training):
        mean, variance = x.mean(axis=0), x.var(axis=0)
    inverse = 1 / np.sqrt(variance + layer.get("epsilon", 1e-3))
    normal = (x - mean) * inverse
    return gamma * normal + beta, normal, inverse


def moved(layer, arrays, x):
    """The layer's arrays after a step on a batch x: the moving ones have followed it."""
    keep, (*learnt, mean, variance) = layer.get("momentum", 0.99), arrays
    return [*learnt, keep * mean + (1 - keep) * x.mean(axis=0), keep * variance + (1 - keep) * x.var(axis=0)]


def normalize_backward(layer, arrays, x, training, delta):
    """The gradient with respect to x, and those of the arrays."""
    gamma, *_ = split(layer, arrays)
    _, normal, inverse = normalize(layer, arrays, x, training)
    d = delta * gamma
    dx = d * inverse
    if uses_batch(layer, training):
        dx = inverse * (d - d.mean(axis=0) - normal * (d * normal).mean(axis=0))
    gradients = [(delta * normal).sum(axis=0)] if layer.get("scale", True) else []
    gradients += [delta.sum(axis=0)] if layer.get("center", True) else []
    return dx, [*gradients, np.zeros_like(arrays[-1]), np.zeros_like(arrays[-1])]


def forward(network, weights, x, training=False):
    """The output, and each layer's input."""
    a, tape = np.asarray(x, dtype=np.float64), []
    for layer, arrays in zip(network, arrays_of(network, weights), strict=True):
        tape.append(a)
        if layer.get("kind") == "batch_norm":
            a = normalize(layer, arrays, a, training)[0]
        elif layer.get("kind") == "activation":
            a = oracle.activate(layer, a)
        else:
            a = oracle.forward([layer], arrays, a)[0]
    return a, tape


def backward(network, weights, tape, delta, training):
    """The gradients with respect to x and to the arrays, from that with respect to the output."""
    gradients = []
    for layer, arrays, a in reversed(list(zip(network, arrays_of(network, weights), tape, strict=True))):
        if layer.get("kind") == "batch_norm":
            delta, found = normalize_backward(layer, arrays, a, training, delta)
        elif layer.get("kind") == "activation":
            delta, found = oracle.through_activation(layer, a, delta), []
        else:
            delta, found = oracle.backward([layer], arrays, oracle.forward([layer], arrays, a)[1], delta)
        gradients = [*found, *gradients]
    return delta, gradients


def value_and_gradient(network, weights, loss, x, y, training=False, sample_weight=None):
    """The loss of a batch and its gradients: 0 for what does not learn."""
    output, tape = forward(network, weights, x, training)
    value, delta = oracle.loss_value_and_gradient(loss, output, y, sample_weight=sample_weight)
    gradients = backward(network, weights, tape, delta, training)[1]
    return value, [g if learn else 0 * g for g, learn in zip(gradients, learns(network), strict=True)]


def train(network, weights, loss, optimizer, x, y, batch_size, epochs, sample_weight=None):
    """The weights and the losses of the epochs after training in the order of the data."""
    rule, losses = oracle.Optimizer(optimizer), []
    for _ in range(epochs):
        total = 0.0
        for start in range(0, len(x), batch_size):
            rows = slice(start, start + batch_size)
            some = None if sample_weight is None else sample_weight[rows]
            value, gradients = value_and_gradient(network, weights, loss, x[rows], y[rows], True, some)
            total += value * len(x[rows])
            inputs = forward(network, weights, x[rows], True)[1]
            new, following = rule.apply(weights, gradients), []
            for layer, arrays, a in zip(network, arrays_of(network, weights), inputs, strict=True):
                is_norm = layer.get("kind") == "batch_norm" and layer.get("trainable", True)
                following += moved(layer, arrays, a) if is_norm else arrays
            weights = [n if learn else f for n, f, learn in zip(new, following, learns(network), strict=True)]
        losses.append(total / len(x))
    return weights, losses
