"""How sure is a network of what it predicts? An ensemble draws the band around noisy data.

    python examples/uncertainty.py [--members 32] [--epochs 300] [--picture uncertainty.png]

The points scatter more and more to the right, and there are none in the middle. The members of an ensemble learn from different
draws of the points, from different first weights: where there were points they agree, in the gap and beyond the ends each
goes its own way. How far they are spread says where the mean cannot be trusted. It does not say how far points scatter about
it, and nobody doubts what all members do alike: far outside, the curve leaves the band. Members that learn the logarithm of a
variance besides (the loss "gaussian_nll") say both: the band has the noise and the disagreement.

Exits with 1 if the members do not disagree where there were no points, or the band of the second ensemble does not hold about
as many fresh points as it should.
"""

import argparse
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import fastbp as bp

GAP = (-0.1, 0.5)
LEVELS = (0.05, 0.95)


def curve(x):
    return np.sin(4 * x) + 0.5 * x


def sigma(x):
    """The standard deviation of the noise."""
    return 0.05 + 0.1 * (x + 1)


def sample(count, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(4 * count, 1))
    x = x[(x < GAP[0]) | (x > GAP[1])][:count, None]
    return x, curve(x) + sigma(x) * rng.normal(size=x.shape)


def network(outputs, loss):
    def build():
        wide = bp.initializers.RandomNormal(stddev=2.0)  # first weights that make curves of many kinds
        first = bp.Dense(32, "tanh", kernel_initializer=wide, bias_initializer=wide)
        model = bp.Sequential([first, bp.Dense(32, "tanh"), bp.Dense(outputs)])
        model.compile(bp.Adam(0.005), loss)
        return model

    return build


def main():
    options = parse_options()
    x, y = sample(400, seed=0)
    means = bp.Ensemble(network(1, "mse"), options.members, seed=0)
    normal = bp.Ensemble(network(2, "gaussian_nll"), options.members, seed=0)
    for name, ensemble in (("mean squared error", means), ("gaussian_nll", normal)):
        members = ensemble.fit(x, y, epochs=options.epochs, batch_size=50, verbose=0)
        seconds = sum(member.seconds for member in members)
        score = ensemble.oob_score(x, y)
        print(f"{name:18s} {len(members)} members, {seconds:.1f} s of training in all, R² out of bag {score:.3f}")

    inside, outside = (means.predict_std(place)[:, 0].mean() for place in (x, [[0.1], [0.2], [0.3], [-2.0], [2.0]]))
    print(f"the members are {outside / inside:.1f} times as far apart where there were no points")
    fresh_x, fresh_y = sample(20_000, seed=1)
    low, high = normal.predict_quantiles(fresh_x, LEVELS)
    share = np.mean((fresh_y > low) & (fresh_y < high))
    print(f"the band from 5 % to 95 % holds {share:.1%} of fresh points")
    draw(x, y, means, normal, options)
    print(f"picture in {options.picture}")
    if outside < 2 * inside:
        sys.exit(f"the members should disagree where there were no points, got {outside:.3f} there and {inside:.3f} elsewhere")
    if not 0.85 < share < 0.97:
        sys.exit(f"the band should hold about 90 % of fresh points, got {share:.1%}")


def draw(x, y, means, normal, options):
    fine = np.linspace(-1.5, 1.5, 400)[:, None]
    figure, axes = plt.subplots(1, 3, figsize=(15, 4.6), layout="constrained", sharey=True)
    for plot in axes:
        plot.scatter(x, y, s=5, color="0.7", label="the points")
        plot.plot(fine, curve(fine), color="black", linestyle=":", linewidth=1.5, label="the curve beneath")
        plot.axvspan(*GAP, color="0.95", zorder=-1)
        plot.set(xlabel="x", ylim=(-3, 3.5), xlim=(-1.5, 1.5))
    axes[0].set(title="The members", ylabel="y")
    axes[0].plot(fine, means.predict_members(fine)[:, :, 0].T, color="tab:blue", linewidth=0.6, alpha=0.6)
    mean, spread = means.predict(fine)[:, 0], means.predict_std(fine)[:, 0]
    axes[1].set(title="Their mean, and how far they disagree")
    axes[1].fill_between(
        fine[:, 0], mean - 2 * spread, mean + 2 * spread, color="tab:blue", alpha=0.25, label="$\\pm 2\\sigma$"
    )
    axes[1].plot(fine, mean, color="tab:blue", linewidth=2, label="mean")
    low, high = normal.predict_quantiles(fine, LEVELS)[..., 0]
    axes[2].set(title="Members that learn the noise, too (gaussian_nll)")
    axes[2].fill_between(fine[:, 0], low, high, color="tab:orange", alpha=0.25, label="5 % to 95 %")
    axes[2].plot(fine, normal.predict(fine), color="tab:orange", linewidth=2, label="mean")
    for plot in axes:
        plot.grid(alpha=0.3)
        plot.legend(loc="upper left")
    figure.savefig(options.picture, dpi=150)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--picture", type=Path, default=Path(__file__).with_suffix(".png"))
    options = parser.parse_args()
    if options.epochs < 1 or options.members < 2:
        parser.error("--epochs must be at least 1, and --members 2")
    if not options.picture.parent.is_dir():
        parser.error(f"--picture: there is no folder {options.picture.parent}")
    return options


if __name__ == "__main__":
    main()
