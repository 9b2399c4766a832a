"""Functions of LLVM instructions: declared, or written by a Python function that appends the instructions."""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from .element_types import VOID


def declare(module: ir.Module, name: str, arguments: Sequence[ir.Type] = (), returns: ir.Type = VOID) -> ir.Function:
    """The function ``name`` as ``module`` sees it: there already, or a name to be found when the code is loaded."""
    if name in module.globals:
        return module.get_global(name)
    return ir.Function(module, ir.FunctionType(returns, list(arguments)), name)


def write(function: ir.Function, body: Callable[..., Any]) -> None:
    """``body(builder, *arguments)`` appends the instructions and may return a value to return.

    The function is never inlined, so that code which uses it in many places holds it once.
    """
    function.attributes.add("noinline")
    function.attributes.add("nounwind")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    result = body(builder, *function.args)
    if not builder.block.is_terminated:
        builder.ret_void() if result is None else builder.ret(result)


def define(
    module: ir.Module, name: str, arguments: Sequence[ir.Type], body: Callable[..., Any], returns: ir.Type = VOID
) -> ir.Function:
    """The function ``name`` that only ``module`` sees; on first use ``body`` writes it."""
    if name in module.globals:
        return module.get_global(name)
    function = declare(module, name, arguments, returns)
    function.linkage = "internal"
    write(function, body)
    return function
