"""Predictions of many networks for the same rows, in one call: some rows of one network at a time in each thread.

The networks may differ. Each is a plan, reached by its address as is the kernel that runs it, and each thread has plans of
its own: a plan's buffers are for one thread. Which thread predicts what does not change its bits.
"""

from itertools import count

from . import fields as at
from .graph_call import call_graph
from .memory import read_int, write_int
from .simd.jit import kernel
from .team import read_flag, take_next

# -- The plan: positions in a row of 64-bit integers.
_next = count().__next__
NEXT = _next()  # the next task that nobody has taken
NETWORKS = _next()
KERNELS = _next()  # the address of each network's kernel
PLANS = _next()  # for each thread, the address of each network's plan
SAMPLES = _next()
ROWS = _next()  # of a task
X = _next()
X_ROW = _next()  # bytes from one row of x to the next
OUT = _next()
OUT_ROW = _next()
OUT_NETWORK = _next()  # bytes from the outputs of one network to those of the next
CONTROL = _next()
FIELDS = _next()


def _make_run():
    """The Python function of the kernel ``run(plan, thread)``."""

    def run(plan, thread):
        """Predict until nothing is left, for one thread of the team. ``plan`` is the address of the plan."""
        networks, samples, rows = read_int(plan, NETWORKS), read_int(plan, SAMPLES), read_int(plan, ROWS)
        control, plans = read_int(plan, CONTROL), read_int(plan, PLANS) + 8 * networks * thread
        tasks = (samples + rows - 1) // rows * networks
        while not read_flag(control, at.STOP):
            task = take_next(plan + 8 * NEXT)
            if task >= tasks:
                break
            network, first = task % networks, task // networks * rows  # all networks for the same rows, while they are near
            own = read_int(plans, network)
            write_int(own, at.SAMPLES, min(rows, samples - first))
            write_int(own, at.X, read_int(plan, X) + first * read_int(plan, X_ROW))
            write_int(own, at.X_ROW, read_int(plan, X_ROW))
            out = read_int(plan, OUT) + network * read_int(plan, OUT_NETWORK)
            write_int(own, at.OUT, out + first * read_int(plan, OUT_ROW))
            write_int(own, at.OUT_ROW, read_int(plan, OUT_ROW))
            call_graph(read_int(read_int(plan, KERNELS), network), own)

    return run


def run_kernel():
    """The compiled ``run(plan, thread)``. It serves all networks."""
    return kernel("together", "void(int64, int64)", _make_run)
