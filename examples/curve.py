"""Fit a noisy curve twice by gradient descent: with a network, and with the polynomial k0 + k1 x + ... + k5 x^5.

    python examples/curve.py [--epochs 1500] [--picture curve.png]

The network is a stack of layers, the polynomial a formula: fastbp traces it, differentiates it and compiles both.
Exits with 1 if the network does not come down to the noise, or the polynomial not to its least squares.
"""

import argparse
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import fastbp as bp

NOISE = 0.1
DEGREE = 5


def curve(x):
    """A swing that dies away, x from -1 to 1."""
    return np.exp(-1.2 * (x + 1)) * np.cos(3 * np.pi * (x + 1))


def polynomial(k, x):
    """k0 + k1 x + ... + k5 x^5."""
    return sum(k[i] * x**i for i in range(DEGREE + 1))


def squared_error(k, x, y):
    return bp.mean((polynomial(k, x) - y) ** 2)


def main():
    options = parse_options()
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(-1, 1, 400))
    y = curve(x) + NOISE * rng.normal(size=400)

    network = bp.Sequential([bp.Dense(32, "tanh"), bp.Dense(32, "tanh"), bp.Dense(1)], seed=0)
    k, history = fit_polynomial(x, y, options.epochs)
    for name, learnt in {
        "network 1-32-32-1": fit_network(network, x[:, None], y, options.epochs),
        "polynomial": history,
    }.items():
        rate = np.median(learnt.samples_per_second)
        print(f"{name:18s} mean squared error {learnt.history['loss'][-1]:.4f}, {rate:,.0f} samples/s")
    print("k0 ... k5 =", " ".join(f"{value:.3f}" for value in k))

    fine = np.linspace(-1, 1, 500)
    draw(x, y, fine, network.predict(fine[:, None], verbose=0), polynomial(k, fine), options)
    print(f"picture in {options.picture}")
    check(network.evaluate(x[:, None], y, verbose=0), squared_error(k, x, y), x, y)


# Both take two thirds of the epochs at the full learning rate, and the rest at a tenth to settle.


def fit_network(model, x, y, epochs):
    model.compile(bp.Adam(0.005), "mse")
    turn = 2 * epochs // 3
    model.fit(x, y, epochs=turn, batch_size=32, verbose=0)
    model.optimizer.learning_rate /= 10
    return model.fit(x, y, epochs=epochs, initial_epoch=turn, batch_size=32, verbose=0)


def fit_polynomial(x, y, epochs):
    turn = 2 * epochs // 3
    first = bp.fit_formula(squared_error, (x, y), np.zeros(DEGREE + 1), bp.Adam(0.02), turn, seed=0)
    second = bp.fit_formula(squared_error, (x, y), first.params, bp.Adam(0.002), epochs - turn, seed=1)
    return second.params, second.history


def check(network_error, polynomial_error, x, y):
    """The best that each can do is known: the noise's variance, and the least squares."""
    least_squares = np.mean((np.polyval(np.polyfit(x, y, DEGREE), x) - y) ** 2)
    if network_error > 1.5 * NOISE**2:
        sys.exit(f"the network's error {network_error:.4f} should come near the noise's {NOISE**2:.4f}")
    if polynomial_error > 1.02 * least_squares:
        sys.exit(f"the polynomial's error {polynomial_error:.4f} should come near the least, {least_squares:.4f}")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=1500)
    parser.add_argument("--picture", type=Path, default=Path(__file__).with_suffix(".png"))
    options = parser.parse_args()
    if options.epochs < 3:
        parser.error("--epochs must be at least 3")
    if not options.picture.parent.is_dir():
        parser.error(f"--picture: there is no folder {options.picture.parent}")
    return options


def draw(x, y, fine, network, polynomial, options):
    figure, axes = plt.subplots(figsize=(9, 5), layout="constrained")
    axes.scatter(x, y, s=8, color="0.65", label="400 noisy points")
    axes.plot(fine, curve(fine), color="black", linestyle=":", linewidth=1.5, label="the curve beneath")
    axes.plot(fine, polynomial, color="tab:orange", linewidth=2, label="polynomial $k_0 + k_1 x + \\dots + k_5 x^5$")
    axes.plot(fine, network, color="tab:blue", linewidth=2, label="network 1-32-32-1, tanh")
    axes.set(title=f"Both fitted by gradient descent, {options.epochs} epochs", xlabel="x", ylabel="y")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(options.picture, dpi=150)


if __name__ == "__main__":
    main()
