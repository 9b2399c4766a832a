"""The range test: what it finds, and that nothing else changes."""

import numpy as np
import pytest

from fastbp import SGD, Adam, Dense, Input, Sequential
from fastbp.models import LearningRateRange
from fastbp.optimizers import schedules

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4)).astype("float32")
Y = np.sin(2 * X[:, :1]) * X[:, 1:2]


def model(optimizer, dtype="float32"):
    made = Sequential([Input((4,)), Dense(24, "tanh"), Dense(1)], seed=0, dtype=dtype)
    made.compile(optimizer, "mse", metrics=["mae"])
    return made


def by_hand(made, batches, rates):
    """The losses of steps with rising rates."""
    losses = []
    for rows, rate in zip(batches, rates, strict=False):
        made.optimizer.learning_rate = rate
        losses.append(made.train_on_batch(X[rows], Y[rows])[0])
    return losses


def test_it_is_training_with_rising_rates():
    found = model(Adam()).find_learning_rate(X, Y, batch_size=100, steps=50)
    order_of = model(Adam())._need_engine("a test")
    batches = [part for _ in range(17) for part in np.split(order_of.next_order(300), 3)]
    rates = np.geomspace(1e-7, 10, 50)
    assert found.rates == pytest.approx(rates[: len(found.rates)])
    assert found.losses == pytest.approx(by_hand(model(Adam()), batches, found.rates), rel=1e-6)


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: Adam(0.01),
        lambda: SGD(schedules.OneCycle(0.1, 100), momentum=0.9),
        lambda: Adam(0.01, use_ema=True, gradient_accumulation_steps=2, global_clipnorm=0.1),
    ],
)
@pytest.mark.parametrize("stop", [1e-3, 1e30], ids=["gently", "to divergence"])
def test_everything_is_as_before(optimizer, stop):
    made, other = model(optimizer()), model(optimizer())
    for each in (made, other):
        each.fit(X, Y, epochs=2, verbose=0)
    history, rate, steps = made.history, made.optimizer.learning_rate, made.optimizer.steps
    made.find_learning_rate(X, Y, stop=stop)
    assert made.history is history and made.optimizer.learning_rate == rate and made.optimizer.steps == steps
    for each in (made, other):
        each.fit(X, Y, epochs=2, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(made.get_weights(), other.get_weights(), strict=True))
    assert made.evaluate(X, Y, verbose=0) == other.evaluate(X, Y, verbose=0)


@pytest.mark.parametrize("kind", [Adam, SGD])
def test_the_suggestion_works(kind):
    """Training with it learns more in a few epochs than with a hundredth of it, and does not diverge."""
    made = model(kind())
    suggestion, losses = made.find_learning_rate(X, Y).suggestion, {}
    for factor in (0.01, 1.0):
        trained = model(kind(factor * suggestion))
        losses[factor] = trained.fit(X, Y, epochs=10, verbose=0).history["loss"][-1]
    assert losses[1.0] < 0.9 * losses[0.01]


def test_it_ends_where_the_loss_explodes():
    found = model(SGD()).find_learning_rate(X, Y, stop=1e6, steps=300)
    assert 50 < len(found.rates) == len(found.losses) < 300 and found.rates[-1] < 1e4
    assert np.isfinite(found.losses).all()


@pytest.mark.parametrize("batch_size", [None, 32, 299, 1000])
def test_sizes_of_batches_and_weights(batch_size):
    made, weights = model(Adam()), RNG.random(300)
    found = made.find_learning_rate(X, Y, batch_size, sample_weight=weights, steps=20, stop=1e-3)
    assert len(found.losses) == 20
    if batch_size == 1000:  # all samples, each time
        value = made.evaluate(X, Y, sample_weight=weights, verbose=0)[0]
        assert found.losses[0] == pytest.approx(value, rel=1e-5)


def test_the_steepest_descent():
    rates = np.geomspace(1e-6, 1, 121)
    losses = 1 / (1 + (rates / 1e-3) ** 2) + 10 * rates**2
    found = LearningRateRange(rates, losses)
    assert found.suggestion == pytest.approx(1e-3, rel=0.3) and found.smoothed[:90] == pytest.approx(losses[:90], abs=0.05)
    for count in range(1, 12):
        assert LearningRateRange(rates[:count], 0 * losses[:count] + 3.0).smoothed == pytest.approx([3.0] * count)
    noisy = LearningRateRange(rates, losses + 0.02 * RNG.normal(size=121))
    assert noisy.suggestion == pytest.approx(1e-3, rel=1)
    assert LearningRateRange(rates, 1 + rates).suggestion is None
    assert LearningRateRange(rates[:0], rates[:0]).suggestion is None
    assert repr(LearningRateRange(rates[:0], rates[:0])) == "LearningRateRange(0 rates, suggestion=None)"
    assert repr(found).startswith("LearningRateRange(121 rates from 1e-06 to 1, suggestion=0.001")


def test_what_only_goes_up_and_down_has_no_suggestion():
    """Losses of batches that differ: rarely one, and where there is a fall its place is found."""
    rates, noise = np.geomspace(1e-7, 10, 200), RNG.normal(size=(100, 200))
    found = [LearningRateRange(rates, 1 + 0.1 * row).suggestion for row in noise]
    assert sum(rate is not None for rate in found) < 8
    fall = 1 / (1 + rates / 0.01)
    found = [LearningRateRange(rates, fall + 0.1 * row).suggestion for row in noise]
    assert all(1e-4 < rate < 1 for rate in found)


def test_the_picture(tmp_path):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    axes = model(Adam()).find_learning_rate(X, Y).plot(tmp_path / "rates.png")
    assert axes.get_xscale() == "log" and len(axes.lines) == 3 and (tmp_path / "rates.png").stat().st_size > 1000
    pyplot.close(axes.figure)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"start": 0.0}, "start must be more than 0 and less than stop, got 0.0 and 10.0"),
        ({"start": 1.0, "stop": 0.5}, "start must be more than 0 and less than stop"),
        ({"stop": float("inf")}, "stop must be a finite number"),
        ({"steps": 1}, "steps must be an integer of at least 2"),
        ({"batch_size": 0}, "batch_size must be an integer of at least 1"),
    ],
)
def test_what_is_refused(settings, text):
    with pytest.raises(ValueError, match=text):
        model(Adam()).find_learning_rate(X, Y, **settings)
