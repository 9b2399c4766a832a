"""What the code of functions and classes tells: which names it reads, and what it may do to them."""

from __future__ import annotations

import dis
import types
from collections.abc import Iterator

_TYPE_TESTS = {"isinstance", "type", "issubclass", "callable"}  # by these a formula may tell an array from its stand-in

_MADE_IN_C = (
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.BuiltinFunctionType,
    types.ClassMethodDescriptorType,
)


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """A function's code and those of the functions that it defines."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)


def _has_operation(code: types.CodeType, *operations: str) -> bool:
    wanted = {dis.opmap[operation] for operation in operations if operation in dis.opmap}
    return not wanted.isdisjoint(code.co_code[::2])


def imports(code: types.CodeType) -> bool:
    """Whether it has an import statement."""
    return _has_operation(code, "IMPORT_NAME")


def may_substitute(codes: list[types.CodeType]) -> bool:
    """Whether a copy of the function, which sees other things around it, does what the function does."""
    stores = any(_has_operation(code, "STORE_GLOBAL", "DELETE_GLOBAL") for code in codes)
    rebinds = any(code.co_freevars and _has_operation(code, "STORE_DEREF", "DELETE_DEREF") for code in codes)
    return not (stores or rebinds or any(_TYPE_TESTS.intersection(code.co_names) for code in codes))


def is_written_in_python(kind: type) -> bool:
    """Whether a class was made by a class statement that leaves the reading of attributes as it is."""
    table = vars(kind)
    if "__getattr__" in table or "__getattribute__" in table:
        return False
    return not any(isinstance(value, _MADE_IN_C) for value in table.values())
