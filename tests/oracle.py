"""Backpropagation as a textbook writes it: plain NumPy in float64, nothing clever, nothing taken from fastbp.

A network is a list of layers, each a dictionary such as ``{"activation": "elu", "alpha": 1.0, "use_bias": True}`` (only
``activation`` is needed; ``settings`` hold what else an activation has by Keras's names; with ``"trainable": False`` its
weights stay as they are, with ``"norm"`` its outputs are normalized as oracle_norm.py says, or with ``"norm_first": True``
its weighted sums). Its weights are one flat list: kernel (in, out), bias (out,), vectors of the normalization, kernel, ...
A loss is a dictionary such as ``{"name": "huber", "delta": 1.0}``, an optimizer one such as ``{"name": "adam",
"learning_rate": 0.001}``. What is left out has Keras's default. The definitions are Keras 3's.
"""

import numpy as np

import oracle_norm
from oracle_activations import (  # noqa: F401
    ACTIVATIONS,
    FORMULAS,
    SELU_ALPHA,
    SELU_SCALE,
    WHOLE_ROWS,
    activate,
    glu,
    glu_backward,
    prelu,
    prelu_backward,
    relu,
    sigmoid,
    softmax,
    softplus,
    sparsemax,
    through_activation,
)
from oracle_losses import is_fused, loss_value_and_gradient  # noqa: F401
from oracle_optimizers import Optimizer  # noqa: F401


def layer_weights(network, weights):
    """The flat list of weights as one (kernel, bias, vectors) for each layer; bias is None where the layer has none."""
    weights, found = list(weights), []
    for layer in network:
        kernel = weights.pop(0)
        bias = weights.pop(0) if layer.get("use_bias", True) else None
        found.append((kernel, bias, [weights.pop(0) for _ in range(count_vectors(layer))]))
    return found


def count_vectors(layer):
    """How many weights of a layer are a number for each unit, apart from the bias."""
    return len(oracle_norm.vectors_of(layer["norm"])) if "norm" in layer else 0


def steps_of(layer, vectors):
    """What becomes of the weighted sums z: for each step (value at z, gradients with respect to z and to vectors)."""
    steps = [(lambda z: activate(layer, z), lambda z, d: (through_activation(layer, z, d), []))]
    if "norm" in layer:
        norm = layer["norm"]
        normalize = lambda z: oracle_norm.forward(norm, vectors, z)  # noqa: E731
        place = 0 if layer.get("norm_first") else 1
        steps.insert(place, (normalize, lambda z, d: oracle_norm.backward(norm, vectors, z, d)))
    return steps


def forward(network, weights, x):
    """Outputs of the network, and what backward needs: each layer's input, pre-activation and inputs of each step."""
    a, tape = np.asarray(x, dtype=np.float64), []
    for layer, (kernel, bias, vectors) in zip(network, layer_weights(network, weights), strict=True):
        z = a @ kernel if bias is None else a @ kernel + bias
        values = [z]
        for value, _ in steps_of(layer, vectors):
            values.append(value(values[-1]))
        tape.append((a, z, values[:-1]))
        a = values[-1]
    return a, tape


def backward(network, weights, tape, delta, fused=False):
    """Gradients with respect to x and to the weights, in the order of the weights.

    ``delta`` is the gradient with respect to the output, or with ``fused`` to the last layer's pre-activation.
    """
    arrays, gradients = layer_weights(network, weights), []
    for i in reversed(range(len(network))):
        (a, _, values), (kernel, bias, vectors), own = tape[i], arrays[i], []
        if not (fused and i == len(network) - 1):
            for (_, gradient), z in zip(reversed(steps_of(network[i], vectors)), reversed(values), strict=True):
                delta, of_vectors = gradient(z, delta)
                own += of_vectors
        gradients = [a.T @ delta] + ([delta.sum(axis=0)] if bias is not None else []) + own + gradients
        delta = delta @ kernel.T
    return delta, gradients


def trainable(network):
    """For each array of the weights whether it learns."""
    return [
        layer.get("trainable", True) for layer in network for _ in range(1 + layer.get("use_bias", True) + count_vectors(layer))
    ]


def value_and_gradient(network, weights, loss, x, y, sample_weight=None):
    """The loss of one batch and its gradients in the order of the weights: 0 for those that do not learn."""
    output, tape = forward(network, weights, x)
    fused = is_fused(network, loss)
    value, delta = loss_value_and_gradient(loss, tape[-1][1] if fused else output, y, fused, sample_weight)
    gradients = backward(network, weights, tape, delta, fused)[1]
    return value, [g if learns else np.zeros_like(g) for g, learns in zip(gradients, trainable(network), strict=True)]


# -------------------------------------------------------------------------------------------------------- training


def train_epoch(network, weights, loss, optimizer, x, y, batch_size, sample_weight=None, learning_rates=None):
    """One pass over the data in its order: the new weights and the mean loss of the samples.

    ``learning_rates``, one for each step, take the place of the optimizer's. Layers that are not trainable stay.
    """
    total, learns = 0.0, trainable(network)
    for step, start in enumerate(range(0, len(x), batch_size)):
        rows = slice(start, start + batch_size)
        weight = None if sample_weight is None else sample_weight[rows]
        value, gradients = value_and_gradient(network, weights, loss, x[rows], y[rows], weight)
        rate = None if learning_rates is None else learning_rates[step]
        new = optimizer.apply(weights, gradients, rate)
        weights = [n if learn else w for n, w, learn in zip(new, weights, learns, strict=True)]
        total += value * len(x[rows])
    return weights, total / len(x)
