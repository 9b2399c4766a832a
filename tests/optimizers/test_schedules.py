"""Learning rates of each step: Keras's formulas, for one step and for many, and an optimizer that follows them."""

import copy
import pickle

import numpy as np
import pytest

from fastbp import SGD, Adam, Dense, Input, Sequential, optimizers
from fastbp.optimizers import schedules

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras's calls of NumPy

STEPS = np.array([0, 1, 2, 5, 9, 10, 11, 19, 20, 21, 29, 30, 31, 69, 70, 71, 100, 149, 150, 151, 1000])
CASES = {
    "exponential": schedules.ExponentialDecay(0.5, 10, 0.9),
    "staircase": schedules.ExponentialDecay(0.5, 10, 0.9, staircase=True),
    "inverse": schedules.InverseTimeDecay(0.5, 10, 0.9),
    "inverse staircase": schedules.InverseTimeDecay(0.5, 10, 0.9, staircase=True),
    "piecewise": schedules.PiecewiseConstantDecay([10, 30], [0.5, 0.25, 0.125]),
    "one boundary": schedules.PiecewiseConstantDecay([10], [0.5, 0.25]),
    "polynomial": schedules.PolynomialDecay(0.5, 30, 0.1, power=2.0),
    "cycle": schedules.PolynomialDecay(0.5, 10, 0.1, cycle=True),
    "cosine": schedules.CosineDecay(0.5, 70, alpha=0.1),
    "warm-up": schedules.CosineDecay(0.1, 70, alpha=0.1, warmup_target=0.5, warmup_steps=10),
    "no warm-up steps": schedules.CosineDecay(0.1, 70, warmup_target=0.5),
    "restarts": schedules.CosineDecayRestarts(0.5, 10, alpha=0.1),
    "equal restarts": schedules.CosineDecayRestarts(0.5, 10, t_mul=1.0, m_mul=0.5),
    "restarts that grow": schedules.CosineDecayRestarts(0.5, 10, t_mul=3.0, m_mul=0.9),
}


def by_hand(name, n):
    """The rate of step n, written out; the restarts by walking through them."""
    cosine = lambda part: (1 + np.cos(np.pi * part)) / 2  # noqa: E731

    def restarts(growth, factor, alpha):
        begin, length, scale = 0, 10, 1.0
        while n >= begin + length:
            begin, length, scale = begin + length, length * growth, scale * factor
        return 0.5 * ((1 - alpha) * scale * cosine((n - begin) / length) + alpha)

    return {
        "exponential": lambda: 0.5 * 0.9 ** (n / 10),
        "staircase": lambda: 0.5 * 0.9 ** (n // 10),
        "inverse": lambda: 0.5 / (1 + 0.09 * n),
        "inverse staircase": lambda: 0.5 / (1 + 0.9 * (n // 10)),
        "piecewise": lambda: 0.5 if n <= 10 else 0.25 if n <= 30 else 0.125,
        "one boundary": lambda: 0.5 if n <= 10 else 0.25,
        "polynomial": lambda: 0.4 * (1 - min(n, 30) / 30) ** 2 + 0.1,
        "cycle": lambda: 0.4 * (1 - n / (10 * max(1, -(-n // 10)))) + 0.1,
        "cosine": lambda: 0.5 * (0.9 * cosine(min(n, 70) / 70) + 0.1),
        "warm-up": lambda: 0.1 + 0.04 * n if n < 10 else 0.5 * (0.9 * cosine(min(n - 10, 70) / 70) + 0.1),
        "no warm-up steps": lambda: 0.5 * cosine(min(n, 70) / 70),
        "restarts": lambda: restarts(2, 1.0, 0.1),
        "equal restarts": lambda: restarts(1, 0.5, 0.0),
        "restarts that grow": lambda: restarts(3, 0.9, 0.0),
    }[name]()


@pytest.mark.parametrize("name", CASES)
def test_formula(name):
    wanted = [by_hand(name, int(n)) for n in STEPS]
    assert CASES[name](STEPS) == pytest.approx(wanted, rel=1e-12, abs=1e-15)
    assert [float(CASES[name](int(n))) for n in STEPS] == pytest.approx(wanted, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", CASES)
def test_as_keras(name):
    keras = pytest.importorskip("keras")
    ours = CASES[name]
    theirs = keras.optimizers.schedules.deserialize(schedules.serialize(ours))
    # Keras computes the place of a restart in float32, by a logarithm that may miss it by one step.
    steps = [n for n in STEPS if "restarts" not in name or n not in (10, 30, 70, 150)]
    assert ours(steps) == pytest.approx([float(theirs(n)) for n in steps], rel=2e-5, abs=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_many_steps_are_the_single_ones(name):
    rates = CASES[name].rates(7, 200)
    assert rates.dtype == np.float64 and rates.shape == (200,)
    assert rates.tolist() == [float(CASES[name](n)) for n in range(7, 207)]
    assert CASES[name].rates(3, 0).shape == (0,)


class Branching(schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.1 if step < 5 else 0.01


class ByMath(schedules.LearningRateSchedule):
    def __call__(self, step):
        import math

        return math.exp(-step / 10)


class Vector(schedules.LearningRateSchedule):
    def __call__(self, step):
        return 1.0 / (1 + step)


class Different(schedules.LearningRateSchedule):
    """Gives other rates for many steps than for one, as where it takes their minimum."""

    def __call__(self, step):
        return 1.0 / (1 + np.min(step)) + 0.0 * step


@pytest.mark.parametrize("cls", [Branching, ByMath, Vector, Different])
def test_a_users_schedule(cls):
    assert cls().rates(2, 10).tolist() == [float(cls()(n)) for n in range(2, 12)]


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -0.1])
def test_rates_that_are_none(wrong):
    class Bad(schedules.LearningRateSchedule):
        def __call__(self, step):
            return np.where(np.asarray(step) == 7, wrong, 0.1)

    with pytest.raises(ValueError, match=f"got {wrong} at step 7"):
        Bad().rates(0, 10)


def test_an_optimizer_follows_its_schedule():
    adam = Adam(learning_rate=CASES["exponential"])
    assert adam.learning_rate == 0.5 and adam.hyper[0] == 0.5 and adam.schedule is CASES["exponential"]
    adam.iterations = 20
    assert adam.learning_rate == pytest.approx(0.5 * 0.81) and adam.hyper[0] == adam.learning_rate
    assert adam.learning_rates(20, 3).tolist() == CASES["exponential"].rates(20, 3).tolist()
    for twin in (copy.deepcopy(adam), pickle.loads(pickle.dumps(adam))):
        assert twin.iterations == 20 and twin.learning_rate == adam.learning_rate
    with pytest.raises(TypeError, match="follows a schedule.*0.1"):
        adam.learning_rate = 0.1
    adam.learning_rate = CASES["cosine"]
    assert adam.learning_rate == float(CASES["cosine"](20))


def test_an_optimizer_without_one():
    sgd = SGD(0.1)
    sgd.iterations = 5
    assert sgd.learning_rates(0, 10) is None and sgd.schedule is None and sgd.learning_rate == 0.1
    assert sgd == SGD(0.1)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "decay_steps must be more than 0"),
        (lambda: schedules.ExponentialDecay(-0.1, 1, 0.5), "initial_learning_rate must be"),
        (lambda: schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2]), "one more than boundaries, got 2 and 2"),
        (lambda: schedules.PiecewiseConstantDecay([2, 1], [0.1, 0.2, 0.3]), "must increase"),
        (lambda: schedules.CosineDecay(0.1, 10, warmup_steps=-1), "warmup_steps"),
        (lambda: schedules.CosineDecayRestarts(0.1, 10, t_mul=0.5), "t_mul"),
        (lambda: schedules.PolynomialDecay(0.1, 10, power=-1), "power"),
        (lambda: schedules.deserialize({"class_name": "CosineDecy", "config": {}}), "Did you mean 'CosineDecay'"),
    ],
)
def test_bad_settings(call, text):
    with pytest.raises(ValueError, match=text):
        call()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: Adam(lr=0.1), TypeError, "Adam has no argument 'lr': use learning_rate"),
        (lambda: SGD(0.1, decay=1e-6), TypeError, "InverseTimeDecay"),
        (lambda: Adam(beta1=0.5), TypeError, "Did you mean 'beta_1'"),
        (lambda: Adam(lambda: 0.1), TypeError, "learning_rate must be"),
        (lambda: optimizers.get("ftrl"), ValueError, "ftrl.*use Adam"),
        (lambda: optimizers.get(optimizers.Optimizer).code, NotImplementedError, "compiled"),
    ],
)
def test_what_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("cls", optimizers._ALL)
def test_harmless_settings_of_keras(cls):
    nothing = dict.fromkeys(
        ("clipnorm", "clipvalue", "global_clipnorm", "ema_overwrite_frequency", "loss_scale_factor", "name")
    )
    made = cls(0.1, **nothing, use_ema=False, ema_momentum=0.99, gradient_accumulation_steps=None, weight_decay=None)
    assert made == cls(0.1, weight_decay=None)


@pytest.mark.parametrize("rate", ["a", None])
def test_a_function_that_gives_no_number(rate):
    with pytest.raises(TypeError, match=f"learning_rate must be a number at each step, got {repr(rate)} at step 0"):
        SGD(lambda step: rate)


def test_a_rate_is_assigned_where_it_is_read():
    """As a variable of Keras; that of a copy is the copy's."""
    first = Adam(0.25)
    copies = [copy.copy(first), copy.deepcopy(first), pickle.loads(pickle.dumps(first))]
    for i, one in enumerate([first, *copies]):
        one.learning_rate.assign(2.0**-i)
        one.learning_rate.assign(one.learning_rate * 0.5)
    assert [one.learning_rate for one in [first, *copies]] == [0.5, 0.25, 0.125, 0.0625]
    assert first.learning_rate.numpy() == 0.5 and repr(first) == repr(Adam(0.5)) and first.get_config()["learning_rate"] == 0.5
    with pytest.raises(ValueError, match="learning_rate must be a finite number of at least 0, got -1"):
        first.learning_rate.assign(-1)
    model = Sequential([Input((1,)), Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(SGD(0.5), "mse")
    model.optimizer.learning_rate.assign(0.25)
    model.train_on_batch([[1.0]], [4.0])
    assert model.get_weights()[0] == 2.0
