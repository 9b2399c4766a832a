"""Fits of many networks of one form, one after another, in one call: each goes through the plan and the buffers of all.

A member is what makes it another: words to be written in the plan and its tables (its data, its settings, the seeds of its
noise), and a copy of all that training changes, which goes in before its epochs and comes out after them.
"""

from itertools import count

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.cgutils import alloca_once
from numba.extending import intrinsic

from . import fields as at
from .memory import read_double, read_int, write_double, write_int
from .simd.element_types import I32, I64
from .simd.jit import inner, kernel
from .team import clock, read_flag

# -- A series: positions in a row of 64-bit integers.
_next = count().__next__
RUN = _next()  # the address of the compiled ``run``
PLAN = _next()  # of training
VALIDATION = _next()  # the plan that measures the loss on other data after each epoch, or 0
MEMBERS = _next()
AT_ONCE = _next()  # epochs of one call of ``run``, where nothing is to be done in between
WORDS = _next()  # how many words differ from member to member
WORD_PLACES = _next()  # their addresses
WORD_VALUES = _next()  # for each member one value for each
RANGES = _next()  # how many ranges of memory training changes
RANGE_PLACES = _next()  # their addresses
RANGE_WORDS = _next()  # and lengths, in words
COPIES = _next()  # for each member what is in them, one after the other
COPY_ROW = _next()  # bytes from one member's to the next one's
EPOCHS = _next()  # for each member
LOSSES = _next()  # float64 sums of the losses of each epoch
VALIDATION_LOSSES = _next()
LOSSES_ROW = _next()  # bytes from one member's to the next one's
OUTCOMES = _next()  # OUTCOME_FIELDS float64 for each member
STOPPING = _next()  # STOPPING_FIELDS float64 for each member, or 0: none is stopped early
BEST = _next()  # room for the weights of the best epoch, which are the first range
END = _next()  # 1: asked for from outside: end after the epochs that have begun
FIELDS = _next()

# -- What has become of a member: float64.
OUTCOME, EPOCHS_DONE, STEPS, CYCLES = range(4)
OUTCOME_FIELDS = 4
WAITS, ENDED, DIVERGED, STOPPED = range(4)  # OUTCOME: not begun; as it should; not finite; in the midst of its epochs

# -- When to stop early, and how it went: float64.
BY_VALIDATION, TERMS, PATIENCE, MIN_DELTA, BASELINE, START, RESTORES = range(7)  # a loss is its sum over TERMS
WAIT, STOPPED_EPOCH, BEST_LOSS, BEST_EPOCH, HAS_BEST, HAS_WEIGHTS = range(7, 13)
STOPPING_FIELDS = 13

SIGNATURE = "void(int64)"


@intrinsic
def call_run(typingctx, run, plan):
    """Call a compiled ``run`` at an address, as the only thread."""

    def codegen(context, b, sig, args):
        pointer = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(I32, [pointer, pointer, I64, I64]).as_pointer()
        room = [b.bitcast(alloca_once(b, I64), pointer) for _ in range(2)]  # for results and errors: there are none
        b.call(b.inttoptr(args[0], kind), [*room, args[1], ir.Constant(I64, 0)])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen


@inner("")
def run_plan(run, plan):
    """Run a plan; only STOP is left of the flags."""
    control = read_int(plan, at.CONTROL)
    for flag in (at.QUIT, at.ABORT, at.SINGLE_THREAD, at.ABANDONED_ROWS, at.ABANDONED_TASKS):
        write_int(control, flag, 0)
    call_run(run, plan)


@inner("")
def copy_words(source, target, words):
    for i in range(words):
        write_int(target, i, read_int(source, i))


@inner("")
def enter(series, member):
    """Have a member's numbers where the plan works."""
    words, places = read_int(series, WORDS), read_int(series, WORD_PLACES)
    values = read_int(series, WORD_VALUES) + 8 * words * member
    for i in range(words):
        write_int(read_int(places, i), 0, read_int(values, i))
    copy_ranges(series, member, False)


@inner("")
def copy_ranges(series, member, back):
    """Copy a member's numbers to where the plan works; with ``back``, from there."""
    copy = read_int(series, COPIES) + member * read_int(series, COPY_ROW)
    for i in range(read_int(series, RANGES)):
        place, words = read_int(read_int(series, RANGE_PLACES), i), read_int(read_int(series, RANGE_WORDS), i)
        copy_words(place if back else copy, copy if back else place, words)
        copy += 8 * words


@inner("")
def is_time_to_stop(series, member, epoch, loss, validation_loss):
    """Compare an epoch with the best one, as callbacks/stopping.py does. The losses are sums."""
    stopping = read_int(series, STOPPING) + 8 * STOPPING_FIELDS * member
    current = (validation_loss if read_double(stopping, BY_VALIDATION) else loss) / read_double(stopping, TERMS)
    if epoch < read_double(stopping, START):
        return False
    write_double(stopping, WAIT, read_double(stopping, WAIT) + 1.0)
    has_best, best = read_double(stopping, HAS_BEST), read_double(stopping, BEST_LOSS)
    is_better = not has_best or current + read_double(stopping, MIN_DELTA) < best
    if read_double(stopping, RESTORES) and (is_better or not read_double(stopping, HAS_WEIGHTS)):
        copy_words(
            read_int(read_int(series, RANGE_PLACES), 0), read_int(series, BEST), read_int(read_int(series, RANGE_WORDS), 0)
        )
        write_double(stopping, HAS_WEIGHTS, 1.0)
    if is_better:
        write_double(stopping, BEST_LOSS, current)
        write_double(stopping, BEST_EPOCH, float(epoch))
        write_double(stopping, HAS_BEST, 1.0)
        if current + read_double(stopping, MIN_DELTA) < read_double(stopping, BASELINE):
            write_double(stopping, WAIT, 0.0)
    elif read_double(stopping, WAIT) >= read_double(stopping, PATIENCE) and epoch > 0:
        write_double(stopping, STOPPED_EPOCH, float(epoch))
        return True
    return False


@inner("")
def restore_best(series, member):
    """Have the weights of the best epoch, where they are wanted in the end."""
    if read_int(series, STOPPING):
        stopping = read_int(series, STOPPING) + 8 * STOPPING_FIELDS * member
        if read_double(stopping, HAS_WEIGHTS):
            weights, words = read_int(read_int(series, RANGE_PLACES), 0), read_int(read_int(series, RANGE_WORDS), 0)
            copy_words(read_int(series, BEST), weights, words)


@inner("")
def fit_member(series, member):
    """A member's epochs; what has become of it."""
    run, plan, validation = read_int(series, RUN), read_int(series, PLAN), read_int(series, VALIDATION)
    result, control = read_int(plan, at.RESULT), read_int(plan, at.CONTROL)
    outcome = read_int(series, OUTCOMES) + 8 * OUTCOME_FIELDS * member
    shift = member * read_int(series, LOSSES_ROW)
    losses, validation_losses = read_int(series, LOSSES) + shift, read_int(series, VALIDATION_LOSSES) + shift
    epochs, done, one_by_one = read_int(read_int(series, EPOCHS), member), 0, validation or read_int(series, STOPPING)
    while done < epochs:
        at_once = 1 if one_by_one else min(read_int(series, AT_ONCE), epochs - done)
        write_int(plan, at.EPOCHS, at_once)
        write_double(result, at.STEPS, 0.0)
        run_plan(run, plan)
        ended, steps = int(read_double(result, at.EPOCHS_DONE)), int(read_double(result, at.STEPS))
        for i in range(ended):
            write_double(losses, done + i, read_double(result, at.EPOCH_LOSS + i))
        write_double(outcome, STEPS, read_double(outcome, STEPS) + steps)
        write_int(plan, at.NOISE_STEP, read_int(plan, at.NOISE_STEP) + steps)
        if read_int(plan, at.LEARNING_RATES):
            write_int(plan, at.LEARNING_RATES, read_int(plan, at.LEARNING_RATES) + 8 * steps)
        done += ended
        write_double(outcome, EPOCHS_DONE, float(done))
        if read_double(result, at.DIVERGED_AT) != 0.0:
            return DIVERGED
        if ended < at_once:
            return STOPPED
        if validation:
            run_plan(run, validation)
            measured = read_int(validation, at.RESULT)
            write_double(validation_losses, done - 1, read_double(measured, at.EPOCH_LOSS))
        if read_int(series, STOPPING):
            loss, validation_loss = read_double(losses, done - 1), read_double(validation_losses, done - 1)
            if is_time_to_stop(series, member, done - 1, loss, validation_loss):
                break
        if done < epochs and read_flag(control, at.STOP):
            return STOPPED
        if read_flag(series, END):
            break
    restore_best(series, member)
    return ENDED


def run(series):
    """Every member, one after another."""
    control = read_int(read_int(series, PLAN), at.CONTROL)
    for member in range(read_int(series, MEMBERS)):
        if read_flag(series, END) or read_flag(control, at.STOP):
            return
        outcome = read_int(series, OUTCOMES) + 8 * OUTCOME_FIELDS * member
        begun = clock()
        enter(series, member)
        write_double(outcome, OUTCOME, float(fit_member(series, member)))
        copy_ranges(series, member, True)
        write_double(outcome, CYCLES, float(clock() - begun))


def series_kernel():
    """The compiled ``run``."""
    return kernel("series", SIGNATURE, lambda: run)


def address_of(function):
    """Where the machine code of a kernel begins, for ``call_run``."""
    (compiled,) = function.overloads.values()
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)


NO_BASELINE = float(np.inf)
