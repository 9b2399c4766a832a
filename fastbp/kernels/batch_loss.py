"""What a loss has to know of the whole batch before any row's part of it: means over the rows, some made of others.

A pass over the batch adds up what means of one level are means of: each group of rows, always the same ones, by one thread;
then one thread adds up the groups in their order. So the result has the same bits whatever the number of threads.
"""

import numpy as np
from numba import types

from . import fields as at
from .codes import CUSTOM_LOSS
from .loss import loss as loss_function
from .memory import double_bits, make_accessors, read_int
from .rows import LAYER_BYTES
from .simd.jit import inner
from .team import timed_barrier

GROUP_ROWS = 32

# LOSS_SUMS: how many passes, where the means go and how many there are, then for each pass the record of its function (a loss
# that writes sums in place of a gradient) and which of the means it makes.
PASSES, MEANS, MEAN_COUNT, PASS = range(4)
RECORD, FIRST_MEAN, LAST_MEAN = range(3)
PASS_FIELDS = 3


def make_sum_loss(dtype):
    """``sum_loss`` for one element type."""
    loss, (read, write), element = loss_function(dtype), make_accessors(dtype), np.dtype(dtype).type
    ITEM = np.dtype(dtype).itemsize

    @inner(dtype)
    def sum_groups(plan, record, row, thread, threads, sample, batch):
        """The sums of a pass over this thread's groups of rows, ``row`` bytes for each."""
        top = read_int(plan, at.TABLE) + (read_int(plan, at.LAYERS) - 1) * LAYER_BYTES
        output, output_row, units = read_int(top, at.OUTPUT), read_int(top, at.OUTPUT_ROW), read_int(top, at.UNITS_OUT)
        y, y_row, order = read_int(plan, at.Y), read_int(plan, at.Y_ROW), read_int(plan, at.ORDER)
        sums, scale = read_int(plan, at.LOSS_GROUPS), double_bits(1.0 / batch)
        for first in range(thread * GROUP_ROWS, batch, threads * GROUP_ROWS):
            rows, target = min(GROUP_ROWS, batch - first), sums + first // GROUP_ROWS * row
            p, t, places = output + first * output_row, y, 0
            if order:
                places = order + 8 * (sample + first)
            else:
                t += (sample + first) * y_row
            loss(CUSTOM_LOSS, p, output_row, t, y_row, places, target, 0, 0, rows, units, scale, record)

    @inner(dtype)
    def add_groups(plan, first, last, row, means, batch):
        """Means first .. last, from the groups' sums."""
        groups = (batch + GROUP_ROWS - 1) // GROUP_ROWS
        for k in range(first, last):
            place, total = read_int(plan, at.LOSS_GROUPS), 0.0
            for _ in range(groups):
                total += types.float64(read(place, k))
                place += row
            write(means, k, element(total / batch))

    @inner(dtype)
    def sum_loss(plan, thread, threads, sample, batch):
        """All passes, once the whole batch has come through the layers. Returns the cycles waited.

        Thread 0 writes the last means: the others must wait for it before they read them.
        """
        control, table, waited = read_int(plan, at.CONTROL), read_int(plan, at.LOSS_SUMS), 0
        means, row = read_int(table, MEANS), read_int(table, MEAN_COUNT) * ITEM
        for k in range(read_int(table, PASSES)):
            step = table + 8 * (PASS + PASS_FIELDS * k)
            if k > 0:
                waited += timed_barrier(control, threads)
            sum_groups(plan, read_int(step, RECORD), row, thread, threads, sample, batch)
            waited += timed_barrier(control, threads)
            if thread == 0:
                add_groups(plan, read_int(step, FIRST_MEAN), read_int(step, LAST_MEAN), row, means, batch)
        return waited

    return sum_loss
