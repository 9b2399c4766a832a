"""Which function serves which of the kinds of layers that only some networks have: full kernels alone have these."""

from typing import Any, NamedTuple

from .. import fields as at
from ..memory import read_int
from ..simd.jit import inner
from .affine import make_affine
from .batch_norm import make_batch_norm
from .glu import make_glu
from .noise import make_noise
from .normalization import make_normalization
from .prelu import make_prelu
from .vector_weights import make_vector_weights


class FurtherKinds(NamedTuple):
    """Functions of layers, as dispatch.py calls them for kinds that it does not know."""

    forward: Any
    backward: Any
    sum_forward: Any
    sum_backward: Any
    add_vector_gradient: Any
    update_vectors: Any
    step_vectors: Any


def make_further_kinds(dtype, copy_input, apply_activation, differentiate_strip, close_rows):
    """The functions for one element type."""
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
    def forward(plan, layer, shift, source, source_row, first, last, sample):
        """Rows first .. last of OUTPUT."""
        kind = read_int(layer, at.KIND)
        if kind == at.LAYER_NORM or kind == at.RMS_NORM or kind == at.UNIT_NORM:
            norm_forward(plan, layer, shift, source, source_row, first, last)
        elif kind == at.AFFINE:
            affine_forward(layer, shift, source, source_row, first, last)
        elif kind == at.PRELU:
            prelu_forward(layer, shift, source, source_row, first, last)
        elif kind == at.GLU:
            glu_forward(layer, shift, source, source_row, first, last)
        elif kind == at.BATCH_NORM:
            batch_forward(layer, shift, source, source_row, first, last)
        else:
            noise_forward(plan, layer, shift, source, source_row, first, last, sample)

    @inner(dtype)
    def backward(plan, layer, below, shift, first, last, sample):
        """Rows first .. last of the DELTA of the layer below."""
        kind = read_int(layer, at.KIND)
        if kind == at.LAYER_NORM or kind == at.RMS_NORM or kind == at.UNIT_NORM:
            norm_backward(plan, layer, below, shift, first, last)
        elif kind == at.AFFINE:
            affine_backward(layer, below, shift, first, last)
        elif kind == at.PRELU:
            prelu_backward(layer, below, shift, first, last)
        elif kind == at.GLU:
            glu_backward(layer, below, shift, first, last)
        elif kind == at.BATCH_NORM:
            batch_backward(layer, below, shift, first, last)
        else:
            noise_backward(plan, layer, below, shift, first, last, sample)

    @inner(dtype)
    def vector_gradient(layer, k, shift, v, width, batch, start, target):
        """The gradient of vector k of the weights that are a number for each unit."""
        kind = read_int(layer, at.KIND)
        if kind == at.PRELU:
            prelu_gradient(layer, k, shift, v, width, batch, start, target)
        elif kind == at.BATCH_NORM:
            batch_gradient(layer, k, shift, v, width, batch, start, target)
        else:
            norm_gradient(layer, k, shift, v, width, batch, start, target)

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

    return FurtherKinds(forward, backward, sum_forward, sum_backward, *make_vector_weights(dtype, vector_gradient))
