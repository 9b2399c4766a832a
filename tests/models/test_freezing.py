"""Layers that training leaves alone: which those are, when a change takes effect, and that their bits stay."""

import pickle

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Input, Sequential, layers

X = np.random.default_rng(0).normal(size=(60, 3)).astype("float32")
Y = np.stack([np.sin(X[:, 0]), X[:, 1] * X[:, 2]], axis=1).astype("float32")


def stack(dtype="float32", **settings):
    hidden = [Dense(5, "tanh"), Dense(4, "softmax"), layers.Activation("relu"), Dense(6, "gelu")]
    return Sequential([Input((3,)), *hidden, Dense(2)], seed=1, dtype=dtype, **settings)


def dense_layers(model):
    return [layer for layer in model.layers if layer.get_weights()]


def compiled(model, optimizer="adam"):
    model.compile(optimizer, "mse")
    return model


def changed(model, before):
    """Which arrays are not what they were."""
    return [not np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True)]


@pytest.mark.parametrize("frozen", [(0,), (3,), (1, 2), (0, 1), (0, 1, 2), (1, 2, 3)])
@pytest.mark.parametrize("when", ["at first", "after training"])
def test_a_frozen_layer_keeps_its_bits_and_the_others_learn(frozen, when):
    model = compiled(stack())
    if when == "after training":
        model.fit(X, Y, verbose=0)
    for i in frozen:
        dense_layers(model)[i].trainable = False
    compiled(model)
    before = model.get_weights()
    losses = [model.fit(X, Y, 16, 2, 0, threads=threads).history["loss"] for threads in (1, 2)]
    assert changed(model, before) == [i not in frozen for i in range(4) for _ in range(2)]
    assert losses[1][-1] < losses[0][0]
    assert changed(pickle.loads(pickle.dumps(model)), before) == changed(model, before)


@pytest.mark.parametrize("optimizer", [fastbp.SGD(0.1, momentum=0.9), fastbp.Adam(0.01), fastbp.AdamW(0.01), fastbp.RMSprop()])
def test_what_stands_on_frozen_layers_learns_as_by_itself(optimizer):
    model = stack(dtype="float64")
    for layer in dense_layers(model)[:2]:
        layer.trainable = False
    compiled(model, optimizer)
    head = compiled(
        Sequential([Input((4,)), layers.Activation("relu"), Dense(6, "gelu"), Dense(2)], dtype="float64"), optimizer
    )
    head.set_weights(model.get_weights()[4:])
    features = fastbp.models.Model(model.input, model.layers[1].output, dtype="float64").predict(X)
    for _ in range(3):
        assert model.train_on_batch(X, Y) == pytest.approx(head.train_on_batch(features, Y), rel=1e-9)
    for a, b in zip(model.get_weights()[4:], head.get_weights(), strict=True):
        assert a == pytest.approx(b, rel=1e-8, abs=1e-10)


def test_the_same_bits_for_any_number_of_threads():
    found = []
    for threads in (1, 2, 3):
        model = stack()
        model.layers[1].trainable = False
        compiled(model).fit(X, Y, 16, 3, 0, threads=threads)
        found.append([*model.history.history["loss"], *model.get_weights()])
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_thawed_is_never_frozen():
    model, plain = compiled(stack()), compiled(stack())
    model.trainable = False
    compiled(model)
    model.trainable = True
    compiled(model)
    assert model.fit(X, Y, 16, 2, 0).history == plain.fit(X, Y, 16, 2, 0).history
    assert not any(changed(model, plain.get_weights()))


def test_a_change_takes_effect_with_the_next_compile():
    """Also where the layers change or the width is not known yet when the model is compiled."""
    for late in (False, True):
        model = Sequential([*([] if late else [Input((3,))]), Dense(4, "tanh"), Dense(2)], seed=0)
        compiled(model)
        model.layers[0].trainable = False
        model(X)
        before = model.get_weights()
        model.train_on_batch(X, Y)
        assert all(changed(model, before)[::2])
        compiled(model)
        before = model.get_weights()
        model.train_on_batch(X, Y)
        assert changed(model, before) == [False, False, True, True]


@pytest.mark.parametrize("built", [True, False])
def test_two_models_train_in_turns_what_the_other_leaves_alone(built):
    """A generator against a discriminator, which is frozen within the whole alone."""
    rng = np.random.default_rng(0)
    generator = Sequential([*([Input((2,))] if built else []), Dense(6, "relu"), Dense(3)], seed=0)
    discriminator = Sequential([*([Input((3,))] if built else []), Dense(6, "relu"), Dense(1, "sigmoid")], seed=1)
    discriminator.compile("adam", "binary_crossentropy")
    discriminator.trainable = False
    whole = Sequential([generator, discriminator])
    whole.compile("adam", "binary_crossentropy")
    for _ in range(3):
        noise = rng.normal(size=(20, 2)).astype("float32")
        fakes = generator(noise)
        discriminator.train_on_batch(np.concatenate([X[:20], fakes]), np.repeat([1.0, 0.0], 20))
        before = generator.get_weights() + discriminator.get_weights()
        whole.train_on_batch(noise, np.ones(20))
        moved = changed(generator, before[:4]) + changed(discriminator, before[4:])
        assert moved[0] and moved[2] and moved[4:] == 4 * [False]
        before = generator.get_weights() + discriminator.get_weights()
        discriminator.train_on_batch(np.concatenate([X[:20], fakes]), np.repeat([1.0, 0.0], 20))
        assert changed(generator, before[:4]) == 4 * [False] and any(changed(discriminator, before[4:]))


def test_a_model_with_nothing_to_train():
    model = stack()
    model.trainable = False
    compiled(model)
    before = model.get_weights()
    losses = model.fit(X, Y, epochs=2, verbose=0, shuffle=False).history["loss"]
    assert losses[0] == losses[1] == pytest.approx(model.evaluate(X, Y, verbose=0)) and not any(changed(model, before))
