"""To train on the chunks of a source is, bit for bit, to train on all of it as one array."""

import numpy as np
import pytest
from scipy import sparse

from data_kinds import Slices, mapped, numbered
from fastbp import Dense, Input, Sequential, losses
from fastbp.data import Spec, combine, prepare, readers
from fastbp.kernels.codes import ERRORS

X, Y = numbered(333, 6) / 333, np.sin(np.arange(333, dtype="float32"))[:, None]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(readers, "MAX_WHOLE_BYTES", 0)
    for kind in (readers.Mapped, readers.Sparse, readers.Stored):
        monkeypatch.setattr(kind, "chunk_bytes", 40 * X[0].nbytes)


def engine(units):
    model = Sequential([Input((6,)), Dense(units, "tanh"), Dense(1)], seed=0)
    model.compile("adam", "mse")
    return model._build(6), ERRORS


@pytest.mark.parametrize("batch_size", [1, 7, 32, 100, 332, 333, 1000])
@pytest.mark.parametrize("units", [8, 400])  # with many, a large batch is cut into groups
@pytest.mark.parametrize("kind", ["sparse", "mapped", "slices"])
def test_the_bits_are_the_same(kind, units, batch_size, tmp_path):
    make = {"sparse": sparse.csr_array, "mapped": lambda a: mapped(tmp_path, a.astype("float64")), "slices": Slices}[kind]
    source = prepare(make(X), Y, spec=Spec(6, 1, np.dtype("float32"), losses.get("mse")))
    order = np.random.default_rng(0).permutation(333)
    whole, counted = engine(units)
    chunked, _ = engine(units)
    for rows in (order, order[::-1].copy()):
        x, y = np.ascontiguousarray(X[rows]), np.ascontiguousarray(Y[rows])
        expected = whole.train_epoch(x, y, batch_size, False, counted)
        ended = []
        for part in source.chunks(rows, batch_size):
            chunked.train_epochs(1, ended, part.x, part.y, batch_size, False, counted)
        found = combine(ended, rows)
        assert (found.samples, found.steps, found.flop) == (expected.samples, expected.steps, expected.flop)
        assert found.loss == pytest.approx(expected.loss, rel=1e-13)
        np.testing.assert_allclose(found.statistics.counts, expected.statistics.counts, rtol=1e-12)
        for a, b in zip(whole.get_weights(), chunked.get_weights(), strict=True):
            assert np.array_equal(a, b)


@pytest.mark.parametrize("units", [8, 400])
def test_predictions_and_losses_of_chunks(units):
    source = prepare(sparse.csr_array(X), Y, spec=Spec(6, 1, np.dtype("float32"), losses.get("mse")))
    made, counted = engine(units)
    parts = list(source.chunks(None, 16))
    assert len(parts) > 5
    assert np.array_equal(np.concatenate([made.forward(part.x) for part in parts]), made.forward(X))
    found, expected = combine([made.evaluate(part.x, part.y, counted) for part in parts]), made.evaluate(X, Y, counted)
    assert found.loss == pytest.approx(expected.loss, rel=1e-13) and found.samples == 333
    np.testing.assert_allclose(found.statistics.counts, expected.statistics.counts, rtol=1e-12)
