"""A model's random numbers must not be those that its user draws from the same seed."""

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Sequential, initializers
from fastbp.seeds import FORMULA, INITIALIZER, SHUFFLE, WEIGHTS, generator, shuffle_seed

SEEDS = [*range(50), 42, 123, 1234, 12345, 2**31, 2**63, 2**64 + 1]
SIZE = 2000


def users_streams(seed):
    """What people make of a seed."""
    sequence = np.random.SeedSequence(seed)
    streams = [np.random.default_rng(seed), *(np.random.default_rng(child) for child in sequence.spawn(3))]
    if seed < 2**32:
        streams.append(np.random.RandomState(seed))
    return streams


def correlations(weights, data):
    """Of the weights with data of the same stream, also where one is a few draws ahead of the other."""
    weights, data = weights - weights.mean(), data - data.mean()
    weights, data = weights / np.linalg.norm(weights), data / np.linalg.norm(data)
    return [np.dot(weights[max(lag, 0) : SIZE + min(lag, 0)], data[max(-lag, 0) : SIZE + min(-lag, 0)]) for lag in range(-4, 5)]


def first_weights(seed, initializer):
    model = Sequential([Dense(SIZE // 40, use_bias=False, kernel_initializer=initializer)], seed=seed)
    model.build(40)
    return model.get_weights()[0].ravel().astype(float)


def test_this_test_would_find_it():
    def own(shape, rng, dtype):
        return np.random.default_rng(7).uniform(-1, 1, shape)

    found = correlations(first_weights(0, own), np.random.default_rng(7).uniform(size=SIZE))
    assert max(found) > 0.99


@pytest.mark.parametrize(("initializer", "draw"), [("glorot_uniform", "uniform"), ("random_normal", "normal")])
@pytest.mark.parametrize("whose", ["model", "initializer"])
def test_weights_do_not_follow_the_data(initializer, draw, whose):
    kind = {"glorot_uniform": initializers.RandomUniform, "random_normal": initializers.RandomNormal}[initializer]
    worst = 0.0
    for seed in SEEDS:
        chosen = kind(seed=seed) if whose == "initializer" else initializer
        weights = first_weights(seed if whose == "model" else 999, chosen)
        for stream in users_streams(seed):
            worst = max(worst, *np.abs(correlations(weights, getattr(stream, draw)(size=SIZE))))
    assert worst < 6 / np.sqrt(SIZE)  # six deviations: some thousand correlations are looked at


def test_one_seed_gives_the_same_bits_and_no_seed_others():
    first, again, none, other = (first_weights(seed, "normal") for seed in (3, 3, None, None))
    assert np.array_equal(first, again) and not np.array_equal(none, other)


def test_each_purpose_has_a_stream_of_its_own():
    draws = {generator(5, purpose).integers(2**63) for purpose in (WEIGHTS, SHUFFLE, INITIALIZER, FORMULA)}
    users = {stream.integers(2**63) for stream in users_streams(5)[:-1]}
    assert len(draws | users) == len(draws) + len(users)
    assert shuffle_seed(5, FORMULA) == shuffle_seed(5, FORMULA) != shuffle_seed(6, FORMULA)


def test_formulas_shuffle_by_their_seed():
    x = np.random.default_rng(0).normal(size=100)

    def run(seed):
        return fastbp.fit_formula(lambda p, x: fastbp.mean((x - p) ** 2), x, 0.0, epochs=1, batch_size=8, seed=seed).params

    assert run(1) == run(1) != run(2)
