"""Models written down as settings and JSON, read again, and cloned."""

import json

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Input, Sequential, layers
from fastbp.models import Model, clone_model, model_from_json


def called():
    x = Input((4,), name="table")
    h = layers.Activation("relu")(Dense(5, name="first")(x))
    return Model(x, Dense(2, "softmax", use_bias=False)(h), name="called")


MODELS = {
    "a stack": lambda: Sequential([Input((4,)), Dense(5, "tanh", kernel_initializer="he_normal"), Dense(2)], name="mine"),
    "without an input": lambda: Sequential([Dense(5, "selu"), Dense(2)]),
    "several axes": lambda: Sequential([layers.Flatten(input_shape=(2, 2)), layers.Rescaling(0.5), Dense(2)]),
    "reshaped": lambda: Sequential([Input((2, 2)), layers.Reshape((-1,)), layers.Identity(), Dense(2, trainable=False)]),
    "called layers": called,
    "a model within": lambda: Sequential([Sequential([Input((4,)), Dense(3)], name="inner"), Dense(2)]),
    "a called model within": lambda: Sequential([called(), Dense(1)]),
    "float64": lambda: Sequential([Input((4,)), Dense(2)], dtype="float64"),
}


def described(model):
    """All that a model has beside its weights."""
    return json.loads(model.to_json())


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("again", ["json", "config", "clone"])
def test_a_model_written_down_and_read_is_the_same(kind, again):
    model = MODELS[kind]()
    if again == "json":
        other = model_from_json(model.to_json())
    elif again == "config":
        other = type(model).from_config(json.loads(json.dumps(model.get_config())))
    else:
        other = clone_model(model)
    assert type(other) is type(model) and described(other) == described(model)
    assert (other.name, other.dtype, other.input_shape) == (model.name, model.dtype, model.input_shape)
    assert [layer.trainable for layer in other.leaves()] == [layer.trainable for layer in model.leaves()]
    assert set(other.leaves()).isdisjoint(model.leaves())
    x = np.random.default_rng(0).normal(size=(3, *(model.input_shape or (None, 4))[1:]))
    if not model.built:
        model(x), other(x)
    other.set_weights(model.get_weights())
    assert np.array_equal(other.predict(x), model.predict(x))


def test_json_takes_its_settings():
    assert MODELS["a stack"]().to_json(indent=1).count("\n") > 10


def test_a_clone_has_weights_of_its_own():
    model = MODELS["a stack"]()
    clone = clone_model(model)
    assert not np.array_equal(clone.get_weights()[0], model.get_weights()[0]) and clone.optimizer is None
    assert np.array_equal(clone_model(model, seed=3).get_weights()[0], clone_model(model, seed=3).get_weights()[0])
    with pytest.raises(TypeError, match="model must be a Model"):
        clone_model(Dense(2))


def test_a_clone_of_formulas():
    model = Sequential([Input((4,)), Dense(3, lambda z: z * fastbp.sigmoid(z)), Dense(1)])
    clone = clone_model(model)
    clone.set_weights(model.get_weights())
    assert np.array_equal(clone.predict(np.ones((2, 4))), model.predict(np.ones((2, 4))))


def test_functions_of_cloning():
    model, x = MODELS["a stack"](), np.ones((2, 4))
    shared = clone_model(model, clone_function=lambda layer: layer)
    assert shared.layers == model.layers and np.array_equal(shared.predict(x), model.predict(x))

    def narrower(layer):
        return Dense(3, name=layer.name) if layer.name == "dense" else layer.from_config(layer.get_config())

    assert [w.shape for w in clone_model(model, clone_function=narrower).get_weights()] == [(4, 3), (3,), (3, 2), (2,)]
    assert clone_model(MODELS["without an input"](), input_tensors=Input((7,))).input_shape == (None, 7)

    def with_more(layer, tensor):
        return layers.Activation("tanh")(layer(tensor))

    more = clone_model(called(), call_function=with_more)
    kinds = [type(layer).__name__ for layer in more.layers]
    assert kinds == ["InputLayer", "Dense", "Activation", "Activation", "Activation", "Dense", "Activation"]
    with pytest.raises(ValueError, match="call_function must be None for a Sequential"):
        clone_model(model, call_function=with_more)
    with pytest.raises(TypeError, match="clone_function must return a layer, got None"):
        clone_model(model, clone_function=lambda layer: None)


@pytest.mark.parametrize("kind", ["Conv2D", "LSTM", "Nonsense"])
def test_layers_that_are_not_there(kind):
    text = MODELS["a stack"]().to_json().replace('"Dense"', f'"{kind}"')
    with pytest.raises((ValueError, AttributeError), match=kind):
        model_from_json(text)


def test_a_graph_is_not_read():
    config = called().get_config()
    config["layers"][2]["inbound_nodes"][0]["args"] *= 2
    with pytest.raises(ValueError, match="several connections of 'activation': directed graphs of layers come later"):
        Model.from_config(config)
    config = called().get_config()
    config["input_layers"] *= 2
    with pytest.raises(ValueError, match="input_layers must name one layer.*directed graphs of layers come later"):
        Model.from_config(config)


def test_layers_of_ones_own():
    class Twice(Dense):
        def __init__(self, units, **settings):
            super().__init__(2 * units, **settings)

        def get_config(self):
            return {"units": self.units // 2, "name": self.name}

    text = Sequential([Input((4,)), Twice(3)]).to_json()
    assert model_from_json(text, {"Twice": Twice}).output_shape == (None, 6)
    with pytest.raises(ValueError, match="class_name must be a layer of fastbp.layers or a model, got 'Twice'"):
        model_from_json(text)
