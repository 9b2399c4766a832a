"""What is observed of some steps of training: each layer's gradient, weights, update and outputs.

Every sum is formed by one thread in an order that depends on neither their number nor the blocks of rows: over a part of a
layer's gradient, over a chunk of its weights, over a unit's outputs in a group of rows (all rows, where the batch is kept).
Thread 0 adds these up.
"""

import math

from . import fields as at
from . import gradient as gradients
from . import memory, observation
from .matrix.panels import PANEL_VECTORS
from .memory import read_double, read_int, write_double, write_int
from .rows import LAYER_BYTES
from .simd.jit import inner
from .simd.machine import machine
from .team import barrier

WATCHED_BYTES, RECORD_BYTES, CHUNK_BYTES = 8 * at.WATCHED_FIELDS, 8 * at.RECORD_FIELDS, 8 * at.SUMS_OF_WEIGHTS


def make_observe_gradient(dtype):
    """``observe_gradient`` for one element type."""
    sum_of_squares = gradients.sum_of_squares(dtype)

    @inner(dtype)
    def observe_gradient(plan, layer, part, gradient, vectors):
        """The square of a part of the layer's gradient, if the step is one to observe."""
        monitor = read_int(plan, at.OBSERVED)
        if monitor:
            index = (layer - read_int(plan, at.TABLE)) // LAYER_BYTES
            first = read_int(read_int(monitor, at.WATCHED) + index * WATCHED_BYTES, at.PARTS_AT)
            write_double(read_int(monitor, at.GRADIENT_SUMS), first + part, sum_of_squares(gradient, vectors))

    return observe_gradient


def make_observe_weights(dtype):
    """The functions (keep_weights, observe_weights), which go before and after the update, for one element type."""
    copy_rows, sum_weights = memory.copy_rows(dtype), observation.observe_weights(dtype)
    LANES, VECTOR = machine().lanes(dtype), machine().vector_bytes

    @inner(dtype)
    def keep_weights(plan, monitor, thread, threads):
        """Copy this thread's part of the weights that are learnt, before they change."""
        for i in range(read_int(plan, at.LAYERS)):
            vectors = read_int(read_int(monitor, at.WATCHED) + i * WATCHED_BYTES, at.WEIGHT_VECTORS)
            weights = read_int(read_int(plan, at.TABLE) + i * LAYER_BYTES, at.WEIGHTS)
            for first in range(at.CHUNK * thread, vectors, at.CHUNK * threads):
                place, count = weights + first * VECTOR, min(at.CHUNK, vectors - first)
                copy_rows(place, 0, 0, place + read_int(monitor, at.WEIGHTS_BEFORE), 0, 1, count * LANES)

    @inner(dtype)
    def observe_weights(plan, monitor, thread, threads):
        """This thread's part of the sums over weights, which are done changing."""
        for i in range(read_int(plan, at.LAYERS)):
            watched = read_int(monitor, at.WATCHED) + i * WATCHED_BYTES
            vectors = read_int(watched, at.WEIGHT_VECTORS)
            weights = read_int(read_int(plan, at.TABLE) + i * LAYER_BYTES, at.WEIGHTS)
            for first in range(at.CHUNK * thread, vectors, at.CHUNK * threads):
                place, chunk = weights + first * VECTOR, read_int(watched, at.CHUNKS_AT) + first // at.CHUNK
                target, count = read_int(monitor, at.WEIGHT_SUMS) + chunk * CHUNK_BYTES, min(at.CHUNK, vectors - first)
                sum_weights(place + read_int(monitor, at.WEIGHTS_BEFORE), place, count, target)

    return keep_weights, observe_weights


def make_observe_outputs(dtype):
    """``observe_outputs`` for one element type."""
    sum_outputs, LANES = observation.observe_outputs(dtype), machine().lanes(dtype)
    VECTOR = machine().vector_bytes

    @inner(dtype)
    def observe_outputs(plan, monitor, index, shift, group, rows, v, last_vector, is_first):
        """Add the outputs of some vectors of a layer's units, in rows from 0 on, to the sums of a group."""
        layer = read_int(plan, at.TABLE) + index * LAYER_BYTES
        watched = read_int(monitor, at.WATCHED) + index * WATCHED_BYTES
        sums_row = 8 * LANES * read_int(layer, at.VECTORS_OUT)
        sums = read_int(monitor, at.UNIT_SUMS) + group * read_int(monitor, at.UNIT_SUMS_ROW)
        sums += 8 * (read_int(watched, at.UNITS_AT) + LANES * v)
        alpha, limit = read_int(layer, at.ALPHA), read_int(watched, at.FLAT_BELOW)
        output, row = read_int(layer, at.OUTPUT) + shift + v * VECTOR, read_int(layer, at.OUTPUT_ROW)
        slopes, code = read_int(layer, at.DERIVATIVE) + shift + v * VECTOR, read_int(watched, at.DERIVATIVE_FROM)
        sum_outputs(code, alpha, limit, output, slopes, row, sums, sums_row, rows, last_vector - v, is_first)

    return observe_outputs


def make_close_record(dtype):
    """``close_record`` for one element type."""
    LANES = machine().lanes(dtype)

    @inner(dtype)
    def close_weights(monitor, watched, record):
        """The norms of a layer's gradient, weights and update; NaN where it learns nothing."""
        vectors = read_int(watched, at.WEIGHT_VECTORS)
        gradient = weights = moved = 0.0 if vectors else math.nan
        for part in range(read_int(watched, at.PARTS_AT), read_int(watched, at.PARTS_END)):
            gradient += read_double(read_int(monitor, at.GRADIENT_SUMS), part)
        chunk = read_int(monitor, at.WEIGHT_SUMS) + read_int(watched, at.CHUNKS_AT) * CHUNK_BYTES
        for _ in range(0, vectors, at.CHUNK):
            weights += read_double(chunk, 0)
            moved += read_double(chunk, 1)
            chunk += CHUNK_BYTES
        write_double(record, at.GRADIENT_NORM, math.sqrt(gradient))
        write_double(record, at.WEIGHT_NORM, math.sqrt(weights))
        write_double(record, at.UPDATE_NORM, math.sqrt(moved))

    @inner(dtype)
    def close_outputs(plan, monitor, layer, watched, record):
        """Mean and spread of a layer's outputs, and the shares of those that are flat, and of units all of whose are."""
        units, groups = read_int(layer, at.UNITS_OUT), max(1, read_int(plan, at.GROUPS))
        sums_row = LANES * read_int(layer, at.VECTORS_OUT)
        count, mean, squares, all_flat, dead = 0.0, 0.0, 0.0, 0.0, 0.0
        for unit in range(units):
            seen, flat = 0.0, 0.0
            for g in range(groups):
                group = read_int(monitor, at.UNIT_SUMS) + g * read_int(monitor, at.UNIT_SUMS_ROW)
                rows = read_double(group, 0)
                if rows > 0.0:
                    place = read_int(watched, at.UNITS_AT) + unit
                    deviation = read_double(group, place + at.DEVIATION * sums_row)
                    away = read_double(group, place + at.PIVOT * sums_row) + deviation / rows - mean
                    within = read_double(group, place + at.SQUARED_DEVIATION * sums_row) - deviation * deviation / rows
                    count += rows  # Chan, Golub and LeVeque's way to join two samples
                    mean += away * (rows / count)
                    squares += max(within, 0.0) + away * away * (rows * ((count - rows) / count))
                    seen += rows
                    flat += read_double(group, place + at.FLAT * sums_row)
            all_flat += flat
            dead += flat == seen
        write_double(record, at.OUTPUT_MEAN, mean)
        write_double(record, at.OUTPUT_SPREAD, math.sqrt(squares / count))
        looked_at = read_int(watched, at.DERIVATIVE_FROM)
        write_double(record, at.FLAT_SHARE, all_flat / count if looked_at else math.nan)
        write_double(record, at.DEAD_SHARE, dead / units if looked_at else math.nan)

    @inner(dtype)
    def close_record(plan, monitor):
        """Thread 0, when all sums of a step are there: one record more."""
        layers, recorded = read_int(plan, at.LAYERS), read_int(monitor, at.RECORDED)
        for i in range(layers):
            layer, watched = read_int(plan, at.TABLE) + i * LAYER_BYTES, read_int(monitor, at.WATCHED) + i * WATCHED_BYTES
            record = read_int(monitor, at.RECORDS) + (recorded * layers + i) * RECORD_BYTES
            close_weights(monitor, watched, record)
            close_outputs(plan, monitor, layer, watched, record)
        write_int(monitor, at.RECORDED, recorded + 1)

    return close_record


def make_monitor(dtype):
    """The functions (observes, keep_weights, observe_group, observe_block, observe_step) for one element type."""
    observe_outputs, close_record = make_observe_outputs(dtype), make_close_record(dtype)
    keep_weights, observe_weights = make_observe_weights(dtype)

    @inner(dtype)
    def observes(plan, step):
        """The monitor's table if this step of a pass is one to observe, else 0."""
        monitor = read_int(plan, at.MONITOR)
        if monitor and (step + read_int(monitor, at.PASS_STEPS_BEFORE)) % read_int(monitor, at.EVERY) == 0:
            return monitor
        return 0

    @inner(dtype)
    def observe_group(monitor, group, rows):
        """Say how many rows a group of the batch has."""
        write_double(read_int(monitor, at.UNIT_SUMS) + group * read_int(monitor, at.UNIT_SUMS_ROW), 0, float(rows))

    @inner(dtype)
    def observe_block(plan, monitor, shift, group, rows, is_first):
        """A block of a group has gone through all layers: add it to the group's sums."""
        for i in range(read_int(plan, at.LAYERS)):
            layer = read_int(plan, at.TABLE) + i * LAYER_BYTES
            observe_outputs(plan, monitor, i, shift, group, rows, 0, read_int(layer, at.VECTORS_OUT), is_first)

    @inner(dtype)
    def observe_batch(plan, monitor, thread, threads, batch):
        """Where the batch is kept: this thread's part of the units, over all rows."""
        turn = 0
        for i in range(read_int(plan, at.LAYERS)):
            vectors = read_int(read_int(plan, at.TABLE) + i * LAYER_BYTES, at.VECTORS_OUT)
            for v in range(0, vectors, PANEL_VECTORS):
                if turn % threads == thread:
                    observe_outputs(plan, monitor, i, 0, 0, batch, v, min(v + PANEL_VECTORS, vectors), 1)
                turn += 1

    @inner(dtype)
    def observe_step(plan, monitor, thread, threads, batch):
        """All threads, at the end of a step that is observed."""
        control = read_int(plan, at.CONTROL)
        if threads > 1:
            barrier(control, threads)
        observe_weights(plan, monitor, thread, threads)
        if not read_int(plan, at.GROUPS):
            observe_batch(plan, monitor, thread, threads, batch)
            if thread == 0:
                observe_group(monitor, 0, batch)
        if threads > 1:
            barrier(control, threads)
        if thread == 0:
            close_record(plan, monitor)

    return observes, keep_weights, observe_group, observe_block, observe_step
