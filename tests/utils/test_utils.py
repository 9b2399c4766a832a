"""Labels as columns, norms, splits and data in batches, against NumPy, scikit-learn and Keras."""

import math

import numpy as np
import pandas as pd
import pytest

import fastbp
from fastbp import utils

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras's calls of NumPy


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8", "uint64", "bool", "float32", "float64", "object"])
@pytest.mark.parametrize("shape", [(6,), (6, 1), (2, 3), ()])
def test_to_categorical(dtype, shape):
    labels = np.array([1, 0, 1, 1, 0, 0]).astype(dtype)[: math.prod(shape)].reshape(shape)
    found = utils.to_categorical(labels, 3)
    wanted = np.eye(3)[labels.astype(int)]
    assert found.dtype == np.float32 and np.array_equal(found, wanted.reshape(found.shape))
    assert found.shape == ((6, 3) if shape == (6, 1) else (*shape, 3))
    inferred = utils.to_categorical(labels)
    assert inferred.shape[-1] == int(labels.max()) + 1


@pytest.mark.parametrize("make", [list, tuple, pd.Series, lambda x: pd.Series(x, dtype="Int64"), np.array])
def test_labels_of_many_kinds(make):
    assert utils.to_categorical(make([2, 0, 1])).tolist() == np.eye(3)[[2, 0, 1]].tolist()


def test_to_categorical_as_keras():
    keras = pytest.importorskip("keras")
    for labels, count in (([0, 2, 1], None), ([0, 2, 1], 5), (np.array([[1], [0]]), None), (np.array([[0, 1], [1, 0]]), 4)):
        assert np.array_equal(utils.to_categorical(labels, count), keras.utils.to_categorical(labels, count))


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (([0, -1],), ValueError, "from 0 on, got -1"),
        (([0.5, 1],), ValueError, "from 0 on, got 0.5"),
        (([0, np.nan],), ValueError, "from 0 on, got nan"),
        ((["a", "b"],), TypeError, "numpy.unique"),
        (([0, 3], 3), ValueError, "below num_classes=3, got 3"),
        (([0, 1], 0), ValueError, "num_classes must be"),
        (([0, 1], 2.0), TypeError, "num_classes must be"),
        (([],), ValueError, "num_classes must be given"),
    ],
)
def test_bad_labels(arguments, error, text):
    with pytest.raises(error, match=text):
        utils.to_categorical(*arguments)


def test_no_labels():
    assert utils.to_categorical([], 3).shape == (0, 3)


@pytest.mark.parametrize("order", [1, 2, 3, np.inf])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_normalize(order, axis):
    x = np.random.default_rng(0).normal(size=(4, 5))
    x[0] = 0
    found = utils.normalize(x, axis, order)
    assert found * np.where((n := np.linalg.norm(x, order, axis, keepdims=True)) == 0, 1, n) == pytest.approx(x)
    lengths = np.linalg.norm(found, order, axis)
    assert lengths == pytest.approx(np.where(np.linalg.norm(x, order, axis) == 0, 0, 1))


def test_normalize_as_keras():
    keras = pytest.importorskip("keras")
    x = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    for order in (1, 2):
        assert utils.normalize(x, order=order) == pytest.approx(keras.utils.normalize(x, order=order))
    assert utils.normalize(x).dtype == np.float32 and utils.normalize([[3, 4]]).tolist() == [[0.6, 0.8]]


@pytest.mark.parametrize(
    ("sizes", "wanted"),
    [
        ({"left_size": 0.8}, (8, 2)),
        ({"right_size": 0.25}, (8, 2)),
        ({"left_size": 3}, (3, 7)),
        ({"left_size": 0.5, "right_size": 2}, (5, 2)),
        ({"left_size": 1.0}, (10, 0)),
    ],
)
@pytest.mark.parametrize("shuffle", [False, True])
def test_split(sizes, wanted, shuffle):
    x, y = np.arange(20).reshape(10, 2), np.arange(10)
    (x0, y0), (x1, y1) = utils.split_dataset((x, y), **sizes, shuffle=shuffle, seed=3)
    assert (len(x0), len(x1)) == (len(y0), len(y1)) == wanted
    rows = np.concatenate([y0, y1])
    assert np.array_equal(np.concatenate([x0, x1]), x[rows])
    assert len(set(rows)) == sum(wanted) and shuffle == (rows.tolist() != y[: sum(wanted)].tolist())
    again = utils.split_dataset(x, **sizes, shuffle=shuffle, seed=3)
    assert np.array_equal(again[0], x0) and np.array_equal(again[1], x1)


def test_split_as_keras():
    keras = pytest.importorskip("keras")
    for sizes in ({"left_size": 0.83}, {"right_size": 0.27}, {"left_size": 4, "right_size": 6}):
        parts = keras.utils.split_dataset(np.arange(10), **sizes)
        assert [len(part) for part in utils.split_dataset(np.arange(10), **sizes)] == [len(part) for part in parts]


@pytest.mark.parametrize(
    ("dataset", "sizes", "text"),
    [
        (np.zeros(5), {}, "left_size or right_size"),
        (np.zeros(5), {"left_size": 1.5}, "left_size must be from 0 to 1"),
        (np.zeros(5), {"left_size": 4, "right_size": 2}, "5 samples together"),
        (np.zeros(5), {"left_size": 6}, "5 samples together"),
        ((np.zeros(5), np.zeros(4)), {"left_size": 1}, "one length"),
        (3.0, {"left_size": 1}, "one length"),
    ],
)
def test_bad_splits(dataset, sizes, text):
    with pytest.raises(ValueError, match=text):
        utils.split_dataset(dataset, **sizes)


class Batches(utils.PyDataset):
    def __init__(self, count, **settings):
        super().__init__(**settings)
        self.count, self.ended = count, 0

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return np.full((2, 1), index), np.zeros(2)

    def on_epoch_end(self):
        self.ended += 1


def test_py_dataset():
    data = Batches(3, workers=4, use_multiprocessing=True, max_queue_size=1)
    assert [x[0, 0] for x, _ in data] == [0, 1, 2] and data.num_batches == 3
    assert data.workers == 4 and data.use_multiprocessing and data.max_queue_size == 1
    data.on_epoch_begin()
    data.on_epoch_end()
    assert data.ended == 1 and utils.Sequence is utils.PyDataset and isinstance(data, utils.Sequence)


@pytest.mark.parametrize("missing", ["__len__", "__getitem__"])
def test_a_dataset_that_lacks_something(missing):
    with pytest.raises(NotImplementedError, match=missing):
        getattr(utils.PyDataset(), missing)(*([0] if missing == "__getitem__" else []))


def weights(seed=None):
    model = fastbp.Sequential([fastbp.Input((4,)), fastbp.Dense(3)], seed=seed)
    return model.get_weights()[0]


def run():
    model = fastbp.Sequential([fastbp.Input((4,)), fastbp.Dense(3), fastbp.Dense(1)])
    model.compile("adam", "mse")
    rng = np.random.default_rng(0)
    return model.fit(rng.normal(size=(50, 4)), rng.normal(size=50), epochs=3, verbose=0).history["loss"]


@pytest.fixture
def free_seed(monkeypatch):
    """The seed of the test is gone after it."""
    import random

    state, numpys = random.getstate(), np.random.get_state()
    monkeypatch.setattr("fastbp.seeds._default", None)
    yield
    random.setstate(state)
    np.random.set_state(numpys)


def test_set_random_seed(free_seed):
    import random

    def everything():
        utils.set_random_seed(7)
        x = fastbp.initializers.HeNormal()((3, 2))
        return [weights(), weights(), run(), x, np.random.normal(), random.random(), fastbp.random.normal((3,))]

    first, again = everything(), everything()
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], first[1])
    utils.set_random_seed(8)
    assert not np.array_equal(weights(), first[0])


def test_a_seed_of_its_own_is_not_touched(free_seed):
    own = weights(seed=3)
    utils.set_random_seed(1)
    assert np.array_equal(weights(seed=3), own)


@pytest.mark.parametrize("seed", [-1, 1.5, 2**32, None, "1"])
def test_bad_seeds(seed, free_seed):
    with pytest.raises((TypeError, ValueError), match="seed must be"):
        utils.set_random_seed(seed)


def test_random_arrays():
    r = fastbp.random
    assert r.uniform((1000,), 2.0, 3.0, seed=1).min() >= 2.0 and abs(r.normal((10000,), 5.0, 2.0, seed=1).mean() - 5) < 0.1
    assert abs(r.truncated_normal((1000,), seed=1)).max() <= 2.0
    assert set(r.randint((100,), 0, 3, seed=1).tolist()) == {0, 1, 2}
    assert (
        np.array_equal(r.normal((3,), seed=1), r.normal((3,), seed=1)) and r.normal((3,), dtype="float64").dtype == np.float64
    )
    one, two = r.SeedGenerator(1), r.SeedGenerator(1)
    assert np.array_equal(r.normal((3,), seed=one), r.normal((3,), seed=two))
    assert sorted(r.shuffle(np.arange(9), seed=1).tolist()) == list(range(9))
