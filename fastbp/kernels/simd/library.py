"""The library of vector functions: what is written in the words of vocabulary.py, compiled once for each element type.

Kernels that Numba compiles from Python call these functions by name, as they would call a C library. So the long functions
are compiled a single time, however many kernels use them.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from . import disk_cache, llvm_function
from .element_types import I64, VOID, Address, ElementType
from .lock import global_compiler_lock
from .vocabulary import Simd

NOWHERE = 4096  # an address at which there is no code

_loaded: dict[ElementType, dict["VectorFunction", Any]] = {}


class VectorFunction:
    """A function over 64-bit integers (addresses, sizes, codes), written once for all element types.

    Parameters
    ----------
    name : str
    arguments : int
        How many 64-bit integers it takes.
    body : callable
        ``body(s, *arguments)``: appends the instructions with the Simd ``s``; may return a value to return.
    returns : "double" or None
    calls : collection of VectorFunction
        Those that the instructions call.
    """

    def __init__(
        self,
        name: str,
        arguments: int,
        body: Callable[..., Any],
        returns: str | None = None,
        calls: Iterable["VectorFunction"] = (),
    ) -> None:
        self.name, self.arguments, self.body, self.returns = name, arguments, body, returns
        self.calls = tuple(dict.fromkeys(calls))
        self._intrinsics: dict[str, Any] = {}

    def symbol(self, dtype: ElementType) -> str:
        """Its name in machine code."""
        return f"fastbp_{self.name}_{dtype}"

    def declare(self, module: ir.Module, dtype: ElementType) -> ir.Function:
        """The function as ``module`` sees it: a name, to be found when the code is loaded."""
        returns = ir.DoubleType() if self.returns else VOID
        function = llvm_function.declare(module, self.symbol(dtype), [I64] * self.arguments, returns)
        function.attributes.add("nounwind")
        return function

    def define(self, module: ir.Module, dtype: ElementType) -> None:
        """Write the function's instructions into ``module``."""
        llvm_function.write(self.declare(module, dtype), lambda b, *arguments: self.body(Simd(b, dtype), *arguments))

    def __call__(self, dtype: Any) -> Any:
        """The function as Numba code calls it, for one element type."""
        dtype = str(dtype)
        if dtype not in self._intrinsics:
            self._intrinsics[dtype] = self._make_intrinsic(dtype)
        return self._intrinsics[dtype]

    def _make_intrinsic(self, dtype: Any) -> Any:
        signature = (types.float64 if self.returns else types.void)(*[types.int64] * self.arguments)

        def codegen(context: Any, b: ir.IRBuilder, sig: Any, args: Any) -> Any:
            result = b.call(self.declare(b.module, dtype), args)
            return result if self.returns else context.get_dummy_value()

        # Numba reads the number of parameters from the function's own signature.
        names = ", ".join(f"a{i}" for i in range(self.arguments))
        scope: dict[str, Any] = {"signature": signature, "codegen": codegen}
        exec(f"def {self.name}(typingctx, {names}):\n    return signature, codegen", scope)
        return intrinsic(scope[self.name])


def calls_address(name: str, arguments: int, position: int) -> VectorFunction:
    """The function that calls another one of the same arguments, whose address begins the record at the one at ``position``."""

    def body(s: Simd, *values: Any) -> None:
        kind = ir.FunctionType(VOID, [I64] * arguments).as_pointer()
        s.b.call(s.b.inttoptr(s.load_address(values[position], 0), kind), values)

    return VectorFunction(name, arguments, body)


def call_by_code(s: Simd, code: Any, functions: Mapping[int, VectorFunction], arguments: Sequence[Any]) -> None:
    """Call the function of ``functions`` (code -> VectorFunction) that ``code`` names; none for other codes."""
    b = s.b
    done = b.append_basic_block("done")
    switch = b.switch(code, done)
    for key, function in functions.items():
        block = b.append_basic_block(f"code_{key}")
        switch.add_case(ir.Constant(I64, key), block)
        b.position_at_end(block)
        b.call(function.declare(b.module, s.dtype), arguments)
        b.branch(done)
    b.position_at_end(done)


def selects_by_code(name: str, functions: Mapping[int, VectorFunction]) -> VectorFunction:
    """The function ``name(code, ...)`` that calls the one of ``functions`` that ``code`` names with the other arguments."""

    def body(s: Simd, code: Any, *arguments: Any) -> None:
        call_by_code(s, code, functions, arguments)

    (arguments,) = {function.arguments for function in functions.values()}
    return VectorFunction(name, 1 + arguments, body, calls=functions.values())


def with_called(functions: Iterable[VectorFunction]) -> tuple[VectorFunction, ...]:
    """Functions and all that they call, each after those that it calls."""
    found: dict[VectorFunction, None] = {}
    for function in functions:
        found.update(dict.fromkeys(with_called(function.calls)))
        found[function] = None
    return tuple(found)


def _contents(functions: Iterable[VectorFunction]) -> str:
    """What tells one library from another."""
    return " ".join(sorted(f.name for f in functions))


def compiled(name: str, functions: Iterable[VectorFunction], dtype: ElementType) -> Any:
    """A code library that holds ``functions``."""
    library = cpu_target.target_context.codegen().create_library(name)
    library.enable_object_caching()
    module = library.create_ir_module(name)
    for function in functions:
        function.define(module, dtype)
    library.add_ir_module(module)
    library.finalize()
    return library


def _from_disk(name: str, functions: Collection[VectorFunction], dtype: ElementType) -> Any:
    """The same, compiled once for all processes."""
    codegen, contents = cpu_target.target_context.codegen(), _contents(functions)
    stored = disk_cache.read(name, contents, codegen)
    if stored is not None:
        return codegen.unserialize_library(stored)
    library = compiled(name, functions, dtype)
    disk_cache.write(name, contents, codegen, library.serialize_using_object_code())
    return library


def promise(functions: Iterable[VectorFunction], dtype: ElementType) -> None:
    """Have code compiled that calls functions, without the functions: to be kept on disk, not to be run here."""
    for function in functions:
        binding.add_symbol(function.symbol(dtype), NOWHERE)


@global_compiler_lock
def load(name: str, functions: Collection[VectorFunction], dtype: ElementType) -> None:
    """Make the functions of a library, those of one element type, callable: from memory, from disk, or compiled now."""
    known = _loaded.setdefault(dtype, {})  # function: the library that holds it, which must stay alive
    if not known.keys() >= set(functions):
        known.update(dict.fromkeys(functions, _from_disk(f"{name}-{dtype}", functions, dtype)))


def address(function: VectorFunction, dtype: ElementType) -> Address:
    """Where the machine code of a loaded function begins, for callers outside of compiled kernels."""
    code: Address = _loaded[dtype][function].get_pointer_to_function(function.symbol(dtype))
    return code


def is_cached(name: str, functions: Iterable[VectorFunction], dtype: ElementType) -> bool:
    """Whether ``load`` would find all it needs on disk."""
    return bool(disk_cache.contains(f"{name}-{dtype}", _contents(functions), cpu_target.target_context.codegen()))
