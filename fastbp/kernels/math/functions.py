"""Elementary functions of vectors, in one place: ``vmath.exp(s, x)`` appends the instructions of e^x.

``s`` is the Simd, ``x`` a Vector of either element type and any number of lanes. Special values are handled: signed
zeros, infinities, NaN. The ``_pair`` functions give a value and its derivative, which share most of their work.
"""

from .error_function import erf, gelu, gelu_pair, gelu_tanh, gelu_tanh_pair
from .exponential import (
    clamp,
    cosh,
    exp,
    exp2,
    expm1,
    logaddexp,
    power_of_two,
    sigmoid,
    sigmoid_derivative,
    silu,
    silu_pair,
    sinh,
    softplus,
    softplus_pair,
    tanh,
    tanh_end,
    tanh_start,
)
from .logarithm import arccosh, arcsinh, arctanh, log, log1p, log2, log10
from .plane import cosine_of, hypot, one_minus_square
from .power import pow
from .trigonometric import arccos, arcsin, arctan, cos, sin, tan

__all__ = [
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctanh",
    "clamp",
    "cos",
    "cosh",
    "cosine_of",
    "erf",
    "exp",
    "exp2",
    "expm1",
    "gelu",
    "gelu_pair",
    "gelu_tanh",
    "gelu_tanh_pair",
    "hypot",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "one_minus_square",
    "pow",
    "power_of_two",
    "sigmoid",
    "sigmoid_derivative",
    "silu",
    "silu_pair",
    "sin",
    "sinh",
    "softplus",
    "softplus_pair",
    "tan",
    "tanh",
    "tanh_end",
    "tanh_start",
]
