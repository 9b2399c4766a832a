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
def observe(angle, speed):
    return np.array([np.cos(angle), np.sin(angle), speed / 8])


@numba.njit
def move(angle, speed, torque):
    """The angle, 0 where it is upright, and its speed after a step of time."""
    speed = speed + DT * (GRAVITY * np.sin(angle) + TORQUE * torque)
    return angle + DT * speed, speed


@numba.njit
def simulate(policy, angle, speed, steps):
    """The angles, the speeds and the torques of a run."""
    path = np.empty((steps + 1, 3))
    for t in range(steps):
        torque = policy(observe(angle, speed))[0]
        path[t] = angle, speed, torque
        angle, speed = move(angle, speed, torque)
    path[steps] = angle, speed, 0.0
    return path


@numba.njit
def cost_and_gradient(policy, gradient, starts, steps):
    """The mean cost of some runs, and its gradient with respect to the weights."""
    cost, total = 0.0, 0.0 * gradient(np.ones(3), np.zeros(1))[2]
    for angle, speed in starts:
        path = simulate(policy, angle, speed, steps)
        cost += (1 - np.cos(path[:, 0]) + 0.02 * path[:, 1] ** 2).mean()
        by_angle = by_speed = 0.0
        for t in range(steps, -1, -1):
            if t < steps:  # back through move and through the network
                by_speed += DT * by_angle
                _, by_input, by_weights = gradient(observe(path[t, 0], path[t, 1]), np.array([DT * TORQUE * by_speed]))
                total += by_weights
                by_angle += DT * GRAVITY * np.cos(path[t, 0]) * by_speed
                by_angle += by_input[1] * np.cos(path[t, 0]) - by_input[0] * np.sin(path[t, 0])
                by_speed += by_input[2] / 8
            by_angle += np.sin(path[t, 0]) / (steps + 1)
            by_speed += 0.04 * path[t, 1] / (steps + 1)
    return cost / len(starts), total / len(starts)


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
    path = simulate(policy, np.pi, 0.0, 2 * STEPS)
    away = np.abs(1 - np.cos(path[-STEPS // 2 :, 0])).max()
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
