"""Backpropagation, from random nudges to gradient descent, on one curve.

    python examples/backprop_by_hand.py [--steps 1000] [--picture backprop_by_hand.png]

A polynomial k0 + k1 x + ... + k5 x^5 is to follow noisy points. First its coefficients are nudged at random, and what helps is
kept. Then the slope of the error tells which way to go: what a derivative is, what the gradient is, how the chain rule finds it
on a graph (drawn with its values beside the picture), and where as many guided steps lead. Exits with 1 if they do not lead
further than the nudges, or in the end not to the least squares.
"""

import argparse
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import fastbp as bp

NOISE, DEGREE = 0.1, 5
NUDGE = 0.1  # how far a coefficient is nudged, on average
RATE = 0.5  # how far to go down the slope
PATIENCE = 50_000  # steps until the guided fit has to be there


def curve(x):
    return np.exp(x / 2) * np.sin(3 * x)


def polynomial(k, x):
    """k0 + x (k1 + x (k2 + ...))"""
    y = k[DEGREE]
    for i in reversed(range(DEGREE)):
        y = y * x + k[i]
    return y


def error(k, x, y):
    """The mean squared error: for numbers, and for a graph to be made of it."""
    return bp.mean((polynomial(k, x) - y) ** 2)


def main():
    options = parse_options()
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(-1, 1, 100))
    y = curve(x) + NOISE * rng.normal(size=100)
    start = np.zeros(DEGREE + 1)

    nudged, nudged_errors = nudges(start, x, y, options.steps, rng)
    the_derivative(start, x, y)
    the_gradient(start, x, y)
    the_chain_rule(options.picture)
    print(f"5. Gradient descent\n   k <- k - {RATE} * gradient, from the same start:")
    guided, guided_errors = guided_steps(start, x, y, options.steps)
    print(f"   error {guided_errors[-1]:.4f} after {options.steps} guided steps, {nudged_errors[-1]:.4f} after as many nudges")
    final, final_errors = guided_steps(start, x, y, PATIENCE)
    least = np.mean((np.polyval(np.polyfit(x, y, DEGREE), x) - y) ** 2)
    print(f"   error {final_errors[-1]:.4f} after {PATIENCE:,} guided steps; the least there is: {least:.4f}")
    print("   k0 ... k5 =", "  ".join(f"{k:.3f}" for k in final))

    fits = {"random nudges": (nudged, nudged_errors), "guided steps": (guided, guided_errors)}
    draw(x, y, fits, final_errors, least, options.picture)
    print(f"\nThe fits are drawn in {options.picture}")
    check(nudged_errors[-1], guided_errors[-1], final_errors[-1], least)


def nudges(k, x, y, steps, rng):
    """Try a small random change, keep it if the error falls."""
    print(f"1. Random nudges\n   error {error(k, x, y):.4f} with all coefficients 0")
    errors, kept = [error(k, x, y)], 0
    for _ in range(steps):
        attempt = k + NUDGE * rng.normal(size=k.size)
        after = error(attempt, x, y)
        if after < errors[-1]:
            k, kept = attempt, kept + 1
        errors.append(min(after, errors[-1]))
    print(f"   error {errors[-1]:.4f} after {steps} nudges, of which {kept} helped: most of the work was in vain\n")
    return k, errors


def the_derivative(k, x, y):
    """Nudge one coefficient only, by less and less: change of the error per change of the coefficient."""
    print("2. The derivative\n   Which way should k1 go? Nudge it alone, by h, and see how the error changes per h:")
    for h in (1.0, 0.1, 0.01, 0.001):
        nudge = h * (np.arange(k.size) == 1)
        slope = (error(k + nudge, x, y) - error(k, x, y)) / h
        print(f"   h = {h:<6g} (E(k1 + h) - E(k1)) / h = {slope:.5f}")
    exact = bp.grad(error)(k, x, y)[1]
    print(f"   The smaller h, the nearer to one number, the slope of E at k1: the derivative dE/dk1 = {exact:.5f}")
    print(f"   It is {'negative' if exact < 0 else 'positive'}: the error falls if k1 {'grows' if exact < 0 else 'shrinks'}.\n")


def the_gradient(k, x, y):
    """All slopes at once."""
    h = 1e-6
    nudged = [(error(k + h * unit, x, y) - error(k - h * unit, x, y)) / (2 * h) for unit in np.eye(k.size)]
    value, gradient = bp.value_and_grad(error)(k, x, y)
    print("3. The gradient\n   The slopes by all coefficients. It points uphill; a step against it goes down:")
    print(f"   by nudges:         {'  '.join(f'{g:8.5f}' for g in nudged)}   (the error computed {2 * k.size} times)")
    print(f"   by the chain rule: {'  '.join(f'{g:8.5f}' for g in gradient)}   (once there and back)")
    before, after = value, error(k - RATE * gradient, x, y)
    print(f"   One step of {RATE} times the gradient: error {before:.4f} -> {after:.4f}\n")


def the_chain_rule(picture):
    """A line through one point: small enough to follow each number."""

    def E(k0, k1, x, y):
        return (k0 + k1 * x - y) ** 2

    print("4. The chain rule\n   For one point (x, y) and a straight line, E = (k0 + k1 x - y)^2 is a graph of small steps:\n")
    graph = bp.trace(E, 0.0, 0.0, 0.0, 0.0)
    print("   " + str(graph).replace("\n", "\n   "))

    graph.forward(0.5, -1.0, 2.0, 1.0)
    drawn = [beside(picture, "forward")]
    graph.draw(drawn[0])
    k0, k1, x, y, product, line, gap, square = graph.nodes
    print(f"\n   Forward, each value from those before it: k0 = {k0.value}, k1 = {k1.value}, x = {x.value}, y = {y.value}")
    for name, node in zip(("v1", "v2", "v3", "v4"), (product, line, gap, square), strict=True):
        print(f"     {name} = {node.value:g}")

    graph.backward()
    drawn.append(beside(picture, "backward"))
    graph.draw(drawn[1])
    print("   Backward, each grad (the slope of E by that value) from those behind it:")
    print(f"     by v4     {square.grad:5g}   it is E itself")
    print(f"     by v3     {gap.grad:5g}   v4 = v3 * v3, slope 2 v3 = {2 * gap.value:g}, times the grad of v4")
    print(f"     by v2     {line.grad:5g}   v3 = v2 - y, slope 1, times the grad of v3")
    print(f"     by k0, v1 {k0.grad:5g}   v2 = k0 + v1, slope 1 by both, times the grad of v2")
    print(f"     by k1     {k1.grad:5g}   v1 = k1 * x, slope x = {x.value:g}, times the grad of v1")
    print(f"   So dE/dk1 = 1 * {2 * gap.value:g} * 1 * 1 * {x.value:g} = {k1.grad:g}: slopes along the way multiply.")

    whole = bp.trace(error, np.zeros(DEGREE + 1), [0.0, 0.0, 0.0], [0.0, 0.0, 0.0])
    points = np.array([-0.5, 0.0, 0.5])
    whole.forward(np.full(DEGREE + 1, 0.1), points, curve(points))
    whole.backward()
    drawn.append(beside(picture, "polynomial"))
    whole.draw(drawn[2])
    print("   Drawn in " + ", ".join(path.name for path in drawn) + ": the last is the polynomial's error at three points.\n")


def guided_steps(k, x, y, steps):
    """Gradient descent: k moves against the gradient, again and again. The graph runs compiled."""
    slope = bp.value_and_grad(error)
    errors = []
    for _ in range(steps):
        value, gradient = slope(k, x, y)
        errors.append(value)
        k = k - RATE * gradient
    return k, [*errors, error(k, x, y)]


def check(nudged, guided, final, least):
    if guided >= nudged:
        sys.exit(f"guided steps should lead further than nudges, not to {guided:.4f} where those came to {nudged:.4f}")
    if final > 1.01 * least:
        sys.exit(f"gradient descent should come to the least error {least:.4f}, not stay at {final:.4f}")


def beside(picture, what):
    return picture.with_name(f"{picture.stem}_{what}.png")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--picture", type=Path, default=Path(__file__).with_suffix(".png"))
    options = parser.parse_args()
    if options.steps < 1:
        parser.error("--steps must be at least 1")
    if not options.picture.parent.is_dir():
        parser.error(f"--picture: there is no folder {options.picture.parent}")
    return options


def draw(x, y, fits, final_errors, least, path):
    """The fits on the curve, and how the errors fell."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    fine = np.linspace(-1, 1, 300)
    left.scatter(x, y, s=10, color="0.65", label="100 noisy points")
    left.plot(fine, curve(fine), color="black", linestyle=":", label="the curve beneath")
    right.loglog(range(1, len(final_errors) + 1), final_errors, color="tab:blue", linewidth=1, linestyle="--")
    for color, (name, (k, errors)) in zip(("tab:orange", "tab:blue"), fits.items(), strict=True):
        left.plot(fine, polynomial(k, fine), color=color, linewidth=2, label=f"{len(errors) - 1} {name}")
        right.loglog(range(1, len(errors) + 1), errors, color=color, linewidth=2, label=name)
    right.axhline(least, color="black", linestyle=":", label="least squares")
    left.set(title="A polynomial of degree 5", xlabel="x", ylabel="y")
    right.set(title="The error on the way down", xlabel="steps", ylabel="mean squared error")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
