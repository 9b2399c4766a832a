"""Does the brain do this? Handwritten digits learnt by backpropagation, and by three rules that ask less of a brain.

    python examples/brain.py [--epochs 40] [--picture brain.png]

Backpropagation takes the errors back through the transposed weights. In a brain that would be a second set of synapses which
always has the strengths of the first, and nobody has found one. Does it have to be so exact?

    alignment   errors go back through fixed random weights (Lillicrap et al. 2016, Nature Communications 7:13276)
    direct      the error of the output goes straight to each layer, through fixed random weights (Nøkland 2016,
                arXiv:1609.01596)
    sign        errors go back through weights of one size that have the signs of the true ones (Liao et al. 2016,
                arXiv:1510.05067)

Prints how many scans each network reads correctly that it has not seen, and the angle between the way its hidden layers go
and the way straight down, the gradient: 90 degrees would be no better than chance. Draws both over time. Exits with 1 if a
rule does not learn, or if its way does not turn towards the gradient.
"""

import argparse
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import fastbp as bp

RULES = {"backpropagation": None, "sign": "sign", "direct": "direct", "alignment": "alignment"}
WANTED = 0.93


class Angles(bp.callbacks.Callback):
    """The angles of the hidden layers, before the first epoch and after each."""

    def __init__(self, x, y):
        self.x, self.y, self.angles = x, y, []

    def on_train_begin(self, logs=None):
        self.measure()

    def on_epoch_end(self, epoch, logs=None):
        self.measure()

    def measure(self):
        *hidden, _ = self.model.gradient_angles(self.x, self.y).values()
        self.angles.append(hidden)


def main():
    options = parse_options()
    x, y = load_digits(return_X_y=True)
    x = x.astype("float32") / 8 - 1  # pixels from 0 to 16 become numbers from -1 to 1
    data = train_test_split(x, y, test_size=0.2, stratify=y, random_state=0)
    print("                    scans read correctly   angle to the gradient, in degrees")
    print("                      after 1    at last    at first    at last")
    learnt = {}
    for name, feedback in RULES.items():
        accuracies, angles = learnt[name] = learn(feedback, *data, options.epochs)
        mean = angles.mean(axis=1)
        print(f"{name:18s} {accuracies[0]:10.1%} {accuracies[-1]:10.1%} {mean[0]:11.0f} {mean[-1]:10.0f}", flush=True)
    draw(learnt, options.picture)
    print(f"\npicture in {options.picture}\n")
    check(learnt)
    tell(learnt)


def learn(feedback, x, x_test, y, y_test, epochs):
    """The accuracy on the test scans after each epoch, and the angles of the hidden layers."""
    layers = [bp.Dense(100, "tanh"), bp.Dense(100, "tanh"), bp.Dense(10, "softmax")]
    model = bp.Sequential(layers, seed=0, feedback=feedback)
    model.build(x.shape[1])
    model.compile(bp.SGD(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    watcher = Angles(x, y)
    history = model.fit(x, y, epochs=epochs, batch_size=32, validation_data=(x_test, y_test), callbacks=[watcher], verbose=0)
    return history.history["val_accuracy"], np.array(watcher.angles)


def tell(learnt):
    """What it says."""
    accuracies, angles = learnt["alignment"]
    first, last = angles.mean(axis=1)[[0, -1]]
    exact = learnt["backpropagation"][0][-1]
    print(
        f"The random weights on the way back never learn anything. At first they send the hidden layers {first:.0f} degrees\n"
        f"off the gradient, about at random. Yet by alignment {accuracies[-1]:.0%} of the scans are read, {exact:.0%} by\n"
        f"backpropagation. For the angle falls to {last:.0f} degrees: the weights on the way forward align with those on\n"
        f"the way back, until these lead downhill. So a brain need not copy its synapses to learn by errors. Whether it\n"
        f"does learn by errors is another question."
    )


def check(learnt):
    for name, (accuracies, angles) in learnt.items():
        if accuracies[-1] < WANTED:
            sys.exit(f"{name} should read at least {WANTED:.0%} of the scans, got {accuracies[-1]:.1%}")
        first, last = angles.mean(axis=1)[[0, -1]]
        if name in ("alignment", "direct") and last > first - 10:
            sys.exit(f"{name} should turn towards the gradient, not from {first:.0f} to {last:.0f} degrees")


def draw(learnt, path):
    """Accuracy and angle over time."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    for i, (name, (accuracies, angles)) in enumerate(learnt.items()):
        left.plot(range(1, 1 + len(accuracies)), [100 * a for a in accuracies], color=f"C{i}", label=name)
        for layer, line in zip(angles.T, ("-", "--"), strict=True):
            right.plot(layer, color=f"C{i}", linestyle=line)
    left.set(title="Test scans read correctly", xlabel="epoch", ylabel="accuracy in %", ylim=(60, 100))
    right.axhline(90, color="black", linewidth=1, linestyle=":")
    right.set(title="Between the way taken and the gradient", xlabel="epoch", ylabel="angle in degrees", ylim=(-3, 105))
    right.set_yticks(range(0, 91, 15))
    for line, which in (("-", "first"), ("--", "second")):
        right.plot([], [], color="black", linestyle=line, label=f"{which} hidden layer")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    left.legend(loc="lower right")
    right.legend(loc=(0.6, 0.1))
    figure.savefig(path, dpi=150)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--picture", type=Path, default=Path(__file__).with_suffix(".png"))
    options = parser.parse_args()
    if options.epochs < 1:
        parser.error("--epochs must be at least 1")
    if not options.picture.parent.is_dir():
        parser.error(f"--picture: there is no folder {options.picture.parent}")
    return options


if __name__ == "__main__":
    main()
