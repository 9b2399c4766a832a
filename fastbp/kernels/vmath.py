"""Elementary functions of vectors, in one place: ``vmath.exp(s, x)`` appends the instructions of e^x.

``s`` is the Simd at hand, ``x`` a Vector of either element type and any number of lanes. Special values are right: signed
zeros, infinities, NaN. The ``_pair`` functions give a value and its derivative, which share most of their work.
"""

from .verf import erf, gelu, gelu_pair, gelu_tanh, gelu_tanh_pair
from .vexp import (
    clamp,
    cosh,
    exp,
    expm1,
    log,
    log1p,
    power_of_two,
    sigmoid,
    silu,
    silu_pair,
    sinh,
    softplus,
    softplus_pair,
    tanh,
    tanh_end,
    tanh_start,
)
from .vpow import pow
from .vtrig import arccos, arcsin, arctan, cos, sin, tan

__all__ = [
    "arccos",
    "arcsin",
    "arctan",
    "clamp",
    "cos",
    "cosh",
    "erf",
    "exp",
    "expm1",
    "gelu",
    "gelu_pair",
    "gelu_tanh",
    "gelu_tanh_pair",
    "log",
    "log1p",
    "pow",
    "power_of_two",
    "sigmoid",
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
