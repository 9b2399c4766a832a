"""A fit follows a schedule: the same weights as where the rate of each step is set by hand, and as Keras."""

import numpy as np
import pytest

from fastbp import Dense, Input, Sequential, optimizers
from fastbp.optimizers import schedules

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(50, 3)), RNG.normal(size=(50, 1))
SCHEDULES = {
    "exponential": schedules.ExponentialDecay(0.05, 7, 0.5),
    "piecewise": schedules.PiecewiseConstantDecay([3, 10], [0.05, 0.02, 0.01]),
    "warm-up": schedules.CosineDecay(0.0, 15, warmup_target=0.05, warmup_steps=5),
}


def model(optimizer):
    made = Sequential([Input((3,)), Dense(4, "tanh"), Dense(1)], seed=0, dtype="float64")
    made.compile(optimizer, "mse")
    return made


def by_hand(kind, schedule, epochs):
    """Batch by batch, with the rate set before each."""
    made, step = model(kind(0.1)), 0
    for _ in range(epochs):
        for first in range(0, 50, 8):
            made.optimizer.learning_rate = float(schedule(step))
            made.train_on_batch(X[first : first + 8], Y[first : first + 8])
            step += 1
    return made.get_weights()


@pytest.mark.parametrize("kind", [optimizers.SGD, optimizers.Adam, optimizers.Nadam, optimizers.RMSprop])
@pytest.mark.parametrize("name", SCHEDULES)
def test_fit_follows_it(kind, name):
    made = model(kind(SCHEDULES[name]))
    made.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    assert made.optimizer.iterations == 14
    assert made.optimizer.learning_rate == float(SCHEDULES[name](14))
    made.fit(X, Y, batch_size=8, epochs=1, shuffle=False, verbose=0)
    for ours, wanted in zip(made.get_weights(), by_hand(kind, SCHEDULES[name], 3), strict=True):
        assert ours == pytest.approx(wanted, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
def test_single_steps_follow_it(name):
    made = model(optimizers.Adam(SCHEDULES[name]))
    for _ in range(2):
        for first in range(0, 50, 8):
            made.train_on_batch(X[first : first + 8], Y[first : first + 8])
    for ours, wanted in zip(made.get_weights(), by_hand(optimizers.Adam, SCHEDULES[name], 2), strict=True):
        assert np.array_equal(ours, wanted)


def test_a_gradient_of_ones_own_follows_it():
    made, schedule = model(optimizers.SGD(SCHEDULES["piecewise"])), SCHEDULES["piecewise"]
    ones = [np.ones_like(w) for w in made.get_weights()]
    before = made.get_weights()
    for _ in range(6):
        made.apply_gradients(ones)
    moved = before[0] - made.get_weights()[0]
    assert moved == pytest.approx(np.full_like(moved, schedule.rates(0, 6).sum()))


def test_the_same_bits_for_any_number_of_threads():
    found = []
    for threads in (1, 2):
        made = model(optimizers.Adam(SCHEDULES["exponential"]))
        made.fit(X, Y, batch_size=8, epochs=3, verbose=0, threads=threads)
        found.append(made.get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))
