"""Activations as objects: called with data or settings, by name, written down and read back."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

import fastbp
import oracle
from bridge import make_activation
from fastbp import Dense, Input, Sequential, activations
from fastbp.activations.kinds import KINDS
from networks import FORMULAS, HIDDEN_ACTIVATIONS, describe

ROWS = [{"activation": name} for name in oracle.WHOLE_ROWS]
LAYERS = [{"activation": name} for name in HIDDEN_ACTIVATIONS] + FORMULAS + ROWS
Z = np.random.default_rng(0).normal(size=(9, 6)) * 3


@pytest.mark.parametrize("layer", LAYERS, ids=describe)
def test_of_data(layer):
    """An activation of an array, by settings of its own or in the call, is the layer's output."""
    settings = layer.get("settings", {})
    expected = oracle.activate(layer, Z)
    assert make_activation(layer)(Z) == pytest.approx(expected, abs=1e-12)
    by_name = getattr(activations, layer["activation"])
    assert by_name(Z, **settings) == pytest.approx(expected, abs=1e-12)
    assert by_name(Z.tolist(), **settings) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("layer", LAYERS, ids=describe)
def test_the_dtype_of_data_stays(layer):
    activation = make_activation(layer)
    assert activation(Z.astype(np.float32)).dtype == np.float32 and activation(Z).dtype == np.float64
    assert activation(np.arange(6).reshape(1, 6)).dtype == np.float64


@pytest.mark.parametrize("layer", LAYERS, ids=describe)
def test_among_the_ops(layer):
    name, settings = layer["activation"], layer.get("settings", {})
    if name in ("linear", "exponential", "gelu_tanh", "mish"):
        pytest.skip("Keras's ops do not have it")
    if name == "gelu":
        settings = {"approximate": False}
    assert getattr(fastbp.ops, name)(Z, **settings) == pytest.approx(oracle.activate(layer, Z), abs=1e-12)
    assert name in fastbp.ops.__all__


def test_settings_by_position():
    settings = {"negative_slope": 0.1, "max_value": 4.0, "threshold": 0.7}
    assert np.array_equal(activations.relu(Z, *settings.values()), activations.relu(Z, **settings))
    assert np.array_equal(activations.relu(x=Z, **settings), activations.relu(Z, **settings))
    assert np.array_equal(activations.threshold(Z, 0.3, -1.2), oracle.FORMULAS["threshold"][0](Z, 0.3, -1.2))


def test_numbers():
    assert activations.relu(-1.0) == 0 and activations.sigmoid(0.0) == 0.5 and activations.celu(0.5) == 0.5
    assert activations.leaky_relu(0.1) == activations.leaky_relu(negative_slope=0.1)
    assert activations.elu(np.float64(0.5)) == activations.elu(alpha=0.5)
    assert activations.gelu(True) == activations.gelu(approximate=True)
    assert activations.relu() == activations.relu


def test_other_axes():
    for name in ("softmax", "log_softmax", "sparsemax"):
        activation = getattr(activations, name)
        assert activation(Z, axis=0) == pytest.approx(activation(Z.T).T)
        assert activation(Z.reshape(3, 3, 6), axis=1) == pytest.approx(
            np.stack([activation(z.T).T for z in Z.reshape(3, 3, 6)])
        )
    assert activations.glu(Z.T, axis=0) == pytest.approx(activations.glu(Z).T)


def test_a_custom_activation_of_data():
    assert activations.custom(lambda z: np.exp(-(z**2)))(np.array([0.0, 2.0])) == pytest.approx([1.0, np.exp(-4.0)])


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if layer["activation"] != "sparsemax"], ids=describe)
def test_in_a_formula(layer):
    """Called on a formula's nodes an activation is part of it: in a loss, with its derivative."""
    if layer["activation"] == "glu":
        loss = lambda y_true, y_pred: np.mean((y_true - activations.glu(y_pred)) ** 2, axis=-1)  # noqa: E731
        y = Z[:, :2]
    else:
        activation = make_activation(layer)
        loss = lambda y_true, y_pred: np.mean((y_true - activation(y_pred)) ** 2, axis=-1)  # noqa: E731
        y = Z[:, :4]
    plain, within = (
        Sequential([Input((6,)), Dense(4, *last)], seed=1, dtype="float64") for last in ((), (make_activation(layer),))
    )
    within.set_weights(plain.get_weights())
    plain.compile("sgd", loss)
    within.compile("sgd", "mse")
    (a, first), (b, second) = plain.value_and_gradient(Z, y), within.value_and_gradient(Z, y)
    assert a == pytest.approx(b, rel=1e-12)
    for one, other in zip(first, second, strict=True):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-12)


def test_a_custom_activation_may_use_others():
    def twice(z):
        return 2 * activations.relu(z, max_value=1.0) + activations.celu(z, alpha=0.5)

    model = Sequential([Input((6,)), Dense(6, twice, use_bias=False)], dtype="float64")
    model.set_weights([np.eye(6)])
    expected = 2 * oracle.relu(Z, max_value=1.0) + oracle.FORMULAS["celu"][0](Z, 0.5)
    assert model.predict(Z) == pytest.approx(expected)


def test_whole_rows_in_a_formula_of_one_unit():
    with pytest.raises(fastbp.TraceError, match="(?s)softmax in a formula needs whole rows.*activation='softmax'"):
        Dense(3, lambda z: activations.softmax(z))


# ------------------------------------------------------------------------------------------------- names and settings


@pytest.mark.parametrize("name", [name for name in activations._NAMES if name != "threshold"])
def test_every_name(name):
    activation = activations.get(name)
    assert activation is getattr(activations, name) is activations.get(name.upper()) is activations.get(activation)
    assert activation.__name__ == activation.name and name in activations.__all__
    assert activations.serialize(name) == activation.name and activations.deserialize(activation.name) == activation


@pytest.mark.parametrize("layer", LAYERS, ids=describe)
def test_written_down_and_read_back(layer):
    activation = make_activation(layer)
    written = activations.serialize(activation)
    assert activations.get(written) == activations.deserialize(written) == activation
    assert pickle.loads(pickle.dumps(activation)) == activation
    assert hash(activations.get(written)) == hash(activation)
    settings = layer.get("settings")
    assert written == ({"class_name": activation.name, "config": settings} if settings else activation.name)
    assert repr(activation).startswith(f"Activation({activation.name!r}")


def test_written_down_by_keras():
    config = {"module": "builtins", "class_name": "function", "config": "mish", "registered_name": "function"}
    assert activations.get(config) is activations.mish


def bump(z):
    return fastbp.exp(-(z**2))


def test_a_custom_one_is_written_down_by_name():
    assert activations.serialize(bump) == "bump"
    assert activations.deserialize("bump", {"bump": bump}).function is bump
    with pytest.raises(ValueError, match="activation must be one of .*'bump'"):
        activations.deserialize("bump")
    with pytest.raises(TypeError, match="cannot be written down.*needs a name"):
        activations.serialize(lambda z: z * z)


def test_your_own_by_name_and_within_a_layer():
    with fastbp.utils.custom_object_scope({"bump": bump}):
        assert activations.get("bump").function is bump and Dense(3, "bump").activation.function is bump
    layer = Dense(4, activations.celu(alpha=0.5))
    config = layer.get_config()
    assert config["activation"] == {"class_name": "celu", "config": {"alpha": 0.5}}
    assert json.loads(json.dumps(config)) == config and Dense.from_config(config).activation == layer.activation
    assert Dense(4, "relu").get_config()["activation"] == "relu"
    written = fastbp.utils.serialize_keras_object(activations.celu(alpha=0.5))
    assert fastbp.utils.deserialize_keras_object(written) == activations.get(written) == layer.activation


def test_of_a_tensor_without_numbers():
    """As in a functional model: the activation is a layer of its own."""
    tensor = Input((6,))
    hidden = activations.relu(Dense(5)(tensor), max_value=1.0)
    model = fastbp.models.Model(tensor, Dense(2)(activations.celu(hidden, 0.5)))
    names = [type(layer).__name__ for layer in model.layers]
    assert [name for name in names if name != "InputLayer"] == ["Dense", "Activation", "Activation", "Dense"]
    kernel, bias, last, shift = model.get_weights()
    within = oracle.FORMULAS["celu"][0](oracle.relu(Z @ kernel + bias, max_value=1.0), 0.5)
    assert model.predict(Z) == pytest.approx(within @ last + shift, abs=1e-5)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: activations.relu(max_value=-1), ValueError, "max_value must be a finite number of at least 0, got -1"),
        (lambda: activations.relu(negative_slope="x"), TypeError, "negative_slope must be a finite number.*'x'"),
        (lambda: activations.celu(alpha=0), ValueError, "alpha must be a finite number above 0, got 0"),
        (lambda: activations.squareplus(b=0.0), ValueError, "b must be a finite number above 0"),
        (lambda: activations.soft_shrink(threshold=-1), ValueError, "threshold must be .* at least 0, got -1"),
        (lambda: activations.gelu(approximate=1), TypeError, "approximate must be True or False, got 1"),
        (lambda: activations.softmax(axis=0), ValueError, "axis must be -1 in a layer.*got 0"),
        (lambda: activations.relu(alpha=1.0), TypeError, "relu takes the settings negative_slope, max_value, .*'alpha'"),
        (lambda: activations.tanh(alpha=1.0), TypeError, "tanh takes no settings, got 'alpha'"),
        (lambda: activations.tanh(Z, 1.0), TypeError, "tanh takes no settings, got 1.0"),
        (lambda: activations.elu(0.5, 1.0), TypeError, "elu takes the settings alpha, got 1.0"),
        (lambda: activations.relu("abc"), TypeError, "x must be an array of real numbers, got 'abc'"),
        (lambda: activations.threshold(Z), TypeError, "threshold needs threshold="),
        (lambda: activations.threshold(threshold=1.0)(Z), TypeError, "threshold needs default_value="),
        (lambda: Dense(3, "threshold"), TypeError, "activation 'threshold' needs threshold=, as in activations.threshold"),
        (lambda: Dense(3, activations.threshold(threshold=1.0)), TypeError, "needs default_value="),
        (lambda: Dense(3, "glu"), ValueError, "glu takes pairs of units, so their number must be even, got 3"),
        (lambda: activations.glu(np.zeros((2, 3))), ValueError, "glu takes pairs of units.*got 3"),
        (lambda: activations.get("mihs"), ValueError, "'mihs'. Did you mean 'mish'"),
        (lambda: activations.get({"class_name": "mihs"}), ValueError, "'mihs'. Did you mean 'mish'"),
    ],
)
def test_what_is_refused(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_names_and_settings_of_keras():
    keras_names = KINDS.keys() - {"gelu_tanh"}
    assert len(keras_names) == 30
    assert {name: dict(activations._NAMES[name].settings) for name in ("celu", "squareplus", "relu")} == {
        "celu": {"alpha": 1.0},
        "squareplus": {"b": 4.0},
        "relu": {"negative_slope": 0.0, "max_value": None, "threshold": 0.0},
    }


def test_no_graph_is_imported_until_it_is_needed():
    code = (
        "import sys, fastbp; fastbp.activations.celu(alpha=0.5); fastbp.layers.ReLU(6); fastbp.activations.get('mish');"
        "assert not any(name.startswith('fastbp.graph') for name in sys.modules) and 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
