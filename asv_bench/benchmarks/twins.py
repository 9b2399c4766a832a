"""The plain twins of the kernels: what they compute, in NumPy."""

import numpy as np
from scipy.special import erf

from .finder import activation as elementwise
from .finder import codes, loss
from .finder import optimizer as update

ROOT_2, ROOT_2_PI, ROOT_2_OVER_PI = np.sqrt(2), np.sqrt(2 * np.pi), np.sqrt(2 / np.pi)
SCALE, SCALED = elementwise.SELU_SCALE, elementwise.SELU_SCALE * elementwise.SELU_ALPHA
LEAK = 0.2


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def elu(z):
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def selu(z):
    return np.where(z > 0, SCALE * z, SCALED * np.expm1(np.minimum(z, 0)))


def gelu(z):
    return 0.5 * z * (1 + erf(z / ROOT_2))


def gelu_tanh(z):
    return 0.5 * z * (1 + np.tanh(ROOT_2_OVER_PI * (z + 0.044715 * z**3)))


# name: (code, its parameter, z -> a)
ACTIVATIONS = {
    "relu": (codes.RELU, 0.0, lambda z: np.maximum(z, 0)),
    "leaky_relu": (codes.LEAKY_RELU, LEAK, lambda z: np.where(z > 0, z, LEAK * z)),
    "elu": (codes.ELU, 1.0, elu),
    "selu": (codes.SELU, 0.0, selu),
    "tanh": (codes.TANH, 0.0, np.tanh),
    "sigmoid": (codes.SIGMOID, 0.0, sigmoid),
    "softplus": (codes.SOFTPLUS, 0.0, lambda z: np.logaddexp(0, z)),
    "silu": (codes.SILU, 0.0, lambda z: z * sigmoid(z)),
    "gelu": (codes.GELU, 0.0, gelu),
    "gelu_tanh": (codes.GELU_TANH, 0.0, gelu_tanh),
}

# name: a -> da/dz. For the activations that are not here the forward pass keeps the derivative.
DERIVATIVES = {
    "relu": lambda a: a > 0,
    "leaky_relu": lambda a: np.where(a > 0, 1, LEAK),
    "elu": lambda a: np.where(a > 0, 1, a + 1),
    "selu": lambda a: np.where(a > 0, SCALE, a + SCALED),
    "tanh": lambda a: 1 - a * a,
    "sigmoid": lambda a: a - a * a,
}


def huber(p, t):
    error = p - t
    return np.where(np.abs(error) <= 1, 0.5 * error * error, np.abs(error) - 0.5), np.clip(error, -1, 1)


def poisson(p, t):
    return p - t * np.log(p + loss.EPSILON), 1 - t / (p + loss.EPSILON)


def binary(p, t):
    return -t * np.log(p) - (1 - t) * np.log(1 - p), (p - t) / (p * (1 - p))


def binary_logits(z, t):
    return np.logaddexp(0, z) - z * t, sigmoid(z) - t


def categorical(p, t):
    share = p / p.sum(axis=1, keepdims=True)
    pull = t.sum(axis=1, keepdims=True) - t / share
    return -t * np.log(share), pull / p.sum(axis=1, keepdims=True)


def categorical_logits(z, t):
    p = softmax(z)
    return -t * np.log(p), p * t.sum(axis=1, keepdims=True) - t


def sparse_logits(z, labels):
    p, rows = softmax(z), np.arange(len(z))
    losses = -np.log(p[rows, labels])
    p[rows, labels] -= 1
    return losses[:, None], p


# name: (code, its parameter, what the targets are, (output, target) -> (losses, derivatives))
LOSSES = {
    "mse": (codes.MSE, 0.0, "numbers", lambda p, t: ((p - t) ** 2, 2 * (p - t))),
    "mae": (codes.MAE, 0.0, "numbers", lambda p, t: (np.abs(p - t), np.sign(p - t))),
    "huber": (codes.HUBER, 1.0, "numbers", huber),
    "log_cosh": (codes.LOG_COSH, 0.0, "numbers", lambda p, t: (np.log(np.cosh(p - t)), np.tanh(p - t))),
    "poisson": (codes.POISSON, 0.0, "numbers", poisson),
    "binary": (codes.BINARY_CROSSENTROPY, 0.0, "numbers", binary),
    "binary_logits": (codes.BINARY_CROSSENTROPY_LOGITS, 0.0, "numbers", binary_logits),
    "categorical": (codes.CATEGORICAL_CROSSENTROPY, 0.0, "shares", categorical),
    "categorical_logits": (codes.CATEGORICAL_CROSSENTROPY_LOGITS, 0.0, "shares", categorical_logits),
    "sparse_categorical_logits": (codes.SPARSE_CROSSENTROPY_LOGITS, 0.0, "labels", sparse_logits),
}


def sgd(h, w, g, state):
    w -= h[update.RATE] * g


def momentum(h, w, g, state):
    state[0][:] = h[update.BETA_1] * state[0] - h[update.RATE] * g
    w += state[0]


def nesterov(h, w, g, state):
    state[0][:] = h[update.BETA_1] * state[0] - h[update.RATE] * g
    w += h[update.BETA_1] * state[0] - h[update.RATE] * g


def rmsprop(h, w, g, state):
    state[0][:] = h[update.BETA_1] * state[0] + h[update.ONE_MINUS_BETA_1] * g * g
    w -= h[update.RATE] * g / np.sqrt(state[0] + h[update.EPSILON])


def adagrad(h, w, g, state):
    state[0] += g * g
    w -= h[update.RATE] * g / np.sqrt(state[0] + h[update.EPSILON])


def _moments(h, g, state):
    m, v = state
    m += h[update.ONE_MINUS_BETA_1] * (g - m)
    v += h[update.ONE_MINUS_BETA_2] * (g * g - v)
    return m, v


def adam(h, w, g, state):
    m, v = _moments(h, g, state)
    w -= h[update.ALPHA] * m / (np.sqrt(v) + h[update.EPSILON])


def nadam(h, w, g, state):
    m, v = _moments(h, g, state)
    m_hat = h[update.NADAM_M] * m + h[update.NADAM_G] * g
    w -= h[update.RATE] * m_hat / (np.sqrt(v * h[update.NADAM_V]) + h[update.EPSILON])


# name: (code, (scalars, w, g, state), which overwrites w and the state)
UPDATES = {
    "sgd": (codes.SGD, sgd),
    "momentum": (codes.MOMENTUM, momentum),
    "nesterov": (codes.NESTEROV, nesterov),
    "rmsprop": (codes.RMSPROP, rmsprop),
    "adagrad": (codes.ADAGRAD, adagrad),
    "adam": (codes.ADAM, adam),
    "nadam": (codes.NADAM, nadam),
}
