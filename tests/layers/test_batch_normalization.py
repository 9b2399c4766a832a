"""BatchNormalization against plain NumPy, by differences, and far from 0."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastbp
import oracle_batch_norm as oracle
from batch_norm_networks import MSE, NORM, STACKS, activation, dense, engine_of, make_data, make_model, weights_of
from bridge import assert_gradients_agree, assert_weights_agree
from fastbp import Dense, Input, Sequential
from fastbp.layers import BatchNormalization
from gradcheck import central_differences, relative_error


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
    """Dense layers, activations and normalizations, one of them at least, in any order."""
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
    """In float32, whose spacing at 1e6 is 1/16: what is left of the data is normalized to its last digit."""
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
