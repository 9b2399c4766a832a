"""Whether the random numbers of units are random: how often, and independent of each other in every direction."""

import numpy as np
import pytest

import oracle_noise
from fastbp.layers import AlphaDropout, Dropout, GaussianDropout, GaussianNoise

ROWS, UNITS = 1000, 300
SIGMAS = 5  # of a statistic: one in two million


def dropped(rate, seed=1, calls=1, rows=ROWS, units=UNITS):
    """The masks of some calls of a layer, 1 for dropped."""
    layer, x = Dropout(rate, seed=seed), np.ones((rows, units), np.float32)
    return [(layer(x, training=True) == 0).astype(float) for _ in range(calls)]


def correlation(a, b):
    """In standard deviations of what chance gives."""
    a, b = a - a.mean(), b - b.mean()
    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()) * np.sqrt(a.size)


def chi_square(counts, expected):
    """In standard deviations from its mean."""
    statistic, freedom = ((counts - expected) ** 2 / expected).sum(), counts.size - 1
    return (statistic - freedom) / np.sqrt(2 * freedom)


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5, 0.8, 0.99])
def test_how_often_units_are_dropped(rate):
    (mask,) = dropped(rate)
    deviation = np.sqrt(rate * (1 - rate))
    assert abs(mask.mean() - rate) < SIGMAS * deviation / np.sqrt(mask.size)
    for axis, others in ((0, ROWS), (1, UNITS)):  # each unit, and each sample, as often as it should be
        means = (mask.mean(axis=axis) - rate) / deviation * np.sqrt(others)
        assert abs((means**2).mean() - 1) < SIGMAS * np.sqrt(2 / means.size) * 1.2
        assert abs(means).max() < SIGMAS + 1.5  # skew at rates near the ends


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_units_samples_steps_and_layers_are_independent(rate):
    first, second = dropped(rate, calls=2)
    (other,) = dropped(rate, seed=2)
    for lag in (1, 2, 3, 4, 7, 8, 15, 16, 32, 64, 128):
        assert abs(correlation(first[:, :-lag], first[:, lag:])) < SIGMAS, f"units {lag} apart"
        assert abs(correlation(first[:-lag], first[lag:])) < SIGMAS, f"samples {lag} apart"
    assert abs(correlation(first, second)) < SIGMAS
    assert abs(correlation(first, other)) < SIGMAS
    assert abs(correlation(first[:, ::-1], first)) < SIGMAS


@pytest.mark.parametrize("bit", range(0, 64, 7))
def test_every_bit_of_a_seed_and_of_a_step_matters(bit):
    base = oracle_noise.kept(0.5, 12345, 1000, ROWS, UNITS)
    assert abs(correlation(base, oracle_noise.kept(0.5, 12345 ^ 2**bit, 1000, ROWS, UNITS))) < SIGMAS
    assert abs(correlation(base, oracle_noise.kept(0.5, 12345, 1000 ^ 2**bit, ROWS, UNITS))) < SIGMAS


def test_bits_are_uniform_and_pairs_of_them_too():
    first, second = oracle_noise.two_bits(7, 0, 4000, UNITS)
    for bits in (first, second):
        for shift in (22, 12, 8):  # the highest ten of 32, and those below
            counts = np.bincount(((bits >> np.uint32(shift)) & np.uint32(1023)).ravel(), minlength=1024)
            assert abs(chi_square(counts, bits.size / 1024)) < SIGMAS
        high = (bits >> np.uint32(27)).astype(int)
        for pairs in (high[:, :-1] * 32 + high[:, 1:], high[:-1] * 32 + high[1:]):
            assert abs(chi_square(np.bincount(pairs.ravel(), minlength=1024), pairs.size / 1024)) < SIGMAS
    both = (first >> np.uint32(27)).astype(int) * 32 + (second >> np.uint32(27)).astype(int)
    assert abs(chi_square(np.bincount(both.ravel(), minlength=1024), both.size / 1024)) < SIGMAS


def test_normal_numbers():
    z = GaussianNoise(1.0, seed=3)(np.zeros((4000, UNITS)), training=True).astype(float)
    n = z.size
    for power, moment, spread in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96), (6, 15, 10170)):
        assert abs((z**power).mean() - moment) < SIGMAS * np.sqrt(spread / n), f"moment {power}"
    edges = np.array([-np.inf, -3, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3, np.inf])
    counts = np.histogram(z, edges)[0]
    below = np.array([0, 0.0013498980, 0.0227501319, 0.0668072013, 0.1586552539, 0.3085375387, 0.5])
    shares = np.diff(np.concatenate([below, 1 - below[-2::-1]]))
    assert abs(chi_square(counts, n * shares)) < SIGMAS
    for lag in (1, 8, 16):
        assert abs(correlation(z[:, :-lag], z[:, lag:])) < SIGMAS and abs(correlation(z[:-lag], z[lag:])) < SIGMAS
    assert np.isfinite(z).all()


@pytest.mark.parametrize("units", [1, 7, 8, 19, 300])
@pytest.mark.parametrize("layer", [Dropout, GaussianNoise, GaussianDropout, AlphaDropout])
def test_mean_and_spread_in_training(layer, units):
    x = np.random.default_rng(5).normal(1.0, 2.0, size=(60_000 // units, units))
    noisy = layer(0.3, seed=1)(x, training=True).astype(float)
    spread = {
        Dropout: np.sqrt((4 + 1) / 0.7 - 1),
        GaussianNoise: np.sqrt(4 + 0.09),
        GaussianDropout: np.sqrt(4 + 5 * 0.3 / 0.7),
    }
    if layer is AlphaDropout:
        x = (x - x.mean()) / x.std()  # it is made for mean 0 and variance 1, and keeps them
        noisy = AlphaDropout(0.3, seed=1)(x, training=True).astype(float)
        assert abs(noisy.mean()) < 0.03 and abs(noisy.std() - 1) < 0.03
    else:
        assert abs(noisy.mean() - 1) < 0.06 and abs(noisy.std() / spread[layer] - 1) < 0.03


def test_alpha_dropout_keeps_a_deep_selu_network_in_place():
    from fastbp import Dense, Input, Sequential

    layers = [layer for _ in range(8) for layer in (Dense(300, "selu", kernel_initializer="lecun_normal"), AlphaDropout(0.05))]
    model = Sequential([Input((100,)), *layers], seed=0)
    output = model.predict(np.random.default_rng(0).normal(size=(500, 100)), training=True)
    assert abs(output.mean()) < 0.1 and abs(output.std() - 1) < 0.15


@pytest.mark.parametrize("layer", [Dropout(0.4, seed=3), AlphaDropout(0.4, seed=3), GaussianNoise(0.4, seed=3)], ids=repr)
def test_either_element_type_has_the_same_noise(layer):
    x = np.random.default_rng(0).normal(size=(50, 37))
    kinds = [type(layer)(0.4, seed=3, dtype=dtype)(x, training=True) for dtype in ("float32", "float64")]
    np.testing.assert_allclose(*kinds, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("rate", [1e-12, 1 - 1e-12])
def test_rates_beyond_what_bits_can_tell(rate):
    (mask,) = dropped(rate)
    assert mask.all() == (rate > 0.5) and mask.any() == (rate > 0.5)
