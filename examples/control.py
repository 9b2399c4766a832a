"""Swing up a pendulum with a small network that learns, and is called, within a simulation compiled by Numba.

    python examples/control.py [--tries 8] [--picture control.png]

The motor is too weak to lift the pendulum at once: it has to swing. What is to become small is how far the energy is from that
of standing upright, and how far from upright the pendulum is. The simulation goes forward in time and then back, through the
pendulum and through the network, and Adam takes the gradient with respect to the weights. No step of it is in Python. Some
first weights get stuck; then others are tried. Exits with 1 if none swing the pendulum up and hold it there.
"""

import argparse
import sys
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numba
import numpy as np

import fastbp as bp

GRAVITY, TORQUE, STEP = 10.0, 3.0, 0.05  # a torque of 10 would lift it; seconds
LEARNING_STEPS, RUNS, UPDATES = 80, 24, 800
HANGING = np.array([[np.pi, 0.0], [0.2 - np.pi, 0.0], [np.pi, 0.5]])


@numba.njit(cache=True)
def observe(states):
    """What the network sees of angles, 0 where the pendulum is upright, and speeds."""
    seen = np.empty((len(states), 3))
    for i, (angle, speed) in enumerate(states):
        seen[i, 0], seen[i, 1], seen[i, 2] = np.cos(angle), np.sin(angle), speed / 8
    return seen


@numba.njit(cache=True)
def simulate(policy, states, steps):
    """The states (steps + 1, runs, 2) of some runs, and the network's outputs: parts of the largest torque."""
    path, outputs = np.empty((steps + 1, len(states), 2)), np.empty((steps, len(states), 1))
    path[0] = states
    for t in range(steps):
        policy(observe(path[t]), outputs[t])
        for i, (angle, speed) in enumerate(path[t]):
            speed += STEP * (GRAVITY * np.sin(angle) + TORQUE * outputs[t, i, 0])
            path[t + 1, i, 0], path[t + 1, i, 1] = angle + STEP * speed, speed
    return path, outputs


@numba.njit(cache=True)
def cost_of(angle, speed):
    """The cost of a state, and its derivatives with respect to angle and speed."""
    energy = (0.5 * speed**2 + GRAVITY * (np.cos(angle) - 1)) / (2 * GRAVITY)  # from -1, hanging, to 0, upright
    cost = 3 * energy**2 + 0.1 * (1 - np.cos(angle))
    return cost, (0.1 - 3 * energy) * np.sin(angle), 3 * energy * speed / GRAVITY


@numba.njit(cache=True)
def cost_and_gradient(policy, gradient, starts, steps):
    """The mean cost of the states of some runs, and its gradient with respect to the weights."""
    path, _ = simulate(policy, starts, steps)
    share, total = 1 / ((steps + 1) * len(starts)), 0.0
    by_angle, by_speed, by_output = np.zeros(len(starts)), np.zeros(len(starts)), np.zeros((len(starts), 1))
    _, by_input, by_weights = gradient(observe(path[steps]), by_output)
    for t in range(steps, -1, -1):
        if t < steps:  # back through the pendulum and through the network
            by_speed += STEP * by_angle
            by_output[:, 0] = STEP * TORQUE * by_speed
            _, by_input, found = gradient(observe(path[t]), by_output)
            by_weights += found
        for i, (angle, speed) in enumerate(path[t]):
            cost, cost_by_angle, cost_by_speed = cost_of(angle, speed)
            total += share * cost
            if t < steps:
                by_angle[i] += STEP * GRAVITY * np.cos(angle) * by_speed[i]
                by_angle[i] += by_input[i, 1] * np.cos(angle) - by_input[i, 0] * np.sin(angle)
                by_speed[i] += by_input[i, 2] / 8
            by_angle[i] += share * cost_by_angle
            by_speed[i] += share * cost_by_speed
    return total, by_weights


def degrees_from_upright(policy):
    """How far the pendulum is away in the last seconds of some runs that begin hanging down, at most."""
    path, _ = simulate(policy, HANGING, 200)
    return np.degrees(np.arccos(np.cos(path[-50:, :, 0]).min()))


def learn(seed):
    """A network that has learnt, as a function for compiled code, and the costs on the way."""
    hidden = [bp.Dense(16, "tanh"), bp.Dense(16, "tanh")]
    model = bp.Sequential([bp.Input((3,)), *hidden, bp.Dense(1, "tanh")], seed=seed, dtype="float64")
    model.compile(bp.Adam(0.01, global_clipnorm=0.5), "mse")
    policy, gradient = model.predict_function(), model.predict_function(gradient=True)
    shapes, costs, random = [w.shape for w in model.get_weights()], [], np.random.default_rng(seed)
    ends = np.cumsum([np.prod(shape) for shape in shapes])[:-1]
    for _ in range(UPDATES):
        starts = np.column_stack([random.uniform(-np.pi, np.pi, RUNS), random.uniform(-1, 1, RUNS)])
        starts[: RUNS // 2, 0] = random.normal(np.pi, 0.1, RUNS // 2)
        cost, by_weights = cost_and_gradient(policy, gradient, starts, LEARNING_STEPS)
        model.apply_gradients([part.reshape(shape) for part, shape in zip(np.split(by_weights, ends), shapes, strict=True)])
        policy.refresh()
        gradient.refresh()
        costs.append(cost)
        if degrees_from_upright(policy) < 10:
            break
    return policy, costs


def main():
    options = parse_options()
    for seed in range(options.tries):
        start = time.perf_counter()
        policy, costs = learn(seed)
        seconds, away = time.perf_counter() - start, degrees_from_upright(policy)
        moves = len(costs) * RUNS * LEARNING_STEPS
        print(
            f"try {seed}: {moves:,} steps there and back in {seconds:.1f} s, cost {costs[0]:.2f} -> {costs[-1]:.2f}", end="; "
        )
        print(f"at the end at most {away:.0f} degrees from upright")
        if away < 10:
            break
    draw(policy, costs, options.picture)
    print(f"picture in {options.picture}")
    if away >= 10:
        sys.exit("the pendulum should stand upright at the end, and does not")


def draw(policy, costs, path):
    states, outputs = simulate(policy, HANGING[:1], 200)
    seconds, angle = STEP * np.arange(201), states[:, 0, 0]
    figure, ((swing, cost), (turns, torque)) = plt.subplots(2, 2, figsize=(10, 7), layout="constrained")
    x, y = np.sin(angle), np.cos(angle)
    colors = plt.colormaps["viridis"](seconds / seconds[-1])
    for i in range(0, 201, 2):
        swing.plot([0, x[i]], [0, y[i]], color=colors[i], alpha=0.4, linewidth=1)
    points = swing.scatter(x, y, c=seconds, s=12, cmap="viridis", zorder=3)
    figure.colorbar(points, ax=swing, label="seconds")
    swing.set(aspect="equal", xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), title="the pendulum, from hanging down")
    turns.plot(seconds, np.degrees(angle))
    for upright in np.unique(np.round(angle / (2 * np.pi))):
        turns.axhline(360 * upright, color="0.5", linestyle=":")
    turns.set(xlabel="seconds", ylabel="degrees", title="its angle (dotted: upright)")
    torque.step(seconds[:-1], TORQUE * outputs[:, 0, 0], where="post")
    torque.set(xlabel="seconds", ylabel="torque", title="what the network does (10 would lift it at once)")
    cost.plot(costs)
    cost.set(xlabel="updates of the weights", ylabel="mean cost", title="learning")
    for axes in (turns, torque, cost):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=8)
    parser.add_argument("--picture", type=Path, default=Path(__file__).with_suffix(".png"))
    options = parser.parse_args()
    if options.tries < 1:
        parser.error("--tries must be at least 1")
    if not options.picture.parent.is_dir():
        parser.error(f"--picture: there is no folder {options.picture.parent}")
    return options


if __name__ == "__main__":
    main()
