"""Layers that are random while a network learns, in plain NumPy: the same random numbers from the same counters.

Beside the layers of ``oracle.py`` a network has dictionaries such as ``{"noise": "dropout", "rate": 0.3, "seed": 5}``; the seed
is the 64-bit integer that the layer's random numbers begin with. Nothing is taken from fastbp.
"""

import numpy as np

import oracle

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(z):
    """SplitMix64."""
    z = np.asarray(z, dtype=np.uint64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def unsigned(number):
    return np.uint64(number % 2**64)


def rounds(h, key, factor_1, factor_2):
    h = (h ^ (h >> np.uint32(16))) * np.uint32(factor_1)
    return ((h ^ (h >> np.uint32(15))) + key) * np.uint32(factor_2)


def two_bits(seed, step, rows, units):
    """Two numbers of 32 bits for each unit of each row of a batch (or pair of rows), in a step of training."""
    with np.errstate(over="ignore"):
        key = mix(mix(unsigned(step) * GOLDEN) + unsigned(seed))
        row = mix(key + np.arange(rows, dtype=np.uint64) * GOLDEN)[:, None]
        low, high = (row & np.uint64(2**32 - 1)).astype(np.uint32), (row >> np.uint64(32)).astype(np.uint32)
        first = rounds(low + np.arange(units, dtype=np.uint32) * np.uint32(0x9E3779B9), high, 0x7FEB352D, 0x846CA68B)
        return first, rounds(first, low, 0x21F0AAAD, 0xD35A2D97)


def kept(rate, seed, step, rows, units):
    """Whether a unit is not dropped."""
    bits, _ = two_bits(seed, step, rows, units)
    return (bits ^ np.uint32(2**31)) >= min(max(int(rate * 2**32 + 0.5), 1), 2**32 - 1)


def normal(seed, step, rows, units):
    """Numbers from the standard normal distribution (Box & Muller), a pair for each pair of rows."""
    first, second = two_bits(seed, step, (rows + 1) // 2, units)
    u, turns = ((first >> np.uint32(8)) + 1.0) / 2**24, (second.view(np.int32) >> 8) / 2**24
    size, angle = np.sqrt(-2 * np.log(u)), 2 * np.pi * turns
    return np.stack([size * np.cos(angle), size * np.sin(angle)], axis=1).reshape(-1, units)[:rows]


def disturb(layer, x, step):
    """The layer's output, and what a gradient with respect to it is to be multiplied by."""
    where = (layer["seed"], step, *x.shape)
    if layer["noise"] == "gaussian_noise":
        return x + layer["stddev"] * normal(*where), 1.0
    rate = layer["rate"]
    if layer["noise"] == "gaussian_dropout":
        factor = 1 + np.sqrt(rate / (1 - rate)) * normal(*where)
        return x * factor, factor
    mask = kept(rate, *where)
    if layer["noise"] == "dropout":
        return x * mask / (1 - rate), mask / (1 - rate)
    limit = -oracle.SELU_ALPHA * oracle.SELU_SCALE
    a = ((1 - rate) * (1 + rate * limit**2)) ** -0.5
    return a * np.where(mask, x, limit) - a * limit * rate, a * mask


def dense(network):
    return [layer for layer in network if "noise" not in layer]


def forward(network, weights, x, step):
    """Outputs of the network in a step of training, and for each layer its input and what else backward needs."""
    a, tape, arrays = np.asarray(x, dtype=np.float64), [], iter(oracle.layer_weights(dense(network), weights))
    for layer in network:
        if "noise" in layer:
            output, factor = disturb(layer, a, step)
            tape.append((a, factor, None))
        else:
            kernel, bias, vectors = found = next(arrays)
            values = [a @ kernel + (0 if bias is None else bias)]
            for value, _ in oracle.steps_of(layer, vectors):
                values.append(value(values[-1]))
            tape.append((a, values, found))
            output = values[-1]
        a = output
    return a, tape


def backward(network, tape, delta, fused=False):
    """Gradients with respect to x and to the weights, as ``oracle.backward``."""
    gradients = []
    for i in reversed(range(len(network))):
        (a, kept_of_forward, arrays), own = tape[i], []
        if arrays is None:
            delta = delta * kept_of_forward
            continue
        kernel, bias, vectors = arrays
        if not (fused and i == len(network) - 1):
            steps = oracle.steps_of(network[i], vectors)
            for (_, gradient), z in zip(reversed(steps), reversed(kept_of_forward[:-1]), strict=True):
                delta, of_vectors = gradient(z, delta)
                own += of_vectors
        gradients = [a.T @ delta] + ([delta.sum(axis=0)] if bias is not None else []) + own + gradients
        delta = delta @ kernel.T
    return delta, gradients


def value_and_gradient(network, weights, loss, x, y, step, sample_weight=None):
    """The loss of one batch in a step of training, and its gradients in the order of the weights."""
    output, tape = forward(network, weights, x, step)
    fused = "noise" not in network[-1] and oracle.is_fused(network, loss)
    seen = tape[-1][1][0] if fused else output
    value, delta = oracle.loss_value_and_gradient(loss, seen, y, fused, sample_weight)
    return value, backward(network, tape, delta, fused)[1]


def train(network, weights, loss, optimizer, x, y, batch_size, epochs, sample_weight=None):
    """Passes over the data in its order: the new weights, and the mean loss of the samples in each pass."""
    learns, losses, step = oracle.trainable(dense(network)), [], 0
    for _ in range(epochs):
        total = 0.0
        for start in range(0, len(x), batch_size):
            rows = slice(start, start + batch_size)
            weight = None if sample_weight is None else sample_weight[rows]
            value, gradients = value_and_gradient(network, weights, loss, x[rows], y[rows], step, weight)
            new = optimizer.apply(weights, gradients)
            weights = [n if learn else w for n, w, learn in zip(new, weights, learns, strict=True)]
            total, step = total + value * len(x[rows]), step + 1
        losses.append(total / len(x))
    return weights, losses
