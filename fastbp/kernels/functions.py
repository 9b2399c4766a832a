"""The library's list: every vector function that the package's kernels call.

A function that is missing here is found by no kernel; those that the ones here call need not be named.
"""

from functools import cache

from . import activation, constraint, loss, memory, multiply_add, observation, optimizer, penalty, row_activation, row_norm
from .layers import affine, batch_norm_units, feedback, glu, noise, prelu
from .matrix import dots, gemm, gradient_product, transpose
from .simd import library
from .simd.element_types import Address, element_type
from .simd.library import VectorFunction, with_called

FUNCTIONS = (
    memory.copy_rows,
    memory.gather_rows,
    memory.prefetch_rows,
    memory.add_groups,
    memory.set_zero,
    memory.prefetch,
    memory.add_doubles,
    multiply_add.spin,
    activation.activate,
    activation.differentiate,
    row_activation.activate_rows,
    row_activation.differentiate_rows,
    glu.gate,
    glu.gate_backward,
    prelu.prelu,
    prelu.prelu_backward,
    prelu.slope_gradient,
    row_norm.normalize,
    row_norm.normalize_backward,
    row_norm.gamma_gradient,
    row_norm.beta_gradient,
    affine.affine,
    affine.affine_backward,
    noise.drop,
    noise.drop_backward,
    noise.add_normal,
    noise.multiply_normal,
    batch_norm_units.batch_moments,
    batch_norm_units.normalise,
    batch_norm_units.delta_sums,
    batch_norm_units.normalise_backward,
    batch_norm_units.gradient_of_scale,
    feedback.copy_signs,
    dots.dot_rows,
    gemm.row_product,
    gemm.product,
    gradient_product.gradient_product,
    transpose.transpose,
    optimizer.update,
    optimizer.check_finite,
    loss.loss,
    loss.weigh_rows,
    observation.observe_outputs,
    observation.sum_of_squares,
    observation.observe_weights,
    penalty.penalize,
    penalty.penalize_l2,
    penalty.add_activity,
    penalty.add_activity_gradient,
    constraint.clip_negative,
    constraint.constrain_columns,
    constraint.sum_squares,
    constraint.scale_to_norm,
)


@cache
def vector_functions() -> tuple[VectorFunction, ...]:
    """All functions of the library, each after those that it calls."""
    return with_called(FUNCTIONS)


def load(dtype: str) -> None:
    """Make the library callable for one element type."""
    library.load(vector_functions(), element_type(dtype))


def promise(dtype: str) -> None:
    """Have kernels compiled that call the library, without the library: to be kept on disk, not to be run here."""
    library.promise(vector_functions(), element_type(dtype))


def is_cached(dtype: str) -> bool:
    """Whether ``load`` would find the library on disk."""
    return library.is_cached(vector_functions(), element_type(dtype))


def address(function: VectorFunction, dtype: str) -> Address:
    """Where the machine code of one of the library's functions begins."""
    load(dtype)
    return library.address(function, element_type(dtype))
