"""Training with penalties and constraints, as Keras 3 defines them: plain NumPy in float64, upon ``oracle.py``.

A layer of a network may have ``kernel_regularizer``, ``bias_regularizer`` and ``activity_regularizer``, pairs (l1, l2), and
``kernel_constraint`` and ``bias_constraint``, dictionaries such as ``{"name": "max_norm", "max_value": 2.0}``.
"""

import numpy as np

import oracle

NOTHING = (0.0, 0.0)


def penalty(pair, x):
    l1, l2 = pair
    return l1 * np.abs(x).sum() + l2 * (x**2).sum()


def penalty_slope(pair, x):
    l1, l2 = pair
    return l1 * np.sign(x) + 2 * l2 * x


def constrain(constraint, w):
    """The array that a constraint makes of w."""
    name, axis = constraint["name"], constraint.get("axis", 0)
    if name == "non_neg":
        return np.maximum(w, 0)
    low, high, rate = {
        "max_norm": (0.0, constraint.get("max_value", 2.0), 1.0),
        "unit_norm": (1.0, 1.0, 1.0),
        "min_max_norm": (constraint.get("min_value", 0.0), constraint.get("max_value", 1.0), constraint.get("rate", 1.0)),
    }[name]
    norm = np.sqrt((w**2).sum(axis=axis, keepdims=True))
    return w * (rate * np.clip(norm, low, high) + (1 - rate) * norm) / (1e-7 + norm)


def rules_of(network, kind):
    """What there is of ``kernel_`` and ``bias_`` kind, for each array of the weights; None for layers that do not learn."""
    found = []
    for layer in network:
        names = ["kernel", "bias"] if layer.get("use_bias", True) else ["kernel"]
        found += [layer.get(f"{name}_{kind}") if layer.get("trainable", True) else None for name in names]
    return found


def value_and_gradient(network, weights, loss, x, y, sample_weight=None):
    """The loss of one batch with all penalties, and its gradients in the order of the weights."""
    output, tape = oracle.forward(network, weights, x)
    fused = oracle.is_fused(network, loss) and "activity_regularizer" not in network[-1]
    value, delta = oracle.loss_value_and_gradient(loss, tape[-1][1] if fused else output, y, fused, sample_weight)
    gradients, arrays = [], oracle.layer_weights(network, weights)
    for i in reversed(range(len(network))):
        layer, (a, z, _), (kernel, bias, _) = network[i], tape[i], arrays[i]
        activity, a_out = layer.get("activity_regularizer", NOTHING), oracle.activate(layer, z)
        value += penalty(activity, a_out) / len(x)
        if not (fused and i == len(network) - 1):
            delta = oracle.through_activation(layer, z, delta + penalty_slope(activity, a_out) / len(x))
        gradients = [a.T @ delta] + ([delta.sum(axis=0)] if bias is not None else []) + gradients
        delta = delta @ kernel.T
    for k, pair in enumerate(rules_of(network, "regularizer")):
        if pair is not None:
            value, gradients[k] = value + penalty(pair, weights[k]), gradients[k] + penalty_slope(pair, weights[k])
    return value, [g if learns else np.zeros_like(g) for g, learns in zip(gradients, oracle.trainable(network), strict=True)]


def train_epoch(network, weights, loss, optimizer, x, y, batch_size, sample_weight=None):
    """One pass over the data in its order: the new weights and the mean loss of the samples."""
    total, learns, constraints = 0.0, oracle.trainable(network), rules_of(network, "constraint")
    for start in range(0, len(x), batch_size):
        rows = slice(start, start + batch_size)
        weight = None if sample_weight is None else sample_weight[rows]
        value, gradients = value_and_gradient(network, weights, loss, x[rows], y[rows], weight)
        new = optimizer.apply(weights, gradients)
        weights = [n if learn else w for n, w, learn in zip(new, weights, learns, strict=True)]
        weights = [w if rule is None else constrain(rule, w) for w, rule in zip(weights, constraints, strict=True)]
        total += value * len(x[rows])
    return weights, total / len(x)
