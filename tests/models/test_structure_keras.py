"""Layers and models beside Keras's own: names, shapes, counts, weights and what the methods give."""

import json
import os
import warnings

import numpy as np
import pytest

import fastbp

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")


@pytest.fixture(autouse=True)
def names_begin_anew():
    """Keras counts names for as long as the process lives; input_shape= makes it warn."""
    keras.backend.clear_session()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def plain(bp):
    return bp.Sequential([bp.Input((4,)), bp.layers.Dense(5, "tanh"), bp.layers.Dense(2)])


def first_layer(bp):
    model = bp.models.Sequential(name="net")
    model.add(bp.layers.Dense(5, input_dim=4, activation="relu", name="first"))
    model.add(bp.layers.Activation("tanh"))
    model.add(bp.layers.Dense(3, use_bias=False))
    model.add(bp.layers.Dense(2, trainable=False))
    return model


def flattened(bp):
    return bp.Sequential([bp.layers.Flatten(input_shape=(2, 2)), bp.layers.Rescaling(0.5, 1), bp.layers.Dense(2)])


def reshaped(bp):
    stack = [bp.layers.InputLayer(shape=(2, 2)), bp.layers.Rescaling(1 / 255), bp.layers.Reshape((4,)), bp.layers.Identity()]
    return bp.Sequential([*stack, bp.layers.Dense(2)])


def called(bp):
    x = bp.Input(shape=(4,))
    h = bp.layers.Dense(5, activation="relu")(x)
    h = bp.layers.Dense(3, name="code")(h)
    return bp.models.Model(inputs=x, outputs=bp.layers.Dense(2)(h), name="called")


def middle(bp):
    whole = called(bp)
    return bp.models.Model(inputs=whole.input, outputs=whole.layers[-2].output)


def nested(bp):
    inner = bp.Sequential([bp.Input((4,)), bp.layers.Dense(3), bp.layers.Dense(3)], name="inner")
    return bp.Sequential([inner, bp.layers.Dense(2)], name="outer")


def nested_called(bp):
    inner, x = called(bp), bp.Input((4,))
    return bp.models.Model(x, bp.layers.Dense(2)(inner(x)))


def frozen(bp):
    model = nested(bp)
    model.layers[0].trainable = False
    return model


def popped(bp):
    model = plain(bp)
    model.pop()
    return model


def from_settings(bp):
    return bp.Sequential.from_config(first_layer(bp).get_config())


def cloned(bp):
    return bp.models.clone_model(called(bp))


MODELS = [
    plain, first_layer, flattened, reshaped, called, middle, nested, nested_called, frozen, popped, from_settings, cloned
]  # fmt: skip


KINDS = {"Functional": "Model"}


def told(model, x):
    """What a model says of itself, as plain values."""
    layers = [
        (
            KINDS.get(type(layer).__name__, type(layer).__name__),
            layer.name,
            layer.trainable,
            [tuple(w.shape) for w in layer.get_weights()],
        )
        for layer in model.layers
        if not layer.name.startswith(("input_layer", "keras_tensor"))  # a clone of Keras has the latter name
    ]
    return {
        "layers": layers,
        "shapes": [tuple(model.input_shape), tuple(model.output_shape)],
        "weights": [(w.name, w.path.split("/")[-2:], tuple(w.shape), w.trainable) for w in model.weights],
        "counts": [
            model.count_params(),
            len(model.trainable_weights),
            len(model.non_trainable_variables),
            len(model.variables),
        ],
        "ends": [tuple(model.inputs[0].shape), tuple(model.outputs[0].shape)],
        "output": tuple(model(x).shape),
    }


@pytest.mark.parametrize("make", MODELS)
def test_a_model_says_the_same_as_keras(make):
    own, theirs = make(fastbp), make(keras)
    x = X.reshape(6, *theirs.input_shape[1:])
    assert told(own, x) == told(theirs, x)
    weights = [np.random.default_rng(1).normal(size=w.shape) for w in theirs.get_weights()]
    own.set_weights(weights), theirs.set_weights(weights)
    assert own.predict(x) == pytest.approx(theirs.predict(x, verbose=0), abs=1e-5)
    for layer, other in zip(own.layers, theirs.layers, strict=True):
        for a, b in zip(layer.get_weights(), other.get_weights(), strict=True):
            assert np.array_equal(a, b)


@pytest.mark.parametrize("make", [m for m in MODELS if m is not middle])
@pytest.mark.parametrize(("writer", "reader"), [(keras, fastbp), (fastbp, keras)], ids=["theirs to us", "ours to them"])
def test_json_goes_from_one_to_the_other(make, writer, reader):
    written = make(writer)
    read = reader.models.model_from_json(written.to_json())
    assert type(read).__name__ in (type(written).__name__, "Functional", "Model")
    x = X.reshape(6, *written.input_shape[1:])
    assert [layer.name for layer in read.layers] == [layer.name for layer in written.layers]
    assert read.name == written.name
    read.set_weights(written.get_weights())
    assert np.asarray(read.predict(x, verbose=0)) == pytest.approx(written.predict(x, verbose=0), abs=1e-5)
    flags = [[w.trainable for w in model.weights] for model in (read, written)]
    assert flags[0] == flags[1]


@pytest.mark.parametrize(
    "call",
    [
        lambda bp: plain(bp).get_layer("nonsense"),
        lambda bp: plain(bp).get_layer(index=9),
        lambda bp: plain(bp).get_layer(),
        lambda bp: plain(bp).get_layer("dense", 0),
        lambda bp: bp.layers.Dense(3, activaton="relu"),
        lambda bp: bp.layers.Dense(0),
        lambda bp: bp.Sequential([bp.layers.Dense(2, name="a"), bp.layers.Dense(2, name="a")]),
        lambda bp: plain(bp).layers[0].set_weights([np.zeros((4, 5))]),
        lambda bp: plain(bp).layers[0].set_weights([np.zeros((5, 4)), np.zeros(5)]),
        lambda bp: bp.models.Model(bp.Input((4,)), bp.layers.Dense(2)(bp.Input((4,)))),
        lambda bp: bp.Sequential([bp.layers.Dense(2)]).input,
        lambda bp: bp.layers.Dense(2).output,
        lambda bp: bp.layers.Reshape((5,))(bp.Input((4,))),
        lambda bp: bp.Sequential([bp.Input((4,)), bp.Input((4,))]),
    ],
)
def test_what_keras_refuses_is_refused(call):
    with pytest.raises(Exception):  # noqa: B017
        call(keras)
    with pytest.raises((ValueError, TypeError, AttributeError)):
        call(fastbp)


def test_training_with_a_frozen_part_and_a_shared_one():
    """An encoder that two models hold: trained in one, frozen in the other, thawed."""

    def run(bp):
        encoder = bp.Sequential([bp.Input((4,)), bp.layers.Dense(3, "tanh"), bp.layers.Dense(2)], name="encoder")
        head = bp.layers.Dense(4, name="head")
        whole = bp.Sequential([encoder, head])
        whole.set_weights([np.random.default_rng(2).normal(size=w.shape) for w in whole.get_weights()])
        whole.compile(bp.optimizers.SGD(0.1), "mse")
        losses = [*whole.fit(X, X, batch_size=2, epochs=3, shuffle=False, verbose=0).history["loss"]]
        encoder.trainable = False
        classifier = bp.Sequential([encoder, bp.layers.Dense(1, kernel_initializer="ones")])
        classifier.compile(bp.optimizers.SGD(0.1), "mse")
        losses += classifier.fit(X, X[:, 0], batch_size=2, epochs=3, shuffle=False, verbose=0).history["loss"]
        codes = encoder.predict(X, verbose=0)
        encoder.trainable = True
        classifier.compile(bp.optimizers.SGD(0.1), "mse")
        losses += classifier.fit(X, X[:, 0], batch_size=2, epochs=3, shuffle=False, verbose=0).history["loss"]
        return [losses, codes, *whole.get_weights()]

    for own, theirs in zip(run(fastbp), run(keras), strict=True):
        assert own == pytest.approx(theirs, abs=1e-5)


def test_settings_have_keras_s_names():
    own, theirs = json.loads(plain(fastbp).to_json()), json.loads(plain(keras).to_json())
    assert own["class_name"] == theirs["class_name"] and set(own["config"]) <= set(theirs["config"])
    for layer, other in zip(own["config"]["layers"], theirs["config"]["layers"], strict=True):
        assert layer["class_name"] == other["class_name"] and layer["module"] == other["module"]
        assert {k: v for k, v in layer["config"].items() if v is not None}.keys() <= other["config"].keys()
