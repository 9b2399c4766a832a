"""The oracle itself: by central differences, by closed forms and against other people's code.

Nothing here touches fastbp. If these fail, no other test means anything.
"""

import math

import numpy as np
import pytest
from sklearn import metrics
from sklearn.neural_network import MLPClassifier, MLPRegressor

import oracle
from gradcheck import assert_close, central_differences, directional_difference, relative_error
from networks import FORMULAS, HIDDEN_ACTIVATIONS, PAIRINGS, describe, random_targets, random_weights
from oracle_optimizers import OPTIMIZERS

TOLERANCE = 1e-6
LAYERS = [{"activation": name} for name in [*HIDDEN_ACTIVATIONS, *oracle.WHOLE_ROWS]] + FORMULAS


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("layer", LAYERS, ids=describe)
def test_derivative_of_activation(layer):
    generator = rng()
    z = generator.normal(size=(5, 4)) * 3
    weight = generator.normal(size=oracle.activate(layer, z).shape)
    (expected,) = central_differences(lambda z: (weight * oracle.activate(layer, z)).sum(), [z])
    assert relative_error(oracle.through_activation(layer, z, weight), expected) < TOLERANCE


def test_activations_at_known_points():
    def at(name, z, **settings):
        return oracle.activate({"activation": name, **settings}, np.array([[z]]))[0, 0]

    assert at("relu", -1.0) == 0 and at("relu", 2.0) == 2
    assert at("leaky_relu", -1.0) == -0.2 and at("leaky_relu", -1.0, alpha=0.01) == -0.01
    assert at("elu", -1.0) == pytest.approx(math.exp(-1) - 1) and at("elu", -1.0, alpha=2.0) == 2 * math.expm1(-1)
    assert at("selu", 1.0) == pytest.approx(1.0507009873554805)
    assert at("selu", -50.0) == pytest.approx(-1.7580993408473766)
    assert at("softplus", 0.0) == pytest.approx(math.log(2))
    assert at("silu", 1.0) == pytest.approx(1 / (1 + math.exp(-1)))
    assert at("gelu", 1.0) == pytest.approx(0.8413447460685429)
    assert at("gelu_tanh", 1.0) == pytest.approx(0.8411919906082768)
    assert oracle.softmax(np.array([[0.0, math.log(3)]])) == pytest.approx(np.array([[0.25, 0.75]]))


def test_prelu():
    z, alpha, weight = rng().normal(size=(5, 4)), rng(1).normal(size=4), rng(2).normal(size=(5, 4))
    expected = central_differences(lambda z, alpha: (weight * oracle.prelu(z, alpha)).sum(), [z, alpha])
    assert_close(oracle.prelu_backward(z, alpha, weight), expected, TOLERANCE)


def test_sparsemax_is_the_nearest_row_of_probabilities():
    """By its conditions: the kept units stand apart as in z, and what is dropped is not above what they gave up."""
    z = rng().normal(size=(50, 6))
    p = oracle.sparsemax(z)
    given_up = z - p
    assert p.min() >= 0 and p.sum(axis=1) == pytest.approx(np.ones(50))
    for row in range(50):
        kept = p[row] > 0
        assert np.ptp(given_up[row, kept]) < 1e-12 and (z[row, ~kept] <= given_up[row, kept].mean() + 1e-12).all()


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if layer["activation"] != "exponential"], ids=describe)
def test_activations_survive_large_arguments(layer):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        z = np.array([[-1e4, 0.0, 1e4, 5.0]])
        output = oracle.activate(layer, z)
        assert np.isfinite(output).all()
        assert np.isfinite(oracle.through_activation(layer, z, np.ones(output.shape))).all()


@pytest.mark.parametrize(("loss", "last"), PAIRINGS, ids=describe)
def test_gradient_of_loss(loss, last):
    """dL/d output alone, before any network comes into it."""
    generator = rng(1)
    output = oracle.activate({"activation": last}, generator.normal(size=(6, 4)))
    y = random_targets(loss, 6, 4, generator)
    (expected,) = central_differences(lambda p: oracle.loss_value_and_gradient(loss, p, y)[0], [output])
    assert relative_error(oracle.loss_value_and_gradient(loss, output, y)[1], expected) < TOLERANCE


@pytest.mark.parametrize(("loss", "last"), PAIRINGS, ids=describe)
@pytest.mark.parametrize("hidden", ["tanh", "gelu"])
def test_gradient_of_network(loss, last, hidden):
    generator, widths = rng(2), [3, 5, 4, 3]
    network = [{"activation": hidden}, {"activation": "leaky_relu", "use_bias": False}, {"activation": last}]
    weights = random_weights(network, widths, generator)
    x, y = generator.normal(size=(7, 3)), random_targets(loss, 7, 3, generator)
    value, gradients = oracle.value_and_gradient(network, weights, loss, x, y)
    expected = central_differences(lambda *w: oracle.value_and_gradient(network, w, loss, x, y)[0], weights)
    assert_close(gradients, expected, TOLERANCE)

    directions = [generator.normal(size=w.shape) for w in weights]
    along = directional_difference(lambda *w: oracle.value_and_gradient(network, w, loss, x, y)[0], weights, directions)
    assert along == pytest.approx(sum((d * g).sum() for d, g in zip(directions, gradients, strict=True)), rel=1e-6)


def test_gradient_with_respect_to_input():
    generator, network = rng(3), [{"activation": "silu"}, {"activation": "softmax"}]
    weights = random_weights(network, [3, 4, 5], generator)
    x, dy = generator.normal(size=(6, 3)), generator.normal(size=(6, 5))
    _, tape = oracle.forward(network, weights, x)
    (expected,) = central_differences(lambda x: (dy * oracle.forward(network, weights, x)[0]).sum(), [x])
    assert relative_error(oracle.backward(network, weights, tape, dy)[0], expected) < TOLERANCE


@pytest.mark.parametrize("wrong", ["sign", "factor", "bias left out", "one element"])
def test_a_wrong_gradient_is_noticed(wrong):
    """The negative case: a check that cannot fail proves nothing."""
    generator, loss = rng(4), {"name": "mean_squared_error"}
    network = [{"activation": "tanh"}, {"activation": "linear"}]
    weights = random_weights(network, [3, 8, 2], generator)
    x, y = generator.normal(size=(5, 3)), generator.normal(size=(5, 2))
    _, gradients = oracle.value_and_gradient(network, weights, loss, x, y)
    expected = central_differences(lambda *w: oracle.value_and_gradient(network, w, loss, x, y)[0], weights)
    if wrong == "sign":
        gradients[0] = -gradients[0]
    elif wrong == "factor":
        gradients = [g * (1 + 1e-5) for g in gradients]
    elif wrong == "bias left out":
        gradients[1] = np.zeros_like(gradients[1])
    else:
        gradients[2][3, 1] += 1e-4
    with pytest.raises(AssertionError, match="relative error"):
        assert_close(gradients, expected, TOLERANCE)


def test_not_a_number_is_noticed():
    with pytest.raises(AssertionError):
        assert_close([np.array([1.0, math.nan])], [np.array([1.0, math.nan])], TOLERANCE)


def test_fused_and_separate_losses_agree():
    """Where nothing saturates, a loss of logits is the loss of the probabilities they stand for."""
    generator = rng(5)
    z, t = generator.normal(size=(6, 4)), np.eye(4)[[0, 1, 2, 3, 0, 1]]
    for name, link, y in [
        ("binary_crossentropy", "sigmoid", t),
        ("categorical_crossentropy", "softmax", t),
        ("sparse_categorical_crossentropy", "softmax", t.argmax(axis=1)),
    ]:
        layer, loss = {"activation": link}, {"name": name}
        value, dp = oracle.loss_value_and_gradient(loss, oracle.activate(layer, z), y)
        fused, dz = oracle.loss_value_and_gradient(loss, z, y, logits=True)
        assert fused == pytest.approx(value, rel=1e-12)
        assert relative_error(oracle.through_activation(layer, z, dp), dz) < 1e-9


@pytest.mark.parametrize(("name", "expected"), [("binary_crossentropy", 5e3), ("categorical_crossentropy", 1e4)])
def test_cross_entropy_of_huge_logits(name, expected):
    z, t = np.array([[1e4, -1e4], [-1e4, 1e4]]), np.array([[1.0, 0.0], [1.0, 0.0]])
    value, dz = oracle.loss_value_and_gradient({"name": name, "from_logits": True}, z, t)
    # The first row is right and costs nothing; the second is wrong by the whole distance.
    assert value == pytest.approx(expected)
    assert np.isfinite(dz).all() and np.abs(dz[0]).max() == 0 and np.abs(dz[1]).min() > 0


def test_losses_against_scikit_learn():
    generator = rng(6)
    p, y = oracle.softmax(generator.normal(size=(20, 5))), generator.integers(0, 5, 20)
    t, q = generator.normal(size=(20, 3)), generator.normal(size=(20, 3))

    def value(name, output, target):
        return oracle.loss_value_and_gradient({"name": name}, output, target)[0]

    assert value("mean_squared_error", q, t) == pytest.approx(metrics.mean_squared_error(t, q))
    assert value("mean_absolute_error", q, t) == pytest.approx(metrics.mean_absolute_error(t, q))
    assert value("sparse_categorical_crossentropy", p, y) == pytest.approx(metrics.log_loss(y, p, labels=range(5)))
    assert value("categorical_crossentropy", p, np.eye(5)[y]) == pytest.approx(metrics.log_loss(y, p, labels=range(5)))
    binary = (y > 2).astype(int)
    assert value("binary_crossentropy", p[:, :1], binary[:, None]) == pytest.approx(metrics.log_loss(binary, p[:, 0]))
    # Half the deviance is t log t - t - (t log p - p).
    counts, rates = generator.poisson(3.0, 20) + 1.0, generator.uniform(1, 4, 20)
    deviance = metrics.mean_poisson_deviance(counts, rates) / 2
    offset = (counts * np.log(counts) - counts).mean()
    assert value("poisson", rates[:, None], counts[:, None]) == pytest.approx(deviance - offset, rel=1e-5)


def from_the_same_weights(make_peer, x, y):
    """A scikit-learn network after three epochs, and the weights that it started from."""
    start = make_peer(learning_rate_init=1e-300, max_iter=1).fit(x, y)
    end = make_peer(learning_rate_init=0.05, max_iter=3).fit(x, y)
    return [[w for pair in zip(peer.coefs_, peer.intercepts_, strict=True) for w in pair] for peer in (start, end)]


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("kind", ["regression", "binary", "classes"])
def test_training_against_scikit_learn(kind, solver):
    """Three epochs of full and short batches."""
    generator = rng(7)
    x, units = generator.normal(size=(50, 4)), {"regression": 2, "binary": 1, "classes": 3}[kind]
    if kind == "regression":  # two outputs: its half of the sum of squares is our mean
        y, loss, last = generator.normal(size=(50, units)), "mean_squared_error", "linear"
    elif kind == "binary":
        y, loss, last = generator.integers(0, 2, 50), "binary_crossentropy", "sigmoid"
    else:
        y, loss, last = generator.integers(0, units, 50), "sparse_categorical_crossentropy", "softmax"

    def make_peer(**settings):
        peer = MLPRegressor if kind == "regression" else MLPClassifier
        same = {"alpha": 0.0, "batch_size": 16, "shuffle": False, "random_state": 0, "epsilon": 1e-7}
        return peer(hidden_layer_sizes=(6, 5), activation="tanh", solver=solver, momentum=0.9, **same, **settings)

    weights, expected = from_the_same_weights(make_peer, x, y)
    network = [{"activation": "tanh"}, {"activation": "tanh"}, {"activation": last}]
    optimizer = oracle.Optimizer({"name": solver, "learning_rate": 0.05, "momentum": 0.9, "nesterov": True})
    for _ in range(3):
        weights, _ = oracle.train_epoch(network, weights, {"name": loss}, optimizer, x, y, 16)
    assert_close(weights, expected, 1e-9)


# What each optimizer does to a weight of 1 with a gradient of 0.5 at a rate of 0.1, worked out by hand.
FIRST_STEPS = [
    ({"name": "sgd"}, 0.95),
    ({"name": "sgd", "weight_decay": 0.5}, 0.90),
    ({"name": "sgd", "momentum": 0.9}, 0.95),
    ({"name": "sgd", "momentum": 0.9, "nesterov": True}, 1 - 0.1 * 0.5 * 1.9),
    ({"name": "rmsprop"}, 1 - 0.05 / math.sqrt(0.025 + 1e-7)),
    ({"name": "rmsprop", "centered": True}, 1 - 0.05 / math.sqrt(0.025 - 0.05**2 + 1e-7)),
    ({"name": "rmsprop", "momentum": 0.9}, 1 - 0.05 / math.sqrt(0.025 + 1e-7)),
    ({"name": "adagrad"}, 1 - 0.05 / math.sqrt(0.35 + 1e-7)),
    # Keras's epsilon stands beside sqrt(v) before v is corrected: sqrt(1 - 0.999) times smaller than the paper's.
    ({"name": "adam"}, 1 - 0.1 * 0.5 / (0.5 + 1e-7 / math.sqrt(0.001))),
    ({"name": "adam", "amsgrad": True}, 1 - 0.1 * 0.5 / (0.5 + 1e-7 / math.sqrt(0.001))),
    ({"name": "adamw"}, 1 - 0.0004 - 0.1 * 0.5 / (0.5 + 1e-7 / math.sqrt(0.001))),
]


@pytest.mark.parametrize(("settings", "expected"), FIRST_STEPS, ids=describe)
def test_first_step_of_optimizer(settings, expected):
    optimizer = oracle.Optimizer({"learning_rate": 0.1, **settings})
    (w,) = optimizer.apply([np.array([1.0])], [np.array([0.5])])
    assert w[0] == pytest.approx(expected, rel=1e-12)


# Where Keras 3.15 itself takes a weight of 1 in 25 steps at a rate of 0.1, the gradients being sin(1.3 step) + 0.2.
KERAS_AFTER_25_STEPS = [
    ({"name": "sgd"}, 0.42080),
    ({"name": "sgd", "momentum": 0.9}, -2.89922),
    ({"name": "sgd", "momentum": 0.9, "nesterov": True}, -3.08850),
    ({"name": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}, -2.88349),
    ({"name": "sgd", "nesterov": True}, 0.42080),
    ({"name": "rmsprop"}, -0.01135),
    ({"name": "rmsprop", "centered": True}, -0.10500),
    ({"name": "rmsprop", "momentum": 0.5}, -0.89202),
    (
        {"name": "rmsprop", "momentum": 0.5, "centered": True, "rho": 0.7, "weight_decay": 0.01, "epsilon": 0.001},
        -0.74116,
    ),
    ({"name": "adagrad"}, 0.73544),
    ({"name": "adagrad", "initial_accumulator_value": 0.3, "epsilon": 0.001, "weight_decay": 0.1}, 0.56001),
    ({"name": "adam"}, 0.12703),
    ({"name": "adam", "amsgrad": True}, 0.12704),
    ({"name": "adam", "beta_1": 0.5, "beta_2": 0.67, "epsilon": 0.001, "weight_decay": 0.1, "amsgrad": True}, 0.20207),
    ({"name": "adamw"}, 0.12204),
    ({"name": "nadam"}, 0.36197),
    ({"name": "nadam", "beta_1": 0.5, "beta_2": 0.67, "epsilon": 0.001, "weight_decay": 0.1}, 0.22005),
    ({"name": "adamax"}, 0.37809),
    ({"name": "adamax", "beta_1": 0.5, "beta_2": 0.67, "epsilon": 0.001, "weight_decay": 0.1}, 0.29849),
    ({"name": "adadelta"}, 0.99921),
    ({"name": "adadelta", "rho": 0.7, "epsilon": 0.001, "weight_decay": 0.1}, 0.74401),
    ({"name": "lion"}, 0.10000),
    ({"name": "lion", "beta_1": 0.5, "beta_2": 0.67, "weight_decay": 0.1}, 0.18193),
]


@pytest.mark.parametrize(("settings", "expected"), KERAS_AFTER_25_STEPS, ids=describe)
def test_optimizer_against_keras(settings, expected):
    optimizer, w = oracle.Optimizer({"learning_rate": 0.1, **settings}), [np.ones(1)]
    for step in range(1, 26):
        w = optimizer.apply(w, [np.array([math.sin(1.3 * step) + 0.2])])
    assert w[0][0] == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_optimizer_finds_the_bottom_of_a_parabola(name):
    settings = {"name": name, "learning_rate": 5.0 if name == "adadelta" else 0.05, "initial_accumulator_value": 0.0}
    optimizer, w = oracle.Optimizer(settings), [np.ones(1)]
    for _ in range(1500):
        w = optimizer.apply(w, [2 * w[0]])
    assert abs(w[0][0]) < 0.06  # RMSprop and Lion keep stepping by about their rate
