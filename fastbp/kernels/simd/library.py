"""The library of vector functions: everything written in the words of vocabulary.py, compiled once for each element type.

Kernels that Numba compiles from Python call these functions by name, as they would call a C library. So the long functions
are compiled a single time, however many kernels use them.
"""

from llvmlite import binding, ir
from numba import types
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from . import disk_cache
from .lock import global_compiler_lock
from .vocabulary import I64, VOID, Simd

NOWHERE = 4096  # an address at which there is no code

_registered: list = []
_loaded: dict = {}


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
    """

    def __init__(self, name, arguments, body, returns=None):
        self.name, self.arguments, self.body, self.returns = name, arguments, body, returns
        self._intrinsics = {}
        _registered.append(self)

    def symbol(self, dtype):
        """Its name in machine code."""
        return f"fastbp_{self.name}_{dtype}"

    def declare(self, module, dtype):
        """The function as ``module`` sees it: a name, to be found when the code is loaded."""
        name = self.symbol(dtype)
        if name in module.globals:
            return module.get_global(name)
        returns = ir.DoubleType() if self.returns else VOID
        function = ir.Function(module, ir.FunctionType(returns, [I64] * self.arguments), name)
        function.attributes.add("nounwind")
        return function

    def define(self, module, dtype):
        """Write the function's instructions into ``module``."""
        function = self.declare(module, dtype)
        function.attributes.add("noinline")  # else those that call others by code hold a second copy of each
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        result = self.body(Simd(builder, dtype), *function.args)
        builder.ret_void() if result is None else builder.ret(result)

    def __call__(self, dtype):
        """The function as Numba code calls it, for one element type."""
        dtype = str(dtype)
        if dtype not in self._intrinsics:
            self._intrinsics[dtype] = self._make_intrinsic(dtype)
        return self._intrinsics[dtype]

    def _make_intrinsic(self, dtype):
        signature = (types.float64 if self.returns else types.void)(*[types.int64] * self.arguments)

        def codegen(context, b, sig, args):
            result = b.call(self.declare(b.module, dtype), args)
            return result if self.returns else context.get_dummy_value()

        # Numba reads the number of parameters from the function's own signature.
        names = ", ".join(f"a{i}" for i in range(self.arguments))
        scope = {"signature": signature, "codegen": codegen}
        exec(f"def {self.name}(typingctx, {names}):\n    return signature, codegen", scope)
        return intrinsic(scope[self.name])


def call(s, function, arguments):
    """A call from one vector function to another."""
    s.b.call(function.declare(s.b.module, s.dtype), arguments)


def calls_address(name, arguments, position):
    """The function that calls another one of the same arguments, whose address begins the record at the one at ``position``."""

    def body(s, *values):
        kind = ir.FunctionType(VOID, [I64] * arguments).as_pointer()
        s.b.call(s.b.inttoptr(s.load_address(values[position], 0), kind), values)

    return VectorFunction(name, arguments, body)


def call_by_code(s, code, functions, arguments):
    """Call the function of ``functions`` (code -> VectorFunction) that ``code`` names; none for other codes."""
    b = s.b
    done = b.append_basic_block("done")
    switch = b.switch(code, done)
    for key, function in functions.items():
        block = b.append_basic_block(f"code_{key}")
        switch.add_case(ir.Constant(I64, key), block)
        b.position_at_end(block)
        call(s, function, arguments)
        b.branch(done)
    b.position_at_end(done)


def _contents(functions):
    """Their names; in an order that does not depend on which module was imported first."""
    return " ".join(sorted(f.name for f in functions))


def _compiled(name, functions, dtype, cached):
    """A code library that holds ``functions``."""
    codegen = cpu_target.target_context.codegen()
    contents = _contents(functions)
    stored = disk_cache.read(name, contents, codegen) if cached else None
    if stored is not None:
        return codegen.unserialize_library(stored)
    library = codegen.create_library(name)
    library.enable_object_caching()
    module = library.create_ir_module(name)
    for function in functions:
        function.define(module, dtype)
    library.add_ir_module(module)
    library.finalize()
    if cached:
        disk_cache.write(name, contents, codegen, library.serialize_using_object_code())
    return library


def _ours(functions):
    """Those of the package's own sources, which the cache knows; a test's functions are compiled anew."""
    return [f for f in functions if f.body.__module__.startswith("fastbp.kernels.")]


def promise(dtype):
    """Have code compiled that calls the library, without the library: to be kept on disk, not to be run here."""
    for function in _ours(_registered):
        binding.add_symbol(function.symbol(dtype), NOWHERE)


@global_compiler_lock
def load(dtype):
    """Make every function registered so far callable for one element type: from memory, from disk, or compiled now.

    Functions registered since the last call are loaded beside those of before.
    """
    known = _loaded.setdefault(dtype, {})  # function: the library that holds it, which must stay alive
    new = [f for f in _registered if f not in known]
    ours = _ours(new)
    others = [f for f in new if f not in ours]
    for name, functions in ((f"vectors-{dtype}", ours), (f"more-vectors-{dtype}", others)):
        if functions:
            known.update(dict.fromkeys(functions, _compiled(name, functions, dtype, functions is ours)))


def address(function, dtype):
    """Where the machine code of a VectorFunction begins, for callers outside of compiled kernels."""
    load(dtype)
    return _loaded[dtype][function].get_pointer_to_function(function.symbol(dtype))


def is_cached(dtype):
    """Whether ``load`` would find all it needs on disk."""
    return disk_cache.contains(f"vectors-{dtype}", _contents(_ours(_registered)), cpu_target.target_context.codegen())
