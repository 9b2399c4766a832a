"""Dropout and its kin: what they compute in training against NumPy and PyTorch, and that they are off everywhere else."""

import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastbp
import oracle
import oracle_noise
from fastbp import Dense, Input, Sequential
from fastbp.layers import Activation, AlphaDropout, Dropout, GaussianDropout, GaussianNoise, LayerNormalization
from gradcheck import assert_close

KINDS = {
    "dropout": lambda: Dropout(0.3),
    "gaussian_noise": lambda: GaussianNoise(0.4),
    "gaussian_dropout": lambda: GaussianDropout(0.3),
    "alpha_dropout": lambda: AlphaDropout(0.3),
}
RATES = {"dropout": Dropout, "gaussian_dropout": GaussianDropout, "alpha_dropout": AlphaDropout}
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(83, 6)), RNG.random((83, 3))
MSE, CCE = {"name": "mean_squared_error"}, {"name": "categorical_crossentropy"}

# name: (layers, loss); each makes new layers at each use
STACKS = {
    **{kind: (lambda kind=kind: [Dense(19, "tanh"), KINDS[kind](), Dense(3)], MSE) for kind in KINDS},
    "first": (lambda: [Dropout(0.2), Dense(19, "relu"), Dense(3)], MSE),
    "noise first": (lambda: [GaussianNoise(0.2), Dense(19, "relu"), Dense(3)], MSE),
    "last": (lambda: [Dense(9, "gelu"), Dense(3), Dropout(0.4)], MSE),
    "after softmax, last": (lambda: [Dense(9, "selu"), Dense(3, "softmax"), GaussianDropout(0.1)], MSE),
    "before softmax": (lambda: [Dense(9, "selu"), AlphaDropout(0.1), Dense(3, "softmax")], CCE),
    "after softmax": (lambda: [Dense(9, "softmax"), Dropout(0.5), Dense(3)], MSE),
    "twice in a row": (lambda: [Dense(40, "silu"), Dropout(0.3), Dropout(0.3), AlphaDropout(0.2), Dense(3)], MSE),
    "all, after frozen layers": (
        lambda: [
            *(Dense(17, "tanh", trainable=False), Dropout(0.3), Dense(33, "sigmoid"), GaussianNoise(0.1)),
            *(Dense(8, "relu", trainable=False), GaussianDropout(0.2), Dense(5, "elu"), AlphaDropout(0.2), Dense(3)),
        ],
        MSE,
    ),
    "after a normalization": (lambda: [Dense(12, "tanh"), LayerNormalization(), Dropout(0.2), Dense(3)], MSE),
    "linear below": (lambda: [Dense(30), Dropout(0.3), Dense(70, "leaky_relu"), Dropout(0.6), Dense(3, "sigmoid")], MSE),
}


def model_of(layers, loss="mean_squared_error", dtype="float64", seed=4, optimizer=None, **settings):
    model = Sequential([Input((6,)), *layers], seed=seed, dtype=dtype)
    model.compile(optimizer or fastbp.Adam(0.01), loss, **settings)
    return model


def described(model):
    """The model's layers as oracle_noise.py describes them."""
    seeds, network = (stage.seed for stage in model._engine.stages if stage.is_random), []
    for layer in model.layers:
        if isinstance(layer, Dense):
            network.append({"activation": layer.activation.name, "trainable": layer.trainable})
        elif isinstance(layer, LayerNormalization):
            network[-1]["norm"] = {"kind": "layer"}
        else:
            amount = {name: value for name, value in layer.get_config().items() if name in ("rate", "stddev")}
            network.append({"noise": layer.kind, **amount, "seed": next(seeds)})
    return network


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("stack", STACKS)
def test_fit_against_the_oracle(stack, dtype):
    layers, loss = STACKS[stack]
    model, weight = model_of(layers(), loss["name"], dtype), RNG.random(len(X)) + 0.5
    weights, y = [w.astype(np.float64) for w in model.get_weights()], Y / Y.sum(axis=1, keepdims=True)
    history = model.fit(X, y, 16, 3, 0, shuffle=False, sample_weight=weight, threads=2).history["loss"]
    rule = oracle.Optimizer({"name": "adam", "learning_rate": 0.01})
    expected, losses = oracle_noise.train(described(model), weights, loss, rule, X, y, 16, 3, weight)
    tolerance = 1e-9 if dtype == "float64" else 2e-3
    np.testing.assert_allclose(history, losses, rtol=tolerance)
    assert_close(model.get_weights(), expected, tolerance)


def test_a_large_batch_in_groups_against_the_oracle():
    x, y = RNG.normal(size=(5000, 6)), RNG.normal(size=(5000, 3))
    model = model_of([Dense(16, "tanh"), Dropout(0.3), Dense(16, "tanh"), GaussianDropout(0.3), Dense(3)])
    weights = model.get_weights()
    model.fit(x, y, 4001, 2, 0, shuffle=False)
    rule = oracle.Optimizer({"name": "adam", "learning_rate": 0.01})
    expected, _ = oracle_noise.train(described(model), weights, MSE, rule, x, y, 4001, 2)
    assert_close(model.get_weights(), expected, 1e-9)


@pytest.mark.parametrize("stack", STACKS)
def test_the_gradient_of_one_step_against_the_oracle_and_differences(stack):
    layers, loss = STACKS[stack]
    model, y = model_of(layers(), loss["name"]), Y / Y.sum(axis=1, keepdims=True)
    model.fit(X, y, 16, 1, 0)
    value, gradients = model.value_and_gradient(X[:21], y[:21], training=True)
    again = model.value_and_gradient(X[:21], y[:21], training=True)
    assert value == again[0] and all(np.array_equal(a, b) for a, b in zip(gradients, again[1], strict=True))
    network, steps = described(model), -(-len(X) // 16)
    expected, slopes = oracle_noise.value_and_gradient(network, model.get_weights(), loss, X[:21], y[:21], steps)
    learns = oracle.trainable(oracle_noise.dense(network))
    slopes = [slope * learn for slope, learn in zip(slopes, learns, strict=True)]
    assert value == pytest.approx(expected, rel=1e-12)
    assert_close(gradients, slopes, 1e-10, floor=1e-6)
    if all(learns):
        assert fastbp.check_gradients(model, X[:21], y[:21], training=True, max_entries=10)
        assert fastbp.check_gradients(model, X[:21], y[:21], max_entries=10)


RANDOM_LAYERS = st.one_of(
    st.builds(Dense, st.integers(1, 40), st.sampled_from(["tanh", "relu", "softmax", "gelu", "linear", "elu"])),
    *(st.builds(kind, st.floats(0.001, 0.9)) for kind in RATES.values()),
    st.builds(GaussianNoise, st.floats(0.001, 2)),
)


@given(st.lists(RANDOM_LAYERS, max_size=6), st.integers(1, 83), st.integers(0, 2**64))
@settings(max_examples=40)
def test_random_networks_against_the_oracle(layers, rows, seed):
    model = model_of([*layers, Dense(3)], seed=seed)
    value, gradients = model.value_and_gradient(X[:rows], Y[:rows], training=True)
    expected, slopes = oracle_noise.value_and_gradient(described(model), model.get_weights(), MSE, X[:rows], Y[:rows], 0)
    assert value == pytest.approx(expected, rel=1e-9)
    assert_close(gradients, slopes, 1e-7, floor=1e-6 * max(1, expected))


def test_a_step_by_hand_is_a_step_of_fit():
    by_fit, by_hand = (model_of([Dense(19, "relu"), Dropout(0.3), Dense(3)]) for _ in range(2))
    by_fit.fit(X, Y, len(X), 3, 0, shuffle=False)
    for _ in range(3):
        by_hand.apply_gradients(by_hand.value_and_gradient(X, Y, training=True)[1])
    assert_close(by_hand.get_weights(), by_fit.get_weights(), 1e-12)


def test_backward_has_the_noise_of_forward():
    model = model_of([GaussianNoise(0.1), Dense(20, "tanh"), Dropout(0.4), Dense(3, "tanh"), GaussianDropout(0.3)])
    dy, weights = RNG.normal(size=(11, 3)), model.get_weights()
    network = described(model)
    for draw in range(3):
        output = model.forward(X[:11], training=True)
        dx = model.backward(dy)
        expected, tape = oracle_noise.forward(network, weights, X[:11], draw - 2**63)
        np.testing.assert_allclose(output, expected, rtol=1e-11)
        slope, gradients = oracle_noise.backward(network, tape, dy)
        np.testing.assert_allclose(dx, slope, rtol=1e-9, atol=1e-12)
        assert_close(model.gradients, gradients, 1e-10)
    assert not np.array_equal(model.forward(X[:11]), output)  # off, in the same model
    np.testing.assert_array_equal(model.forward(X[:11]), model.predict(X[:11]))


@pytest.mark.parametrize("kind", KINDS)
def test_against_torch_with_the_same_mask(kind):
    torch = pytest.importorskip("torch")
    model = model_of([Dense(33, "selu"), KINDS[kind](), Dense(3)])
    value, gradients = model.value_and_gradient(X, Y, training=True)
    layer = described(model)[1]
    shift, factor = (np.broadcast_to(a, (len(X), 33)) for a in oracle_noise.disturb(layer, np.zeros((len(X), 33)), 0))
    weights = [torch.tensor(w, requires_grad=True) for w in model.get_weights()]
    hidden = torch.nn.functional.selu(torch.tensor(X) @ weights[0] + weights[1])
    hidden = hidden * torch.tensor(factor.copy()) + torch.tensor(shift.copy())
    loss = torch.nn.functional.mse_loss(hidden @ weights[2] + weights[3], torch.tensor(Y))
    loss.backward()
    assert value == pytest.approx(loss.item(), rel=1e-12)
    assert_close(gradients, [w.grad.numpy() for w in weights], 1e-10)


# -- off where nothing learns


def with_and_without(layers, **settings):
    """A model, and the same one without layers of noise."""
    noisy = model_of(layers(), **settings)
    plain = model_of([layer.twin() for layer in layers() if not layer.differs_in_training], **settings)
    plain.set_weights(noisy.get_weights())
    return noisy, plain


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("stack", STACKS)
def test_off_where_nothing_learns(stack, dtype):
    layers, loss = STACKS[stack]
    noisy, plain = with_and_without(layers, loss=loss["name"], dtype=dtype, metrics=["mae"])
    y = Y / Y.sum(axis=1, keepdims=True)
    np.testing.assert_array_equal(noisy.predict(X), plain.predict(X))
    np.testing.assert_array_equal(noisy(X[:7]), plain(X[:7]))
    np.testing.assert_array_equal(noisy.forward(X[:1]), plain.forward(X[:1]))
    assert noisy.evaluate(X, y, verbose=0) == plain.evaluate(X, y, verbose=0)
    both = [model.value_and_gradient(X, y) for model in (noisy, plain)]
    assert both[0][0] == both[1][0] and all(np.array_equal(a, b) for a, b in zip(both[0][1], both[1][1], strict=True))
    for model in (noisy, plain):
        model.forward(X)
    np.testing.assert_allclose(noisy.backward(Y.astype(dtype)), plain.backward(Y.astype(dtype)), rtol=1e-6, atol=1e-9)
    validated = noisy.fit(X, y, 16, 1, 0, validation_data=(X, y)).history
    assert validated["val_loss"][0] == noisy.evaluate(X, y, verbose=0)[0]


def test_a_dense_layer_after_a_first_dropout_stays_up_to_date():
    # Its transposed copy is used where it is not the first of what is computed.
    model = model_of([Dropout(0.2), Dense(2, "tanh"), Dense(3)])
    for _ in range(2):
        model.fit(X, Y, 16, 1, 0)
        model.apply_gradients(model.value_and_gradient(X, Y)[1])
    weights = model.get_weights()
    expected = np.tanh(X @ weights[0] + weights[1]) @ weights[2] + weights[3]
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-12)
    drawn, network = model.predict(X, training=True), described(model)
    np.testing.assert_allclose(drawn, oracle_noise.forward(network, weights, X, -(2**63))[0], rtol=1e-11)


@pytest.mark.parametrize("layer", [Dropout(0), Dropout(0.0), GaussianNoise(0), GaussianDropout(0), AlphaDropout(0)], ids=repr)
def test_no_noise_costs_nothing(layer):
    model = model_of([Dense(9, "tanh"), layer, Activation("relu"), Dense(3)])
    plain = model_of([Dense(9, "tanh"), Activation("relu"), Dense(3)])
    assert layer.stages(9) == ()
    for each in (model, plain):
        each.fit(X, Y, 16, 2, 0)
    assert model._engine.shapes == plain._engine.shapes
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), plain.get_weights(), strict=True))


# -- predictions with noise


def test_predictions_with_noise_are_others_at_each_call():
    model = model_of([Dense(30, "relu"), Dropout(0.3), Dense(3)])
    drawn = [model.predict(X, training=True) for _ in range(400)]
    assert not np.array_equal(drawn[0], drawn[1])
    error = np.std(drawn, axis=0) / np.sqrt(len(drawn))
    assert (np.abs(np.mean(drawn, axis=0) - model.predict(X)) < 5 * error).all()  # the network is linear above the noise
    again = model_of([Dense(30, "relu"), Dropout(0.3), Dense(3)])
    for expected in drawn[:3]:
        np.testing.assert_array_equal(again(X, training=True), expected)
    other = model_of([Dense(30, "relu"), Dropout(0.3), Dense(3)], seed=5)
    other.set_weights(model.get_weights())
    assert not np.array_equal(other.predict(X, training=True), drawn[0])


def test_predictions_with_noise_of_many_rows_and_of_parts():
    x = RNG.normal(size=(20_000, 6))
    models = [model_of([Dropout(0.5), Dense(3)]) for _ in range(4)]
    weights, starts = models[0].get_weights(), (0, 8192, 16384)  # an engine predicts so many rows at a time
    network = described(models[0])
    parts = [oracle_noise.forward(network, weights, x[i : i + 8192], k - 2**63)[0] for k, i in enumerate(starts)]
    drawn = [model.predict(x, training=True, threads=threads) for model, threads in zip(models[:3], (1, 2, 8), strict=True)]
    drawn.append(models[3].predict((x[i : i + 8192] for i in starts), training=True))
    np.testing.assert_allclose(drawn[0], np.concatenate(parts), rtol=1e-10)
    for other in drawn[1:]:
        np.testing.assert_array_equal(other, drawn[0])


def test_predictions_with_noise_change_nothing_in_training():
    one, other = (model_of([Dense(30, "relu"), Dropout(0.3), Dense(3)]) for _ in range(2))
    one.fit(X, Y, 16, 4, 0)
    for _ in range(2):
        other.fit(X, Y, 16, 2, 0)
        other.predict(X, training=True)
        other.forward(X, training=True)
    assert all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


def test_rows_that_end_where_memory_does():
    # The first layer reads rows where they are, and nothing beyond them: NaN there would be seen.
    wide = np.full((50, 9), np.nan)
    wide[:, :6] = X[:50]
    model = model_of([GaussianNoise(0.5), Dense(3)])
    twin = model_of([GaussianNoise(0.5), Dense(3)])
    np.testing.assert_array_equal(model.predict(wide[:, :6], training=True), twin.predict(X[:50], training=True))


# -- layers by themselves


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_by_itself(kind):
    layer, cls, x = KINDS[kind](), type(KINDS[kind]()), np.ones((300, 5))
    np.testing.assert_array_equal(layer(x), x)
    assert not np.array_equal(layer(x, training=True), layer(x, training=True))
    amount = layer.get_config().get("rate", layer.get_config().get("stddev"))
    first, second = cls(amount, seed=7), cls(amount, seed=7)
    sequence = [first(x, training=True) for _ in range(3)]
    assert all(np.array_equal(second(x, training=True), drawn) for drawn in sequence)
    assert not np.array_equal(sequence[0], sequence[1])
    assert not np.array_equal(sequence[0], cls(amount, seed=8)(x, training=True))
    images = cls(amount, seed=7)(x.reshape(300, 5, 1), training=True)
    np.testing.assert_array_equal(images.reshape(300, 5), sequence[0])
    fastbp.utils.set_random_seed(3)
    drawn = cls(amount)(x, training=True)
    fastbp.utils.set_random_seed(3)
    np.testing.assert_array_equal(cls(amount)(x, training=True), drawn)


def test_a_layer_with_a_seed_has_a_noise_of_its_own():
    def seeds(model_seed, *layer_seeds):
        model = model_of([Dense(9), *(Dropout(0.2, seed=seed) for seed in layer_seeds), Dense(3)], seed=model_seed)
        model.predict(X)
        return [stage.seed for stage in model._engine.stages if stage.is_random]

    own, by_model = seeds(1, 5, None)
    other_own, other_by_model = seeds(2, 5, None)
    assert own == other_own and by_model != other_by_model
    assert len({*seeds(1, 5, 5, 6), *seeds(1, None, None)}) == 5  # no two layers have the same noise
    assert len({seeds(1, 5 + 2**bit)[0] for bit in range(1, 80)}) == 79  # every bit of a seed matters


def test_a_dropped_zero_and_a_kept_zero():
    # The gradient of what was kept passes where the number itself is 0.
    model = model_of([Dense(40, kernel_initializer="zeros"), Dropout(0.5), Dense(3)])
    _, gradients = model.value_and_gradient(X, Y, training=True)
    _, expected = oracle_noise.value_and_gradient(described(model), model.get_weights(), MSE, X, Y, 0)
    assert_close(gradients, expected, 1e-12, floor=1e-9)
    assert (gradients[1] != 0).all()


# -- settings


def test_keras_names_and_settings():
    assert Dropout(0.3).get_config() == {
        **{"name": "dropout", "trainable": True, "dtype": None},
        **{"rate": 0.3, "noise_shape": None, "seed": None},
    }
    for make in KINDS.values():
        layer = make()
        again = fastbp.layers.deserialize(json.loads(json.dumps(fastbp.layers.serialize(layer))))
        assert type(again) is type(layer) and again.get_config() == layer.get_config()
        assert layer.count_params() == 0 if layer.built else layer.get_weights() == []
        assert layer.compute_output_shape((None, 4, 5)) == (None, 4, 5)


def test_against_keras():
    keras = pytest.importorskip("keras")
    x = np.ones((500, 9), np.float32)
    for make in KINDS.values():
        layer = make()
        config = {k: v for k, v in layer.get_config().items() if k not in ("name", "dtype")}
        other = getattr(keras.layers, type(layer).__name__)(**config)
        theirs = other.get_config()
        assert {k: theirs[k] for k in config} == config and theirs.keys() == layer.get_config().keys()
        ours, drawn = layer(x, training=True), np.asarray(other(x, training=True))
        if layer.kind in ("dropout", "alpha_dropout"):  # two numbers are all that there can be
            np.testing.assert_allclose(np.unique(ours.round(5)), np.unique(drawn.round(5)), rtol=1e-4)
        assert ours.mean() == pytest.approx(drawn.mean(), abs=0.05) and ours.std() == pytest.approx(drawn.std(), rel=0.05)
        model = keras.Sequential([keras.Input((9,)), keras.layers.Dense(4), other, keras.layers.Dense(2)])
        read = fastbp.models.model_from_json(model.to_json())
        assert read.layers[1].get_config()["name"] == other.name and type(read.layers[1]) is type(layer)


@pytest.mark.parametrize("kind", RATES)
@pytest.mark.parametrize("rate", [-0.1, 1, 1.5, float("nan"), "half", None, True])
def test_rates_that_are_none(kind, rate):
    with pytest.raises((ValueError, TypeError), match=r"rate must be a finite number in \[0, 1\), got"):
        RATES[kind](rate)


def test_other_settings_that_are_refused():
    with pytest.raises(ValueError, match=r"stddev must be a finite number of at least 0, got -1.0"):
        GaussianNoise(-1)
    for make in (Dropout, AlphaDropout):
        with pytest.raises(ValueError, match=r"noise_shape must be None.*got \(None, 1\)"):
            make(0.2, noise_shape=(None, 1))
    with pytest.raises(ValueError, match="seed must be an integer of at least 0, got -1"):
        Dropout(0.2, seed=-1)
    with pytest.raises(TypeError, match="training must be True or False, got 'yes'"):
        model_of([Dense(3)]).predict(X, training="yes")
    with pytest.raises(TypeError, match="training must be True or False, got 'yes'"):
        Dropout(0.2)(Input((4,)), training="yes")


def test_copies_go_on_with_the_same_noise():
    model = model_of([Dense(30, "relu"), Dropout(0.3), Dense(3)])
    model.fit(X, Y, 16, 2, 0)
    model.predict(X, training=True)
    copied = pickle.loads(pickle.dumps(model))
    for _ in range(2):
        np.testing.assert_array_equal(copied.predict(X, training=True), model.predict(X, training=True))
        for each in (model, copied):
            each.fit(X, Y, 16, 1, 0)
        assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), copied.get_weights(), strict=True))
