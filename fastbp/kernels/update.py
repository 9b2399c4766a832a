"""Phase two of a step: the gradient is formed task by task, and the weights move along it.

Where it is clipped by its norm there are two passes over the tasks: the first stores the gradient with sums of squares, the
second, when all have done so, takes the steps.
"""

import math

from . import fields as at
from . import memory
from .abandon import make_abandon
from .codes import STORE
from .memory import make_accessors, read_double, read_int, write_double, write_int
from .optimizer import DECAY, HYPER_RATE, SCALARS, UNDECAYED, WITH_RUNNING_PRODUCTS, make_begin_step
from .rows import LAYER_BYTES
from .simd.element_types import NUMBA_FLOATS
from .simd.jit import inner, nothing
from .team import read_flag, timed_barrier

TASK_BYTES = 8 * at.TASK_FIELDS


def make_steer_step(dtype):
    """The functions (count_steps, spare_from_decay) for one element type."""
    read, write = make_accessors(dtype)
    ONE = NUMBA_FLOATS[dtype](1.0)

    @inner(dtype)
    def count_steps(plan, taken):
        """What depends on the number of steps so far, the last ``taken`` of them in this run."""
        count, every = read_int(plan, at.ACCUMULATION), read_int(plan, at.AVERAGE_FREQUENCY)
        steps = read_int(plan, at.NOISE_STEP) + taken
        updates = steps // count
        write_int(plan, at.ADDED_UP, steps - updates * count)
        write_int(plan, at.STEP_MOMENTUM, read_int(plan, at.AVERAGE_MOMENTUM) if updates else 0)
        write_int(plan, at.OVERWRITES, 1 if every and (updates + 1) % every == 0 else 0)

    @inner(dtype)
    def spare_from_decay(scalars):
        """The scalars once more, for weights that do not decay."""
        for i in range(SCALARS):
            write(scalars, UNDECAYED + i, ONE if i == DECAY else read(scalars, i))

    return count_steps, spare_from_decay


def make_weigh_penalties(dtype):
    """``weigh_penalties`` for one element type."""

    @inner(dtype)
    def weigh_penalties(plan, step):
        """Have the penalties on weights multiplied by the factor of a step."""
        factors = read_int(plan, at.PENALTY_FACTORS)
        if factors:
            write_double(plan, at.PENALTY_FACTOR, read_double(factors, step))

    return weigh_penalties


def make_open_update(dtype, full):
    """The functions (open_update, open_applying) for one element type."""
    begin_step = inner(dtype)(make_begin_step(dtype))
    count_steps, spare_from_decay = make_steer_step(dtype) if full else (nothing,) * 2
    weigh_penalties = make_weigh_penalties(dtype) if full else nothing

    @inner(dtype)
    def open_update(plan, step, taken):
        """Thread 0: what all updates of a step need. ``step`` counts from the beginning of the run's first pass."""
        hyper, rates, steered = read_int(plan, at.HYPER), read_int(plan, at.LEARNING_RATES), read_int(plan, at.STEERED)
        code = read_int(plan, at.OPTIMIZER)
        weigh_penalties(plan, step)
        if taken and not (rates or steered or code in WITH_RUNNING_PRODUCTS):
            return  # all is as in the step before
        if rates:
            write_double(hyper, HYPER_RATE, read_double(rates, step))
        if steered:
            count_steps(plan, taken)
            if read_int(plan, at.ADDED_UP) < read_int(plan, at.ACCUMULATION) - 1:
                return  # nothing moves
        scalars = read_int(plan, at.SCALARS)
        begin_step(code, hyper, read_int(plan, at.RUNNING_PRODUCTS), scalars)
        if steered:
            spare_from_decay(scalars)

    @inner(dtype)
    def open_applying(plan):
        """Thread 0: have the plan for the second half of an update say what this one does, but for the gradient's place."""
        kept, applying = read_int(plan, at.KEPT), read_int(plan, at.APPLYING)
        if kept:
            for field in range(at.FIELDS):
                write_int(applying, field, read_int(plan, field))
            write_int(applying, at.KEPT, 0)
            write_int(applying, at.GROUPS, 1)
            write_int(applying, at.GRADIENTS, kept)

    return open_update, open_applying


def make_write_scales(dtype):
    """``write_scales`` for one element type."""
    add_doubles = memory.add_doubles(dtype)

    @inner(dtype)
    def norm(plan, first, last):
        """Of the gradient whose sums of squares are those from ``first`` on."""
        return math.sqrt(add_doubles(read_int(plan, at.SQUARES) + 8 * first, last - first))

    @inner(dtype)
    def write_scales(plan, scales):
        """The factor of each variable's gradient. One that is not finite gives NaN, so that it is found."""
        limit, variables = read_double(plan, at.CLIP_NORM), read_int(plan, at.VARIABLES)
        starts, is_global = read_int(plan, at.VARIABLE_STARTS), read_int(plan, at.IS_GLOBAL_NORM)
        size = norm(plan, 0, read_int(starts, variables)) if is_global else 0.0
        for k in range(variables):
            if not is_global:
                size = norm(plan, read_int(starts, k), read_int(starts, k + 1))
            write_double(scales, k, 1.0 if size <= limit else limit / size + (size - size))

    return write_scales


def make_layer_of(dtype):
    """``layer_of`` for one element type."""

    @inner(dtype)
    def layer_of(plan, task):
        """The row of the layer whose task it is."""
        return read_int(plan, at.TABLE) + read_int(task, at.TASK_LAYER) * LAYER_BYTES

    return layer_of


def make_step_stored(dtype, step_task):
    """``step_stored`` for one element type."""
    write_scales, layer_of = make_write_scales(dtype), make_layer_of(dtype)

    @inner(dtype)
    def has_stored(plan):
        """Whether the gradient has been stored, and steps are to be taken along it."""
        moves = read_int(plan, at.ADDED_UP) == read_int(plan, at.ACCUMULATION) - 1
        return read_int(plan, at.STEERED) and read_int(plan, at.CLIP_NORM) and moves

    @inner(dtype)
    def goes_on(task):
        """Whether the task after this one has the next rows of the same vectors."""
        following = task + TASK_BYTES
        for field in (at.TASK_LAYER, at.TASK_VECTOR, at.TASK_LAST_VECTOR):
            if read_int(task, field) != read_int(following, field):
                return False
        return read_int(task, at.TASK_LAST) == read_int(following, at.TASK_FIRST)

    @inner(dtype)
    def step_rows(plan, first, stop, scratch, scales):
        """The steps of the tasks whose gradients were stored, of as many rows at once as lie together."""
        task, end = read_int(plan, at.TASKS) + first * TASK_BYTES, read_int(plan, at.TASKS) + stop * TASK_BYTES
        while task < end:
            start = read_int(task, at.TASK_FIRST)
            while task + TASK_BYTES < end and goes_on(task):
                task += TASK_BYTES
            vector, last_vector = read_int(task, at.TASK_VECTOR), read_int(task, at.TASK_LAST_VECTOR)
            last = read_int(task, at.TASK_LAST)
            step_task(plan, layer_of(plan, task), vector, last_vector, start, last, scratch, scales)
            task += TASK_BYTES

    @inner(dtype)
    def step_stored(plan, first, stop, scratch):
        """The steps of this thread's tasks, if gradients have been stored. Returns the cycles that it waited for others."""
        threads, waited = read_int(plan, at.THREADS), 0
        if has_stored(plan):
            if threads > 1:
                waited = timed_barrier(read_int(plan, at.CONTROL), threads)
            scales = scratch + read_int(plan, at.SCRATCH_ROW) - 8 * read_int(plan, at.VARIABLES)
            write_scales(plan, scales)
            step_rows(plan, first, stop, scratch, scales)
        return waited

    return step_stored


def make_update_rows(dtype, full, update_task, step_task):
    """``update_rows`` for one element type."""
    layer_of, step_stored = make_layer_of(dtype), make_step_stored(dtype, step_task) if full else nothing
    stops, *_ = make_abandon(dtype)

    @inner(dtype)
    def take_tasks(plan, thread, batch, keeps):
        """This thread's tasks, or some of them, where no weights move yet and the step is given up."""
        starts = read_int(plan, at.TASK_STARTS)
        first, stop = read_int(starts, thread), read_int(starts, thread + 1)
        scratch = read_int(plan, at.SCRATCH) + thread * read_int(plan, at.SCRATCH_ROW)
        for i in range(first, stop):
            if keeps and stops(plan, at.ABANDONED_TASKS):
                return 0
            task = read_int(plan, at.TASKS) + i * TASK_BYTES
            vector, last_vector = read_int(task, at.TASK_VECTOR), read_int(task, at.TASK_LAST_VECTOR)
            top, last, slot = read_int(task, at.TASK_FIRST), read_int(task, at.TASK_LAST), read_int(task, at.TASK_SLOT)
            update_task(plan, layer_of(plan, task), slot, vector, last_vector, top, last, batch, scratch)
        return 0 if keeps else step_stored(plan, first, stop, scratch)

    @inner(dtype)
    def update_rows(plan, thread, batch):
        """This thread's tasks of the update. Returns the cycles that it waited for others.

        In a long step the whole gradient is formed first, so that the step can be given up until then.
        """
        threads, kept, waited = read_int(plan, at.THREADS), read_int(plan, at.KEPT), 0
        stores, current = read_int(plan, at.OPTIMIZER) == STORE, plan
        for half in range(2 if kept else 1):
            waited += take_tasks(current, thread, batch, stores or (kept and half == 0))
            if kept and half == 0:
                if threads > 1:
                    waited += timed_barrier(read_int(plan, at.CONTROL), threads)
                if read_flag(read_int(plan, at.CONTROL), at.ABANDONED_TASKS):
                    return waited
                current = read_int(plan, at.APPLYING)
        return waited

    return update_rows
