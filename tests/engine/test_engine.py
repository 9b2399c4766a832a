"""The engine against the oracle: forward, gradients and training of random networks."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import oracle
from bridge import (
    assert_gradients_agree,
    assert_weights_agree,
    every_layer,
    last_terms,
    make_problem,
    train_oracle,
)
from gradcheck import assert_close, central_differences, directional_difference, relative_error
from networks import HIDDEN_ACTIVATIONS, OPTIMIZERS, PAIRINGS, describe
from random_problems import SIZES, problems, tolerance

# ------------------------------------------------------------------------------------------------- random networks


@given(problems())
def test_forward_and_gradients(problem):
    engine, (x, y) = problem.engine(), problem.data
    output, tape = oracle.forward(problem.network, problem.weights, problem.x)
    actual = engine.forward(x)
    assert actual.dtype == problem.dtype
    precision = 1e-12 if problem.dtype == "float64" else 1e-5
    # Sums whose terms cancel are right to the rounding of their terms.
    rounding = 10 * np.finfo(problem.dtype).eps * np.linalg.norm(last_terms(problem, tape))
    assert relative_error(actual, output, floor=max(1e-3, rounding / precision)) < precision

    expected, gradients = oracle.value_and_gradient(problem.network, problem.weights, problem.loss, problem.x, problem.y)
    value, actual = engine.value_and_gradient(x, y)
    assert isinstance(value, float)
    assert value == pytest.approx(expected, rel=tolerance(problem, 1e-5), abs=1e-7)
    assert_gradients_agree(actual, gradients, tolerance(problem, 1e-4))
    assert all(g.dtype == problem.dtype for g in actual)
    assert engine.evaluate(x, y).loss == pytest.approx(expected, rel=tolerance(problem, 1e-5), abs=1e-7)
    assert engine.steps == 0 and all(np.array_equal(a, b) for a, b in zip(engine.get_weights(), problem.weights, strict=True))


@given(problems(), st.sampled_from(OPTIMIZERS), SIZES)
def test_ten_steps(problem, optimizer, batch_size):
    """Shuffling off, the last batch of an epoch as short as it comes."""
    # Where a norm leaves no gradient, Lion would follow the sign of its rounding.
    assume(optimizer["name"] != "lion" or not any("norm" in layer for layer in problem.network))
    # Small enough that nothing explodes: there, rounding would grow with everything else.
    rate = 0.02 / max(problem.widths) if optimizer["name"] == "sgd" else 0.001
    optimizer = {"learning_rate": rate, **optimizer}
    engine, (x, y) = problem.engine(optimizer), problem.data
    steps = -(-len(x) // batch_size)
    epochs = -(-10 // steps)
    weights, expected = train_oracle(problem, optimizer, batch_size, epochs)
    losses = [engine.train_epoch(x, y, batch_size, shuffle=False).loss for _ in range(epochs)]
    assert losses == pytest.approx(expected, rel=tolerance(problem, 1e-3, exact=1e-8), abs=1e-6)
    assert_weights_agree(engine.get_weights(), weights, problem.weights, tolerance(problem, 1e-2, exact=1e-6))
    assert engine.steps == epochs * steps


@given(problems(dtypes=("float64",)))
def test_gradients_by_central_differences(problem):
    """Along one random direction, which finds a fault in any element however many there are."""
    engine, (x, y) = problem.engine(), problem.data
    generator = np.random.default_rng(0)
    directions = [generator.normal(size=w.shape) for w in problem.weights]
    directions = [d / np.sqrt(sum((e**2).sum() for e in directions)) for d in directions]

    def loss(*weights):
        engine.set_weights(list(weights))
        return engine.value_and_gradient(x, y)[0]

    along = directional_difference(loss, problem.weights, directions)
    engine.set_weights(problem.weights)
    value, gradients = engine.value_and_gradient(x, y)
    slope = sum((d * g).sum() for d, g in zip(directions, gradients, strict=True))
    size = np.sqrt(sum((g**2).sum() for g in gradients))
    # A step across a kink costs its share of the step; the size of the loss limits what subtraction can see.
    allowed = 1e-6 if problem.is_smooth() else 1e-3
    assert along == pytest.approx(slope, abs=allowed * max(size, 1e-4 * abs(value), 1e-6))


@given(problems())
def test_backward(problem):
    """The lower level: any gradient with respect to the output, back to the input."""
    engine, (x, _) = problem.engine(), problem.data
    dy = np.random.default_rng(1).normal(size=(len(x), problem.widths[-1])).astype(problem.dtype)
    _, tape = oracle.forward(problem.network, problem.weights, problem.x)
    expected_dx, expected = oracle.backward(problem.network, problem.weights, tape, dy.astype(np.float64))
    engine.forward(x, keep=True)
    dx, gradients = engine.backward(dy)
    assert dx.dtype == problem.dtype and dx.shape == x.shape
    assert_gradients_agree([dx], [expected_dx], tolerance(problem, 1e-4))
    assert_gradients_agree(gradients, expected, tolerance(problem, 1e-4))


@given(problems(), SIZES)
def test_any_number_of_threads_gives_the_same_bits(problem, batch_size):
    results = []
    for threads in (1, 2):
        engine, (x, y) = problem.engine({"name": "adam", "learning_rate": 0.01}), problem.data
        losses = [engine.train_epoch(x, y, batch_size, threads=threads).loss for _ in range(3)]
        output, value = engine.forward(x, threads=threads), engine.evaluate(x, y, threads=threads).loss
        results.append((losses, value, output.tobytes(), [w.tobytes() for w in engine.get_weights()]))
    assert results[0] == results[1]


# ------------------------------------------------------------------------------------- every combination, one size


@pytest.mark.parametrize("activation", HIDDEN_ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_hidden_activation(activation, dtype):
    problem = every_layer(activation, dtype=dtype)
    _, gradients = problem.engine().value_and_gradient(*problem.data)
    arguments = (problem.network, problem.weights, problem.loss, problem.x, problem.y)
    assert_gradients_agree(gradients, oracle.value_and_gradient(*arguments)[1], 1e-10 if dtype == "float64" else 1e-4)


@pytest.mark.parametrize(("loss", "last"), PAIRINGS, ids=describe)
def test_every_element_by_central_differences(loss, last):
    problem = make_problem([{"activation": "tanh"}, {"activation": last}], [3, 4, 5], loss, 6, seed=11)
    engine, (x, y) = problem.engine(), problem.data

    def value(*weights):
        engine.set_weights(list(weights))
        return engine.value_and_gradient(x, y)[0]

    expected = central_differences(value, problem.weights)
    engine.set_weights(problem.weights)
    assert_close(engine.value_and_gradient(x, y)[1], expected, 1e-6)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("widths", "n"),
    [
        ([4, 32, 16, 4], 10_000),  # a large batch on a small network
        ([1, 1], 1),
        ([1, 1, 1], 1000),
        ([300, 3], 257),
        ([3, 300, 2], 100),
        ([784, 128, 10], 128),
        ([17, 64, 64, 6], 1),
    ],
    ids=str,
)
def test_sizes_beyond_the_random_ones(widths, n, dtype):
    network = [{"activation": "tanh"} for _ in widths[2:]] + [{"activation": "linear"}]
    problem = make_problem(network, widths, {"name": "mean_squared_error"}, n, dtype=dtype)
    engine, (x, y) = problem.engine(), problem.data
    value, gradients = oracle.value_and_gradient(network, problem.weights, problem.loss, problem.x, problem.y)
    actual, actual_gradients = engine.value_and_gradient(x, y)
    allowed = 1e-10 if dtype == "float64" else 1e-4
    assert actual == pytest.approx(value, rel=allowed)
    assert_gradients_agree(actual_gradients, gradients, allowed)

    weights, losses = train_oracle(problem, {"name": "sgd", "learning_rate": 0.01}, n, 3)
    for threads, epoch_loss in zip((1, 2, None), losses, strict=True):
        assert engine.train_epoch(x, y, n, shuffle=False, threads=threads).loss == pytest.approx(epoch_loss, rel=1e-5)
    assert_weights_agree(engine.get_weights(), weights, problem.weights, 1e-8 if dtype == "float64" else 1e-2)


@pytest.mark.parametrize("n", [8191, 8192, 8193, 20_000])
def test_more_rows_than_one_pass_takes(n):
    problem = every_layer("tanh", widths=(3, 5, 2), n=n)
    engine, (x, y) = problem.engine(), problem.data
    output, _ = oracle.forward(problem.network, problem.weights, problem.x)
    assert relative_error(engine.forward(x), output) < 1e-12
    epoch = engine.evaluate(x, y, statistics=1)
    assert epoch.loss == pytest.approx(((output - problem.y) ** 2).mean(), rel=1e-12)
    assert epoch.samples == n and epoch.statistics.count == n
    assert epoch.statistics.squared_error.numbers() == pytest.approx(((output - problem.y) ** 2).sum(axis=0))
