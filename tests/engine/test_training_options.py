"""What a training call can be given besides the data: weights of samples, rates of steps, frozen layers, outputs to keep.

Random networks with all of it at once against the oracle, which is told the order that the engine took the samples in.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from bridge import assert_weights_agree
from gradcheck import relative_error
from networks import OPTIMIZERS
from random_problems import SIZES, problems, tolerance

EPOCHS = 2


@dataclass
class Options:
    """Of some epochs of training."""

    optimizer: dict
    batch_size: int
    shuffle: bool
    sample_weight: np.ndarray | None
    learning_rates: np.ndarray | None

    def steps(self, n):
        return -(-n // self.batch_size)

    def keywords(self, epoch, n):
        """For one epoch of the engine."""
        first = epoch * self.steps(n)
        rates = None if self.learning_rates is None else self.learning_rates[first : first + self.steps(n)]
        return {"sample_weight": self.sample_weight, "learning_rates": rates}


@st.composite
def trainings(draw):
    """A problem, some layers of which may be frozen, and how to train it."""
    problem = draw(problems(freezes=True, norms=False))
    n, random = len(problem.x), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    chosen = draw(st.sampled_from([o for o in OPTIMIZERS if o["name"] != "lion"]))  # whose steps have the sign of rounding too
    # Small enough that nothing explodes: there, rounding would grow with everything else.
    rate = 0.02 / max(problem.widths) if chosen["name"] == "sgd" else 0.001
    batch_size = draw(SIZES)
    weight = rates = None
    if draw(st.booleans()):
        weight = random.choice([0.0, 1.0, 0.25, 1.7], n) if draw(st.booleans()) else random.random(n)
    if draw(st.booleans()):
        rates = rate * random.random(EPOCHS * -(-n // batch_size))
    return problem, Options({"learning_rate": rate, **chosen}, batch_size, draw(st.booleans()), weight, rates)


def in_order(array, order):
    return array if array is None or order is None else array[order]


@given(trainings())
def test_against_the_oracle(training):
    problem, options = training
    engine, (x, y), n = problem.engine(options.optimizer), problem.data, len(problem.x)
    rule, weights = oracle.Optimizer(options.optimizer), problem.weights
    for i in range(EPOCHS):
        ended, keywords = [], options.keywords(i, n)
        engine.train_epochs(1, ended, x, y, options.batch_size, options.shuffle, keep_outputs=True, **keywords)
        order, rates = ended[0].order, keywords["learning_rates"]
        assert (order is None) == (not options.shuffle or options.batch_size >= n)
        assert order is None or sorted(order) == list(range(n))
        total, outputs = 0.0, []
        for step, start in enumerate(range(0, n, options.batch_size)):
            rows = slice(start, start + options.batch_size)
            batch_x, batch_y = in_order(problem.x, order)[rows], in_order(problem.y, order)[rows]
            weight = None if options.sample_weight is None else in_order(options.sample_weight, order)[rows]
            outputs.append(oracle.forward(problem.network, weights, batch_x)[0])
            arguments = problem.network, weights, problem.loss, rule, batch_x, batch_y, len(batch_x), weight
            weights, loss = oracle.train_epoch(*arguments, None if rates is None else [rates[step]])
            total += loss * len(batch_x)
        allowed = tolerance(problem, 1e-3, exact=1e-8)
        assert ended[0].loss == pytest.approx(total / n, rel=allowed, abs=1e-6)
        assert ended[0].outputs.dtype == problem.dtype
        assert relative_error(ended[0].outputs, np.concatenate(outputs), floor=1e-3) < allowed
    moved = tolerance(problem, 1e-2, exact=1e-6)
    for actual, start, learns in zip(engine.get_weights(), problem.weights, oracle.trainable(problem.network), strict=True):
        assert learns or np.array_equal(actual, start.astype(problem.dtype))
    assert_weights_agree(engine.get_weights(), weights, problem.weights, moved)


def whole(engine, x, y, options, statistics, threads, i):
    ended = []
    keywords = options.keywords(i, len(x))
    engine.train_epochs(1, ended, x, y, options.batch_size, options.shuffle, statistics, threads, keep_outputs=True, **keywords)
    return ended[0]


def in_ranges(engine, x, y, options, statistics, threads, i, cuts):
    """The same epoch some steps at a time, with other work between them."""
    ended = []
    keywords = {"keep_outputs": True, **options.keywords(i, len(x))}
    for first, stop in zip(cuts, cuts[1:], strict=False):
        assert not ended
        arguments = first, stop, ended, x, y, options.batch_size, options.shuffle, statistics, threads
        engine.train_steps(*arguments, **keywords)
        so_far = engine.pass_so_far()
        assert so_far.steps == stop and so_far.samples == min(stop * options.batch_size, len(x)) == len(so_far.outputs)
        engine.evaluate(x[:3].copy(), y[:3].copy(), statistics, threads)
        engine.value_and_gradient(x, y)
    assert so_far.loss == ended[0].loss and np.array_equal(so_far.outputs, ended[0].outputs, equal_nan=True)
    return ended[0]


def bits(engine, epochs):
    found = [w.tobytes() for w in engine.get_weights()] + [engine.state.parameters.state.tobytes()]
    for epoch in epochs:
        order = b"" if epoch.order is None else epoch.order.tobytes()
        found += [np.float64(epoch.loss).tobytes(), epoch.outputs.tobytes(), order, epoch.statistics.counts.tobytes()]
    return found


@given(trainings(), st.data())
def test_the_same_bits_for_any_number_of_threads_and_any_cut(training, data):
    problem, options = training
    (x, y), kind = problem.data, 4 if np.issubdtype(problem.y.dtype, np.integer) else 1
    found = []
    for threads in (1, 2, 3):
        engine = problem.engine(options.optimizer)
        found.append(bits(engine, [whole(engine, x, y, options, kind, threads, i) for i in range(EPOCHS)]))
    steps = options.steps(len(x))
    cuts = sorted({0, steps, *data.draw(st.lists(st.integers(0, steps), max_size=5))})
    engine, threads = problem.engine(options.optimizer), data.draw(st.integers(1, 3))
    found.append(bits(engine, [in_ranges(engine, x, y, options, kind, threads, i, cuts) for i in range(EPOCHS)]))
    assert all(one == found[0] for one in found)
    assert engine.steps == EPOCHS * steps
