"""One hidden layer comes as close to a function as it is wide: the universal approximation theorem at work.

    python examples/universal.py [--epochs 1500] [--picture universal.png]

Networks 1-width-1 with tanh learn f(x) = sin 2x + sin(6x)/2 + sin(18x)/4 + sin(54x)/8 on [-1, 1]: an odd function with ever
finer wrinkles, of which a wider layer follows more. Prints the error for each width, draws it, and exits with 1 if it does
not fall.
"""

import argparse
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import fastbp as bp

WIDTHS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SEEDS = range(3)  # a small network may get stuck on its way down: the best of three tells what its width allows


def function(x):
    return sum(np.sin(2 * 3**k * x) / 2**k for k in range(4))


def main():
    options = parse_options()
    x = np.linspace(-1, 1, 1024)[:, None]
    print("width   root mean square error")
    errors, fits = [], {}
    for width in WIDTHS:
        attempts = [train(width, x, seed, options.epochs) for seed in SEEDS]
        error, fits[width] = min(attempts, key=lambda attempt: attempt[0])
        errors.append(error)
        print(f"{width:5d}   {error:.6f}", flush=True)
    draw(x, fits, errors, options.picture)
    print(f"picture in {options.picture}")
    check(errors)


def train(width, x, seed, epochs):
    """Error and output of a network, the learning rate falling tenfold twice on the way."""
    # A unit steps from -1 to 1 at -bias / kernel, the faster the larger the kernel. The more units there are, the finer
    # the steps: large numbers that fall within [-1, 1] and lie apart.
    steps = bp.initializers.RandomUniform(-4 - width, 4 + width)
    hidden = bp.Dense(width, "tanh", kernel_initializer=steps, bias_initializer=steps)
    model = bp.Sequential([hidden, bp.Dense(1)], seed=seed)
    model.compile(bp.Adam(), "mse")
    for rate in (0.01, 0.001, 0.0001):
        model.optimizer.learning_rate = rate
        model.fit(x, function(x), epochs=epochs // 3, batch_size=64, verbose=0)
    output = model.predict(x, verbose=0)
    return float(np.sqrt(np.mean((output - function(x)) ** 2))), output


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


def draw(x, fits, errors, path):
    """The function with some of its approximations, and the error against the width."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    for i, width in enumerate((1, 4, 16, 64, 256)):  # one below the other
        left.plot(x, function(x) - 3 * i, color="0.6", linewidth=3, label="the function" if i == 0 else None)
        left.plot(x, fits[width] - 3 * i, color=f"C{i}", linewidth=1, label=f"{width} hidden unit{'s' * (width > 1)}")
    left.set(title="The function and its approximations", xlabel="x", yticks=[], ylim=(-17.5, 2))
    left.legend(ncols=3, loc="lower center", fontsize="small")
    right.loglog(WIDTHS, errors, marker="o")
    right.set_xticks(WIDTHS, [str(width) for width in WIDTHS])
    right.minorticks_off()
    right.set(title="The error falls with the width", xlabel="hidden units", ylabel="root mean square error")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=150)


def check(errors):
    if errors[-1] > errors[0] / 10:
        sys.exit(f"the error should fall at least tenfold, not from {errors[0]:.4f} to {errors[-1]:.4f}")
    risen = [WIDTHS[i] for i in range(1, len(errors)) if errors[i] > 1.1 * errors[i - 1]]
    if risen:
        sys.exit(f"the error should not rise with the width, as it does at {risen}")


if __name__ == "__main__":
    main()
