"""Weights that are a number for each unit (slopes, scales, offsets): how their gradient is kept and used, whatever the kind.

They lie as vectors one after the other, the learnt ones first.
"""

from .. import fields as at
from .. import memory
from ..matrix.panels import PANEL_VECTORS, panel_count, panel_width
from ..memory import read_int
from ..simd.jit import inner
from ..simd.machine import machine
from .apply_gradient import make_apply_gradient, make_apply_stored


def make_vector_weights(dtype, vector_gradient):
    """The functions (add_gradient, update_task, step_task) for one element type.

    ``vector_gradient(layer, k, shift, v, width, batch, start, target)`` writes the gradient of vector k of the weights, of
    ``width`` columns from v on, over ``batch`` rows, plus what is at ``start``.
    """
    add_groups, apply_gradient, width_of = memory.add_groups(dtype), make_apply_gradient(dtype, True), inner(dtype)(panel_width)
    panels_of, apply_stored = inner(dtype)(panel_count), make_apply_stored(dtype)
    VECTOR = machine().vector_bytes

    @inner(dtype)
    def add_gradient(plan, layer, shift, gradients, batch, is_first):
        """The gradient over ``batch`` rows, added to (or, first, written over) the one kept."""
        vectors = read_int(layer, at.VECTORS_OUT)
        for k in range(read_int(layer, at.LEARNT_VECTORS)):
            for v in range(0, vectors, PANEL_VECTORS):
                target = read_int(layer, at.WEIGHTS) + (k * vectors + v) * VECTOR + gradients
                start = read_int(plan, at.ZEROS) if is_first else target
                vector_gradient(layer, k, shift, v, min(PANEL_VECTORS, vectors - v), batch, start, target)

    @inner(dtype)
    def update_task(plan, layer, slot, first_vector, last_vector, batch, scratch):
        """Gradient and optimizer step of some columns of them. Overwrites them, their state and ``scratch``."""
        groups, vectors = read_int(plan, at.GROUPS), read_int(layer, at.VECTORS_OUT)
        for k in range(read_int(layer, at.LEARNT_VECTORS)):
            v, panel = first_vector, slot + k * panels_of(vectors)
            while v < last_vector:
                width = width_of(vectors - v)
                weights = read_int(layer, at.WEIGHTS) + (k * vectors + v) * VECTOR
                if groups:
                    add_groups(weights + read_int(plan, at.GRADIENTS), read_int(plan, at.GROUP), groups, scratch, width)
                else:
                    vector_gradient(layer, k, 0, v, width, batch, read_int(plan, at.ZEROS), scratch)
                apply_gradient(plan, layer, k, k * vectors + v, panel, v, width, weights, scratch, 1, 0)
                v, panel = v + width, panel + 1

    @inner(dtype)
    def step_task(plan, layer, first_vector, last_vector, scratch, scales):
        """The optimizer's step alone, by a gradient that was stored."""
        vectors = read_int(layer, at.VECTORS_OUT)
        for k in range(read_int(layer, at.LEARNT_VECTORS)):
            for v in range(first_vector, last_vector, PANEL_VECTORS):
                weights, width = read_int(layer, at.WEIGHTS) + (k * vectors + v) * VECTOR, min(PANEL_VECTORS, last_vector - v)
                apply_stored(plan, layer, k, weights, width, scratch, scales)

    return add_gradient, update_task, step_task
