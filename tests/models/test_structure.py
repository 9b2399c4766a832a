"""Models of called layers, models within models, layers of several models, and what is frozen."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Input, Sequential, layers
from fastbp.models import Model

X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
Y = np.stack([np.sin(X[:, 0]), X[:, 1] * X[:, 2]], axis=1).astype("float32")


def same(one, other):
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def compiled(model, optimizer="adam"):
    model.compile(optimizer, "mse")
    return model


def functional(**settings):
    x = Input(shape=(3,))
    h = Dense(4, "tanh", name="hidden")(x)
    return Model(inputs=x, outputs=Dense(2)(h), **settings)


def stack(**settings):
    return Sequential([Input((3,)), Dense(4, "tanh", name="hidden"), Dense(2)], **settings)


# -------------------------------------------------------------------------------------------------- of called layers


def test_called_layers_are_those_of_a_stack_to_the_bit():
    called, listed = compiled(functional(seed=3)), compiled(stack(seed=3))
    assert same(called.get_weights(), listed.get_weights())
    assert called.fit(X, Y, 8, 3, 0).history == listed.fit(X, Y, 8, 3, 0).history
    assert same(called.get_weights(), listed.get_weights()) and np.array_equal(called.predict(X), listed.predict(X))


def test_what_a_model_of_called_layers_says():
    model = functional()
    assert [layer.name for layer in model.layers] == ["input_layer", "hidden", "dense"]
    assert (model.name, model.input_shape, model.output_shape) == ("functional", (None, 3), (None, 2))
    assert model.inputs == [model.input] and model.outputs == [model.output]
    assert (model.input.shape, model.output.shape) == ((None, 3), (None, 2))
    assert isinstance(model, Model) and isinstance(stack(), Model) and isinstance(model, layers.Layer)
    assert model.built and model.count_params() == 26 and len(model.weights) == 4
    assert functional(name="mine").name == "mine"


@pytest.mark.parametrize("given", [lambda t: t, lambda t: [t], lambda t: (t,), lambda t: {"a": t}])
def test_one_tensor_may_stand_in_a_list(given):
    x = Input((3,))
    assert Model(given(x), given(Dense(2)(x))).output_shape == (None, 2)


def graphs():
    x, other = Input((3,)), Input((3,))
    a, twice = Dense(2)(x), Dense(3)
    return {
        "two inputs": lambda: Model([x, other], a),
        "two outputs": lambda: Model(x, [a, Dense(1)(a)]),
        "a layer twice": lambda: Model(x, twice(twice(x))),
        "a merge": lambda: Dense(2)([a, a]),
    }


@pytest.mark.parametrize("graph", graphs())
def test_directed_graphs_come_later(graph):
    with pytest.raises(ValueError, match="directed graphs of layers come later"):
        graphs()[graph]()


@pytest.mark.parametrize(
    ("inputs", "outputs", "error", "text"),
    [
        (np.zeros((2, 3)), None, TypeError, "inputs must be an Input"),
        (Input((3,)), None, TypeError, "outputs must be an Input or what a layer gives.*None"),
        (Input((3,)), Dense(2), TypeError, "outputs must be an Input or what a layer gives.*Dense"),
        (Input((3,)), Dense(2)(Input((3,))), ValueError, "outputs must follow from inputs by calling layers"),
    ],
)
def test_bad_ends(inputs, outputs, error, text):
    with pytest.raises(error, match=text):
        Model(inputs, outputs)


def test_a_model_that_computes_by_itself_is_refused():
    class Mine(Model):
        def __init__(self):
            super().__init__()
            self.hidden = Dense(3)

        def call(self, x):
            return self.hidden(x)

    with pytest.raises(NotImplementedError, match="Mine needs inputs and outputs: a model with a call of its own"):
        Mine()


def test_a_class_of_models():
    class Mine(Model):
        def __init__(self, units):
            x = Input((3,))
            super().__init__(x, Dense(units)(x), seed=0)

    class Stack(Sequential):
        def __init__(self):
            super().__init__([Dense(2)], seed=0)

    assert compiled(Mine(2)).fit(X, Y, verbose=0).history == compiled(Stack()).fit(X, Y, verbose=0).history


@pytest.mark.parametrize("training", [None, True, False])
@pytest.mark.parametrize("make", [functional, stack, lambda: Sequential([Dense(2)])])
def test_a_model_called_on_data_is_its_prediction(make, training):
    model = make()
    output = model(X, training=training)
    assert type(output) is np.ndarray and np.array_equal(output, model.predict(X))


def test_the_shape_of_what_comes_later_is_checked_when_layers_are_called():
    with pytest.raises(ValueError, match="Flatten before what takes rows"):
        Dense(2)(Input((3, 4)))
    x = Input((3, 4))
    assert Model(x, Dense(2)(layers.Flatten()(x))).predict(np.zeros((5, 3, 4))).shape == (5, 2)


# ---------------------------------------------------------------------------------------------------------- get and pop


@pytest.mark.parametrize("make", [functional, stack])
def test_layers_by_name_and_number(make):
    model = make()
    assert model.get_layer("hidden") is model.get_layer(name="hidden") is model.get_layer(index=-2) is model.layers[-2]
    for arguments, text in [
        ({"name": "out"}, "name must be one of .*'hidden', 'dense', got 'out'"),
        ({"index": 7}, "index must be below the . layers"),
        ({}, "needs either a name or an index"),
        ({"name": "hidden", "index": 0}, "needs either a name or an index"),
    ]:
        with pytest.raises(ValueError, match=text):
            model.get_layer(**arguments)


def test_pop_takes_the_last_layer_with_its_weights():
    model = compiled(stack(seed=0))
    model.fit(X, Y, verbose=0)
    weights = model.get_weights()
    last = model.pop()
    assert same(model.get_weights(), weights[:2]) and same(last.get_weights(), weights[2:])
    assert model.output_shape == (None, 4)
    model.add(last)
    assert same(model.get_weights(), weights)
    model.fit(X, Y, verbose=0)
    model.pop()
    model.add(Dense(2))
    assert same(model.get_weights()[2:], model.layers[-1].get_weights())
    model.pop(), model.pop()
    with pytest.raises(ValueError, match="'sequential' has no layers to remove"):
        model.pop()


# ----------------------------------------------------------------------------------------------- layers of several models


def autoencoder(seed=0):
    """The parts as models of their own, and the whole of them."""
    encoder = Sequential([Input((3,)), Dense(5, "tanh"), Dense(2)], name="encoder")
    decoder = Sequential([Input((2,)), Dense(5, "tanh"), Dense(3)], name="decoder")
    return encoder, decoder, compiled(Sequential([encoder, decoder], seed=seed))


def flat(seed=0):
    return compiled(Sequential([Input((3,)), Dense(5, "tanh"), Dense(2), Dense(5, "tanh"), Dense(3)], seed=seed))


def test_a_model_within_a_model_is_its_layers_in_place():
    encoder, decoder, whole = autoencoder()
    plain = flat()
    assert whole.layers == [encoder, decoder] and whole.get_layer("encoder") is encoder
    assert (whole.input_shape, whole.output_shape, whole.count_params()) == ((None, 3), (None, 3), plain.count_params())
    assert same(whole.get_weights(), plain.get_weights())
    assert whole.fit(X, X, 8, 3, 0).history == plain.fit(X, X, 8, 3, 0).history
    assert same(whole.get_weights(), plain.get_weights())
    assert same(encoder.get_weights() + decoder.get_weights(), plain.get_weights())
    assert np.array_equal(decoder.predict(encoder.predict(X)), plain.predict(X))
    with pytest.raises(ValueError, match="name must be one of 'encoder', 'decoder', got 'dense': 'encoder' has one"):
        whole.get_layer("dense")


def test_the_seed_of_a_model_within_a_model():
    """A seed of its own decides, if it has one, whichever is used first."""
    for first in (0, 1):
        inner = Sequential([Input((3,)), Dense(4)], seed=7)
        outer = Sequential([inner, Dense(2)], seed=1)
        (outer, inner)[first].get_weights()
        assert same(inner.get_weights(), Sequential([Input((3,)), Dense(4)], seed=7).get_weights())
        unseeded = Sequential([Input((3,)), Dense(4)])
        outer = Sequential([unseeded, Dense(2)], seed=1)
        (outer, unseeded)[first].get_weights()
        assert same(outer.get_weights(), Sequential([Input((3,)), Dense(4), Dense(2)], seed=1).get_weights())


@pytest.mark.parametrize("use", ["train", "set", "one layer", "assign"])
def test_weights_are_the_same_in_all_models_that_hold_the_layer(use):
    encoder, decoder, whole = autoencoder()
    other = compiled(Sequential([*encoder.layers, Dense(1)], seed=5))
    other.fit(X, X[:, 0], verbose=0)
    assert same(other.get_weights()[:4], whole.get_weights()[:4]) and same(encoder.get_weights(), whole.get_weights()[:4])
    new = [w + 1 for w in encoder.get_weights()]
    if use == "train":
        whole.train_on_batch(X, X)
        new = whole.get_weights()[:4]
    elif use == "set":
        encoder.set_weights(new)
    elif use == "one layer":
        encoder.layers[0].set_weights(new[:2])
        other.layers[1].set_weights(new[2:])
    else:
        for weight, value in zip(encoder.weights, new, strict=True):
            weight.assign(value)
    for model in (whole, other, encoder, whole):
        assert same(model.get_weights()[:4], new)
    z = np.tanh(X @ new[0] + new[1]) @ new[2] + new[3]
    assert encoder.predict(X) == pytest.approx(z, abs=1e-5)
    assert other(X) == pytest.approx(z @ other.get_weights()[4] + other.get_weights()[5], abs=1e-5)


def test_looking_at_a_part_changes_no_bit_of_the_training():
    encoder, _, whole = autoencoder()
    plain = flat()
    for _ in range(4):
        assert whole.train_on_batch(X, X) == plain.train_on_batch(X, X)
        assert same(encoder.get_weights(), plain.get_weights()[:4])
        encoder.predict(X), encoder.layers[0].get_weights()
    assert same(whole.get_weights(), plain.get_weights())


def test_a_part_is_looked_at_in_the_middle_of_a_fit():
    """From within the call, between two epochs: by weights that the engine of the fit has."""
    encoder, _, whole = autoencoder()
    plain, train, seen = flat(), whole._train, []

    def watched(*arguments):
        train(*arguments)
        seen.append(encoder.predict(X))
        encoder.set_weights(encoder.get_weights())

    whole._train = watched
    whole.fit(X, X, 8, 4, 0, validation_split=0.25)
    plain.fit(X, X, 8, 4, 0, validation_split=0.25)
    assert whole.history.history == plain.history.history and same(whole.get_weights(), plain.get_weights())
    assert not np.array_equal(seen[0], seen[-1]) and np.array_equal(seen[-1], encoder.predict(X))


def test_two_models_take_turns_with_a_layer():
    """Each has an optimizer of its own, which goes on where it was: as in loops that copy the weights back and forth."""
    shared = Dense(4, "tanh")
    models = [compiled(Sequential([Input((3,)), shared, Dense(2)], seed=s), fastbp.SGD(0.1, 0.9)) for s in (0, 1)]
    apart = [compiled(Sequential([Input((3,)), Dense(4, "tanh"), Dense(2)], seed=s), fastbp.SGD(0.1, 0.9)) for s in (0, 1)]
    for model, other in zip(models, apart, strict=True):
        other.set_weights(model.get_weights())
    for step in range(6):
        now, then = step % 2, 1 - step % 2
        assert models[now].train_on_batch(X, Y) == apart[now].train_on_batch(X, Y)
        apart[then].set_weights([*apart[now].get_weights()[:2], *apart[then].get_weights()[2:]])
    for model, other in zip(models, apart, strict=True):
        assert same(model.get_weights(), other.get_weights())


def test_a_model_of_the_middle_of_another():
    for model in (compiled(stack(seed=0)), compiled(functional(seed=0))):
        features = Model(inputs=model.input, outputs=model.get_layer("hidden").output)
        by_index = Model(model.inputs, model.layers[-2].output)
        head_input = Input((4,))
        head = Model(head_input, model.layers[-1](head_input))
        model.fit(X, Y, verbose=0)
        kernel, bias = model.layers[-2].get_weights()
        assert features.predict(X) == pytest.approx(np.tanh(X @ kernel + bias), abs=1e-5)
        assert np.array_equal(by_index.predict(X), features.predict(X))
        assert head.predict(features.predict(X)) == pytest.approx(model.predict(X), abs=1e-6)


def test_an_output_that_is_not_one():
    layer = Dense(3)
    with pytest.raises(AttributeError, match="has no one output: it has not been called"):
        _ = layer.output
    first, second = layer(Input((3,))), layer(Input((3,)))
    with pytest.raises(AttributeError, match="has no one output: it is used at several places"):
        _ = layer.output
    with pytest.raises(AttributeError, match="no input or output yet"):
        _ = Sequential([Dense(2)]).input
    assert first is not second


def test_what_does_not_fit_together():
    shared = Dense(2)
    Sequential([Input((3,)), shared]).get_weights()
    with pytest.raises(ValueError, match=r"layer 'dense' has weights for samples of shape \(3,\), got \(4,\)"):
        Sequential([Input((4,)), shared])
    late = Sequential([shared])
    with pytest.raises(ValueError, match=r"layer 'dense' has weights for samples of shape \(3,\), got \(4,\)"):
        late.build(4)
    assert not late.built
    holder = Sequential([Input((3,)), shared])
    with pytest.raises(ValueError, match="layers must have the dtype of the model, float64, got 'float32'"):
        Sequential([shared], dtype="float64")
    inner = Sequential([Dense(2)], name="inner")
    outer = Sequential([inner])
    for change in (lambda: inner.add(Dense(1)), inner.pop):
        with pytest.raises(ValueError, match="'inner' must stay as it is, as a layer of 'sequential'"):
            change()
    for layer in (inner, inner.layers[0], outer):
        with pytest.raises(ValueError, match="layers must be different ones, got .* twice"):
            outer.add(layer)
    with pytest.raises(ValueError, match="input of 'sequential' must be samples of shape"):
        Sequential([Input((5,)), holder])


def test_names_within_and_across_models():
    one, two = Sequential([Dense(1)]), Sequential([Dense(1)])
    assert [layer.name for layer in Sequential([one, two]).layers] == ["sequential", "sequential_1"]
    shared = Dense(1)
    first, second = Sequential([shared, Dense(2)]), Sequential([Dense(3), shared])
    for model in (first, second):
        assert len({layer.name for layer in model.layers}) == 2


def test_a_model_is_gone_with_its_last_reference():
    encoder, decoder, whole = autoencoder()
    whole.fit(X, X, verbose=0)
    encoder.predict(X), whole.input, functional().predict(X)
    gone = [weakref.ref(whole), weakref.ref(decoder)]
    gc.disable()
    try:
        del whole, decoder
        assert [ref() for ref in gone] == [None, None]
    finally:
        gc.enable()
    assert encoder.predict(X).shape == (40, 2)


# -------------------------------------------------------------------------------------------------------------- copies


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@pytest.mark.parametrize(
    "make", [functional, stack, lambda seed: autoencoder(seed)[2], lambda seed: Sequential([Dense(2)], seed=seed)]
)
def test_copies_go_on_as_the_original_and_by_themselves(copied, make):
    model = compiled(make(seed=0))
    y = Y if model.output_shape == (None, 2) else X
    before = copied(model)
    model.fit(X, y, 8, 2, 0)
    after = copied(model)
    assert [layer.name for layer in after.layers] == [layer.name for layer in model.layers]
    assert same(after.get_weights(), model.get_weights())
    assert before.fit(X, y, 8, 2, 0).history == model.history.history and same(before.get_weights(), model.get_weights())
    assert after.fit(X, y, 8, 2, 0).history == model.fit(X, y, 8, 2, 0).history
    kept = model.get_weights()
    after.set_weights([w * 0 for w in kept])
    assert same(model.get_weights(), kept) and not same(after.layers[-1].get_weights(), model.layers[-1].get_weights())


# -------------------------------------------------------------------------------------------------------------- frozen


def test_flags_and_what_they_tell():
    model = stack()
    assert len(model.trainable_weights) == len(model.trainable_variables) == 4 and model.non_trainable_weights == []
    model.layers[0].trainable = False
    assert [w.path for w in model.non_trainable_weights] == ["hidden/kernel", "hidden/bias"]
    assert [w.path for w in model.trainable_weights] == ["dense/kernel", "dense/bias"]
    model.trainable = False
    assert not model.layers[1].trainable and len(model.non_trainable_variables) == 4 and len(model.variables) == 4
    assert Sequential([Dense(2)], trainable=False).layers[0].trainable is False
    with pytest.raises(TypeError, match="trainable must be True or False, got 0"):
        model.trainable = 0
    encoder, decoder, whole = autoencoder()
    encoder.trainable = False
    assert [w.trainable for w in whole.weights] == 4 * [False] + 4 * [True]


def test_what_comes_later_says_so():
    with pytest.raises(AttributeError, match="quantize is not there: it comes in a later version"):
        stack().quantize  # noqa: B018
    assert not hasattr(stack(), "nonsense")
