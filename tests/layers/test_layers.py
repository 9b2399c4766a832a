"""Descriptions of layers, and how a model is put together from them."""

import pickle

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Input, Sequential, activations


def small(**settings):
    return Sequential([Input((3,)), Dense(4, "tanh"), Dense(2)], **settings)


def test_dense_holds_what_it_was_given():
    layer = Dense(8, "relu", use_bias=False, kernel_initializer="he_normal", name="first")
    assert (layer.units, layer.activation, layer.use_bias, layer.name) == (8, activations.relu, False, "first")
    assert type(Dense(np.int64(8)).units) is int and Dense(np.int64(8)).units == 8


@pytest.mark.parametrize("chosen", ["leaky_relu", activations.leaky_relu, activations.leaky_relu(0.2)])
def test_an_activation_by_name_function_or_object(chosen):
    chosen = Dense(1, chosen).activation
    assert (chosen.name, chosen.code, chosen.alpha) == ("leaky_relu", 2, 0.2)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"units": 0}, ValueError, "units must be an integer of at least 1, got 0"),
        ({"units": 2.0}, TypeError, "units must be an integer.*2.0"),
        ({"units": True}, TypeError, "units"),
        ({"units": "8"}, TypeError, "units.*'8'"),
        ({"units": 1, "activation": "rleu"}, ValueError, "activation.*'rleu'.*Did you mean 'relu'"),
        ({"units": 1, "activation": 0.5}, TypeError, "activation must be a name, a function.*0.5"),
        ({"units": 1, "use_bias": 1}, TypeError, "use_bias must be True or False, got 1"),
        ({"units": 1, "kernel_initializer": "glorot_unifrom"}, ValueError, "kernel_initializer.*'glorot_uniform'"),
        ({"units": 1, "bias_initializer": 0}, TypeError, "bias_initializer"),
        ({"units": 1, "name": 7}, TypeError, "name.*7"),
    ],
)
def test_bad_settings_of_a_layer(arguments, error, text):
    with pytest.raises(error, match=text):
        Dense(**arguments)


@pytest.mark.parametrize("factory", [activations.leaky_relu, activations.elu])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_bad_parameter_of_an_activation(factory, value):
    with pytest.raises(ValueError, match="at least 0"):
        factory(value)


def test_input():
    assert Input((17,)).shape == Input(17).shape == Input([17]).shape == Input(batch_shape=(None, 17)).shape == (None, 17)
    assert Input((28, 28)).units == 784
    with pytest.raises(ValueError, match="shape"):
        Input(())
    with pytest.raises(ValueError, match="shape.*at least 1.*0"):
        Input((0,))
    with pytest.raises(TypeError, match="shape"):
        Input((None,))


# ------------------------------------------------------------------------------------------------- putting together


def test_built_at_once_from_an_input():
    model = small()
    assert model.built and model.input_shape == (None, 3) and model.output_shape == (None, 2)
    assert [w.shape for w in model.get_weights()] == [(3, 4), (4,), (4, 2), (2,)]
    assert model.count_params() == 26


def test_built_by_build():
    for shape in (3, (3,), (None, 3), [None, 3]):
        model = Sequential([Dense(4)])
        assert not model.built and model.input_shape is None
        model.build(shape)
        assert model.built and model.count_params() == 16
        model.build(shape)  # once more is no harm
        with pytest.raises(ValueError, match="input_shape.*3.*got 5"):
            model.build(5)


@pytest.mark.parametrize("shape", [(3, 4), (None, 3, 4), (), (None,), 0])
def test_bad_shape_for_build(shape):
    with pytest.raises((ValueError, TypeError), match="input_shape"):
        Sequential([Dense(4)]).build(shape)


def test_first_data_tells_the_width():
    model = Sequential([Dense(4)])
    assert model.forward(np.ones((2, 5))).shape == (2, 4)
    assert model.input_shape == (None, 5)


def test_added_layers_leave_weights_alone():
    model = small(seed=1)
    before = model.get_weights()
    model.add(Dense(5))
    after = model.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(before, after[:4], strict=True))
    at_once = Sequential([Input((3,)), Dense(4, "tanh"), Dense(2), Dense(5)], seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(at_once.get_weights(), after, strict=True))


def test_layers_come_one_by_one():
    model = Sequential()
    for layer in (Input((3,)), Dense(4, "tanh"), Dense(2)):
        model.add(layer)
    assert [layer.get_config() for layer in model.layers] == [layer.get_config() for layer in small().layers]


@pytest.mark.parametrize(("name", "names"), [(None, ["dense", "dense_1"]), ("twin", ["twin", "twin_1"])])
def test_one_description_at_two_places(name, names):
    layer = Dense(3, name=name)
    model = Sequential([Input((3,)), layer, layer], seed=0)
    first, _, second, _ = model.get_weights()
    assert not np.array_equal(first, second)
    assert names_of(model) == names and layer.name == (name or "dense")
    for use in (layer.get_weights, lambda: layer.kernel, lambda: setattr(layer, "trainable", False)):
        with pytest.raises(ValueError, match="stands at several places of 'sequential'.*model.layers"):
            use()
    assert np.array_equal(model.layers[1].get_weights()[0], second)
    assert not np.array_equal(Sequential([Input((3,)), layer]).get_weights()[0], first)  # a description, nothing more


# ---------------------------------------------------------------------------------------------------------- names


def names_of(model):
    """The names of the layers, which must be those that the summary prints."""
    lines = []
    model.summary(print_fn=lines.append)
    names = [layer.name for layer in model.layers]
    assert [line.split(" (Dense)")[0] for line in lines if " (Dense)" in line] == names
    assert len(set(names)) == len(names)
    return names


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ([None], ["dense"]),
        ([None, None, None], ["dense", "dense_1", "dense_2"]),
        (["hidden", None, "out"], ["hidden", "dense", "out"]),
        (["dense", None], ["dense", "dense_1"]),
        (["dense_1", None, None], ["dense_1", "dense", "dense_2"]),
    ],
)
def test_every_layer_has_a_name_of_its_own(given, names):
    layers = [Dense(2, name=name) for name in given]
    model = Sequential(layers)
    assert names_of(model) == names
    assert [layer.name for layer in layers] == names and model.layers == layers
    assert names_of(pickle.loads(pickle.dumps(model))) == names
    model.add(Dense(2))
    assert names_of(model)[:-1] == names


@pytest.mark.parametrize("names", [["a", "a"], ["a", None, "a"], [None, "dense"], [None, None, "dense_1"]])
def test_a_name_given_twice_is_refused(names):
    with pytest.raises(ValueError, match=f"layers must have different names, got a second layer named '{names[-1]}'"):
        Sequential([Dense(2, name=name) for name in names])
    model = Sequential([Dense(2, name=name) for name in names[:-1]])
    with pytest.raises(ValueError, match="different names"):
        model.add(Dense(2, name=names[-1]))
    assert len(model.layers) == len(names) - 1


def test_layers_of_other_models():
    """A name that was given stays; one that a model made up stays unless it is taken."""
    one, other = Sequential([Dense(2), Dense(3, name="a")]), Sequential([Dense(4), Dense(5, name="b")])
    both = Sequential([*other.layers, *one.layers])
    assert names_of(both) == ["dense", "b", "dense_1", "a"]
    assert [layer.units for layer in both.layers] == [4, 5, 2, 3]
    assert names_of(one) == ["dense_1", "a"] and names_of(other) == ["dense", "b"]
    twice = Sequential([*one.layers, *one.layers])
    assert names_of(twice) == ["dense_1", "a", "dense", "a_1"]


@pytest.mark.parametrize(
    ("layers", "error", "text"),
    [
        ([Dense(2), Input((3,))], ValueError, "Input at most once, as the first"),
        ([Input((3,)), Input((3,))], ValueError, "Input at most once"),
        ([Input((28, 28)), Dense(2)], ValueError, r"Flatten before what takes rows.*\(28, 28\)"),
        ([2], TypeError, "layers must be layers of fastbp.layers.*2"),
        (["relu"], TypeError, "layers"),
        (Dense(2), TypeError, "layers must be a list"),
    ],
)
def test_layers_that_make_no_model(layers, error, text):
    with pytest.raises(error, match=text):
        Sequential(layers)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"seed": -1}, "seed.*-1"),
        ({"seed": 1.5}, "seed.*1.5"),
        ({"dtype": "float16"}, "dtype must be 'float32' or 'float64', got 'float16'"),
        ({"dtype": "flaot32"}, "dtype"),
        ({"name": 1}, "name"),
    ],
)
def test_bad_settings_of_a_model(settings, text):
    with pytest.raises((ValueError, TypeError), match=text):
        Sequential(**settings)


def test_without_layers():
    model = Sequential()
    with pytest.raises(ValueError, match="at least one Dense"):
        model.forward([[1.0]])
    with pytest.raises(ValueError, match="at least one Dense"):
        model.build(3)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="at least one Dense"):
        model.fit([[1.0]], [1.0])


# -------------------------------------------------------------------------------------------------------- weights


def test_weights_are_copies():
    model = small(seed=0)
    weights = model.get_weights()
    weights[0][:] = 7
    assert not np.array_equal(model.get_weights()[0], weights[0])
    model.set_weights(weights)
    weights[1][:] = 7
    assert (model.get_weights()[0] == 7).all() and not (model.get_weights()[1] == 7).any()


@pytest.mark.parametrize("dtype", ["float32", "float64", np.float32, np.dtype("float64")])
def test_dtype(dtype):
    model = small(dtype=dtype)
    assert model.dtype == np.dtype(dtype).name
    assert {w.dtype for w in model.get_weights()} == {np.dtype(dtype)} == {model.predict(np.ones((2, 3))).dtype}


def test_seed_decides_the_weights():
    one, same, other = small(seed=5), small(seed=5), small(seed=6)
    assert all(np.array_equal(a, b) for a, b in zip(one.get_weights(), same.get_weights(), strict=True))
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])
    assert not np.array_equal(small().get_weights()[0], small().get_weights()[0])


@pytest.mark.parametrize(
    ("weights", "error", "text"),
    [
        ([np.zeros((3, 4))], ValueError, "weights must be a list of 4 arrays, got 1"),
        (np.zeros((4, 4)), TypeError, "weights must be a list of 4 arrays"),
        (None, TypeError, "weights must be a list of 4 arrays"),
        ([np.zeros((4, 3)), np.zeros(4), np.zeros((4, 2)), np.zeros(2)], ValueError, r"weights\[0\].*\(3, 4\).*\(4, 3\)"),
        ([np.zeros((3, 4)), ["a"] * 4, np.zeros((4, 2)), np.zeros(2)], TypeError, r"weights\[1\].*numbers"),
    ],
)
def test_bad_weights(weights, error, text):
    model = small(seed=0)
    before = model.get_weights()
    with pytest.raises(error, match=text):
        model.set_weights(weights)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_an_initializer_of_the_wrong_shape():
    model = Sequential([Input((3,)), Dense(2, kernel_initializer=lambda shape, rng, dtype: np.zeros((2, 2)))])
    with pytest.raises(ValueError, match=r"kernel_initializer.*\(3, 2\).*\(2, 2\)"):
        model.get_weights()


@pytest.mark.parametrize("call", ["get_weights", "count_params"])
def test_weights_before_build(call):
    with pytest.raises(ValueError, match=f"{call} needs a built model"):
        getattr(Sequential([Dense(2)]), call)()


# -------------------------------------------------------------------------------------------------------- display


def test_summary(capsys):
    model = Sequential([Input((17,)), Dense(64, "tanh", name="hidden"), Dense(6, use_bias=False)], name="control")
    model.summary()
    text = capsys.readouterr().out
    assert 'Model: "control"' in text and "hidden (Dense)" in text and "(None, 64)" in text
    assert "1,152" in text and "384" in text and "Total params: 1,536 (6.00 KB)" in text
    lines = []
    model.summary(print_fn=lines.append)
    assert "\n".join(lines) + "\n" == text


def test_summary_before_build(capsys):
    Sequential([Dense(64), Dense(2)]).summary()
    text = capsys.readouterr().out
    assert "not built" in text and text.count("?") == 3


def test_repr():
    assert repr(small()) == "<Sequential 'sequential': 3-4-2, float32>"
    assert "?-2" in repr(Sequential([Dense(2)]))


def test_names_of_keras():
    assert fastbp.layers.Dense is fastbp.Dense and fastbp.layers.Input is fastbp.Input
    assert fastbp.models.Sequential is fastbp.Sequential and issubclass(fastbp.Sequential, fastbp.models.Model)
    assert fastbp.optimizers.Adam is fastbp.Adam
    assert fastbp.losses.MeanSquaredError().name == "mean_squared_error"
