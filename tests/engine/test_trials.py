"""The number of threads, tried where the work of a step leaves open what is faster."""

import numpy as np
import pytest

import fastbp
from bridge import every_layer
from fastbp.engine.trial import MAX_SLOW, Trial, Trials

NEAR = 1_500_000 // 16  # operations of a sample, of which 16 are half of what a second thread is thought to pay for


@pytest.fixture(autouse=True)
def two_threads():
    fastbp.set_num_threads(2)
    yield
    fastbp.set_num_threads(None)


def run(trial, seconds, runs):
    """The threads of some runs, whose steps take ``seconds[threads]``."""
    taken = []
    for _ in range(runs):
        taken.append(trial.threads)
        trial.note(trial.threads, seconds[trial.threads])
    return taken


def test_both_take_turns_and_the_faster_is_kept():
    assert run(Trial(1, 2), {1: 1.0, 2: 0.9}, 7) == [1, 2, 1, 2, 2, 2, 2]
    assert run(Trial(2, 1), {1: 1.0, 2: 0.9}, 7) == [2, 1, 2, 1, 2, 2, 2]
    assert run(Trial(1, 2), {1: 1.0, 2: 1.0}, 6) == [1, 2, 1, 2, 1, 1]


def test_what_is_clearly_slower_is_tried_once():
    assert run(Trial(1, 2), {1: 1.0, 2: 1.5}, 4) == [1, 2, 1, 1]
    assert run(Trial(1, 2), {1: 1.5, 2: 1.0}, 4) == [1, 2, 2, 2]


def test_one_slow_run_does_not_decide():
    trial = Trial(1, 2)
    for seconds in (1.0, 0.9, 0.8, 1.1):
        trial.note(trial.threads, seconds)
    assert trial.threads == 1


def test_steps_that_have_become_slower_are_tried_again():
    trial = Trial(1, 2)
    run(trial, {1: 1.0, 2: 0.5}, 5)
    assert run(trial, {2: 0.8}, MAX_SLOW - 1) == [2] * (MAX_SLOW - 1)
    run(trial, {2: 0.5}, 1)  # they were not: it must be several in a row
    run(trial, {2: 0.8}, MAX_SLOW)
    assert run(trial, {1: 0.6, 2: 0.8}, 5) == [1, 2, 1, 1, 1]


def test_only_where_it_is_open():
    trials = Trials()
    assert trials.find(NEAR, 16, 100).threads == 1 and trials.find(4 * NEAR, 16, 100).threads == 2
    assert trials.find(NEAR, 16, 100) is trials.find(NEAR, 16, 50) is not trials.find(NEAR, 16, 2)
    assert trials.find(NEAR // 4, 16, 100) is None and trials.find(40 * NEAR, 16, 100) is None
    fastbp.set_num_threads(1)
    assert trials.find(NEAR, 16, 100) is None


def test_a_fit_tries_both_and_its_bits_do_not_show_it():
    problem, results = every_layer("tanh", widths=(17, 64, 64, 6), dtype="float32", n=256), []
    x, y = problem.data
    for threads in (None, 1, 2):
        engine = problem.engine({"name": "adam"}, seed=3)
        epochs = [engine.train_epoch(x, y, 64, threads=threads) for _ in range(4)]
        for first in range(4):
            engine.train_steps(first, first + 1, [], x, y, 64, threads=threads)
        used = [epoch.threads for epoch in epochs]
        assert used[:2] == ([1, 2] if threads is None else [threads] * 2)
        assert all(trial.threads for trial in engine._trials._trials.values()) and bool(engine._trials._trials) == (
            threads is None
        )
        results.append([*engine.get_weights(), np.array([epoch.loss for epoch in epochs])])
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_a_fit_far_from_it_tries_nothing():
    problem = every_layer("tanh", widths=(3, 4, 2), dtype="float32", n=64)
    engine = problem.engine({"name": "adam"})
    assert {engine.train_epoch(*problem.data, 32).threads for _ in range(4)} == {1}
    assert not engine._trials._trials
