"""Plans: the memory they take is what engine/buffers.py says, and the update is partitioned completely and evenly."""

import tracemalloc

import numpy as np
import pytest

import fastbp
from fastbp.engine.buffers import GROUPS, MIN_PACKED_BYTES, choose_block, row_bytes
from fastbp.engine.engine import Engine
from fastbp.engine.tasks import partition, update_tasks, variable_starts
from fastbp.kernels import fields as at
from fastbp.kernels.matrix.panels import panels
from fastbp.layers.dense import Dense
from fastbp.layers.stages import stages_of
from fastbp.losses import MeanSquaredError
from fastbp.optimizers import Adam

SMALL = 48 * 1024  # tables, tiles and rounding of buffers to cache lines


def make(sizes, activation="tanh", dtype="float32"):
    engine = Engine(stages_of([Dense(units, activation) for units in sizes[1:]], sizes[0]), dtype)
    engine.configure(Adam(), MeanSquaredError())
    return engine


def expected_memory(sizes, batch, threads, stores, grouped, dtype):
    """The formula of engine/buffers.py."""
    engine = make(sizes, dtype=dtype)
    r = [row_bytes(units, engine.dtype) for units in sizes]
    rows = choose_block(engine.shapes, engine.dtype) * threads if grouped else batch
    total = rows * (r[0] + sum((3 if stores else 2) * size for size in r[1:])) + 8 * batch
    parameters = sum(
        (i + 1) * -(-o // engine.shapes[0].lanes) * engine.shapes[0].lanes for i, o in zip(sizes, sizes[1:], strict=False)
    )
    return total + (GROUPS * parameters * engine.dtype.itemsize if grouped else 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    ("sizes", "batch", "activation", "grouped"),
    [
        ((17, 64, 64, 6), 64, "tanh", False),
        ((28, 300, 300, 1), 100, "gelu", False),
        ((4, 32, 16, 4), 10_000, "tanh", True),
        ((256, 512, 256), 300, "relu", False),
    ],
)
def test_memory_of_a_plan(sizes, batch, activation, grouped, threads, dtype):
    plan = make(sizes, activation, dtype)._plans.get(at.TRAIN, batch, threads)
    expected = expected_memory(sizes, batch, threads, activation == "gelu", grouped, dtype)
    assert expected <= plan.memory <= expected + SMALL * threads
    assert bool(plan.fields[at.GROUPS]) == grouped


def test_memory_of_packed_inputs():
    """Inputs on many pages are copied, those of one piece at a time."""
    engine = make((600, 600, 3))
    batch = MIN_PACKED_BYTES // row_bytes(600, engine.dtype) + 1
    plan = engine._plans.get(at.TRAIN, batch, 2)
    assert plan.table[:, at.PACKED].tolist() == [1, 0]
    lines = 2 * batch * engine.dtype.itemsize
    assert expected_memory((600, 600, 3), batch, 2, False, False, "float32") + 8 * lines <= plan.memory


@pytest.mark.parametrize("batch_size", [64, 5000])
def test_a_fit_takes_no_more_memory_than_its_plan(batch_size):
    """Beyond the data: the plan's buffers, parameters with their state, a copy to go back to, the order of the samples."""
    x = np.random.default_rng(0).normal(size=(20_000, 40)).astype("float32")
    y = x[:, :1].copy()
    fastbp.warmup()
    tracemalloc.start()
    try:
        model = fastbp.Sequential([fastbp.Dense(200, "tanh"), fastbp.Dense(100, "tanh"), fastbp.Dense(1)], seed=0)
        model.compile("adam", "mse")
        model.fit(x, y, batch_size=batch_size, epochs=2, verbose=0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    parameters, plans = model._engine.memory()
    assert peak <= 2 * parameters + plans + 8 * len(x) + 1_000_000


@pytest.mark.parametrize("threads", [1, 2, 3, 8, 61])
@pytest.mark.parametrize("sizes", [(1, 1), (17, 64, 64, 6), (1, 32, 32, 1), (784, 128, 10), (28, *[300] * 5, 1), (3, 1100, 2)])
def test_every_weight_is_updated_once(sizes, threads):
    shapes = make(sizes).shapes
    tasks, starts = partition(update_tasks(shapes, np.dtype("float32"), threads), shapes, threads)
    touched = [np.zeros((shape.units_in, shape.vectors_out), int) for shape in shapes]
    for layer, v, last_vector, first, last, _ in tasks:
        assert v in dict(panels(shapes[layer].vectors_out))
        touched[layer][first:last, v:last_vector] += 1
    assert all((t == 1).all() for t in touched)
    assert len(starts) == threads + 1 and starts[0] == 0 and starts[-1] == len(tasks) and starts == sorted(starts)


def units_of(tasks, shapes):
    """(layer, panel, first row): the place of its sum of squares, for each part of the weights that no task divides."""
    found = {}
    for layer, v, last_vector, first, last, slot in tasks:
        starts = [start for start, _ in panels(shapes[layer].vectors_out) if v <= start < last_vector]
        found |= {(layer, start, first): (slot + i, last) for i, start in enumerate(starts)}
    return found


@pytest.mark.parametrize(
    "sizes", [(1, 1), (17, 64, 64, 6), (784, 128, 10), (28, *[300] * 5, 1), (3, 1100, 2), (5, 80, 144, 70)]
)
def test_sums_of_squares_do_not_depend_on_the_threads(sizes):
    shapes, dtype = make(sizes).shapes, np.dtype("float32")
    one, starts = units_of(update_tasks(shapes, dtype, 1), shapes), variable_starts(shapes, dtype)
    places = {place for place, _ in one.values()}
    assert len(places) == len(one) and len(starts) == 2 * len(shapes) + 1
    for layer, shape in enumerate(shapes):  # a kernel's, then its bias's, one for each panel
        count, (first, bias, end) = len(panels(shape.vectors_out)), starts[2 * layer : 2 * layer + 3]
        kernel = {place for (i, _, _), (place, _) in one.items() if i == layer}
        ending = [place for (i, _, _), (place, last) in one.items() if i == layer and last == shape.units_in]
        assert kernel == set(range(first, bias)) and end - bias == count
        assert sorted(place + count for place in ending) == list(range(bias, end))
    for threads in (2, 3, 8, 61):
        assert units_of(partition(update_tasks(shapes, dtype, threads), shapes, threads)[0], shapes) == one


def test_shares_are_about_equal():
    shapes = make((28, *[300] * 5, 1)).shapes
    tasks, starts = partition(update_tasks(shapes, np.dtype("float32"), 2), shapes, 2)
    work = [(last - first) * (last_vector - v) for _, v, last_vector, first, last, _ in tasks]
    halves = [sum(work[a:b]) for a, b in zip(starts, starts[1:], strict=False)]
    assert max(halves) <= 1.02 * min(halves)
