"""A dense layer forward and backward over a block of rows, and a piece of its gradient and update.

Every function takes ``layer``, the address of the layer's row of integers (layout.py), and ``shift``, the bytes to the
calling thread's own activations (0 when all threads share one set).
"""

import math

import numpy as np

from . import elementwise, gemm, memory
from . import layout as at
from .elementwise import LINEAR
from .gemm import tile_shape
from .jit import inner
from .memory import read_int
from .simd import machine
from .update import STORE
from .update import update as update_function


def gradient_rows(dtype):
    """Rows of a weight gradient that are updated together: whole tiles, and whole blocks to transpose."""
    return math.lcm(tile_shape()[0], machine().lanes(dtype))


def make_dense(dtype):
    """The functions of a dense layer for one element type: (forward, backward, add_gradient, update_piece)."""
    tile, transpose = gemm.tile(dtype), gemm.transpose(dtype)
    activate, differentiate = elementwise.activate(dtype), elementwise.differentiate(dtype)
    update, add_groups = update_function(dtype), memory.add_groups(dtype)
    TILE_ROWS, PANEL = tile_shape()
    ITEM, LANES = np.dtype(dtype).itemsize, machine().lanes(dtype)
    VECTOR, PIECE = LANES * ITEM, gradient_rows(dtype)

    @inner
    def forward(plan, layer, shift, source, source_row, first, last):
        """Rows first .. last of OUTPUT = activation(source @ W + b). Overwrites them, and STORED where there is one.

        ``source`` is row 0 of the layer's input.
        """
        units, vectors = read_int(layer, at.UNITS_IN), read_int(layer, at.VECTORS_OUT)
        bias, code, alpha = read_int(layer, at.BIAS), read_int(layer, at.ACTIVATION), read_int(layer, at.ALPHA)
        output_row = read_int(layer, at.OUTPUT_ROW)
        output = read_int(layer, at.OUTPUT) + shift
        stored = read_int(layer, at.STORED)
        if stored:
            stored += shift
        zeros = read_int(plan, at.ZEROS)
        for v in range(0, vectors, PANEL):
            width = min(PANEL, vectors - v)
            panel = read_int(layer, at.WEIGHTS) + v * VECTOR * (units + bias)
            panel_row = width * VECTOR
            start = panel + units * panel_row if bias else zeros
            for r in range(first, last, TILE_ROWS):
                rows = min(TILE_ROWS, last - r)
                z = output + r * output_row + v * VECTOR
                tile(rows, width, source + r * source_row, source_row, ITEM, panel, panel_row, start, 0, z, output_row, units)
                if code != LINEAR:
                    d = stored + r * output_row + v * VECTOR if stored else 0
                    activate(code, alpha, z, output_row, d, output_row, rows, width)

    @inner
    def backward(plan, layer, below, shift, first, last):
        """Rows first .. last of the DELTA of the layer below: (DELTA @ W.T) * its activation's derivative."""
        units, vectors = read_int(layer, at.UNITS_OUT), read_int(layer, at.VECTORS_IN)
        delta, delta_row = read_int(layer, at.DELTA) + shift, read_int(layer, at.DELTA_ROW)
        target, target_row = read_int(below, at.DELTA) + shift, read_int(below, at.DELTA_ROW)
        code, alpha = read_int(below, at.ACTIVATION), read_int(below, at.ALPHA)
        stored = read_int(below, at.STORED)
        slope = (stored if stored else read_int(below, at.OUTPUT)) + shift
        slope_row = read_int(below, at.OUTPUT_ROW)
        zeros = read_int(plan, at.ZEROS)
        for v in range(0, vectors, PANEL):
            width = min(PANEL, vectors - v)
            panel = read_int(layer, at.TRANSPOSED) + v * VECTOR * units
            for r in range(first, last, TILE_ROWS):
                rows = min(TILE_ROWS, last - r)
                g = target + r * target_row + v * VECTOR
                tile(rows, width, delta + r * delta_row, delta_row, ITEM, panel, width * VECTOR, zeros, 0, g, target_row, units)
                if code != LINEAR:
                    a = slope + r * slope_row + v * VECTOR
                    differentiate(code, alpha, g, target_row, a, slope_row, rows, width)

    @inner
    def gradient_tiles(plan, layer, shift, v, first, last, batch, start, start_row, target):
        """Rows first .. last of panel v of dW = INPUT.T @ DELTA + start, and the bias row if last is the end.

        ``start`` and ``target`` are the addresses of row ``first``; returns the number of rows written.
        """
        width = min(PANEL, read_int(layer, at.VECTORS_OUT) - v)
        row = width * VECTOR
        source, source_row = read_int(layer, at.INPUT) + shift, read_int(layer, at.INPUT_ROW)
        delta, delta_row = read_int(layer, at.DELTA) + shift + v * VECTOR, read_int(layer, at.DELTA_ROW)
        for k in range(first, last, TILE_ROWS):
            rows = min(TILE_ROWS, last - k)
            a = source + k * ITEM
            moved = (k - first) * row
            begin = start + moved if start_row else start
            tile(rows, width, a, ITEM, source_row, delta, delta_row, begin, start_row, target + moved, row, batch)
        rows = last - first
        if last == read_int(layer, at.UNITS_IN) and read_int(layer, at.BIAS):
            moved = rows * row
            begin = start + moved if start_row else start
            tile(1, width, read_int(plan, at.ONES), 0, 0, delta, delta_row, begin, start_row, target + moved, row, batch)
            rows += 1
        return rows

    @inner
    def add_gradient(plan, layer, shift, gradients, batch, is_first):
        """The layer's whole gradient over ``batch`` rows, added to (or, first, written over) the one kept.

        ``gradients`` is the distance in bytes from a parameter to the place of its gradient.
        """
        units, bias = read_int(layer, at.UNITS_IN), read_int(layer, at.BIAS)
        vectors = read_int(layer, at.VECTORS_OUT)
        for v in range(0, vectors, PANEL):
            panel = read_int(layer, at.WEIGHTS) + v * VECTOR * (units + bias) + gradients
            row = min(PANEL, vectors - v) * VECTOR
            if is_first:
                gradient_tiles(plan, layer, shift, v, 0, units, batch, read_int(plan, at.ZEROS), 0, panel)
            else:
                gradient_tiles(plan, layer, shift, v, 0, units, batch, panel, row, panel)

    @inner
    def refresh_transposed(layer, v, width, first, last, weights):
        """Copy rows first .. last of panel v into the transposed panels. ``weights`` is the address of row first."""
        units_out, vectors_in = read_int(layer, at.UNITS_OUT), read_int(layer, at.VECTORS_IN)
        row = width * VECTOR
        for k in range(first, last, LANES):
            column = k // LANES
            start = column - column % PANEL
            wide = min(PANEL, vectors_in - start)
            panel = read_int(layer, at.TRANSPOSED) + start * VECTOR * units_out + (column - start) * VECTOR
            for j in range(width):
                out = (v + j) * LANES
                source = weights + (k - first) * row + j * VECTOR
                target = panel + out * wide * VECTOR
                transpose(source, row, target, wide * VECTOR, last - k, units_out - out)

    @inner
    def update_piece(plan, layer, v, first, last, batch, scratch):
        """Gradient and optimizer step of rows first .. last of panel v: dW never leaves the cache.

        With groups, their gradients are added up instead. Overwrites the parameters, their state, their transposed copy
        and ``scratch``.
        """
        units, bias = read_int(layer, at.UNITS_IN), read_int(layer, at.BIAS)
        width = min(PANEL, read_int(layer, at.VECTORS_OUT) - v)
        row = width * VECTOR
        code, groups = read_int(plan, at.OPTIMIZER), read_int(plan, at.GROUPS)
        for k in range(first, last, PIECE):
            end = min(k + PIECE, last)
            weights = read_int(layer, at.WEIGHTS) + v * VECTOR * (units + bias) + k * row
            if groups:
                rows = end - k + (bias if end == units else 0)
                source = weights + read_int(plan, at.GRADIENTS)
                add_groups(source, read_int(plan, at.GROUP), groups, scratch, rows * width)
            else:
                rows = gradient_tiles(plan, layer, 0, v, k, end, batch, read_int(plan, at.ZEROS), 0, scratch)
            state, slot = weights + read_int(plan, at.STATE), read_int(plan, at.SLOT)
            update(code, read_int(plan, at.SCALARS), weights, scratch, state, slot, rows * width)
            if code != STORE and read_int(layer, at.TRANSPOSED):
                refresh_transposed(layer, v, width, k, end, weights)

    return forward, backward, add_gradient, update_piece
