"""Penalties and constraints of layers of all kinds: gradients against differences, and the same bits whatever the threads."""

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Input, Sequential, constraints, layers, regularizers
from fastbp.engine.buffers import GROUPS
from fastbp.kernels import fields as at


def all_kinds():
    """Layers of all kinds that have penalties and constraints."""
    both = regularizers.L1L2(0.01, 0.03)
    return [
        layers.ActivityRegularization(0.02, 0.01),
        Dense(70, "gelu", kernel_regularizer=both, activity_regularizer="l1", kernel_constraint=constraints.MaxNorm(0.8)),
        layers.PReLU("ones", alpha_regularizer=both, alpha_constraint=constraints.MaxNorm(0.9), activity_regularizer=both),
        Dense(9, "softmax", activity_regularizer=both, kernel_constraint=constraints.UnitNorm(axis=1)),
        layers.Activation("sigmoid", activity_regularizer="l2"),
        Dense(40, "glu", bias_regularizer=both, activity_regularizer=both, bias_constraint="non_neg"),
        layers.PReLU(alpha_constraint="non_neg"),
        Dense(3, kernel_regularizer="l2", activity_regularizer=both, bias_constraint="max_norm"),
    ]


def mixed(dtype="float64"):
    model = Sequential([Input((6,)), *all_kinds()], seed=3, dtype=dtype)
    model.compile(fastbp.Adam(0.01), "mse")
    return model


def data(n=60):
    generator = np.random.default_rng(5)
    return generator.normal(size=(n, 6)), generator.normal(size=(n, 3))


def test_gradients_of_all_kinds_against_differences():
    model, (x, y) = mixed(), data()
    generator = np.random.default_rng(1)
    model.set_weights([w + 0.2 * generator.normal(size=w.shape) for w in model.get_weights()])
    assert fastbp.check_gradients(model, x, y, max_entries=12)


def learnt(model, rows=60, batch_size=16, **settings):
    history = model.fit(*data(rows), batch_size, 2, 0, **settings).history
    return [np.array(history["loss"]), *model.get_weights(), model.predict(data()[0])]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("rows", "batch_size"), [(60, 16), (2500, 2000)], ids=["whole batches", "groups"])
def test_the_same_bits_for_any_number_of_threads(dtype, rows, batch_size):
    first = mixed(dtype)
    expected = learnt(first, rows, batch_size, threads=1)
    grouped = [bool(plan.fields[at.GROUPS]) for plan in first._engine._plans._plans.values() if plan.phases & at.UPDATE]
    assert grouped == [batch_size > GROUPS * 100]
    for threads in (2, 3, 8):
        assert same(expected, learnt(mixed(dtype), rows, batch_size, threads=threads))


def test_the_same_bits_where_a_callback_looks_at_every_batch():
    class Looks(fastbp.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            losses.append(logs["loss"])

    losses = []
    expected = learnt(mixed())
    assert same(expected, learnt(mixed(), callbacks=[Looks()]))
    assert losses[3] == expected[0][0] and len(losses) == 8


def test_metrics_have_no_penalty():
    model, (x, y) = mixed(), data()
    model.compile("sgd", "mse", metrics=["mse"])
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    assert logs["mse"] == pytest.approx(np.mean((model.predict(x) - y) ** 2)) and logs["loss"] > logs["mse"] + 0.1
    history = model.fit(x, y, 60, 1, 0).history
    assert history["mse"][0] == pytest.approx(logs["mse"]) and history["loss"][0] == pytest.approx(logs["loss"])


def test_evaluate_does_not_depend_on_how_the_data_comes():
    model, (x, y) = mixed(), data()
    whole = model.evaluate(x, y, verbose=0)
    batches = ((x[i : i + 25], y[i : i + 25]) for i in range(0, 60, 25))
    assert model.evaluate(batches, verbose=0) == pytest.approx(whole, rel=1e-12)
    assert model.evaluate(x, y, verbose=0, threads=3) == whole


# ------------------------------------------------------------------------------------------------- at random


def random_layers(generator):
    """Some layers, each with penalties and constraints or without."""

    def regularizer():
        return generator.choice([None, regularizers.L1(0.02), regularizers.L2(0.03), regularizers.L1L2(0.01, 0.02)])

    def constraint(axes):
        norms = [constraints.MaxNorm(0.6), constraints.UnitNorm(), constraints.MinMaxNorm(0.3, 0.8, 0.5)]
        across = [constraints.MaxNorm(0.6, axis=1), constraints.UnitNorm(axis=-1)] if axes == 2 else []
        return generator.choice([None, constraints.NonNeg(), *norms, *across])

    def dense(units, activation):
        return Dense(
            units,
            activation,
            kernel_regularizer=regularizer(),
            bias_regularizer=regularizer(),
            activity_regularizer=regularizer(),
            kernel_constraint=constraint(2),
            bias_constraint=constraint(1),
            trainable=bool(generator.random() < 0.8),
        )

    for _ in range(generator.integers(1, 5)):
        kind = generator.integers(5)
        if kind == 0:
            yield layers.PReLU("ones", regularizer(), constraint(1), activity_regularizer=regularizer())
        elif kind == 1:
            yield layers.ActivityRegularization(0.01, 0.02)
        else:
            activation = generator.choice(["tanh", "gelu", "softmax", "glu", "sigmoid", "linear"])
            yield dense(2 * int(generator.integers(1, 40)), str(activation))
    yield dense(3, "tanh")


def random_model(seed, dtype="float64"):
    model = Sequential([Input((6,)), *random_layers(np.random.default_rng(seed))], seed=seed, dtype=dtype)
    model.compile(fastbp.Nadam(0.01), "mse")
    return model


@pytest.mark.parametrize("seed", range(8))
def test_random_networks(seed):
    model, (x, y) = random_model(seed), data()
    generator = np.random.default_rng(seed)
    model.set_weights([w + 0.1 * generator.normal(size=w.shape) for w in model.get_weights()])
    learns = [layer.trainable for layer in model.layers]  # to the others no gradient belongs
    checked = [e for e in fastbp.check_gradients(model, x, y, max_entries=5).entries if learns[int(e.array.split()[1])]]
    assert checked and max(entry.error for entry in checked) < 1e-6
    assert model.evaluate(x, y, verbose=0) == pytest.approx(model.value_and_gradient(x, y)[0], rel=1e-12)
    expected = learnt(random_model(seed, "float32"), threads=1)
    assert same(expected, learnt(random_model(seed, "float32"), threads=3))


# ------------------------------------------------------------------------------------------------- what outputs cost

KINDS = {
    "PReLU": layers.PReLU,
    "Softmax": layers.Softmax,
    "LeakyReLU": layers.LeakyReLU,
    "Rescaling": lambda **settings: layers.Rescaling(0.5, 1.0, **settings),
    "Identity": layers.Identity,
    "Dropout": lambda **settings: layers.Dropout(0.4, **settings),
    "GaussianNoise": lambda **settings: layers.GaussianNoise(0.3, **settings),
    "GaussianDropout": lambda **settings: layers.GaussianDropout(0.3, **settings),
    "AlphaDropout": lambda **settings: layers.AlphaDropout(0.3, **settings),
    "LayerNormalization": layers.LayerNormalization,
    "RMSNormalization": layers.RMSNormalization,
    "UnitNormalization": layers.UnitNormalization,
    "BatchNormalization": layers.BatchNormalization,
    "Normalization": lambda **settings: layers.Normalization(mean=0.5, variance=2.0, **settings),
}
PENALTY = regularizers.L1L2(0.02, 0.03)


def around(kind, *following, **settings):
    """A network with a layer of a kind in its middle."""
    layers_of = [Input((6,)), Dense(9, "tanh"), KINDS[kind](**settings), *following, Dense(3)]
    model = Sequential(layers_of, seed=2, dtype="float64")
    model.compile(fastbp.SGD(0.1), "mse")
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_output_of_each_kind_costs(kind):
    """The same where a layer of its own has the penalty."""
    model, (x, y) = around(kind, activity_regularizer=PENALTY), data()
    until = fastbp.models.Model(model.inputs, model.layers[1].output, dtype="float64")
    expected = np.mean((model.predict(x) - y) ** 2) + PENALTY(until.predict(x)) / len(x)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-12)
    checked = fastbp.check_gradients(model, x, y, max_entries=5).entries
    assert max(entry.error for entry in checked if "moving" not in entry.array) < 1e-6  # no gradient changes those
    apart, without = around(kind, layers.ActivityRegularization(0.02, 0.03)), around(kind)
    assert same(learnt(around(kind, activity_regularizer=PENALTY)), learnt(apart))
    assert not np.array_equal(learnt(without)[1], apart.get_weights()[0])
