"""Swing up a pendulum with a small network that learns, and is called, within a simulation compiled by Numba.

    python examples/control.py [--steps 300] [--picture control.png]

The motor is too weak to lift the pendulum at once: it has to swing. Costs of a run are how far from upright the pendulum is, added
up; the simulation goes back through time, the network's gradient with respect to its input and its weights at each step, and Adam
takes the sum. No step is in Python. Exits with 1 if the pendulum does not come to stand from hanging down.
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

GRAVITY, TORQUE, DT = 10.0, 3.0, 0.05  # the torque that could hold the pendulum at any angle is 10
SECONDS, RUNS = 5.0, 24
STEPS = int(SECONDS / DT)


@numba.njit
def observe(states):
    """What the network sees of angles (0 is upright) and speeds."""
    return np.column_stack((np.cos(states[:, 0]), np.sin(states[:, 0]), states[:, 1] / 8))


@numba.njit
def simulate(policy, states, steps):
    """The states (steps + 1, runs, 2) of some runs at a time, and the torques."""
    path, torques = np.empty((steps + 1, *states.shape)), np.empty((steps, len(states)))
    path[0] = states
    for t in range(steps):
        torques[t] = policy(observe(path[t]))[:, 0]
        path[t + 1, :, 1] = path[t, :, 1] + DT * (GRAVITY * np.sin(path[t, :, 0]) + TORQUE * torques[t])
        path[t + 1, :, 0] = path[t, :, 0] + DT * path[t + 1, :, 1]
    return path, torques


@numba.njit
def cost_and_gradient(policy, gradient, starts, steps):
    """The mean cost of some runs, and its gradient with respect to the weights."""
    path, _ = simulate(policy, starts, steps)
    angle, speed = path[:, :, 0], path[:, :, 1]
    share = 1 / angle.size
    cost = share * (1 - np.cos(angle) + 0.01 * speed**2).sum()
    by_angle, by_speed = share * np.sin(angle[steps]), share * 0.02 * speed[steps]
    total = 0.0 * gradient(np.ones(3), np.ones(1))[2]
    for t in range(steps - 1, -1, -1):  # back through the pendulum, and through the network
        by_speed = by_speed + DT * by_angle
        _, by_input, by_weights = gradient(observe(path[t]), (DT * TORQUE * by_speed).reshape(-1, 1))
        total += by_weights
        sine, cosine = np.sin(angle[t]), np.cos(angle[t])
        by_angle = by_angle + DT * GRAVITY * cosine * by_speed + by_input[:, 1] * cosine - by_input[:, 0] * sine + share * sine
        by_speed = by_speed + by_input[:, 2] / 8 + share * 0.02 * speed[t]
    return cost, total


def main():
    options = parse_options()
    model = bp.Sequential([bp.Input((3,)), bp.Dense(16, "tanh"), bp.Dense(16, "tanh"), bp.Dense(1, "tanh")], seed=0, dtype="float64")
    model.compile(bp.Adam(0.01, global_clipnorm=1.0), "mse")
    policy, gradient = model.predict_function(), model.predict_function(gradient=True)
    random, costs, began = np.random.default_rng(0), [], time.perf_counter()
    cuts = np.cumsum([w.size for w in model.get_weights()])[:-1]
    for _ in range(options.steps):
        starts = np.column_stack([random.uniform(-np.pi, np.pi, RUNS), random.uniform(-1, 1, RUNS)])
        starts[: RUNS // 2, 0] = np.pi + random.normal(0, 0.1, RUNS // 2)
        cost, by_weights = cost_and_gradient(policy, gradient, starts, STEPS)
        parts = np.split(by_weights, cuts)
        model.apply_gradients([part.reshape(w.shape) for part, w in zip(parts, model.get_weights(), strict=True)])
        policy.refresh()
        gradient.refresh()
        costs.append(cost)
    print(f"{options.steps} steps of Adam, {options.steps * RUNS * STEPS:,} of the simulation: {time.perf_counter() - began:.1f} s")
    path, torques = simulate(policy, np.array([[np.pi, 0.0]]), 2 * STEPS)
    away = np.abs(1 - np.cos(path[-STEPS // 2 :, 0, 0])).max()
    print(f"cost {costs[0]:.2f} -> {min(costs):.2f}; in the last seconds at most {np.degrees(np.arccos(1 - away)):.1f} degrees from upright")
    if away > 0.1:
        sys.exit("the pendulum should stand at the end, and does not")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--picture", type=Path, default=Path(__file__).with_suffix(".png"))
    options = parser.parse_args()
    if options.steps < 1:
        parser.error("--steps must be at least 1")
    if not options.picture.parent.is_dir():
        parser.error(f"--picture: there is no folder {options.picture.parent}")
    return options


if __name__ == "__main__":
    main()
