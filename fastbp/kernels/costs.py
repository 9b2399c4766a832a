"""What weights and outputs cost in a step, as parts of its loss (kernels/penalty.py has the arithmetic).

The penalty on weights is worked out where their gradient is, in the update: each part of it has a place for its own, whatever
the threads. That on outputs goes to the losses of the rows.
"""

from . import fields as at
from . import memory
from .layers.penalties import make_activity
from .memory import read_double, read_int, write_double
from .rows import LAYER_BYTES
from .simd.jit import inner


def make_costs(dtype):
    """The functions (add_activity_gradient, add_activities, share_activities, add_penalties) for one element type."""
    add_doubles, (add_activity, add_activity_gradient, share_activity) = memory.add_doubles(dtype), make_activity(dtype)

    @inner(dtype)
    def terms_of_row(plan):
        """How many terms of the mean over all losses a row has."""
        top = read_int(plan, at.TABLE) + (read_int(plan, at.LAYERS) - 1) * LAYER_BYTES
        return read_int(top, at.UNITS_OUT) if read_int(plan, at.LOSS_PER_OUTPUT) else 1

    @inner(dtype)
    def add_activities(plan, shift, first, last, row_loss):
        """Add what the outputs of all layers cost to the losses of rows first .. last."""
        if read_int(plan, at.ACTIVITY_PENALTIES):
            factor = float(terms_of_row(plan))
            for i in range(read_int(plan, at.LAYERS)):
                add_activity(read_int(plan, at.TABLE) + i * LAYER_BYTES, shift, first, last, factor, row_loss)

    @inner(dtype)
    def share_activities(plan, step):
        """Thread 0, before a step: how many rows it has, for the gradients of what outputs cost."""
        if read_int(plan, at.ACTIVITY_PENALTIES):
            size = read_int(plan, at.BATCH)
            rows = min(size, read_int(plan, at.SAMPLES) - step * size)
            for i in range(read_int(plan, at.LAYERS)):
                share_activity(read_int(plan, at.TABLE) + i * LAYER_BYTES, rows)

    @inner(dtype)
    def add_penalties(plan, batch):
        """Thread 0, after the update: add what the weights cost before it to the loss."""
        sums = read_int(plan, at.PENALTY_SUMS)
        if sums:
            result, total = read_int(plan, at.RESULT), add_doubles(sums, read_int(plan, at.PENALTY_COUNT))
            total *= batch * terms_of_row(plan)
            write_double(result, at.LOSS_SUM, read_double(result, at.LOSS_SUM) + total)
            write_double(result, at.PENALTY_SUM, read_double(result, at.PENALTY_SUM) + total)

    return add_activity_gradient, add_activities, share_activities, add_penalties
