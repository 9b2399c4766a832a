"""Arrays around a formula: changed in place, replaced, seen through views, used whole, in part and reduced."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import fastbp
from gradcheck import central_differences
from ways import assert_same

SIZES = [4, 10, 64, 65, 1000, 100_000]
P = 0.8


def whole(p, a, y):
    return fastbp.mean((p * a - y) ** 2)


# What a formula may do with the array. The values are of the size of 1, so that the change of any element shows.
USES = {
    "whole": whole,
    "whole, in a helper": lambda p, a, y: (lambda b: whole(p, b, y))(a),
    "a function of the whole": lambda p, a, y: fastbp.mean(np.exp(-p * abs(a)) * y),
    "computed before": lambda p, a, y: fastbp.mean((p * (1 / (2 + a**2)) - y) ** 2),
    "mean": lambda p, a, y: a.mean() * p**2,
    "np.sum": lambda p, a, y: np.sum(np.exp(-abs(a))) / len(a) * p**3,
    "largest": lambda p, a, y: a.max() * p**2,
    "scalar product": lambda p, a, y: (a @ a) / len(a) * np.sin(p),
    "element": lambda p, a, y: a[3] * p**2,
    "last element": lambda p, a, y: a[-1] * p**2,
    "float of an element": lambda p, a, y: float(a[2]) * p**2,
    "list of elements": lambda p, a, y: a.tolist()[3] * p**2,
    "slice": lambda p, a, y: a[1:4].sum() * p**2,
    "mask": lambda p, a, y: a[a > 0].sum() / len(a) * p**2,
    "whole and an element": lambda p, a, y: whole(p, a, y) * a[3] + a[-1] * p,
    "whole and a mean": lambda p, a, y: whole(p, a, y) * a.mean() + p,
    "whole and a branch": lambda p, a, y: whole(p, a, y) if a[3] > 0.5 else whole(2 * p, a, y) + p,
    "whole and its shift": lambda p, a, y: whole(p, a, y) + whole(p**2, a[::-1], y),
    "whole and its norm": lambda p, a, y: fastbp.mean((p * a / np.sqrt(np.mean(a * a)) - y) ** 2),
}


@dataclass
class Box:
    array: np.ndarray


def one_element(box, rng):
    box.array[3] = 1000 * rng.normal()


def last_element(box, rng):
    box.array[-1] = 1000 * rng.normal()


def all_elements(box, rng):
    box.array[:] = rng.normal(size=box.array.shape)


def scaled_in_place(box, rng):
    box.array *= -1.5


def two_exchanged(box, rng):
    """Sum, mean, norm and largest stay."""
    box.array[3], box.array[2] = 40 * rng.normal(), -50 * rng.normal()
    box.array[[3, 2]] = box.array[[2, 3]]


def sorted_in_place(box, rng):
    box.array[3] = 500.0
    box.array.sort()


def rebound(box, rng):
    box.array = rng.normal(size=box.array.shape)


def rebound_to_a_view(box, rng):
    box.array = rng.normal(size=2 * box.array.size)[::2]


CHANGES = [one_element, last_element, all_elements, scaled_in_place, two_exchanged, sorted_in_place, rebound, rebound_to_a_view]


def agrees(f, use, read, y, tolerance=1e-9):
    """The compiled value and gradient beside those of the same function of plain numbers (of float32 in float64)."""
    value, slope = f(P, y)
    array = np.asarray(read())
    if array.dtype == np.float32:
        array = array.astype(float)
    assert_same(value, use(P, array, y), tolerance, "value")
    (expected,) = central_differences(lambda p: use(float(p), array, y), [P])
    assert_same(slope, expected, max(tolerance, 1e-6), "gradient")


def goes_through(use, box, changes, rng, size, tolerance=1e-9):
    y = rng.normal(size=size)
    f = fastbp.value_and_grad(lambda p, y: use(p, box.array, y))
    agrees(f, use, lambda: box.array, y, tolerance)
    for change in changes:
        change(box, rng)
        agrees(f, use, lambda: box.array, y, tolerance)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("use", USES)
def test_one_change_after_the_other(use, size):
    rng = np.random.default_rng(size)
    goes_through(USES[use], Box(rng.normal(size=size)), CHANGES * 2 if size < 100_000 else CHANGES[:4], rng, size)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("size", [10, 1000])
def test_each_change_alone(change, size):
    for use in USES.values():
        rng = np.random.default_rng(1)
        goes_through(use, Box(rng.normal(size=size)), [change, change], rng, size)


def memory_mapped(n, folder):
    return np.memmap(folder / "array.bin", dtype=float, mode="w+", shape=(n,))


def read_only(n, folder):
    view = np.zeros(n)[:]
    view.flags.writeable = False
    return view


# name: (make(n, folder), how to write into it, tolerance)
MAKES = {
    "float64": lambda n, folder: np.zeros(n),
    "float32": lambda n, folder: np.zeros(n, dtype="float32"),
    "int64": lambda n, folder: np.zeros(n, dtype=int),
    "int8": lambda n, folder: np.zeros(n, dtype="int8"),
    "bool": lambda n, folder: np.zeros(n, dtype=bool),
    "big endian": lambda n, folder: np.zeros(n, dtype=">f8"),
    "every third": lambda n, folder: np.zeros(3 * n)[1::3],
    "backwards": lambda n, folder: np.zeros(n)[::-1],
    "row": lambda n, folder: np.zeros((3, n))[1],
    "column": lambda n, folder: np.zeros((n, 3))[:, 2],
    "column of Fortran": lambda n, folder: np.zeros((n, 3), order="F")[:, 2],
    "field": lambda n, folder: np.zeros(n, dtype=[("a", "i4"), ("b", "f8")])["b"],
    "memory map": memory_mapped,
    "read only": read_only,
    "repeated": lambda n, folder: np.broadcast_to(np.zeros(1), (n,)),
    "buffer": lambda n, folder: np.frombuffer(bytearray(8 * n)),
}


def write(array, values):
    """Into the memory below, also where the array itself is for reading only."""
    while not array.flags.writeable:
        array = array.base
    array[...] = values[: array.size] if array.size < values.size else values


@pytest.mark.parametrize("size", [10, 1000])
@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("use", ["whole", "element", "mean", "whole and an element", "computed before"])
def test_every_make_of_array(use, make, size, tmp_path):
    rng = np.random.default_rng(3)
    array = MAKES[make](size, tmp_path)
    box, y = Box(array), rng.normal(size=size)
    f = fastbp.value_and_grad(lambda p, y: USES[use](p, box.array, y))
    for scale in (3, 30, 60, 3):
        write(array, scale * rng.normal(size=size) if array.dtype != bool else rng.random(size) < scale / 100)
        agrees(f, USES[use], lambda: box.array, y, 1e-5 if make == "float32" else 1e-9)


# How the formula gets at the row that it uses, from what is around it.
ROWS = {
    "row of a matrix": (lambda m: m, lambda m: m[2]),
    "column of a matrix": (lambda m: m.T.copy(), lambda m: m[:, 2]),
    "rows": (lambda m: m, lambda m: list(m)[2]),
    "sum of rows": (lambda m: m, lambda m: m.sum(axis=0)),
    "flattened": (lambda m: m, lambda m: m.ravel()[2 * m.shape[1] : 3 * m.shape[1]]),
    "list of arrays": (list, lambda m: m[2]),
    "dictionary of arrays": (lambda m: {"a": m}, lambda m: m["a"][2]),
    "frame": (lambda m: {"a": pd.DataFrame(m.T.copy())}, lambda m: m["a"][2].to_numpy()),
    "objects": (lambda m: m.astype(object), lambda m: m[2].astype(float)),
}


def store(held, row, values):
    if isinstance(held, dict) and isinstance(held["a"], pd.DataFrame):
        held["a"].iloc[:, row] = values
    elif isinstance(held, dict):
        held["a"][row] = values
    elif isinstance(held, np.ndarray) and held.shape[0] != 4:
        held[:, row] = values
    else:
        held[row][:] = values


@pytest.mark.parametrize("size", [10, 1000])
@pytest.mark.parametrize("way", ROWS)
@pytest.mark.parametrize("use", ["whole", "element", "whole and an element"])
def test_rows_of_what_is_around(use, way, size):
    rng = np.random.default_rng(4)
    make, row_of = ROWS[way]
    held, y = make(rng.normal(size=(4, size))), rng.normal(size=size)
    f = fastbp.value_and_grad(lambda p, y: USES[use](p, row_of(held), y))
    for _ in range(4):
        store(held, 2, rng.normal(size=size))
        agrees(f, USES[use], lambda: row_of(held), y)


@pytest.mark.parametrize("size", [10, 65, 1000])
@pytest.mark.parametrize("use", ["mean", "element", "last element", "slice", "scalar product", "mask"])
def test_another_length(use, size):
    rng = np.random.default_rng(5)
    box, y = Box(rng.normal(size=size)), np.zeros(3)
    f = fastbp.value_and_grad(lambda p, y: USES[use](p, box.array, y))
    for length in (size, size + 1, 4, size, 200, size):
        box.array = rng.normal(size=length)
        agrees(f, USES[use], lambda: box.array, y)


@pytest.mark.parametrize("size", [10, 1000])
def test_two_arrays_that_change_places(size):
    rng = np.random.default_rng(6)
    a, b, y = rng.normal(size=(3, size))
    f = fastbp.value_and_grad(lambda p, y: fastbp.mean((p * a - y * b) ** 2) * a[3])
    for _ in range(5):
        expected = np.mean((P * a - y * b) ** 2) * a[3], np.mean(2 * (P * a - y * b) * a) * a[3]
        assert_same(f(P, y), expected, 1e-11)
        a, b = b, a


@pytest.mark.parametrize("size", [10, 65, 1000])
def test_fits_with_arrays_around(size):
    """Weights that change in place, in a curve and in a step of descent."""
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(2, size))
    weights, few = np.ones(size), np.ones(3)
    shape = lambda x, a: a * (few[1] * x + few.sum() * x**2)  # noqa: E731

    def residual(x, a):
        return weights * a * x

    def loss(p, x, y):
        return fastbp.mean((p * few[0] * x - few.mean() * y) ** 2)

    for _ in range(4):
        weights[:] = rng.uniform(0.5, 2, size=size)
        few[:] = rng.uniform(0.5, 2, size=3)
        curve = few[1] * x + few.sum() * x**2
        assert_same(fastbp.curve_fit(shape, x, y)[0], curve @ y / (curve @ curve), 1e-7)
        curve = weights * x
        assert_same(fastbp.curve_fit(residual, x, y)[0], curve @ y / (curve @ curve), 1e-7)
        fit = fastbp.fit_formula(loss, (x, y), P, fastbp.SGD(0.1), epochs=1, batch_size=size)
        slope = np.mean(2 * (P * few[0] * x - few.mean() * y) * few[0] * x)
        assert_same(fit.params, P - 0.1 * slope, 1e-11)
