"""The libraries' lists: every vector function that the package's kernels call.

A function that is missing here is found by no kernel; those that the ones here call need not be named.
"""

from functools import cache

from . import (
    activation,
    constraint,
    gradient,
    loss,
    memory,
    multiply_add,
    observation,
    optimizer,
    penalty,
    row_activation,
    row_norm,
)
from .layers import affine, batch_norm_units, feedback, glu, noise, prelu
from .matrix import dots, gemm, gradient_product, one_pass, transpose
from .simd import library
from .simd.element_types import Address, element_type
from .simd.library import VectorFunction, with_called

# What nearly all networks need, and what some need.
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
    dots.dot_rows,
    gemm.row_product,
    gemm.product,
    gradient_product.gradient_product,
    one_pass.pass_over,
    one_pass.add_lanes,
    transpose.transpose,
    optimizer.update,
    optimizer.check_finite,
    gradient.clear_padding,
    loss.loss,
    loss.weigh_rows,
)
FURTHER = (
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
    observation.observe_outputs,
    observation.observe_weights,
    gradient.clip,
    gradient.scale,
    gradient.add_up,
    gradient.average,
    gradient.sum_of_squares,
    penalty.penalize,
    penalty.penalize_l2,
    penalty.add_activity,
    penalty.add_activity_gradient,
    constraint.clip_negative,
    constraint.constrain_columns,
    constraint.scale_to_norm,
)


@cache
def vector_functions() -> tuple[VectorFunction, ...]:
    """The functions that nearly all networks need, each after those that it calls."""
    return with_called(FUNCTIONS)


@cache
def further_functions() -> tuple[VectorFunction, ...]:
    """The others: a library of its own, which calls the first."""
    return tuple(function for function in with_called(FURTHER) if function not in vector_functions())


def _libraries(full: bool) -> tuple[tuple[str, tuple[VectorFunction, ...]], ...]:
    return (("vectors", vector_functions()), *([("further", further_functions())] if full else []))


def load(dtype: str, full: bool = False) -> None:
    """Make the library callable for one element type; ``full``: with the further functions."""
    for name, functions in _libraries(full):
        library.load(name, functions, element_type(dtype))


def promise(dtype: str, full: bool = False) -> None:
    """Have kernels compiled that call the library, without the library: to be kept on disk, not to be run here."""
    for _, functions in _libraries(full):
        library.promise(functions, element_type(dtype))


def is_cached(dtype: str, full: bool = False) -> bool:
    """Whether ``load`` would find the library on disk."""
    return all(library.is_cached(name, functions, element_type(dtype)) for name, functions in _libraries(full))


def address(function: VectorFunction, dtype: str) -> Address:
    """Where the machine code of one of the library's functions begins."""
    load(dtype, function not in vector_functions())
    return library.address(function, element_type(dtype))
