"""Gradients so large that their squares overflow, and so small that they vanish, against PyTorch.

PyTorch in float64 is what float32 would do with more room. In float32 its own squares overflow too: the second moment is then
infinite for good, and the weight never moves again, or is NaN.
"""

import numpy as np
import pytest

import fastbp
from bridge import make_optimizer
from fastbp import Dense, Input, Sequential, optimizers
from networks import OPTIMIZERS, describe

torch = pytest.importorskip("torch")

RATE, EPSILON = 0.1, 1e-7
# ours, PyTorch's. NAdam's schedule and Keras's differ, so it is compared with itself in float64.
PAIRS = {
    "adam": (
        lambda: optimizers.Adam(RATE, epsilon=1e-30),
        lambda w: torch.optim.Adam(w, RATE, eps=1e-30),
    ),
    "amsgrad": (
        lambda: optimizers.Adam(RATE, epsilon=1e-30, amsgrad=True),
        lambda w: torch.optim.Adam(w, RATE, eps=1e-30, amsgrad=True),
    ),
    "rmsprop": (lambda: optimizers.RMSprop(RATE, epsilon=0.0), lambda w: torch.optim.RMSprop(w, RATE, alpha=0.9, eps=0.0)),
    "rmsprop-momentum": (
        lambda: optimizers.RMSprop(RATE, momentum=0.5, epsilon=0.0),
        lambda w: torch.optim.RMSprop(w, RATE, alpha=0.9, eps=0.0, momentum=0.5),
    ),
    "centered": (
        lambda: optimizers.RMSprop(RATE, centered=True, epsilon=0.0),
        lambda w: torch.optim.RMSprop(w, RATE, alpha=0.9, eps=0.0, centered=True),
    ),
    "adagrad": (
        lambda: optimizers.Adagrad(RATE, epsilon=0.0),
        lambda w: torch.optim.Adagrad(w, RATE, initial_accumulator_value=0.1, eps=0.0),
    ),
    "sgd": (lambda: optimizers.SGD(1e-30), lambda w: torch.optim.SGD(w, 1e-30)),
    "momentum": (lambda: optimizers.SGD(1e-30, momentum=0.9), lambda w: torch.optim.SGD(w, 1e-30, momentum=0.9)),
}


def ours(optimizer, gradients, dtype="float32"):
    """The weight after each step along each row of gradients."""
    width = gradients.shape[1]
    model = Sequential([Input((1,)), Dense(width, use_bias=False, kernel_initializer="zeros")], dtype=dtype)
    model.compile(optimizer, "mse")
    weights = []
    for row in gradients:
        model.apply_gradients([row.reshape(1, width)])
        weights.append(model.get_weights()[0][0])
    return np.array(weights, float)


def theirs(make, gradients, dtype=torch.float64):
    w = torch.zeros(gradients.shape[1], dtype=dtype, requires_grad=True)
    optimizer, weights = make([w]), []
    for row in gradients:
        w.grad = torch.tensor(row, dtype=dtype)
        optimizer.step()
        weights.append(w.detach().numpy().copy())
    return np.array(weights, float)


STEADY = np.array([1.0, -1.0, 1.0, 1.0, 0.5, -1.0, 1.0, 1.0])[:, None]


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("size", [1e-15, 1.0, 1e15, 1e18])
def test_where_squares_fit(name, size):
    make_ours, make_theirs = PAIRS[name]
    gradients = size * STEADY * np.array([1.0, 0.3, 2.0])
    assert ours(make_ours(), gradients) == pytest.approx(theirs(make_theirs, gradients), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", [name for name in PAIRS if name not in ("sgd", "momentum", "adagrad")])
@pytest.mark.parametrize("size", [1e19, 2e19, 1e20, 1e25, 1e30, 3e38])
def test_where_they_do_not(name, size):
    """The step of any gradient of a size is the same, so that of one too large is that of one that is not."""
    make_ours, make_theirs = PAIRS[name]
    gradients = size * np.sign(STEADY) * np.array([1.0, -1.0])
    actual, expected = ours(make_ours(), gradients), theirs(make_theirs, gradients)
    assert actual == pytest.approx(expected, rel=1e-4, abs=1e-5)
    if size > 1e21:
        assert not np.nan_to_num(
            theirs(make_theirs, gradients, torch.float32)[-1]
        ).any()  # what is better here: those are 0, or NaN


@pytest.mark.parametrize("size", [1e19, 1e25, 3e38])
def test_adagrad_never_stops(size):
    """Its sum of squares ends at the largest number there is, not at infinity."""
    gradients = size * np.ones((20, 1))
    steps = -np.diff(ours(optimizers.Adagrad(RATE), gradients)[:, 0], prepend=0)
    bounded = theirs(PAIRS["adagrad"][1], gradients)[:, 0]
    assert (steps > 0.04).all() and (steps <= RATE * 1.0001).all()
    assert steps[:4] == pytest.approx(-np.diff(bounded, prepend=0)[:4], rel=1e-3)


@pytest.mark.parametrize("settings", OPTIMIZERS, ids=describe)
def test_extremes_of_every_rule(settings):
    """Each element on its own: what is huge, tiny, denormal or 0 stays finite, and what is ordinary does not notice."""
    sizes = np.array([1e25, -1e20, 1.9e19, -1.8e19, 3e38, 1e-30, -1e-42, 1e-45, 0.0, 1.0])
    rate = 1e-30 if settings["name"] == "sgd" else 0.01
    gradients = np.concatenate([np.tile(sizes, (6, 1)), np.ones((6, 10))])
    actual = ours(make_optimizer({**settings, "learning_rate": rate}), gradients)
    assert np.isfinite(actual).all()
    alone = ours(make_optimizer({**settings, "learning_rate": rate}), gradients[:, -1:])
    assert np.array_equal(actual[:, -1:], alone)
    if settings["name"] != "sgd":
        assert (actual[0, :5] * sizes[:5] < 0).all() and np.abs(actual).max() < 1
        wide = ours(make_optimizer({**settings, "learning_rate": rate}), gradients[:6], "float64")
        # A tenth of the smallest number there is has no sign, which is all that Lion sees.
        seen = np.arange(10) != 7 if settings["name"] == "lion" else slice(None)
        tolerance = 1e-12 if settings["name"] != "adagrad" else 0.02
        assert actual[:6, seen] == pytest.approx(wide[:, seen], rel=1e-3, abs=tolerance)


@pytest.mark.parametrize("value", [1.0, 1e3, 1e10, 1e18, 1e25])
def test_a_constant_gradient_has_no_spread(value):
    """The mean of squares minus the square of the mean is then rounding, of either sign: its root must stay a number."""
    gradients = np.full((400, 1), value)
    for momentum in (0.0, 0.5):
        assert np.isfinite(ours(optimizers.RMSprop(1e-3, centered=True, momentum=momentum), gradients)).all()


@pytest.mark.parametrize("settings", [s for s in OPTIMIZERS if s["name"] not in ("sgd", "lion")], ids=describe)
def test_no_epsilon_and_no_gradient(settings):
    settings = {**settings, "epsilon": 0.0, "learning_rate": 0.01}
    assert np.array_equal(ours(make_optimizer(settings), np.zeros((3, 2))), np.zeros((3, 2)))


def test_a_fit_with_targets_far_away():
    """The gradient of a loss that just fits into float32 does not."""
    x = np.linspace(-1, 1, 32).reshape(-1, 1)
    model = Sequential([Dense(4, "tanh"), Dense(1)], seed=0)
    model.compile(fastbp.Adam(0.01), "mse")
    before = [w.copy() for w in (model.build(1), model.get_weights())[1]]
    model.fit(x, np.full(32, 1e18), epochs=20, verbose=0)
    moved = [np.abs(a - b).max() for a, b in zip(model.get_weights(), before, strict=True)]
    assert moved[-1] == pytest.approx(0.01 * 20, rel=1e-3)
