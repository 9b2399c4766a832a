"""The types of what kernels compute with: an element of a model, and the integers that say where elements are."""

from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from llvmlite import ir
from numba import types

ElementType: TypeAlias = Literal["float32", "float64"]
Address: TypeAlias = int  # in bytes; in machine code a 64-bit integer

I32, I64, VOID = ir.IntType(32), ir.IntType(64), ir.VoidType()
FLOATS = {"float32": ir.FloatType(), "float64": ir.DoubleType()}
NUMBA_FLOATS = {"float32": types.float32, "float64": types.float64}


_NAMES: tuple[ElementType, ...] = get_args(ElementType)


def element_type(dtype: Any) -> ElementType:
    """The element type that a NumPy dtype or its name stands for."""
    for name in _NAMES:
        if np.dtype(dtype) == name:
            return name
    raise ValueError(f"dtype must be float32 or float64, got {dtype!r}")


def itemsize(dtype: Any) -> int:
    """Bytes of one element."""
    return int(np.dtype(dtype).itemsize)
