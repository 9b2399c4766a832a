"""The passes over weights alone, against NumPy in float64, between guards, in every width and number of rows that they have."""

import ctypes

import numpy as np
import pytest

from fastbp.engine.memory import address
from fastbp.kernels import fields as at
from fastbp.kernels import functions
from fastbp.kernels.codes import MOMENTUM, SGD, STORE
from fastbp.kernels.matrix.one_pass import KEPT, MOVED, add_lanes, code_of, pass_over
from fastbp.kernels.matrix.panels import PANEL_VECTORS
from fastbp.kernels.optimizer import BETA_1, DECAY, RATE, SCALARS
from fastbp.kernels.simd.machine import machine

GUARD, MARK = 64, 12345.0
LEARNING_RATE, KEEP, FRICTION = 0.25, 0.875, 0.5  # which both types can tell exactly


def call(function, dtype, *arguments):
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * function.arguments)
    kind(functions.address(function, dtype))(*arguments)


class Guarded:
    """A matrix between guards."""

    def __init__(self, rows, columns, dtype, values=MARK):
        self.whole = np.full(rows * columns + 2 * GUARD, MARK, dtype)
        self.matrix = self.whole[GUARD:-GUARD].reshape(rows, columns)
        self.matrix[...] = values

    @property
    def is_unhurt(self):
        return (self.whole[:GUARD] == MARK).all() and (self.whole[-GUARD:] == MARK).all()


class Setting:
    """A layer of two panels, of which the second one is narrow, and all that its passes work on."""

    def __init__(self, dtype, width, batch, inputs, bias, seed=0):
        draw, lanes = np.random.default_rng(seed).normal, machine().lanes(dtype)
        self.dtype, self.batch, self.inputs, self.bias, self.lanes = dtype, batch, inputs, bias, lanes
        self.widths, units = (PANEL_VECTORS, width), (PANEL_VECTORS + width) * lanes
        self.x, self.dz = (draw(size=(batch, n)).astype(dtype) for n in (inputs, units))
        rows = inputs + bias
        self.weights, self.velocity = (Guarded(rows, units, dtype, draw(size=(rows, units))) for _ in range(2))
        self.panels = [slice(0, PANEL_VECTORS * lanes), slice(PANEL_VECTORS * lanes, units)]
        for each in (self.weights, self.velocity):
            flat = each.matrix.copy()
            each.matrix.reshape(-1)[:] = np.concatenate([flat[:, panel].ravel() for panel in self.panels])
        self.gradient, self.sums = Guarded(rows, PANEL_VECTORS * lanes, dtype), Guarded(inputs * batch, lanes, dtype)
        self.zeros = np.zeros(8 * machine().vector_bytes, np.uint8)
        self.scalars = np.zeros(SCALARS, dtype)
        self.scalars[[RATE, DECAY, BETA_1]] = LEARNING_RATE, KEEP, FRICTION
        self.plan, self.layer = np.zeros(at.FIELDS, np.int64), np.zeros(at.LAYER_FIELDS, np.int64)
        self.plan[[at.ZEROS, at.ONE_PASS, at.BATCH, at.ONE_PASS_SUMS]] = (
            address(self.zeros), address(self.gradient.matrix), batch, address(self.sums.matrix),
        )  # fmt: skip
        self.plan[at.SCALARS] = address(self.scalars)
        self.plan[at.STATE] = address(self.velocity.matrix) - address(self.weights.matrix)
        self.layer[[at.UNITS_IN, at.BIAS, at.WEIGHTS]] = inputs, bias, address(self.weights.matrix)
        self.layer[[at.INPUT, at.INPUT_ROW]] = address(self.x), self.x.strides[0]
        self.layer[[at.DELTA, at.DELTA_ROW]] = address(self.dz), self.dz.strides[0]

    def panel(self, guarded, number):
        """One panel's rows of the weights or of their state, as a view."""
        rows = self.inputs + self.bias
        columns = self.panels[number]
        return guarded.matrix.reshape(-1)[rows * columns.start : rows * columns.stop].reshape(rows, -1)

    def run(self, rule, rows, number):
        """A whole panel, ``rows`` of the batch at a time, the last ones by ``rule``."""
        for r in range(0, self.batch, rows):
            code = code_of(rule if r + rows == self.batch else STORE, rows, self.widths[number])
            places = address(self.plan), address(self.layer), number * PANEL_VECTORS, 0
            call(pass_over, self.dtype, code, *places, self.inputs, r, self.bias)

    def expected_gradient(self, number):
        ones = np.ones((self.batch, self.bias))
        return np.hstack([self.x, ones]).astype(float).T @ self.dz[:, self.panels[number]]

    def agrees(self, actual, expected):
        tolerance = (2e-6 if self.dtype == "float32" else 4e-15) * (self.batch + sum(self.widths))
        return np.abs(actual - expected).max() <= tolerance * (1 + np.abs(expected).max())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", range(1, PANEL_VECTORS + 1))
@pytest.mark.parametrize(("rule", "rows"), [*KEPT, *MOVED])
def test_passes_against_numpy(rule, rows, width, dtype):
    for batch, inputs, bias in ((rows, 1, 0), (rows, 5, 1), (2 * rows, 19, 1), (2 * rows, 16, 0)):
        setting = Setting(dtype, width, batch, inputs, bias)
        sums = 0.0
        for number in range(2):
            before, velocity = (setting.panel(a, number).astype(float) for a in (setting.weights, setting.velocity))
            expected = setting.expected_gradient(number)
            sums = sums + before[:inputs] @ setting.dz[:, setting.panels[number]].T.astype(float)
            setting.run(rule, rows, number)
            after, state = setting.panel(setting.weights, number), setting.panel(setting.velocity, number)
            if rule == STORE:
                gradient = setting.gradient.matrix.reshape(-1)[: expected.size].reshape(expected.shape)
                assert setting.agrees(gradient, expected) and np.array_equal(before, after)
            elif rule == SGD:
                assert setting.agrees(after, KEEP * before - LEARNING_RATE * expected)
            else:
                assert rule == MOMENTUM
                moved = FRICTION * velocity - LEARNING_RATE * expected
                assert setting.agrees(state, moved) and setting.agrees(after, KEEP * before + moved)
        found = setting.sums.matrix.reshape(inputs, batch, -1).astype(float).sum(axis=2)
        assert setting.agrees(found, sums)
        assert all(each.is_unhurt for each in (setting.weights, setting.velocity, setting.gradient, setting.sums))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lanes_are_added_up_between_guards(dtype):
    lanes = machine().lanes(dtype)
    for count in [*range(1, 2 * lanes + 2), 64]:
        for rows in (1, 3):
            draw = np.random.default_rng(count).normal
            sums = Guarded(count * rows, lanes, dtype, draw(size=(count * rows, lanes)))
            padded = -(-count // lanes) * lanes
            target = Guarded(rows, padded, dtype)
            places = address(sums.matrix), rows * machine().vector_bytes, count, address(target.matrix)
            call(add_lanes, dtype, *places, target.matrix.strides[0], rows)
            expected = sums.matrix.reshape(count, rows, lanes).astype(float).sum(axis=2).T
            assert np.allclose(target.matrix[:, :count], expected, atol=1e-5 if dtype == "float32" else 1e-13)
            assert (target.matrix[:, count:] == 0).all() and target.is_unhurt
