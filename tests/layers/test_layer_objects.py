"""The layers that a model holds: their names, their weights as arrays and as objects, what they refuse."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

from fastbp import Dense, Input, Sequential, layers

KINDS = {
    "dense": lambda **settings: Dense(3, "tanh", **settings),
    "activation": lambda **settings: layers.Activation("tanh", **settings),
    "flatten": lambda **settings: layers.Flatten(**settings),
    "reshape": lambda **settings: layers.Reshape((4,), **settings),
    "rescaling": lambda **settings: layers.Rescaling(0.5, 1.0, **settings),
    "identity": lambda **settings: layers.Identity(**settings),
}


def held(layer=None, **settings):
    layer = layer or Dense(2)
    return layer, Sequential([Input((3,)), layer, Dense(1)], seed=0, **settings)


def same(one, other):
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


# ------------------------------------------------------------------------------------------------- what all kinds take


@pytest.mark.parametrize("kind", KINDS)
def test_the_arguments_of_all_kinds(kind):
    layer = KINDS[kind](name="mine", trainable=False, dtype="float32", input_shape=(4,))
    assert (layer.name, layer.trainable, layer.dtype) == ("mine", False, "float32")
    assert Sequential([layer]).input_shape == (None, 4)
    assert Sequential([KINDS[kind](input_dim=4)]).input_shape == (None, 4)
    assert Sequential([KINDS[kind](batch_input_shape=(None, 4))]).input_shape == (None, 4)
    assert KINDS[kind]().name == kind == Sequential([KINDS[kind]()]).layers[0].name
    with pytest.raises(TypeError, match="has no argument 'input_dims'. Did you mean 'input_dim'"):
        KINDS[kind](input_dims=4)


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"input_shape": (0,)}, ValueError, "input_shape.*at least 1.*0"),
        ({"input_shape": (None, 3)}, TypeError, r"input_shape.*\(None, 3\)"),
        ({"input_shape": ()}, ValueError, "input_shape"),
        ({"input_dim": 2.5}, TypeError, "input_dim.*2.5"),
        ({"batch_input_shape": (3,)}, ValueError, r"batch_input_shape must be \(None, features\), got \(3,\)"),
        ({"dtype": "float16"}, ValueError, "dtype must be 'float32' or 'float64', got 'float16'"),
        ({"trainable": 1}, TypeError, "trainable must be True or False, got 1"),
        ({"kernel_regularizer": "l3"}, ValueError, "kernel_regularizer must be one of 'l1', 'l1_l2', 'l2', got 'l3'"),
        (
            {"kernel_regularizer": abs},
            NotImplementedError,
            "kernel_regularizer must be None.*got <built-in.*not compiled",
        ),
        (
            {"activity_regularizer": 0.1},
            TypeError,
            "activity_regularizer must be None.*or an object.*got 0.1",
        ),
        ({"kernel_constraint": object()}, TypeError, "kernel_constraint must be None, 'max_norm'.*got <object"),
        ({"bias_constraint": lambda w: w}, NotImplementedError, "bias_constraint must be None, .*lambda.*not compiled"),
        ({"lora_rank": 4}, NotImplementedError, "lora_rank.*later version"),
    ],
)
def test_bad_arguments_of_all_kinds(settings, error, text):
    with pytest.raises(error, match=text):
        Dense(3, **settings)


def test_harmless_arguments_of_keras():
    Dense(
        3,
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
    )


def test_an_input_shape_matters_for_the_first_layer_alone():
    model = Sequential([Dense(4, input_shape=(3,)), Dense(2, input_dim=99)])
    assert model.count_params() == 4 * 4 + 5 * 2
    assert Sequential([Input((3,)), Dense(4, input_dim=5)]).input_shape == (None, 3)


def test_a_layer_that_computes_by_itself_is_refused():
    class Mine(layers.Layer):
        def call(self, x):
            return x

    with pytest.raises(NotImplementedError, match="Mine cannot be compiled: layers with a call of their own come in a later"):
        Mine()


def test_settings_are_fixed():
    layer = Dense(3, "tanh")
    with pytest.raises(AttributeError, match="units of <Dense name=dense, units=3.*cannot be changed, got 4: make a new layer"):
        layer.units = 4


def test_a_dtype_of_its_own_must_be_that_of_the_model():
    assert Sequential([Input((3,)), Dense(2, dtype="float64")], dtype="float64").dtype == "float64"
    with pytest.raises(ValueError, match="layers must have the dtype of the model, float32, got 'float64'"):
        Sequential([Dense(2, dtype="float64")])


# ------------------------------------------------------------------------------------------------------------ weights


def test_the_layer_that_was_given_is_the_one_that_the_model_holds():
    layer, model = held()
    assert model.layers[0] is layer and layer.built
    assert same(model.get_weights()[:2], layer.get_weights())
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 3)), np.ones(8), verbose=0)
    assert same(model.get_weights()[:2], layer.get_weights())
    layer.set_weights([np.ones((3, 2)), np.zeros(2)])
    assert same(model.get_weights()[:2], [np.ones((3, 2)), np.zeros(2)])
    assert layer.count_params() == 8 and layer.dtype == "float32"


def test_reading_a_layer_first_draws_what_the_model_would():
    layer, model = held()
    read = layer.get_weights()
    assert same(read, held()[1].get_weights()[:2]) and same(model.get_weights()[:2], read)


def test_weights_are_objects_that_read_and_write():
    layer, model = held()
    assert [(w.name, w.path, w.shape) for w in model.weights] == [
        ("kernel", "dense/kernel", (3, 2)),
        ("bias", "dense/bias", (2,)),
        ("kernel", "dense_1/kernel", (2, 1)),
        ("bias", "dense_1/bias", (1,)),
    ]
    kernel, expected = layer.kernel, model.get_weights()[0]
    for read in (kernel.numpy(), kernel.value, np.asarray(kernel), np.array(kernel), kernel[:], kernel + 0, 0 + kernel):
        assert np.array_equal(read, expected) and read.dtype == "float32"
    assert np.linalg.norm(kernel) == np.linalg.norm(expected) and np.allclose(kernel, expected)
    assert (kernel.ndim, kernel.size, kernel.dtype, len(kernel)) == (2, 6, "float32", 3)
    kernel.assign(np.ones((3, 2)))
    layer.bias.assign(7)
    layer.bias.assign_add([1, 2])
    layer.bias.assign_sub([1, 1])
    assert same(model.get_weights()[:2], [np.ones((3, 2)), np.array([7, 8])])
    kernel.numpy()[:] = 5
    assert (layer.get_weights()[0] == 1).all()
    with pytest.raises(ValueError, match=r"weights\[0\] must have shape \(3, 2\), got \(2, 3\)"):
        kernel.assign(np.ones((2, 3)))


def test_weights_of_a_layer_without():
    for layer in (layers.Flatten(), layers.Activation("tanh"), Dense(2, use_bias=False)):
        model = Sequential([Input((3,)), layer, Dense(1)])
        model.compile("sgd", "mse")
        assert len(layer.get_weights()) == len(layer.weights) == hasattr(layer, "kernel")
    assert Dense(2, use_bias=False).bias is None
    layers.Flatten().set_weights([])


def test_weights_before_the_input_is_known():
    layer = Dense(2)
    assert layer.weights == layer.get_weights() == [] and not layer.built
    with pytest.raises(AttributeError, match="has no kernel before its input is known"):
        _ = layer.kernel
    with pytest.raises(ValueError, match="'dense' has no weights yet"):
        layer.set_weights([np.ones((3, 2)), np.ones(2)])
    with pytest.raises(ValueError, match="count_params needs a layer whose input is known"):
        layer.count_params()


@pytest.mark.parametrize("shape", [3, (3,), (None, 3), [None, 3], (32, 3)])
def test_a_layer_built_alone_brings_its_weights(shape):
    layer = Dense(2)
    layer.build(shape)
    weights = layer.get_weights()
    model = Sequential([Input((3,)), layer])
    assert same(model.get_weights(), weights)
    other = Dense(2)
    other.build(5)
    with pytest.raises(ValueError, match=r"layer 'dense' has weights for samples of shape \(5,\), got \(3,\)"):
        Sequential([Input((3,)), other])
    with pytest.raises(ValueError, match="layer 'dense' has weights for samples of shape"):
        other.build(4)


def test_backward_after_a_layer_has_new_weights():
    layer, model = held()
    model.forward(np.ones((2, 3)))
    layer.set_weights(layer.get_weights())
    with pytest.raises(ValueError, match="backward needs a forward"):
        model.backward(np.ones((2, 1)))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_a_copy_of_a_layer_has_weights_of_its_own(copied):
    layer, model = held()
    other = copied(layer)
    assert (
        same(other.get_weights(), layer.get_weights()) and other.name == layer.name and other.get_config() == layer.get_config()
    )
    other.set_weights([np.ones((3, 2)), np.ones(2)])
    assert not same(other.get_weights(), layer.get_weights()) and same(model.get_weights()[:2], layer.get_weights())


def test_a_layer_keeps_its_weights_when_the_model_is_gone():
    layer, model = held()
    weights = model.get_weights()[:2]
    gone = weakref.ref(model)
    gc.disable()  # nothing that has to be looked for holds it
    try:
        del model
        assert gone() is None
    finally:
        gc.enable()
    assert same(layer.get_weights(), weights)
    assert same(Sequential([Input((3,)), layer]).get_weights(), weights)


# ------------------------------------------------------------------------------------------------------- on data, tensors


def test_a_layer_called_on_data():
    layer, model = held(Dense(2, "tanh"))
    x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    kernel, bias = layer.get_weights()
    assert layer(x) == pytest.approx(np.tanh(x @ kernel + bias), abs=1e-6)
    h = x
    for each in model.layers:
        h = each(h)
    assert np.array_equal(h, model.predict(x))
    assert same(layer.get_weights(), [kernel, bias])
    assert (
        layers.Rescaling(2.0, 1.0)(np.arange(8).reshape(2, 2, 2)).tolist() == (np.arange(8).reshape(2, 2, 2) * 2 + 1).tolist()
    )
    assert layers.Flatten()(np.zeros((4, 2, 3))).shape == (4, 6) and layers.Reshape((3, 2))(np.zeros((4, 6))).shape == (4, 3, 2)
    assert layers.Activation("relu")([[-1.0, 2.0]]).tolist() == [[0.0, 2.0]]
    with pytest.raises(ValueError, match="has weights for samples of shape"):
        layer(np.ones((5, 4)))


def test_a_tensor_has_no_numbers():
    x = Input((3,))
    assert repr(x) == "<SymbolicTensor 'input_layer', shape (None, 3), float32>" and x.ndim == 2
    for use in (np.asarray, list, len, bool):
        with pytest.raises(TypeError, match="'input_layer'.* has no"):
            use(x)
    for use in (lambda: x + 1, lambda: np.ones(3) * x, lambda: -x, lambda: x @ x, lambda: x[:, :1]):
        with pytest.raises(TypeError, match="directed graphs of layers come later"):
            use()
    with pytest.raises(ValueError, match="must be one tensor, got list of 2: directed graphs of layers come later"):
        Dense(3)([x, x])
    with pytest.raises(TypeError, match="has no numbers"):
        held()[1].predict(x)


# ------------------------------------------------------------------------------------------------------------- shapes


@pytest.mark.parametrize(
    ("stack", "shape", "output"),
    [
        (lambda: [layers.Rescaling(1 / 255), layers.Flatten(), Dense(2)], (4, 3), (None, 2)),
        (lambda: [layers.Activation("relu"), layers.Reshape((-1,)), Dense(2)], (4, 3), (None, 2)),
        (lambda: [layers.Reshape((2, 6)), layers.Identity(), layers.Reshape((12,)), Dense(2)], (4, 3), (None, 2)),
        (lambda: [layers.Reshape((3, 4)), layers.Flatten(), Dense(2)], (12,), (None, 2)),
    ],
)
def test_samples_of_several_axes_until_there_are_rows(stack, shape, output):
    model, bare = Sequential([Input(shape), *stack()], seed=0), Sequential(stack(), seed=0)
    x = np.random.default_rng(0).integers(0, 255, size=(5, *shape))
    assert model.input_shape == (None, *shape) and model.output_shape == output
    first = model.predict(x)
    assert first.shape == (5, 2)
    bare.compile("sgd", "mse")
    bare.train_on_batch(x, np.zeros((5, 2)))
    bare.set_weights(model.get_weights())
    assert np.array_equal(bare.predict(x), first)


@pytest.mark.parametrize(
    ("stack", "text"),
    [
        (lambda: [Dense(2)], "Flatten before what takes rows"),
        (lambda: [layers.Activation("softmax"), layers.Flatten(), Dense(2)], "Flatten before what takes rows"),
        (lambda: [layers.Reshape((5,)), Dense(2)], "target_shape must hold the 12 numbers of a sample"),
        (lambda: [layers.Reshape((5, -1)), Dense(2)], "target_shape must hold the 12 numbers"),
    ],
)
def test_samples_of_several_axes_that_stay_so(stack, text):
    with pytest.raises(ValueError, match=text):
        Sequential([Input((4, 3)), *stack()])


def test_a_model_built_for_samples_of_several_axes():
    model = Sequential([layers.Flatten(), Dense(5)])
    model.build((None, 4, 3))
    assert model.input_shape == (None, 4, 3) and model.predict(np.zeros((2, 4, 3))).shape == (2, 5)


def test_shapes_of_layers():
    model = Sequential([Input((4, 3)), layers.Rescaling(2.0), layers.Flatten(), Dense(5)])
    assert [layer.input_shape for layer in model.layers] == [(None, 4, 3), (None, 4, 3), (None, 12)]
    assert [layer.output_shape for layer in model.layers] == [(None, 4, 3), (None, 12), (None, 5)]
    assert Dense(2).input_shape is Dense(2).output_shape is None
    assert model.compute_output_shape((None, 4, 3)) == (None, 5) and Dense(2).compute_output_shape((7, 3)) == (None, 2)
    with pytest.raises(ValueError, match="Flatten before what takes rows"):
        Dense(2).compute_output_shape((None, 4, 3))


def test_an_output_must_be_rows():
    model = Sequential([Input((4,)), Dense(4), layers.Reshape((2, 2))])
    with pytest.raises(ValueError, match=r"layers must end in rows, got an output of shape \(None, 2, 2\)"):
        model.predict(np.zeros((3, 4)))


@pytest.mark.parametrize("target", [(), 4, (-1, -1), (0,), (2.5,), None])
def test_bad_target_shapes(target):
    with pytest.raises((ValueError, TypeError), match="target_shape"):
        layers.Reshape(target)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rescaling(dtype):
    """As a first layer, in the middle, and on integers: forward, and its gradient with respect to the input."""
    x = np.random.default_rng(0).integers(0, 256, size=(6, 3))
    model = Sequential([Input((3,)), layers.Rescaling(1 / 127.5, -1), Dense(2), layers.Rescaling(3, 1)], seed=0, dtype=dtype)
    kernel, bias = model.get_weights()
    assert model.predict(x) == pytest.approx(((x / 127.5 - 1) @ kernel + bias) * 3 + 1, rel=1e-5)
    model.forward(x)
    assert model.backward(np.ones((6, 2))) == pytest.approx(np.ones((6, 2)) @ kernel.T * 3 / 127.5, rel=1e-5)
    for bad in ({"scale": "a"}, {"scale": [1, 2]}, {"scale": 1, "offset": None}):
        with pytest.raises(TypeError, match="must be a finite number"):
            layers.Rescaling(**bad)
    assert same(pickle.loads(pickle.dumps(model)).get_weights(), model.get_weights())
