"""Which function serves which kind of layer. Besides, only delta.py asks for a kind: whose derivative needs whole rows."""

from typing import Any, NamedTuple

from .. import fields as at
from ..memory import read_int
from ..simd.jit import inner
from .affine import make_affine
from .batch_norm import make_batch_norm
from .constraints import make_constrain_norms
from .delta import make_delta
from .dense import make_backward, make_forward
from .dense_gradient import make_add_gradient
from .dense_update import make_refresh_transposed, make_step_task, make_transpose_weights, make_update_task
from .glu import make_glu
from .noise import make_noise
from .normalization import make_normalization
from .prelu import make_prelu
from .vector_weights import make_vector_weights
from .weightless import make_weightless


class LayerFunctions(NamedTuple):
    """The functions of any layer, for one element type."""

    sum_forward: Any
    sum_backward: Any
    forward: Any
    backward: Any
    close_output: Any
    add_gradient: Any
    update_task: Any
    step_task: Any
    transpose_weights: Any
    constrain_norms: Any


def make_layers(dtype, add_activity_gradient):
    """The functions of any layer for one element type."""
    differentiate_strip, close_rows = make_delta(dtype, add_activity_gradient)
    dense_forward, dense_backward = make_forward(dtype), make_backward(dtype, differentiate_strip, close_rows)
    add_dense_gradient, transpose_dense = make_add_gradient(dtype), make_transpose_weights(dtype)
    update_dense, step_dense = make_update_task(dtype), make_step_task(dtype)
    weightless = make_weightless(dtype, differentiate_strip, close_rows)
    copy_input, apply_activation, weightless_forward, weightless_backward = weightless
    glu_forward, glu_backward = make_glu(dtype, differentiate_strip, close_rows)
    prelu_forward, prelu_backward, prelu_gradient = make_prelu(dtype, copy_input, differentiate_strip, close_rows)
    normalization = make_normalization(dtype, apply_activation, differentiate_strip, close_rows)
    norm_forward, norm_backward, norm_gradient = normalization
    affine_forward, affine_backward = make_affine(dtype, apply_activation, differentiate_strip, close_rows)
    noise_forward, noise_backward = make_noise(dtype, differentiate_strip, close_rows)
    batch_forward, batch_backward, batch_gradient, batch_sums, batch_delta_sums = make_batch_norm(
        dtype, differentiate_strip, close_rows
    )

    @inner(dtype)
    def sum_forward(layer, thread, threads, batch, moves):
        """This thread's part of what rows going through the layer need to know of the whole batch: some of the units.

        With ``moves`` what is remembered of batches moves on.
        """
        if read_int(layer, at.BATCH_STATISTICS):
            vectors = read_int(layer, at.VECTORS_OUT)
            batch_sums(layer, vectors * thread // threads, vectors * (thread + 1) // threads, batch, moves)

    @inner(dtype)
    def sum_backward(layer, thread, threads, batch):
        """The same for the way back, from DELTA, where there is one."""
        if read_int(layer, at.BATCH_STATISTICS) and read_int(layer, at.DELTA):
            vectors = read_int(layer, at.VECTORS_OUT)
            batch_delta_sums(layer, vectors * thread // threads, vectors * (thread + 1) // threads, batch)

    @inner(dtype)
    def forward(plan, layer, shift, source, source_row, first, last, batch, sample):
        """Rows first .. last of OUTPUT (and DERIVATIVE) from those of the input, whose row 0 is at ``source``.

        ``sample`` is the place of row ``first`` in the order of training.
        """
        kind = read_int(layer, at.KIND)
        if kind == at.DENSE:
            dense_forward(plan, layer, shift, source, source_row, first, last, batch)
        elif kind == at.PRELU:
            prelu_forward(layer, shift, source, source_row, first, last)
        elif kind == at.GLU:
            glu_forward(layer, shift, source, source_row, first, last)
        elif kind == at.LAYER_NORM or kind == at.RMS_NORM or kind == at.UNIT_NORM:
            norm_forward(plan, layer, shift, source, source_row, first, last)
        elif kind == at.AFFINE:
            affine_forward(layer, shift, source, source_row, first, last)
        elif at.DROPOUT <= kind <= at.ALPHA_DROPOUT:
            noise_forward(plan, layer, shift, source, source_row, first, last, sample)
        elif kind == at.BATCH_NORM:
            batch_forward(layer, shift, source, source_row, first, last)
        else:
            weightless_forward(layer, shift, source, source_row, first, last)

    @inner(dtype)
    def backward(plan, layer, below, shift, first, last, sample):
        """Rows first .. last of the DELTA of the layer below from this one's; ``sample`` as in ``forward``."""
        kind = read_int(layer, at.KIND)
        if kind == at.DENSE:
            dense_backward(plan, layer, below, shift, first, last)
        elif kind == at.PRELU:
            prelu_backward(layer, below, shift, first, last)
        elif kind == at.GLU:
            glu_backward(layer, below, shift, first, last)
        elif kind == at.LAYER_NORM or kind == at.RMS_NORM or kind == at.UNIT_NORM:
            norm_backward(plan, layer, below, shift, first, last)
        elif kind == at.AFFINE:
            affine_backward(layer, below, shift, first, last)
        elif at.DROPOUT <= kind <= at.ALPHA_DROPOUT:
            noise_backward(plan, layer, below, shift, first, last, sample)
        elif kind == at.BATCH_NORM:
            batch_backward(layer, below, shift, first, last)
        else:
            weightless_backward(layer, below, shift, first, last)

    @inner(dtype)
    def close_output(layer, shift, first, last):
        """DELTA of the last layer from the gradient with respect to the network's output, in place."""
        differentiate_strip(layer, shift, 0, first, last, read_int(layer, at.VECTORS_OUT))
        close_rows(layer, shift, first, last)

    @inner(dtype)
    def vector_gradient(layer, k, shift, v, width, batch, start, target):
        """The gradient of vector k of the weights that are a number for each unit (vector_weights.py)."""
        kind = read_int(layer, at.KIND)
        if kind == at.PRELU:
            prelu_gradient(layer, k, shift, v, width, batch, start, target)
        elif kind == at.BATCH_NORM:
            batch_gradient(layer, k, shift, v, width, batch, start, target)
        else:
            norm_gradient(layer, k, shift, v, width, batch, start, target)

    add_vector_gradient, update_vectors, step_vectors = make_vector_weights(dtype, vector_gradient)

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

    constrain_dense_norms, constrain_vector_norms = make_constrain_norms(dtype, make_refresh_transposed(dtype))

    @inner(dtype)
    def constrain_norms(layer, thread, threads):
        """Bring this thread's part of the layer's weights to their norms, if they have any to have."""
        if read_int(layer, at.CONSTRAINS_NORMS):
            if read_int(layer, at.KIND) == at.DENSE:
                constrain_dense_norms(layer, thread, threads)
            else:
                constrain_vector_norms(layer, thread, threads)

    return LayerFunctions(
        sum_forward,
        sum_backward,
        forward,
        backward,
        close_output,
        add_gradient,
        update_task,
        step_task,
        transpose_weights,
        constrain_norms,
    )
