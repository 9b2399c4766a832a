"""Solvers with penalties and constraints on weights: against closed forms, non-negative least squares, and each other."""

import numpy as np
import pytest
from scipy.optimize import nnls

import fastbp
from fastbp import Dense, Input, Sequential, callbacks, constraints, layers, optimizers, regularizers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3))
Y = np.sin(X[:, :1]) + X[:, 1:2] * X[:, 2:]
PRECISE = optimizers.LBFGS(ftol=1e-15, gtol=1e-10)


def fitted(model, solver, y=Y, **settings):
    model.compile(solver, "mse")
    model.fit(X, y, epochs=2000, verbose=0, **settings)
    return model


def largest_derivative(model):
    return max(abs(g).max() for g in model.value_and_gradient(X, Y)[1])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("solver", ["lm", PRECISE], ids=["lm", "lbfgs"])
def test_ridge_regression_is_the_closed_form(solver, weighted):
    """With another factor for the bias, and two outputs."""
    y, s = np.hstack([Y, X[:, :1] ** 2]), RNG.uniform(0.1, 2, 80) if weighted else np.ones(80)
    layer = Dense(2, kernel_regularizer=regularizers.L2(0.05), bias_regularizer=regularizers.L2(0.3))
    model = fitted(Sequential([Input((3,)), layer], seed=0, dtype="float64"), solver, y, sample_weight=s if weighted else None)
    A = np.hstack([X, np.ones((80, 1))])
    wanted = np.linalg.solve(A.T * s @ A / 160 + np.diag([0.05] * 3 + [0.3]), A.T * s @ y / 160)
    kernel, bias = model.get_weights()
    assert np.vstack([kernel, bias]) == pytest.approx(wanted, abs=1e-7)
    loss = model.history.history["loss"][-1]
    assert loss == pytest.approx(model.evaluate(X, y, verbose=0, sample_weight=s if weighted else None), rel=1e-12)
    assert loss > model.losses[0] > 0


def test_levenberg_marquardt_goes_to_where_loss_and_penalties_are_flat():
    """Of all kinds of weights that take an L2, and with a frozen layer, whose weights cost nothing."""
    model = Sequential(
        [
            Input((3,)),
            Dense(6, "tanh", kernel_regularizer=regularizers.L2(1e-3), bias_regularizer=regularizers.L2(1e-2)),
            layers.LayerNormalization(gamma_regularizer=regularizers.L2(1e-3), beta_regularizer=regularizers.L2(1e-2)),
            Dense(4, trainable=False, kernel_regularizer="l2"),
            layers.Activation("tanh"),
            Dense(1, kernel_regularizer=regularizers.L1L2(l2=1e-3)),
        ],
        seed=0,
        dtype="float64",
    )
    fitted(model, "lm")
    assert model.history.converged and largest_derivative(model) < 1e-4
    assert model.history.history["loss"][-1] == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-12)
    assert len(model.losses) == 5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_non_negative_least_squares(dtype):
    target = X @ [[1.0], [-1.0], [0.5]]
    layer = Dense(1, use_bias=False, kernel_constraint="non_neg", kernel_initializer=fastbp.initializers.Constant(-0.5))
    model = fitted(Sequential([Input((3,)), layer], dtype=dtype), PRECISE, target)
    found = model.get_weights()[0][:, 0]
    assert found == pytest.approx(nnls(X, target[:, 0])[0], abs=1e-6 if dtype == "float64" else 1e-3)
    assert found[1] == 0


def test_a_monotone_network():
    """Kernels that are not negative, biases that may be: the network never falls, and what is bounded alone stays so."""
    settings = {"kernel_constraint": constraints.NonNeg()}
    model = Sequential([Input((3,)), Dense(8, "tanh", **settings), Dense(1, **settings)], seed=0)
    model.compile("lbfgs", "mse")
    model.fit(X, X.sum(1) + 0.3 * Y[:, 0], epochs=100, verbose=0)
    kernels, biases = model.get_weights()[::2], model.get_weights()[1::2]
    assert min(k.min() for k in kernels) == 0 and min(b.min() for b in biases) < 0
    assert (model.jacobian(X) >= 0).all()
    assert model.history.history["loss"][-1] < 0.5 * np.var(X.sum(1))


def test_a_fit_that_is_stopped_at_once_leaves_what_was_set():
    layer = Dense(1, use_bias=False, kernel_constraint="non_neg", kernel_initializer=fastbp.initializers.Constant(-0.5))
    model = fitted(Sequential([Input((3,)), layer]), "lbfgs", callbacks=[callbacks.TimeBudget(0.0)])
    assert (model.get_weights()[0] == -0.5).all()


@pytest.mark.parametrize("solver", ["lbfgs", "lm"])
def test_the_same_bits_for_any_number_of_threads(solver):
    rule = {"kernel_regularizer": "l2", "kernel_constraint": "non_neg" if solver == "lbfgs" else None}
    found = set()
    for threads in (1, 2, 3, 8):
        model = Sequential([Input((3,)), Dense(5, "tanh", **rule), Dense(1, **rule)], seed=0)
        model.compile(solver, "mse")
        model.fit(np.tile(X, (20, 1)), np.tile(Y, (20, 1)), epochs=3, verbose=0, threads=threads)
        found.add(tuple(w.tobytes() for w in model.get_weights()))
    assert len(found) == 1


@pytest.mark.parametrize(
    ("solver", "settings", "text"),
    [
        ("lm", {"bias_regularizer": "l1"}, r"no regularizer but L2 of weights for LevenbergMarquardt, got L1\(l1=0.01\)"),
        ("lm", {"activity_regularizer": "l2"}, r"no regularizer but L2 of weights for LevenbergMarquardt, got L2.*LBFGS takes"),
        ("lm", {"kernel_constraint": "non_neg"}, r"no constraint of this kind for LevenbergMarquardt, got NonNeg\(\).*LBFGS"),
        ("lbfgs", {"kernel_constraint": "max_norm"}, r"no constraint of this kind for LBFGS, got MaxNorm.*Dense.*optimizers"),
    ],
)
def test_rules_that_are_refused(solver, settings, text):
    model = Sequential([Input((3,)), Dense(2, **settings), Dense(1)], seed=0)
    model.compile(solver, "mse")
    before = model.get_weights()
    with pytest.raises(ValueError, match=f"layers must have {text}"):
        model.fit(X, Y, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))
    model.layers[0].trainable = False  # its rules are nobody's business then, but for its outputs
    if "activity_regularizer" not in settings:
        fitted(model, solver)
