"""The oracle's activations and their derivatives, by Keras's definitions."""

import math

import numpy as np

SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


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
