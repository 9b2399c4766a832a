"""Which function serves which kind of layer. Besides, only delta.py asks for a kind: whose derivative needs whole rows."""

from typing import Any, NamedTuple

from .. import fields as at
from ..memory import read_int
from ..simd.jit import inner, nothing
from .constraints import make_constrain_norms
from .delta import make_delta
from .dense import make_backward, make_forward
from .dense_gradient import make_add_gradient
from .dense_one_pass import make_one_pass
from .dense_update import make_refresh_transposed, make_step_task, make_transpose_weights, make_update_task
from .further_kinds import make_further_kinds
from .weightless import make_weightless


class LayerFunctions(NamedTuple):
    """The functions of any layer, for one element type."""

    sum_forward: Any
    sum_backward: Any
    forward: Any
    backward: Any
    backward_and_update: Any
    close_output: Any
    add_gradient: Any
    update_task: Any
    step_task: Any
    transpose_weights: Any
    constrain_norms: Any


def make_layers(dtype, full, add_activity_gradient):
    """The functions of any layer for one element type; those of further kinds only where they are to be ``full``."""
    differentiate_strip, close_rows = make_delta(dtype, add_activity_gradient)
    dense_forward, dense_backward = make_forward(dtype), make_backward(dtype, differentiate_strip, close_rows)
    add_dense_gradient, update_dense = make_add_gradient(dtype), make_update_task(dtype, full)
    one_pass_dense = make_one_pass(dtype, full, differentiate_strip, close_rows)
    transpose_dense, step_dense = make_transpose_weights(dtype, full), make_step_task(dtype) if full else nothing
    weightless = make_weightless(dtype, differentiate_strip, close_rows)
    copy_input, apply_activation, weightless_forward, weightless_backward = weightless
    shared = copy_input, apply_activation, differentiate_strip, close_rows
    further = make_further_kinds(dtype, *shared) if full else (nothing,) * 7
    other_forward, other_backward, sum_forward, sum_backward, add_vector_gradient, update_vectors, step_vectors = further

    @inner(dtype)
    def forward(plan, layer, shift, source, source_row, first, last, batch, sample):
        """Rows first .. last of OUTPUT (and DERIVATIVE) from those of the input, whose row 0 is at ``source``.

        ``sample`` is the place of row ``first`` in the order of training.
        """
        kind = read_int(layer, at.KIND)
        if kind == at.DENSE:
            dense_forward(plan, layer, shift, source, source_row, first, last, batch)
        elif kind == at.ELEMENTWISE or kind == at.WHOLE_ROWS:
            weightless_forward(layer, shift, source, source_row, first, last)
        else:
            other_forward(plan, layer, shift, source, source_row, first, last, sample)

    @inner(dtype)
    def backward(plan, layer, below, shift, first, last, sample):
        """Rows first .. last of the DELTA of the layer below from this one's; ``sample`` as in ``forward``."""
        kind = read_int(layer, at.KIND)
        if kind == at.DENSE:
            dense_backward(plan, layer, below, shift, first, last)
        elif kind == at.ELEMENTWISE or kind == at.WHOLE_ROWS:
            weightless_backward(layer, below, shift, first, last)
        else:
            other_backward(plan, layer, below, shift, first, last, sample)

    @inner(dtype)
    def close_output(layer, shift, first, last):
        """DELTA of the last layer from the gradient with respect to the network's output, in place."""
        differentiate_strip(layer, shift, 0, first, last, read_int(layer, at.VECTORS_OUT))
        close_rows(layer, shift, first, last)

    @inner(dtype)
    def add_gradient(plan, layer, shift, gradients, batch, is_first):
        """The gradient of the layer's weights over ``batch`` rows, added to (or, first, written over) the one kept."""
        if read_int(layer, at.KIND) == at.DENSE:
            add_dense_gradient(plan, layer, shift, gradients, batch, is_first)
        else:
            add_vector_gradient(plan, layer, shift, gradients, batch, is_first)

    @inner(dtype)
    def update_task(plan, layer, slot, first_vector, last_vector, first, last, batch, scratch):
        """Gradient and optimizer step of rows first .. last of some vectors of the layer's weights."""
        if read_int(layer, at.KIND) == at.DENSE:
            update_dense(plan, layer, slot, first_vector, last_vector, first, last, batch, scratch)
        else:
            update_vectors(plan, layer, slot, first_vector, last_vector, batch, scratch)

    @inner(dtype)
    def backward_and_update(plan, layer, below, batch, sample):
        """All rows of the DELTA of the layer below, unless that is 0, and the step of this layer's weights, if it learns."""
        if read_int(layer, at.KIND) == at.DENSE:
            one_pass_dense(plan, layer, below, batch)
            return
        if below:
            backward(plan, layer, below, 0, 0, batch, sample)
        if read_int(layer, at.TRAINABLE):
            update_vectors(plan, layer, 0, 0, read_int(layer, at.VECTORS_OUT), batch, read_int(plan, at.SCRATCH))

    @inner(dtype)
    def step_task(plan, layer, first_vector, last_vector, first, last, scratch, scales):
        """The optimizer's step alone, by a gradient that was stored."""
        if read_int(layer, at.KIND) == at.DENSE:
            step_dense(plan, layer, first_vector, last_vector, first, last, scratch, scales)
        else:
            step_vectors(plan, layer, first_vector, last_vector, scratch, scales)

    @inner(dtype)
    def transpose_weights(layer, thread, threads):
        """This thread's part of the transposed copy of the layer's weights, brought up to date."""
        if read_int(layer, at.KIND) == at.DENSE:
            transpose_dense(layer, thread, threads)

    constrain_norms = make_constrain_norms(dtype, make_refresh_transposed(dtype, True)) if full else nothing
    return LayerFunctions(
        sum_forward,
        sum_backward,
        forward,
        backward,
        backward_and_update,
        close_output,
        add_gradient,
        update_task,
        step_task,
        transpose_weights,
        constrain_norms,
    )
