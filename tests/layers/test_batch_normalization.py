"""BatchNormalization: against plain NumPy, by differences, and what it must keep to as a part of the engine."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastbp
import oracle_batch_norm as oracle
from bridge import assert_gradients_agree, assert_weights_agree, make_activation, make_loss, make_optimizer
from fastbp import Dense, Input, Sequential
from fastbp.kernels import fields as at
from fastbp.layers import Activation, BatchNormalization
from gradcheck import central_differences, relative_error

MSE = {"name": "mean_squared_error"}
NORM, FREE = {"kind": "batch_norm", "momentum": 0.7}, {"kind": "batch_norm", "center": False, "scale": False}
FROZEN = {**NORM, "trainable": False}


def dense(activation="linear", **settings):
    return {"activation": activation, **settings}


def activation(name):
    return {"kind": "activation", "activation": name}


# Each with the widths of its dense layers; samples have 5 features.
STACKS = {
    "before the activation": ([dense(), NORM, activation("tanh"), dense()], (17, 3)),
    "without a bias": ([dense(use_bias=False), NORM, activation("relu"), dense()], (16, 3)),
    "after the activation": ([dense("gelu"), NORM, dense()], (20, 3)),
    "first": ([NORM, dense("tanh"), dense()], (17, 3)),
    "first and alone": ([NORM, dense()], (3,)),
    "last": ([dense("tanh"), dense(), NORM], (9, 3)),
    "last, with an activation": ([dense(), NORM, activation("sigmoid")], (3,)),
    "two in a row": ([dense(), NORM, {**NORM, "epsilon": 0.1}, activation("softplus"), dense()], (7, 3)),
    "upon whole rows": ([dense("softmax"), NORM, activation("softmax"), dense()], (9, 3)),
    "scale alone": ([dense(), {**NORM, "center": False}, activation("gelu"), dense()], (33, 3)),
    "center alone": ([dense(), {**NORM, "scale": False}, dense("tanh"), dense()], (5, 4, 3)),
    "neither": ([dense(), FREE, activation("tanh"), dense()], (17, 3)),
    "wide": ([dense(), NORM, activation("tanh"), dense(), NORM, activation("tanh"), dense()], (133, 70, 3)),
    "of one unit": ([dense("tanh"), dense(), NORM, dense()], (4, 1, 3)),
    "frozen": ([dense(), FROZEN, activation("gelu"), dense(), NORM, dense()], (17, 6, 3)),
    "below frozen layers": ([dense("tanh", trainable=False), NORM, dense(trainable=False)], (8, 3)),
}


def widths_in(network, widths, features=5):
    """The width of each layer's input."""
    found, widths = [features], iter(widths)
    for layer in network:
        found.append(next(widths) if layer.get("kind", "dense") == "dense" else found[-1])
    return found


def make_layer(layer, units):
    arguments = {key: value for key, value in layer.items() if key not in ("kind", "activation")}
    kind = layer.get("kind", "dense")
    if kind == "batch_norm":
        return BatchNormalization(**arguments)
    return Activation(make_activation(layer)) if kind == "activation" else Dense(units, make_activation(layer), **arguments)


def weights_of(network, widths, seed=0):
    random, weights = np.random.default_rng(seed), []
    sizes = widths_in(network, widths)
    for layer, inputs, units in zip(network, sizes, sizes[1:], strict=False):
        if layer.get("kind", "dense") == "dense":
            weights.append(random.normal(size=(inputs, units)) / np.sqrt(inputs))
            weights += [random.normal(size=units) * 0.3] if layer.get("use_bias", True) else []
        elif layer["kind"] == "batch_norm":
            learnt = layer.get("scale", True) + layer.get("center", True)
            weights += [random.normal(size=inputs) for _ in range(learnt + 1)] + [random.uniform(0.3, 2.0, inputs)]
    return weights


def make_model(network, widths, dtype="float64", optimizer=None, loss=MSE, seed=0):
    sizes = widths_in(network, widths)
    layers = [make_layer(layer, units) for layer, units in zip(network, sizes[1:], strict=True)]
    model = Sequential([Input((sizes[0],)), *layers], dtype=dtype, seed=seed)
    model.compile(make_optimizer(optimizer or {"name": "adam", "learning_rate": 0.01}), make_loss(loss))
    model.set_weights(weights_of(network, widths))
    return model


def make_data(rows, seed=1, units=3):
    random = np.random.default_rng(seed)
    return random.normal(size=(rows, 5)) + 1, random.random((rows, units))


def engine_of(model):
    return model._need_engine("the test")


# ------------------------------------------------------------------------------------------------ against plain NumPy


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("rows", [1, 2, 19, 300])
@pytest.mark.parametrize("training", [False, True])
def test_gradients_against_the_oracle(stack, rows, training):
    network, widths = STACKS[stack]
    model, (x, y) = make_model(network, widths), make_data(rows)
    expected = oracle.value_and_gradient(network, model.get_weights(), MSE, x, y, training)
    before = model.get_weights()
    value, gradients = engine_of(model).value_and_gradient(x, y, training=training)
    assert value == pytest.approx(expected[0], rel=1e-12)
    assert_gradients_agree(gradients, expected[1], 1e-8 if rows < 3 else 1e-10)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))  # the moving ones too


@pytest.mark.parametrize("stack", [name for name in STACKS if "frozen" not in name])
def test_the_oracle_against_differences(stack):
    network, widths = STACKS[stack]
    weights, (x, y) = weights_of(network, widths), make_data(7)
    learnt = [w for w, learn in zip(weights, oracle.learns(network), strict=True) if learn]
    if sum(w.size for w in learnt) > 500:
        pytest.skip("too many weights for differences")
    for training in (False, True):

        def loss(*changed, training=training):
            rest = iter(changed)
            whole = [next(rest) if learn else w for w, learn in zip(weights, oracle.learns(network), strict=True)]
            return oracle.value_and_gradient(network, whole, MSE, x, y, training)[0]

        gradients = oracle.value_and_gradient(network, weights, MSE, x, y, training)[1]
        gradients = [g for g, learn in zip(gradients, oracle.learns(network), strict=True) if learn]
        for found, expected in zip(gradients, central_differences(loss, learnt), strict=True):
            assert relative_error(found, expected, floor=1e-2) < 1e-6


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_against_the_oracle(stack, dtype):
    """Some epochs whose last batch is smaller: weights, moving statistics, losses, predictions, evaluation."""
    network, widths = STACKS[stack]
    optimizer = {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9}
    model, (x, y) = make_model(network, widths, dtype, optimizer), make_data(43)
    start = model.get_weights()
    expected, losses = oracle.train(network, [w.astype(float) for w in start], MSE, optimizer, x, y, 16, 3)
    history = model.fit(x, y, 16, 3, 0, shuffle=False).history["loss"]
    tolerance = 1e-9 if dtype == "float64" else 2e-3
    assert history == pytest.approx(losses, rel=tolerance)
    assert_weights_agree(model.get_weights(), expected, start, tolerance)
    assert relative_error(model.predict(x), oracle.forward(network, expected, x)[0]) < tolerance
    assert model.evaluate(x, y, verbose=0) == pytest.approx(
        oracle.value_and_gradient(network, expected, MSE, x, y)[0], rel=tolerance
    )


@st.composite
def networks(draw):
    """Dense layers, activations and normalisations, one of them at least, in any order."""
    kinds = draw(st.lists(st.sampled_from(["dense", "norm", "activation"]), min_size=1, max_size=5))
    names = ["linear", "tanh", "gelu", "softplus", "softmax"]
    kinds.insert(draw(st.integers(0, len(kinds))), "norm")
    network = []
    for kind in [*kinds, "dense"]:
        learns = {"trainable": draw(st.sampled_from([True, True, False]))}
        if kind == "activation":
            network.append(activation(draw(st.sampled_from(names))))
        elif kind == "dense":
            network.append(dense(draw(st.sampled_from(names)), use_bias=draw(st.booleans()), **learns))
        else:
            network.append({"kind": "batch_norm", "center": draw(st.booleans()), "scale": draw(st.booleans()), **learns})
    return network, [draw(st.integers(2, 40)) for kind in kinds if kind == "dense"] + [3]


@settings(max_examples=40)
@given(networks(), st.integers(2, 70), st.integers(1, 3), st.integers(0, 1000))
def test_any_network(problem, rows, threads, seed):
    network, widths = problem
    optimizer = {"name": "sgd", "learning_rate": 0.02}
    model, (x, y) = make_model(network, widths, optimizer=optimizer), make_data(rows, seed)
    start = weights_of(network, widths, seed)
    model.set_weights(start)
    expected, losses = oracle.train(network, start, MSE, optimizer, x, y, 32, 2)
    assert model.fit(x, y, 32, 2, 0, shuffle=False, threads=threads).history["loss"] == pytest.approx(losses, rel=1e-6)
    assert_weights_agree(model.get_weights(), expected, start, 1e-5)
    assert model.predict(x) == pytest.approx(oracle.forward(network, expected, x)[0], rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("rows", [33, 1])  # of the last batch 1, whose variance is 0
def test_a_batch_of_one_row(rows):
    network, widths = STACKS["before the activation"]
    optimizer = {"name": "sgd", "learning_rate": 0.1}
    model, (x, y) = make_model(network, widths, optimizer=optimizer), make_data(rows)
    expected, _ = oracle.train(network, model.get_weights(), MSE, optimizer, x, y, 16, 2)
    start = model.get_weights()
    model.fit(x, y, 16, 2, 0, shuffle=False)
    assert_weights_agree(model.get_weights(), expected, start, 1e-9)


def test_weights_of_samples_do_not_count_in_the_statistics():
    network, widths = STACKS["after the activation"]
    optimizer, weight = {"name": "sgd", "learning_rate": 0.1}, np.random.default_rng(3).random(43)
    model, (x, y) = make_model(network, widths, optimizer=optimizer), make_data(43)
    start = model.get_weights()
    expected, _ = oracle.train(network, start, MSE, optimizer, x, y, 16, 2, weight)
    model.fit(x, y, 16, 2, 0, shuffle=False, sample_weight=weight)
    assert_weights_agree(model.get_weights(), expected, start, 1e-9)


@pytest.mark.parametrize(
    ("last", "loss", "y"),
    [
        ("sigmoid", "binary_crossentropy", lambda y: (y > 0.5) * 1.0),
        ("softmax", "categorical_crossentropy", lambda y: np.eye(3)[y.argmax(axis=1)]),
        ("softmax", "sparse_categorical_crossentropy", lambda y: y.argmax(axis=1)),
    ],
)
@pytest.mark.parametrize("threads", [1, 2])
def test_it_meets_the_loss(last, loss, y, threads):
    """As a last layer, or with the activation that the loss is fused with: however sure the network is, the loss is finite."""
    network, loss = [dense("tanh"), dense(), NORM, activation(last)], {"name": loss}
    optimizer = {"name": "sgd", "learning_rate": 0.1}
    model, (x, targets) = make_model(network, (8, 3), optimizer=optimizer, loss=loss), make_data(43)
    start = model.get_weights()
    expected, losses = oracle.train(network, start, loss, optimizer, x, y(targets), 16, 2)
    found = model.fit(x, y(targets), 16, 2, 0, shuffle=False, threads=threads).history["loss"]
    assert found == pytest.approx(losses, rel=1e-6)  # Keras clips probabilities
    assert_weights_agree(model.get_weights(), expected, start, 1e-5)
    weights = model.get_weights()
    weights[4] *= 1e3
    model.set_weights(weights)
    assert np.isfinite(model.evaluate(x, y(targets), verbose=0))


# --------------------------------------------------------------------------------------------------- numerical soundness


@pytest.mark.parametrize("n", [1, 3, 64, 1000, 20_000])
@pytest.mark.parametrize("mean", [0.0, 1e6, -3e4])
def test_values_far_from_zero(n, mean):
    """In float32, whose spacing at 1e6 is 1/16: what is left of the data is normalised to its last digit."""
    random = np.random.default_rng(0)
    x = (random.normal(size=(n, 5)) * [1, 3, 1, 2, 1] + mean).astype("float32")
    model = Sequential([Input((5,)), BatchNormalization(momentum=0.0, trainable=True)], seed=0)
    model.compile(fastbp.SGD(0.0), "mse")
    exact = x.astype(float)
    normal = (exact - exact.mean(axis=0)) / np.sqrt(exact.var(axis=0) + 1e-3)
    loss = model.fit(x, np.zeros_like(x), n, verbose=0).history["loss"][0]
    assert loss == pytest.approx((normal**2).mean(), rel=1e-5, abs=1e-12)
    _, gradients = engine_of(model).value_and_gradient(x, normal.astype("float32"), training=True)
    assert np.abs(gradients[1]).max() < 1e-6  # the targets are met in every unit
    _, _, moving_mean, moving_variance = model.get_weights()
    assert moving_mean == pytest.approx(exact.mean(axis=0), rel=1e-6, abs=1e-6)
    assert moving_variance == pytest.approx(exact.var(axis=0), rel=1e-5)


def test_a_first_row_far_from_the_others():
    x = np.random.default_rng(0).normal(size=(4000, 5)).astype("float32")
    x[0] = 1e5
    model = Sequential([Input((5,)), BatchNormalization(momentum=0.0)])
    model.compile(fastbp.SGD(0.0), "mse")
    model.fit(x, x, 4000, verbose=0)
    mean, variance = x.astype(float).mean(axis=0), x.astype(float).var(axis=0)
    assert model.get_weights()[3] == pytest.approx(variance, rel=1e-5)
    assert (np.abs(model.get_weights()[2] - mean) < 1e-5 * np.sqrt(variance)).all()


def test_a_constant_unit_is_0_whatever_epsilon():
    model = Sequential([Input((5,)), BatchNormalization(epsilon=0.0, momentum=0.5), Dense(3)], seed=0)
    model.compile("sgd", "mse")
    x, y = make_data(20)
    x[:, 2] = 7.0
    assert np.isfinite(model.fit(x, y, 8, 3, 0).history["loss"]).all()


def test_what_a_formula_gives_for_the_padding_does_not_leak():
    """log(z * z) of padding is infinite."""
    x, y = make_data(40)
    layers = [Dense(7, lambda z: np.log(z * z)), BatchNormalization(), Dense(3), BatchNormalization(), Dense(3)]
    model = Sequential([Input((5,)), *layers], seed=0, dtype="float64")
    model.compile("adam", "mse")
    losses = model.fit(x, y, 16, 5, 0).history["loss"]
    assert np.isfinite(losses).all() and losses[-1] < losses[0]
    value, gradients = engine_of(model).value_and_gradient(x, y)
    assert np.isfinite(value) and all(np.isfinite(g).all() for g in gradients)


# ------------------------------------------------------------------------------------------------------- the engine's rules


def learnt(stack, threads=None, dtype="float32", batch=16, rows=75, cut=None):
    network, widths = STACKS[stack]
    model, (x, y) = make_model(network, widths, dtype), make_data(rows)
    if cut is not None:
        model.fit(x, y, batch, 2, 0, threads=threads, callbacks=[fastbp.callbacks.LambdaCallback(on_batch_end=cut)])
    else:
        model.fit(x, y, batch, 2, 0, threads=threads)
    return [*model.get_weights(), model.predict(x), *map(np.float64, model.history.history["loss"])]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("stack", STACKS)
def test_the_same_bits_for_any_number_of_threads(stack):
    first = learnt(stack, 1)
    for threads in (2, 3, 8):
        assert same(first, learnt(stack, threads))


@pytest.mark.parametrize("threads", [2, 3])
def test_the_same_bits_for_any_number_of_threads_and_blocks(threads):
    assert same(learnt("wide", 1, batch=1000, rows=1700), learnt("wide", threads, batch=1000, rows=1700))


@pytest.mark.parametrize("threads", [1, 3])
def test_the_bits_of_one_call_when_batches_are_looked_at(threads):
    assert same(learnt("wide", threads), learnt("wide", threads, cut=lambda batch, logs: None))


@pytest.mark.parametrize("ranges", [[(0, 5)], [(0, 1), (1, 5)], [(i, i + 1) for i in range(5)]])
def test_ranges_of_steps_have_the_bits_of_one_call(ranges):
    whole, parts = (make_model(*STACKS["wide"], "float32") for _ in range(2))
    x, y = (a.astype("float32") for a in make_data(75))
    engine_of(whole).train_epoch(x, y, 16)
    for first, stop in ranges:
        engine_of(parts).train_steps(first, stop, [], x, y, 16)
        engine_of(parts).evaluate(x, y)
        engine_of(parts).forward(x[:16])
        engine_of(parts).value_and_gradient(x[:16], y[:16])
    assert same(whole.get_weights(), parts.get_weights())


def test_a_large_batch_is_kept_whole():
    """Without normalisation it is cut into groups: statistics are of all of it."""
    network, widths = STACKS["before the activation"]
    optimizer = {"name": "sgd", "learning_rate": 0.1}
    model, (x, y) = make_model(network, widths, optimizer=optimizer), make_data(10_001)
    start = model.get_weights()
    expected, _ = oracle.train(network, start, MSE, optimizer, x, y, 10_000, 1)
    model.fit(x, y, 10_000, 1, 0, shuffle=False, threads=2)
    assert_weights_agree(model.get_weights(), expected, start, 1e-9)
    for training in (False, True):  # the former in groups
        value, gradients = engine_of(model).value_and_gradient(x, y, training=training)
        expected = oracle.value_and_gradient(network, model.get_weights(), MSE, x, y, training)
        assert value == pytest.approx(expected[0])
        assert_gradients_agree(gradients, expected[1], 1e-10)


def test_validation_uses_the_moving_statistics():
    network, widths = STACKS["before the activation"]
    model, (x, y) = make_model(network, widths), make_data(43)
    history = model.fit(x, y, 16, 2, 0, validation_data=(x, y)).history
    assert history["val_loss"][-1] == model.evaluate(x, y, verbose=0)
    assert history["val_loss"][-1] == pytest.approx(oracle.value_and_gradient(network, model.get_weights(), MSE, x, y)[0])


def test_frozen_it_stays_as_it_is():
    network, widths = STACKS["before the activation"]
    model, (x, y) = make_model(network, widths), make_data(43)
    layer = model.layers[1]
    layer.trainable = False
    model.compile("adam", "mse")
    before = layer.get_weights()
    model.fit(x, y, 16, 2, 0)
    assert same(before, layer.get_weights()) and layer.trainable_weights == []
    layer.trainable = True
    model.compile("adam", "mse")
    model.fit(x, y, 16, 2, 0)
    assert not any(np.array_equal(a, b) for a, b in zip(before, layer.get_weights(), strict=True))


def test_freezing_in_the_engine():
    model, (x, y) = make_model(*STACKS["neither"]), make_data(43)
    engine, before = engine_of(model), model.get_weights()
    engine.set_trainable([True, False, True])
    engine.train_epoch(x, y, 16)
    assert same(before[2:4], engine.get_weights()[2:4])
    engine.set_trainable([False, True, False])  # nothing learns by a gradient, and yet the statistics move
    engine.train_epoch(x, y, 16)
    after = engine.get_weights()
    assert not np.array_equal(before[2], after[2]) and not np.array_equal(before[3], after[3])


def test_a_fit_that_diverges_leaves_the_statistics_too():
    model, (x, y) = make_model(*STACKS["before the activation"]), make_data(43)
    model.fit(x, y, 16, 1, 0)
    before = model.get_weights()
    x[20] = 1e200
    with pytest.raises(fastbp.TrainingDiverged):
        model.fit(x, y * np.inf, 16, 1, 0, check_finite=False)
    assert same(before, model.get_weights())


def test_a_snapshot_has_the_statistics():
    model, (x, y) = make_model(*STACKS["wide"]), make_data(43)
    engine = engine_of(model)
    engine.train_epoch(x, y, 16)
    snapshot, weights = engine.snapshot(), engine.copy_weights()
    first = engine.get_weights()
    engine.train_epoch(x, y, 16)
    second = engine.get_weights()
    engine.restore(snapshot)
    assert same(first, engine.get_weights())
    engine.train_epoch(x, y, 16)
    assert same(second, engine.get_weights())
    engine.restore_weights(weights)
    assert same(first, engine.get_weights())


FOLDED = {
    "before the activation": 3,
    "without a bias": 3,
    "two in a row": 3,
    "after the activation": 3,
    "wide": 3,
    "of one unit": 3,
    "first": 3,
    "upon whole rows": 5,
    "last, with an activation": 1,
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("stack", FOLDED)
def test_predictions_follow_every_change_of_the_weights(stack, dtype):
    """They come from a copy of the weights into which normalisations are folded."""
    network, widths = STACKS[stack]
    model, (x, y) = make_model(network, widths, dtype), make_data(43)
    engine = engine_of(model)
    if engine._folded is not None:
        assert len(engine._folded.plans.get(at.PREDICT_ONLY, 43, 1).table) <= FOLDED[stack]

    def check():
        expected = oracle.forward(network, [w.astype(float) for w in model.get_weights()], x)[0]
        predicted = model.predict(x)
        assert relative_error(predicted, expected) < (1e-11 if dtype == "float64" else 1e-5)
        assert relative_error(model.predict(x[:1]), expected[:1]) < (1e-11 if dtype == "float64" else 1e-5)
        assert np.array_equal(predicted, model.predict(x, threads=3))
        return predicted

    seen = [check()]
    snapshot, weights = engine.snapshot(), engine.copy_weights()
    engine.state.remember()
    changes = [
        lambda: model.fit(x, y, 16, 1, 0),
        lambda: model.train_on_batch(x, y),
        lambda: engine.train_steps(0, 1, [], x.astype(dtype), y.astype(dtype), 16),
        lambda: model.apply_gradients([np.ones_like(w) for w in model.get_weights()]),
        lambda: model.set_weights([w * 1.1 for w in model.get_weights()]),
        lambda: model.layers[0].set_weights([w * 0.9 for w in model.layers[0].get_weights()]),
        lambda: engine.restore(snapshot),
        lambda: model.fit(x, y, 16, 1, 0),
        lambda: engine.restore_weights(weights),
        lambda: model.fit(x, y, 16, 1, 0),
        lambda: engine.state.go_back(),
    ]
    for change in changes:
        change()
        seen.append(check())
        assert not np.array_equal(seen[-1], seen[-2])
    before = model.get_weights()
    engine.value_and_gradient(x.astype(dtype), y.astype(dtype))
    model.forward(x)
    assert np.array_equal(check(), seen[-1]) and same(before, model.get_weights())


def test_a_normalisation_is_not_folded_into_the_layer_above():
    """Data far from 0 would lose all digits that are left of them."""
    x = (np.random.default_rng(0).normal(size=(200, 5)) + 1e6).astype("float32")
    model = Sequential([Input((5,)), BatchNormalization(momentum=0.0), Dense(3)], seed=0)
    model.compile(fastbp.SGD(0.0), "mse")
    model.fit(x, np.zeros((200, 3)), 200, verbose=0)
    gamma, beta, mean, variance, kernel, bias = (w.astype(float) for w in model.get_weights())
    expected = (gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta) @ kernel + bias
    assert relative_error(model.predict(x), expected) < 1e-6


@pytest.mark.parametrize("stack", ["first", "two in a row", "last", "of one unit"])
def test_forward_and_backward_of_the_kept_batch(stack):
    network, widths = STACKS[stack]
    model, (x, y) = make_model(network, widths), make_data(19)
    output, tape = oracle.forward(network, model.get_weights(), x)
    assert model.forward(x) == pytest.approx(output) and model.predict(x) == pytest.approx(output)
    dx, gradients = oracle.backward(network, model.get_weights(), tape, y, False)
    assert relative_error(model.backward(y), dx) < 1e-10
    assert_gradients_agree(model.gradients, gradients, 1e-10)


def test_given_gradients_leave_the_statistics_alone():
    model, before = make_model(*STACKS["before the activation"], optimizer={"name": "adamw"}), None
    before = model.get_weights()
    model.apply_gradients([np.ones_like(w) for w in before])
    kept = [np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert kept == [False, False, False, False, True, True, False, False]


# --------------------------------------------------------------------------------------------------------------- the layer


def test_a_model_counts_what_learns_apart():
    model = Sequential([Input((2,)), Dense(3), BatchNormalization()])
    lines = []
    model.summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert "Total params: 21" in text and "Trainable params: 15" in text and "Non-trainable params: 6" in text
    assert [w.path for w in model.layers[1].non_trainable_weights] == [
        "batch_normalization/moving_mean",
        "batch_normalization/moving_variance",
    ]
    layer = model.layers[1]
    assert np.array_equal(layer.gamma, [1, 1, 1]) and np.array_equal(layer.moving_variance, [1, 1, 1])
    assert not np.any(layer.beta) and not np.any(layer.moving_mean)
    assert BatchNormalization(center=False, scale=False).gamma is None


def test_copies_go_on_alike():
    model, (x, y) = make_model(*STACKS["wide"]), make_data(43)
    model.fit(x, y, 16, 1, 0)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        other.fit(x, y, 16, 1, 0)
        clone = copy.deepcopy(model)
        clone.fit(x, y, 16, 1, 0)
        assert same(other.get_weights(), clone.get_weights())
    layer = BatchNormalization(momentum=0.5, gamma_initializer="zeros", center=False)
    assert BatchNormalization.from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"axis": 0}, "axis must be -1.*got 0"),
        ({"axis": 1.0}, "axis must be an integer"),
        ({"momentum": 1.5}, r"momentum must be a finite number in \[0, 1\], got 1.5"),
        ({"momentum": None}, "momentum must be"),
        ({"epsilon": -1e-3}, "epsilon must be a finite number of at least 0, got -0.001"),
        ({"center": 1}, "center must be True or False, got 1"),
        ({"scale": "yes"}, "scale must be True or False"),
        ({"gamma_initializer": "onez"}, "gamma_initializer.*Did you mean 'one'"),
        ({"synchronized": True}, "synchronized must be False, got True"),
        ({"renorm": True}, "renorm must be False, got True"),
        ({"momentm": 0.9}, "momentm"),
    ],
)
def test_what_is_refused(arguments, text):
    with pytest.raises((TypeError, ValueError), match=text):
        BatchNormalization(**arguments)


def test_samples_of_several_axes_are_flattened_first():
    with pytest.raises(ValueError, match="Flatten"):
        Sequential([Input((2, 3)), BatchNormalization(), Dense(3)])
