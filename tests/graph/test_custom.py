"""Losses and activations that are formulas of the user's own."""

import copy
import functools
import pickle

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Input, Sequential, TraceError, activations, losses
from fastbp.graph.codegen.bound import bind_loss
from fastbp.graph.codegen.row_graphs import trace_activation, trace_loss
from fastbp.graph.tracing.batch import MAX_UNROLLED_COLUMNS
from fastbp.kernels.simd.jit import compilations
from gradcheck import assert_close, central_differences, relative_error

DTYPES = ["float64", "float32"]
LEVELS = np.linspace(0.05, 0.95, 90)
ROUNDING = {"float64": 1e-13, "float32": 5e-6}


# ------------------------------------------------------------------------------------------------------------ losses


def quantile(y_true, y_pred, level=0.9):
    error = y_true - y_pred
    return np.maximum(level * error, (level - 1) * error)


def quantiles(y_true, y_pred):
    """Each output a quantile of one target: the levels are an array around the formula."""
    return quantile(y_true, y_pred, LEVELS[: y_pred.shape[-1]])


def gaussian_nll(y_true, y_pred):
    mean, log_sigma = y_pred[:, 0], y_pred[:, 1]
    return log_sigma + 0.5 * ((y_true[:, 0] - mean) * fastbp.exp(-log_sigma)) ** 2


def wide_nll(y_true, y_pred):
    """The same for many targets: the first half of the outputs are means."""
    half = y_pred.shape[-1] // 2
    mean, log_sigma = y_pred[:, :half], y_pred[..., half:]
    return fastbp.sum(log_sigma + 0.5 * ((y_true - mean) * np.exp(-log_sigma)) ** 2, axis=-1)


def tweedie(y_true, y_pred, power=1.5):
    """The deviance for a prediction of the mean's logarithm, less what does not depend on it."""
    return -y_true * np.exp((1 - power) * y_pred) / (1 - power) + np.exp((2 - power) * y_pred) / (2 - power)


def focal(y_true, y_pred, gamma=1.7):
    p = fastbp.sigmoid(y_pred)
    right = fastbp.where(y_true > 0.5, p, 1 - p)
    return -((1 - right) ** gamma) * np.log(right)


def cosine(y_true, y_pred):
    """Sums inside of a formula."""

    def unit(v):
        return v / fastbp.sqrt(fastbp.sum(v * v, axis=-1, keepdims=True) + 0.1)

    return -np.sum(unit(y_true) * unit(y_pred), axis=-1)


def standardised(y_true, y_pred):
    """A sum that needs a sum that needs a sum."""
    off = y_pred - y_pred.mean(axis=-1, keepdims=True)
    scale = fastbp.sqrt(fastbp.mean(off**2, axis=1, keepdims=True) + 0.3)
    return np.mean((y_true - off / scale) ** 2, axis=-1, keepdims=True)


def patchwork(y_true, y_pred):
    """All outputs, neighbouring ones and single ones, and a condition on each sample."""
    total = fastbp.sum(y_pred, axis=-1, keepdims=True)
    every = fastbp.mean(fastbp.where(total > 0, y_pred**2, 2 * y_pred) * y_true, axis=-1)
    return every + 0.3 * y_pred[:, -1] ** 2 + y_pred[:, 0] * fastbp.exp(-(y_true[:, 0] ** 2)) + y_pred[:, 0:2].sum(axis=-1) / 7


def total(y_true, y_pred):
    """The slope is the same for all outputs."""
    return fastbp.sum(y_pred, axis=-1) * 0.7


def means(y_true, y_pred):
    """Means over everything, as a loss may be written that is a single number."""
    return fastbp.mean((y_true - y_pred) ** 2) + 0.01 * np.mean(fastbp.abs(y_pred)) / 2 - 1


FORMULAS = [
    *((quantile, w, w) for w in (1, 6, 37)),
    *((quantiles, 1, w) for w in (3, 11, 90)),
    (gaussian_nll, 1, 2),
    *((wide_nll, w, 2 * w) for w in (1, 3, 10, 50)),
    *((tweedie, w, w) for w in (1, 12)),
    *((focal, w, w) for w in (1, 20)),
    *((cosine, w, w) for w in (2, 9, 64, 70)),
    *((standardised, w, w) for w in (3, 17, 101)),
    *((patchwork, w, w) for w in (2, 10, 70)),
    *((total, 1, w) for w in (1, 8, 64, 65)),
    *((means, w, w) for w in (1, 5, 33)),
]


def name_of(case):
    f, targets, units = case
    return f"{f.__name__}-{targets}-{units}"


def data(targets, samples=21, features=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(samples, features)), rng.uniform(0.1, 2, size=(samples, targets))


HIDDEN = (Dense(4, "tanh"),)


def model_of(units, loss, dtype="float64", hidden=HIDDEN, features=3, optimizer="sgd"):
    fresh = map(copy.deepcopy, hidden)  # a layer that several models hold has the same weights in all
    model = Sequential([Input((features,)), *fresh, Dense(units)], seed=1, dtype=dtype)
    model.compile(optimizer, loss)
    return model


def by_numpy(f, y_true, y_pred):
    """The same Python function on plain arrays."""
    return float(np.mean(f(y_true, y_pred)))


@pytest.mark.parametrize("case", FORMULAS, ids=name_of)
@pytest.mark.parametrize("dtype", DTYPES)
def test_value_is_that_of_the_function_on_arrays(case, dtype):
    f, targets, units = case
    x, y = data(targets, samples=53)
    model = model_of(units, f, dtype)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(by_numpy(f, y, model.predict(x).astype(float)), rel=ROUNDING[dtype])


@pytest.mark.parametrize("case", FORMULAS, ids=name_of)
def test_gradient_by_central_differences(case):
    f, targets, units = case
    x, y = data(targets)
    model = model_of(units, f)
    _, gradients = model.value_and_gradient(x, y)
    weights = model.get_weights()

    def value(*changed):
        model.set_weights(list(changed))
        return model.evaluate(x, y, verbose=0)

    for found, expected in zip(gradients, central_differences(value, weights), strict=True):
        assert relative_error(found, expected) < 1e-6
    model32 = model_of(units, f, "float32")
    model32.set_weights(weights)
    for found, expected in zip(model32.value_and_gradient(x, y)[1], gradients, strict=True):
        assert relative_error(found, expected) < 1e-5


def test_a_wrong_gradient_is_noticed():
    """The comparison above tells a loss from one that is a little steeper."""
    x, y = data(2)
    right = model_of(2, quantile).value_and_gradient(x, y)[1]
    wrong = model_of(2, lambda t, p: 1.00001 * quantile(t, p)).value_and_gradient(x, y)[1]
    assert all(relative_error(a, b) > 1e-6 for a, b in zip(right, wrong, strict=True))


TWINS = {
    "mse": lambda y, p: np.square(y - p),
    "mae": lambda y, p: fastbp.mean(abs(y - p), axis=-1),
    "log_cosh": lambda y, p: abs(y - p) + np.log1p(np.exp(-2 * abs(y - p))) - np.log(2),
    "huber": lambda y, p: fastbp.where(abs(y - p) <= 1, 0.5 * (y - p) ** 2, abs(y - p) - 0.5),
}


@pytest.mark.parametrize("name", TWINS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("units", [1, MAX_UNROLLED_COLUMNS, MAX_UNROLLED_COLUMNS + 1, 33])
def test_losses_written_as_formulas(name, dtype, units):
    built_in, own = model_of(units, name, dtype), model_of(units, TWINS[name], dtype)
    for samples in (1, 2, 17, 40):
        x, y = data(units, samples)
        loss, gradients = built_in.value_and_gradient(x, y)
        own_loss, own_gradients = own.value_and_gradient(x, y)
        assert own_loss == pytest.approx(loss, rel=10 * ROUNDING[dtype])
        assert_close(own_gradients, gradients, 10 * ROUNDING[dtype])


@pytest.mark.parametrize(("sizes", "batch"), [((5, 7, 3), 1), ((5, 7, 3), 32), ((3, 16, 1), 6000), ((4, 9, 12), 3001)])
def test_training_as_with_the_built_in_loss(sizes, batch):
    """Batches of one, whole ones with a short last one, and those so large that they are cut into groups."""
    features, hidden, units = sizes
    x, y = data(units, samples=100 if batch < 100 else 7000, features=features)
    settings = {"features": features, "hidden": (Dense(hidden, "tanh"),), "optimizer": "adam"}
    models = [model_of(units, loss, **settings) for loss in ("log_cosh", TWINS["log_cosh"])]
    histories = [model.fit(x, y, batch_size=batch, epochs=3, verbose=0).history["loss"] for model in models]
    assert histories[0] == pytest.approx(histories[1], rel=1e-10)
    assert_close(models[1].get_weights(), models[0].get_weights(), 1e-9)


@pytest.mark.parametrize("case", [(patchwork, 70, 70), (gaussian_nll, 1, 2), (quantile, 17, 17)], ids=name_of)
@pytest.mark.parametrize("batch", [45, 3000])
def test_same_bits_for_any_number_of_threads(case, batch):
    f, targets, units = case
    x, y = data(targets, samples=2 * batch + 7)

    def trained(threads):
        gauss = Dense(5, lambda z: fastbp.exp(-(z**2)))
        model = model_of(units, f, "float32", hidden=(gauss,), optimizer=fastbp.Adam(1e-3))
        history = model.fit(x, y, batch_size=batch, epochs=2, verbose=0, threads=threads)
        return [*model.get_weights(), np.array(history.history["loss"])]

    alone = trained(1)
    for threads in (2, 3):
        assert all(np.array_equal(a, b) for a, b in zip(alone, trained(threads), strict=True))


def test_what_holds_for_the_data_around_it():
    """Two columns of targets, the second of which weights the samples."""
    x, y = data(2, samples=40)

    def weighted(y_true, y_pred):
        return y_true[:, 1] * (y_true[:, 0] - y_pred[:, 0]) ** 2

    model = model_of(1, weighted)
    expected = np.mean(y[:, 1] * (y[:, 0] - model.predict(x)[:, 0]) ** 2)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-12)


def test_gaussian_nll_finds_the_noise():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=(4000, 1))
    sigma = 0.1 + 0.2 * (x[:, 0] > 0)
    model = Sequential([Dense(16, "tanh"), Dense(2)], seed=0)
    model.compile(fastbp.Adam(0.01), gaussian_nll)
    history = model.fit(x, x[:, 0] + sigma * rng.normal(size=4000), epochs=30, batch_size=64, verbose=0)
    assert set(history.history) == {"loss"} and history.history["loss"][-1] < history.history["loss"][0]
    mean, log_sigma = model.predict([[-0.5], [0.5]]).T
    assert mean == pytest.approx([-0.5, 0.5], abs=0.05)
    assert np.exp(log_sigma) == pytest.approx([0.1, 0.3], rel=0.15)


def test_quantile_has_its_share_below():
    rng = np.random.default_rng(0)
    x, y = np.zeros((5000, 1)), rng.normal(size=(5000, 1))
    model = Sequential([Dense(1)], seed=0)
    model.compile(fastbp.SGD(0.05), functools.partial(quantile, level=0.8))
    model.fit(x, y, epochs=20, batch_size=100, verbose=0)
    assert np.mean(y < model.predict(x[:1])) == pytest.approx(0.8, abs=0.02)


# ------------------------------------------------------------------------------------------------- ways to hand one in


class Pinball(losses.Loss):
    """In the manner of Keras."""

    name = "pinball"

    def __init__(self, level=0.9):
        self.level = level

    def call(self, y_true, y_pred):
        return quantile(y_true, y_pred, self.level)


class Callable:
    def __call__(self, y_true, y_pred):
        return quantile(y_true, y_pred)

    def method(self, y_true, y_pred):
        return quantile(y_true, y_pred)


@pytest.mark.parametrize(
    ("loss", "name"),
    [
        (quantile, "quantile"),
        (lambda y_true, y_pred: quantile(y_true, y_pred), "<lambda>"),
        (functools.partial(quantile, level=0.9), "quantile"),
        (Pinball(), "pinball"),
        (Pinball, "pinball"),
        (Callable(), "Callable"),
        (Callable().method, "method"),
        (losses.Custom(quantile, "named"), "named"),
    ],
)
def test_functions_and_objects(loss, name):
    x, y = data(1)
    model = model_of(1, loss)
    assert model.loss.name == name and name in repr(model.loss)
    assert model.evaluate(x, y, verbose=0) == model_of(1, quantile).evaluate(x, y, verbose=0)


def test_a_number_around_the_formula_is_read_anew_by_compile():
    x, y = data(1)
    level, slope = 0.9, 1.0

    def loss(y_true, y_pred):
        return quantile(y_true, y_pred, level)

    model = model_of(1, loss, hidden=(Dense(4, lambda z: slope * z),))
    first, output = model.evaluate(x, y, verbose=0), model.predict(x)
    level, slope = 0.2, 2.0
    assert model.evaluate(x, y, verbose=0) == first  # what was compiled stays
    assert np.array_equal(model.predict(x), output)
    model.compile("sgd", model.loss)
    assert not np.allclose(model.predict(x), output)
    slope = 1.0
    model.compile("sgd", loss)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(by_numpy(lambda t, p: quantile(t, p, 0.2), y, model.predict(x)))


def test_nothing_of_the_engine_is_compiled_anew():
    x, y = data(3)
    model_of(3, "mse").fit(x, y, verbose=0)
    before = compilations()
    model_of(3, cosine, hidden=(Dense(4, np.arctan),)).fit(x, y, verbose=0)
    assert compilations() == before


# ------------------------------------------------------------------------------------------------------- activations


def gaussian(z):
    return fastbp.exp(-(z**2))


ACTIVATIONS = {
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "silu": lambda z: z * fastbp.sigmoid(z),
    "relu": lambda z: fastbp.where(z > 0, z, 0.0),
    "softplus": lambda z: np.logaddexp(z, 0.0),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("units", [1, 5, 33])
def test_activations_written_as_formulas(name, dtype, units):
    """In all layers, so also in the last one; in training and in predictions."""
    x, y = data(units, samples=19)

    def model(activation):
        made = Sequential([Dense(units, activation), Dense(2, "tanh"), Dense(units, activation)], seed=1, dtype=dtype)
        made.compile("adam", "mse")
        return made

    built_in, own = model(name), model(ACTIVATIONS[name])
    loss, gradients = built_in.value_and_gradient(x, y)
    own_loss, own_gradients = own.value_and_gradient(x, y)
    assert own_loss == pytest.approx(loss, rel=10 * ROUNDING[dtype])
    assert_close(own_gradients, gradients, 10 * ROUNDING[dtype])
    assert_close([own.predict(x), own.forward(x)], [built_in.predict(x), built_in.forward(x)], 10 * ROUNDING[dtype])
    assert_close([own.backward(y)], [built_in.backward(y)], 10 * ROUNDING[dtype])


@pytest.mark.parametrize("units", [1, 7, 33])
def test_activation_by_central_differences(units):
    x, y = data(2)
    model = model_of(2, "mse", hidden=(Dense(units, gaussian), Dense(3, lambda z: z / (1 + abs(z)))))
    _, gradients = model.value_and_gradient(x, y)

    def value(*changed):
        model.set_weights(list(changed))
        return model.evaluate(x, y, verbose=0)

    for found, expected in zip(gradients, central_differences(value, model.get_weights()), strict=True):
        assert relative_error(found, expected) < 1e-6


@pytest.mark.parametrize("units", [1, 2, 5])
def test_an_activation_that_has_a_pole_at_0(units):
    """The padding of a row, which holds zeros, must not spoil anything."""
    x, y = data(1)
    pole = Dense(units, lambda z: np.log(abs(z)) + 0.1 / z, bias_initializer="ones")
    model = model_of(1, "mse", hidden=(Dense(units, "sigmoid"), pole, Dense(units, "tanh")), optimizer=fastbp.Adam(1e-4))
    assert np.isfinite(model.fit(x, y, batch_size=4, epochs=3, verbose=0).history["loss"]).all()
    assert np.isfinite(model._engine._parameters.weights).all()


def test_names_of_activations(capsys):
    model = Sequential([Input((3,)), Dense(4, gaussian), Dense(2, functools.partial(np.multiply, 2.0))])
    model.summary()
    shown = capsys.readouterr().out
    assert "gaussian" in shown and "multiply" in shown
    assert "gaussian" in repr(model.layers[0])
    assert activations.get(gaussian).name == "gaussian"
    assert activations.custom(gaussian, name="bell").name == "bell"


def test_a_function_called_softmax_is_no_softmax():
    def softmax(z):
        return np.exp(z)

    def binary_crossentropy(y_true, y_pred):
        return (y_true - y_pred) ** 2

    def sparse_categorical_crossentropy(y_true, y_pred):
        return (y_true - y_pred) ** 2

    x, y = data(1)
    for loss in (binary_crossentropy, sparse_categorical_crossentropy):
        model_of(1, loss, hidden=(Dense(3, softmax),)).fit(x, 5 * y, verbose=0)


# ------------------------------------------------------------------------------------------------------------ copies


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies(duplicate):
    x, y = data(1)
    model = model_of(2, gaussian_nll, hidden=(Dense(4, gaussian),))
    model.fit(x, y, verbose=0)
    twin = duplicate(model)
    first, second = (m.fit(x, y, epochs=2, verbose=0).history["loss"] for m in (model, twin))
    assert first == second


def test_a_lambda_is_copied_but_not_pickled():
    x, y = data(1)
    model = model_of(1, lambda y_true, y_pred: (y_true - y_pred) ** 2)
    assert copy.deepcopy(model).evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(model)


# ------------------------------------------------------------------------------------------------------------ errors

BAD_LOSSES = {
    "branch": (lambda y, p: p if p > 0 else -p, "cannot branch.*fastbp.where"),
    "a sample": (lambda y, p: p[0] - y[0], r"index an array of shape \(samples, 3\) with 0.*y_pred\[:, 0\]"),
    "going through samples": (lambda y, p: sum(p), "cannot go through the samples"),
    "number of samples": (lambda y, p: len(p) * p, "number of samples.*mean"),
    "size": (lambda y, p: p / p.size, "size of a batch"),
    "length of the first axis": (lambda y, p: np.sum(p) / p.shape[0], "compute with None, which shape.0. is.*fastbp.mean"),
    "column 3": (lambda y, p: p[:, 3], r"column 3 of an array of shape \(samples, 3\)"),
    "every second column": (lambda y, p: p[:, ::2], r"columns slice\(None, None, 2\)"),
    "column and columns": (lambda y, p: (y - p[:, 0]) ** 2, r"shapes \(samples, 3\) and \(samples,\).*y_true\[:, 0\]"),
    "widths": (lambda y, p: y - p[:, :2], r"shapes \(samples, 3\) and \(samples, 2\)"),
    "no such axis": (lambda y, p: fastbp.mean(y - p, axis=2), "over axis 2.*axis=-1"),
    "largest sample": (lambda y, p: np.max(p, axis=0), "np.max over the samples"),
    "mean as a branch": (lambda y, p: p if fastbp.mean(p) > 0 else -p, "cannot branch"),
    "transposed": (lambda y, p: p.T, "cannot transpose"),
    "matrix product": (lambda y, p: p @ y, "matrix products.*axis=-1"),
    "stack": (lambda y, p: np.stack([p[:, 0], p[:, 1]]), "cannot stack"),
    "no operator": (lambda y, p: np.argmax(p, axis=-1), "no operator for np.argmax"),
    "derivative": (lambda y, p: fastbp.grad(lambda q: q**2)(p), "derivatives of its arguments"),
    "float": (lambda y, p: float(p), "Python number"),
    "in place": (lambda y, p: p.__setitem__((slice(None), 0), 1.0), "in place"),
    "array of samples": (lambda y, p: p * np.ones((20, 1)), r"shape \(20, 1\).*y_true"),
    "array of other width": (lambda y, p: p * np.ones(2), r"shapes \(samples, 3\) and \(2,\)"),
    "a number": (lambda y, p: 0.0, "must return one value for each sample.*0.0"),
    "nothing": (lambda y, p: None, "must return one value for each sample.*None"),
    "targets only": (lambda y, p: y**2, "depends on y_pred"),
}


@pytest.mark.parametrize("case", BAD_LOSSES)
def test_what_a_loss_cannot_do(case):
    """The error shows the user's line, and the model is as it was."""
    loss, text = BAD_LOSSES[case]
    x, y = data(3, samples=20)
    model = model_of(3, loss)
    weights = model.get_weights()
    for call in (model.fit, model.evaluate, model.value_and_gradient, model.train_on_batch):
        with pytest.raises(TraceError, match=f"(?s){text}") as caught:
            call(x, y)
        assert "test_custom.py" in str(caught.value)
    assert model.history is None
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))


def test_a_bad_loss_builds_nothing():
    model = Sequential([Dense(3)])
    model.compile("sgd", lambda y, p: p[0])
    with pytest.raises(TraceError):
        model.fit(*data(3), verbose=0)
    assert not model.built


BAD_ACTIVATIONS = {
    "branch": (lambda z: z if z > 0 else 0, "cannot branch"),
    "softmax": (lambda z: np.exp(z) / np.sum(np.exp(z), axis=-1, keepdims=True), "each unit alone"),
    "mean": (lambda z: z - fastbp.mean(z), "each unit alone"),
    "column": (lambda z: z[:, 0], "each unit alone"),
    "array": (lambda z: z * np.ones(3), "each unit alone"),
    "constant": (lambda z: 1.0, "must return something that depends on z.*1.0"),
}


@pytest.mark.parametrize("case", BAD_ACTIVATIONS)
def test_what_an_activation_cannot_do(case):
    activation, text = BAD_ACTIVATIONS[case]
    with pytest.raises(TraceError, match=text):
        Dense(3, activation)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: losses.get(lambda y: y), r"loss must be a function of \(y_true, y_pred\), got <lambda>\(y\)"),
        (lambda: losses.get(3), "loss must be a name, a function or an object of fastbp.losses, got 3"),
        (lambda: losses.get(int), "loss must be"),
        (lambda: losses.Custom("mse"), "function must be a function.*'mse'"),
        (lambda: Dense(3, lambda y, p: y), r"activation must be a function of \(z\), got <lambda>\(y, p\)"),
        (lambda: Dense(3, int), "activation must be a name, a function.*int"),
        (lambda: activations.custom("tanh"), "activation must be a function of z, got 'tanh'"),
    ],
)
def test_what_is_no_function(make, text):
    with pytest.raises(TypeError, match=text):
        make()


@pytest.mark.parametrize("y", [np.ones((20, 2, 1)), np.ones((20, 0)), 1.0])
def test_bad_targets(y):
    model = model_of(2, gaussian_nll)
    with pytest.raises(ValueError, match=r"y must have shape \(20,\) or \(20, columns\)"):
        model.fit(data(1, samples=20)[0], y, verbose=0)


def test_targets_are_checked_as_others_are():
    x, y = data(1, samples=20)
    model = model_of(2, gaussian_nll)
    for bad, text in ((y[:-1], "same number of rows"), (np.where(y > 1, np.nan, y), "finite"), (y.astype(str), "real numbers")):
        with pytest.raises((ValueError, TypeError), match=text):
            model.fit(x, bad, verbose=0)
    assert model.evaluate(x, y[:, 0], verbose=0) == model.evaluate(x, y, verbose=0)


def test_metrics_need_targets_of_the_outputs_shape():
    x, y = data(2)
    model = model_of(2, quantile)
    model.compile("sgd", quantile, metrics=["mae"])
    assert model.evaluate(x, y, verbose=0)[1] == pytest.approx(np.mean(abs(y - model.predict(x))))
    with pytest.raises(ValueError, match=r"metrics need targets of shape \(samples, 2\), got \(samples, 1\) for 'mae'"):
        model.evaluate(x, y[:, :1], verbose=0)


@pytest.mark.parametrize("loss", [lambda y, p: np.log(p) + y, lambda y, p: 1 / (0 * p) + y], ids=["nan", "infinite"])
def test_outside_of_the_formulas_domain_training_has_diverged(loss):
    x, y = data(1)
    model = model_of(1, loss)
    before = model.get_weights()
    with pytest.raises(fastbp.TrainingDiverged):
        model.fit(x, y, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


# ------------------------------------------------------------------------------------------------------------- graphs


def test_code_is_shared_by_formulas_that_differ_in_numbers_alone():
    def code(f, width):
        return bind_loss(trace_loss(f, width, width), "float64")._code

    first = code(lambda y, p: 3 * (y - p) ** 2, 20)
    assert code(lambda t, q: 1.7 * np.square(t - q), 20) is first
    assert first not in [code(lambda y, p: (y - p) ** 2, 20), code(lambda y, p: 3 * (y - p) ** 2, 21)]
    scaled = [
        bind_loss(trace_loss(lambda y, p, a=a: (a * (y - p)) ** 2, 20, 20), "float64") for a in (LEVELS[:20], LEVELS[1:21])
    ]
    assert scaled[0]._code is scaled[1]._code
    assert scaled[0].address != scaled[1].address


def test_shapes_as_the_formula_sees_them():
    seen = []

    def loss(y, p):
        arrays = y, p, p[:, 0], p[:, :1], p[:, 0][:, None], np.squeeze(p[:, :1])
        seen.extend(array.shape for array in arrays)
        return p.mean(axis=1)

    trace_loss(loss, 1, 4)
    assert seen == [(None, 1), (None, 4), (None,), (None, 1), (None, 1), (None,)]
    assert trace_activation(gaussian).value.op == "exp"


@pytest.mark.parametrize("units", [1, MAX_UNROLLED_COLUMNS + 2])
def test_numbers_and_masks_as_conditions(units):
    mask = np.arange(units) % 2 == 0
    formulas = [
        lambda t, p: np.where(t, (t - p) ** 2, 3 * p**2),
        lambda t, p: np.where(np.logical_and(t, p > 0), (t - p) ** 2, 3 * p**2),
        lambda t, p: np.where((p > 0) & mask, (t - p) ** 2, 3 * p**2),
    ]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3))
    y = rng.integers(0, 2, size=(40, units)).astype(float)
    for formula in formulas:
        model = Sequential([Input((3,)), Dense(units)], seed=1, dtype="float64")
        model.compile("sgd", formula)
        assert model.value_and_gradient(x, y)[0] == pytest.approx(np.mean(formula(y, model.predict(x))))
