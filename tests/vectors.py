"""Functions of kernels/math/functions.py, compiled into a loop over arrays."""

import ctypes
import itertools
from functools import cache

import numpy as np
from llvmlite import ir
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target

from fastbp.kernels.math import functions as vmath
from fastbp.kernels.simd.element_types import I64, VOID
from fastbp.kernels.simd.vocabulary import Simd

_numbers = itertools.count()


@cache
def over_arrays(name, dtype, arguments=1, results=1):
    """``vmath.<name>`` as a function of arrays of ``dtype``, with so many arguments and results."""
    with global_compiler_lock:
        number = next(_numbers)
        library = cpu_target.target_context.codegen().create_library(f"over_arrays_{number}")
        module = library.create_ir_module(f"over_arrays_{number}")
        kind = ir.FunctionType(VOID, [I64] * (arguments + results + 1))
        function = ir.Function(module, kind, f"over_arrays_{number}")
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        s = Simd(builder, dtype)
        addresses, count = function.args[:-1], function.args[-1]
        with s.loop(count, step=s.lanes) as first:
            made = getattr(vmath, name)(s, *(s.load(s.offset(a, first)) for a in addresses[:arguments]))
            for vector, address in zip(made if results > 1 else [made], addresses[arguments:], strict=True):
                s.store(vector, s.offset(address, first))
        builder.ret_void()
        library.add_ir_module(module)
        library.finalize()
        call = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * (arguments + results + 1))(
            library.get_pointer_to_function(f"over_arrays_{number}")
        )
    lanes = s.lanes

    def run(*arrays):
        (size,) = {a.size for a in arrays}
        padded = [np.concatenate([np.asarray(a, dtype), np.zeros(-size % lanes, dtype)]) for a in arrays]
        out = [np.empty_like(padded[0]) for _ in range(results)]
        call(*(a.ctypes.data for a in (*padded, *out)), padded[0].size)
        out = [a[:size] for a in out]
        return out if results > 1 else out[0]

    run.library = library  # keeps the code alive
    return run
