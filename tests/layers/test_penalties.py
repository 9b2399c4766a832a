"""Penalties and constraints in training: against plain NumPy, for any threads, cut of a pass and layout of the batch."""

import numpy as np
import pytest

import fastbp
import oracle
import oracle_rules
from bridge import make_activation, make_loss, make_optimizer
from fastbp import Dense, Input, Sequential, constraints, regularizers
from fastbp.engine.buffers import GROUPS
from fastbp.kernels import fields as at
from gradcheck import assert_close
from networks import describe, random_targets, random_weights

L2, L1, BOTH = (0.0, 0.03), (0.02, 0.0), (0.01, 0.05)
MAX = {"name": "max_norm", "max_value": 0.7}
UNIT = {"name": "unit_norm"}
HALF = {"name": "min_max_norm", "min_value": 0.4, "max_value": 0.9, "rate": 0.3}
NON_NEG = {"name": "non_neg"}
# What the first of the layers has.
RULES = {
    "l2": {"kernel_regularizer": L2},
    "l1": {"kernel_regularizer": L1},
    "kernel and bias": {"kernel_regularizer": BOTH, "bias_regularizer": BOTH},
    "bias": {"bias_regularizer": L1},
    "activity": {"activity_regularizer": BOTH},
    "non_neg": {"kernel_constraint": NON_NEG, "bias_constraint": NON_NEG},
    "max_norm": {"kernel_constraint": MAX, "bias_constraint": MAX},
    "unit_norm of rows": {"kernel_constraint": {**UNIT, "axis": 1}},
    "on the way": {"kernel_constraint": HALF, "bias_constraint": UNIT},
    "several": {"kernel_regularizer": BOTH, "activity_regularizer": L1, "kernel_constraint": MAX, "bias_constraint": NON_NEG},
}
WIDTHS = [6, 21, 70, 9, 3]
ACTIVATIONS = ["tanh", "gelu", "relu"]
TASKS = {
    "regression": ("linear", {"name": "mean_squared_error"}),
    "binary": ("sigmoid", {"name": "binary_crossentropy"}),
    "labels": ("softmax", {"name": "sparse_categorical_crossentropy"}),
}


def network_of(rules, last="linear", at_all=True):
    network = [{"activation": name} for name in [*ACTIVATIONS, last]]
    return [{**layer, **rules} if at_all or i == 0 else layer for i, layer in enumerate(network)]


def make_constraint(constraint):
    return constraints.deserialize({"class_name": constraint["name"], "config": rest(constraint)})


def rest(settings):
    return {key: value for key, value in settings.items() if key != "name"}


def made(name, rule):
    return regularizers.L1L2(*rule) if name.endswith("regularizer") else make_constraint(rule)


def model_of(network, loss, optimizer, weights, dtype="float64", widths=WIDTHS):
    names = ("kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint")
    dense = []
    for layer, units in zip(network, widths[1:], strict=True):
        rules = {name: made(name, layer[name]) for name in names if name in layer}
        dense.append(Dense(units, make_activation(layer), trainable=layer.get("trainable", True), **rules))
    model = Sequential([Input((widths[0],)), *dense], dtype=dtype)
    model.compile(make_optimizer(optimizer), make_loss(loss))
    model.set_weights(weights)
    return model


def problem(loss, n=60, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, WIDTHS[0]))
    return random_weights(network_of({}), WIDTHS, generator), x, random_targets(loss, n, WIDTHS[-1], generator), generator


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("rules", RULES)
def test_a_fit_against_plain_numpy(task, rules):
    last, loss = TASKS[task]
    weights, x, y, generator = problem(loss)
    sample_weight = generator.uniform(0.5, 2.0, len(x))
    network, optimizer = network_of(RULES[rules], last), {"name": "adam", "learning_rate": 0.01}
    model = model_of(network, loss, optimizer, weights)
    history = model.fit(x, y, 16, 3, 0, shuffle=False, sample_weight=sample_weight, validation_data=(x, y)).history
    stepper = oracle.Optimizer(optimizer)
    for epoch in range(3):
        weights, value = oracle_rules.train_epoch(network, weights, loss, stepper, x, y, 16, sample_weight)
        assert history["loss"][epoch] == pytest.approx(value, rel=1e-10)
        assert history["val_loss"][epoch] == pytest.approx(
            oracle_rules.value_and_gradient(network, weights, loss, x, y)[0], rel=1e-10
        )
    assert_close(model.get_weights(), weights, 1e-9)


@pytest.mark.parametrize("optimizer", [{"name": "sgd"}, {"name": "sgd", "momentum": 0.9}, {"name": "adamw"}], ids=describe)
def test_an_optimizer_sees_the_gradient_with_the_penalty(optimizer):
    loss, optimizer = {"name": "mean_squared_error"}, {**optimizer, "learning_rate": 0.02}
    weights, x, y, _ = problem(loss)
    network = network_of(RULES["several"])
    model = model_of(network, loss, optimizer, weights)
    history, stepper = model.fit(x, y, 16, 2, 0, shuffle=False).history, oracle.Optimizer(optimizer)
    for epoch in range(2):
        weights, value = oracle_rules.train_epoch(network, weights, loss, stepper, x, y, 16)
        assert history["loss"][epoch] == pytest.approx(value, rel=1e-10)
    assert_close(model.get_weights(), weights, 1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rules", ["kernel and bias", "activity", "several"])
def test_value_and_gradient(dtype, rules):
    loss = {"name": "mean_squared_error"}
    weights, x, y, _ = problem(loss)
    network = network_of(RULES[rules])
    expected, gradients = oracle_rules.value_and_gradient(network, weights, loss, x, y)
    model = model_of(network, loss, {"name": "sgd", "learning_rate": 0.1}, weights, dtype)
    found, derivatives = model.value_and_gradient(x, y)
    tolerance = 1e-12 if dtype == "float64" else 2e-6
    assert found == pytest.approx(expected, rel=tolerance)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=tolerance)
    assert_close(derivatives, gradients, 10 * tolerance)


def test_a_batch_that_is_cut_into_groups_against_plain_numpy():
    loss, optimizer = {"name": "mean_squared_error"}, {"name": "adam", "learning_rate": 0.01}
    weights, x, y, _ = problem(loss, 2500)
    network = network_of(RULES["several"])
    model = model_of(network, loss, optimizer, weights)
    history = model.fit(x, y, 2000, 1, 0, shuffle=False).history
    assert any(
        plan.fields[at.GROUPS] == GROUPS and plan.fields[at.PENALTY_SUMS] for plan in model._engine._plans._plans.values()
    )
    new, value = oracle_rules.train_epoch(network, weights, loss, oracle.Optimizer(optimizer), x, y, 2000)
    assert history["loss"][0] == pytest.approx(value, rel=1e-10)
    assert_close(model.get_weights(), new, 1e-9)


def test_layers_that_are_not_trained_cost_nothing_and_stay():
    """But for their outputs, which others learn to keep small."""
    loss, optimizer = {"name": "mean_squared_error"}, {"name": "adam", "learning_rate": 0.01}
    weights, x, y, _ = problem(loss)
    network = network_of(RULES["several"])
    network[1] = {**network[1], "trainable": False}
    model = model_of(network, loss, optimizer, weights)
    history, new = model.fit(x, y, 16, 1, 0, shuffle=False).history, weights
    new, value = oracle_rules.train_epoch(network, weights, loss, oracle.Optimizer(optimizer), x, y, 16)
    assert history["loss"][0] == pytest.approx(value, rel=1e-10)
    assert_close(model.get_weights(), new, 1e-9)
    assert all(np.array_equal(w, weights[i]) for i, w in enumerate(model.get_weights()) if i in (2, 3))
    assert model.evaluate(x, y, verbose=0) == pytest.approx(oracle_rules.value_and_gradient(network, new, loss, x, y)[0])


def test_given_gradients_are_taken_as_they_are_and_constraints_hold():
    loss, optimizer = {"name": "mean_squared_error"}, {"name": "sgd", "learning_rate": 0.5}
    weights, _, _, generator = problem(loss)
    network = network_of(RULES["several"])
    model = model_of(network, loss, optimizer, weights)
    gradients = [generator.normal(size=w.shape) for w in weights]
    model.apply_gradients(gradients)
    rules = oracle_rules.rules_of(network, "constraint")
    moved = [w - 0.5 * g for w, g in zip(weights, gradients, strict=True)]
    assert_close(model.get_weights(), [oracle_rules.constrain(r, w) for r, w in zip(rules, moved, strict=True)], 1e-12)


def test_the_way_back_through_the_lower_level_has_no_penalty():
    """``backward`` is of what it is given."""
    loss = {"name": "mean_squared_error"}
    weights, x, _, _ = problem(loss)
    found = []
    for rules in (RULES["several"], {}):
        model = model_of(network_of(rules), loss, {"name": "sgd", "learning_rate": 0.1}, weights)
        found.append([model.backward(np.ones_like(model.forward(x))), *model.gradients])
    assert all(np.array_equal(one, other) for one, other in zip(*found, strict=True))


def test_predictions_are_those_of_the_transposed_copy_too():
    """A narrow layer is computed from the transposed copy of its weights, others go back through it."""
    for rule in (constraints.MaxNorm(0.3), constraints.UnitNorm(1), constraints.NonNeg()):
        model = Sequential([Input((6,)), Dense(30, "tanh"), Dense(1, kernel_constraint=rule)], seed=1, dtype="float64")
        model.compile(fastbp.SGD(0.3), "mse")
        _, x, y, _ = problem({"name": "mean_squared_error"})
        model.fit(x, y[:, :1], 16, 2, 0)
        hidden, bias, kernel, last = model.get_weights()
        assert np.allclose(rule(kernel), kernel, rtol=1e-6)
        assert model.predict(x) == pytest.approx(np.tanh(x @ hidden + bias) @ kernel + last, abs=1e-12)


def test_a_model_of_non_negative_weights_never_falls():
    rules = {"kernel_constraint": "non_neg"}
    model = Sequential([Input((2,)), *(Dense(20, "tanh", **rules) for _ in range(2)), Dense(1, **rules)], seed=0)
    model.compile(fastbp.Adam(0.01), "mse")
    generator = np.random.default_rng(0)
    x = generator.uniform(-1, 1, (400, 2))
    model.fit(x, x[:, :1] - 0.5 * x[:, 1:] + 0.1 * generator.normal(size=(400, 1)), 32, 30, 0)
    steps = np.linspace(-2, 2, 200)
    for fixed in (-1.0, 0.0, 1.0):
        assert (np.diff(model.predict(np.column_stack([steps, np.full(200, fixed)])), axis=0) >= 0).all()
        assert (np.diff(model.predict(np.column_stack([np.full(200, fixed), steps])), axis=0) >= 0).all()
    assert np.ptp(model.predict(x)) > 0.5


def test_l1_makes_weights_of_no_use_small():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(500, 10))
    model = Sequential([Input((10,)), Dense(1, kernel_regularizer=regularizers.L1(0.1))], seed=0, dtype="float64")
    model.compile(fastbp.SGD(fastbp.optimizers.schedules.ExponentialDecay(0.05, 100, 0.8)), "mse")
    model.fit(x, 3 * x[:, :1] - 2 * x[:, 1:2], 50, 200, 0)
    kernel = model.get_weights()[0][:, 0]
    assert np.abs(kernel[2:]).max() < 1e-3 and kernel[:2] == pytest.approx([2.95, -1.95], abs=0.05)


@pytest.mark.parametrize("rule", [constraints.UnitNorm(), constraints.MaxNorm(1), constraints.UnitNorm(1)])
def test_extreme_norms(rule):
    """A column of zeros stays one; squares that float32 cannot hold are no harm."""
    model = Sequential([Input((2,)), Dense(3, kernel_constraint=rule)])
    model.compile(fastbp.SGD(0.1), "mse")
    kernel = np.array([[0, 1e25, 1e-25], [0, -1e25, 1e-25]], "float32")
    model.set_weights([kernel, np.zeros(3)])
    model.apply_gradients([np.zeros((2, 3)), np.zeros(3)])
    assert model.get_weights()[0] == pytest.approx(np.float32(rule(kernel.astype(float))), rel=1e-6)


def test_a_penalty_that_is_not_finite_ends_the_fit():
    model = Sequential([Input((1,)), Dense(1, kernel_regularizer=regularizers.L2(1e300))], dtype="float64")
    model.compile(fastbp.SGD(1e-308), "mse")
    model.set_weights([[[1e10]], [0.0]])
    with pytest.raises(fastbp.TrainingDiverged):
        model.fit([[0.0]], [0.0], verbose=0)
    assert model.get_weights()[0][0, 0] == 1e10


def test_a_zero_weight_has_no_l1_slope():
    model = Sequential([Input((1,)), Dense(1, kernel_initializer="zeros", kernel_regularizer="l1", activity_regularizer="l1")])
    model.compile("sgd", "mse")
    loss, gradients = model.value_and_gradient([[1.0]], [0.0])
    assert loss == 0 and [g.tolist() for g in gradients] == [[[0.0]], [0.0]]
