"""Schedules that begin low, rates that are functions of the step, and rates that are none."""

import math

import numpy as np
import pytest

from fastbp import SGD, Adam, Dense, Input, Sequential
from fastbp.optimizers import schedules

STEPS = [0, 1, 5, 10, 13, 14, 15, 16, 30, 31, 59, 60, 99, 100, 119]
CYCLES = [
    {},
    {"pct_start": 0.5, "anneal_strategy": "linear"},
    {"pct_start": 0.25, "div_factor": 10.0, "final_div_factor": 100.0},
    {"pct_start": 0.25, "three_phase": True},
    {"pct_start": 0.2, "three_phase": True, "anneal_strategy": "linear"},
    {"pct_start": 0.0},
]


def test_one_cycle_by_hand():
    cycle = schedules.OneCycle(1.0, 101, pct_start=51 / 101, div_factor=10, final_div_factor=10, anneal_strategy="linear")
    assert cycle([0, 25, 50, 75, 100, 500]) == pytest.approx([0.1, 0.55, 1.0, 0.505, 0.01, 0.01])
    cosine = schedules.OneCycle(1.0, 101, pct_start=51 / 101, div_factor=10, final_div_factor=10)
    assert cosine([25, 75]) == pytest.approx([0.55, 0.505])
    assert cosine(10) == pytest.approx(0.1 + 0.9 * (1 - math.cos(math.pi / 5)) / 2)
    both = schedules.OneCycle(1.0, 101, pct_start=31 / 101, div_factor=10, anneal_strategy="linear", three_phase=True)
    assert both([0, 15, 30, 45, 60, 100]) == pytest.approx([0.1, 0.55, 1.0, 0.55, 0.1, 1e-5])


@pytest.mark.filterwarnings("ignore::UserWarning")  # PyTorch wants steps of the optimizer in between
@pytest.mark.parametrize("settings", CYCLES, ids=str)
def test_one_cycle_as_pytorch(settings):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.7, total_steps=120, cycle_momentum=False, **settings)
    expected = []
    for _ in range(120):
        expected.append(optimizer.param_groups[0]["lr"])
        theirs.step()
    ours = schedules.OneCycle(0.7, 120, **settings)
    assert ours(np.arange(120)) == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert [float(ours(step)) for step in STEPS] == pytest.approx([expected[step] for step in STEPS], rel=1e-6, abs=1e-9)


def branching(step):
    return 0.5 if step < 3 else 0.25


@pytest.mark.parametrize(
    ("then", "after"),
    [
        (0.5, lambda step: 0.5),
        (schedules.InverseTimeDecay(0.5, 1, 1.0), lambda step: 0.5 / (1 + step)),
        (branching, branching),
        (schedules.Warmup(0.5, 2, 0.1), lambda step: 0.1 + 0.2 * step if step < 2 else 0.5),
    ],
    ids=["number", "schedule", "function", "another"],
)
def test_warmup(then, after):
    warmup, first = schedules.Warmup(then, 4, initial_learning_rate=0.1), after(0)
    wanted = [0.1 + (first - 0.1) * step / 4 if step < 4 else after(step - 4) for step in range(12)]
    assert warmup(np.arange(12)) == pytest.approx(wanted) and warmup.rates(0, 12) == pytest.approx(wanted)
    assert [float(warmup(step)) for step in range(12)] == pytest.approx(wanted)
    assert schedules.Warmup(then, 0)(0) == pytest.approx(first)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: schedules.OneCycle(-1.0, 10), ValueError, "max_learning_rate must be"),
        (lambda: schedules.OneCycle(1.0, 0), ValueError, "total_steps must be"),
        (lambda: schedules.OneCycle(1.0, 10, pct_start=1.5), ValueError, "pct_start must be"),
        (lambda: schedules.OneCycle(1.0, 10, div_factor=0), ValueError, "div_factor must be more than 0"),
        (
            lambda: schedules.OneCycle(1.0, 10, anneal_strategy="cosine"),
            ValueError,
            "anneal_strategy must be 'cos' or 'linear'",
        ),
        (lambda: schedules.Warmup("adam", 10), TypeError, "then must be"),
        (lambda: schedules.Warmup(0.1, -1), ValueError, "warmup_steps must be"),
        (lambda: Adam(lambda: 0.1), TypeError, r"learning_rate must be a function of \(step\), got <lambda>\(\)"),
        (lambda: Adam(schedules.OneCycle), TypeError, "learning_rate must be"),
        (lambda: schedules.StepFunction(3), TypeError, "function must be a function of the step"),
    ],
)
def test_what_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


# ---------------------------------------------------------------------------------------------------------- in a fit


def fitted(optimizer, **settings):
    model = Sequential([Input((1,)), Dense(3, "tanh"), Dense(1)], seed=0, dtype="float64")
    model.compile(optimizer, "mse")
    x = np.linspace(-1, 1, 40)
    model.fit(x, x**2, batch_size=8, shuffle=False, verbose=0, **settings)
    return model


RATES = [lambda n: 0.1 / (1 + n), lambda n: 0.1 / (1 + n) if n < 100 else 0.0, lambda n: 0.1 * math.pow(1 + n, -1)]


@pytest.mark.parametrize("rate", RATES, ids=["of many", "that branches", "by math"])
def test_a_function_of_the_step(rate):
    model, twin = fitted(SGD(rate), epochs=3), fitted(SGD(schedules.InverseTimeDecay(0.1, 1, 1.0)), epochs=3)
    for ours, wanted in zip(model.get_weights(), twin.get_weights(), strict=True):
        assert ours == pytest.approx(wanted, rel=1e-12)
    assert model.optimizer.learning_rate == pytest.approx(0.1 / 16)


@pytest.mark.parametrize("wrong", [float("nan"), -0.5, float("inf")])
@pytest.mark.parametrize("start", [3, 12, 15])
def test_a_rate_that_is_none(wrong, start):
    """The fit does not begin; the steps before can be taken."""
    rate = lambda step: np.where(np.asarray(step) < start, 0.1, wrong)  # noqa: E731
    model = fitted(SGD(rate), epochs=0)
    before, x = model.get_weights(), np.linspace(-1, 1, 40)
    with pytest.raises(ValueError, match=f"learning_rate must be at least 0 and finite, got {wrong} at step {start}"):
        model.fit(x, x**2, batch_size=8, epochs=4, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))
    for _ in range(start):
        model.train_on_batch(x, x**2)
    after = model.get_weights()
    assert model.optimizer.iterations == start
    for _ in range(2):
        with pytest.raises(ValueError, match=f"got {wrong} at step {start}"):
            model.train_on_batch(x, x**2)
        with pytest.raises(ValueError, match=f"got {wrong} at step {start}"):
            model.apply_gradients([np.zeros_like(w) for w in after])
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), after, strict=True))


def test_a_rate_that_ends_with_the_fit():
    """What comes after the last step is nobody's business."""
    rates = [0.1, 0.05, 0.01, 0.01, 0.01]
    model = fitted(SGD(lambda step: rates[step]), epochs=1)
    assert model.optimizer.iterations == 5 and math.isnan(model.optimizer.learning_rate)
