"""Fit a noisy curve twice by gradient descent: with a network, and with the polynomial k0 + k1 x + ... + k5 x^5.

    python examples/curve.py [--epochs 1500] [--picture curve.png]

The polynomial is a network as well: one layer of one unit that sees x, x^2, ..., x^5. Its kernel is k1 to k5, its bias k0.
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


def powers(x):
    """x, x^2, ..., x^5 as columns."""
    return x[:, None] ** np.arange(1, DEGREE + 1)


def main():
    options = parse_options()
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(-1, 1, 400))
    y = curve(x) + NOISE * rng.normal(size=400)

    network = bp.Sequential([bp.Dense(32, "tanh"), bp.Dense(32, "tanh"), bp.Dense(1)], seed=0)
    polynomial = bp.Sequential([bp.Dense(1, kernel_initializer="zeros")], seed=0)
    histories = {
        "network 1-32-32-1": fit(network, x[:, None], y, 0.005, options.epochs),
        "polynomial": fit(polynomial, powers(x), y, 0.02, options.epochs),
    }
    for name, history in histories.items():
        rate = np.median(history.samples_per_second)
        print(f"{name:18s} mean squared error {history.history['loss'][-1]:.4f}, {rate:,.0f} samples/s")
    kernel, bias = polynomial.get_weights()
    print("k0 ... k5 =", " ".join(f"{k:.3f}" for k in [*bias, *kernel[:, 0]]))

    fine = np.linspace(-1, 1, 500)
    draw(x, y, fine, network.predict(fine[:, None], verbose=0), polynomial.predict(powers(fine), verbose=0), options)
    print(f"picture in {options.picture}")
    check(network.evaluate(x[:, None], y, verbose=0), polynomial.evaluate(powers(x), y, verbose=0), x, y)


def fit(model, x, y, learning_rate, epochs):
    """Two thirds of the epochs at the full rate, and the rest at a tenth to settle."""
    model.compile(bp.Adam(learning_rate), "mse")
    turn = 2 * epochs // 3
    first = model.fit(x, y, epochs=turn, batch_size=32, verbose=0)
    model.optimizer.learning_rate = learning_rate / 10
    second = model.fit(x, y, epochs=epochs, initial_epoch=turn, batch_size=32, verbose=0)
    for key, values in second.history.items():
        second.history[key] = first.history[key] + values
    return second


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
