"""Code in vector words as a function of arrays: what NumPy has no function for is computed by the code that formulas run."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir

from ....kernels.simd import native
from ....kernels.simd.element_types import I64, VOID
from ....kernels.simd.vocabulary import Simd


def over_arrays(name: str, emit: Callable[..., Any], values: Sequence[Any]) -> Any:
    """An operator's value for numbers and arrays, which are broadcast against each other."""
    given = [np.asarray(value) for value in values]
    kinds = {a.dtype.name for a in given if a.dtype.kind == "f" and a.ndim} or {a.dtype.name for a in given}
    dtype = "float32" if kinds == {"float32"} else "float64"
    shape = np.broadcast_shapes(*(a.shape for a in given))
    arrays = [np.ascontiguousarray(np.broadcast_to(a, shape), dtype) for a in given]
    result = np.empty(shape, dtype)
    key = f"{name} of {len(arrays)} arrays of {dtype}"
    code = native.load(key, lambda module, at: [_write(module, at, emit, arrays, dtype)])
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * (len(arrays) + 2))(code.addresses[0])
    call(*(a.ctypes.data for a in (*arrays, result)), result.size)
    return result[()]


def _write(module: ir.Module, name: str, emit: Callable[..., Any], arrays: Sequence[np.ndarray], dtype: str) -> str:
    """A loop over the arrays; the last lanes are read and written behind a mask."""
    function = ir.Function(module, ir.FunctionType(VOID, [I64] * (len(arrays) + 2)), name)
    s = Simd(ir.IRBuilder(function.append_basic_block("entry")), dtype)
    *inputs, output, count = function.args
    with s.loop(count, step=s.lanes) as first:
        mask = s.first_lanes(s.b.sub(count, first))
        x = [s.load_masked(s.offset(address, first), mask) for address in inputs]
        s.store_masked(emit(s, *x), s.offset(output, first), mask)
    s.b.ret_void()
    return name
