"""Batches from whatever yields them: their order, where an epoch ends, what goes on in the next, and where data runs out."""

import collections
import itertools

import numpy as np
import pandas as pd
import pytest

from data_kinds import numbered, spec
from fastbp.data import Batches, prepare, training_data

X = numbered(22, 3)
Y = np.arange(22, dtype="float32")[:, None] + 0.5
WEIGHTS = np.arange(22) / 4
PARTS = [slice(start, start + 4) for start in range(0, 22, 4)]


def parts(weighted=False, form=tuple):
    return [form((X[rows], Y[rows], WEIGHTS[rows]) if weighted else (X[rows], Y[rows])) for rows in PARTS]


class Sequence:
    """As Keras's PyDataset of before, without a class to inherit from."""

    def __init__(self, batches):
        self.batches, self.events = batches, []

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, number):
        self.events.append(number)
        return self.batches[number]

    def on_epoch_begin(self):
        self.events.append("begin")

    def on_epoch_end(self):
        self.events.append("end")


class Restarted:
    """As a tf.data.Dataset of unknown length."""

    def __init__(self, batches, cardinality=-2):
        self.batches, self.starts, self._cardinality = batches, 0, cardinality

    def __iter__(self):
        self.starts += 1
        return iter(self.batches)

    def __len__(self):
        raise TypeError("unknown")

    def cardinality(self):
        return np.int64(self._cardinality)


def loader(batches, shuffle=False):
    torch = pytest.importorskip("torch")
    arrays = [torch.tensor(np.concatenate(arrays)) for arrays in zip(*batches, strict=True)]
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*arrays), batch_size=4, shuffle=shuffle)


def streaming_loader(batches):
    torch = pytest.importorskip("torch")

    class Rows(torch.utils.data.IterableDataset):
        def __iter__(self):
            for arrays in batches:
                yield from zip(*(torch.tensor(array) for array in arrays), strict=True)

    return torch.utils.data.DataLoader(Rows(), batch_size=4)


def generator(batches):
    yield from batches


SOURCES = {
    "generator": generator,
    "iterator": iter,
    "map": lambda batches: map(lambda batch: batch, batches),
    "sequence": Sequence,
    "iterable": Restarted,
    "DataLoader": loader,
    "DataLoader of a stream": streaming_loader,
}
RESTARTED = ["sequence", "iterable", "DataLoader", "DataLoader of a stream"]


@pytest.fixture(params=SOURCES)
def source(request):
    return SOURCES[request.param]


def numbers(rows):
    """The rows of X that a batch has, found by their targets; all of the batch must be of these rows."""
    found = (rows.y[:, 0] - 0.5).astype(int)
    assert np.array_equal(rows.x, X[found])
    assert rows.sample_weight is None or np.array_equal(rows.sample_weight, WEIGHTS[found])
    for array in (rows.x, rows.y):
        assert type(array) is np.ndarray and array.dtype == "float32" and array.flags.c_contiguous
    return found.tolist()


def rows_of(*batches):
    return [list(range(22))[PARTS[number]] for number in batches]


def epoch(batches, *arguments):
    return [numbers(rows) for rows in batches.epoch(*arguments)]


# ------------------------------------------------------------------------------------------------------- one epoch


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("built", [False, True])
def test_batches_come_as_they_are_given(source, weighted, built):
    batches = prepare(source(parts(weighted)), spec=spec(3 if built else None))
    assert isinstance(batches, Batches)
    if not built:
        assert batches.width == 3 and batches.target_columns == 1  # which needs a look at the first one
    found = list(batches.epoch())
    assert [numbers(rows) for rows in found] == rows_of(0, 1, 2, 3, 4, 5)
    assert all((rows.sample_weight is not None) == weighted for rows in found)


@pytest.mark.parametrize(
    "form",
    [
        tuple,
        list,
        lambda batch: (batch[0].tolist(), batch[1][:, 0]),
        lambda batch: (pd.DataFrame(batch[0]), pd.Series(batch[1][:, 0])),
        lambda batch: (batch[0].astype("float64"), batch[1].astype(object)),
        collections.namedtuple("Batch", ["x", "y"])._make,
    ],
)
def test_forms_of_a_batch(form):
    assert epoch(prepare(iter(parts(form=form)), spec=spec()))[:2] == rows_of(0, 1)


def test_tensors():
    torch = pytest.importorskip("torch")
    given = [tuple(map(torch.tensor, batch)) for batch in parts(weighted=True)]
    assert epoch(prepare(iter(given), spec=spec()))[:2] == rows_of(0, 1)


@pytest.mark.parametrize("alone", [lambda x: x, lambda x: (x,), lambda x: (x, None), lambda x: x.tolist(), pd.DataFrame])
def test_x_alone_for_predictions(alone):
    given = [alone(X[rows]) for rows in PARTS]
    for source in (generator, Sequence, Restarted):
        batches = prepare(source(given), spec=spec(3, loss=None))
        found = list(batches.epoch())
        assert np.array_equal(np.concatenate([rows.x for rows in found]), X) and found[0].y is None


def test_targets_are_left_out_of_predictions():
    found = list(prepare(iter(parts(weighted=True)), spec=spec(3, loss=None)).epoch())
    assert np.array_equal(np.concatenate([rows.x for rows in found]), X)


def test_weights_of_classes():
    labels = np.arange(22) % 3
    given = [(X[rows], labels[rows]) for rows in PARTS]
    model = spec(3, 3, "sparse_categorical_crossentropy")
    batches, _ = training_data(Sequence(given), class_weight={1: 5.0}, spec=model)
    weights = np.concatenate([rows.sample_weight for rows in batches.epoch()])
    assert np.array_equal(weights, np.where(labels == 1, 5.0, 1.0))
    twice = prepare(iter([(X, labels, WEIGHTS)]), class_weight={1: 5.0}, spec=model)
    with pytest.raises(ValueError, match="class_weight must be None where there is a sample_weight"):
        list(twice.epoch())


def test_images_become_rows():
    given = [(X[rows].reshape(-1, 1, 3), Y[rows]) for rows in PARTS]
    assert epoch(prepare(iter(given), spec=spec(3, flattens=True))) == rows_of(0, 1, 2, 3, 4, 5)


# -------------------------------------------------------------------------------------------------- several epochs


@pytest.mark.parametrize("name", RESTARTED)
@pytest.mark.parametrize("built", [False, True])
def test_what_begins_anew_does_so_each_epoch(name, built):
    batches = prepare(SOURCES[name](parts()), spec=spec(3 if built else None))
    assert batches.width == 3
    for _ in range(3):
        assert epoch(batches) == rows_of(0, 1, 2, 3, 4, 5)
        assert not batches.is_exhausted


@pytest.mark.parametrize("name", RESTARTED)
def test_epochs_of_some_steps_go_on_where_the_last_one_ended(name):
    batches = prepare(SOURCES[name](parts()), spec=spec())
    for _ in range(2):
        assert epoch(batches, 2) == rows_of(0, 1)
        assert epoch(batches, 2) == rows_of(2, 3)
        assert epoch(batches, 2) == rows_of(4, 5)


@pytest.mark.parametrize("name", RESTARTED)
def test_an_epoch_that_finds_too_few_is_short(name):
    batches = prepare(SOURCES[name](parts()), spec=spec())
    assert epoch(batches, 4) == rows_of(0, 1, 2, 3)
    with pytest.warns(UserWarning, match="x ran out of data after 2 batches of 4 in an epoch"):
        assert epoch(batches, 4) == rows_of(4, 5)
    assert not batches.is_exhausted
    assert epoch(batches, 4) == rows_of(0, 1, 2, 3)


@pytest.mark.parametrize("name", RESTARTED)
def test_an_epoch_that_is_left_in_the_midst(name):
    batches = prepare(SOURCES[name](parts()), spec=spec())
    for rows in batches.epoch():
        assert numbers(rows) == rows_of(0)[0]
        break
    assert epoch(batches) == rows_of(0, 1, 2, 3, 4, 5)


@pytest.mark.parametrize("name", RESTARTED)
def test_validation_begins_anew_each_time(name):
    batches = prepare(SOURCES[name](parts()), spec=spec())
    for _ in range(3):
        batches.restart()
        assert epoch(batches, 2) == rows_of(0, 1)


@pytest.mark.parametrize("make", [generator, iter])
def test_a_generator_goes_on_and_runs_out(make):
    batches = prepare(make(parts()), spec=spec())
    assert epoch(batches, 2) == rows_of(0, 1)
    batches.restart()  # which it cannot, but it has more
    assert epoch(batches, 2) == rows_of(2, 3)
    with pytest.warns(UserWarning, match="x ran out of data after 2 batches of 3 in an epoch: an iterator is read once"):
        assert epoch(batches, 3) == rows_of(4, 5)
    assert batches.is_exhausted
    assert epoch(batches, 3) == []  # it has been said
    with pytest.raises(
        ValueError, match="x must yield batches each time it is read, got .*iterator|generator, which is at its end"
    ):
        batches.restart()


def test_a_generator_without_steps_is_one_epoch():
    batches = prepare(generator(parts()), spec=spec())
    assert len(epoch(batches)) == 6 and not batches.is_exhausted
    with pytest.warns(UserWarning, match="x ran out of data after 0 batches in an epoch: an iterator is read once"):
        assert epoch(batches) == []
    assert batches.is_exhausted


def test_an_endless_generator_with_steps():
    batches = prepare(itertools.cycle(parts()), spec=spec())
    for number in range(8):
        assert epoch(batches, 3) == rows_of(*[(3 * number + i) % 6 for i in range(3)])


class Endless(Sequence):
    num_batches = None

    def __getitem__(self, number):
        return self.batches[number % 6]


@pytest.mark.parametrize("endless", [Endless(parts()), Restarted(itertools.cycle(parts()), cardinality=-1)])
def test_what_has_no_end_needs_steps(endless):
    batches = prepare(endless, spec=spec())
    assert batches.is_endless and batches.steps is None
    with pytest.raises(ValueError, match="x has no end, so the number of batches must be given, got None: steps_per_epoch"):
        batches.epoch()
    assert epoch(batches, 4) == rows_of(0, 1, 2, 3)
    assert epoch(batches, 4) == rows_of(4, 5, 0, 1)


def keras_epochs(x, steps, epochs):
    """The rows that Keras takes in each epoch."""
    from keras.src.trainers.epoch_iterator import EpochIterator

    iterator = EpochIterator(x=x, steps_per_epoch=steps, shuffle=False)
    iterator.reset()
    return [[(data[0][1][:, 0] - 0.5).astype(int).tolist() for _, _, data in iterator.enumerate_epoch()] for _ in range(epochs)]


@pytest.mark.filterwarnings("ignore:.*ran out of data")
@pytest.mark.parametrize("kind", ["PyDataset", "DataLoader", "generator"])
@pytest.mark.parametrize("steps", [None, 1, 2, 3, 4, 5, 6, 7])
def test_epochs_have_the_batches_that_keras_s_have(kind, steps):
    keras = pytest.importorskip("keras")
    if kind == "generator" and steps is None:
        pytest.skip("Keras begins the second epoch with the batches it has looked at before the first")

    class Data(keras.utils.PyDataset):
        def __len__(self):
            return 6

        def __getitem__(self, number):
            return parts()[number]

    kinds = {"PyDataset": Data, "DataLoader": lambda: loader(parts()), "generator": lambda: generator(itertools.cycle(parts()))}
    make = kinds[kind]
    expected = keras_epochs(make(), steps, 5)
    batches = prepare(make(), spec=spec())
    assert [epoch(batches, steps) for _ in range(5)] == expected


# --------------------------------------------------------------------------------------------- sequences of batches


def test_a_sequence_is_told_of_epochs():
    sequence = Sequence(parts())
    batches = prepare(sequence, spec=spec(3))
    assert batches.steps == 6
    epoch(batches)
    assert sequence.events == ["begin", 0, 1, 2, 3, 4, 5, "end"]


@pytest.mark.parametrize("built", [False, True])
def test_a_sequence_in_another_order_each_epoch(built):
    batches = prepare(Sequence(parts()), spec=spec(3 if built else None))
    assert batches.width == 3
    orders = iter([[2, 0, 1, 5, 4, 3], [5, 4, 3, 2, 1, 0]])
    asked = []

    def order(count):
        asked.append(count)
        return np.array(next(orders))

    assert epoch(batches, None, order) == rows_of(2, 0, 1, 5, 4, 3)
    assert epoch(batches, None, order) == rows_of(5, 4, 3, 2, 1, 0)
    assert asked == [6, 6]


def test_a_sequence_that_grows():
    sequence = Sequence(parts()[:2])
    batches = prepare(sequence, spec=spec())
    assert epoch(batches) == rows_of(0, 1)
    sequence.batches = parts()
    assert epoch(batches) == rows_of(0, 1, 2, 3, 4, 5) and batches.steps == 6


@pytest.mark.parametrize("ahead", [1, 3, 100])
def test_workers_keep_the_order(ahead):
    sequence = Sequence(parts() * 5)
    sequence.workers, sequence.max_queue_size = 3, ahead
    batches = prepare(sequence, spec=spec())
    assert epoch(batches) == rows_of(*[0, 1, 2, 3, 4, 5] * 5)
    assert epoch(batches, 7) == rows_of(0, 1, 2, 3, 4, 5, 0)


def test_a_fault_of_a_worker_is_the_users():
    class Faulty(Sequence):
        workers = 2

        def __getitem__(self, number):
            raise RuntimeError("a fault of its own")

    with pytest.raises(RuntimeError, match="a fault of its own"):
        epoch(prepare(Faulty(parts()), spec=spec()))


def test_a_py_dataset_of_keras():
    keras = pytest.importorskip("keras")

    class Data(keras.utils.PyDataset):
        def __len__(self):
            return 6

        def __getitem__(self, number):
            return parts()[number]

    for workers in (1, 2):
        batches = prepare(Data(workers=workers), spec=spec())
        for _ in range(2):
            assert epoch(batches) == rows_of(0, 1, 2, 3, 4, 5)


def test_a_loader_is_shuffled_by_itself():
    torch = pytest.importorskip("torch")
    for built in (False, True):
        torch.manual_seed(0)
        expected = [sorted(batch[1][:, 0].tolist()) for batch in loader(parts(), shuffle=True)]
        torch.manual_seed(0)
        batches = prepare(loader(parts(), shuffle=True), spec=spec(3 if built else None))
        assert batches.steps == 6 and batches.width == 3
        found = list(batches.epoch())
        assert sorted(sum(map(numbers, found), [])) == list(range(22))
        assert [sorted(rows.y[:, 0].tolist()) for rows in found] == expected  # a look at the first batch changes nothing


# ----------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("make", [generator, Sequence, Restarted, lambda batches: loader(parts())])
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"y": Y}, r"y must be None where x yields batches, as \w+ does, got ndarray of shape \(22, 1\): yield \(x, y\)"),
        ({"sample_weight": WEIGHTS}, r"sample_weight must be None where x yields.*yield \(x, y, sample_weight\)"),
        ({"batch_size": 32}, "batch_size must be None where x yields batches.*got 32: the batches have their size"),
    ],
)
def test_what_batches_bring_along(make, arguments, text):
    with pytest.raises(ValueError, match=text):
        prepare(make(parts()), spec=spec(), **arguments)
    with pytest.raises(ValueError, match=text):
        training_data(make(parts()), spec=spec(), **arguments)


def test_a_split_of_batches():
    with pytest.raises(ValueError, match="validation_split must be 0 where x yields batches, got 0.2 for generator: give"):
        training_data(generator(parts()), validation_split=0.2, spec=spec())


BAD = {
    "x alone": (X[:4], ValueError, r"batch 1: y must come with x, got x alone"),
    "no tuple": ({"x": X}, TypeError, r"batch 1: a batch must be x, \(x, y\) or \(x, y, sample_weight\), got dict"),
    "four parts": ((X, Y, WEIGHTS, WEIGHTS), ValueError, "batch 1: a batch must be .*, got 4 parts"),
    "no parts": ((), ValueError, "batch 1: a batch must be .*, got 0 parts"),
    "width": ((X[:, :2], Y), ValueError, r"batch 1: x must have shape \(samples, 3\), got \(22, 2\)"),
    "a sample": ((X[0], Y[0]), ValueError, r"batch 1: x must have shape \(samples, 3\), got \(3,\)"),
    "lengths": ((X, Y[:4]), ValueError, "batch 1: x and batch 1: y must have the same number of rows, got 22 and 4"),
    "no rows": ((X[:0], Y[:0]), ValueError, r"batch 1: x must hold at least one row"),
    "NaN": ((np.where(X[2, 2] == X, np.nan, X), Y), ValueError, "batch 1: x must be finite, got nan .* row 2, column 2"),
    "weights": ((X, Y, -WEIGHTS), ValueError, "batch 1: sample_weight must be at least 0, got -0.25 at row 1"),
    "text": ((X, ["a"] * 22), TypeError, "batch 1: y must hold real numbers"),
    "None": (None, ValueError, "batch 1: y must come with x"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("make", [generator, Sequence, Restarted])
def test_bad_batches(case, make):
    batch, error, text = BAD[case]
    batches = prepare(make([*parts()[:1], batch]), spec=spec())
    with pytest.raises((error, ValueError), match=text):
        list(batches.epoch())


def test_columns_of_other_names():
    frames = [(pd.DataFrame(X, columns=list(names)), Y) for names in ("abc", "abc", "acb")]
    batches = prepare(iter(frames), spec=spec())
    assert batches.names == ("a", "b", "c")
    with pytest.raises(ValueError, match="batch 2: x must have the columns.*another order: 'a', 'c', 'b'"):
        list(batches.epoch())


@pytest.mark.parametrize("make", [generator, Sequence, Restarted])
def test_no_batch_at_all(make):
    with pytest.raises(ValueError, match=r"x must yield at least one batch, got \w+ without any"):
        list(prepare(make([]), spec=spec()).epoch())
    with pytest.raises(ValueError, match="validation_data x must yield at least one batch"):
        training_data(X, Y, validation_data=make([]), spec=spec())[1].first()


def test_a_data_set_of_torch_gives_samples():
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    with pytest.raises(TypeError, match="x must yield batches, got TensorDataset, which gives samples: use torch's DataLoader"):
        prepare(data, spec=spec())


def test_a_generator_that_was_not_called():
    with pytest.raises(TypeError, match=r"x must yield batches, got the function generator: call it, generator\(\)"):
        prepare(generator, spec=spec())
