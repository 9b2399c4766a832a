"""Clipping, accumulation, averages and decay of some weights only, against the oracle."""

import numpy as np
import pytest
from steered import RULES, STEERINGS, network

import oracle
from bridge import assert_weights_agree, make_optimizer
from fastbp.engine import threads as pool
from fastbp.engine.epoch import Diverged
from networks import describe
from oracle_optimizers import Optimizer

EVERYTHING = STEERINGS[-1]


def trained_oracle(problem, rule, batch_size, epochs=2):
    weights = problem.weights
    for _ in range(epochs):
        weights, _ = oracle.train_epoch(problem.network, weights, problem.loss, rule, problem.x, problem.y, batch_size)
    return weights


def averages_agree(engine, rule, problem, tolerance=1e-9):
    flags = oracle.trainable(problem.network)
    expected = [a if learns else w for a, w, learns in zip(rule.averages, problem.weights, flags, strict=True)]
    assert_weights_agree(engine.averages(), expected, problem.weights, tolerance)


@pytest.mark.parametrize("rule", RULES, ids=describe)
@pytest.mark.parametrize("steering", STEERINGS, ids=describe)
def test_training(rule, steering):
    problem, settings = network(frozen=(1,) if len(steering) == 3 else ()), {"learning_rate": 0.02, **rule, **steering}
    engine, twin = problem.engine(settings), Optimizer(settings)
    for _ in range(2):
        engine.train_epoch(*problem.data, 5, shuffle=False)
    expected = trained_oracle(problem, twin, 5)
    assert_weights_agree(engine.get_weights(), expected, problem.weights, 1e-6 if rule["name"] == "lion" else 1e-8)
    if "use_ema" in steering:
        averages_agree(engine, twin, problem, 1e-8)


@pytest.mark.parametrize("steering", STEERINGS, ids=describe)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_batches_in_groups(steering, dtype):
    """A large batch of a small network: the gradients of its groups are added up first."""
    problem = network((3, 20, 17, 2), dtype, n=9000)
    settings = {"name": "adam", "learning_rate": 0.02, **steering}
    engine, twin = problem.engine(settings), Optimizer(settings)
    for _ in range(2):
        engine.train_epoch(*problem.data, 4500, shuffle=False)
    assert any(plan.fields[plan_groups()] for plan in engine._plans._plans.values())
    expected = trained_oracle(problem, twin, 4500)
    assert_weights_agree(engine.get_weights(), expected, problem.weights, 1e-8 if dtype == "float64" else 2e-3)


def plan_groups():
    from fastbp.kernels import fields

    return fields.GROUPS


@pytest.mark.parametrize("steering", STEERINGS, ids=describe)
def test_given_gradients(steering):
    problem, settings = network(), {"name": "nadam", "learning_rate": 0.02, **steering}
    fused, given = problem.engine(settings), problem.engine(settings)
    x, y = problem.data
    for _ in range(13):
        fused.train_epoch(x, y, len(x), shuffle=False)
        given.apply_gradients(given.value_and_gradient(x, y)[1])
    assert_weights_agree(fused.get_weights(), given.get_weights(), problem.weights, 1e-10)
    assert fused.steps == given.steps == 13


@pytest.mark.parametrize("name", ["clipnorm", "global_clipnorm", "clipvalue"])
def test_gradients_asked_for_are_not_clipped(name):
    problem = network()
    engine, plain, data = problem.engine({"name": "sgd", name: 1e-3}), problem.engine({"name": "sgd"}), problem.data
    for _ in range(2):
        pairs = zip(engine.value_and_gradient(*data)[1], plain.value_and_gradient(*data)[1], strict=True)
        assert all(np.array_equal(a, b) for a, b in pairs)
        engine.train_epoch(*data, 5)
        plain.set_weights(engine.get_weights())


@pytest.mark.parametrize("steering", [{"clipvalue": 1e3}, {"clipnorm": 1e3}, {"global_clipnorm": 1e3}], ids=describe)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_limits_that_are_not_reached_change_no_bit(steering, dtype):
    problem = network((5, 70, 20, 1), dtype)
    plain, limited = (problem.engine({"name": "adam", "weight_decay": 0.1, **s}) for s in ({}, steering))
    for engine in (plain, limited):
        engine.train_epoch(*problem.data, 7)
    assert all(np.array_equal(a, b) for a, b in zip(plain.get_weights(), limited.get_weights(), strict=True))


# ---------------------------------------------------------------------------------------------------------- threads


@pytest.mark.parametrize("steering", STEERINGS, ids=describe)
@pytest.mark.parametrize(("widths", "batch"), [((28, 300, 130, 1), 50), ((3, 20, 17, 2), 4500)], ids=["whole", "groups"])
def test_the_same_bits_for_any_number_of_threads(steering, widths, batch):
    problem, found = network(widths, "float32", n=3 * batch - 7), []
    for threads in (1, 2, 3, 8):
        engine = problem.engine({"name": "adam", "learning_rate": 0.01, **steering})
        for _ in range(2):
            engine.train_epoch(*problem.data, batch, threads=threads)
        found.append([*engine.get_weights(), *engine.averages()])
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_the_same_bits_where_a_team_is_not_to_be_had():
    """The tasks are those of three threads then, and one works through all of them."""
    problem, found = network((28, 300, 130, 1), "float32", n=90), []
    for taken in (False, True):
        engine = problem.engine({"name": "adam", **EVERYTHING})
        with pool.team(2 if taken else 1):
            engine.train_epoch(*problem.data, 30, threads=3)
        found.append(engine.get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


# ------------------------------------------------------------------------------------------------------------ state


@pytest.mark.parametrize("steering", STEERINGS, ids=describe)
def test_a_pass_may_be_cut_anywhere(steering):
    problem, settings = network(dtype="float32", n=60), {"name": "adam", "learning_rate": 0.01, **steering}
    whole, cut, (x, y) = problem.engine(settings), problem.engine(settings), problem.data
    ended = []
    whole.train_epochs(2, ended, x, y, 5, learning_rates=np.linspace(0.02, 0.001, 24))
    for epoch, cuts in enumerate([(0, 1, 2, 6, 11, 12), (0, 5, 12)]):
        rates = np.linspace(0.02, 0.001, 24)[12 * epoch :]
        for first, stop in zip(cuts, cuts[1:], strict=False):
            cut.train_steps(first, stop, ended, x, y, 5, learning_rates=rates)
    assert whole.steps == cut.steps == 24 and ended[0].loss == ended[2].loss
    pairs = zip([*whole.get_weights(), *whole.averages()], [*cut.get_weights(), *cut.averages()], strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("steering", STEERINGS, ids=describe)
def test_after_divergence_everything_is_as_it_was(steering):
    """Sums of gradients, averages and the count of steps come back, in the midst of an accumulation too."""
    problem, settings = network(dtype="float32", n=25), {"name": "adam", "learning_rate": 0.01, **steering}
    engine, other, (x, y) = problem.engine(settings), problem.engine(settings), problem.data
    bad = x.copy()
    bad[12, 1] = np.nan
    for each in (engine, other):
        each.train_epoch(x, y, 5, shuffle=False)
    engine.state.remember()
    with pytest.raises(Diverged):
        engine.train_epoch(bad, y, 5, shuffle=False)
    engine.state.go_back()
    for each in (engine, other):
        each.train_epoch(x, y, 5, shuffle=False)
    assert engine.steps == other.steps == 10
    pairs = zip([*engine.get_weights(), *engine.averages()], [*other.get_weights(), *other.averages()], strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_freezing_layers_later():
    """Variables that do not learn have no part in the norm; the state starts afresh."""
    settings = {"name": "adam", "learning_rate": 0.02, **EVERYTHING}
    whole, part = network(), network(frozen=(0,))
    engine = whole.engine(settings)
    engine.train_epoch(*whole.data, 5)
    engine.set_weights(whole.weights)
    engine.set_trainable([False, True, True])
    engine.train_epoch(*whole.data, 5, shuffle=False)
    assert_weights_agree(engine.get_weights(), trained_oracle(part, Optimizer(settings), 5, 1), whole.weights, 1e-8)


@pytest.mark.parametrize("steering", [{}, *STEERINGS], ids=describe)
def test_some_weights_do_not_decay(steering):
    decays = [False, True, True, False, False]
    problem, settings = network(), {"name": "adamw", "learning_rate": 0.02, **steering, "weight_decay": 3.0}
    engine, twin = problem.engine(settings), Optimizer(settings, decays)
    engine.spare_from_decay(decays)
    for _ in range(2):
        engine.train_epoch(*problem.data, 5, shuffle=False)
    assert_weights_agree(engine.get_weights(), trained_oracle(problem, twin, 5), problem.weights, 1e-8)


# --------------------------------------------------------------------------------------------------- gradients' sizes


@pytest.mark.parametrize("name", ["clipnorm", "global_clipnorm"])
@pytest.mark.parametrize(("dtype", "size"), [("float32", 1e30), ("float32", 3e-39), ("float64", 1e150)])
def test_squares_neither_overflow_nor_vanish(name, dtype, size):
    problem = network((3, 20, 2), dtype)
    engine, generator = problem.engine({"name": "sgd", "learning_rate": 1.0, name: size / 1e3}), np.random.default_rng(0)
    before = [np.zeros_like(w) for w in problem.weights]
    engine.set_weights([b.astype(dtype) for b in before])
    gradients = [generator.normal(size=w.shape) * size for w in problem.weights]
    engine.apply_gradients([g.astype(dtype) for g in gradients])
    twin = Optimizer({"name": "sgd", "learning_rate": 1.0, name: 1e-3})
    for actual, expected in zip(engine.get_weights(), twin.apply(before, [g / size for g in gradients]), strict=True):
        assert actual / size == pytest.approx(expected, rel=1e-4, abs=1e-6 if size < 1 else 0)


@pytest.mark.parametrize("steering", [{"clipnorm": 1.0}, {"global_clipnorm": 1.0}, {"clipvalue": 1.0}], ids=describe)
def test_what_is_no_number_is_found(steering):
    problem = network((3, 20, 2), "float32")
    for bad in [np.nan] if "clipvalue" in steering else [np.nan, np.inf]:
        engine = problem.engine({"name": "sgd", **steering})
        gradients = [np.ones_like(w, dtype="float32") for w in problem.weights]
        gradients[2][7, 1] = bad
        with pytest.raises(Diverged):
            engine.apply_gradients(gradients)
    engine = problem.engine({"name": "sgd", "learning_rate": 1.0, "clipvalue": 1.0})
    engine.apply_gradients([np.full_like(w, -np.inf, dtype="float32") for w in problem.weights])
    assert engine.get_weights()[0] == pytest.approx(problem.weights[0] + 1, rel=1e-6)


def test_a_gradient_of_zeros_has_no_norm():
    problem = network((3, 20, 2))
    for name in ("clipnorm", "global_clipnorm"):
        engine = problem.engine({"name": "adam", name: 1.0})
        engine.apply_gradients([np.zeros_like(w) for w in problem.weights])
        assert all(np.array_equal(a, b) for a, b in zip(engine.get_weights(), problem.weights, strict=True))


# ------------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("name", ["clipnorm", "clipvalue", "global_clipnorm"])
@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf"), "1", True])
def test_limits_that_are_none(name, value):
    with pytest.raises((ValueError, TypeError), match=rf"^{name} must be"):
        make_optimizer({"name": "adam", name: value})


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"clipnorm": 1.0, "clipvalue": 2.0},
            "only one of clipnorm, clipvalue and global_clipnorm .* clipnorm=1.0, clip",
        ),
        ({"ema_momentum": 1.5}, r"ema_momentum must be a finite number in \[0, 1\], got 1.5"),
        ({"ema_overwrite_frequency": 0}, "ema_overwrite_frequency must be an integer of at least 1, got 0"),
        ({"gradient_accumulation_steps": 1}, "gradient_accumulation_steps must be an integer of at least 2, got 1"),
        ({"gradient_accumulation_steps": 2.5}, "gradient_accumulation_steps must be an integer"),
        ({"use_ema": 1}, "use_ema must be True or False, got 1"),
    ],
)
def test_settings_that_are_none(settings, text):
    with pytest.raises((ValueError, TypeError), match=text):
        make_optimizer({"name": "lion", **settings})


def test_lion_needs_a_momentum():
    with pytest.raises(ValueError, match="beta_1 of Lion must be more than 0, got 0.0"):
        make_optimizer({"name": "lion", "beta_1": 0})
