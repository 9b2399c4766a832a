"""Backpropagation with other matrices than the transposed weights, as its papers write it: plain NumPy in float64.

On the oracle's networks. ``matrices`` has one for each layer, laid out as its kernel is: (inputs, errors).

alignment   the error of layer l goes back through its fixed matrix (Lillicrap et al. 2016)
direct      that of the last layer goes to each layer below through a fixed matrix of its own (Nøkland 2016)
sign        that of layer l goes back through fixed magnitudes with the signs of its weights (Liao et al. 2016)
"""

import numpy as np

import oracle


def backward(kind, matrices, network, weights, tape, delta, fused=False):
    """What the weights move along, in their order. Arguments as of ``oracle.backward``."""
    arrays, updates, last = oracle.layer_weights(network, weights), [], len(network) - 1
    error = delta
    for i in reversed(range(len(network))):
        (a, _, values), (kernel, bias, vectors), own = tape[i], arrays[i], []
        if not (fused and i == last):
            for (_, gradient), z in zip(reversed(oracle.steps_of(network[i], vectors)), reversed(values), strict=True):
                delta, of_vectors = gradient(z, delta)
                own += of_vectors
        updates = [a.T @ delta] + ([delta.sum(axis=0)] if bias is not None else []) + own + updates
        if i == last or kind != "direct":
            error = delta
        matrix = np.copysign(matrices[i], kernel) if kind == "sign" else matrices[i]
        delta = error @ matrix.T
    return updates


def value_and_updates(kind, matrices, network, weights, loss, x, y, sample_weight=None):
    """The loss of one batch, and what the weights move along: 0 for those that do not learn."""
    output, tape = oracle.forward(network, weights, x)
    fused = oracle.is_fused(network, loss)
    value, delta = oracle.loss_value_and_gradient(loss, tape[-1][1] if fused else output, y, fused, sample_weight)
    updates = backward(kind, matrices, network, weights, tape, delta, fused)
    return value, [u if learns else np.zeros_like(u) for u, learns in zip(updates, oracle.trainable(network), strict=True)]


def train_epoch(kind, matrices, network, weights, loss, optimizer, x, y, batch_size):
    """One pass over the data in its order: the new weights and the mean loss of the samples."""
    total, learns = 0.0, oracle.trainable(network)
    for start in range(0, len(x), batch_size):
        rows = slice(start, start + batch_size)
        value, updates = value_and_updates(kind, matrices, network, weights, loss, x[rows], y[rows])
        new = optimizer.apply(weights, updates)
        weights = [n if learn else w for n, w, learn in zip(new, weights, learns, strict=True)]
        total += value * len(x[rows])
    return weights, total / len(x)


def angle(one, other):
    """The angle between two lists of arrays, in degrees."""
    a, b = (np.concatenate([np.ravel(array) for array in arrays]).astype(np.float64) for arrays in (one, other))
    return np.degrees(np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1)))
