"""The matrix products alone, against NumPy in float64, in every width and number of rows that a tile can have.

Results lie between guards: whatever a kernel writes beside them is found out.
"""

import ctypes

import numpy as np
import pytest

from fastbp.engine.memory import address, aligned_zeros
from fastbp.kernels import fields as at
from fastbp.kernels import functions
from fastbp.kernels.codes import MOMENTUM, SGD, STORE
from fastbp.kernels.matrix import dots, gemm, gradient_product, one_pass
from fastbp.kernels.matrix.dots import max_dot_units
from fastbp.kernels.matrix.gemm import LONG
from fastbp.kernels.matrix.gradient_product import NEAR_ROWS, full_task_rows
from fastbp.kernels.matrix.panels import PANEL_VECTORS, panel_start, panel_width, panels
from fastbp.kernels.matrix.tile import tile_heights
from fastbp.kernels.optimizer import BETA_1, DECAY, RATE, SCALARS
from fastbp.kernels.simd.machine import machine

DTYPES = ["float32", "float64"]
GUARD, MARK = 64, 12345.0


def call(function, dtype, *arguments):
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * function.arguments)
    kind(functions.address(function, dtype))(*arguments)


def guarded(rows, columns, dtype):
    """(all of an array, the matrix in its middle); marks wherever nothing has been written."""
    whole = np.full(rows * columns + 2 * GUARD, MARK, dtype)
    return whole, whole[GUARD:-GUARD].reshape(rows, columns)


def is_unhurt(whole):
    return (whole[:GUARD] == MARK).all() and (whole[-GUARD:] == MARK).all()


def close(actual, expected, terms):
    tolerance = (2e-7 if actual.dtype == np.float32 else 4e-16) * 4 * np.sqrt(terms + 1)
    return np.abs(actual - expected).max() <= tolerance * (1 + np.abs(expected).max())


def matrices(rows, terms, columns, dtype, seed=0):
    generator = np.random.default_rng(seed)
    return [generator.normal(size=shape).astype(dtype) for shape in ((rows, terms), (terms, columns), (columns,))]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("vectors", range(1, PANEL_VECTORS + 1))
def test_product_of_any_number_of_rows(vectors, dtype):
    width, item, most = vectors * machine().lanes(dtype), np.dtype(dtype).itemsize, max(tile_heights()[vectors])
    for rows in [*range(1, 2 * most + 2), 37, 64]:
        for terms in (1, 2, 17, LONG - 1, LONG + 3):
            a, b, bias = matrices(rows, terms, width, dtype, rows)
            whole, c = guarded(rows, width, dtype)
            places = address(a), a.strides[0], item, address(b), b.strides[0], address(bias), 0, address(c), c.strides[0]
            call(gemm.product, dtype, vectors, *places, terms, rows)
            assert close(c, a.astype(float) @ b + bias, terms) and is_unhurt(whole), (rows, terms)


@pytest.mark.parametrize("dtype", DTYPES)
def test_product_adds_to_what_is_there(dtype):
    """A.T @ D, added up block by block: strides of A the other way round, the start is C itself."""
    width, item = PANEL_VECTORS * machine().lanes(dtype), np.dtype(dtype).itemsize
    (a, _, _), (d, _, _) = matrices(50, 30, 1, dtype), matrices(50, width, 1, dtype, seed=1)
    whole, c = guarded(30, width, dtype)
    c[:] = 0
    for first, last in ((0, 17), (17, 50)):
        part, delta = a[first:last], d[first:last]
        places = address(part), item, a.strides[0], address(delta), d.strides[0], address(c), c.strides[0]
        call(gemm.product, dtype, PANEL_VECTORS, *places, address(c), c.strides[0], last - first, 30)
    assert close(c, a.T.astype(float) @ d, 50) and is_unhurt(whole)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("vectors", range(1, PANEL_VECTORS + 1))
def test_row_product(vectors, dtype):
    width, item = vectors * machine().lanes(dtype), np.dtype(dtype).itemsize
    for terms in (*range(1, 20), 300):
        a, b, bias = matrices(1, terms, width, dtype)
        whole, c = guarded(1, width, dtype)
        call(gemm.row_product, dtype, vectors, address(a), item, address(b), b.strides[0], address(bias), address(c), terms)
        assert close(c, a.astype(float) @ b + bias, terms) and is_unhurt(whole)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [1, 100, NEAR_ROWS, 2 * NEAR_ROWS + 1])
def test_gradient_product(batch, dtype):
    """A piece of a gradient from columns in the middle of both factors."""
    lanes, item = machine().lanes(dtype), np.dtype(dtype).itemsize
    rows, width = full_task_rows(lanes), PANEL_VECTORS * lanes
    generator = np.random.default_rng(0)
    a, d = (generator.normal(size=(batch, n + 9)).astype(dtype) for n in (rows, width))
    whole, c = guarded(rows, width, dtype)
    zeros, fetched = aligned_zeros("zeros", width, dtype), aligned_zeros("fetched", 8 * rows * width, dtype)
    streams = [address(fetched)] * 4
    places = address(a) + 5 * item, a.strides[0], address(d) + 3 * item, d.strides[0], address(zeros), address(c)
    call(gradient_product.gradient_product, dtype, *places, batch, *streams, 64)
    assert close(c, a[:, 5 : 5 + rows].T.astype(float) @ d[:, 3 : 3 + width], batch) and is_unhurt(whole)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dots_of_any_number_of_units(dtype):
    """The padding of the inputs may hold anything: here NaN."""
    lanes = machine().lanes(dtype)
    for units in range(1, max_dot_units(dtype) + 1):
        for terms in (1, lanes - 1, lanes, lanes + 1, 3 * lanes, 5 * lanes + 2):
            for rows in (1, 2, 3, 4, 5, 11):
                x, w, bias = matrices(rows, terms, units, dtype, terms)
                padded = -(-terms // lanes) * lanes
                a, turned, start = (
                    np.full((rows, padded), np.nan, dtype),
                    np.zeros((units, padded), dtype),
                    np.zeros(lanes, dtype),
                )
                a[:, :terms], turned[:, :terms], start[:units] = x, w.T, bias
                whole, z = guarded(rows, lanes, dtype)
                places = address(a), a.strides[0], address(turned), terms, address(start), address(z), z.strides[0]
                call(dots.dot_rows, dtype, units, *places, rows)
                assert close(z[:, :units], x.astype(float) @ w + bias, terms) and is_unhurt(whole), (units, terms, rows)
                assert not z[:, units:].any()


def test_a_dot_does_not_depend_on_its_neighbours():
    """Else the result would depend on how the rows are shared among threads."""
    lanes = machine().lanes("float32")
    units, terms = max_dot_units("float32"), 5 * lanes
    x, w, _ = matrices(9, terms, units, "float32")
    turned, start = np.ascontiguousarray(w.T), np.zeros(lanes, np.float32)
    together, alone = np.zeros((9, lanes), np.float32), np.zeros((9, lanes), np.float32)
    places = x.strides[0], address(turned), terms, address(start)
    call(dots.dot_rows, "float32", units, address(x), *places, address(together), 4 * lanes, 9)
    for r in range(9):
        call(dots.dot_rows, "float32", units, address(x[r:]), *places, address(alone[r:]), 4 * lanes, 1)
    assert np.array_equal(together, alone)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("vectors", range(1, PANEL_VECTORS + 1))
@pytest.mark.parametrize("rule", [STORE, SGD, MOMENTUM])
def test_one_pass_over_weights(rule, vectors, dtype):
    """Two panels of some inputs in the middle: dZ @ W.T from both, and of each the gradient, or the weights moved along it."""
    lanes, item = machine().lanes(dtype), np.dtype(dtype).itemsize
    width, generator, first, inputs = vectors * lanes, np.random.default_rng(0), 2, 9
    scalars = np.zeros(SCALARS, dtype)
    scalars[[RATE, DECAY, BETA_1]] = 0.25, 0.875, 0.5
    zeros = aligned_zeros("zeros", max(PANEL_VECTORS, one_pass.ROWS_TOGETHER) * lanes, dtype)
    for batch in (1,) if rule == MOMENTUM else range(1, 12):
        for count, bias in ((1, 0), (5, 0), (7, 1)):
            x, dz = (
                generator.normal(size=(batch, inputs)).astype(dtype),
                generator.normal(size=(batch, 2 * width)).astype(dtype),
            )
            all_weights, weights = guarded(2 * (inputs + bias), width, dtype)
            all_state, state = guarded(2 * (inputs + bias), width, dtype)
            weights[:], state[:] = generator.normal(size=(2, *weights.shape))
            before, state_before = weights.astype(float), state.astype(float)
            all_gradient, gradient = guarded(count + bias, width, dtype)
            all_sums, sums = guarded(count * batch, lanes, dtype)
            plan, layer = aligned_zeros("plan", at.FIELDS, np.int64), aligned_zeros("layer", at.LAYER_FIELDS, np.int64)
            plan[[at.ZEROS, at.ONE_PASS, at.ONE_PASS_SUMS]] = address(zeros), address(gradient), address(sums)
            plan[[at.SCALARS, at.BATCH, at.STATE]] = address(scalars), batch, address(state) - address(weights)
            layer[[at.UNITS_IN, at.BIAS, at.WEIGHTS]] = inputs, bias, address(weights)
            layer[[at.INPUT, at.INPUT_ROW, at.DELTA, at.DELTA_ROW]] = address(x), x.strides[0], address(dz), dz.strides[0]
            for panel in range(2):
                own = slice(panel * (inputs + bias) + first, panel * (inputs + bias) + first + count + bias)
                places = address(plan), address(layer), panel * vectors, vectors, first, count, batch, bias, rule
                call(one_pass.pass_panel, dtype, *places)
                ones = np.ones((batch, bias))
                expected = np.hstack([x[:, first : first + count], ones]).T @ dz[:, panel * width : (panel + 1) * width].astype(
                    float
                )
                if rule == STORE:
                    assert close(gradient, expected, batch)
                    continue
                step = -0.25 * expected + (0.5 * state_before[own] if rule == MOMENTUM else 0)
                assert close(weights[own], 0.875 * before[own] + step, batch)
                if rule == MOMENTUM:
                    assert close(state[own], step, batch)
            touched = np.zeros(len(weights), bool)
            for panel in range(2):
                start = panel * (inputs + bias) + first
                touched[start : start + count + bias] = rule != STORE
            assert np.array_equal(weights[~touched], before[~touched].astype(dtype))
            both = np.hstack([before[first : first + count], before[inputs + bias + first : inputs + bias + first + count]])
            back = dz.astype(float) @ both.T
            assert close(sums.reshape(count, batch, lanes).sum(axis=2).T, back, 2 * width)
            whole, target = guarded(batch, -(-count // lanes) * lanes, dtype)
            places = address(sums), batch * lanes * item, count, address(target), target.strides[0], batch
            call(one_pass.add_lanes, dtype, *places)
            assert close(target[:, :count], back, 2 * width) and not target[:, count:].any()
            for array in (all_weights, all_state, all_gradient, all_sums, whole):
                assert is_unhurt(array)


def test_panels_cover_all_vectors():
    for vectors in range(1, 70):
        cuts = panels(vectors)
        assert [v for v, width in cuts for v in range(v, v + width)] == list(range(vectors))
        assert all(panel_width(vectors - v) == width <= PANEL_VECTORS for v, width in cuts)
        assert all(panel_start(v, vectors) == start for start, width in cuts for v in range(start, start + width))
        assert vectors == 1 or PANEL_VECTORS == 2 or min(width for _, width in cuts) > 1
