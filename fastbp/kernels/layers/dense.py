"""A dense layer forward and backward over a block of rows, and a piece of its gradient and update.

Every function takes ``layer``, the address of the layer's row of integers (fields.py), and ``shift``, the bytes to the
calling thread's own activations (0 when all threads share one set).
"""

import numpy as np

from .. import activation as elementwise
from .. import fields as at
from .. import memory
from ..codes import STORE
from ..matrix import dots, gemm
from ..matrix.dots import most_units
from ..matrix.gemm import LINE, whole_rows
from ..matrix.panels import FULL, panel_start, panel_width
from ..memory import read_int
from ..optimizer import update as update_function
from ..simd.jit import inner
from ..simd.machine import machine


def piece_rows(shape, dtype):
    """Rows of a layer's weight gradient that are formed and updated together."""
    if shape.units_out <= most_units(dtype):
        return FULL * machine().lanes(dtype)
    return whole_rows(machine().lanes(dtype))


def scratch_bytes(dtype):
    """Room for the largest piece of a gradient, see update_piece and narrow_tiles."""
    lanes = machine().lanes(dtype)
    usual = (whole_rows(lanes) + 1) * FULL
    narrow = FULL * lanes + 1 + most_units(dtype) * FULL
    return max(usual, narrow) * machine().vector_bytes


def make_dense(dtype, differentiate_strip):
    """The functions of a dense layer for one element type: (forward, backward, add_gradient, update_piece,
    transpose_weights)."""
    piece_product = gemm.piece_product(dtype)
    product, row_product, dot_rows = gemm.product(dtype), gemm.row_product(dtype), dots.dot_rows(dtype)
    transpose = gemm.transpose(dtype)
    activate = elementwise.activate(dtype)
    prefetch, gather_rows = memory.prefetch(dtype), memory.gather_rows(dtype)
    PACKED_INPUTS = scratch_bytes(dtype)  # where they begin in the scratch
    update, add_groups = update_function(dtype), memory.add_groups(dtype)
    width_of, start_of = inner(dtype)(panel_width), inner(dtype)(panel_start)
    ITEM, LANES = np.dtype(dtype).itemsize, machine().lanes(dtype)
    VECTOR, PIECE = LANES * ITEM, whole_rows(LANES)
    NARROW_PIECE = FULL * LANES
    FEW = most_units(dtype)

    @inner(dtype)
    def forward(plan, layer, shift, source, source_row, first, last, batch):
        """Rows first .. last of OUTPUT = activation(source @ W + b). Overwrites them, and STORED where there is one.

        ``source`` is row 0 of the layer's input; ``batch`` the rows of the whole step.
        """
        units, vectors = read_int(layer, at.UNITS_IN), read_int(layer, at.VECTORS_OUT)
        bias, code, alpha = read_int(layer, at.BIAS), read_int(layer, at.ACTIVATION), read_int(layer, at.ALPHA)
        output_row = read_int(layer, at.OUTPUT_ROW)
        output = read_int(layer, at.OUTPUT) + shift
        stored = read_int(layer, at.STORED)
        if stored:
            stored += shift
        zeros, transposed = read_int(plan, at.ZEROS), read_int(layer, at.TRANSPOSED)
        rows, source, output = last - first, source + first * source_row, output + first * output_row
        d = stored + first * output_row if stored else 0
        if read_int(layer, at.UNITS_OUT) <= FEW and transposed:
            start = read_int(layer, at.WEIGHTS) + units * VECTOR if bias else zeros
            few = read_int(layer, at.UNITS_OUT)
            dot_rows(few, source, source_row, transposed, units, start, output, output_row, rows)
            activate(code, alpha, output, output_row, d, output_row, rows, 1)
            return
        v = 0
        while v < vectors:
            width, move = width_of(vectors - v), v * VECTOR
            panel = read_int(layer, at.WEIGHTS) + move * (units + bias)
            row = width * VECTOR
            start = panel + units * row if bias else zeros
            z = output + move
            if batch == 1:
                row_product(width, source, ITEM, panel, row, start, z, units)
            else:
                product(width, source, source_row, ITEM, panel, row, start, 0, z, output_row, units, rows)
            activate(code, alpha, z, output_row, d + move if d else 0, output_row, rows, width)
            v += width

    @inner(dtype)
    def backward(plan, layer, below, shift, first, last):
        """Rows first .. last of the DELTA of the layer below: (DELTA @ W.T) * its activation's derivative."""
        units, vectors = read_int(layer, at.UNITS_OUT), read_int(layer, at.VECTORS_IN)
        delta, delta_row = read_int(layer, at.DELTA) + shift, read_int(layer, at.DELTA_ROW)
        target, target_row = read_int(below, at.DELTA) + shift, read_int(below, at.DELTA_ROW)
        zeros, rows = read_int(plan, at.ZEROS), last - first
        delta, target = delta + first * delta_row, target + first * target_row
        v = 0
        while v < vectors:
            width, move = width_of(vectors - v), v * VECTOR
            if units <= FEW:
                panel, row = read_int(layer, at.TRANSPOSED) + move, vectors * VECTOR
            else:
                panel, row = read_int(layer, at.TRANSPOSED) + move * units, width * VECTOR
            product(width, delta, delta_row, ITEM, panel, row, zeros, 0, target + move, target_row, units, rows)
            differentiate_strip(below, shift, move, first, last, width)
            v += width

    @inner(dtype)
    def gradient_tiles(layer, shift, v, first, last, batch, start, start_row, target):
        """Rows first .. last of panel v of dW = INPUT.T @ DELTA + start.

        ``start`` and ``target`` are the addresses of row ``first``; ``start_row`` is 0 where start is a row of zeros.
        """
        width = width_of(read_int(layer, at.VECTORS_OUT) - v)
        row = width * VECTOR
        source, source_row = read_int(layer, at.INPUT) + shift, read_int(layer, at.INPUT_ROW)
        delta, delta_row = read_int(layer, at.DELTA) + shift + v * VECTOR, read_int(layer, at.DELTA_ROW)
        a = source + first * ITEM
        product(width, a, ITEM, source_row, delta, delta_row, start, start_row, target, row, batch, last - first)

    @inner(dtype)
    def bias_tile(plan, layer, shift, v, batch, start, target):
        """The bias row of panel v: the sum of DELTA's rows, plus ``start``."""
        width = width_of(read_int(layer, at.VECTORS_OUT) - v)
        delta, delta_row = read_int(layer, at.DELTA) + shift + v * VECTOR, read_int(layer, at.DELTA_ROW)
        row_product(width, read_int(plan, at.ONES), 0, delta, delta_row, start, target, batch)

    @inner(dtype)
    def narrow_tiles(plan, layer, v, first, last, batch, target):
        """Rows first .. last of dW of a layer of few units: DELTA.T @ INPUT in tiles without padding, then turned.

        Room for the bias and for the tile before it is turned follows ``target``.
        """
        units, rows, turned = read_int(layer, at.UNITS_OUT), last - first, target + (NARROW_PIECE + 1) * VECTOR
        source, source_row = read_int(layer, at.INPUT) + first * ITEM, read_int(layer, at.INPUT_ROW)
        delta, delta_row = read_int(layer, at.DELTA), read_int(layer, at.DELTA_ROW)
        width, zeros = (rows + LANES - 1) // LANES, read_int(plan, at.ZEROS)
        row = width * VECTOR
        product(width, delta, ITEM, delta_row, source, source_row, zeros, 0, turned, row, batch, units)
        for j in range(width):
            k = j * LANES
            transpose(turned + j * VECTOR, row, target + k * VECTOR, VECTOR, units, rows - k)
        if read_int(layer, at.BIAS) and last == read_int(layer, at.UNITS_IN):
            bias_tile(plan, layer, 0, v, batch, zeros, target + rows * VECTOR)

    @inner(dtype)
    def add_gradient(plan, layer, shift, gradients, batch, is_first):
        """The layer's whole gradient over ``batch`` rows, added to (or, first, written over) the one kept.

        ``gradients`` is the distance in bytes from a parameter to the place of its gradient.
        """
        units, bias = read_int(layer, at.UNITS_IN), read_int(layer, at.BIAS)
        vectors = read_int(layer, at.VECTORS_OUT)
        zeros, v = read_int(plan, at.ZEROS), 0
        while v < vectors:
            width = width_of(vectors - v)
            panel, row = read_int(layer, at.WEIGHTS) + v * VECTOR * (units + bias) + gradients, width * VECTOR
            start, start_row = (zeros, 0) if is_first else (panel, row)
            gradient_tiles(layer, shift, v, 0, units, batch, start, start_row, panel)
            if bias:
                end = panel + units * row
                bias_tile(plan, layer, shift, v, batch, zeros if is_first else end, end)
            v += width

    @inner(dtype)
    def transposed_block(layer, column, out):
        """(address, row stride) of the transposed copy of vector ``column`` of inputs, from output ``out`` on."""
        units, vectors = read_int(layer, at.UNITS_OUT), read_int(layer, at.VECTORS_IN)
        if units <= FEW:
            row = vectors * VECTOR
            return read_int(layer, at.TRANSPOSED) + column * VECTOR + out * row, row
        start = start_of(column, vectors)
        row = width_of(vectors - start) * VECTOR
        panel = read_int(layer, at.TRANSPOSED) + start * VECTOR * units
        return panel + (column - start) * VECTOR + out * row, row

    @inner(dtype)
    def refresh_transposed(layer, v, width, first, last, weights):
        """Copy rows first .. last of panel v into the transposed panels. ``weights`` is the address of row first."""
        units, row = read_int(layer, at.UNITS_OUT), width * VECTOR
        for k in range(first, last, LANES):
            for j in range(width):
                out = (v + j) * LANES
                target, target_row = transposed_block(layer, k // LANES, out)
                transpose(weights + (k - first) * row + j * VECTOR, row, target, target_row, last - k, units - out)

    @inner(dtype)
    def fetch_piece(plan, layer, v, width, first, last, rows, weights):
        """Have the memory that the update will touch on its way while the gradient is formed."""
        lines = (rows * width * VECTOR + LINE - 1) // LINE
        place = weights
        for i in range(read_int(plan, at.FETCHED)):
            prefetch(place, LINE, lines)
            place = weights + read_int(plan, at.STATE) + i * read_int(plan, at.SLOT)
        if read_int(layer, at.TRANSPOSED):
            for k in range(first, last, LANES):
                out = v * LANES
                target, target_row = transposed_block(layer, k // LANES, out)
                prefetch(target, target_row, min(width * LANES, read_int(layer, at.UNITS_OUT) - out))

    @inner(dtype)
    def panel_row(layer, v, k):
        """The address of row k of the panel that begins with vector v, and the bytes from a row to the next."""
        row = width_of(read_int(layer, at.VECTORS_OUT) - v) * VECTOR
        return read_int(layer, at.WEIGHTS) + v * VECTOR * (
            read_int(layer, at.UNITS_IN) + read_int(layer, at.BIAS)
        ) + k * row, row

    @inner(dtype)
    def whole_piece(plan, layer, source, source_step, v, batch, target, next_v, next_first):
        """A piece of dW that fills its tiles. Meanwhile the next one's parameters are fetched with their state."""
        delta, delta_row = read_int(layer, at.DELTA) + v * VECTOR, read_int(layer, at.DELTA_ROW)
        weights, _ = panel_row(layer, next_v, next_first)
        state = weights + read_int(plan, at.STATE)
        second = state + read_int(plan, at.SLOT)
        turned, step = transposed_block(layer, next_first // LANES, next_v * LANES)
        zeros = read_int(plan, at.ZEROS)
        piece_product(source, source_step, delta, delta_row, zeros, target, batch, weights, state, second, turned, step)

    @inner(dtype)
    def pack_inputs(layer, first, last, batch, scratch):
        """Where inputs first .. last of all rows are, and the bytes from one row's to the next row's: copied if that pays.

        A layer's input is gone through once for each panel, a few units from each row: close together they stay in cache.
        """
        source, source_row = read_int(layer, at.INPUT) + first * ITEM, read_int(layer, at.INPUT_ROW)
        if not read_int(layer, at.PACKED):
            return source, source_row
        packed = scratch + PACKED_INPUTS
        gather_rows(source, source_row, 0, packed, PIECE * ITEM, batch, last - first)
        return packed, PIECE * ITEM

    @inner(dtype)
    def piece_gradient(plan, layer, source, source_step, v, last_vector, first, last, batch, target):
        """Rows first .. last of panel v of the gradient over the whole batch, at ``target``; the bias after the last input."""
        width = width_of(read_int(layer, at.VECTORS_OUT) - v)
        weights, row = panel_row(layer, v, first)
        zeros, fetched = read_int(plan, at.ZEROS), read_int(plan, at.FETCHED)
        if fetched and width == FULL and last - first == PIECE:
            next_v, next_first = (v, last) if v + width >= last_vector else (v + width, first)
            whole_piece(plan, layer, source, source_step, v, batch, target, next_v, next_first)
        else:
            if fetched:
                fetch_piece(plan, layer, v, width, first, last, last - first, weights)
            delta, delta_row = read_int(layer, at.DELTA) + v * VECTOR, read_int(layer, at.DELTA_ROW)
            product(width, source, ITEM, source_step, delta, delta_row, zeros, 0, target, row, batch, last - first)
        if read_int(layer, at.BIAS) and last == read_int(layer, at.UNITS_IN):
            bias_tile(plan, layer, 0, v, batch, zeros, target + (last - first) * row)

    @inner(dtype)
    def update_piece(plan, layer, first_vector, last_vector, first, last, batch, scratch):
        """Gradient and optimizer step of rows first .. last of some panels: dW never leaves the cache.

        With groups, their gradients are added up instead. Overwrites the parameters, their state, their transposed copy
        and ``scratch``.
        """
        units, bias, code = read_int(layer, at.UNITS_IN), read_int(layer, at.BIAS), read_int(plan, at.OPTIMIZER)
        groups, narrow = read_int(plan, at.GROUPS), read_int(layer, at.UNITS_OUT) <= FEW
        rows = last - first + (bias if last == units else 0)
        source, step = (0, 0) if groups else pack_inputs(layer, first, last, batch, scratch)
        v = first_vector
        while v < last_vector:
            width = width_of(read_int(layer, at.VECTORS_OUT) - v)
            weights, row = panel_row(layer, v, first)
            if groups:
                gradients = weights + read_int(plan, at.GRADIENTS)
                add_groups(gradients, read_int(plan, at.GROUP), groups, scratch, rows * width)
            elif narrow:
                narrow_tiles(plan, layer, v, first, last, batch, scratch)
            else:
                piece_gradient(plan, layer, source, step, v, last_vector, first, last, batch, scratch)
            state, slot = weights + read_int(plan, at.STATE), read_int(plan, at.SLOT)
            update(code, read_int(plan, at.SCALARS), weights, scratch, state, slot, rows * width)
            if code != STORE and read_int(layer, at.TRANSPOSED):
                refresh_transposed(layer, v, width, first, last, weights)
            v += width

    @inner(dtype)
    def transpose_weights(layer, thread, threads):
        """This thread's part of the transposed copy, brought up to date."""
        vectors = read_int(layer, at.VECTORS_IN)
        first = LANES * (vectors * thread // threads)
        last = min(LANES * (vectors * (thread + 1) // threads), read_int(layer, at.UNITS_IN))
        v = 0
        while v < read_int(layer, at.VECTORS_OUT):
            width = width_of(read_int(layer, at.VECTORS_OUT) - v)
            weights, _ = panel_row(layer, v, first)
            refresh_transposed(layer, v, width, first, last, weights)
            v += width

    return forward, backward, add_gradient, update_piece, transpose_weights
