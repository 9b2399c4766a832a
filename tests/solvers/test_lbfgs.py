"""L-BFGS against scipy's on the oracle's network, and where the minimum is known."""

import numpy as np
import pytest
from scipy.optimize import minimize

import fastbp
import oracle
from bridge import make_layer, make_loss, make_problem
from fastbp import Dense, Input, Sequential, optimizers

PAIRINGS = [
    ("mean_squared_error", "linear"),
    ("binary_crossentropy", "sigmoid"),
    ("sparse_categorical_crossentropy", "softmax"),
    ("log_cosh", "tanh"),
]


def model_of(problem, optimizer):
    model = Sequential([Input((problem.widths[0],))], dtype=problem.dtype)
    for described, units in zip(problem.network, problem.widths[1:], strict=True):
        for layer in make_layer(described, units):
            layer.trainable = described.get("trainable", True)
            model.add(layer)
    model.compile(optimizer, make_loss(problem.loss))
    model.set_weights(problem.weights)
    return model


def scipys(problem, sample_weight, iterations):
    """The loss after each iteration, and the weights in the end."""
    shapes = [w.shape for w in problem.weights]
    ends = np.cumsum([w.size for w in problem.weights])[:-1]

    def arrays(vector):
        return [part.reshape(shape) for part, shape in zip(np.split(vector, ends), shapes, strict=True)]

    def function(vector):
        loss, gradients = oracle.value_and_gradient(
            problem.network, arrays(vector), problem.loss, problem.x, problem.y, sample_weight
        )
        return loss, np.concatenate([g.ravel() for g in gradients])

    losses = []
    found = minimize(
        function,
        np.concatenate([w.ravel() for w in problem.weights]),
        jac=True,
        method="L-BFGS-B",
        callback=lambda intermediate_result: losses.append(float(intermediate_result.fun)),
        options={"maxiter": iterations, "maxcor": 7},
    )
    return losses, arrays(found.x)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize(("loss", "last"), PAIRINGS)
def test_it_goes_the_way_of_scipys(loss, last, frozen, weighted):
    network = [{"activation": "tanh"}, {"activation": "gelu", "trainable": not frozen}, {"activation": last}]
    problem = make_problem(network, [4, 9, 6, 3], {"name": loss}, 40)
    sample_weight = np.random.default_rng(1).uniform(0, 2, 40) if weighted else None
    losses, weights = scipys(problem, sample_weight, 12)
    model = model_of(problem, optimizers.LBFGS(maxcor=7))
    history = model.fit(problem.x, problem.y, epochs=12, verbose=0, sample_weight=sample_weight)
    assert history.history["loss"] == pytest.approx(losses, rel=1e-6)
    for ours, theirs in zip(model.get_weights(), weights, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-4 * np.abs(theirs).max())
    if frozen:
        assert np.array_equal(model.get_weights()[2], problem.weights[2])


def test_a_linear_network_finds_the_least_squares():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(60, 4)), random.normal(size=(60, 2))
    model = Sequential([Dense(2)], seed=0, dtype="float64")
    model.compile(optimizers.LBFGS(gtol=1e-10, ftol=0.0), "mse")
    history = model.fit(x, y, epochs=200, verbose=0)
    expected = np.linalg.lstsq(np.c_[x, np.ones(60)], y, rcond=None)[0]
    assert np.vstack(model.get_weights()) == pytest.approx(expected, abs=1e-8)
    assert history.converged and len(history.epoch) < 200 and history.message
    assert history.history["loss"] == sorted(history.history["loss"], reverse=True)


def test_penalties_count():
    """A linear network with an L2 penalty is a ridge regression; one on its outputs shrinks them."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(60, 4)), random.normal(size=(60, 1))
    model = Sequential([Dense(1, use_bias=False, kernel_regularizer=fastbp.regularizers.L2(0.3))], seed=0, dtype="float64")
    model.compile(optimizers.LBFGS(gtol=1e-10, ftol=0.0), "mse")
    history = model.fit(x, y, epochs=100, verbose=0)
    ridge = np.linalg.solve(x.T @ x / 60 + 0.3 * np.eye(4), x.T @ y / 60)
    assert model.get_weights()[0] == pytest.approx(ridge, abs=1e-8)
    expected = np.mean((x @ ridge - y) ** 2) + 0.3 * np.sum(ridge**2)
    assert history.history["loss"][-1] == pytest.approx(expected) == pytest.approx(model.evaluate(x, y, verbose=0))
    model = Sequential([Dense(1, use_bias=False, activity_regularizer=fastbp.regularizers.L2(0.5))], seed=0, dtype="float64")
    model.compile(optimizers.LBFGS(gtol=1e-10, ftol=0.0), "mse")
    history = model.fit(x, y, epochs=100, verbose=0)
    least = np.linalg.lstsq(x, y, rcond=None)[0]
    assert model.get_weights()[0] == pytest.approx(least / 1.5, abs=1e-8)
    assert history.history["loss"][-1] == pytest.approx(model.evaluate(x, y, verbose=0))


def test_settings_are_scipys():
    """Each changes what is done as it says."""
    random = np.random.default_rng(0)
    x = random.normal(size=(50, 3))
    y = np.sin(x[:, :1])

    def fitted(**settings):
        model = Sequential([Dense(6, "tanh"), Dense(1)], seed=0, dtype="float64")
        model.compile(optimizers.LBFGS(**settings), "mse")
        return model.fit(x, y, epochs=60, verbose=0)

    usual = fitted(ftol=0.0, gtol=0.0).history["loss"]
    assert len(usual) == 60
    assert fitted(ftol=0.0, gtol=0.0, maxcor=2).history["loss"][:3] == pytest.approx(usual[:3])
    assert fitted(ftol=0.0, gtol=0.0, maxcor=2).history["loss"][20] != pytest.approx(usual[20])
    assert fitted(ftol=0.0, gtol=1e-2).converged and fitted(ftol=1e-3, gtol=0.0).converged
    few = fitted(ftol=0.0, gtol=0.0, maxls=1)
    assert not few.converged and len(few.epoch) < 60


def test_a_line_search_comes_back_from_where_nothing_is_finite():
    """The first step, of length 1, leads to an overflow."""
    x = np.linspace(-1, 1, 40).reshape(-1, 1) * 800
    model = Sequential([Input((1,)), Dense(1, lambda z: np.exp(z))], dtype="float64")
    model.compile(optimizers.LBFGS(ftol=0.0, gtol=1e-6), "mse")
    model.set_weights([[[0.0]], [0.0]])
    history = model.fit(x, np.exp(x / 800), epochs=300, verbose=0)
    assert np.isfinite(history.history["loss"]).all() and history.history["loss"][-1] < 1e-9
    assert model.get_weights()[0] == pytest.approx(1 / 800, rel=1e-3)


def test_single_precision():
    x = np.linspace(-1, 1, 100, dtype="float32").reshape(-1, 1)
    model = Sequential([Dense(8, "tanh"), Dense(1)], seed=0)
    model.compile("lbfgs", "mse")
    history = model.fit(x, np.sin(3 * x), epochs=300, verbose=0)
    assert history.history["loss"][-1] < 1e-3
    assert model.evaluate(x, np.sin(3 * x), verbose=0) == pytest.approx(history.history["loss"][-1], rel=1e-5)
