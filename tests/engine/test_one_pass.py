"""Batches of a few rows: the way back and the update in one pass over the weights, and what comes before and after it."""

import numpy as np
import pytest

import fastbp
from bridge import assert_weights_agree, every_layer, make_problem, train_oracle
from fastbp import constraints, layers
from fastbp.engine import one_pass
from fastbp.kernels import fields as at
from networks import OPTIMIZERS, describe

RULES = [o for o in OPTIMIZERS if o["name"] != "lion"]  # whose steps have the sign of rounding too
ROWS = [1, 2, 3, 4, 5, 6, 7, 8, 11, 16]


@pytest.fixture
def choose(monkeypatch):
    """``choose(True)``: batches of few rows go in one pass, however small the network; ``choose(False)``: none does."""

    def set_rows(one):
        monkeypatch.setattr(one_pass, "MIN_WEIGHTS", {16: 0} if one else {})

    return set_rows


def takes_one_pass(engine):
    return any(plan.fields[at.ONE_PASS] for plan in engine._plans._plans.values())


def assert_same(one, other):
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def trained(problem, optimizer, batch, epochs=1, **settings):
    engine = problem.engine(optimizer, seed=3)
    losses = [engine.train_epoch(*problem.data, batch, **settings).loss for _ in range(epochs)]
    return engine, losses


@pytest.mark.parametrize("optimizer", RULES, ids=describe)
def test_every_rule_against_the_oracle(optimizer, choose):
    choose(True)
    problem, optimizer = every_layer("tanh", widths=(5, 33, 17, 3), n=13), {"learning_rate": 0.01, **optimizer}
    for batch in (1, 4, 7):
        engine, losses = trained(problem, optimizer, batch, shuffle=False)
        assert takes_one_pass(engine)
        expected, epoch_losses = train_oracle(problem, optimizer, batch, 1)
        assert_weights_agree(engine.get_weights(), expected, problem.weights, 1e-9)
        assert np.allclose(losses, epoch_losses, rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("widths", [(3, 2), (1, 1, 1), (7, 5, 1, 9), (150, 40, 130, 33), (4, 70, 2)], ids=str)
def test_any_sizes_and_rows_against_the_oracle(widths, dtype, choose):
    choose(True)
    for batch in ROWS:
        for use_bias in (True, False):
            network = [{"activation": "gelu", "use_bias": use_bias} for _ in widths[2:]]
            network.append({"activation": "linear", "use_bias": not use_bias})
            problem = make_problem(network, list(widths), {"name": "mean_squared_error"}, 2 * batch + 1, dtype=dtype)
            settings = {"name": "sgd", "momentum": 0.5, "learning_rate": 0.01}
            engine, _ = trained(problem, settings, batch, shuffle=False)
            assert takes_one_pass(engine)
            expected, _ = train_oracle(problem, settings, batch, 1)
            tolerance = 1e-3 if dtype == "float32" else 1e-9
            assert_weights_agree(engine.get_weights(), expected, problem.weights, tolerance)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
def test_layers_without_weights_on_the_way(loss, choose):
    choose(True)
    network = [{"activation": a} for a in ("softmax", "relu", "silu", "softmax")]
    problem = make_problem(network, [6, 11, 20, 9, 4], {"name": loss}, 12)
    settings = {"name": "adam", "learning_rate": 0.01}
    engine, _ = trained(problem, settings, 3, shuffle=False)
    expected, _ = train_oracle(problem, settings, 3, 1)
    assert takes_one_pass(engine)
    assert_weights_agree(engine.get_weights(), expected, problem.weights, 1e-7)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_bits_depend_on_no_threads_and_no_cut_of_a_call(optimizer):
    problem, settings = every_layer("tanh", widths=(17, 64, 64, 6), dtype="float32", n=40), {"name": optimizer}
    for batch in (1, 3, 8):
        alone, _ = trained(problem, settings, batch)
        assert takes_one_pass(alone)
        for threads in (1, 2, 3, 8):
            other, _ = trained(problem, settings, batch, threads=threads)
            assert_same(alone.get_weights(), other.get_weights())
        cut, steps, (x, y) = problem.engine(settings, seed=3), -(-40 // batch), problem.data
        for first, stop in ((0, 1), (1, 3), (3, steps)):
            cut.train_steps(first, stop, [], x, y, batch)
        assert_same(alone.get_weights(), cut.get_weights())


def test_whatever_reads_transposed_weights_finds_them_up_to_date(choose):
    """Predictions, derivatives and larger batches after passes that left the transposed copies behind."""
    for last in (1, 3, 9):
        problem, settings = every_layer("tanh", widths=(5, 33, 17, last), n=40), {"name": "sgd", "learning_rate": 0.01}
        results = []
        for one in (True, False):
            choose(one)
            engine, (x, y), found = problem.engine(settings), problem.data, []
            for threads in (1, 2):
                for call in (
                    lambda: engine.forward(x),  # noqa: B023
                    lambda: engine.evaluate(x, y).loss,  # noqa: B023
                    lambda: np.concatenate([g.ravel() for g in engine.value_and_gradient(x, y)[1]]),  # noqa: B023
                    lambda: engine.backward(np.ones_like(engine.forward(x[:4], keep=True)))[0],  # noqa: B023
                    lambda: engine.train_epoch(x, y, 20, threads=threads).loss,  # noqa: B023
                    lambda: engine.input_jacobian(x[:3]),  # noqa: B023
                ):
                    engine.train_epoch(x[:6], y[:6], 2, shuffle=False)
                    assert takes_one_pass(engine) == one
                    found.append(call())
            copied, snapshot = engine.copy_weights(), engine.snapshot()
            for give_back in (engine.restore_weights, engine.restore):
                engine.train_epoch(x, y, 2)
                give_back(copied if give_back == engine.restore_weights else snapshot)
                found.append(engine.value_and_gradient(x, y)[0])
                found.append(engine.backward(np.ones_like(engine.forward(x[:4], keep=True)))[0])
            results.append(found)
        for a, b in zip(*results, strict=True):
            assert np.allclose(a, b, rtol=1e-9, atol=1e-11)


def test_steps_between_forward_and_backward_of_a_control_loop(choose):
    """A row is predicted, learnt from, and predicted again, each time by a plan that is kept."""
    results = []
    for one in (True, False):
        choose(one)
        model = fastbp.Sequential([fastbp.Dense(9, "tanh"), fastbp.Dense(2)], seed=0, dtype="float64")
        model.build(4)
        model.compile(fastbp.SGD(0.1), "mse")
        x, y = np.random.default_rng(0).normal(size=(1, 4)), np.ones((1, 2))
        found = []
        for _ in range(4):
            found += [model.forward(x), model.train_on_batch(x, y), model.predict(x, verbose=0)]
        results.append(found)
    assert all(np.allclose(a, b, rtol=1e-10) for a, b in zip(*results, strict=True))


@pytest.mark.parametrize(
    "settings",
    [
        {"clipvalue": 1e-3},
        {"gradient_accumulation_steps": 3},
        {"use_ema": True, "ema_overwrite_frequency": 2},
        {"weight_decay": 0.1},
        {"clipnorm": 1e-3},
        {"global_clipnorm": 1e-3},
    ],
    ids=str,
)
def test_what_steers_an_update(settings, choose):
    """Together with penalties, constraints, noise and normalizations of rows, against the other path."""
    results = []
    for one in (True, False):
        choose(one)
        stack = [
            fastbp.Dense(19, "tanh", kernel_regularizer="l2", bias_constraint="non_neg"),
            layers.LayerNormalization(),
            layers.Dropout(0.3),
            fastbp.Dense(12, "silu", kernel_constraint=constraints.MaxNorm(0.5), activity_regularizer="l1"),
            layers.PReLU(),
            fastbp.Dense(3),
        ]
        model = fastbp.Sequential(stack, seed=0, dtype="float64")
        model.build(5)
        model.compile(fastbp.SGD(0.05, momentum=0.5, **settings), "mse")
        x, y = np.random.default_rng(0).normal(size=(30, 5)), np.random.default_rng(1).normal(size=(30, 3))
        losses = model.fit(x, y, batch_size=4, epochs=2, verbose=0).history["loss"]
        assert takes_one_pass(model._need_engine("a test")) == (one and "norm" not in next(iter(settings)))
        results.append([*model.get_weights(), np.array(losses)])
    assert all(np.allclose(a, b, rtol=1e-8, atol=1e-10) for a, b in zip(*results, strict=True))


def test_watching_changes_no_bits(choose):
    """What is observed of steps comes from the full kernel, where no weights move at once."""
    choose(True)
    results = []
    for watched in (False, True):
        model = fastbp.Sequential([fastbp.Dense(19, "tanh"), fastbp.Dense(3)], seed=0)
        model.build(5)
        model.compile(fastbp.SGD(0.05), "mse")
        x, y = np.random.default_rng(0).normal(size=(12, 5)), np.random.default_rng(1).normal(size=(12, 3))
        callbacks = [fastbp.callbacks.GradientMonitor()] if watched else []
        for batch in (1, 4):
            model.fit(x, y, batch_size=batch, epochs=2, verbose=0, callbacks=callbacks)
        results.append(model.get_weights())
    assert_same(*results)


def test_frozen_layers(choose):
    """Below the lowest layer that learns nothing is differentiated; above it, one that does not learn takes the other path."""
    for frozen, one in (((0,), True), ((1,), False), ((2,), False)):
        results = []
        for chosen in (True, False):
            choose(chosen)
            problem = every_layer("tanh", widths=(5, 9, 8, 3), n=12)
            for i in frozen:
                problem.network[i]["trainable"] = False
            engine, _ = trained(problem, {"name": "adam"}, 3)
            assert takes_one_pass(engine) == (one and chosen)
            results.append(engine.get_weights())
        assert all(np.allclose(a, b, rtol=1e-9) for a, b in zip(*results, strict=True))


def test_a_run_that_diverges_says_so(choose):
    choose(True)
    problem = every_layer("relu", n=8)
    engine, (x, y) = problem.engine(), problem.data
    x[5] = np.nan
    with pytest.raises(fastbp.engine.epoch.Diverged) as error:
        engine.train_epoch(x, y, 1, shuffle=False)
    assert error.value.step == 6 and engine.steps == 6


def test_padding_leaks_nowhere(choose):
    """Activations that are not 0 at 0, in layers that do not fill a vector."""
    choose(True)
    problem = every_layer("sigmoid", "softplus", widths=(3, 5, 7, 3), loss="poisson", n=6)
    engine, _ = trained(problem, {"name": "adam"}, 2, epochs=3)
    for shape in engine.shapes:
        columns = np.concatenate([np.arange(engine._parameters.size)[shape.offset : shape.offset + shape.size]])
        padded = engine._parameters.weights[columns]
        assert np.count_nonzero(padded) <= shape.rows * shape.units_out
