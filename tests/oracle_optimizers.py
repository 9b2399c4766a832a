"""Optimizers as a textbook writes them: plain NumPy in float64, nothing taken from fastbp. The definitions are Keras 3's.

A rule takes the settings, the state of one array (a dictionary that it changes), the gradient, the number of this update (1,
2, ...), and returns what to add to the array.
"""

import math

import numpy as np


def sgd(o, state, g, step):
    momentum = o.get("momentum", 0.0)
    if momentum == 0:
        return -o["learning_rate"] * g
    state["m"] = momentum * state.get("m", 0) - o["learning_rate"] * g
    return momentum * state["m"] - o["learning_rate"] * g if o.get("nesterov", False) else state["m"]


def rmsprop(o, state, g, step):
    rho, spread = o.get("rho", 0.9), o.get("epsilon", 1e-7)
    state["v"] = rho * state.get("v", 0) + (1 - rho) * g**2
    spread = spread + state["v"]
    if o.get("centered", False):
        state["average"] = rho * state.get("average", 0) + (1 - rho) * g
        spread = spread - state["average"] ** 2
    change = o["learning_rate"] * g / np.sqrt(spread)
    state["momentum"] = o.get("momentum", 0.0) * state.get("momentum", 0) + change
    return -state["momentum"]


def adagrad(o, state, g, step):
    state["sum"] = state.get("sum", o.get("initial_accumulator_value", 0.1)) + g**2
    return -o["learning_rate"] * g / np.sqrt(state["sum"] + o.get("epsilon", 1e-7))


def adam(o, state, g, step):
    beta_1, beta_2 = o.get("beta_1", 0.9), o.get("beta_2", 0.999)
    state["m"] = beta_1 * state.get("m", 0) + (1 - beta_1) * g
    state["v"] = beta_2 * state.get("v", 0) + (1 - beta_2) * g**2
    v = state["v"]
    if o.get("amsgrad", False):
        v = state["v_hat"] = np.maximum(state.get("v_hat", 0), v)
    rate = o["learning_rate"] * math.sqrt(1 - beta_2**step) / (1 - beta_1**step)
    return -rate * state["m"] / (np.sqrt(v) + o.get("epsilon", 1e-7))


def nadam(o, state, g, step):
    beta_1, beta_2 = o.get("beta_1", 0.9), o.get("beta_2", 0.999)
    u = beta_1 * (1 - 0.5 * 0.96**step)
    u_next = beta_1 * (1 - 0.5 * 0.96 ** (step + 1))
    product = state["product"] = state.get("product", 1) * u
    state["m"] = beta_1 * state.get("m", 0) + (1 - beta_1) * g
    state["v"] = beta_2 * state.get("v", 0) + (1 - beta_2) * g**2
    m_hat = u_next * state["m"] / (1 - product * u_next) + (1 - u) * g / (1 - product)
    v_hat = state["v"] / (1 - beta_2**step)
    return -o["learning_rate"] * m_hat / (np.sqrt(v_hat) + o.get("epsilon", 1e-7))


def adamax(o, state, g, step):
    beta_1, beta_2 = o.get("beta_1", 0.9), o.get("beta_2", 0.999)
    state["m"] = beta_1 * state.get("m", 0) + (1 - beta_1) * g
    state["u"] = np.maximum(beta_2 * state.get("u", 0), np.abs(g))
    return -o["learning_rate"] / (1 - beta_1**step) * state["m"] / (state["u"] + o.get("epsilon", 1e-7))


def adadelta(o, state, g, step):
    rho, epsilon = o.get("rho", 0.95), o.get("epsilon", 1e-7)
    state["v"] = rho * state.get("v", 0) + (1 - rho) * g**2
    move = np.sqrt(state.get("x", 0) + epsilon) / np.sqrt(state["v"] + epsilon) * g
    state["x"] = rho * state.get("x", 0) + (1 - rho) * move**2
    return -o["learning_rate"] * move


def lion(o, state, g, step):
    beta_1, beta_2, m = o.get("beta_1", 0.9), o.get("beta_2", 0.99), state.get("m", 0)
    state["m"] = beta_2 * m + (1 - beta_2) * g
    return -o["learning_rate"] * np.sign(beta_1 * m + (1 - beta_1) * g)


OPTIMIZERS = {"sgd": sgd, "rmsprop": rmsprop, "adagrad": adagrad, "adam": adam, "adamw": adam, "nadam": nadam}
OPTIMIZERS |= {"adamax": adamax, "adadelta": adadelta, "lion": lion}
DEFAULT_DECAY = {"adamw": 0.004}


def norm(gradients):
    return math.sqrt(sum((g**2).sum() for g in gradients))


def clip(o, gradients):
    """The gradients that the rule sees. A norm is that of one variable, or of all together."""
    if "clipvalue" in o:
        return [np.clip(g, -o["clipvalue"], o["clipvalue"]) for g in gradients]
    if "clipnorm" in o:
        return [g * min(1, o["clipnorm"] / (norm([g]) or 1)) for g in gradients]
    if "global_clipnorm" in o:
        return [g * min(1, o["global_clipnorm"] / (norm(gradients) or 1)) for g in gradients]
    return gradients


class Optimizer:
    """The state of one optimizer for a list of arrays.

    ``decays`` is a flag for each array, where not all decay. After ``apply`` the weights' averages are in ``averages``.
    """

    def __init__(self, settings, decays=None):
        self.settings, self.decays = settings, decays
        self.step, self.updates, self.states, self.total, self.averages = 0, 0, None, None, None

    def apply(self, weights, gradients, learning_rate=None):
        """One step: the new arrays. It may be one that only adds up gradients."""
        o, updates = self.settings, self.updates
        o = o if learning_rate is None else {**o, "learning_rate": learning_rate}
        count, self.step = o.get("gradient_accumulation_steps", 1), self.step + 1
        self.total = [t + g for t, g in zip(self.total or [0.0] * len(gradients), gradients, strict=True)]
        if self.step % count == 0:
            weights = self.update(o, weights, clip(o, [t / count for t in self.total]))
            self.total = None
        if o.get("use_ema"):
            weights = self.average(o, weights, updates)
        return weights

    def update(self, o, weights, gradients):
        """Weight decay shrinks the arrays before the rule moves them."""
        self.updates += 1
        self.states = self.states or [{} for _ in weights]
        decay = o.get("weight_decay", DEFAULT_DECAY.get(o["name"])) or 0.0
        decays = [decay * flag * o["learning_rate"] for flag in self.decays or [True] * len(weights)]
        rule = OPTIMIZERS[o["name"]]
        changes = [rule(o, state, g, self.updates) for g, state in zip(gradients, self.states, strict=True)]
        return [w - w * d + c for w, d, c in zip(weights, decays, changes, strict=True)]

    def average(self, o, weights, updates):
        """Keras counts updates here, but averages at every step."""
        keep = o.get("ema_momentum", 0.99) if updates else 0.0
        before = self.averages or weights
        self.averages = [keep * a + (1 - keep) * w for a, w in zip(before, weights, strict=True)]
        frequency = o.get("ema_overwrite_frequency")
        return list(self.averages) if frequency and (updates + 1) % frequency == 0 else weights
