"""Sums over predictions and targets, from which the metrics of an epoch are computed."""

from . import layout as at
from .jit import inner
from .memory import make_accessors, read_double, read_int, write_double

# Kinds of counting: each does what the one before does, but SPARSE counts correct labels alone.
NOTHING, REGRESSION, BINARY, CATEGORICAL, SPARSE = range(5)

# A slot of counts: rows, correct ones, then four sums for each output.
ROWS, CORRECT, SUMS = 0, 1, 2
SQUARED_ERROR, ABSOLUTE_ERROR, TARGET, TARGET_SQUARE = range(4)


def counts_size(units):
    """Numbers in one slot."""
    return SUMS + 4 * units


def make_count(dtype):
    """``count(plan, kind, output, row, sample, rows, units, counts)``: add rows of predictions to a slot."""
    read, _ = make_accessors(dtype)

    @inner(dtype)
    def largest(address, units):
        best = 0
        for j in range(1, units):
            if read(address, j) > read(address, best):
                best = j
        return best

    @inner(dtype)
    def add(counts, which, j, units, value):
        place = SUMS + which * units + j
        write_double(counts, place, read_double(counts, place) + value)

    @inner(dtype)
    def count_row(kind, p, t, units, counts):
        correct = 0
        for j in range(units):
            prediction, target = float(read(p, j)), float(read(t, j))
            error = prediction - target
            add(counts, SQUARED_ERROR, j, units, error * error)
            add(counts, ABSOLUTE_ERROR, j, units, abs(error))
            add(counts, TARGET, j, units, target)
            add(counts, TARGET_SQUARE, j, units, target * target)
            if kind == BINARY and target == (1.0 if prediction > 0.5 else 0.0):
                correct += 1
        if kind == CATEGORICAL and largest(p, units) == largest(t, units):
            correct = 1
        return correct

    @inner(dtype)
    def count(plan, kind, output, row, sample, rows, units, counts):
        order, y, y_row = read_int(plan, at.ORDER), read_int(plan, at.Y), read_int(plan, at.Y_ROW)
        correct = 0
        for r in range(rows):
            target = y + (read_int(order, sample + r) if order else sample + r) * y_row
            prediction = output + r * row
            if kind == SPARSE:
                correct += largest(prediction, units) == read_int(target, 0)
            else:
                correct += count_row(kind, prediction, target, units, counts)
        write_double(counts, ROWS, read_double(counts, ROWS) + rows)
        write_double(counts, CORRECT, read_double(counts, CORRECT) + correct)

    return count
