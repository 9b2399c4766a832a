"""Learn a smooth curve from 200 points by Adam, by L-BFGS and by Levenberg and Marquardt's method: the error over time.

    python examples/solvers.py [--seconds 2] [--picture solvers.png]

The network is small, 1-10-1 tanh, and the data has no noise: an optimizer's many small steps stop getting anywhere long
before the solvers do. Exits with 1 if Levenberg and Marquardt's method does not reach a mean squared error of 1e-8.
"""

import argparse
import sys
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import fastbp as bp

ENOUGH = 1e-8
X = np.linspace(-1, 1, 200).reshape(-1, 1)
Y = np.sin(3 * X)
WAYS = {"Adam, batches of 20": bp.Adam(0.01), "L-BFGS": bp.optimizers.LBFGS(ftol=0.0, gtol=0.0), "Levenberg-Marquardt": "lm"}


class Clock(bp.callbacks.Callback):
    """The seconds at the end of each epoch; ends the fit where the loss is low enough."""

    def on_train_begin(self, logs=None):
        self.start, self.seconds = time.perf_counter(), []

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)
        if logs["loss"] < ENOUGH:
            self.model.stop_training = True


def learn(optimizer, seconds):
    """The seconds and the losses of the epochs of a fit that ends when it is good enough, or the time is over."""
    model = bp.Sequential([bp.Dense(10, "tanh"), bp.Dense(1)], seed=0, dtype="float64")
    model.compile(optimizer, "mse")
    clock, is_solver = Clock(), not isinstance(optimizer, bp.Adam)
    stops = [clock, bp.callbacks.TimeBudget(seconds)]
    history = model.fit(X, Y, None if is_solver else 20, epochs=1_000_000, verbose=0, callbacks=stops)
    return clock.seconds, history.history["loss"]


def main():
    options = parse_options()
    for solver in ("lbfgs", "lm"):
        learn(solver, 0.05)  # what is imported and compiled once should not count
    curves = {name: learn(optimizer, options.seconds) for name, optimizer in WAYS.items()}
    for name, (seconds, losses) in curves.items():
        print(f"{name:20s} mean squared error {losses[-1]:.1e} after {len(losses):,} epochs, {seconds[-1]:.2f} s")
    draw(curves, options.picture)
    print(f"picture in {options.picture}")
    least = min(curves["Levenberg-Marquardt"][1])
    if least >= ENOUGH:
        sys.exit(f"Levenberg and Marquardt's method should reach {ENOUGH:g}, it came to {least:.1e}")


def draw(curves, path):
    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for name, (seconds, losses) in curves.items():
        axes.loglog(np.maximum(seconds, 1e-4), losses, label=name)
    axes.axhline(ENOUGH, color="0.5", linestyle=":")
    axes.set(xlabel="seconds", ylabel="mean squared error", title="200 points of a sine, 1-10-1 tanh, float64")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=150)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--picture", type=Path, default=Path(__file__).with_suffix(".png"))
    options = parser.parse_args()
    if options.seconds <= 0:
        parser.error("--seconds must be more than 0")
    if not options.picture.parent.is_dir():
        parser.error(f"--picture: there is no folder {options.picture.parent}")
    return options


if __name__ == "__main__":
    main()
