"""Sources: data taken a chunk at a time gives the rows of the same data as one array, whatever the kind and the order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import data_kinds as kinds
from data_kinds import LAZY, Slices, mapped, numbered, spec
from fastbp.data import Rows, Source, prepare, readers, training_data
from fastbp.data.source import chunk_bounds

X = numbered(53, 6)
Y = np.arange(53, dtype="float32")[:, None] + 0.5
RNG = np.random.default_rng(0)
NAN, INF = float("nan"), float("inf")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Everything is too large for memory, and about seven rows of X make a chunk."""
    monkeypatch.setattr(readers, "MAX_WHOLE_BYTES", 0)
    for kind in (readers.Mapped, readers.Sparse, readers.Stored):
        monkeypatch.setattr(kind, "chunk_bytes", 7 * X[0].nbytes)


@pytest.fixture(params=LAZY)
def kind(request):
    if request.param == "h5py":
        pytest.importorskip("h5py")
    return request.param


ORDERS = {
    "as they come": None,
    "shuffled": np.random.default_rng(1).permutation(53),
    "backwards": np.arange(53)[::-1].copy(),
    "sorted": np.arange(53),
}


def together(chunks):
    """The rows of all chunks as one."""
    parts = list(chunks)
    found = [
        None if getattr(parts[0], name) is None else np.concatenate([getattr(part, name) for part in parts])
        for name in ("x", "y", "sample_weight")
    ]
    return found, [len(part) for part in parts]


def is_ready(array, dtype):
    return type(array) is np.ndarray and array.dtype == dtype and array.flags.c_contiguous and array.flags.aligned


@pytest.mark.parametrize("batch_size", [1, 2, 3, 8, 53, 100])
@pytest.mark.parametrize("order", ORDERS)
def test_chunks_are_the_rows_in_their_order(kind, order, batch_size, tmp_path):
    weights = np.arange(53) / 7
    source = prepare(LAZY[kind](tmp_path, X), Y, weights, spec=spec())
    assert isinstance(source, Source) and len(source) == 53 and source.width == 6 and source.target_columns == 1
    (x, y, w), sizes = together(source.chunks(ORDERS[order], batch_size))
    rows = np.arange(53) if ORDERS[order] is None else ORDERS[order]
    assert np.array_equal(x, X[rows]) and np.array_equal(y, Y[rows]) and np.array_equal(w, weights[rows])
    assert all(size % batch_size == 0 for size in sizes[:-1]) and sum(sizes) == 53
    assert sizes[-1] >= min(batch_size, 53)  # never a smaller batch alone
    if batch_size < 8:
        assert len(sizes) > 3 and max(sizes) < 7 + 2 * batch_size
    for part in source.chunks(ORDERS[order], batch_size):
        assert is_ready(part.x, "float32") and is_ready(part.y, "float32") and is_ready(part.sample_weight, "float64")


@pytest.mark.parametrize("rows", [[0], [52, 0, 52, 7], [5, 5, 5], list(range(53)) * 2])
def test_any_rows_may_be_taken(kind, rows, tmp_path):
    source = prepare(LAZY[kind](tmp_path, X), Y, spec=spec())
    taken = source.take(np.array(rows))
    assert np.array_equal(taken.x, X[rows]) and np.array_equal(taken.y, Y[rows]) and taken.sample_weight is None


def test_one_batch_to_a_chunk(kind, tmp_path):
    source = prepare(LAZY[kind](tmp_path, X), Y, spec=spec())
    assert [len(part) for part in source.chunks(None, 10, batches=1)] == [10] * 5 + [3]


def test_for_predictions_there_are_no_targets(kind, tmp_path):
    source = prepare(LAZY[kind](tmp_path, X), spec=spec(6, loss=None))
    (x, y, w), _ = together(source.chunks(None, 4))
    assert np.array_equal(x, X) and y is None and w is None and source.y is None


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "bool", "float16", "float64"])
@pytest.mark.parametrize("make", [mapped, lambda folder, a: Slices(a), lambda folder, a: sparse.csr_array(a)])
def test_numbers_of_any_kind(make, dtype, tmp_path):
    x = (numbered(53, 6) % 5).astype(dtype)
    try:
        data = make(tmp_path, x)
    except ValueError:
        pytest.skip("scipy has no sparse matrices of float16")
    (found, _, _), _ = together(prepare(data, Y, spec=spec()).chunks(ORDERS["shuffled"], 4))
    assert np.array_equal(found, x[ORDERS["shuffled"]].astype("float32"))


@pytest.mark.parametrize("make", [lambda folder, a: Slices(a), kinds.h5py_dataset, mapped])
def test_samples_of_several_axes_and_of_none(make, tmp_path):
    if make is kinds.h5py_dataset:
        pytest.importorskip("h5py")
    images = numbered(53, 6, "float64").reshape(53, 2, 3)
    source = prepare(make(tmp_path, images), Y, spec=spec(flattens=True, sample_shape=(2, 3)))
    assert source.width == 6 and np.array_equal(source.take(np.array([4, 2])).x, images[[4, 2]].reshape(2, 6).astype("float32"))
    with pytest.raises(ValueError, match=r"x must have shape \(samples, 3, 2\), got \(53, 2, 3\)"):
        prepare(make(tmp_path, images), Y, spec=spec(flattens=True, sample_shape=(3, 2)))
    with pytest.raises(ValueError, match=r"x must have shape \(samples, features\), got \(53, 2, 3\): flatten"):
        prepare(make(tmp_path, images), Y, spec=spec())
    flat = prepare(make(tmp_path, images[:, 0, 1]), Y, spec=spec())
    assert flat.width == 1 and np.array_equal(flat.take(slice(3, 6)).x, images[3:6, 0, 1:2].astype("float32"))


# ---------------------------------------------------------------------------------------------- what comes with rows


@pytest.mark.parametrize("lazy", [lambda folder, a: Slices(a), mapped, lambda folder, a: sparse.csc_array(a)])
@pytest.mark.parametrize("loss", ["mse", "sparse_categorical_crossentropy", "binary_crossentropy"])
def test_targets_that_are_taken_in_chunks_too(lazy, loss, tmp_path):
    y = {"mse": numbered(53, 2, "float64"), "binary_crossentropy": numbered(53, 2, "float64") / 60}.get(loss)
    y = (np.arange(53) % 7)[:, None] if y is None else y
    units = 7 if loss.startswith("sparse") else 2
    expected = y[:, 0] if loss.startswith("sparse") else y.astype("float32")
    source = prepare(LAZY["CSR matrix"](tmp_path, X), lazy(tmp_path, y), spec=spec(6, units, loss))
    assert isinstance(source, Source)
    for order in ORDERS.values():
        (x, found, _), _ = together(source.chunks(order, 4))
        rows = slice(None) if order is None else order
        assert np.array_equal(x, X[rows]) and np.array_equal(found, expected[rows])
    assert np.array_equal(source.y, expected)


@pytest.mark.parametrize("whole", [True, False])
def test_weights_of_classes_stay_with_their_rows(whole, tmp_path):
    labels = np.arange(53) * 5 % 4
    y = labels if whole else Slices(labels)
    _, _ = train, held_out = training_data(
        LAZY["CSR matrix"](tmp_path, X),
        y,
        class_weight={0: 10, 2: 0.5},
        validation_split=0.3,
        spec=spec(6, 4, "sparse_categorical_crossentropy"),
    )
    order = np.random.default_rng(2).permutation(len(train))
    (x, found, weights), _ = together(train.chunks(order, 4))
    assert np.array_equal(x, X[order]) and np.array_equal(found, labels[order])
    assert np.array_equal(weights, np.array([10, 1, 0.5, 1])[labels[order]])
    (x, found, weights), _ = together(held_out.chunks(None, 4))
    assert np.array_equal(x, X[37:]) and np.array_equal(found, labels[37:]) and weights is None


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5, 0.9])
def test_a_split_keeps_the_end_for_validation(kind, fraction, tmp_path):
    weights = np.arange(53) + 1.0
    train, held_out = training_data(LAZY[kind](tmp_path, X), Y, weights, validation_split=fraction, spec=spec())
    at = int(np.floor(53 * (1 - fraction)))
    assert (len(train), len(held_out)) == (at, 53 - at)
    for part, start, stop in ((train, 0, at), (held_out, at, 53)):
        order = np.random.default_rng(3).permutation(stop - start)
        (x, y, w), _ = together(part.chunks(order, 4))
        assert np.array_equal(x, X[start:stop][order]) and np.array_equal(y, Y[start:stop][order])
        assert np.array_equal(w, weights[start:stop][order])
        (x, _, _), _ = together(part.chunks(None, 4))
        assert np.array_equal(x, X[start:stop])
        assert np.array_equal(part.y, Y[start:stop])


# ----------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("value", [NAN, -INF])
@pytest.mark.parametrize("order", ORDERS)
def test_what_is_not_finite_is_named_by_the_users_row(kind, order, value, tmp_path):
    x = X.copy()
    x[40, 5] = value
    if kind == "CSR of sums" and value != value:
        pytest.skip("its parts are found in another place")
    with pytest.raises(ValueError, match=rf"^x must be finite, got {value} .as float32. at row 40, column 5: clean the data"):
        list(prepare(LAZY[kind](tmp_path, x), Y, spec=spec()).chunks(ORDERS[order], 4))
    source = prepare(LAZY[kind](tmp_path, x), Y, spec=spec(), check_finite=False)
    (found, _, _), _ = together(source.chunks(ORDERS[order], 4))
    assert np.isnan(found).sum() == (value != value) and np.isinf(found).sum() == (value == -INF)


def test_the_row_is_the_users_in_the_part_for_validation_too(tmp_path):
    x = X.astype("float64")
    x[40, 5] = NAN
    train, held_out = training_data(mapped(tmp_path, x), Y, validation_split=0.5, spec=spec())
    list(train.chunks(None, 4))
    with pytest.raises(ValueError, match="at row 40, column 5"):
        list(held_out.chunks(None, 4))


def test_too_large_for_the_dtype(kind, tmp_path):
    if "float64" not in kind:
        pytest.skip("its numbers are of the dtype")
    x = X.astype("float64")

    def make(array):
        return {"CSR of float64": sparse.csr_array, "slices of float64": Slices}.get(kind, lambda a: mapped(tmp_path, a))(array)

    x[11, 2] = 1e300
    with np.errstate(all="raise"), pytest.raises(ValueError, match=r"got inf \(as float32\) at row 11, column 2"):
        list(prepare(make(x), Y, spec=spec()).chunks(ORDERS["shuffled"], 4))


def test_sparse_data_is_looked_at_before_training(tmp_path):
    x = X.copy()
    x[40, 5] = NAN
    for make in (sparse.csr_matrix, sparse.csc_matrix, sparse.coo_array):
        with pytest.raises(ValueError, match="at row 40, column 5"):
            prepare(make(x), Y, spec=spec())


def test_targets_are_looked_at_as_they_are_read(tmp_path):
    labels = np.arange(53) % 4
    labels[30] = 4
    source = prepare(sparse.csr_array(X), Slices(labels), spec=spec(6, 4, "sparse_categorical_crossentropy"))
    with pytest.raises(ValueError, match="y must hold integer class labels from 0 to 3, got 4 at row 30"):
        list(source.chunks(ORDERS["shuffled"], 4))
    y = Y.copy()
    y[30] = NAN
    with pytest.raises(ValueError, match="y must be finite, got nan .* at row 30, column 0"):
        list(prepare(sparse.csr_array(X), Slices(y), spec=spec()).chunks(ORDERS["shuffled"], 4))


@pytest.mark.parametrize(
    ("y", "text"),
    [
        (Y[:-1], "x and y must have the same number of rows, got 53 and 52"),
        (Slices(Y[:-1]), "x and y must have the same number of rows, got 53 and 52"),
        (np.hstack([Y, Y]), r"y must have shape \(53, 1\), got \(53, 2\)"),
        (Slices(np.hstack([Y, Y])), r"y must have shape \(1, 1\), got \(1, 2\)"),
        (None, "y must be an array of numbers, got None"),
    ],
)
def test_bad_targets(kind, y, text, tmp_path):
    with pytest.raises((ValueError, TypeError), match=text):
        prepare(LAZY[kind](tmp_path, X), y, spec=spec())


def test_bad_samples(kind, tmp_path):
    with pytest.raises(ValueError, match=r"x must have shape \(samples, 5\), got \(53, 6\)"):
        prepare(LAZY[kind](tmp_path, X), Y, spec=spec(5))
    with pytest.raises(ValueError, match=r"sample_weight must have shape \(53,\), one number for each sample, got \(3,\)"):
        prepare(LAZY[kind](tmp_path, X), Y, [1, 2, 3], spec=spec())
    with pytest.raises(ValueError, match="validation_split must leave samples on both sides, got 0.99 for 53 samples"):
        training_data(LAZY[kind](tmp_path, X), Y, validation_split=0.99, spec=spec())


@pytest.mark.parametrize("make", [lambda a: sparse.csr_array(a * 1j), lambda a: Slices(a.astype(complex))])
def test_what_is_no_real_number(make):
    with pytest.raises(TypeError, match="x must hold real numbers.*take the real part"):
        prepare(make(X), Y, spec=spec())


# ------------------------------------------------------------------------------------------------ how much is read


def test_small_data_is_taken_whole(kind, monkeypatch, tmp_path):
    monkeypatch.setattr(readers, "MAX_WHOLE_BYTES", X.nbytes)
    rows = prepare(LAZY[kind](tmp_path, X), Y, spec=spec())
    assert isinstance(rows, Rows) and np.array_equal(rows.x, X) and is_ready(rows.x, "float32")


def test_a_map_that_is_ready_is_used_where_it_lies(tmp_path):
    x = mapped(tmp_path, X)
    for data in (x, np.asarray(x), x[:50]):
        rows = prepare(data, Y[: len(data)], spec=spec())
        assert isinstance(rows, Rows) and np.shares_memory(rows.x, x)


def test_a_large_map_is_not_looked_through_beforehand(tmp_path):
    x = X.copy()
    x[40, 5] = NAN
    for data in (mapped(tmp_path, x), np.asarray(mapped(tmp_path, x))):
        rows = prepare(data, Y, spec=spec())
        assert not rows.is_checked
        with pytest.raises(ValueError, match="x must be finite, got nan .as float32. at row 40, column 5"):
            rows.check_finite()
        assert prepare(data, Y, spec=spec(), check_finite=False).is_checked
    with pytest.raises(ValueError, match="at row 40"):
        prepare(x, Y, spec=spec())


@given(st.lists(st.integers(0, 9_999), min_size=1, max_size=60), st.integers(1, 400), st.integers(1, 3_000))
def test_stored_rows_are_read_in_slices_that_are_bounded(rows, gap, block):
    array = np.arange(10_000.0)[:, None]
    stored = Slices(array)
    reader = readers.Stored(stored)
    reader.max_gap, reader.max_block = gap, block
    asked = []
    read = reader._block
    reader._block = lambda argument, rows: asked.append(rows) or read(argument, rows)
    found = reader.read("x", np.array(rows), np.dtype("float32"))
    assert np.array_equal(found[:, 0], rows)
    assert all(s.stop - s.start <= block for s in asked)
    assert stored.given <= len(set(rows)) * gap  # nothing is read along but small gaps
    assert [s.start for s in asked] == sorted(s.start for s in asked)


def test_a_pass_in_order_reads_each_row_once(tmp_path):
    stored = Slices(X.astype("float64"))
    source = prepare(stored, Y, spec=spec())
    stored.given = 0
    list(source.chunks(None, 4))
    assert stored.given == 53


@given(st.integers(1, 5_000), st.integers(1, 300), st.integers(0, 2_000), st.booleans())
def test_bounds_of_chunks(samples, batch_size, wanted, joins):
    bounds = list(chunk_bounds(samples, batch_size, wanted, joins))
    assert bounds[0][0] == 0 and bounds[-1][1] == samples
    assert all(a[1] == b[0] for a, b in zip(bounds, bounds[1:], strict=False))
    sizes = [stop - start for start, stop in bounds]
    assert all(size % batch_size == 0 for size in sizes[:-1]) and len(set(sizes[:-1])) <= 1
    assert max(sizes) < max(wanted, batch_size) + batch_size
    if joins:
        assert sizes[-1] >= min(batch_size, samples)


def test_large_integers_are_warned_of(tmp_path):
    x = np.full((53, 2), 2**24 + 1)
    for data in (mapped(tmp_path, x), Slices(x), sparse.csr_array(x)):
        for rows in (slice(0, 2), np.array([1, 0])):
            with pytest.warns(UserWarning, match="x holds the integer 16777217, but float32"):
                prepare(data, Y, spec=spec()).take(rows)


@pytest.mark.parametrize("columns", [1, 3])
def test_all_targets_as_one_array_are_those_of_the_chunks(columns, tmp_path):
    y = numbered(53, columns)
    source = prepare(sparse.csr_array(X), Slices(y), spec=spec(outputs=columns))
    assert np.array_equal(source.y, y) and source.target_columns == columns
