"""Every loss and its gradient as the engine computes them: against the oracle and by central differences."""

import numpy as np
import pytest

import oracle
from bridge import LOSSES, make_activation, make_loss
from fastbp import layers, losses, optimizers
from fastbp.engine.engine import Engine
from fastbp.layers.stages import stages_of
from gradcheck import central_differences, relative_error
from networks import PAIRINGS, describe, random_targets

DTYPES = ["float64", "float32"]
CODES = {name: code for code, name in enumerate(LOSSES)}


def engine_of(loss, last, units, dtype="float64"):
    """One layer that passes its input to the activation as it is: the gradient of its bias is the loss's."""
    engine = Engine(stages_of([layers.Dense(units, activation=make_activation({"activation": last}))], units), dtype)
    engine.configure(optimizers.SGD(), make_loss(loss))
    engine.set_weights([np.eye(units, dtype=dtype), np.zeros(units, dtype)])
    return engine


def expected_gradient(loss, last, z, y):
    """Loss and dL/dz by the oracle, z being the pre-activation of a single layer."""
    network = [{"activation": last, "use_bias": False}]
    output, tape = oracle.forward(network, [np.eye(z.shape[1])], z)
    if oracle.is_fused(network, loss):
        return oracle.loss_value_and_gradient(loss, z, y, logits=True)
    value, dp = oracle.loss_value_and_gradient(loss, output, y)
    return value, oracle.through_activation(network[0], z, dp)


@pytest.mark.parametrize(("loss", "last"), PAIRINGS, ids=describe)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("units", [2, 16, 21])
def test_value_and_gradient(loss, last, dtype, units):
    generator = np.random.default_rng(0)
    z = (generator.normal(size=(12, units)) * 2).astype(dtype)
    y = random_targets(loss, 12, units, generator)
    y = y if y.dtype == np.int64 else y.astype(dtype)
    engine, allowed = engine_of(loss, last, units, dtype), 1e-12 if dtype == "float64" else 2e-5
    floor = 0.1 / units  # p - t may cancel down to the rounding of p
    for i in range(len(z)):
        value, gradient = expected_gradient(loss, last, z[i : i + 1].astype(np.float64), y[i : i + 1])
        actual, actual_gradients = engine.value_and_gradient(z[i : i + 1].copy(), y[i : i + 1].copy())
        assert actual == pytest.approx(value, rel=allowed, abs=allowed)
        assert relative_error(actual_gradients[1], gradient, floor) < allowed
    value, gradient = expected_gradient(loss, last, z.astype(np.float64), y)
    actual, actual_gradients = engine.value_and_gradient(z, y)
    assert actual == pytest.approx(value, rel=allowed, abs=allowed)
    assert relative_error(actual_gradients[1], gradient.sum(axis=0), floor) < allowed
    assert engine.evaluate(z, y).loss == pytest.approx(value, rel=allowed, abs=allowed)


@pytest.mark.parametrize(("loss", "last"), PAIRINGS, ids=describe)
def test_gradient_by_central_differences(loss, last):
    generator = np.random.default_rng(1)
    z, y = generator.normal(size=(1, 5)), random_targets(loss, 1, 5, generator)
    engine = engine_of(loss, last, 5)
    (expected,) = central_differences(lambda z: engine.value_and_gradient(z, y)[0], [z])
    assert relative_error(engine.value_and_gradient(z, y)[1][1], expected) < 1e-6


def test_a_wrong_gradient_is_noticed():
    """The negative case: the gradient of another loss must not pass for this one's."""
    generator = np.random.default_rng(2)
    z, y = generator.normal(size=(1, 5)), generator.normal(size=(1, 5))
    engine, other = (engine_of({"name": name}, "linear", 5) for name in ("mean_squared_error", "log_cosh"))
    (expected,) = central_differences(lambda z: engine.value_and_gradient(z, y)[0], [z])
    assert relative_error(other.value_and_gradient(z, y)[1][1], expected) > 1e-2


# ------------------------------------------------------------------------------------------------------- stability


STABLE = [
    ({"name": "binary_crossentropy"}, "sigmoid"),
    ({"name": "binary_crossentropy", "from_logits": True}, "linear"),
    ({"name": "binary_crossentropy", "label_smoothing": 0.1}, "sigmoid"),
    ({"name": "categorical_crossentropy"}, "softmax"),
    ({"name": "categorical_crossentropy", "from_logits": True}, "linear"),
    ({"name": "categorical_crossentropy", "label_smoothing": 0.1}, "softmax"),
    ({"name": "sparse_categorical_crossentropy"}, "softmax"),
    ({"name": "sparse_categorical_crossentropy", "from_logits": True}, "linear"),
]


@pytest.mark.parametrize(("loss", "last"), STABLE, ids=describe)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("units", [3, 17])
def test_huge_logits(loss, last, dtype, units):
    """Right or wrong by 1e4, the loss is the distance and the gradient does not vanish or overflow."""
    z = np.full((units, units), -1e4, dtype)
    np.fill_diagonal(z, 1e4)
    for shift in (0, 1):  # the logits favour the right class, then the next one
        labels = (np.arange(units) + shift) % units
        y = labels if loss["name"].startswith("sparse") else np.eye(units, dtype=dtype)[labels]
        value, gradient = expected_gradient(loss, last, z.astype(np.float64), y)
        actual, actual_gradients = engine_of(loss, last, units, dtype).value_and_gradient(z, y)
        assert np.isfinite(actual) and actual == pytest.approx(value, rel=1e-6, abs=1e-6)
        # dW = z.T @ dz shows every element of dz, since z is regular.
        assert relative_error(actual_gradients[0], z.T.astype(np.float64) @ gradient, floor=1.0) < 1e-5
        assert relative_error(actual_gradients[1], gradient.sum(axis=0), floor=1e-2) < 1e-5


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["mean_absolute_error", "huber", "log_cosh"])
def test_huge_errors(name, dtype):
    z, y = np.array([[1e4, -1e4, 0.0]], dtype), np.array([[-1e4, 1e4, 0.0]], dtype)
    value, gradient = expected_gradient({"name": name}, "linear", z.astype(np.float64), y)
    actual, actual_gradients = engine_of({"name": name}, "linear", 3, dtype).value_and_gradient(z, y)
    assert actual == pytest.approx(value, rel=1e-6)
    assert actual_gradients[1] == pytest.approx(gradient[0], rel=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_certain_probabilities_are_clipped(dtype):
    """Given probabilities of 0 and 1 cost what Keras's epsilon of 1e-7 says, and never infinity."""
    z, wrong = np.array([[0.0, 1.0]], dtype), np.array([[1.0, 0.0]], dtype)
    binary = engine_of({"name": "binary_crossentropy"}, "linear", 2, dtype).value_and_gradient(z, wrong)[0]
    assert binary == pytest.approx(-np.log(1e-7), rel=1e-6 if dtype == "float64" else 2e-2)
    many = engine_of({"name": "categorical_crossentropy"}, "linear", 2, dtype).value_and_gradient(z, wrong)[0]
    assert many == pytest.approx(-np.log(1e-7), rel=1e-6)
    label = engine_of({"name": "sparse_categorical_crossentropy"}, "linear", 2, dtype)
    assert label.value_and_gradient(z, np.array([0]))[0] == pytest.approx(-np.log(1e-7), rel=1e-6)


def test_probabilities_that_do_not_sum_to_one_are_divided_by_their_sum():
    z, y = np.array([[1.0, 3.0, 4.0]]), np.array([[0.0, 1.0, 0.0]])
    dense = engine_of({"name": "categorical_crossentropy"}, "linear", 3).value_and_gradient(z, y)[0]
    sparse = engine_of({"name": "sparse_categorical_crossentropy"}, "linear", 3).value_and_gradient(z, np.array([1]))[0]
    assert dense == pytest.approx(-np.log(3 / 8)) and sparse == pytest.approx(dense)


def test_logits_are_taken_at_their_word():
    """from_logits with a sigmoid as last activation: its outputs are the logits, as in Keras."""
    z, y = np.array([[0.3, -2.0]]), np.array([[1.0, 0.0]])
    loss = {"name": "binary_crossentropy", "from_logits": True}
    p = oracle.sigmoid(z)
    value = engine_of(loss, "sigmoid", 2).value_and_gradient(z, y)[0]
    assert value == pytest.approx((oracle.softplus(p) - y * p).mean())


def test_label_smoothing_moves_the_targets():
    z, y = np.array([[0.5, -1.0, 2.0]]), np.array([[0.0, 0.0, 1.0]])
    smoothed = engine_of({"name": "categorical_crossentropy", "label_smoothing": 0.3}, "softmax", 3)
    plain = engine_of({"name": "categorical_crossentropy"}, "softmax", 3)
    by_hand = np.array([[0.1, 0.1, 0.8]])
    assert smoothed.value_and_gradient(z, y)[0] == pytest.approx(plain.value_and_gradient(z, by_hand)[0])


@pytest.mark.parametrize(("from_logits", "last"), [(False, "softmax"), (True, "linear"), (False, "sigmoid")])
def test_targets_that_are_no_distribution(from_logits, last):
    """Soft targets, and rows that weigh more or less than 1, as when samples are weighted by their targets."""
    generator, loss = np.random.default_rng(3), {"name": "categorical_crossentropy", "from_logits": from_logits}
    z, y = generator.normal(size=(1, 5)), generator.uniform(0, 2, (1, 5))
    value, gradient = expected_gradient(loss, last, z, y)
    actual, actual_gradients = engine_of(loss, last, 5).value_and_gradient(z, y)
    assert actual == pytest.approx(value) and relative_error(actual_gradients[1], gradient) < 1e-12


def test_predictions_are_probabilities():
    """Fusing the loss with the last activation must not leak logits into predictions."""
    z, y = np.array([[0.5, -1.0, 2.0]]), np.array([[0.0, 0.0, 1.0]])
    for name, last, expected in [
        ("binary_crossentropy", "sigmoid", oracle.sigmoid(z)),
        ("categorical_crossentropy", "softmax", oracle.softmax(z)),
    ]:
        engine = engine_of({"name": name}, last, 3)
        assert engine.forward(z) == pytest.approx(expected)
        statistics = engine.evaluate(z, y, statistics=1).statistics
        assert statistics.squared_error.numbers() == pytest.approx(((expected - y) ** 2)[0])
        engine.forward(z, keep=True)  # and so does the lower level: the gradient it takes is that of the probabilities
        dz, _ = engine.backward(np.array([[1.0, 0.0, 0.0]]))
        slopes = oracle.through_activation({"activation": last}, z, np.array([[1.0, 0.0, 0.0]]))
        assert dz == pytest.approx(slopes)


# ---------------------------------------------------------------------------------------------------- descriptions


def test_codes_parameters_and_names():
    for name, code in CODES.items():
        loss = losses.get(name)
        assert loss.name.startswith(name) and loss.code == code  # Keras: "huber_loss"
        assert isinstance(loss, LOSSES[name])
        assert losses.get(LOSSES[name].__name__) == loss
    assert losses.Huber(delta=0.5).parameter == 0.5 and losses.get("huber").parameter == 1.0
    assert losses.BinaryCrossentropy(label_smoothing=0.1).parameter == 0.1
    assert losses.CategoricalCrossentropy(from_logits=True).from_logits
    assert not losses.MeanSquaredError().from_logits
    assert [losses.get(name).sparse for name in CODES] == [False] * 7 + [True]


@pytest.mark.parametrize(("alias", "name"), [("mse", "mean_squared_error"), ("mae", "mean_absolute_error")])
def test_short_names(alias, name):
    assert losses.get(alias).name == name


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(ValueError, match="hubber.*huber"):
        losses.get("hubber")
