"""Phase one of a step in segments: where layers, or the loss, need the whole batch, the network is cut."""

from . import fields as at
from .abandon import make_abandon
from .batch_loss import make_sum_loss
from .memory import read_int
from .rows import LAYER_BYTES
from .simd.jit import inner
from .team import timed_barrier


def make_segmented_rows(dtype, sum_forward, sum_backward, forward_rows, close_rows, backward_rows, partition, learns):
    """``segmented_rows`` for one element type, from functions of a step and of its layers."""
    (stops, *_), sum_loss = make_abandon(dtype), make_sum_loss(dtype)

    @inner(dtype)
    def segmented_rows(plan, thread, sample, batch):
        """All rows through a segment of the network before the next, then back: this thread's, a block at a time.

        Between two segments each thread sums up its part of what rows have to know of the batch. A cut above the last layer
        leaves the loss a segment without layers. Returns the cycles waited.
        """
        threads, block, control = read_int(plan, at.THREADS), read_int(plan, at.BLOCK), read_int(plan, at.CONTROL)
        start, stop = partition(batch, thread, threads), partition(batch, thread + 1, threads)
        segments, starts, table = read_int(plan, at.SEGMENTS), read_int(plan, at.SEGMENT_STARTS), read_int(plan, at.TABLE)
        layers, waited = read_int(plan, at.LAYERS), 0
        for i in range(segments):
            first_layer, end = read_int(starts, i), read_int(starts, i + 1)
            if i > 0:
                waited += timed_barrier(control, threads)
                if first_layer == layers:
                    waited += sum_loss(plan, thread, threads, sample, batch)
                else:
                    sum_forward(table + first_layer * LAYER_BYTES, thread, threads, batch, learns(plan))
                waited += timed_barrier(control, threads)
            for first in range(start, stop, block):
                if stops(plan, at.ABANDONED_ROWS):
                    break
                last, row_loss = min(first + block, stop), read_int(plan, at.ROW_LOSS) + 8 * first
                forward_rows(plan, 0, first_layer, end, first, last, sample + first, batch)
                if i == segments - 1:
                    close_rows(plan, 0, first, last, sample + first, batch, row_loss)
        for i in range(segments - 1, -1, -1):
            first_layer, end = read_int(starts, i), read_int(starts, i + 1)
            if first_layer == layers:
                continue
            for first in range(start, stop, block):
                if stops(plan, at.ABANDONED_ROWS):
                    break
                backward_rows(plan, 0, first_layer, end, first, min(first + block, stop), sample + first)
            if i > 0 and read_int(plan, at.PHASES) & at.BACKWARD:
                waited += timed_barrier(control, threads)
                sum_backward(table + first_layer * LAYER_BYTES, thread, threads, batch)
                waited += timed_barrier(control, threads)
        return waited

    return segmented_rows
