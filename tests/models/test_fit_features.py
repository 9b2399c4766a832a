"""Weights of samples and classes, data of many kinds, steps of an epoch and rates of steps, in fit, evaluate and predict."""

import itertools

import numpy as np
import pytest

import fastbp
from fastbp import SGD, Adam, Dense, Sequential
from fastbp.callbacks import LambdaCallback
from fastbp.data import readers
from fastbp.optimizers import schedules

RNG = np.random.default_rng(3)
X = RNG.normal(size=(96, 5)).astype("float32")
Y = RNG.normal(size=(96, 2)).astype("float32")
LABELS = RNG.integers(0, 3, size=96)
WEIGHTS = RNG.uniform(0, 3, size=96)
KINDS = {
    "regression": (Y, None, "mse", ["mae", "r2_score"], 2),
    "binary": ((X[:, :1] > 0).astype("float32"), "sigmoid", "binary_crossentropy", ["accuracy", "AUC", "Precision"], 1),
    "classes": (LABELS, "softmax", "sparse_categorical_crossentropy", ["accuracy"], 3),
    "one-hot": (
        np.eye(3, dtype="float32")[LABELS],
        "softmax",
        "categorical_crossentropy",
        ["accuracy", "TopKCategoricalAccuracy"],
        3,
    ),
}
WATCH = LambdaCallback(on_train_batch_end=lambda batch, logs: logs["loss"])


def model(kind="regression", optimizer=None, weighted=None, **settings):
    _, activation, loss, metrics, units = KINDS[kind]
    net = Sequential([Dense(8, "tanh"), Dense(units, activation)], seed=1)
    net.compile(optimizer or Adam(0.01), loss, metrics=metrics, weighted_metrics=weighted, **settings)
    return net


def weights(net):
    return [w.tolist() for w in net.get_weights()]


def close(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert one[name] == pytest.approx(other[name], rel=1e-5), name


# ------------------------------------------------------------------------------------------------------------ weights


@pytest.mark.parametrize("kind", KINDS)
def test_weighted_losses_are_keras_s(kind):
    keras = pytest.importorskip("keras")
    y, activation, loss, _, units = KINDS[kind]
    net = Sequential([Dense(8, "tanh"), Dense(units, activation)], seed=1)
    theirs = keras.Sequential([keras.layers.Input((5,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(units, activation)])
    net.build(5)
    theirs.set_weights(net.get_weights())
    measured = ["mae"] if kind == "regression" else ["accuracy"]
    net.compile(SGD(0.1), loss, metrics=measured, weighted_metrics=measured)
    theirs.compile(keras.optimizers.SGD(0.1), loss, metrics=measured, weighted_metrics=measured)
    settings = {"batch_size": 20, "epochs": 3, "verbose": 0, "shuffle": False, "sample_weight": WEIGHTS}
    settings |= {"validation_data": (X[:50], y[:50], WEIGHTS[:50])}
    ours, expected = net.fit(X, y, **settings).history, theirs.fit(X, y, **settings).history
    assert ours.keys() == expected.keys()
    for name, values in expected.items():
        assert ours[name] == pytest.approx([float(value) for value in values], rel=1e-4), name


@pytest.mark.parametrize("kind", ["binary", "classes", "one-hot"])
def test_class_weights_are_weights_of_samples(kind):
    y, chosen = KINDS[kind][0], {0: 0.5, 2: 3.0} if kind != "binary" else {1: 4.0}
    labels = LABELS if kind != "binary" else y[:, 0]
    by_sample = np.array([chosen.get(int(label), 1.0) for label in labels])
    net, same = model(kind), model(kind)
    settings = {"epochs": 2, "verbose": 0, "validation_split": 0.25}
    assert (
        net.fit(X, y, class_weight=chosen, **settings).history["loss"]
        == same.fit(X, y, sample_weight=by_sample, **settings).history["loss"]
    )
    assert weights(net) == weights(same)
    assert net.train_on_batch(X, y, class_weight=chosen) == same.train_on_batch(X, y, by_sample) and weights(net) == weights(
        same
    )
    with pytest.raises(ValueError, match="class_weight"):
        net.fit(X, y, class_weight=chosen, sample_weight=by_sample)


def test_weights_of_one_are_none():
    net, same = model(), model()
    assert net.fit(X, Y, epochs=2, verbose=0, sample_weight=np.ones(96)).history == same.fit(X, Y, epochs=2, verbose=0).history
    assert weights(net) == weights(same)


def test_samples_of_weight_zero_teach_nothing():
    keep = np.arange(96) % 3 > 0
    net, same = model(optimizer=SGD(0.1)), model(optimizer=SGD(0.1 * 64 / 96))  # the mean is over the number of samples
    net.fit(X, Y, batch_size=96, epochs=3, verbose=0, sample_weight=keep.astype(float))
    same.fit(X[keep], Y[keep], batch_size=96, epochs=3, verbose=0)
    for one, other in zip(net.get_weights(), same.get_weights(), strict=True):
        assert one == pytest.approx(other, rel=1e-4, abs=1e-6)


def test_weighted_evaluation():
    net = model(weighted=["mae"])
    net.build(5)
    logs = net.evaluate(X, Y, verbose=0, sample_weight=WEIGHTS, return_dict=True)
    error = net.predict(X).astype(float) - Y
    assert logs["loss"] == pytest.approx(np.mean(WEIGHTS[:, None] * error**2), rel=1e-5)
    assert logs["mae"] == pytest.approx(np.mean(np.abs(error)), rel=1e-5)
    assert logs["weighted_mae"] == pytest.approx(np.average(np.abs(error).mean(axis=1), weights=WEIGHTS), rel=1e-5)
    assert net.test_on_batch(X, Y, WEIGHTS, True) == logs
    history = net.fit(X, Y, verbose=0, validation_data=(X[:30], Y[:30], WEIGHTS[:30])).history
    after = net.evaluate(X[:30], Y[:30], verbose=0, sample_weight=WEIGHTS[:30], return_dict=True)
    assert {f"val_{name}": [value] for name, value in after.items()} == {n: v for n, v in history.items() if "val" in n}


# -------------------------------------------------------------------------------------------- the same bits, whatever


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("threads", [2, 8])
def test_the_same_bits_with_everything(kind, threads):
    """Weights, schedules, metrics of outputs, validation and a look at each batch, by any number of threads."""
    y, found = KINDS[kind][0], []
    for count, callbacks in itertools.product((1, threads), (None, [WATCH])):
        net = model(kind, Adam(schedules.ExponentialDecay(0.05, 4, 0.7)), ["mae"] if kind == "regression" else ["accuracy"])
        settings = {"sample_weight": WEIGHTS, "validation_data": (X[:40], y[:40], WEIGHTS[:40])}
        history = net.fit(X, y, 20, 3, 0, callbacks, threads=count, **settings)
        found.append((history.history, weights(net)))
    assert all(one == found[0] for one in found)


@pytest.mark.parametrize("metrics", [[], ["mae"], ["mae", "r2_score"], ["mape"]])
def test_each_epoch_has_metrics_of_its_own(metrics):
    """Several short epochs may be run in one call, of which each is measured alone."""
    net, same = (Sequential([Dense(8, "tanh"), Dense(2)], seed=1) for _ in range(2))
    for one in (net, same):
        one.compile(Adam(0.01), "mse", metrics=metrics)
    together = net.fit(X, Y, epochs=30, verbose=0).history
    alone = [same.fit(X, Y, verbose=0).history for _ in range(30)]
    assert together == {name: [history[name][0] for history in alone] for name in together}
    assert len(together) == 1 + len(metrics)


@pytest.mark.parametrize("kind", ["binary", "one-hot"])
def test_metrics_of_outputs_batch_by_batch(kind):
    y, seen = KINDS[kind][0], []
    net, same = model(kind), model(kind)
    look = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(dict(logs)))
    net.fit(X, y, batch_size=16, shuffle=False, verbose=0, callbacks=[look])
    for stop in range(16, 97, 16):
        again = model(kind)
        logs = again.fit(X[:stop], y[:stop], batch_size=16, shuffle=False, verbose=0).history
        close(seen[stop // 16 - 1], {name: values[0] for name, values in logs.items()})
    same.fit(X, y, batch_size=16, shuffle=False, verbose=0)
    assert weights(net) == weights(same)


# ----------------------------------------------------------------------------------------------------- kinds of data


def batches(y, size=16, weighted=False):
    extra = (WEIGHTS,) if weighted else ()
    return [tuple(part[start : start + size] for part in (X, y, *extra)) for start in range(0, len(X), size)]


def generator(items):
    yield from items


def sequence(items):
    class Sequence:
        def __len__(self):
            return len(items)

        def __getitem__(self, number):
            return items[number]

    return Sequence()


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", [sequence, generator])
def test_batches_are_what_arrays_are(form, kind, weighted, watched):
    y = KINDS[kind][0]
    net, same = model(kind), model(kind)
    settings = {
        "epochs": 1 if form is generator else 3,
        "shuffle": False,
        "verbose": 0,
        "callbacks": [WATCH] if watched else None,
    }
    ours = net.fit(form(batches(y, 16, weighted)), validation_data=sequence(batches(y, 32)), **settings)
    theirs = same.fit(X, y, 16, validation_data=(X, y), sample_weight=WEIGHTS if weighted else None, **settings)
    assert weights(net) == weights(same) and ours.epoch == theirs.epoch
    close(ours.history, theirs.history)
    close(net.evaluate(form(batches(y)), verbose=0, return_dict=True), same.evaluate(X, y, verbose=0, return_dict=True))
    assert (net.predict(form([x for x, *_ in batches(y)])) == same.predict(X)).all()


def test_a_generator_without_end_needs_steps():
    def endless():
        while True:
            yield X[:16], Y[:16]

    net, same = model(), model()
    history = net.fit(endless(), steps_per_epoch=3, epochs=4, verbose=0, validation_data=endless(), validation_steps=2)
    for _ in range(12):
        same.train_on_batch(X[:16], Y[:16])
    assert weights(net) == weights(same) and history.epoch == [0, 1, 2, 3] and history.params["steps"] == 3
    assert history.history["val_loss"][-1] == pytest.approx(net.evaluate(X[:16], Y[:16], verbose=0)[0], rel=1e-6)


def test_a_generator_that_ends_ends_the_fit():
    with pytest.warns(UserWarning, match="ran out of data"):
        history = model().fit(generator(batches(Y)), steps_per_epoch=4, epochs=9, verbose=0)
    assert history.epoch == [0, 1]  # of 6 batches


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_chunks_are_what_arrays_are(kind, shuffle, watched, monkeypatch):
    sparse = pytest.importorskip("scipy.sparse")
    y = KINDS[kind][0]
    monkeypatch.setattr(readers, "MAX_WHOLE_BYTES", 0)
    monkeypatch.setattr(readers.Sparse, "chunk_bytes", 32 * 5 * 4)
    net, same = model(kind), model(kind)
    data = sparse.csr_matrix(X)
    settings = {
        "batch_size": 16,
        "epochs": 2,
        "shuffle": shuffle,
        "verbose": 0,
        "validation_split": 0.25,
        "sample_weight": WEIGHTS,
    }
    ours = net.fit(data, y, callbacks=[WATCH] if watched else None, **settings)
    theirs = same.fit(X, y, **settings)
    assert weights(net) == weights(same)
    close(ours.history, theirs.history)
    close(net.evaluate(data, y, verbose=0, return_dict=True), same.evaluate(X, y, verbose=0, return_dict=True))
    assert net.predict(data) == pytest.approx(same.predict(X), rel=1e-5)
    seen = []
    looking = LambdaCallback(on_predict_batch_end=lambda batch, logs: seen.append(len(logs["outputs"])))
    assert net.predict(data, 40, callbacks=[looking]) == pytest.approx(same.predict(X), rel=1e-5) and seen == [40, 40, 16]


def test_a_loader_of_torch():
    data = pytest.importorskip("torch.utils.data")
    import torch

    loader = data.DataLoader(data.TensorDataset(torch.tensor(X), torch.tensor(Y)), batch_size=16)
    net, same = model(), model()
    close(net.fit(loader, epochs=2, verbose=0).history, same.fit(X, Y, 16, epochs=2, shuffle=False, verbose=0).history)
    assert weights(net) == weights(same)


# ------------------------------------------------------------------------------------------------------------- steps


def counted(net, x, y, keras=False, **settings):
    """How many batches each epoch has."""
    counts = []
    look = {
        "on_epoch_begin": lambda epoch, logs: counts.append(0),
        "on_train_batch_end": lambda batch, logs: counts.append(counts.pop() + 1),
    }
    if keras:
        from keras.callbacks import LambdaCallback as Look
    else:
        Look = LambdaCallback
    net.fit(x, y, verbose=0, callbacks=[Look(**look)], **settings)
    return counts


STEPS = [
    ({"batch_size": 16, "steps_per_epoch": 2}, [2, 2, 2, 2]),
    ({"batch_size": 16, "steps_per_epoch": 4}, [4, 2, 4, 2]),
    ({"batch_size": 20, "steps_per_epoch": 4}, [4, 1, 4, 1]),
    ({"batch_size": 20, "steps_per_epoch": 9}, [5, 5, 5, 5]),
    ({"steps_per_epoch": 4}, [4, 4, 4, 4]),
    ({"steps_per_epoch": 7}, [7, 7, 7, 7]),
]


@pytest.mark.filterwarnings("ignore:.*ran out of data")
@pytest.mark.parametrize(("settings", "expected"), STEPS)
def test_steps_of_an_epoch(settings, expected):
    assert counted(model(), X, Y, epochs=4, **settings) == expected


@pytest.mark.filterwarnings("ignore:.*ran out of data")
@pytest.mark.parametrize(("settings", "expected"), STEPS)
def test_steps_of_an_epoch_are_keras_s(settings, expected):
    keras = pytest.importorskip("keras")
    net = keras.Sequential([keras.layers.Dense(2)])
    net.compile("sgd", "mse")
    assert counted(net, X, Y, True, epochs=4, **settings) == expected


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("shuffle", [True, False])
def test_epochs_of_some_steps_make_whole_passes(watched, shuffle):
    net, same = model(), model()
    callbacks = [WATCH] if watched else None
    ours = net.fit(X, Y, 16, 6, 0, callbacks, steps_per_epoch=2, shuffle=shuffle, sample_weight=WEIGHTS).history
    theirs = same.fit(X, Y, 16, 2, 0, shuffle=shuffle, sample_weight=WEIGHTS).history
    assert weights(net) == weights(same) and len(ours["loss"]) == 6
    assert [np.mean(ours["loss"][:3]), np.mean(ours["loss"][3:])] == pytest.approx(theirs["loss"], rel=1e-6)


# ------------------------------------------------------------------------------------------------------------- rates


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("kind", [SGD, Adam])
def test_a_schedule_gives_each_step_its_rate(kind, watched):
    net, same = model(optimizer=kind(schedules.ExponentialDecay(0.1, 5, 0.5))), model(optimizer=kind(0.1))
    net.fit(X, Y, 16, 3, 0, [WATCH] if watched else None, shuffle=False)
    for step in range(18):
        same.optimizer.learning_rate = 0.1 * 0.5 ** (step / 5)
        rows = slice(step % 6 * 16, step % 6 * 16 + 16)
        same.train_on_batch(X[rows], Y[rows])
    for one, other in zip(net.get_weights(), same.get_weights(), strict=True):
        assert one == pytest.approx(other, rel=1e-5)
    assert net.optimizer.iterations == 18 and net.optimizer.learning_rate == pytest.approx(0.1 * 0.5 ** (18 / 5))


def test_a_schedule_goes_on_in_the_next_fit_and_in_single_steps():
    net, same = (model(optimizer=SGD(schedules.ExponentialDecay(0.1, 5, 0.5))) for _ in range(2))
    net.fit(X, Y, 16, 2, 0, shuffle=False)
    same.fit(X, Y, 16, 1, 0, shuffle=False)
    for start in range(0, 96, 16):
        same.train_on_batch(X[start : start + 16], Y[start : start + 16])
    assert weights(net) == weights(same)


def test_names():
    assert fastbp.Sequential is Sequential
