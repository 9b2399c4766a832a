"""Models with feedback: what follows from the seed, what copies keep, the angles, and that they learn."""

import copy
import json
import math
import pickle

import numpy as np
import pytest

import fastbp
import oracle
import oracle_feedback
from fastbp import Dense, Input, Model, Sequential, losses
from fastbp.layers import (
    Activation,
    AlphaDropout,
    BatchNormalization,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    LayerNormalization,
    PReLU,
    RMSNormalization,
    UnitNormalization,
)
from fastbp.models.feedback import angle

KINDS = ["alignment", "direct", "sign"]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 6)).astype("float32")
Y = np.sin(X[:, :2] + X[:, 2:4] * X[:, 4:])


BETWEEN = [
    lambda: Dropout(0.3),
    lambda: GaussianNoise(0.1),
    lambda: GaussianDropout(0.2),
    lambda: AlphaDropout(0.2),
    BatchNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
    PReLU,
    lambda: Activation("softmax"),
]


def make(feedback, seed=0, **settings):
    model = Sequential([Input((6,)), Dense(20, "tanh"), Dense(9, "relu"), Dense(2)], seed=seed, feedback=feedback, **settings)
    model.compile(fastbp.SGD(0.05), "mse")
    return model


def bits(model):
    return [w.tobytes() for w in model.get_weights()]


def fitted(model, epochs=3):
    model.fit(X, Y, epochs=epochs, batch_size=32, verbose=0)
    return model


def matrices(model):
    model._need_engine("")
    return model._feedback_matrices


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_and_the_angles_are_the_oracles(kind):
    model = make(kind, dtype="float64")
    network = [{"activation": name} for name in ("tanh", "relu", "linear")]
    before, loss = model.get_weights(), {"name": "mean_squared_error"}
    value, updates = oracle_feedback.value_and_updates(kind, matrices(model), network, before, loss, X, Y)
    _, gradients = oracle.value_and_gradient(network, before, loss, X, Y)
    assert [g for g in model.value_and_gradient(X, Y)[1]] == [pytest.approx(g) for g in gradients]
    wanted = {
        f"dense{'_' * (i > 0)}{i or ''}": oracle_feedback.angle(updates[2 * i : 2 * i + 2], gradients[2 * i : 2 * i + 2])
        for i in range(3)
    }
    angles = model.gradient_angles(X, Y)
    assert angles == pytest.approx(wanted, abs=1e-5) and angles["dense_2"] == 0
    assert 5 < angles["dense"] < 175 and 5 < angles["dense_1"] < 175
    assert model.train_on_batch(X, Y) == pytest.approx(value)
    assert [b - w for b, w in zip(before, model.get_weights(), strict=True)] == [pytest.approx(0.05 * u) for u in updates]


def test_angles_of_backpropagation_are_zero():
    assert make(None).gradient_angles(X, Y) == {"dense": 0.0, "dense_1": 0.0, "dense_2": 0.0}


def test_angles_of_a_step_with_noise():
    """Both ways meet the same noise, which changes what is learnt."""

    def angles(feedback, training):
        model = Sequential(
            [Input((6,)), Dense(20, "tanh"), Dropout(0.5), Dense(9, "relu"), Dense(2)], seed=0, feedback=feedback
        )
        model.compile("sgd", "mse")
        return model.gradient_angles(X, Y, training=training)

    assert angles(None, True) == {"dense": 0.0, "dense_1": 0.0, "dense_2": 0.0}
    assert angles("sign", True) == angles("sign", True) != angles("sign", False)


@pytest.mark.parametrize("kind", KINDS)
def test_seeds_and_threads(kind):
    assert bits(fitted(make(kind))) == bits(fitted(make(kind)))
    assert bits(fitted(make(kind))) != bits(fitted(make(None)))
    if kind != "sign":
        assert not any(np.array_equal(a, b) for a, b in zip(matrices(make(kind)), matrices(make(kind, seed=1)), strict=True))
    found = set()
    for threads in (1, 2, 3):
        model = make(kind)
        model.fit(X, Y, epochs=2, batch_size=50, verbose=0, threads=threads)
        found.add(tuple(bits(model)))
    assert len(found) == 1


def test_a_global_seed():
    def first(feedback):
        fastbp.utils.set_random_seed(4)
        model = make(feedback, seed=None)
        return bits(model), feedback and [m.tobytes() for m in matrices(model)]

    assert first("alignment") == first("alignment")


@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_copies_go_on_with_the_same_matrices(kind, seed):
    """Whether they were drawn before or not."""
    for epochs in (0, 2):
        model = make(kind, seed)
        fitted(model, epochs) if epochs else None
        copies = [pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model)]
        wanted = bits(fitted(model))
        for other in copies:
            assert other.feedback == kind and bits(fitted(other)) == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_settings(kind):
    model = make(kind)
    again = Sequential.from_config(json.loads(json.dumps(model.get_config())))
    functional = Model(x := Input((6,)), Dense(2)(Dense(4, "tanh")(x)), feedback=kind)
    others = [again, fastbp.models.clone_model(model), fastbp.models.model_from_json(model.to_json())]
    others += [Model.from_config(functional.get_config()), fastbp.models.clone_model(functional)]
    assert [other.feedback for other in others] == [kind] * 5
    assert "feedback" not in make(None).get_config() and make(None).feedback is None
    clone = fastbp.models.clone_model(model, seed=0)
    assert all(np.array_equal(a, b) for a, b in zip(matrices(clone), matrices(model), strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_matrices(kind):
    """As large as the kernels are at first, whatever draws these, and of the shapes that the errors need."""
    given = ["he_normal", fastbp.initializers.RandomUniform(-3, 3, seed=1), "zeros"]
    layers = [Dense(units, "relu", kernel_initializer=draw) for units, draw in zip((200, 300, 100), given, strict=True)]
    model = Sequential([Input((50,)), *layers], seed=0, feedback=kind)
    found = matrices(model)
    assert [m.shape for m in found] == (
        [(50, 100), (200, 100), (300, 100)] if kind == "direct" else [(50, 200), (200, 300), (300, 100)]
    )
    sizes = [math.sqrt(2 / 50), 3 / math.sqrt(3), math.sqrt(2 / 400)]
    assert [np.sqrt(np.mean(m**2)) for m in found] == pytest.approx(sizes, rel=0.03)
    if kind == "sign":
        assert all((m == m[0, 0]).all() for m in found)
    else:
        assert all(abs(m.mean()) < 0.05 * size for m, size in zip(found, sizes, strict=True))
        assert not np.array_equal(found[1] if kind == "alignment" else None, model.get_weights()[2])


def test_the_error_of_a_gated_output_is_that_of_its_weighted_sums():
    model = Sequential([Input((6,)), Dense(5, "tanh"), Dense(8, "tanh"), Dense(4, "glu")], feedback="direct", seed=0)
    model.compile(fastbp.Adam(0.01), "mse")
    assert [m.shape for m in matrices(model)] == [(6, 4), (5, 4), (8, 4)]
    losses = fitted(model, 60).history.history["loss"]
    assert losses[-1] < 0.8 * losses[0] and model.gradient_angles(X, Y)["dense"] < 90


def test_classes_of_ones_own_are_read_as_before():
    class Stack(Sequential):
        def __init__(self, layers=None, name=None, dtype=None):
            super().__init__(layers, name=name, dtype=dtype)

    assert Stack.from_config(make(None).get_config()).count_params() == make(None).count_params()


def test_a_layer_more_draws_them_anew():
    model = make("direct")
    assert [m.shape[1] for m in matrices(model)] == [2, 2, 2]
    model.add(Dense(5))
    assert [m.shape[1] for m in matrices(model)] == [5, 5, 5, 5]
    model.pop()
    assert [m.shape[1] for m in matrices(model)] == [2, 2, 2]


@pytest.mark.parametrize("kind", KINDS)
def test_layers_of_all_kinds_and_models_within(kind):
    """All but dense layers send errors back as ever: with the kernels for matrices, the feedback is backpropagation."""
    dense = [] if kind == "direct" else [Dense(12), Dense(14, "glu")]  # one layer below the last: its matrix is of two errors
    inner = Sequential([PReLU(), *dense], name="inner", dtype="float64")
    layers = [Activation("tanh"), Dense(7, "gelu"), inner, Activation("softmax"), Dense(2, "log_softmax", name="last")]
    model = Sequential([Input((6,)), *layers], feedback=kind, seed=1, dtype="float64")
    model.compile("adam", "mse")
    angles = model.gradient_angles(X, Y)
    within = ["inner/p_re_lu"] if kind == "direct" else ["inner/p_re_lu", "inner/dense", "inner/dense_1"]
    assert list(angles) == ["dense", *within, "last"]
    assert angles["dense"] > 1 and angles["inner/p_re_lu"] > 1 and angles["last"] == 0
    assert fastbp.check_gradients(model, X[:20], Y[:20])
    kernels = [w for w in model.get_weights() if w.ndim == 2]
    model._drop_engine()
    model._feedback_matrices = [abs(k) if kind == "sign" else k for k in kernels]
    if kind == "direct":
        model._feedback_matrices[0] = np.zeros((6, 2))  # nothing learns below
    assert all(angle == 0 for angle in model.gradient_angles(X, Y).values())


@pytest.mark.parametrize("kind", ["alignment", "sign"])
@pytest.mark.parametrize("between", BETWEEN, ids=lambda make: type(make()).__name__)
def test_a_step_with_the_kernels_for_matrices_is_one_of_backpropagation(between, kind):
    """The same bits, noise and the penalties of layers included."""
    found = []
    for feedback in (None, kind):
        layers = [between(), Dense(20, "tanh", kernel_regularizer="l2"), between(), Dense(9, "relu"), between(), Dense(2)]
        model = Sequential([Input((6,)), *layers], seed=0, feedback=feedback)
        kernels = [layer.get_weights()[0] for layer in model.layers if isinstance(layer, Dense)]
        model._feedback_matrices = [abs(k) if kind == "sign" else k for k in kernels] if feedback else None
        model.compile("adam", "mse")
        model.train_on_batch(X, Y)
        found.append(bits(model))
    assert found[0] == found[1]


def test_direct_feedback_goes_through_batch_normalizations():
    """Below each dense layer comes the error of the output by its matrix, and from there down what backpropagation has."""
    layers = [Dense(5, "tanh"), BatchNormalization(), Dense(4, "tanh"), BatchNormalization(), Dense(2)]
    model = Sequential([Input((6,)), *layers], seed=0, dtype="float64", feedback="direct")
    model.compile(fastbp.SGD(0.5), "mse")
    W1, b1, g1, h1, _, _, W2, b2, g2, h2, _, _, W3, b3 = before = model.get_weights()
    _, M2, M3 = matrices(model)

    def normalize(a, gamma, beta):
        inverse = 1 / np.sqrt(a.var(0) + 0.001)
        normal = (a - a.mean(0)) * inverse
        return normal, gamma * inverse, gamma * normal + beta

    def back(delta, normal, factor):
        return factor * (delta - delta.mean(0) - normal * (delta * normal).mean(0))

    a1 = np.tanh(X @ W1 + b1)
    normal1, factor1, n1 = normalize(a1, g1, h1)
    a2 = np.tanh(n1 @ W2 + b2)
    normal2, factor2, n2 = normalize(a2, g2, h2)
    error = (n2 @ W3 + b3 - Y) / len(X)
    d2, d1 = error @ M3.T, error @ M2.T
    z2, z1 = back(d2, normal2, factor2) * (1 - a2**2), back(d1, normal1, factor1) * (1 - a1**2)
    wanted = [X.T @ z1, z1.sum(0), (d1 * normal1).sum(0), d1.sum(0), n1.T @ z2, z2.sum(0)]
    wanted += [(d2 * normal2).sum(0), d2.sum(0), n2.T @ error, error.sum(0)]
    model.train_on_batch(X, Y)
    moved = [(b - w) / 0.5 for b, w in zip(before, model.get_weights(), strict=True)]
    learnt = [moved[i] for i in (0, 1, 2, 3, 6, 7, 8, 9, 12, 13)]
    assert learnt == [pytest.approx(g, rel=1e-6, abs=1e-9) for g in wanted]


def test_the_last_weights_are_those_of_backpropagation_at_first():
    """Whatever the feedback: nothing lies between them and the error."""
    before = make(None, dtype="float64").get_weights()
    stepped = []
    for kind in (None, *KINDS):
        model = make(kind, dtype="float64")
        model.set_weights(before)
        model.train_on_batch(X, Y)
        stepped.append(model.get_weights())
    for found in stepped[1:]:
        assert [np.array_equal(a, b) for a, b in zip(found, stepped[0], strict=True)] == [False] * 4 + [True] * 2


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns(kind):
    """Weights align with the fixed matrices: the angle falls far below 90 degrees, and the loss nearly as far as else."""

    def trained(feedback):
        model = Sequential([Input((6,)), Dense(40, "tanh"), Dense(40, "tanh"), Dense(2)], seed=0, feedback=feedback)
        model.compile(fastbp.Adam(0.003), "mse")
        first = np.mean([a for a in model.gradient_angles(X, Y).values()][:2])
        return fitted(model, 200), first

    (plain, _), (model, first) = trained(None), trained(kind)
    losses = model.history.history["loss"]
    last = np.mean([a for a in model.gradient_angles(X, Y).values()][:2])
    assert losses[-1] < 0.1 * losses[0] and plain.history.history["loss"][-1] < losses[0] / 10
    assert last < 75 and (last < first or kind == "sign")


def test_frozen_layers_have_no_angle():
    model = make("alignment")
    model.layers[1].trainable = False
    model.compile("sgd", "mse")
    angles = model.gradient_angles(X, Y)
    assert math.isnan(angles["dense_1"]) and 0 < angles["dense"] < 180


@pytest.mark.parametrize(
    ("one", "other", "degrees"),
    [([3.0, 0.0], [1e-30, 0.0], 0), ([1.0, 0.0], [0.0, 7.0], 90), ([1.0, 0.0], [-2.0, 0.0], 180), ([1.0, 1.0], [1.0, 0.0], 45)],
)
def test_angle(one, other, degrees):
    assert angle([np.array(one)], [np.array(other)]) == pytest.approx(degrees)
    assert angle([np.array([1.0, 1e-9])], [np.array([1.0, 0.0])]) == pytest.approx(np.degrees(1e-9))
    assert math.isnan(angle([np.zeros(2)], [np.ones(2)]))


@pytest.mark.parametrize("value", ["aligment", "random", 1, True, ["direct"]])
def test_what_is_no_feedback(value):
    for call in (lambda: make(value), lambda: Model(x := Input((2,)), Dense(1)(x), feedback=value)):
        with pytest.raises((ValueError, TypeError), match="feedback must be one of"):
            call()


def test_an_uncompiled_model_has_no_angles():
    with pytest.raises(ValueError, match="compiled first"):
        Sequential([Input((6,)), Dense(2)], feedback="sign").gradient_angles(X, Y)


def test_a_custom_loss_goes_back_too():
    model = Sequential([Input((6,)), Dense(20, "tanh"), Dense(6)], seed=0, feedback="direct")
    model.compile(fastbp.Adam(0.01), losses.Quantile([0.1, 0.5, 0.9]))
    losses_of_epochs = fitted(model, 40).history.history["loss"]
    assert losses_of_epochs[-1] < 0.6 * losses_of_epochs[0]
