"""Learning by other feedback than the transposed weights: the engine against the oracle, and what must stay as it is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oracle
import oracle_feedback
from bridge import assert_gradients_agree, assert_weights_agree, make_loss, make_optimizer, make_problem, make_stages
from fastbp.engine.engine import Engine
from fastbp.engine.feedback import Feedback
from random_problems import problems
from random_problems import tolerance as tolerance_of

KINDS = ["alignment", "direct", "sign"]
# Layers of few units, whose transposed weights the forward pass reads too, of one vector, of many, and of several panels.
WIDTHS = [(4, 3, 2, 1), (5, 17, 16, 3), (3, 40, 1, 24, 5), (20, 130, 70, 33)]
NORM = {"kind": "layer"}
SGD = {"name": "sgd", "learning_rate": 0.05}


def random_matrices(kind, widths, dtype, seed=7):
    """One for each layer but the first, which needs none."""
    generator, found = np.random.default_rng(seed), []
    for inputs, units in zip(widths, widths[1:], strict=False):
        matrix = generator.normal(size=(inputs, widths[-1] if kind == "direct" else units)) / np.sqrt(inputs)
        matrix = abs(matrix) if kind == "sign" else matrix
        found.append(matrix.astype(dtype).astype(np.float64))
    return found


def make(kind, widths, loss="mean_squared_error", last="linear", hidden="tanh", dtype="float64", n=19, optimizer=SGD, **layer):
    """A problem of the oracle, its matrices, and an engine for both."""
    network = [{"activation": hidden} for _ in widths[2:]] + [{"activation": last}]
    network[len(network) // 2].update(layer)
    problem = make_problem(network, list(widths), {"name": loss}, n, dtype=dtype)
    matrices = random_matrices(kind, widths, dtype)
    return problem, matrices, engine_of(kind, problem, matrices, optimizer)


def engine_of(kind, problem, matrices, optimizer=SGD):
    feedback = Feedback(matrices, is_direct=kind == "direct", is_signed=kind == "sign")
    engine = Engine(make_stages(problem.network, problem.widths), problem.dtype, 0, feedback)
    engine.configure(make_optimizer(optimizer), make_loss(problem.loss))
    engine.set_weights([w.astype(problem.dtype) for w in problem.weights])
    return engine


def updates(kind, problem, matrices, weights=None):
    weights = problem.weights if weights is None else [w.astype(np.float64) for w in weights]
    return oracle_feedback.value_and_updates(kind, matrices, problem.network, weights, problem.loss, problem.x, problem.y)


def tolerance(dtype):
    return 1e-11 if dtype == "float64" else 3e-5


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_updates_and_true_gradients(kind, widths, dtype):
    """What it learns by is the oracle's, its gradient that of backpropagation: before training and after it."""
    problem, matrices, engine = make(kind, widths, dtype=dtype)
    x, y = problem.data
    for _ in range(2):
        weights = engine.get_weights()
        value, wanted = updates(kind, problem, matrices, weights)
        _, true = oracle.value_and_gradient(
            problem.network, [w.astype(float) for w in weights], problem.loss, problem.x, problem.y
        )
        for by_feedback, expected in ((True, wanted), (False, true), (True, wanted)):
            found, gradients = engine.value_and_gradient(x, y, by_feedback=by_feedback)
            assert found == pytest.approx(value, rel=1e-5)
            assert_gradients_agree(gradients, expected, tolerance(dtype))
        engine.train_epoch(x, y, 8)


@given(problems(freezes=True), st.sampled_from(KINDS))
@settings(max_examples=40)
def test_random_networks(problem, kind):
    """Every activation, normalization and loss, and layers that do not learn."""
    matrices = random_matrices(kind, problem.widths, problem.dtype)
    _, gradients = engine_of(kind, problem, matrices).value_and_gradient(*problem.data, by_feedback=True)
    assert_gradients_agree(gradients, updates(kind, problem, matrices)[1], tolerance_of(problem, 1e-4))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_training(kind, widths, dtype):
    """Some epochs in which the signs of weights change."""
    optimizer = {"name": "adam", "learning_rate": 0.05} if dtype == "float64" else SGD
    problem, matrices, engine = make(kind, widths, dtype=dtype, optimizer=optimizer, n=40)
    rule, weights, (x, y) = oracle.Optimizer(optimizer), problem.weights, problem.data
    for _ in range(3):
        settings = problem.network, weights, problem.loss, rule, problem.x, problem.y, 16
        weights, loss = oracle_feedback.train_epoch(kind, matrices, *settings)
        assert engine.train_epoch(x, y, 16, shuffle=False).loss == pytest.approx(loss, rel=1e-4)
    if dtype == "float64":
        assert any((np.sign(a) != np.sign(b)).any() for a, b in zip(weights, problem.weights, strict=True))
    assert_weights_agree(engine.get_weights(), weights, problem.weights, 1e-7 if dtype == "float64" else 1e-3)


@pytest.mark.parametrize(
    ("loss", "last"),
    [("sparse_categorical_crossentropy", "softmax"), ("binary_crossentropy", "sigmoid"), ("mean_squared_error", "softmax")],
)
@pytest.mark.parametrize("hidden", ["relu", "gelu", "softmax"])
@pytest.mark.parametrize("kind", KINDS)
def test_activations_and_losses_send_back_their_own_derivatives(kind, hidden, loss, last):
    problem, matrices, engine = make(kind, (5, 17, 16, 3), loss, last, hidden)
    _, gradients = engine.value_and_gradient(*problem.data, by_feedback=True)
    assert_gradients_agree(gradients, updates(kind, problem, matrices)[1], 1e-10)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "layer", [{"use_bias": False}, {"trainable": False}, {"norm": NORM}, {"norm": NORM, "norm_first": True}]
)
def test_layers_of_other_kinds_without_bias_and_frozen(kind, layer):
    problem, matrices, engine = make(kind, (5, 17, 16, 3), **layer)
    x, y = problem.data
    _, gradients = engine.value_and_gradient(x, y, by_feedback=True)
    assert_gradients_agree(gradients, updates(kind, problem, matrices)[1], 1e-11)
    settings = problem.network, problem.weights, problem.loss, oracle.Optimizer(SGD), problem.x, problem.y, 8
    weights, _ = oracle_feedback.train_epoch(kind, matrices, *settings)
    engine.train_epoch(x, y, 8, shuffle=False)
    assert_weights_agree(engine.get_weights(), weights, problem.weights, 1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_forward_backward_and_the_input_are_true(kind):
    """The lower level is backpropagation: the gradients for the weights and for the input."""
    problem, _, engine = make(kind, (5, 3, 17, 2))
    x, y = problem.data
    engine.train_epoch(x, y, 8)
    weights = [w.astype(float) for w in engine.get_weights()]
    output, tape = oracle.forward(problem.network, weights, problem.x)
    assert engine.forward(x, keep=True) == pytest.approx(output)
    dx, gradients = engine.backward(y)
    wanted_dx, wanted = oracle.backward(problem.network, weights, tape, problem.y)
    assert dx == pytest.approx(wanted_dx)
    assert_gradients_agree(gradients, wanted, 1e-11)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rows", [300, 4000])  # kept whole, and cut into groups
@pytest.mark.parametrize("kind", KINDS)
def test_the_bits_do_not_depend_on_threads(kind, rows, dtype):
    found = set()
    for threads in (1, 2, 3, 8):
        problem, _, engine = make(kind, (20, 65, 40, 3), dtype=dtype, n=rows)
        x, y = problem.data
        for batch in (rows, 64):
            engine.train_epoch(x, y, batch, threads=threads)
        found.add(tuple(w.tobytes() for w in engine.get_weights()))
    assert len(found) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_groups(kind):
    """A batch that is cut into groups learns by the same."""
    problem, matrices, engine = make(kind, (20, 65, 40, 3), n=3000)
    _, gradients = engine.value_and_gradient(*problem.data, by_feedback=True)
    assert_gradients_agree(gradients, updates(kind, problem, matrices)[1], 1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_that_come_back(kind):
    """After set_weights, restore_weights and a snapshot, the feedback is that of these weights."""
    problem, matrices, engine = make(kind, (5, 17, 16, 3), optimizer={"name": "sgd", "learning_rate": 0.5}, n=40)
    x, y = problem.data
    copied, snapshot = engine.copy_weights(), engine.snapshot()
    ways = [
        lambda: engine.set_weights(problem.weights),
        lambda: engine.restore_weights(copied),
        lambda: engine.restore(snapshot),
    ]
    wanted = updates(kind, problem, matrices)[1]
    for come_back in ways:
        engine.train_epoch(x, y, 4)
        come_back()
        assert_gradients_agree(engine.value_and_gradient(x, y, by_feedback=True)[1], wanted, 1e-11)
    negated = [-w for w in problem.weights]
    engine.apply_gradients([(w - n) / 0.5 for w, n in zip(problem.weights, negated, strict=True)])
    assert_gradients_agree(
        engine.value_and_gradient(x, y, by_feedback=True)[1], updates(kind, problem, matrices, negated)[1], 1e-11
    )


def test_steps_of_a_pass_with_other_work_between_them():
    """A pass in pieces learns by the feedback, whatever is asked of the engine between them."""
    problem, _, whole = make("direct", (5, 17, 16, 3), n=40)
    _, _, cut = make("direct", (5, 17, 16, 3), n=40)
    x, y = problem.data
    whole.train_epoch(x, y, 8)
    ended = []
    for step in range(5):
        cut.train_steps(step, step + 1, ended, x, y, 8)
        cut.value_and_gradient(x, y)
        cut.value_and_gradient(x[:8].copy(), y[:8].copy(), by_feedback=step % 2 == 0)
        cut.forward(x[:8].copy(), keep=True)
        cut.backward(y[:8].copy())
    assert all(np.array_equal(a, b) for a, b in zip(whole.get_weights(), cut.get_weights(), strict=True))


def test_transposed_weights_as_feedback_are_backpropagation():
    """The same bits: the feedback's panels lie and are used as the transposed copies are."""
    problem, _, _ = make("alignment", (5, 17, 40, 3))
    x, y = problem.data
    stages = make_stages(problem.network, problem.widths)
    engines = [Engine(stages, "float64"), Engine(stages, "float64", 0, Feedback(problem.weights[::2]))]
    found = []
    for engine in engines:
        engine.configure(make_optimizer(SGD), make_loss(problem.loss))
        engine.set_weights(problem.weights)
        engine.train_epoch(x, y, len(x))
        found.append([w.tobytes() for w in engine.get_weights()])
    assert found[0] == found[1]


def test_memory_is_counted():
    _, _, engine = make("alignment", (5, 17, 16, 3))
    plain = Engine(engine.stages, "float64")
    plain.configure(make_optimizer(SGD), None)
    assert engine.memory()[0] == plain.memory()[0] + engine._parameters.transposed.nbytes
