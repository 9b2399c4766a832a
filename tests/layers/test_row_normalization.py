"""LayerNormalization, RMSNormalization and UnitNormalization: anywhere in a network, against plain NumPy, PyTorch and Keras."""

import copy
import json
import pickle

import numpy as np
import pytest

import fastbp
import oracle
import oracle_norm
from bridge import make_norm
from fastbp import Dense, Input, Sequential
from fastbp.engine.buffers import GROUPS
from fastbp.kernels import fields as at
from fastbp.layers import Activation, LayerNormalization, PReLU, RMSNormalization, UnitNormalization
from gradcheck import central_differences, relative_error
from networks import NORMS, describe

X = np.random.default_rng(0).normal(size=(75, 6))
Y = np.random.default_rng(1).random((75, 3))
spread = fastbp.initializers.RandomUniform(0.4, 1.6, seed=1)
small = fastbp.initializers.RandomUniform(-0.3, 0.3, seed=2)
LN = LayerNormalization(gamma_initializer=spread, beta_initializer=small)
KINDS = {"layer": LayerNormalization, "rms": RMSNormalization, "unit": UnitNormalization}
NAMES = {cls: kind for kind, cls in KINDS.items()}


def model_of(*layers, dtype="float64", loss="mse", optimizer="adam", inputs=6):
    model = Sequential([Input((inputs,)), *map(copy.deepcopy, layers)], seed=4, dtype=dtype)
    model.compile(optimizer, loss)
    return model


def learnt(model, threads=None, x=X, y=Y, batch=16):
    history = model.fit(x, y, batch, 3, 0, threads=threads)
    return [*history.history["loss"], *(w for w in model.get_weights()), model.predict(x)]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def described(layer):
    """A layer in the oracle's words."""
    norm = {"kind": NAMES[type(layer)], "epsilon": getattr(layer, "epsilon", None)}
    return norm | ({"scale": layer.scale, "center": layer.center} if isinstance(layer, LayerNormalization) else {})


def outputs(model, weights, x):
    """The network's outputs in plain NumPy."""
    weights, values = iter(weights), x
    for layer in model.layers:
        if type(layer) in NAMES:
            norm = described(layer)
            values = oracle_norm.forward(norm, [next(weights) for _ in oracle_norm.vectors_of(norm)], values)
            continue
        if isinstance(layer, PReLU):
            values = oracle.prelu(values, next(weights))
            continue
        if isinstance(layer, Dense):
            values = values @ next(weights) + (next(weights) if layer.use_bias else 0)
        formula = layer.activation.function
        values = formula(values) if formula else oracle.activate({"activation": layer.activation.name}, values)
    return values


# --------------------------------------------------------------------------------------------------- the oracle itself


@pytest.mark.parametrize("norm", NORMS, ids=describe)
def test_the_oracle_by_central_differences(norm):
    random = np.random.default_rng(0)
    x, dy = random.normal(size=(5, 4)), random.normal(size=(5, 4))
    vectors = [random.normal(size=4) for _ in oracle_norm.vectors_of(norm)]
    dx, gradients = oracle_norm.backward(norm, vectors, x, dy)
    arrays = [x, *vectors]
    expected = central_differences(lambda x, *v: (dy * oracle_norm.forward(norm, v, x)).sum(), arrays)
    for found, wanted in zip([dx, *gradients], expected, strict=True):
        assert relative_error(found, wanted) < 1e-7


@pytest.mark.parametrize("kind", ["layer", "rms"])
@pytest.mark.parametrize("units", [1, 2, 7, 8, 33, 300])
def test_as_pytorch_normalizes(kind, units):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(units)
    x, dy, gamma, beta = (random.normal(size=shape) for shape in ((9, units), (9, units), units, units))
    layer = KINDS[kind](epsilon=1e-3)
    layer.build((None, units))
    model = Sequential([Input((units,)), layer], dtype="float64")
    model.set_weights([gamma, beta] if kind == "layer" else [gamma])
    tensors = [torch.tensor(array, requires_grad=True) for array in (x, gamma, beta)]
    if kind == "layer":
        expected = torch.nn.functional.layer_norm(tensors[0], (units,), *tensors[1:], 1e-3)
    else:
        expected = torch.nn.functional.rms_norm(tensors[0], (units,), tensors[1], 1e-3)
    expected.backward(torch.tensor(dy))
    assert model.forward(x) == pytest.approx(expected.detach().numpy(), rel=1e-12, abs=1e-14)
    assert model.backward(dy) == pytest.approx(tensors[0].grad.numpy(), rel=1e-10, abs=1e-12)
    for found, tensor in zip(model.gradients, tensors[1:], strict=False):
        assert found == pytest.approx(tensor.grad.numpy(), rel=1e-11, abs=1e-13)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras's calls of NumPy
@pytest.mark.parametrize(
    ("kind", "settings"),
    [("layer", {}), ("layer", {"epsilon": 0.5, "scale": False}), ("layer", {"center": False}), ("rms", {}), ("unit", {})],
)
def test_as_keras_normalizes_and_trains(kind, settings):
    keras = pytest.importorskip("keras")
    name = KINDS[kind].__name__
    theirs = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(12), getattr(keras.layers, name)(**settings), keras.layers.Dense(3)]
    )
    ours = Sequential([Input((6,)), Dense(12), KINDS[kind](**settings), Dense(3)])
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    ours.set_weights(theirs.get_weights())
    x, y = X.astype("float32"), Y.astype("float32")
    assert ours.predict(x) == pytest.approx(theirs.predict(x, verbose=0), abs=1e-5)
    theirs.compile(keras.optimizers.SGD(0.1), "mse")
    ours.compile(fastbp.SGD(0.1), "mse")
    losses = theirs.fit(x, y, 25, 3, 0, shuffle=False).history["loss"]
    assert ours.fit(x, y, 25, 3, 0, shuffle=False).history["loss"] == pytest.approx(losses, rel=1e-4)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    for built in (False, True):
        config = getattr(keras.layers, name)(**settings).get_config() if not built else theirs.layers[1].get_config()
        own = KINDS[kind].from_config(json.loads(json.dumps({**config, "dtype": None}))).get_config()
        assert own.keys() == config.keys()
        assert {k: v for k, v in own.items() if not k.endswith("initializer")} == {
            k: v for k, v in {**config, "dtype": None}.items() if not k.endswith("initializer")
        }


# ------------------------------------------------------------------------------------------------ anywhere in a network

STACKS = {
    "between": [Dense(20, "tanh"), LN, Dense(3)],
    "before an activation": [Dense(20), LN, Activation("tanh"), Dense(3)],
    "before one whose derivative is kept": [Dense(20), LN, Activation("gelu"), Dense(3)],
    "before a formula": [Dense(20), LN, Activation(lambda z: np.sin(z)), Dense(3)],
    "before a softmax": [Dense(20), LN, Activation("softmax"), Dense(3)],
    "first": [LN, Dense(20, "tanh"), Dense(3)],
    "last": [Dense(20, "tanh"), Dense(3), LN],
    "last with an activation": [Dense(20, "tanh"), Dense(3), LN, Activation("sigmoid")],
    "twice": [Dense(17, "gelu"), LN, LN, Dense(3)],
    "all kinds": [Dense(17, "relu"), LN, UnitNormalization(), Dense(9), RMSNormalization(), Activation("gelu"), Dense(3)],
    "without weights": [Dense(17), LayerNormalization(scale=False, center=False), Activation("relu"), Dense(3)],
    "gamma alone": [Dense(17), LayerNormalization(center=False, gamma_initializer=spread), Dense(3)],
    "beta alone": [Dense(17), LayerNormalization(scale=False, beta_initializer=small), Dense(3)],
    "wide": [Dense(133), LN, Dense(3)],
    "of one unit": [Dense(1), LN, Dense(3)],
    "upon whole rows": [Dense(17, "log_softmax"), RMSNormalization(), Dense(3)],
    "upon a formula not finite in the padding": [Dense(7, lambda z: np.log(z * z)), LN, Dense(3)],
    "upon sigmoid": [Dense(9, "sigmoid"), RMSNormalization(), Dense(3)],
    "upon halves": [Dense(34, "glu"), UnitNormalization(), PReLU(small), Dense(3)],
}


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("rows", [1, 19])
def test_gradients_against_plain_numpy(stack, rows):
    model, x, y = model_of(*STACKS[stack]), X[:rows], Y[:rows]
    weights = model.get_weights()
    value, gradients = model.value_and_gradient(x, y)
    loss = lambda *weights: ((outputs(model, weights, x) - y) ** 2).mean()  # noqa: E731
    assert value == pytest.approx(loss(*weights), rel=1e-12)
    random, allowed = np.random.default_rng(5), 2e-6 * max(1.0, np.sqrt(sum((g**2).sum() for g in gradients)))
    for _ in range(4):
        along = [random.normal(size=w.shape) / np.sqrt(w.size) for w in weights]
        step = 1e-6
        ends = [loss(*(w + sign * step * d for w, d in zip(weights, along, strict=True))) for sign in (1, -1)]
        expected = (ends[0] - ends[1]) / (2 * step)
        assert sum((g * d).sum() for g, d in zip(gradients, along, strict=True)) == pytest.approx(expected, abs=allowed)
    assert fastbp.check_gradients(model, x, y, max_entries=20)


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predictions_and_the_gradient_of_the_input(stack, dtype):
    model = model_of(*STACKS[stack], dtype=dtype)
    tolerance = 1e-12 if dtype == "float64" else 5e-5
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


@pytest.mark.parametrize("stack", ["between", "before one whose derivative is kept", "all kinds", "first"])
def test_a_large_batch_is_cut_into_groups(stack):
    """The same gradient as a batch that is kept whole, and the same bits for any number of threads."""
    rows = 20011
    x, y = np.random.default_rng(3).normal(size=(rows, 6)), np.random.default_rng(4).random((rows, 3))
    model = model_of(*STACKS[stack])
    weights = model.get_weights()
    value, gradients = model.value_and_gradient(x, y)
    assert any(plan.fields[at.GROUPS] == GROUPS for plan in model._engine._plans._plans.values())
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


@pytest.mark.parametrize("rows", [75, 20011])
@pytest.mark.parametrize("frozen", [(0,), (1,), (0, 1, 2), (1, 3, 4)])
def test_frozen_layers(rows, frozen):
    """What learns moves as the gradient says, the rest keeps its bits, whatever the threads."""
    x, y = np.random.default_rng(3).normal(size=(rows, 6)), np.random.default_rng(4).random((rows, 3))
    results = []
    for threads in (1, 3):
        model = model_of(Dense(20, "tanh"), LN, Dense(17), LN, Dense(3), optimizer=fastbp.SGD(0.1))
        start, (_, gradients) = model.get_weights(), model.value_and_gradient(x, y)
        for i in frozen:
            model.layers[i].trainable = False
        model.compile(fastbp.SGD(0.1), "mse")
        model.fit(x, y, rows, verbose=0, shuffle=False, threads=threads)
        results.append(model.get_weights())
        for i, (before, gradient, after) in enumerate(zip(start, gradients, results[-1], strict=True)):
            if i // 2 in frozen:
                assert np.array_equal(after, before)
            else:
                assert after - before == pytest.approx(-0.1 * gradient, rel=1e-6, abs=1e-12)
    assert same(*results)


@pytest.mark.parametrize("loss", ["binary_crossentropy", "mse"])
def test_a_last_activation_and_its_loss(loss):
    """Sigmoid upon a normalization: the loss is one of logits, and predictions still go through it."""
    y = (Y > 0.5) * 1.0
    model = model_of(Dense(9), Dense(3), LN, Activation("sigmoid"), loss=loss)
    p = outputs(model, model.get_weights(), X)
    expected = {"mse": ((p - y) ** 2).mean(), "binary_crossentropy": -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()}
    assert model.evaluate(X, y, verbose=0) == pytest.approx(expected[loss])
    assert model.predict(X) == pytest.approx(p)
    assert fastbp.check_gradients(model, X, y)
    model.set_weights([w * 400 if i == 4 else w for i, w in enumerate(model.get_weights())])  # gamma: as sure as can be
    assert np.isfinite(model.evaluate(X, y, verbose=0))


def test_an_activation_after_it_is_done_with_it():
    model = model_of(Dense(20), LN, Activation("tanh"), LN, Activation("softmax"), Dense(3))
    kinds = [(stage.kind, stage.activation.name) for stage in model._need_engine("x").stages]
    assert kinds[:4] == [
        (at.DENSE, "linear"),
        (at.LAYER_NORM, "tanh"),
        (at.LAYER_NORM, "linear"),
        (at.WHOLE_ROWS, "softmax"),
    ]


# ---------------------------------------------------------------------------------------------------- unusual numbers


def normalized(norm, rows, dtype):
    """Outputs, and gradients with respect to the rows of the sum of weighted outputs."""
    x = np.array(rows, dtype)
    model = Sequential([Input((x.shape[1],)), make_norm(norm)], dtype=dtype)
    if not model.weights:
        model.add(Activation("linear"))
        return model.layers[0](x), None
    dy = np.random.default_rng(0).normal(size=x.shape).astype(dtype)
    y = model.forward(x)
    return y, model.backward(dy)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("units", [1, 2, 5, 16, 300])
@pytest.mark.parametrize("value", [0.0, 0.1, -1e6, 1e30])
def test_equal_numbers_are_their_mean_exactly(value, units, dtype):
    """However large: no rounding of the mean is blown up."""
    y, dx = normalized({"kind": "layer"}, [[value] * units] * 6, dtype)
    assert not y.any()
    assert np.isfinite(dx).all()


@pytest.mark.parametrize("kind", ["layer", "rms", "unit"])
@pytest.mark.parametrize(("dtype", "scale"), [("float32", 1e30), ("float32", 3e37), ("float64", 1e300)])
@pytest.mark.parametrize("rows", [1, 7])
def test_numbers_too_large_to_be_squared(kind, dtype, scale, rows):
    x = np.random.default_rng(0).uniform(-1, 1, size=(rows, 21))
    y, dx = normalized({"kind": kind}, x * scale, dtype)
    expected = oracle_norm.forward({"kind": kind, "epsilon": 0.0, "scale": False, "center": False}, [], x)
    assert y == pytest.approx(expected, rel=1e-4 if dtype == "float32" else 1e-9, abs=1e-6)
    if dx is not None:
        assert np.isfinite(dx).all() and np.abs(dx).max() < 1000 / scale


@pytest.mark.parametrize("kind", ["layer", "rms", "unit"])
def test_a_row_is_not_changed_by_those_around_it(kind):
    """By none that is huge or not finite: it has the bits that it has alone."""
    x = np.random.default_rng(0).normal(size=(9, 21)).astype("float32")
    x[2], x[4, 3], x[5, 0] = x[2] * np.float32(1e30), np.nan, np.inf
    layer = KINDS[kind]()
    together = layer(x)
    for i in range(9):
        assert np.array_equal(layer(x[i : i + 1])[0], together[i], equal_nan=True)
        assert np.isnan(together[i]).all() == (i in (4, 5))


@pytest.mark.parametrize("offset", [1e3, 1e5])
def test_a_mean_far_from_zero(offset):
    """In float32 no more is lost than the mean's own rounding, times the factor."""
    x = (offset + np.random.default_rng(0).normal(size=(20, 300))).astype("float32")
    y, _ = normalized({"kind": "layer"}, x, "float32")
    expected = oracle_norm.forward({"kind": "layer", "scale": False, "center": False}, [], x.astype(float))
    assert y == pytest.approx(expected, abs=3e-6 + offset * 2**-24)


def test_what_is_too_short_for_a_length_of_1():
    x = np.array([[0.0, 0.0], [3e-13, 4e-13], [3e-5, 4e-5]])
    layer = UnitNormalization(dtype="float64")
    assert layer(x) == pytest.approx(np.array([[0, 0], [0.3, 0.4], [0.6, 0.8]]))


@pytest.mark.parametrize("norm", NORMS, ids=describe)
def test_training_with_inputs_that_are_not_finite_stops(norm):
    x = X.copy()
    x[3, 2] = np.nan
    model = Sequential([Input((6,)), make_norm(norm), Dense(3)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    with pytest.raises(fastbp.TrainingDiverged):
        model.fit(x, Y, verbose=0, check_finite=False)
    assert same(before, model.get_weights())


# --------------------------------------------------------------------------------------------------------- as objects


def test_names_weights_and_summary():
    model = model_of(Dense(8), LayerNormalization(), RMSNormalization(), UnitNormalization(), LayerNormalization(), Dense(3))
    names = [layer.name for layer in model.layers]
    assert names == [
        *("dense", "layer_normalization", "rms_normalization", "unit_normalization", "layer_normalization_1", "dense_1")
    ]
    assert [w.path for w in model.weights[2:7]] == [
        *("layer_normalization/gamma", "layer_normalization/beta", "rms_normalization/scale"),
        *("layer_normalization_1/gamma", "layer_normalization_1/beta"),
    ]
    first = model.layers[1]
    assert first.gamma.shape == first.beta.shape == model.layers[2].scale.shape == (8,)
    assert first.gamma.trainable and np.array_equal(first.gamma.numpy(), np.ones(8)) and not first.beta.numpy().any()
    bare = LayerNormalization(scale=False, center=False)
    assert bare.gamma is None and bare.beta is None and bare.weights == []
    lines = []
    model.summary(print_fn=lines.append)
    assert [line.split()[-1] for line in lines[2:8]] == ["56", "16", "8", "0", "16", "27"]
    assert model.count_params() == 56 + 16 + 8 + 16 + 27


@pytest.mark.parametrize("layer", [LN, LayerNormalization([1], 0.1, False), RMSNormalization(epsilon=0.5), UnitNormalization()])
def test_written_down_copied_and_cloned(layer):
    config = json.loads(json.dumps(layer.get_config()))
    assert type(layer).from_config(config).get_config() == layer.get_config()
    assert fastbp.layers.deserialize(fastbp.layers.serialize(layer)).get_config() == layer.get_config()
    model = model_of(Dense(9), layer, Activation("tanh"), Dense(3))
    model.fit(X, Y, verbose=0)
    assert same(learnt(pickle.loads(pickle.dumps(model))), learnt(copy.deepcopy(model)))
    clone = fastbp.models.clone_model(model)
    clone.set_weights(model.get_weights())
    read = fastbp.models.model_from_json(model.to_json())
    read.set_weights(model.get_weights())
    assert np.array_equal(clone.predict(X), model.predict(X)) and np.array_equal(read.predict(X), model.predict(X))


def test_in_functional_and_nested_models():
    inner = Sequential([Input((20,)), copy.deepcopy(LN), Activation("tanh")], dtype="float64", name="inner")
    x = Input((6,))
    model = fastbp.models.Model(x, Dense(3)(inner(Dense(20)(x))), dtype="float64", seed=4)
    model.compile("adam", "mse")
    flat = model_of(*STACKS["before an activation"])
    flat.set_weights(model.get_weights())
    assert same(learnt(model), learnt(flat))
    assert same(inner.get_weights(), model.get_weights()[2:4])


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: LayerNormalization(axis=0), ValueError, "axis must be -1.*got 0"),
        (lambda: LayerNormalization(axis=[1, 2]), ValueError, r"axis must be -1.*got \[1, 2\]"),
        (lambda: RMSNormalization(axis=True), ValueError, "axis must be -1.*got True"),
        (lambda: UnitNormalization(axis=None), ValueError, "axis must be -1.*got None"),
        (lambda: LayerNormalization(epsilon=-1.0), ValueError, "epsilon must be .* at least 0, got -1"),
        (lambda: RMSNormalization(epsilon="x"), TypeError, "epsilon must be a finite number.*'x'"),
        (lambda: LayerNormalization(center=1), TypeError, "center must be True or False, got 1"),
        (lambda: LayerNormalization(gamma_initializer="onez"), ValueError, "gamma_initializer.*Did you mean"),
        (lambda: LayerNormalization(rms_scaling=True), ValueError, "rms_scaling must be False.*RMSNormalization"),
        (lambda: LayerNormalization(eps=1e-3), TypeError, "eps"),
        (lambda: Sequential([Input((2, 3)), LayerNormalization(), Dense(2)]), ValueError, "Flatten"),
    ],
)
def test_what_is_refused(make, error, text):
    with pytest.raises(error, match=text):
        make()
