"""The fused loop: shuffle, gather, forward, loss, backward, update, for every step of an epoch, or of several, in one call.

Each step has two phases. First every thread takes rows of the batch through all layers, forward and back; the weights are
only read. Then every thread takes tasks of the update, some weights each, sums their gradient over the whole batch and
updates them while they are in cache. Each sum is formed by one thread in one order, so the result has the same bits
whatever the number of threads.

A large batch on a small network would fall out of cache between the phases. There the plan cuts it into a fixed number of
groups: a group goes through forward, backward and gradient block by block, and phase two adds up the groups' gradients.
"""

import numpy as np

from . import fields as at
from . import memory
from .abandon import make_abandon
from .codes import STORE
from .costs import make_costs
from .layers.dispatch import make_layers
from .matrix.dots import max_dot_units
from .matrix.tile import tile_rows
from .memory import read_double, read_int, write_double, write_int
from .monitor import make_monitor
from .optimizer import check_finite as check_finite_function
from .random import choose_noise, name_rows, shuffle
from .rows import LAYER_BYTES, make_rows
from .segments import make_segmented_rows
from .simd.jit import inner, nothing
from .statistics import make_count
from .team import barrier, clock, raise_flag, read_flag, timed_barrier
from .update import make_open_update, make_update_rows

WINDOW = 10_000_000  # cycles, some milliseconds, over which waiting is judged
MAX_WAITING = 0.6  # the part of a window that thread 0 may wait before it goes on as the only thread


def make_run(dtype, full):
    """The Python function of the kernel ``run(plan, thread)``; ``full``: with all that only some networks have."""
    add_activity_gradient, add_activities, share_activities, add_penalties = make_costs(dtype) if full else [nothing] * 4
    functions = make_layers(dtype, full, add_activity_gradient)
    sum_forward, sum_backward, transpose_weights = functions.sum_forward, functions.sum_backward, functions.transpose_weights
    add_gradient, constrain_norms = functions.add_gradient, functions.constrain_norms
    forward_rows, close_rows, backward_rows, learn_rows = make_rows(dtype, functions, add_activities)
    (open_update, open_applying), count = make_open_update(dtype, full), make_count(dtype)
    update_rows = make_update_rows(dtype, full, functions.update_task, functions.step_task)
    observing = make_monitor(dtype) if full else [nothing] * 5
    observes, keep_weights, observe_group, observe_block, observe_step = observing
    set_zero, add_doubles, check_finite = memory.set_zero(dtype), memory.add_doubles(dtype), check_finite_function(dtype)
    stops, keep_for_undo, take_back = make_abandon(dtype)
    TILE_ROWS, MAX_DOT_UNITS = tile_rows(), max_dot_units(dtype)

    @inner(dtype)
    def partition(rows, part, parts):
        """Where part ``part`` of ``parts`` begins: whole tiles if the parts are large, else about the same number of rows.

        As many parts as rows are a row each.
        """
        if part == 0:  # the ends need no division, which takes as long as the rest of a small step's control
            return 0
        if part == parts:
            return rows
        if parts == rows:
            return part
        start = rows * part // parts
        return start - start % (TILE_ROWS if rows > 32 * TILE_ROWS * parts else 2)

    @inner(dtype)
    def learns(plan):
        """Whether the weights change."""
        return read_int(plan, at.PHASES) & at.UPDATE and read_int(plan, at.OPTIMIZER) != STORE

    segments = sum_forward, sum_backward, forward_rows, close_rows, backward_rows, partition, learns
    segmented_rows = make_segmented_rows(dtype, *segments) if full else nothing  # in others nothing needs the whole batch

    @inner(dtype)
    def count_rows(plan, shift, first, last, sample, slot):
        """Add rows first .. last of the predictions to the metrics' counts of one slot."""
        kind = read_int(plan, at.STATISTICS)
        if kind:
            top = read_int(plan, at.TABLE) + (read_int(plan, at.OUTPUT_LAYERS) - 1) * LAYER_BYTES
            row = read_int(top, at.OUTPUT_ROW)
            output = read_int(top, at.OUTPUT) + shift + first * row
            counts = read_int(plan, at.COUNTS) + slot * read_int(plan, at.COUNTS_ROW)
            units = read_int(top, at.UNITS_OUT)
            count(plan, kind, output, row, sample, last - first, units, counts)

    @inner(dtype)
    def run_rows(plan, shift, first, last, sample, batch, row_loss):
        """Rows first .. last of the buffers, through all layers, forward and back."""
        layers = read_int(plan, at.LAYERS)
        forward_rows(plan, shift, -1, layers, first, last, sample, batch)
        close_rows(plan, shift, first, last, sample, batch, row_loss)
        if read_int(plan, at.ONE_PASS):
            learn_rows(plan, last, sample)
        else:
            backward_rows(plan, shift, -1, layers, first, last, sample)

    @inner(dtype)
    def whole_batch_rows(plan, thread, sample, batch):
        """Phase one where the batch is kept: this thread's rows, a block at a time."""
        threads, block = read_int(plan, at.THREADS), read_int(plan, at.BLOCK)
        first, stop = partition(batch, thread, threads), partition(batch, thread + 1, threads)
        while first < stop and not stops(plan, at.ABANDONED_ROWS):
            last = min(first + block, stop)
            run_rows(plan, 0, first, last, sample + first, batch, read_int(plan, at.ROW_LOSS) + 8 * first)
            first = last

    @inner(dtype)
    def group_rows(plan, thread, sample, batch, monitor):
        """Phase one with groups: each block forward, backward and into the gradient of its group."""
        threads, block, groups = read_int(plan, at.THREADS), read_int(plan, at.BLOCK), read_int(plan, at.GROUPS)
        table, layers = read_int(plan, at.TABLE), read_int(plan, at.LAYERS)
        shift = thread * read_int(plan, at.ARENA)
        learns = read_int(plan, at.PHASES) & at.BACKWARD
        for g in range(thread, groups, threads):
            start, stop = partition(batch, g, groups), partition(batch, g + 1, groups)
            gradients = read_int(plan, at.GRADIENTS) + g * read_int(plan, at.GROUP)
            if learns and start == stop:
                set_zero(read_int(plan, at.PARAMETERS) + gradients, read_int(plan, at.GROUP))
            if monitor:
                observe_group(monitor, g, stop - start)
            for first in range(start, stop, block):
                if stops(plan, at.ABANDONED_ROWS):
                    return
                rows = min(block, stop - first)
                run_rows(plan, shift, 0, rows, sample + first, batch, read_int(plan, at.ROW_LOSS) + 8 * first)
                count_rows(plan, shift, 0, rows, sample + first, g)
                if monitor:
                    observe_block(plan, monitor, shift, g, rows, first == start)
                if learns:
                    for i in range(layers):
                        layer = table + i * LAYER_BYTES
                        if read_int(layer, at.TRAINABLE):
                            add_gradient(plan, layer, shift, gradients, rows, first == start)

    @inner(dtype)
    def constrain_weights(plan, thread, threads):
        """After all tasks of the update: this thread's part of the weights that are brought to a norm."""
        for i in range(read_int(plan, at.LAYERS)):
            constrain_norms(read_int(plan, at.TABLE) + i * LAYER_BYTES, thread, threads)

    @inner(dtype)
    def diverge(plan, step, by_weights):
        """Have the run end after this step, or after the one that has begun; what is found first is what counts."""
        result = read_int(plan, at.RESULT)
        if read_double(result, at.DIVERGED_AT) == 0.0:
            write_double(result, at.DIVERGED_AT, float(step + 1))
            write_double(result, at.DIVERGED_WEIGHTS, by_weights)
        raise_flag(read_int(plan, at.CONTROL), at.QUIT)

    @inner(dtype)
    def close_step(plan, step, sample, batch):
        """Thread 0, between the phases: add up the step's loss, count for the metrics, find what ends the run."""
        result, control = read_int(plan, at.RESULT), read_int(plan, at.CONTROL)
        if read_int(plan, at.PHASES) & at.LOSS_PHASE:
            total = add_doubles(read_int(plan, at.ROW_LOSS), batch)
            write_double(result, at.LOSS_SUM, read_double(result, at.LOSS_SUM) + total)
            if learns(plan) and not np.isfinite(total):
                diverge(plan, step, 0.0)
        if not read_int(plan, at.GROUPS):
            count_rows(plan, 0, 0, batch, sample, 0)
        open_applying(plan)
        write_double(result, at.STEPS, read_double(result, at.STEPS) + 1.0)
        if read_flag(control, at.STOP):
            raise_flag(control, at.QUIT)

    @inner(dtype)
    def become_single_thread(plan):
        """Have thread 0 do all the work from here on: a team that mostly waits for processors is slower than that."""
        write_int(plan, at.THREADS, 1)
        write_int(plan, at.TASK_STARTS, read_int(plan, at.SINGLE_THREAD_STARTS))
        write_double(read_int(plan, at.RESULT), at.BECAME_SINGLE_THREAD, 1.0)
        return 1

    @inner(dtype)
    def begin_run(plan):
        """Thread 0: nothing has happened yet, but for the loss of a pass that has begun."""
        result = read_int(plan, at.RESULT)
        for position in (at.STEPS, at.DIVERGED_AT, at.DIVERGED_WEIGHTS, at.EPOCHS_DONE):
            write_double(result, position, 0.0)
        if read_int(plan, at.FIRST_STEP) == 0:
            write_double(result, at.LOSS_SUM, 0.0)
            write_double(result, at.PENALTY_SUM, 0.0)

    @inner(dtype)
    def follow_weights(plan, thread, done):
        """This thread's part of transposed copies that will be read and are behind the weights; or, ``done``, note it."""
        reads_all = read_int(plan, at.PHASES) & at.BACKWARD
        for i in range(read_int(plan, at.OUTPUT_LAYERS)):
            layer = read_int(plan, at.TABLE) + i * LAYER_BYTES
            stale, is_read = read_int(layer, at.STALE), reads_all or read_int(layer, at.UNITS_OUT) <= MAX_DOT_UNITS
            if stale and is_read and read_int(layer, at.TRANSPOSED) and read_int(stale, 0):
                if done:
                    write_int(stale, 0, 0)
                else:
                    transpose_weights(layer, thread, read_int(plan, at.THREADS))

    @inner(dtype)
    def begin_epoch(plan, thread):
        if thread == 0 and read_int(plan, at.SHUFFLE) and read_int(plan, at.FIRST_STEP) == 0:
            order, samples = read_int(plan, at.ORDER), read_int(plan, at.SAMPLES)
            shuffle(order, samples, read_int(plan, at.RANDOM))
            if read_int(plan, at.ROWS):
                name_rows(order, samples, read_int(plan, at.ROWS))
        if read_int(plan, at.PHASES) & at.INPUT_GRADIENT:
            layer = read_int(plan, at.TABLE) + at.FIRST_LAYER_POSITION * LAYER_BYTES
            transpose_weights(layer, thread, read_int(plan, at.THREADS))
        follow_weights(plan, thread, False)

    @inner(dtype)
    def end_epoch(plan, step):
        """Thread 0: put the pass's loss with those of the passes before, if the weights it leaves are of any use."""
        result = read_int(plan, at.RESULT)
        if learns(plan) and check_finite(read_int(plan, at.PARAMETERS), read_int(plan, at.SLOT)) != 0.0:
            diverge(plan, step, 1.0)
            return
        if learns(plan) and read_int(plan, at.PENALTY_SUMS) and not np.isfinite(read_double(result, at.LOSS_SUM)):
            diverge(plan, step, 0.0)
            return
        done = read_double(result, at.EPOCHS_DONE)
        write_double(result, at.EPOCH_LOSS + int(done), read_double(result, at.LOSS_SUM))
        write_double(result, at.EPOCH_PENALTY + int(done), read_double(result, at.PENALTY_SUM))
        write_double(result, at.LOSS_SUM, 0.0)
        write_double(result, at.PENALTY_SUM, 0.0)
        write_double(result, at.EPOCHS_DONE, done + 1.0)

    def run(plan, thread):
        """Every step of some passes over the data, for one thread of the team. ``plan`` is the address of the plan."""
        phases, threads = read_int(plan, at.PHASES), read_int(plan, at.THREADS)
        samples, size = read_int(plan, at.SAMPLES), read_int(plan, at.BATCH)
        control = read_int(plan, at.CONTROL)
        window, waited, taken = clock(), 0, 0
        if thread == 0:
            begin_run(plan)
            choose_noise(plan, 0)
            share_activities(plan, read_int(plan, at.FIRST_STEP))
        for epoch in range(read_int(plan, at.EPOCHS)):
            begin_epoch(plan, thread)
            if threads > 1:
                barrier(control, threads)
                if read_flag(control, at.QUIT):
                    return
            if thread == 0:
                follow_weights(plan, thread, True)
            steps = (samples + size - 1) // size
            stop = read_int(plan, at.LAST_STEP) or steps
            for step in range(read_int(plan, at.FIRST_STEP), stop):
                sample = step * size
                batch, monitor = min(size, samples - sample), observes(plan, step)
                if monitor:
                    keep_weights(plan, monitor, thread, threads)
                keep_for_undo(plan, thread)
                if thread == 0 and phases & at.UPDATE:
                    write_int(plan, at.OBSERVED, monitor)
                    open_update(plan, epoch * steps + step, taken)
                if read_int(plan, at.GROUPS):
                    group_rows(plan, thread, sample, batch, monitor)
                elif read_int(plan, at.SEGMENTS) > 1:
                    waited += segmented_rows(plan, thread, sample, batch)
                else:
                    whole_batch_rows(plan, thread, sample, batch)
                if threads > 1:
                    waited += timed_barrier(control, threads)
                if take_back(plan, thread, at.ABANDONED_ROWS):
                    return
                taken += 1
                if thread == 0:
                    close_step(plan, step, sample, batch)
                    choose_noise(plan, taken)
                    share_activities(plan, step + 1 if step + 1 < stop else read_int(plan, at.FIRST_STEP))
                    if threads > 1 and clock() - window > WINDOW:
                        if waited > MAX_WAITING * (clock() - window):
                            raise_flag(control, at.SINGLE_THREAD)
                        window, waited = clock(), 0
                if phases & at.UPDATE:
                    if not read_int(plan, at.ONE_PASS):
                        waited += update_rows(plan, thread, batch)
                        if read_int(plan, at.KEPT) and take_back(plan, thread, at.ABANDONED_TASKS):
                            return
                    if read_int(plan, at.CONSTRAINED_NORMS) and read_int(plan, at.OPTIMIZER) != STORE:
                        if threads > 1:
                            waited += timed_barrier(control, threads)
                        constrain_weights(plan, thread, threads)
                if monitor:
                    observe_step(plan, monitor, thread, threads, batch)
                if threads > 1:
                    waited += timed_barrier(control, threads)
                    if read_flag(control, at.SINGLE_THREAD):
                        if thread > 0:
                            return
                        threads = become_single_thread(plan)
                leave = read_flag(control, at.QUIT)
                if thread == 0:
                    add_penalties(plan, batch)
                if thread == 0 and step == steps - 1 and read_double(read_int(plan, at.RESULT), at.DIVERGED_AT) == 0.0:
                    end_epoch(plan, step)
                if leave:
                    return

    return run
