"""A network cut into segments, and a pass cut into ranges of steps, have the bits of the whole."""

import numpy as np
import pytest

from fastbp import Dense, losses, optimizers
from fastbp.engine import plans
from fastbp.engine.engine import Engine
from fastbp.engine.plan import make_plan
from fastbp.layers.stages import stages_of

SIZES = [("tanh", 40), ("gelu", 33), ("softmax", 12), ("relu", 7), (None, 3)]


def make(dtype="float64"):
    stages = stages_of([Dense(units, activation) for activation, units in SIZES], 5)
    engine = Engine(stages, dtype, seed=3)
    rng = np.random.default_rng(0)
    engine.set_weights([rng.normal(size=shape) / 3 for shape in weight_shapes()])
    engine.configure(optimizers.get("adam"), losses.get("mse"))
    return engine


def weight_shapes():
    below = 5
    for _, units in SIZES:
        yield below, units
        yield (units,)
        below = units


def data(rows):
    rng = np.random.default_rng(1)
    return rng.normal(size=(rows, 5)), rng.normal(size=(rows, 3))


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("cuts", [(1,), (2,), (3, 5), (1, 2, 3, 4, 5)])
def test_segments_have_the_bits_of_the_whole(monkeypatch, cuts, threads):
    x, y = data(300)
    whole, cut = make(), make()
    ended = [whole.train_epoch(x, y, 64, statistics=1)]
    monkeypatch.setattr(plans, "make_plan", lambda *arguments, **settings: make_plan(*arguments[:-1], cuts, **settings))
    monkeypatch.setattr(plans.Plans, "need_full_kernel", True)  # the other knows no kind that needs segments
    ended.append(cut.train_epoch(x, y, 64, statistics=1, threads=threads))
    assert ended[0].loss == ended[1].loss
    assert np.array_equal(*(e.statistics.squared_error.numbers() for e in ended))
    assert same(whole, cut)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("ranges", [[(0, 5)], [(0, 1), (1, 5)], [(0, 2), (2, 3), (3, 5)], [(i, i + 1) for i in range(5)]])
def test_ranges_of_steps_have_the_bits_of_one_call(ranges, threads):
    x, y = data(300)
    whole, parts = make(), make()
    for _ in range(2):
        epoch, ended = whole.train_epoch(x, y, 64, statistics=1), []
        for first, stop in ranges:
            assert not ended
            parts.train_steps(first, stop, ended, x, y, 64, statistics=1, threads=threads)
            parts.evaluate(x[:10], y[:10])  # what else runs meanwhile changes nothing
        assert [e.loss for e in ended] == [epoch.loss]
        assert np.array_equal(*(e.statistics.squared_error.numbers() for e in (ended[0], epoch)))
    assert same(whole, parts)
    assert whole.steps == parts.steps == 10
