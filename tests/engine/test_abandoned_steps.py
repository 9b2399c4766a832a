"""Long steps are given up when Ctrl-C comes: the model then stands, to the last bit, where it stood before the step."""

import time
from copy import deepcopy

import numpy as np
import pytest

from fastbp import Dense, Sequential, layers, optimizers
from fastbp.engine import abandon, runner
from fastbp.engine import threads as pool
from fastbp.kernels import fields as at
from kept_models import MODELS, X, Y

BATCH = 768
RNG = np.random.default_rng(0)
MANY_X = RNG.normal(size=(4 * BATCH, 300)).astype("float32")
MANY_Y = RNG.normal(size=(4 * BATCH, 20)).astype("float32")


@pytest.fixture
def all_are_long(monkeypatch):
    """Have every step and update pass for a long one."""
    for name in ("MIN_ABANDONABLE_FLOP", "MAX_UPDATE_FLOP"):
        monkeypatch.setattr(abandon, name, -1.0)
    monkeypatch.setattr(runner, "MIN_INTERRUPTIBLE_FLOP", -1.0)


def kept_plans(model):
    return [plan for plan in model._engine._plans._plans.values() if plan.fields[at.KEPT]]


@pytest.mark.parametrize("name", MODELS)
def test_a_gradient_that_is_kept_first_gives_the_same_bits(name, request):
    def fitted():
        model = MODELS[name]()
        history = model.fit(X, Y, batch_size=16, epochs=2, verbose=0, threads=2)
        return model, history

    (expected, before) = fitted()
    assert not kept_plans(expected)
    request.getfixturevalue("all_are_long")
    model, history = fitted()
    assert kept_plans(model)
    assert history.history == before.history
    states = [m._engine.record() for m in (expected, model)]
    for one, other in [
        (expected.get_weights(), model.get_weights()),
        ([a for slot in states[0].slots for a in slot], [a for slot in states[1].slots for a in slot]),
    ]:
        assert len(one) == len(other)
        assert all(a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))
    assert states[0].running_products.tobytes() == states[1].running_products.tobytes()


def plain():
    return Sequential([Dense(512, "relu"), Dense(512, "tanh"), Dense(20)], seed=0), optimizers.Adam(1e-3)


def with_everything():
    hidden = Dense(512, kernel_regularizer="l2", kernel_constraint="max_norm")
    model = Sequential(
        [hidden, layers.BatchNormalization(), layers.ReLU(), layers.Dropout(0.2), Dense(512, "tanh"), Dense(20)], seed=0
    )
    return model, optimizers.Nadam(1e-3, clipnorm=0.5, use_ema=True, gradient_accumulation_steps=2)


def interrupt_after(seconds, monkeypatch):
    """Have the next wait for a kernel end in an interrupt, so late."""
    wait, sent = pool._sleep_until, []

    def interrupted(done, started, wake):
        if sent:
            return wait(done, started, wake)
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            if len(done) == started:
                return None
            time.sleep(0)
        sent.append(seconds)
        raise KeyboardInterrupt

    monkeypatch.setattr(pool, "_sleep_until", interrupted)


def everything(model):
    record = model._build(300).record()
    arrays = [*model.get_weights(), record.running_products, *(a for slot in record.slots for a in slot)]
    return [a.tobytes() for a in arrays]


@pytest.mark.parametrize("make", [plain, with_everything])
def test_an_interrupted_step_leaves_no_trace(make, all_are_long, monkeypatch):
    model, optimizer = make()
    model.compile(optimizer, "mse")
    arguments = {"batch_size": BATCH, "epochs": 1, "shuffle": False, "verbose": 0, "threads": 2}
    model.fit(MANY_X[:BATCH], MANY_Y[:BATCH], **arguments)
    follower = deepcopy(model)
    assert everything(follower) == everything(model)

    def learn(count, ended):
        model._engine.train_epoch(MANY_X, MANY_Y, BATCH, False)

    seconds, abandoned = np.random.default_rng(1), {at.ABANDONED_ROWS: 0, at.ABANDONED_TASKS: 0}
    for _ in range(60):
        with monkeypatch.context() as patched:
            before = model._engine.steps
            interrupt_after(seconds.uniform(0, 0.12), patched)
            try:
                model._train(model._engine, 0, 1, [], learn)
            except KeyboardInterrupt:
                for plan in model._engine._plans._plans.values():
                    for flag in abandoned:
                        abandoned[flag] += int(plan.buffers["control"][flag] != 0)
        done = model._engine.steps - before
        for step in range(done):
            rows = slice(step * BATCH, (step + 1) * BATCH)
            follower._engine.train_epoch(MANY_X[rows], MANY_Y[rows], BATCH, False)
        assert everything(model) == everything(follower)
        if all(abandoned.values()):
            break
    assert all(abandoned.values())
