"""fit, evaluate and predict on data of every kind do, bit for bit, what they do on arrays."""

import numpy as np
import pandas as pd
import pytest

from data_kinds import LAZY, numbered
from fastbp import Dense, Input, Sequential
from fastbp.data import readers

RNG = np.random.default_rng(0)
X = (numbered(96, 6) / 96).astype("float32")
Y = np.sin(np.arange(96, dtype="float32"))[:, None]
LABELS = np.arange(96) * 5 % 3
WEIGHTS = RNG.uniform(0, 2, 96)
BATCHES = [slice(start, start + 8) for start in range(0, 96, 8)]


def regression(built=True):
    model = Sequential([*([Input((6,))] if built else []), Dense(8, "tanh"), Dense(1)], seed=0)
    model.compile("adam", "mse", metrics=["mae", "r2"])
    return model


def classifier():
    model = Sequential([Dense(8, "tanh"), Dense(3, "softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def same(found, expected):
    """The same weights to the bit; sums over parts are rounded differently."""
    for a, b in zip(found.get_weights(), expected.get_weights(), strict=True):
        assert np.array_equal(a, b)
    assert found.history.history.keys() == expected.history.history.keys()
    for name, values in expected.history.history.items():
        np.testing.assert_allclose(found.history.history[name], values, rtol=1e-10, atol=1e-12, err_msg=name)


@pytest.fixture(params=[kind for kind in LAZY if kind != "LIL"])
def lazy(request, monkeypatch, tmp_path):
    """Makes data that is too large to be taken whole."""
    if request.param == "h5py":
        pytest.importorskip("h5py")
    monkeypatch.setattr(readers, "MAX_WHOLE_BYTES", 0)
    for kind in (readers.Mapped, readers.Sparse, readers.Stored):
        monkeypatch.setattr(kind, "chunk_bytes", 17 * X[0].nbytes)
    return lambda array: LAZY[request.param](tmp_path, array)


@pytest.mark.parametrize("batch_size", [5, 8, 200])
@pytest.mark.parametrize("shuffle", [True, False])
def test_chunks(lazy, shuffle, batch_size):
    settings = {"epochs": 3, "batch_size": batch_size, "shuffle": shuffle, "verbose": 0, "validation_split": 0.25}
    expected, found = regression(), regression(built=False)
    expected.fit(X, Y, sample_weight=WEIGHTS, **settings)
    found.fit(lazy(X), Y, sample_weight=WEIGHTS, **settings)
    same(found, expected)
    assert np.array_equal(found.predict(lazy(X), verbose=0), expected.predict(X, verbose=0))
    np.testing.assert_allclose(found.evaluate(lazy(X), Y, verbose=0), expected.evaluate(X, Y, verbose=0), rtol=1e-10)


def test_chunks_of_labels_with_weights_of_classes(lazy):
    settings = {"epochs": 2, "batch_size": 7, "verbose": 0, "class_weight": {0: 5.0, 2: 0.1}}
    expected, found = classifier(), classifier()
    expected.fit(X, LABELS, validation_data=(X, LABELS), **settings)
    found.fit(lazy(X), LABELS, validation_data=(lazy(X), LABELS), **settings)
    same(found, expected)


def test_validation_data_in_chunks_beside_arrays(lazy):
    settings = {"epochs": 2, "batch_size": 8, "verbose": 0}
    expected, found = regression(), regression()
    expected.fit(X, Y, validation_data=(X[:50], Y[:50], WEIGHTS[:50]), **settings)
    found.fit(X, Y, validation_data=(lazy(X[:50]), Y[:50], WEIGHTS[:50]), **settings)
    same(found, expected)


def test_some_steps_an_epoch(lazy):
    settings = {"epochs": 5, "batch_size": 8, "steps_per_epoch": 4, "verbose": 0}
    expected, found = regression(), regression()
    expected.fit(X, Y, **settings)
    found.fit(lazy(X), Y, **settings)
    same(found, expected)


def test_metrics_of_an_epoch_are_of_that_epoch():
    """However short epochs are: several in one call would be counted together."""
    expected, found = regression(), regression()
    expected.fit(X, Y, epochs=6, batch_size=8, verbose=0, validation_data=(X, Y))
    found.fit(X, Y, epochs=6, batch_size=8, verbose=0)
    for name in ("mae", "r2"):
        assert found.history.history[name] == expected.history.history[name]
        assert len(set(found.history.history[name])) == 6


# --------------------------------------------------------------------------------------------------------- batches


class Sequence:
    def __init__(self, weighted):
        self.weighted = weighted

    def __len__(self):
        return len(BATCHES)

    def __getitem__(self, number):
        rows = BATCHES[number]
        return (X[rows], Y[rows], WEIGHTS[rows]) if self.weighted else (X[rows], Y[rows])


class Restarted:
    def __init__(self, weighted):
        self.batches = Sequence(weighted)

    def __iter__(self):
        return (self.batches[number] for number in range(len(BATCHES)))


def endless(weighted):
    while True:
        yield from Restarted(weighted)


def loader(weighted):
    torch = pytest.importorskip("torch")
    arrays = [torch.tensor(array) for array in ((X, Y, WEIGHTS) if weighted else (X, Y))]
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*arrays), batch_size=8)


SOURCES = {"sequence": Sequence, "iterable": Restarted, "DataLoader": loader, "generator": endless}


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("steps", [None, 12])
def test_batches(kind, weighted, steps):
    if kind == "generator" and steps is None:
        pytest.skip("it has no end")
    expected, found = regression(), regression(built=False)
    validation = {} if kind == "generator" else {"validation_data": SOURCES[kind](True)}
    expected.fit(
        *(X, Y),
        batch_size=8,
        epochs=3,
        shuffle=False,
        verbose=0,
        sample_weight=WEIGHTS if weighted else None,
        validation_data=(X, Y, WEIGHTS) if validation else None,
    )
    found.fit(SOURCES[kind](weighted), epochs=3, shuffle=False, verbose=0, steps_per_epoch=steps, **validation)
    same(found, expected)
    steps = 12 if kind == "generator" else None
    assert np.array_equal(found.predict(SOURCES[kind](weighted), steps=steps, verbose=0), expected.predict(X, verbose=0))
    np.testing.assert_allclose(
        found.evaluate(SOURCES[kind](weighted), steps=steps, verbose=0),
        expected.evaluate(X, Y, sample_weight=WEIGHTS if weighted else None, verbose=0),
        rtol=1e-10,
    )


def test_a_sequence_is_shuffled_by_the_seed():
    first, second, unshuffled = regression(), regression(), regression()
    first.fit(Sequence(False), epochs=2, verbose=0)
    second.fit(Sequence(False), epochs=2, verbose=0)
    unshuffled.fit(Sequence(False), epochs=2, verbose=0, shuffle=False)
    same(first, second)
    assert not np.array_equal(first.get_weights()[0], unshuffled.get_weights()[0])


def test_a_generator_that_ends_too_early():
    model = regression()
    with pytest.warns(UserWarning, match="ran out of data"):
        history = model.fit((Sequence(False)[number] for number in range(12)), epochs=3, verbose=0)
    assert history.epoch == [0]
    with pytest.warns(UserWarning, match="ran out of data after 2 batches of 5"):
        history = model.fit((Sequence(False)[number] for number in range(12)), epochs=9, steps_per_epoch=5, verbose=0)
    assert history.epoch == [0, 1, 2]


def test_a_generator_to_validate_on_is_read_once():
    model = regression()
    with pytest.raises(ValueError, match="validation_data x must yield batches each time it is read"):
        model.fit(X, Y, validation_data=(batch for batch in Restarted(False)), epochs=3, verbose=0)
    model.fit(X, Y, validation_data=(batch for batch in Restarted(False)), verbose=0)


# ------------------------------------------------------------------------------------------------------- all kinds


@pytest.mark.parametrize("make", [pd.DataFrame, "polars", "torch", lambda a: a.tolist()])
def test_what_is_taken_whole(make):
    if isinstance(make, str):
        library = pytest.importorskip(make)
        make = library.tensor if make == "torch" else lambda a: library.DataFrame({str(i): c for i, c in enumerate(a.T)})
    settings = {"epochs": 2, "batch_size": 8, "verbose": 0, "validation_split": 0.25}
    expected, found = regression(), regression()
    expected.fit(X, Y, **settings)
    found.fit(make(X), make(Y), **settings)
    same(found, expected)
    assert np.array_equal(found.predict(make(X), verbose=0), expected.predict(X, verbose=0))


def test_columns_of_polars_are_remembered():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({name: X[:, i] for i, name in enumerate("abcdef")})
    model = regression(built=False)
    model.fit(frame, Y, verbose=0)
    model.predict(frame, verbose=0)
    for call in (model.predict, lambda x: model.evaluate(x, Y), lambda x: model.fit(x, Y)):
        with pytest.raises(ValueError, match="x must have the columns.*another order: 'b', 'a', 'c', 'd', 'e', 'f'"):
            call(frame[["b", "a", "c", "d", "e", "f"]])


def test_numbers_alone():
    expected, found = (Sequential([Dense(4, "tanh"), Dense(1)], seed=0) for _ in range(2))
    for model, x in ((expected, X[:, :1]), (found, X[:, 0])):
        model.compile("adam", "mse")
        model.fit(x, Y[:, 0], epochs=2, verbose=0)
    same(found, expected)
    assert np.array_equal(found.predict(X[:, 0], verbose=0), expected.predict(X[:, :1], verbose=0))


def test_what_is_not_finite_in_a_large_map_is_named_after_training_diverged(lazy, tmp_path):
    from data_kinds import mapped

    x = X.copy()
    x[50, 2] = np.nan
    with pytest.raises(ValueError, match="x must be finite, got nan .* at row 50, column 2"):
        regression().fit(mapped(tmp_path, x), Y, epochs=2, batch_size=8, verbose=0)
    with pytest.raises(ValueError, match="x must be finite, got nan .* at row 50, column 2"):
        regression().fit(lazy(x), Y, epochs=2, batch_size=8, verbose=0)
