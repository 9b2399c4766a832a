"""What can be read from the code of functions and classes: the names it uses, and what it may do to them."""

from __future__ import annotations

import dis
import types
from collections.abc import Iterator

_TYPE_TESTS = {"isinstance", "type", "issubclass", "callable"}  # with these a formula may tell an array from a node

_MADE_IN_C = (
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.BuiltinFunctionType,
    types.ClassMethodDescriptorType,
)


def code_objects(code: types.CodeType) -> Iterator[types.CodeType]:
    """A function's code and those of the functions that it defines."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from code_objects(constant)


def _has_operation(code: types.CodeType, *operations: str) -> bool:
    wanted = {dis.opmap[operation] for operation in operations if operation in dis.opmap}
    return not wanted.isdisjoint(code.co_code[::2])


def imports(code: types.CodeType) -> bool:
    """Whether it has an import statement."""
    return _has_operation(code, "IMPORT_NAME")


def may_substitute(codes: list[types.CodeType]) -> bool:
    """Whether a copy of the function with other globals and cells behaves as the function does."""
    stores = any(_has_operation(code, "STORE_GLOBAL", "DELETE_GLOBAL") for code in codes)
    rebinds = any(code.co_freevars and _has_operation(code, "STORE_DEREF", "DELETE_DEREF") for code in codes)
    return not (stores or rebinds or any(_TYPE_TESTS.intersection(code.co_names) for code in codes))


def is_written_in_python(kind: type) -> bool:
    """Whether a class was made by a class statement and does not change how attributes are read."""
    table = vars(kind)
    if "__getattr__" in table or "__getattribute__" in table:
        return False
    return not any(isinstance(value, _MADE_IN_C) for value in table.values())
