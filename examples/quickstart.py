"""Learn to read handwritten digits: 1,797 real scans of 8 x 8 pixels, a fifth of them kept for the test.

    python examples/quickstart.py [--epochs 40] [--picture digits.png]

Prints a line for each epoch, the accuracy on the test scans and the throughput, and draws the learning curves.
Exits with 1 if fewer than 97 % of the test scans are read correctly.
"""

import argparse
import statistics
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import fastbp as bp

WANTED = 0.97


def main():
    options = parse_options()
    x, y = load_digits(return_X_y=True)
    x = x.astype("float32") / 8 - 1  # pixels from 0 to 16 become numbers from -1 to 1
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.2, stratify=y, random_state=0)

    model = bp.Sequential([bp.Dense(256, "relu"), bp.Dense(128, "relu"), bp.Dense(10, "softmax")], seed=0)
    optimizer = bp.AdamW(learning_rate=1e-3, weight_decay=0.3)
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=options.epochs, batch_size=32, validation_split=0.1, verbose=2)

    result = model.evaluate(x_test, y_test, verbose=0, return_dict=True)
    accuracy, wrong = result["accuracy"], round(len(y_test) * (1 - result["accuracy"]))
    print(f"\ntest accuracy {accuracy:.2%}: {wrong} of {len(y_test)} scans read wrongly")
    print(f"throughput {statistics.median(history.samples_per_second):,.0f} samples/s")
    draw(history, accuracy, options.picture)
    print(f"learning curves in {options.picture}")
    if accuracy < WANTED:
        sys.exit(f"the test accuracy should be at least {WANTED:.0%}")


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


def draw(history, accuracy, path):
    """Loss and accuracy of every epoch."""
    epochs, logs = [epoch + 1 for epoch in history.epoch], history.history
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.semilogy(epochs, logs["loss"], label="training")
    left.semilogy(epochs, logs["val_loss"], label="validation")
    left.set(title="Loss", xlabel="epoch", ylabel="cross-entropy")
    right.plot(epochs, [100 * a for a in logs["accuracy"]], label="training")
    right.plot(epochs, [100 * a for a in logs["val_accuracy"]], label="validation")
    right.axhline(100 * accuracy, color="black", linestyle="--", linewidth=1, label=f"test: {accuracy:.1%}")
    right.set(title="Scans read correctly", xlabel="epoch", ylabel="accuracy in %", ylim=(85, 100.5))
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
