"""Calls of a traced formula's machine code, which is reached by its address."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .simd.element_types import I64, VOID


@intrinsic
def call_graph(typingctx, function, table):
    """Call a function of a graph at an address, as thread 0 of those that share the table."""

    def codegen(context, b, sig, args):
        kind = ir.FunctionType(VOID, [I64, I64]).as_pointer()
        b.call(b.inttoptr(args[0], kind), [args[1], ir.Constant(I64, 0)])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen
