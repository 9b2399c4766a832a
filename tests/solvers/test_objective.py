"""What solvers minimise: the loss and its derivatives as functions of one vector, against the engine and the oracle."""

import numpy as np
import pytest

import oracle
from bridge import every_layer, make_problem
from fastbp.engine import jacobian

NETWORKS = {
    "one unit": ([{"activation": "tanh"}, {"activation": "linear"}], [3, 7, 1]),
    "few units": (
        [{"activation": "gelu", "use_bias": False}, {"activation": "softmax"}, {"activation": "linear"}],
        [4, 2, 3, 2],
    ),
    "wide": ([{"activation": "sigmoid"}, {"activation": "silu", "trainable": False}, {"activation": "tanh"}], [5, 36, 19, 10]),
}


def problem_of(name, dtype="float64", n=23):
    network, widths = NETWORKS[name]
    return make_problem(network, widths, {"name": "mean_squared_error"}, n, dtype=dtype)


def weights_of(problem, vector):
    """The weights with those that are learnt taken from a vector."""
    weights, left = [w.copy() for w in problem.weights], list(vector)
    for w, learns in zip(weights, oracle.trainable(problem.network), strict=True):
        if learns:
            w[...] = np.reshape([left.pop(0) for _ in range(w.size)], w.shape)
    assert not left
    return weights


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_loss_and_gradient_of_a_vector(name, weighted):
    problem = problem_of(name)
    sample_weight = np.random.default_rng(1).uniform(0, 3, 23) if weighted else None
    engine = problem.engine()
    objective = engine.objective(*problem.data, sample_weight)
    point = objective.point() + np.random.default_rng(2).normal(size=objective.size)
    weights = weights_of(problem, point)
    loss, gradients = oracle.value_and_gradient(problem.network, weights, problem.loss, problem.x, problem.y, sample_weight)
    flat = np.concatenate([g.ravel() for g, on in zip(gradients, oracle.trainable(problem.network), strict=True) if on])
    value, gradient = objective.value_and_gradient(point)
    assert value == pytest.approx(loss, rel=1e-12)
    assert gradient == pytest.approx(flat, rel=1e-9, abs=1e-12)
    assert objective.value(point) == pytest.approx(loss, rel=1e-12)
    assert objective.evaluations == 2
    for found, expected in zip(engine.get_weights(), weights, strict=True):
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_network_is_as_if_its_weights_had_been_set(name, dtype):
    problem = problem_of(name, dtype)
    placed, other = problem.engine(), problem.engine()
    objective = placed.objective(*problem.data)
    objective.place(objective.point() * 1.5)
    other.set_weights([w.astype(dtype) for w in weights_of(problem, objective.point())])
    assert np.array_equal(placed._parameters.weights, other._parameters.weights)
    (loss, gradient), (same_loss, same_gradient) = (engine.value_and_gradient(*problem.data) for engine in (placed, other))
    assert loss == same_loss
    for ours, theirs in zip(gradient, same_gradient, strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_squares_of_residuals(name, weighted, monkeypatch):
    """J'J, J'v and r, against the derivatives of the outputs, some rows at a time."""
    monkeypatch.setattr(jacobian, "MAX_ROWS", 9)
    problem = problem_of(name)
    roots = np.sqrt(np.random.default_rng(1).uniform(0, 3, 23)) if weighted else np.ones(23)
    engine = problem.engine()
    objective = engine.objective(*problem.data, roots**2 if weighted else None)
    arrays, units = engine.weight_jacobian(problem.x), problem.widths[-1]
    learnt = [a for a, on in zip(arrays, oracle.trainable(problem.network), strict=True) if on]
    J = np.concatenate([a.reshape(23 * units, -1) for a in learnt], axis=1) * np.repeat(roots, units)[:, None]
    output, _ = oracle.forward(problem.network, problem.weights, problem.x)
    r = (output - problem.y) * roots[:, None]
    point = objective.point()
    assert objective.residuals(point) == pytest.approx(r, rel=1e-9, abs=1e-12)
    assert np.mean(r**2) == pytest.approx(objective.value(point))
    assert np.allclose(np.tril(objective.square(point)), np.tril(J.T @ J), rtol=1e-9, atol=1e-9)
    values = np.random.default_rng(3).normal(size=r.shape)
    assert objective.pull_back(point, values) == pytest.approx(J.T @ values.ravel(), rel=1e-9, abs=1e-9)


def test_the_same_bits_for_any_number_of_threads():
    problem, found = every_layer("tanh", n=300), []
    for threads in (1, 2, 3, 8):
        objective = problem.engine().objective(*problem.data, None, threads)
        point = objective.point()
        value, gradient = objective.value_and_gradient(point)
        rest = objective.pull_back(point, objective.residuals(point)), objective.square(point)
        found.append((np.array(value), gradient, *rest))
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_many_rows_go_in_groups():
    problem = every_layer("tanh", widths=(5, 8, 1), n=20_000)
    objective = problem.engine().objective(*problem.data)
    loss, gradients = oracle.value_and_gradient(problem.network, problem.weights, problem.loss, problem.x, problem.y)
    value, gradient = objective.value_and_gradient(objective.point())
    assert value == pytest.approx(loss) and gradient == pytest.approx(np.concatenate([g.ravel() for g in gradients]), abs=1e-10)
