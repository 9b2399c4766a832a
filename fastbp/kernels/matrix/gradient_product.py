"""The product of a task of the update: some rows of a full panel of dW = A.T @ B, formed where the cache is nearest.

Meanwhile what the next task's update will touch is prefetched, a part of it with each tile.
"""

import math

from ..simd.library import VectorFunction
from ..simd.machine import machine
from .panels import PANEL_VECTORS
from .tile import LINE, Operands, Prefetch, emit_tile, tile_heights, tile_rows

NEAR_ROWS = 128  # of A and B: both then stay in the first-level cache for all tiles of the task


def full_task_rows(lanes: int) -> int:
    """Rows of a weight gradient that are updated together: whole blocks to transpose, and tiles that are about full."""
    return 16 if machine().registers >= 32 else math.lcm(tile_rows(), lanes)


def even_heights(rows: int, highest: int) -> list[int]:
    """Rows of the fewest tiles of up to ``highest`` rows: they differ by one at most."""
    count = -(-rows // highest)
    return [rows // count + (i < rows % count) for i in range(count)]


def _gradient_product(s, A, a_k, B, b_k, start, C, K, w, state, second_state, transposed, transposed_step):
    """``full_task_rows`` rows of a full panel, of NEAR_ROWS rows of A and B after others."""
    b, vectors, rows = s.b, PANEL_VECTORS, full_task_rows(s.lanes)
    size = vectors * s.lanes * s.itemsize
    row, line, none, item = s.index(size), s.index(LINE), s.index(0), s.index(s.itemsize)
    streams = [(w, line), (state, line), (second_state, line), (transposed, transposed_step)]
    heights = even_heights(rows, tile_heights()[vectors][1])
    lines_of_row = -(-size // LINE)  # of the next panel's rows: each tile asks for some of them
    with s.loop(K, step=NEAR_ROWS) as first:
        is_first, left = b.icmp_signed("==", first, none), b.sub(K, first)
        depth = b.select(b.icmp_signed("<", left, s.index(NEAR_ROWS)), left, s.index(NEAR_ROWS))
        lines = b.select(is_first, s.index(rows * size // LINE), none)
        start_row = b.select(is_first, none, row)
        a, p = b.add(A, b.mul(first, a_k)), b.add(B, b.mul(first, b_k))
        for i, height in enumerate(heights):
            above = sum(heights[:i])
            c = b.add(C, s.index(above * size))
            begin = b.select(is_first, start, c)
            part = range(i * lines_of_row // len(heights), (i + 1) * lines_of_row // len(heights))
            operands = Operands(s.offset(a, above), item, a_k, p, b_k, begin, start_row, c, row, depth)
            prefetch = Prefetch(
                written=streams[i :: len(heights)],
                lines=lines,
                ahead_A=[s.index(rows * s.itemsize)] if i == 0 else [],
                ahead_B=[s.index(size + line * LINE) for line in part],
            )
            emit_tile(s, height, vectors, operands, prefetch)


# gradient_product(A, a_k, B, b_k, start, C, K, w, state, second_state, transposed, transposed_step): overwrites C.
gradient_product = VectorFunction("gradient_product", 12, _gradient_product)
