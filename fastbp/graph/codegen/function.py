"""A function of 64-bit integers (addresses and sizes) in an LLVM module."""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from ...kernels.simd.element_types import I64, VOID
from ...kernels.simd.vocabulary import Simd


def write_function(
    module: ir.Module, name: str, arguments: int, dtype: str, body: Callable[..., None], lanes: int | None = None
) -> ir.Function:
    """A function whose instructions ``body(s, *arguments)`` writes, with vectors of the machine's width by default."""
    function = ir.Function(module, ir.FunctionType(VOID, [I64] * arguments), name)
    function.attributes.add("nounwind")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    body(Simd(builder, dtype, lanes), *function.args)
    builder.ret_void()
    return function
