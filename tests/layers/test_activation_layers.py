"""ReLU, LeakyReLU, ELU, Softmax and PReLU as layers, and GLU, which halves its units: anywhere in a network."""

import copy
import pickle

import numpy as np
import pytest

import fastbp
import oracle
from fastbp import Dense, Input, Sequential, activations
from fastbp.engine.buffers import GROUPS
from fastbp.layers import ELU, Activation, Layer, LeakyReLU, PReLU, ReLU, Softmax
from gradcheck import central_differences, relative_error

X = np.random.default_rng(0).normal(size=(75, 6))
Y = np.random.default_rng(1).random((75, 3))
uniform = fastbp.initializers.RandomUniform(-0.2, 0.6, seed=1)


def model_of(*layers, dtype="float64", loss="mse", optimizer="adam", inputs=6):
    model = Sequential([Input((inputs,)), *map(copy.deepcopy, layers)], seed=4, dtype=dtype)
    model.compile(optimizer, loss)
    return model


def learnt(model, threads=None, x=X, y=Y, batch=16):
    history = model.fit(x, y, batch, 3, 0, threads=threads)
    return [*history.history["loss"], *(w for w in model.get_weights()), model.predict(x)]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


# ------------------------------------------------------------------------------------------- layers without weights

PAIRS = [
    (ReLU(), "relu"),
    (
        ReLU(max_value=0.4, negative_slope=0.1, threshold=0.05),
        activations.relu(negative_slope=0.1, max_value=0.4, threshold=0.05),
    ),
    (ReLU(6), activations.relu(max_value=6)),
    (LeakyReLU(), activations.leaky_relu(0.3)),
    (LeakyReLU(0.1), activations.leaky_relu(0.1)),
    (LeakyReLU(alpha=0.1), activations.leaky_relu(0.1)),
    (ELU(), "elu"),
    (ELU(alpha=0.5), activations.elu(0.5)),
    (Softmax(), "softmax"),
    (Softmax(axis=1), "softmax"),
]


@pytest.mark.parametrize(("layer", "activation"), PAIRS, ids=repr)
def test_a_layer_has_the_bits_of_the_activation(layer, activation):
    apart, within = model_of(Dense(20), layer, Dense(3)), model_of(Dense(20, activation), Dense(3))
    assert same(learnt(apart), learnt(within))
    assert activations.get(activation).name == apart.layers[1].output_activation


def test_names():
    layers = [Dense(4), ReLU(), ReLU(), LeakyReLU(), ELU(), PReLU(), Softmax(name="last")]
    names = ["dense", "re_lu", "re_lu_1", "leaky_re_lu", "elu", "p_re_lu", "last"]
    assert [layer.name for layer in model_of(*layers).layers] == names


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: ReLU(-1.0), "max_value must be a finite number of at least 0, got -1"),
        (lambda: ReLU(negative_slope=None), "negative_slope must be a finite number of at least 0, got None"),
        (lambda: ReLU(threshold=-0.1), "threshold must be .* at least 0, got -0.1"),
        (lambda: LeakyReLU(-1.0), "negative_slope must be .* at least 0, got -1"),
        (lambda: LeakyReLU(alpha=-1.0), "negative_slope must be .* at least 0, got -1"),
        (lambda: ELU(alpha="x"), "alpha must be a finite number.*'x'"),
        (lambda: Softmax(axis=0), "axis must be -1.*got 0"),
        (lambda: PReLU("zeroes"), "alpha_initializer.*Did you mean 'zeros'"),
        (lambda: PReLU(shared_axes=[1]), r"shared_axes must be None.*got \[1\]"),
        (lambda: PReLU(name=3), "name must be a string"),
    ],
)
def test_what_is_refused(make, text):
    with pytest.raises((TypeError, ValueError), match=text):
        make()


@pytest.mark.parametrize("layer", [ReLU(6.0, 0.1), LeakyReLU(), ELU(0.5), Softmax(), PReLU(), PReLU(uniform)], ids=repr)
def test_equal_and_copied(layer):
    config = layer.get_config()
    assert isinstance(layer, Layer) and pickle.loads(pickle.dumps(layer)).get_config() == config
    assert type(layer).from_config(config).get_config() == config


# ------------------------------------------------------------------------------------------------- PReLU and GLU

GLU = Activation("glu")
STACKS = {
    "prelu": [Dense(20), PReLU(uniform), Dense(3)],
    "prelu first": [PReLU(uniform), Dense(20, "tanh"), Dense(3)],
    "prelu last": [Dense(20, "tanh"), Dense(3), PReLU(uniform)],
    "prelu alone": [PReLU(uniform), Dense(3, use_bias=False)],
    "prelu twice": [Dense(17, "gelu"), PReLU(uniform), PReLU("ones"), Dense(3)],
    "prelu upon whole rows": [Dense(17, "log_softmax"), PReLU(uniform), Dense(3)],
    "wide prelu": [Dense(133), PReLU(uniform), Dense(3)],
    "prelu of one unit": [Dense(1), PReLU(uniform), Dense(3)],
    "prelu upon a formula": [Dense(7, lambda z: np.log(z * z)), PReLU(uniform), Dense(3)],
    "glu": [Dense(20, "glu"), Dense(3)],
    "glu first": [GLU, Dense(5, "tanh"), Dense(3)],
    "glu last": [Dense(20, "tanh"), Dense(6, "glu")],
    "odd halves": [Dense(34, "glu"), Dense(3)],
    "wide halves": [Dense(70, "tanh"), GLU, Dense(3)],
    "glu upon glu": [Dense(28, "glu"), GLU, Dense(3)],
    "glu upon prelu": [Dense(20), PReLU(uniform), GLU, PReLU(uniform), Dense(3)],
    "log_softmax": [Dense(5, "log_softmax"), Dense(3, "log_softmax")],
    "sparsemax": [Dense(5, "sparsemax"), Activation("mish"), Dense(3, "sparsemax")],
}


def outputs(model, weights, x):
    """The network's outputs in plain NumPy."""
    weights, values = iter(weights), x
    for layer in model.layers:
        if isinstance(layer, PReLU):
            values = oracle.prelu(values, next(weights))
            continue
        if isinstance(layer, Dense):
            values = values @ next(weights) + (next(weights) if layer.use_bias else 0)
        formula = layer.activation.function
        values = formula(values) if formula else oracle.activate({"activation": layer.activation.name}, values)
    return values


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("rows", [1, 19])
def test_gradients_against_plain_numpy(stack, rows):
    model, x, y = model_of(*STACKS[stack]), X[:rows], Y[:rows]
    weights = model.get_weights()
    value, gradients = model.value_and_gradient(x, y)
    loss = lambda *weights: ((outputs(model, weights, x) - y) ** 2).mean()  # noqa: E731
    assert value == pytest.approx(loss(*weights), rel=1e-12)
    expected = central_differences(loss, weights)
    whole = np.sqrt(sum((g**2).sum() for g in expected))
    for found, wanted in zip(gradients, expected, strict=True):
        assert relative_error(found, wanted, floor=1e-3 * whole) < 1e-6
    assert fastbp.check_gradients(model, x, y, max_entries=20)


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predictions_and_the_gradient_of_the_input(stack, dtype):
    model = model_of(*STACKS[stack], dtype=dtype)
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    x = X.astype(dtype)
    weights = [w.astype(np.float64) for w in model.get_weights()]
    expected = outputs(model, weights, x.astype(np.float64))
    assert model.predict(x) == pytest.approx(expected, rel=tolerance, abs=tolerance)
    assert np.array_equal(model.forward(x), model.predict(x))
    if dtype == "float64":
        x, dy = X[:9], np.random.default_rng(2).normal(size=(9, 3))
        (wanted,) = central_differences(lambda x: (dy * outputs(model, weights, x)).sum(), [x])
        model.forward(x)
        assert relative_error(model.backward(dy), wanted) < 2e-6


@pytest.mark.parametrize("stack", STACKS)
def test_the_same_bits_for_any_number_of_threads(stack):
    first = learnt(model_of(*STACKS[stack]), 1)
    for threads in (2, 3, 8):
        assert same(first, learnt(model_of(*STACKS[stack]), threads))


@pytest.mark.parametrize("stack", ["prelu", "wide prelu", "glu", "glu upon prelu", "prelu first"])
def test_a_large_batch_is_cut_into_groups(stack):
    """The same gradient as a batch that is kept whole, and the same bits for any number of threads."""
    rows = 20011
    x = np.random.default_rng(3).normal(size=(rows, 6))
    y = np.random.default_rng(4).random((rows, 3))
    model = model_of(*STACKS[stack])
    weights = model.get_weights()
    value, gradients = model.value_and_gradient(x, y)
    assert any(plan.fields[fastbp.engine.buffers.at.GROUPS] == GROUPS for plan in model._engine._plans._plans.values())
    parts = [model.value_and_gradient(x[i : i + 500], y[i : i + 500]) for i in range(0, rows, 500)]
    sizes = [min(500, rows - i) for i in range(0, rows, 500)]
    assert value == pytest.approx(np.average([v for v, _ in parts], weights=sizes))
    for k, found in enumerate(gradients):
        assert found == pytest.approx(np.average([g[k] for _, g in parts], axis=0, weights=sizes), rel=1e-9, abs=1e-13)
    results = []
    for threads in (1, 3):
        model.set_weights(weights)
        model.compile("adam", "mse")
        results.append(learnt(model, threads, x, y, batch=rows))
    assert same(*results)


RULES = ["sgd", fastbp.SGD(0.1, momentum=0.9), "rmsprop", "adagrad", "adam", "adamw", "nadam"]


@pytest.mark.parametrize("optimizer", RULES, ids=lambda rule: getattr(rule, "name", rule))
def test_slopes_are_updated_as_all_other_weights(optimizer):
    """One step on the slopes is what the same optimizer does along the same gradient."""
    model = model_of(Dense(20), PReLU(uniform), Dense(3), optimizer=optimizer)
    twin = model_of(Dense(20), PReLU(uniform), Dense(3), optimizer=optimizer)
    for _ in range(3):
        _, gradients = twin.value_and_gradient(X, Y)
        twin.apply_gradients(gradients)
    model.fit(X, Y, len(X), 3, 0, shuffle=False)
    for one, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        assert one == pytest.approx(other, rel=1e-12, abs=1e-15)
    dense = model_of(Dense(20, use_bias=False), optimizer=optimizer, inputs=1)  # its kernel is a row too
    slopes = model_of(Dense(20), PReLU(uniform), Dense(3), optimizer=optimizer)
    start, gradient = slopes.get_weights(), np.random.default_rng(5).normal(size=20)
    dense.set_weights([start[2][None]])
    for _ in range(3):
        dense.apply_gradients([gradient[None]])
        slopes.apply_gradients([gradient if k == 2 else np.zeros_like(w) for k, w in enumerate(start)])
    assert np.array_equal(dense.get_weights()[0][0], slopes.get_weights()[2])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_glu_and_prelu_of_large_arguments(dtype):
    """No NaN, and what a closed gate hides has no derivative."""
    gate, slope = (model_of(Dense(2, *last), inputs=2, dtype=dtype) for last in (["glu"], []))
    slope.add(PReLU("ones"))
    slope.compile("sgd", "mse")
    for model in (gate, slope):
        model.set_weights([np.eye(2), np.zeros(2), *([np.array([0.5, 2.0])] if model is slope else [])])
    z = np.array([[a, b] for a in (-1e4, 0.0, 1e4) for b in (-1e4, 0.0, 1e4)], dtype)
    assert gate.forward(z) == pytest.approx(oracle.glu(z.astype(float)), rel=1e-6)
    assert gate.backward(np.ones((9, 1))) == pytest.approx(oracle.glu_backward(z.astype(float), np.ones((9, 1))), rel=1e-6)
    assert slope.forward(z) == pytest.approx(oracle.prelu(z.astype(float), np.array([0.5, 2.0])), rel=1e-6)
    expected, gradient = oracle.prelu_backward(z.astype(float), np.array([0.5, 2.0]), np.ones((9, 2)))
    assert slope.backward(np.ones((9, 2))) == pytest.approx(expected, rel=1e-6)
    assert slope.gradients[-1] == pytest.approx(gradient, rel=1e-6)


def test_prelu_learns_the_slope_of_the_data():
    x = np.random.default_rng(6).normal(size=(400, 3))
    y = oracle.prelu(x, np.array([0.5, -0.25, 2.0]))
    model = Sequential([Input((3,)), PReLU()], seed=0)
    model.compile(fastbp.Adam(0.05), "mse")
    model.fit(x, y, epochs=60, verbose=0)
    assert model.get_weights()[0] == pytest.approx([0.5, -0.25, 2.0], abs=1e-3)


def test_weights_go_in_and_out_and_stay_in_copies():
    model = model_of(Dense(20), PReLU(), Dense(3))
    assert model.count_params() == 6 * 20 + 20 + 20 + 20 * 3 + 3
    weights = [np.random.default_rng(7).normal(size=w.shape) for w in model.get_weights()]
    model.set_weights(weights)
    assert same(model.get_weights(), weights)
    model.fit(X, Y, verbose=0)
    copy = pickle.loads(pickle.dumps(model))
    assert same(learnt(model), learnt(copy))


def test_a_summary():
    lines = []
    model_of(Dense(8, "glu"), PReLU(), Dense(3), ReLU(6.0)).summary(lines.append)
    assert [line.split() for line in lines[2:-1]] == [
        ["dense", "(Dense)", "(None,", "4)", "glu", "56"],
        ["p_re_lu", "(PReLU)", "(None,", "4)", "prelu", "4"],
        ["dense_1", "(Dense)", "(None,", "3)", "linear", "15"],
        ["re_lu", "(ReLU)", "(None,", "3)", "relu", "0"],
    ]


def test_an_odd_number_of_units_has_no_halves():
    with pytest.raises(ValueError, match="pairs of units.*got 3"):
        model_of(Dense(3), GLU)


@pytest.mark.parametrize("rows", [75, 20011])  # a batch that is kept whole, and one that is cut into groups
@pytest.mark.parametrize("frozen", [(0,), (1,), (2,), (0, 2), (0, 1), (1, 2, 3)])
def test_frozen_layers(rows, frozen):
    """What learns moves as the gradient says, the rest keeps its bits, whatever the threads."""
    x, y = np.random.default_rng(3).normal(size=(rows, 6)), np.random.default_rng(4).random((rows, 3))
    results = []
    for threads in (1, 3):
        model = model_of(Dense(20, "glu"), PReLU(uniform), Dense(17), PReLU(uniform), Dense(3), optimizer=fastbp.SGD(0.1))
        start, (_, gradients) = model.get_weights(), model.value_and_gradient(x, y)
        for i in frozen:
            model.layers[i].trainable = False
        model.compile(fastbp.SGD(0.1), "mse")
        model.fit(x, y, rows, verbose=0, shuffle=False, threads=threads)
        results.append(model.get_weights())
        owners = [0, 0, 1, 2, 2, 3, 4, 4]
        for owner, before, gradient, after in zip(owners, start, gradients, results[-1], strict=True):
            if owner in frozen:
                assert np.array_equal(after, before)
            else:
                assert after - before == pytest.approx(-0.1 * gradient, rel=1e-6, abs=1e-12)
    assert same(*results)


def test_the_weights_of_a_layer():
    model = model_of(Dense(20), PReLU(uniform), Dense(3))
    layer = model.layers[1]
    assert layer.alpha.shape == (20,) and [w.name for w in layer.weights] == ["alpha"]
    layer.set_weights([np.arange(20.0)])
    assert np.array_equal(model.get_weights()[2], np.arange(20.0)) and np.array_equal(layer.get_weights()[0], np.arange(20.0))
    twin = fastbp.models.clone_model(model)
    assert [type(one) for one in twin.layers] == [type(one) for one in model.layers]
