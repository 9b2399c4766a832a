"""Why deep networks of sigmoids do not learn: the gradient dies on its way to the input. And what helps.

    python examples/vanishing_gradient.py [--epochs 30] [--picture vanishing_gradient.png]

Networks of 20 hidden layers learn to read handwritten digits. Each layer of sigmoids hands on a quarter of the gradient at
most, and the lowest gets next to nothing. Relus hand all of it on, and weights drawn by He's rule keep its size; so does
normalization before each activation. Prints the norm of the gradient in the first and in the last layer and the accuracy, draws
both, and exits with 1 if it is not so.
"""

import argparse
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import fastbp as bp

DEPTH, WIDTH = 20, 64

# name: the layers that one of the hidden layers is made of
NETWORKS = {
    "sigmoid": lambda: [bp.Dense(WIDTH, "sigmoid")],
    "relu, He's weights": lambda: [bp.Dense(WIDTH, "relu", kernel_initializer="he_normal")],
    "sigmoid, normalized": lambda: [
        bp.Dense(WIDTH),
        bp.layers.BatchNormalization(momentum=0.9),
        bp.layers.Activation("sigmoid"),
    ],
}


def main():
    options = parse_options()
    x, y = load_digits(return_X_y=True)
    x = (x - x.mean()) / x.std()
    norms, accuracies = {}, {}
    print(f"{'20 hidden layers of':24s}  gradient of the first   of the last   accuracy")
    for name, hidden in NETWORKS.items():
        monitor, history = train(hidden, x, y, options.epochs)
        norms[name], accuracies[name] = gradient_norms(monitor), history.history["val_accuracy"]
        first, last = norms[name][0], norms[name][-1]
        print(f"{name:24s}  {first:21.1e}   {last:11.1e}   {accuracies[name][-1]:8.3f}", flush=True)
    draw(norms, accuracies, options.picture)
    print(f"picture in {options.picture}")
    check(norms, accuracies)


def train(hidden, x, y, epochs):
    """A network learns; a monitor sees the gradient in some of its steps."""
    layers = [layer for _ in range(DEPTH) for layer in hidden()]
    model = bp.Sequential([*layers, bp.Dense(10, "softmax")], seed=0)
    model.compile(bp.Adam(3e-4), "sparse_categorical_crossentropy", metrics=["accuracy"])
    monitor = bp.callbacks.GradientMonitor(every=5)
    history = model.fit(x, y, epochs=epochs, validation_split=0.2, verbose=0, callbacks=[monitor])
    return monitor, history


def gradient_norms(monitor):
    """Of each dense layer, the mean over the first epoch."""
    early = monitor.epochs == 0
    kernels = [numbers["gradient_norm"][early] for name, numbers in monitor.history.items() if name.startswith("dense")]
    return np.mean(kernels, axis=1)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--picture", type=Path, default=Path(__file__).with_suffix(".png"))
    options = parser.parse_args()
    if options.epochs < 1:
        parser.error("--epochs must be at least 1")
    if not options.picture.parent.is_dir():
        parser.error(f"--picture: there is no folder {options.picture.parent}")
    return options


def draw(norms, accuracies, path):
    """The gradient from layer to layer, and what comes of it."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    for name, values in norms.items():
        left.semilogy(range(1, len(values) + 1), values, marker="o", markersize=4, label=name)
        right.plot(range(1, len(accuracies[name]) + 1), accuracies[name], label=name)
    left.set(title="The gradient dies on its way to the input", xlabel="layer", ylabel="norm of its gradient, first epoch")
    left.set_xticks([1, 5, 10, 15, 20])
    left.annotate("the way back", (0.35, 0.06), (0.65, 0.045), xycoords="axes fraction", arrowprops={"arrowstyle": "->"})
    right.axhline(0.1, color="0.6", linestyle=":", label="guessing")
    right.set(title="and without it nothing is learnt", xlabel="epoch", ylabel="accuracy on other digits", ylim=(0, 1))
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=150)


def check(norms, accuracies):
    sigmoid, *others = NETWORKS
    if norms[sigmoid][0] > 1e-6 * norms[sigmoid][-1]:
        sys.exit("the gradient of 20 layers of sigmoids should die")
    for name in others:
        if norms[name][0] < 1e-3 * norms[name][-1]:
            sys.exit(f"the gradient of {name} should reach the first layer")
        if accuracies[name][-1] < 0.85:
            sys.exit(f"{name} should learn to read, not reach an accuracy of {accuracies[name][-1]:.3f}")
    if accuracies[sigmoid][-1] > 0.3:
        sys.exit("20 layers of sigmoids should not learn")


if __name__ == "__main__":
    main()
