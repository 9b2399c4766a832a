"""The end of every task of the update: weights move along their gradient, which lies in the nearest cache.

Where a gradient is clipped by its norm, all of it must be known first. Then a task only stores its part, with the sum of
squares, and the steps are taken when all have done so (kernels/update.py). These sums are of units that no partition of the
tasks divides: some rows of a panel of one variable. So they do not depend on the threads.
"""

from functools import cache

from .. import fields as at
from .. import gradient as gradients
from .. import memory
from ..codes import STORE
from ..matrix.panels import panel_count
from ..memory import double_bits, read_double, read_int, write_double
from ..monitor import make_observe_gradient
from ..optimizer import UNDECAYED
from ..optimizer import update as update_function
from ..simd.element_types import itemsize
from ..simd.jit import inner, nothing
from ..simd.machine import machine
from .constraints import make_clip_weights
from .penalties import make_penalize


def make_store_gradient(dtype):
    """``store_gradient`` for one element type."""
    copy, clear_padding = memory.add_groups(dtype), gradients.clear_padding(dtype)
    sum_of_squares, panels_of = gradients.sum_of_squares(dtype), inner(dtype)(panel_count)
    LANES, VECTOR = machine().lanes(dtype), machine().vector_bytes

    @inner(dtype)
    def store_gradient(plan, layer, slot, v, width, weights, gradient, rows, biases):
        """Keep a part of the gradient until all of it is known, with its sum of squares."""
        left, last = read_int(layer, at.UNITS_OUT) - v * LANES, width - 1
        if left < width * LANES:  # padding may hold anything
            clear_padding(gradient + last * VECTOR, width * VECTOR, rows, left - last * LANES)
        copy(gradient, 0, 1, weights + read_int(plan, at.STORED), rows * width)
        kernel, squares = (rows - biases) * width, read_int(plan, at.SQUARES)
        write_double(squares, slot, sum_of_squares(gradient, kernel))
        if biases:
            panels = panels_of(read_int(layer, at.VECTORS_OUT))
            write_double(squares, slot + panels, sum_of_squares(gradient + kernel * VECTOR, biases * width))

    return store_gradient


def make_accumulate(dtype):
    """The functions (accumulate, average) for one element type."""
    copy, add_up, average_weights = memory.add_groups(dtype), gradients.add_up(dtype), gradients.average(dtype)

    @inner(dtype)
    def accumulate(plan, weights, gradient, vectors):
        """Add up the gradients of some steps; with the last of them, ``gradient`` becomes their mean."""
        total, before, count = read_int(plan, at.ACCUMULATOR), read_int(plan, at.ADDED_UP), read_int(plan, at.ACCUMULATION)
        if total == 0:
            return
        if before == 0:
            copy(gradient, 0, 1, weights + total, vectors)
        elif before < count - 1:
            add_up(weights + total, gradient, weights + total, double_bits(1.0), vectors)
        else:
            add_up(weights + total, gradient, gradient, double_bits(float(count)), vectors)

    @inner(dtype)
    def average(plan, weights, vectors):
        """Bring the weights' average up to date, and have it take their place where that is due."""
        place = read_int(plan, at.AVERAGE)
        if place == 0:
            return
        average_weights(weights, weights + place, read_int(plan, at.STEP_MOMENTUM), vectors)
        if read_int(plan, at.OVERWRITES):
            copy(weights + place, 0, 1, weights, vectors)

    return accumulate, average


def make_take_step(dtype):
    """``take_step`` for one element type."""
    update, UNDECAYED_BYTES = update_function(dtype), UNDECAYED * itemsize(dtype)

    @inner(dtype)
    def take_step(plan, layer, variable, weights, gradient, vectors):
        """The optimizer's rule for ``vectors`` of one of a layer's variables."""
        scalars = read_int(plan, at.SCALARS)
        if read_int(layer, at.UNDECAYED) >> variable & 1:
            scalars += UNDECAYED_BYTES
        state, slot = weights + read_int(plan, at.STATE), read_int(plan, at.SLOT)
        update(read_int(plan, at.OPTIMIZER), scalars, weights, gradient, state, slot, vectors)

    return take_step


def make_steer(dtype):
    """``steer`` for one element type."""
    clip, store_gradient = gradients.clip(dtype), make_store_gradient(dtype)
    take_step, (accumulate, average) = make_take_step(dtype), make_accumulate(dtype)
    VECTOR = machine().vector_bytes

    @inner(dtype)
    def steer(plan, layer, variable, slot, v, width, weights, gradient, rows, biases):
        """Take a step where more is asked for than the optimizer's rule; whether the weights may have changed."""
        vectors, kernel = rows * width, (rows - biases) * width
        accumulate(plan, weights, gradient, vectors)
        if read_int(plan, at.ADDED_UP) == read_int(plan, at.ACCUMULATION) - 1:
            if read_int(plan, at.CLIP_NORM):
                store_gradient(plan, layer, slot, v, width, weights, gradient, rows, biases)
                return 0
            if read_int(plan, at.CLIP_VALUE):
                clip(gradient, read_int(plan, at.CLIP_VALUE), vectors)
            take_step(plan, layer, variable, weights, gradient, kernel)
            if biases:
                take_step(plan, layer, variable + 1, weights + kernel * VECTOR, gradient + kernel * VECTOR, biases * width)
        average(plan, weights, vectors)
        return 1

    return steer


@cache
def make_apply_gradient(dtype, full):
    """``apply_gradient`` for one element type."""
    update, steer = update_function(dtype), make_steer(dtype) if full else nothing
    copy = memory.add_groups(dtype)
    if full:
        penalize, observe, clip_weights = make_penalize(dtype), make_observe_gradient(dtype), make_clip_weights(dtype)
    else:
        penalize, observe, clip_weights = (nothing,) * 3

    @inner(dtype)
    def move(plan, layer, variable, slot, v, width, weights, gradient, rows, biases):
        """Take the step; whether the weights may have changed."""
        if read_int(plan, at.STEERED):
            return steer(plan, layer, variable, slot, v, width, weights, gradient, rows, biases)
        code, state, slot_bytes = read_int(plan, at.OPTIMIZER), weights + read_int(plan, at.STATE), read_int(plan, at.SLOT)
        update(code, read_int(plan, at.SCALARS), weights, gradient, state, slot_bytes, rows * width)
        return 1 if code != STORE else 0

    @inner(dtype)
    def apply_gradient(plan, layer, variable, part, slot, v, width, weights, gradient, rows, biases):
        """The optimizer's step for ``rows`` of the panel that begins with vector ``v``, the last ``biases`` of them a bias's.

        Where all of the gradient is to be formed first, this part of it is only kept.
        Else their penalties go to the gradient, in the end the weights are brought to what is allowed. Overwrites the weights,
        their state and ``gradient``. ``variable`` is the number within the layer of the variable that they are of (a bias has
        the next), ``part`` tells them from the layer's others, ``slot`` is the place of their sum of squares; these do not
        depend on the threads. Returns whether the weights may have changed.
        """
        vectors, bias_vectors, kept = rows * width, biases * width, read_int(plan, at.KEPT)
        if kept:
            copy(gradient, 0, 1, weights + kept, vectors)
            return 0
        penalize(plan, layer, variable, part, weights, gradient, vectors, bias_vectors)
        observe(plan, layer, part, gradient, vectors)
        moved = move(plan, layer, variable, slot, v, width, weights, gradient, rows, biases)
        if moved:
            clip_weights(plan, layer, variable, weights, vectors, bias_vectors)
        return moved

    return apply_gradient


def make_apply_stored(dtype):
    """``apply_stored`` for one element type."""
    scale, take_step, (_, average) = gradients.scale(dtype), make_take_step(dtype), make_accumulate(dtype)
    clip_weights = make_clip_weights(dtype)

    @inner(dtype)
    def apply_stored(plan, layer, variable, weights, vectors, scratch, scales):
        """The optimizer's step for ``vectors`` of one variable, whose gradient was stored. ``scales`` has the factors.

        Overwrites the weights, their state and ``scratch``.
        """
        gradient = weights + read_int(plan, at.STORED)
        factor = read_double(scales, read_int(layer, at.FIRST_VARIABLE) + variable)
        if factor != 1.0:
            scale(gradient, scratch, double_bits(factor), vectors)
            gradient = scratch
        take_step(plan, layer, variable, weights, gradient, vectors)
        average(plan, weights, vectors)
        clip_weights(plan, layer, variable, weights, vectors, 0)

    return apply_stored
