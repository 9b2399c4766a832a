"""Backpropagation as a textbook writes it: plain NumPy in float64, nothing clever, nothing taken from fastbp.

A network is a list of layers, each a dictionary such as ``{"activation": "elu", "alpha": 1.0, "use_bias": True}`` (only
``activation`` is needed; ``settings`` hold what else an activation has by Keras's names; with ``"trainable": False`` its
weights stay as they are, with ``"norm"`` its outputs are normalized as oracle_norm.py says, or with ``"norm_first": True``
its weighted sums). Its weights are one flat list: kernel (in, out), bias (out,), vectors of the normalization, kernel, ...
A loss is a dictionary such as ``{"name": "huber", "delta": 1.0}``, an optimizer one such as ``{"name": "adam",
"learning_rate": 0.001}``. What is left out has Keras's default. The definitions are Keras 3's.
"""

import math

import numpy as np

import oracle_norm
from oracle_optimizers import Optimizer  # noqa: F401

EPSILON = 1e-7  # how far Keras keeps probabilities from 0 and 1
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946

# ---------------------------------------------------------------------------------------------------- activations


def sigmoid(z):
    power = np.exp(-np.abs(z))  # never overflows
    return np.where(z >= 0, 1 / (1 + power), power / (1 + power))


def softplus(z):
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def softmax(z):
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def log_softmax(z):
    shifted = z - z.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def normal_cdf(z):
    return np.vectorize(math.erfc, otypes=[float])(-z / math.sqrt(2)) / 2


def normal_pdf(z):
    return np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


def gelu_tanh_gate(z):
    """(1 + tanh u) / 2 = sigmoid(2 u) for the u of the tanh formula, and its derivative."""
    u, u_slope = z + 0.044715 * z**3, 1 + 3 * 0.044715 * z**2
    scale = 2 * math.sqrt(2 / math.pi)
    return sigmoid(scale * u), sigmoid(scale * u) * sigmoid(-scale * u) * scale * u_slope


def gelu_tanh_slope(z):
    gate, gate_slope = gelu_tanh_gate(z)
    return gate + z * gate_slope


# name: (value at z, derivative at z); alpha is the parameter of leaky_relu and elu
ACTIVATIONS = {
    "linear": (lambda z, alpha: z, lambda z, alpha: np.ones_like(z)),
    "relu": (lambda z, alpha: np.maximum(z, 0), lambda z, alpha: np.where(z > 0, 1.0, 0.0)),
    "leaky_relu": (lambda z, alpha: np.where(z > 0, z, alpha * z), lambda z, alpha: np.where(z > 0, 1.0, alpha)),
    "elu": (
        lambda z, alpha: np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0))),
        lambda z, alpha: np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0))),
    ),
    "selu": (
        lambda z, alpha: SELU_SCALE * np.where(z > 0, z, SELU_ALPHA * np.expm1(np.minimum(z, 0))),
        lambda z, alpha: SELU_SCALE * np.where(z > 0, 1.0, SELU_ALPHA * np.exp(np.minimum(z, 0))),
    ),
    "tanh": (lambda z, alpha: np.tanh(z), lambda z, alpha: 1 - np.tanh(z) ** 2),
    "sigmoid": (lambda z, alpha: sigmoid(z), lambda z, alpha: sigmoid(z) * sigmoid(-z)),
    "softplus": (lambda z, alpha: softplus(z), lambda z, alpha: sigmoid(z)),
    "silu": (lambda z, alpha: z * sigmoid(z), lambda z, alpha: sigmoid(z) + z * sigmoid(z) * sigmoid(-z)),
    "gelu": (lambda z, alpha: z * normal_cdf(z), lambda z, alpha: normal_cdf(z) + z * normal_pdf(z)),
    "gelu_tanh": (lambda z, alpha: z * gelu_tanh_gate(z)[0], lambda z, alpha: gelu_tanh_slope(z)),
}
DEFAULT_ALPHA = {"leaky_relu": 0.2, "elu": 1.0}


def between(low, z, high, inside, below, above):
    """``inside`` between two kinks, which belong to the sides beyond."""
    return np.where(z <= low, below, np.where(z >= high, above, inside))


def relu(z, negative_slope=0.0, max_value=None, threshold=0.0):
    top = np.inf if max_value is None else max_value
    return np.where(z > threshold, np.minimum(z, top), negative_slope * (z - threshold))


def relu_slope(z, negative_slope=0.0, max_value=None, threshold=0.0):
    top = np.inf if max_value is None else max_value
    return np.where(z > threshold, np.where(z < top, 1.0, 0.0), negative_slope)


def squareplus(z, b=4):
    root = np.sqrt(z * z + b)
    return np.where(z > 0, (z + root) / 2, b / 2 / (root - z))  # (z + root) (root - z) = b


def squareplus_slope(z, b=4):
    return squareplus(z, b) / np.sqrt(z * z + b)


def mish_slope(z):
    t = np.tanh(softplus(z))
    return t + z * (1 - t) * (1 + t) * sigmoid(z)


def outside(z, threshold):
    return np.where(np.abs(z) > threshold, 1.0, 0.0)


# name: (value at z, derivative at z), each with the activation's settings as Keras names them
FORMULAS = {
    "relu": (relu, relu_slope),
    "relu6": (lambda z: np.clip(z, 0, 6), lambda z: between(0, z, 6, 1.0, 0.0, 0.0)),
    "celu": (
        lambda z, alpha=1.0: np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0) / alpha)),
        lambda z, alpha=1.0: np.where(z > 0, 1.0, np.exp(np.minimum(z, 0) / alpha)),
    ),
    "exponential": (np.exp, np.exp),
    "log_sigmoid": (lambda z: -softplus(-z), lambda z: sigmoid(-z)),
    "softsign": (lambda z: z / (1 + np.abs(z)), lambda z: 1 / (1 + np.abs(z)) ** 2),
    "squareplus": (squareplus, squareplus_slope),
    "mish": (lambda z: z * np.tanh(softplus(z)), mish_slope),
    "hard_sigmoid": (lambda z: np.clip(z / 6 + 0.5, 0, 1), lambda z: between(-3, z, 3, 1 / 6, 0.0, 0.0)),
    "hard_silu": (lambda z: z * np.clip(z / 6 + 0.5, 0, 1), lambda z: between(-3, z, 3, z / 3 + 0.5, 0.0, 1.0)),
    "hard_tanh": (lambda z: np.clip(z, -1, 1), lambda z: between(-1, z, 1, 1.0, 0.0, 0.0)),
    "tanh_shrink": (lambda z: z - np.tanh(z), lambda z: np.tanh(z) ** 2),
    "hard_shrink": (lambda z, threshold=0.5: z * outside(z, threshold), lambda z, threshold=0.5: outside(z, threshold)),
    "soft_shrink": (
        lambda z, threshold=0.5: np.sign(z) * np.maximum(np.abs(z) - threshold, 0),
        lambda z, threshold=0.5: outside(z, threshold),
    ),
    "threshold": (
        lambda z, threshold, default_value: np.where(z > threshold, z, default_value),
        lambda z, threshold, default_value: np.where(z > threshold, 1.0, 0.0),
    ),
    "sparse_plus": (
        lambda z: between(-1, z, 1, (z + 1) ** 2 / 4, 0.0, z),
        lambda z: between(-1, z, 1, (z + 1) / 2, 0.0, 1.0),
    ),
    "sparse_sigmoid": (lambda z: np.clip((z + 1) / 2, 0, 1), lambda z: between(-1, z, 1, 0.5, 0.0, 0.0)),
}


def sparsemax(z):
    """The probabilities nearest to z: what is above a threshold, which follows from how many units are above it."""
    z = z - z.max(axis=1, keepdims=True)  # the same for all units: no change, but more digits
    falling = -np.sort(-z, axis=1)
    shares = (falling.cumsum(axis=1) - 1) / np.arange(1, z.shape[1] + 1)
    count = (falling > shares).sum(axis=1)
    return np.maximum(z - shares[np.arange(len(z)), count - 1][:, None], 0)


def softmax_backward(z, da):
    a = softmax(z)
    return a * (da - (da * a).sum(axis=1, keepdims=True))


def log_softmax_backward(z, da):
    return da - softmax(z) * da.sum(axis=1, keepdims=True)


def sparsemax_backward(z, da):
    kept = sparsemax(z) > 0
    return kept * (da - (da * kept).sum(axis=1, keepdims=True) / kept.sum(axis=1, keepdims=True))


def glu(z):
    a, b = np.split(z, 2, axis=1)
    return a * sigmoid(b)


def glu_backward(z, da):
    a, b = np.split(z, 2, axis=1)
    return np.concatenate([da * sigmoid(b), da * a * sigmoid(b) * sigmoid(-b)], axis=1)


# name: (value of rows, from the gradient with respect to it to that with respect to z)
WHOLE_ROWS = {
    "softmax": (softmax, softmax_backward),
    "log_softmax": (log_softmax, log_softmax_backward),
    "sparsemax": (sparsemax, sparsemax_backward),
    "glu": (glu, glu_backward),
}


def prelu(z, alpha):
    return np.where(z > 0, z, alpha * z)


def prelu_backward(z, alpha, da):
    """The gradients with respect to z and to alpha."""
    return da * np.where(z > 0, 1.0, alpha), (da * np.minimum(z, 0)).sum(axis=0)


def alpha_of(layer):
    return layer.get("alpha", DEFAULT_ALPHA.get(layer["activation"], 0.0))


def activate(layer, z):
    """The layer's output for its pre-activation z."""
    if layer["activation"] in WHOLE_ROWS:
        return WHOLE_ROWS[layer["activation"]][0](z)
    if "settings" in layer or layer["activation"] not in ACTIVATIONS:
        return FORMULAS[layer["activation"]][0](z, **layer.get("settings", {}))
    value, _ = ACTIVATIONS[layer["activation"]]
    return value(z, alpha_of(layer))


def through_activation(layer, z, da):
    """From the gradient with respect to the layer's output to that with respect to its pre-activation z."""
    if layer["activation"] in WHOLE_ROWS:
        return WHOLE_ROWS[layer["activation"]][1](z, da)
    if "settings" in layer or layer["activation"] not in ACTIVATIONS:
        return da * FORMULAS[layer["activation"]][1](z, **layer.get("settings", {}))
    _, derivative = ACTIVATIONS[layer["activation"]]
    return da * derivative(z, alpha_of(layer))


# --------------------------------------------------------------------------------------------------------- losses


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


# -------------------------------------------------------------------------------------------------------- network


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
