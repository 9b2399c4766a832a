"""Sums over predictions and targets, from which the metrics of an epoch are computed.

They are float64, and so are the errors. Where the square of one would be too large or too small for that, it is scaled by a
power of two, exactly, and added to separate sums.
"""

from numba import types

from . import fields as at
from .codes import BINARY_ACCURACY, BINARY_ACCURACY_LOGITS, CATEGORICAL_ACCURACY, SPARSE_ACCURACY
from .memory import make_accessors, read_double, read_int, write_double
from .simd.jit import inner

# A slot of counts: rows, correct ones, then for each of SCALES two sums for each output.
ROWS, CORRECT, SUMS = 0, 1, 2
SQUARED_ERROR, ABSOLUTE_ERROR = 0, 1
SMALL, USUAL, LARGE = 0, 1, 2
SCALES = (600, 0, -600)  # powers of two: small errors are multiplied, large ones divided
SMALL_BELOW, LARGE_FROM = 2.0**-450, 2.0**450


def counts_size(units):
    """Numbers in one slot."""
    return SUMS + len(SCALES) * 2 * units


def make_count(dtype):
    """``count(plan, kind, output, row, sample, rows, units, counts)``: add rows of predictions to a slot."""
    read, _ = make_accessors(dtype)
    UP, DOWN = 2.0 ** SCALES[SMALL], 2.0 ** SCALES[LARGE]
    MAY_OVERFLOW = dtype == "float64"

    @inner(dtype)
    def largest(address, units):
        best = 0
        for j in range(1, units):
            if read(address, j) > read(address, best):
                best = j
        return best

    @inner(dtype)
    def add(counts, place, value):
        write_double(counts, place, read_double(counts, place) + value)

    @inner(dtype)
    def add_error(counts, j, units, error):
        scale = USUAL
        if MAY_OVERFLOW:
            if error >= LARGE_FROM:
                scale, error = LARGE, error * DOWN
            elif error < SMALL_BELOW:
                scale, error = SMALL, error * UP
        place = SUMS + scale * 2 * units + j
        add(counts, place + SQUARED_ERROR * units, error * error)
        add(counts, place + ABSOLUTE_ERROR * units, error)

    @inner(dtype)
    def count_row(kind, p, t, units, counts):
        correct = 0
        cut = 0.0 if kind == BINARY_ACCURACY_LOGITS else 0.5
        for j in range(units):
            prediction, target = types.float64(read(p, j)), types.float64(read(t, j))  # float() would keep a float32
            add_error(counts, j, units, abs(prediction - target))
            if kind in (BINARY_ACCURACY, BINARY_ACCURACY_LOGITS) and target == (1.0 if prediction > cut else 0.0):
                correct += 1
        if kind == CATEGORICAL_ACCURACY and largest(p, units) == largest(t, units):
            correct = 1
        return correct

    @inner(dtype)
    def count(plan, kind, output, row, sample, rows, units, counts):
        order, y, y_row = read_int(plan, at.ORDER), read_int(plan, at.Y), read_int(plan, at.Y_ROW)
        correct = 0
        for r in range(rows):
            target = y + (read_int(order, sample + r) if order else sample + r) * y_row
            prediction = output + r * row
            if kind == SPARSE_ACCURACY:
                correct += largest(prediction, units) == read_int(target, 0)
            else:
                correct += count_row(kind, prediction, target, units, counts)
        write_double(counts, ROWS, read_double(counts, ROWS) + rows)
        write_double(counts, CORRECT, read_double(counts, CORRECT) + correct)

    return count
