"""Whether a change of the code changed any bit of what is learnt.

    python asv_bench/checksums.py --write before.json       300 random fits: networks, losses, optimizers, types, threads
    python asv_bench/checksums.py --compare before.json     the same again; exits with 1 and names the fits that differ

Bits are those of one machine: compare runs on the same one, with the same versions of Numba and NumPy.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy as np

import fastbp as bp

ACTIVATIONS = ["linear", "relu", "selu", "tanh", "sigmoid", "softplus", "silu", "gelu", "elu", "leaky_relu"]
REGRESSION = ["mse", "mae", "huber", "log_cosh"]
OPTIMIZERS = [
    lambda: bp.SGD(0.01),
    lambda: bp.SGD(0.01, momentum=0.9),
    lambda: bp.SGD(0.01, momentum=0.9, nesterov=True, weight_decay=1e-3),
    lambda: bp.RMSprop(0.002),
    lambda: bp.RMSprop(0.002, momentum=0.5, centered=True),
    lambda: bp.Adagrad(0.01),
    lambda: bp.Adam(0.002),
    lambda: bp.Adam(0.002, amsgrad=True),
    lambda: bp.AdamW(0.002),
    lambda: bp.Nadam(0.002),
]


def bump(z):
    """An activation that is a formula."""
    return np.exp(-0.7 * z**2)


def smooth(y_true, y_pred):
    """A loss that is one."""
    return np.sqrt(1.3 + (y_true - y_pred) ** 2)


def problem(rng):
    """A kind of task: the loss, the last layer, the targets for so many rows, the metrics."""
    units = int(rng.choice([1, 2, 3, 7, 10, 33]))
    kind = rng.choice(["regression", "poisson", "custom", "binary", "classes", "labels"])
    if kind == "binary":
        logits = bool(rng.integers(2))
        loss = bp.losses.BinaryCrossentropy(from_logits=logits, label_smoothing=float(rng.choice([0, 0.1])))
        return loss, bp.Dense(units, None if logits else "sigmoid"), lambda n: rng.integers(0, 2, (n, units)), ["accuracy"]
    if kind in ("classes", "labels"):
        units = max(units, 2)
        last = bp.Dense(units, "softmax")
        if kind == "labels":
            return "sparse_categorical_crossentropy", last, lambda n: rng.integers(0, units, n), ["accuracy"]
        return "categorical_crossentropy", last, lambda n: np.eye(units)[rng.integers(0, units, n)], ["accuracy"]
    loss = {"regression": str(rng.choice(REGRESSION)), "poisson": "poisson", "custom": smooth}[kind]
    last = bp.Dense(units, "softplus" if kind == "poisson" else None)
    return loss, last, lambda n: rng.random((n, units)), ["mae", "r2"]


def fit(seed):
    """The digest of one random fit: its history, its weights, its predictions."""
    rng = np.random.default_rng([20261127, seed])
    loss, last, targets, metrics = problem(rng)
    names = [*ACTIVATIONS, bump]
    hidden = [
        bp.Dense(int(rng.choice([3, 8, 16, 31, 64, 100, 257])), names[rng.integers(len(names))], use_bias=bool(rng.integers(4)))
        for _ in range(rng.integers(0, 4))
    ]
    dtype, features, samples = (
        str(rng.choice(["float32", "float64"])),
        int(rng.choice([1, 5, 17, 64])),
        int(rng.integers(20, 700)),
    )
    x, y = rng.normal(size=(samples, features)).astype(dtype), targets(samples)
    model = bp.Sequential([*hidden, last], seed=seed, dtype=dtype)
    model.compile(OPTIMIZERS[rng.integers(len(OPTIMIZERS))](), loss, metrics=metrics if rng.integers(2) else None)
    batch, threads = int(rng.choice([1, 7, 32, 100, 1000])), int(rng.integers(1, 4))
    held_out = 0.2 if rng.integers(2) else 0.0
    history = model.fit(x, y, batch, epochs=2, verbose=0, validation_split=held_out, threads=threads)
    digest = hashlib.sha256()
    for values in history.history.values():
        digest.update(np.array(values).tobytes())
    for array in [*model.get_weights(), model.predict(x, threads=threads)]:
        digest.update(array.tobytes())
    value, gradients = model.value_and_gradient(x, y)
    digest.update(np.array(value).tobytes() + b"".join(g.tobytes() for g in gradients))
    return digest.hexdigest()[:16]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fits", type=int, default=300)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--compare", type=Path)
    arguments = parser.parse_args()
    found = {str(seed): fit(seed) for seed in range(arguments.fits)}
    if arguments.write:
        arguments.write.write_text(json.dumps(found, indent=0))
    if arguments.compare:
        before = json.loads(arguments.compare.read_text())
        differing = [seed for seed, digest in found.items() if before.get(seed) != digest]
        print(f"{len(found) - len(differing)} of {len(found)} fits have the same bits; differing: {differing or 'none'}")
        return bool(differing)
    return 0


if __name__ == "__main__":
    sys.exit(main())
