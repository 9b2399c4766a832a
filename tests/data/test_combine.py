"""Parts of a pass, measured one by one, are the pass."""

import math

import numpy as np
import pytest

from fastbp.data import combine
from fastbp.engine.epoch import Epoch, Statistics


def part(samples, loss, counts=None, seconds=1.0, threads=1):
    statistics = None if counts is None else Statistics(np.asarray(counts, float), 2)
    return Epoch(loss, samples, -(-samples // 4), seconds, 100 * samples, threads, statistics)


def test_samples_count_the_same_in_whatever_part():
    losses = np.random.default_rng(0).exponential(size=23)
    bounds = [0, 1, 9, 10, 23]
    parts = [part(b - a, losses[a:b].mean()) for a, b in zip(bounds, bounds[1:], strict=False)]
    found = combine(parts)
    assert found.loss == pytest.approx(losses.mean(), rel=1e-14)
    assert (found.samples, found.steps, found.flop, found.seconds) == (23, 1 + 2 + 1 + 4, 2300, 4.0)
    assert combine([combine(parts[:2]), combine(parts[2:])]).loss == pytest.approx(losses.mean(), rel=1e-14)


def test_one_part_is_itself():
    assert combine([part(7, 0.1)]) == part(7, 0.1)


def test_counts_are_added_and_the_parts_left_alone():
    parts = [part(4, 1.0, [1, 2, 3]), part(4, 2.0, [10, 20, 30], threads=2)]
    found = combine(parts)
    assert found.statistics.counts.tolist() == [11, 22, 33] and found.statistics.units == 2 and found.threads == 2
    assert parts[0].statistics.counts.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("losses", "expected"), [([1.0, math.inf], math.inf), ([1e308, 1e308], 1e308), ([math.nan, 1.0], math.nan)]
)
def test_losses_without_bounds(losses, expected):
    with np.errstate(all="raise"):
        assert combine([part(4, loss) for loss in losses]).loss == pytest.approx(expected, nan_ok=True)
