"""Losses and an activation of one's own: how sure is a network of the curve it has fitted to noisy points?

    python examples/custom_loss.py [--epochs 300] [--picture custom_loss.png]

The points scatter more and more to the right. One network learns three quantiles of y at each x, with the pinball loss as a
formula. Another one learns the mean and the logarithm of the standard deviation, with the likelihood of a normal distribution
as a formula and exp(-z^2) as its activation. Both formulas are differentiated and compiled when they are first used.

Exits with 1 if the quantiles do not have their shares of fresh points below them, or the deviation is not that of the noise.
"""

import argparse
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import fastbp as bp

LEVELS = np.array([0.1, 0.5, 0.9])


def pinball(y_true, y_pred):
    """An error above costs 1 - level, one below costs the level: least where that share of the points is below."""
    error = y_true - y_pred
    return np.maximum(LEVELS * error, (LEVELS - 1) * error)


def gaussian_nll(y_true, y_pred):
    """Minus the logarithm of the normal density, without its constant."""
    mean, log_sigma = y_pred[:, 0], y_pred[:, 1]
    return log_sigma + 0.5 * ((y_true[:, 0] - mean) * bp.exp(-log_sigma)) ** 2


def gaussian(z):
    return bp.exp(-(z**2))


def curve(x):
    return np.sin(4 * x) + 0.5 * x


def sigma(x):
    """The standard deviation of the noise."""
    return 0.05 + 0.2 * (x + 1)


def sample(count, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(count, 1))
    return x, curve(x) + sigma(x) * rng.normal(size=(count, 1))


def main():
    options = parse_options()
    x, y = sample(4000, seed=0)
    quantiles = fit([bp.Dense(32, "tanh"), bp.Dense(32, "tanh"), bp.Dense(len(LEVELS))], pinball, x, y, options.epochs)
    normal = fit([bp.Dense(32, gaussian), bp.Dense(32, gaussian), bp.Dense(2)], gaussian_nll, x, y, options.epochs)

    fresh_x, fresh_y = sample(100_000, seed=1)
    shares = np.mean(fresh_y < quantiles.predict(fresh_x), axis=0)
    for level, share in zip(LEVELS, shares, strict=True):
        print(f"below the quantile of {level:.0%}: {share:.1%} of fresh points")
    deviation = np.exp(normal.predict(fresh_x)[:, 1:]) / sigma(fresh_x)
    print(f"the deviation learnt is {np.median(deviation):.2f} times the noise's (at half of the points), 1 would be right")
    draw(x, y, quantiles, normal, options)
    print(f"picture in {options.picture}")
    if np.max(np.abs(shares - LEVELS)) > 0.03:
        sys.exit(f"the shares below should be {LEVELS}, got {shares}")
    if abs(np.median(deviation) - 1) > 0.1:
        sys.exit(f"the deviation should be that of the noise, got {np.median(deviation):.2f} times as much")


def fit(layers, loss, x, y, epochs):
    """Two thirds of the epochs at the full rate, and the rest at a fiftieth to settle."""
    model = bp.Sequential(layers, seed=0)
    model.compile(bp.Adam(0.003), loss)
    turn = 2 * epochs // 3
    model.fit(x, y, epochs=turn, batch_size=128, verbose=0)
    model.optimizer.learning_rate /= 50
    history = model.fit(x, y, epochs=epochs, initial_epoch=turn, batch_size=128, verbose=0)
    rate = np.median(history.samples_per_second)
    print(f"{loss.__name__:13s} loss {history.history['loss'][-1]:.4f}, {rate:,.0f} samples/s")
    return model


def draw(x, y, quantiles, normal, options):
    fine = np.linspace(-1, 1, 400)[:, None]
    figure, axes = plt.subplots(1, 3, figsize=(15, 4.6), layout="constrained")
    for plot in axes[:2]:
        plot.scatter(x[::4], y[::4], s=5, color="0.75", label="a quarter of the 4,000 points")
        plot.plot(fine, curve(fine), color="black", linestyle=":", linewidth=1.5, label="the curve beneath")
        plot.set(xlabel="x", ylabel="y", ylim=(-2.1, 3.4))
    low, middle, high = quantiles.predict(fine).T
    axes[0].fill_between(fine[:, 0], low, high, color="tab:blue", alpha=0.25, label="10 % to 90 %")
    axes[0].plot(fine, middle, color="tab:blue", linewidth=2, label="50 %")
    axes[0].set(title="Pinball loss: three quantiles")
    mean, log_sigma = normal.predict(fine).T
    learnt = np.exp(log_sigma)
    band = mean - 2 * learnt, mean + 2 * learnt
    axes[1].fill_between(fine[:, 0], *band, color="tab:orange", alpha=0.25, label="$\\pm 2\\sigma$")
    axes[1].plot(fine, mean, color="tab:orange", linewidth=2, label="mean")
    axes[1].set(title="Normal likelihood, activation $e^{-z^2}$: mean and $\\sigma$")
    axes[2].plot(fine, sigma(fine), color="black", linestyle=":", linewidth=1.5, label="of the noise")
    axes[2].plot(fine, learnt, color="tab:orange", linewidth=2, label="by the normal likelihood")
    normal_range = 2 * 1.2816  # standard deviations between the 10 % and the 90 % quantile of a normal distribution
    axes[2].plot(fine, (high - low) / normal_range, color="tab:blue", linewidth=2, label="from the distance of the quantiles")
    axes[2].set(title="The standard deviation, learnt and true", xlabel="x", ylabel="$\\sigma$", ylim=(0, None))
    for plot in axes:
        plot.grid(alpha=0.3)
        plot.legend(loc="upper left")
    figure.savefig(options.picture, dpi=150)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--picture", type=Path, default=Path(__file__).with_suffix(".png"))
    options = parser.parse_args()
    if options.epochs < 3:
        parser.error("--epochs must be at least 3")
    if not options.picture.parent.is_dir():
        parser.error(f"--picture: there is no folder {options.picture.parent}")
    return options


if __name__ == "__main__":
    main()
