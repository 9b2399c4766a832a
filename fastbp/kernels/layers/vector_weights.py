"""Weights that are a number for each unit (slopes, scales, offsets): how their gradient is kept and used, whatever the kind.

They lie as vectors one after the other, the learnt ones first.
"""

from .. import fields as at
from .. import memory
from ..matrix.panels import PANEL_VECTORS, panel_width
from ..memory import read_int
from ..simd.jit import inner
from ..simd.machine import machine
from .apply_gradient import make_apply_gradient
from .constraints import make_clip_weights
from .penalties import make_penalize


def make_vector_weights(dtype, vector_gradient):
    """The functions (add_gradient, update_task) for one element type.

    ``vector_gradient(layer, k, shift, v, width, batch, start, target)`` writes the gradient of vector k of the weights, of
    ``width`` columns from v on, over ``batch`` rows, plus what is at ``start``.
    """
    add_groups, apply_gradient, width_of = memory.add_groups(dtype), make_apply_gradient(dtype), inner(dtype)(panel_width)
    penalize, clip_weights = make_penalize(dtype), make_clip_weights(dtype)
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
    def update_task(plan, layer, first_vector, last_vector, batch, scratch):
        """Gradient and optimizer step of some columns of them. Overwrites them, their state and ``scratch``."""
        groups, vectors = read_int(plan, at.GROUPS), read_int(layer, at.VECTORS_OUT)
        for k in range(read_int(layer, at.LEARNT_VECTORS)):
            v = first_vector
            while v < last_vector:
                width = width_of(vectors - v)
                weights = read_int(layer, at.WEIGHTS) + (k * vectors + v) * VECTOR
                if groups:
                    add_groups(weights + read_int(plan, at.GRADIENTS), read_int(plan, at.GROUP), groups, scratch, width)
                else:
                    vector_gradient(layer, k, 0, v, width, batch, read_int(plan, at.ZEROS), scratch)
                penalize(layer, k, k * vectors + v, weights, scratch, width, 0)
                apply_gradient(plan, layer, k * vectors + v, weights, scratch, width, 0)
                clip_weights(plan, layer, k, weights, width, 0)
                v += width

    return add_gradient, update_task
