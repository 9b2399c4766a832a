"""An epoch of gradient descent on a formula in one call: shuffle, gather, the graph's loops, update.

The formula's own code is reached by its addresses, so one compiled driver serves every formula and every optimizer. One that
branches on its parameters has code for each way through its branches that is known, which tells whether it is the right one
for the present values. Where none is, the epoch ends before that step, to be gone on with when there is.
"""

from itertools import count

import numpy as np
from numba.core.registry import cpu_target

from . import functions
from .fields import QUIT, STOP
from .graph_call import call_graph
from .memory import make_accessors, read_double, read_int, write_double, write_int
from .optimizer import make_begin_step, update
from .random import shuffle
from .simd import jit
from .simd.background_compile import compile_once
from .simd.jit import inner, kernel
from .team import barrier, raise_flag, read_flag

# -- The plan: positions in a row of 64-bit integers.
_next = count().__next__
SAMPLES = _next()
BATCH = _next()
THREADS = _next()
FIRST_STEP = _next()  # of a pass; from a later one on than 0, what is left of a pass that has begun
SHUFFLE = _next()
ORDER = _next()  # int64 sample numbers, in the order of training
RANDOM = _next()  # the shuffle's generator, one uint64
ARRAYS = _next()  # how many arrays of data
SOURCES = _next()  # SOURCE_FIELDS integers for each
WAYS, CURRENT_WAY, GRAPHS = _next(), _next(), _next()  # of the formula on a whole batch: see below
LAST_WAYS, LAST_CURRENT_WAY, LAST_GRAPHS = _next(), _next(), _next()  # and on the last one, which may be smaller
FORCED = _next()  # 1: the first step takes its current way, whatever that tells
OUTPUTS = _next()  # what the formula works out: the gradient, then the loss, then whether it is the way for these values
PARAMETERS = _next()
PARAMETER_COUNT = _next()
VECTORS = _next()  # vectors that hold the parameters
STATE = _next()  # the optimizer's
SLOT = _next()  # bytes from one of its slots to the next
OPTIMIZER = _next()  # code
HYPER = _next()
RUNNING_PRODUCTS = _next()
SCALARS = _next()
CONTROL = _next()
RESULT = _next()  # float64: the sum of the batches' losses times their rows, steps taken, the step that diverged, LOST_AT
FIELDS = _next()

# -- An array: its address, bytes to the next row and to the next column, columns, the buffer of the batch's first column,
# and bytes to that of the next column.
SOURCE_DATA, SOURCE_ROW, SOURCE_COLUMN, SOURCE_COLUMNS, BUFFER, BUFFER_ROW = range(6)
SOURCE_FIELDS = 6

# -- The ways of a formula: how many there are, the one that was taken last, and where the addresses of their graphs are.
WAY_COUNT, WAY_TAKEN, WAY_GRAPHS = range(3)

# -- A graph: what its functions are given, how many loops over rows it has, whether it tells if it is the way for the present
# values, the addresses of the loops and those of their ends, then that of the results.
GRAPH_TABLE, GRAPH_LOOPS, GRAPH_GUARDED, GRAPH_FUNCTIONS = range(4)

LOSS_SUM, STEPS, DIVERGED_AT, LOST_AT = range(4)  # LOST_AT: the step for which no way is known
RESULT_SIZE = 4

SIGNATURE = "void(int64, int64)"


def _make_run(dtype):
    """The Python function of the kernel ``run(plan, thread)``."""
    read, write = make_accessors(dtype)
    begin_step, take_step = inner(dtype)(make_begin_step(dtype)), update(dtype)

    @inner(dtype)
    def gather(plan, sample, first, last):
        """Rows first .. last of the batch that begins with ``sample``, into the batch's buffers, a column in each."""
        order = read_int(plan, ORDER) + 8 * sample
        for k in range(read_int(plan, ARRAYS)):
            array = read_int(plan, SOURCES) + 8 * SOURCE_FIELDS * k
            data, row, column = read_int(array, SOURCE_DATA), read_int(array, SOURCE_ROW), read_int(array, SOURCE_COLUMN)
            columns, buffer, buffer_row = read_int(array, SOURCE_COLUMNS), read_int(array, BUFFER), read_int(array, BUFFER_ROW)
            for _ in range(columns):
                for r in range(first, last):
                    write(buffer, r, read(data + row * read_int(order, r), 0))
                data, buffer = data + column, buffer + buffer_row

    @inner(dtype)
    def evaluate(graph, thread, threads, control):
        """The formula on the batch: each thread takes blocks of rows, one adds up."""
        table, loops = read_int(graph, GRAPH_TABLE), read_int(graph, GRAPH_LOOPS)
        addresses = graph + 8 * GRAPH_FUNCTIONS
        for k in range(loops):
            call_graph(read_int(addresses, 2 * k), table)
            if threads > 1:
                barrier(control, threads)
            if thread == 0:
                call_graph(read_int(addresses, 2 * k + 1), table)
            if threads > 1:
                barrier(control, threads)
        if thread == 0:
            call_graph(read_int(addresses, 2 * loops), table)

    @inner(dtype)
    def take_way(plan, ways, forced, thread, threads, control):
        """The formula along the way for the present values; whether one is known. ``forced``: the current one is."""
        count, first = read_int(ways, WAY_COUNT), read_int(ways, WAY_TAKEN)
        flag = read_int(plan, PARAMETER_COUNT) + 1
        for k in range(count):
            way = (first + k) % count
            graph = read_int(read_int(ways, WAY_GRAPHS), way)
            evaluate(graph, thread, threads, control)
            if not read_int(graph, GRAPH_GUARDED):
                return True
            if threads > 1:
                barrier(control, threads)
            holds = forced or read(read_int(plan, OUTPUTS), flag) != 0.0
            if threads > 1:
                barrier(control, threads)
            if holds:
                if thread == 0:
                    write_int(ways, WAY_TAKEN, way)
                return True
        return False

    @inner(dtype)
    def close_step(plan, step, batch):
        """Record the loss, and take the optimizer's step along the gradient unless all is lost."""
        result, outputs, control = read_int(plan, RESULT), read_int(plan, OUTPUTS), read_int(plan, CONTROL)
        loss = read(outputs, read_int(plan, PARAMETER_COUNT))
        write_double(result, LOSS_SUM, read_double(result, LOSS_SUM) + loss * batch)
        if not np.isfinite(loss):
            write_double(result, DIVERGED_AT, float(step + 1))
            raise_flag(control, QUIT)
            return
        code, scalars = read_int(plan, OPTIMIZER), read_int(plan, SCALARS)
        begin_step(code, read_int(plan, HYPER), read_int(plan, RUNNING_PRODUCTS), scalars)
        state, slot = read_int(plan, STATE), read_int(plan, SLOT)
        take_step(code, scalars, read_int(plan, PARAMETERS), outputs, state, slot, read_int(plan, VECTORS))
        write_double(result, STEPS, float(step + 1))
        if read_flag(control, STOP):
            raise_flag(control, QUIT)

    def run(plan, thread):
        """One pass over the data, or what is left of it, for one thread of the team. ``plan`` is the address of the plan.

        Overwrites parameters, state, running products, generator, order and every buffer.
        """
        samples, size, threads = read_int(plan, SAMPLES), read_int(plan, BATCH), read_int(plan, THREADS)
        control, begin = read_int(plan, CONTROL), read_int(plan, FIRST_STEP)
        if thread == 0 and read_int(plan, SHUFFLE) and begin == 0:
            shuffle(read_int(plan, ORDER), samples, read_int(plan, RANDOM))
        for step in range(begin, (samples + size - 1) // size):
            sample = step * size
            batch = min(size, samples - sample)
            if threads > 1:
                barrier(control, threads)
                if read_flag(control, QUIT):
                    break
            gather(plan, sample, batch * thread // threads, batch * (thread + 1) // threads)
            if threads > 1:
                barrier(control, threads)
            ways, forced = plan + 8 * (WAYS if batch == size else LAST_WAYS), step == begin and read_int(plan, FORCED) != 0
            is_known = take_way(plan, ways, forced, thread, threads, control)
            if thread == 0:
                if is_known:
                    close_step(plan, step, batch)
                else:
                    write_double(read_int(plan, RESULT), LOST_AT, float(step + 1))
                    raise_flag(control, QUIT)
                if threads == 1 and read_flag(control, QUIT):
                    break

    return run


def run_kernel(dtype, announce=lambda: None):
    """The compiled ``run(plan, thread)`` for "float32" or "float64". It serves every formula.

    ``announce()`` is called first where it has to be compiled.
    """
    if dtype not in _ready:
        if not _is_cached(dtype):
            announce()
            library = f"from fastbp.kernels import functions; functions.load({dtype!r})"
            run = f"from fastbp.kernels import formula; formula.compile_only({dtype!r})"
            compile_once(lambda: _is_cached(dtype), lambda: _load(dtype), library, run)
        _ready[dtype] = _load(dtype)
    return _ready[dtype]


def _is_cached(dtype):
    code = cpu_target.target_context.codegen()
    return functions.is_cached(dtype) and jit.is_cached(_name(dtype), SIGNATURE, code)


def _load(dtype):
    functions.load(dtype)
    return _run(dtype)


def compile_only(dtype):
    """Compile ``run`` for other processes to load. Here it must not be called: it is not linked to the library."""
    functions.promise(dtype)
    _run(dtype)


def _name(dtype):
    return f"formula-{dtype}"


def _run(dtype):
    return kernel(_name(dtype), SIGNATURE, lambda: _make_run(dtype))


_ready: dict = {}
