"""Normalization: given, adapted and inverted, anywhere in a network; its statistics are those of float64."""

import copy
import json
import pickle

import numpy as np
import pytest

import fastbp
import oracle_norm
from fastbp import Dense, Input, Sequential
from fastbp.layers import Activation, Flatten, Normalization
from fastbp.layers.moments import Moments
from gradcheck import central_differences, relative_error

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(75, 6)) * [1, 10, 100, 1e-3, 1, 1] + [0, 5, -1e3, 0, 1, 7]
Y = np.random.default_rng(1).random((75, 3))


def adapted(data=X, **settings):
    layer = Normalization(**settings)
    layer.adapt(data)
    return layer


def model_of(*layers, dtype="float64", loss="mse", optimizer="adam", inputs=6):
    model = Sequential([Input((inputs,)), *layers], seed=4, dtype=dtype)
    model.compile(optimizer, loss)
    return model


def learnt(model, threads=None, batch=16):
    history = model.fit(X, Y, batch, 3, 0, threads=threads)
    return [*history.history["loss"], *model.get_weights(), model.predict(X)]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


# -------------------------------------------------------------------------------------------------------- statistics


@pytest.mark.parametrize("offset", [0.0, 1e8, -1e12])
@pytest.mark.parametrize("cuts", [(), (1,), (7, 8, 60), tuple(range(1, 100))])
def test_means_and_variances_of_batches_are_those_of_all(offset, cuts):
    """Far from zero too: the mean of squares less the square of the mean would have no digit left."""
    steps = np.random.default_rng(0).integers(-64, 64, size=(100, 3)) / 64  # a sum with the offset that is exact
    moments = Moments((0,))
    for batch in np.split(offset + steps, cuts):
        moments.add(batch)
    assert moments.count == 100
    assert moments.mean - offset == pytest.approx(steps.mean(axis=0), abs=1e-15 * max(1.0, abs(offset)))
    assert moments.variance == pytest.approx(steps.var(axis=0), rel=1e-13)


def test_parts_of_large_data_are_put_together():
    x = 1e8 + np.random.default_rng(0).integers(0, 4, size=(300_000, 2)) / 4
    moments = Moments((0,))
    moments.add(x)
    assert moments.variance == pytest.approx((x - 1e8).var(axis=0), rel=1e-9)


def test_a_constant_column_has_a_variance_of_zero():
    layer = adapted(np.full((1000, 1), 0.1))
    assert layer.get_weights()[1] == [0.0]
    assert adapted(np.full((99, 2), 1e8 + 0.1), dtype="float64")(np.full((1, 2), 1e8 + 0.1)).tolist() == [[0.0, 0.0]]


def batches(*parts):
    yield from parts


class Numbered(fastbp.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return X[index * 25 : (index + 1) * 25], Y[index * 25 : (index + 1) * 25]


DATA = {
    "array": lambda: X,
    "float64 in order of columns": lambda: np.asfortranarray(X),
    "list": lambda: X.tolist(),
    "batches in a list": lambda: [X[:10], X[10:]],
    "batches in a tuple": lambda: (X[:75], X[75:]),
    "a generator": lambda: batches(X[:30], X[30:31], X[31:]),
    "batches with targets": lambda: batches((X[:30], Y[:30]), (X[30:], Y[30:])),
    "lists of arrays": lambda: batches([X[:30], Y[:30]], [X[30:], Y[30:]]),
    "numbered batches": Numbered,
}


@pytest.mark.parametrize("kind", DATA)
def test_kinds_of_data(kind):
    mean, variance, count = adapted(DATA[kind](), dtype="float64").get_weights()
    assert mean == pytest.approx(X.mean(axis=0), rel=1e-13) and variance == pytest.approx(X.var(axis=0), rel=1e-12)
    assert count == 0 and count.shape == ()


@pytest.mark.parametrize("kind", ["frame", "tensor", "loader", "sparse", "mapped", "integers"])
def test_kinds_of_data_of_other_packages(kind, tmp_path):
    if kind == "frame":
        data = pytest.importorskip("pandas").DataFrame(X, columns=list("abcdef"))
    elif kind == "tensor":
        data = pytest.importorskip("torch").tensor(X)
    elif kind == "loader":
        torch = pytest.importorskip("torch")
        data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y)), batch_size=16)
    elif kind == "sparse":
        data = pytest.importorskip("scipy.sparse").csr_matrix(X)
    elif kind == "mapped":
        np.save(tmp_path / "x.npy", X)
        data = np.load(tmp_path / "x.npy", mmap_mode="r")
    else:
        data = np.arange(450).reshape(75, 6)
    dense = data if kind == "integers" else X
    mean, variance, _ = adapted(data, dtype="float64").get_weights()
    assert mean == pytest.approx(dense.mean(axis=0), rel=1e-12) and variance == pytest.approx(dense.var(axis=0), rel=1e-12)


def test_data_read_in_parts(monkeypatch):
    from fastbp.data import readers

    sparse = pytest.importorskip("scipy.sparse")
    monkeypatch.setattr(readers, "MAX_WHOLE_BYTES", 100)
    monkeypatch.setattr(readers.Sparse, "chunk_bytes", 500)
    assert adapted(sparse.csr_matrix(X), dtype="float64").get_weights()[1] == pytest.approx(X.var(axis=0), rel=1e-12)


def test_data_of_one_axis_is_one_unit():
    for axis in (-1, None):
        layer = adapted([1.0, 2.0, 3.0, 4.0, 5.0], axis=axis)
        assert [float(w.item()) for w in layer.get_weights()] == [3.0, 2.0, 0.0]
        assert layer([[5.0]]) == pytest.approx(np.array([[np.sqrt(2)]]), rel=1e-6)


def test_in_float32_the_statistics_are_of_float64():
    """Of data that float32 cannot tell apart, to a model in float64."""
    x = 1e8 + np.random.default_rng(0).normal(size=(200, 3))
    layer = adapted(x)
    model = model_of(layer, Dense(2), dtype="float64", inputs=3)
    z = fastbp.models.Model(model.inputs, layer.output, dtype="float64") if hasattr(model, "inputs") else None
    assert model.get_weights()[0] == pytest.approx(x.mean(axis=0), rel=1e-15)
    assert model.get_weights()[1] == pytest.approx(x.var(axis=0), rel=1e-9)
    assert z is None or z.dtype == "float64"


# ------------------------------------------------------------------------------------------------------------- values


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values(invert, dtype):
    layer = adapted(invert=invert, dtype=dtype)
    expected = oracle_norm.standardize(X, X.mean(axis=0), X.var(axis=0), invert)
    assert layer(X).dtype == dtype
    assert layer(X) == pytest.approx(
        expected, **({"rel": 1e-12, "abs": 1e-12} if dtype == "float64" else {"rel": 1e-4, "abs": 1e-5})
    )
    mean, variance, _ = layer.get_weights()
    given = Normalization(mean=mean, variance=variance, invert=invert, dtype=dtype)
    assert np.array_equal(given(X), layer(X)) and given.get_weights() == []
    assert not np.isnan(Normalization(mean=0.0, variance=0.0)(np.zeros((2, 2)))).any()


@pytest.mark.parametrize("axis", [-1, None, 1, 2, (1, 2), (-1,), (-2, -1), ()])
def test_samples_of_several_axes(axis):
    x = np.random.default_rng(0).normal(size=(20, 4, 3)) * np.arange(1, 13).reshape(4, 3)
    kept = {-1: (2,), None: (), (): (), 1: (1,), 2: (2,), (-1,): (2,)}.get(axis, (1, 2))
    others = tuple(a for a in range(3) if a not in kept)
    mean, variance = x.mean(axis=others, keepdims=True), x.var(axis=others, keepdims=True)
    layer = adapted(x, axis=axis, dtype="float64")
    assert layer.get_weights()[0].shape == tuple(x.shape[a] for a in kept)
    assert layer.mean.shape == mean.shape and layer.mean == pytest.approx(mean) and layer.variance == pytest.approx(variance)
    assert layer(x) == pytest.approx((x - mean) / np.sqrt(variance))
    model = Sequential([Input((4, 3)), layer, Flatten(), Dense(2)], dtype="float64")
    model.compile("sgd", "mse")
    model.fit(x, np.zeros((20, 2)), verbose=0)
    assert layer.get_weights()[0] == pytest.approx(mean.squeeze(others) if others else mean[0])
    fixed = Normalization(axis, *layer.get_weights()[:2], dtype="float64")
    assert np.array_equal(fixed(x), layer(x)) and fixed.mean.shape == mean.shape


def test_a_given_mean_is_spread():
    x = np.arange(12.0).reshape(2, 2, 3)
    layer = Normalization(axis=(1, 2), mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 9.0], dtype="float64")
    assert layer(x) == pytest.approx((x - [1, 2, 3]) / [1, 2, 3])
    with pytest.raises(ValueError, match=r"mean must have a shape that can be broadcast to \(2,\)"):
        Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 1.0, 1.0])(np.ones((2, 2)))


# ---------------------------------------------------------------------------------------------- anywhere in a network

STACKS = {
    "first": lambda: [adapted(), Dense(20, "tanh"), Dense(3)],
    "given": lambda: [Normalization(mean=X.mean(axis=0), variance=X.var(axis=0)), Dense(20, "tanh"), Dense(3)],
    "in the middle": lambda: [adapted(), Dense(20, "tanh"), Normalization(mean=0.3, variance=0.2), Dense(3)],
    "before an activation": lambda: [adapted(), Dense(9), Normalization(mean=0.3, variance=0.2), Activation("gelu"), Dense(3)],
    "last and inverted": lambda: [adapted(), Dense(20, "tanh"), Dense(3), adapted(Y, invert=True)],
    "not adapted": lambda: [Normalization(mean=X.mean(axis=0), variance=X.var(axis=0)), Dense(9), Normalization(), Dense(3)],
    "first and frozen": lambda: [adapted(trainable=False), Dense(20, "tanh"), Dense(3)],
}


def outputs(model, weights, x):
    weights, values = iter(weights), x
    for layer in model.layers:
        if isinstance(layer, Normalization):
            own = (layer.input_mean, layer.input_variance)
            mean, variance = own if own[0] is not None else (next(weights), next(weights))
            own[0] is None and next(weights)
            values = oracle_norm.standardize(values, mean, variance, layer.invert)
        elif isinstance(layer, Dense):
            values = layer.activation(values @ next(weights) + next(weights))
        else:
            values = layer.activation(values)
    return values


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("rows", [1, 19])
def test_gradients_against_plain_numpy(stack, rows):
    model, x, y = model_of(*STACKS[stack]()), X[:rows], Y[:rows]
    weights = model.get_weights()
    assert model.predict(x) == pytest.approx(outputs(model, weights, x), rel=1e-11, abs=1e-11)
    value, gradients = model.value_and_gradient(x, y)
    assert value == pytest.approx(((outputs(model, weights, x) - y) ** 2).mean(), rel=1e-11)
    learns = [w.trainable for w in model.weights]

    def loss(*learnt):
        given = iter(learnt)
        return (
            (outputs(model, [next(given) if learn else w for w, learn in zip(weights, learns, strict=True)], x) - y) ** 2
        ).mean()

    expected = iter(central_differences(loss, [w for w, learn in zip(weights, learns, strict=True) if learn]))
    for found, learn in zip(gradients, learns, strict=True):
        assert relative_error(found, next(expected), floor=1e-2) < 1e-6 if learn else not found.any()
    assert fastbp.check_gradients(model, x, y)
    dy = np.random.default_rng(2).normal(size=(rows, 3))
    scale = X.std(axis=0)
    (wanted,) = central_differences(lambda z: (dy * outputs(model, weights, z * scale)).sum(), [x / scale])
    model.forward(x)
    assert relative_error(model.backward(dy) * scale, wanted) < 1e-6


@pytest.mark.parametrize("stack", STACKS)
def test_training_leaves_the_statistics_and_has_the_same_bits_for_any_number_of_threads(stack):
    model = model_of(*STACKS[stack](), optimizer=fastbp.AdamW(0.01, weight_decay=0.1))
    before, learns = model.get_weights(), [w.trainable for w in model.weights]
    first = learnt(model, 1)
    for start, end, learn in zip(before, model.get_weights(), learns, strict=True):
        assert learn != np.array_equal(start, end)
    for threads in (2, 3, 8):
        other = model_of(*STACKS[stack](), optimizer=fastbp.AdamW(0.01, weight_decay=0.1))
        assert same(first, learnt(other, threads))


def test_normalizing_before_fit_is_the_same():
    layer = adapted(dtype="float64")
    within, apart = model_of(layer, Dense(8, "tanh"), Dense(3)), model_of(Dense(8, "tanh"), Dense(3))
    apart.set_weights(within.get_weights()[3:])
    history = [within.fit(X, Y, epochs=3, verbose=0).history["loss"]]
    history.append(apart.fit(layer(X), Y, epochs=3, verbose=0).history["loss"])
    assert history[0] == pytest.approx(history[1], rel=1e-12)


def test_a_large_batch_is_cut_into_groups():
    x, y = np.random.default_rng(3).normal(size=(20011, 6)), np.random.default_rng(4).random((20011, 3))
    results = []
    for threads in (1, 3):
        model = model_of(adapted(x), Dense(20, "tanh"), Dense(3), adapted(y, invert=True))
        history = model.fit(x, y, len(x), 2, 0, threads=threads)
        results.append([*history.history["loss"], *model.get_weights()])
    assert same(*results)


def test_adapting_anew_takes_effect_at_once():
    layer = adapted(dtype="float64")
    model = model_of(layer, Dense(3))
    model.fit(X, Y, verbose=0)
    model.forward(X[:2])
    layer.adapt(X * 10)
    kernel, bias = model.get_weights()[3:]
    assert model.predict(X * 10) == pytest.approx(oracle_norm.standardize(X, X.mean(axis=0), X.var(axis=0)) @ kernel + bias)
    assert model.forward(X) == pytest.approx(outputs(model, model.get_weights(), X))
    assert model.optimizer is not None and np.isfinite(model.fit(X, Y, verbose=0).history["loss"]).all()
    layer.set_weights([np.zeros(6), np.ones(6), np.zeros(())])
    assert np.array_equal(layer(X), X)


def test_two_models_with_one_layer():
    layer = adapted(dtype="float64")
    one, other = model_of(layer, Dense(3)), model_of(layer, Dense(2))
    one.predict(X), other.predict(X)
    layer.adapt(X * 10)
    for model in (one, other):
        assert model.predict(X) == pytest.approx(outputs(model, model.get_weights(), X))
        assert model.get_weights()[1] == pytest.approx(100 * X.var(axis=0))


def test_before_the_width_is_known():
    layer = Normalization()
    assert layer.mean is None and layer.get_weights() == [] and not layer.built
    model = Sequential([layer, Dense(3)], dtype="float64", seed=0)
    model.compile("sgd", "mse")
    layer.adapt(X)
    model.fit(X, Y, verbose=0)
    assert model.get_weights()[0] == pytest.approx(X.mean(axis=0))
    assert layer.adapt_mean.path == "normalization/mean" and not layer.adapt_variance.trainable


# --------------------------------------------------------------------------------------------------------- as objects


def test_a_summary_counts_the_statistics_as_not_trainable():
    lines = []
    model_of(adapted(), Dense(3)).summary(print_fn=lines.append)
    assert lines[2].split() == ["normalization", "(Normalization)", "(None,", "6)", "13"]
    totals = {line.split(" params: ")[0]: line.split(" params: ")[1].split()[0] for line in lines if " params: " in line}
    assert totals["Total"] == "34" and totals["Trainable"] == "21" and totals["Non-trainable"] == "13"


@pytest.mark.parametrize(
    "layer",
    [Normalization(), Normalization(None, invert=True), Normalization(mean=[1.0, 2.0], variance=[3, 4]), Normalization((1, 2))],
)
def test_written_down(layer):
    config = json.loads(json.dumps(layer.get_config()))
    again = Normalization.from_config(config)
    assert again.get_config() == layer.get_config()
    assert fastbp.layers.deserialize(fastbp.layers.serialize(layer)).get_config() == layer.get_config()


def test_copies_have_the_statistics_and_clones_have_not():
    model = model_of(adapted(), Dense(3), adapted(Y, invert=True))
    model.fit(X, Y, verbose=0)
    copies = [pickle.loads(pickle.dumps(model)), copy.deepcopy(model)]
    expected = model.predict(X)
    assert all(np.array_equal(other.predict(X), expected) for other in copies)
    for made in (fastbp.models.clone_model(model), fastbp.models.model_from_json(model.to_json())):
        assert made.get_weights()[1].tolist() == [1.0] * 6
        made.set_weights(model.get_weights())
        assert np.array_equal(made.predict(X), expected)
    layer = pickle.loads(pickle.dumps(adapted()))
    assert layer.get_weights()[0] == pytest.approx(X.mean(axis=0))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras's calls of NumPy
@pytest.mark.parametrize("axis", [-1, None])
@pytest.mark.parametrize("invert", [False, True])
def test_as_keras_does(axis, invert):
    keras = pytest.importorskip("keras")
    x = X.astype("float32")
    theirs, ours = keras.layers.Normalization(axis=axis, invert=invert), Normalization(axis=axis, invert=invert)
    assert ours.get_config() == {**theirs.get_config(), "name": ours.name, "dtype": None, "axis": list(theirs.axis)}
    for layer in (theirs, ours):
        layer.adapt(x)
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert one.shape == other.shape and one == pytest.approx(other, rel=1e-4)
    expected = keras.ops.convert_to_numpy(theirs(x))
    assert ours(x) == pytest.approx(expected, rel=1e-4, abs=1e-3 if invert else 1e-4)
    ours.set_weights(theirs.get_weights())
    assert ours(x) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: Normalization(mean=1.0), ValueError, "mean and variance must be given together"),
        (lambda: Normalization(mean=[1.0, 2.0], variance=1.0), ValueError, "must have the same shape"),
        (lambda: Normalization(None, [1.0], [1.0]), ValueError, "mean must have at most as many axes.*0"),
        (lambda: Normalization(mean=1.0, variance=-1.0), ValueError, "variance must be at least 0, got -1"),
        (lambda: Normalization(mean=np.nan, variance=1.0), ValueError, "mean must be finite"),
        (lambda: Normalization(mean="x", variance=1.0), TypeError, "mean must"),
        (lambda: Normalization(axis=0), ValueError, "axis must not be 0"),
        (lambda: Normalization(axis="rows"), TypeError, "axis must be an integer"),
        (lambda: Normalization(invert=1), TypeError, "invert must be True or False"),
        (lambda: Normalization(axis=2)(np.ones((3, 3))), ValueError, r"axis must be of -1, 1 for samples of shape \(3,\)"),
        (lambda: Normalization(axis=(1, -1))(np.ones((3, 3))), ValueError, r"axis must be of -1, 1"),
        (lambda: adapted(mean=1.0, variance=1.0), ValueError, "adapt needs a layer without a given mean"),
        (lambda: adapted(np.ones((0, 3))), ValueError, "data must hold at least one sample"),
        (lambda: adapted(iter([])), ValueError, "data must hold at least one sample"),
        (lambda: adapted([[1.0, np.nan]]), ValueError, "data must be finite"),
        (lambda: adapted([[1e200], [-1e200]]), ValueError, "data must be finite, and its variance"),
        (lambda: adapted(3.0), ValueError, "data must be samples"),
        (lambda: adapted("text"), TypeError, "data must"),
        (lambda: adapted(batches(X, Y)), ValueError, r"data must be samples of shape \(6,\), got \(3,\)"),
        (lambda: adapted(lambda: X), TypeError, "data must"),
        (lambda: adapted(batches), TypeError, r"call it, batches\(\)"),
    ],
)
def test_what_is_refused(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_an_error_leaves_the_layer_as_it_was():
    layer = adapted()
    before = layer.get_weights()
    for data in (np.full((3, 6), np.inf), np.ones((3, 2)), batches(X, Y)):
        with pytest.raises(ValueError, match="data must"):
            layer.adapt(data)
    assert same(before, layer.get_weights())
    fresh = Normalization()
    with pytest.raises(ValueError, match="data must"):
        fresh.adapt([[np.nan]])
    assert not fresh.built
