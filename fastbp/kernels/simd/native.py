"""Machine code that is given back: modules of LLVM instructions, each loaded on its own and unloaded when nobody holds it.

What Numba loads stays as long as the process. Formulas come and go, so their code must not.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from llvmlite.binding import ffi
from numba.core.registry import cpu_target

from . import disk_cache
from .lock import global_compiler_lock
from .sources import KERNELS, Sources

MAX_LOADED = 64  # modules that are kept though nobody may hold them; the least recently used go first

# All that a formula goes through on its way to code. What it says is in the key; how nodes are ordered and found is not.
SOURCES = Sources("graph/tracing", "graph/autodiff", "graph/codegen", beside=KERNELS)

_loaded: OrderedDict[str, Code] = OrderedDict()


class Code:
    """The functions of one module, ready to be called. They are there as long as this object is.

    Attributes
    ----------
    addresses : list of int
        Of the functions, in the order in which the module's writer named them.
    """

    def __init__(self, image: bytes, names: list[str]) -> None:
        # All sections in one block of memory: code finds its constants by distances of 32 bits.
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target_machine(), use_lmm=True)
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(image))
        self._engine.finalize_object()
        self.addresses = [self._engine.get_function_address(name) for name in names]


@global_compiler_lock
def load(key: str, write: Callable[[ir.Module, str], list[str]]) -> Code:
    """Compiled functions: known already, found on disk, or compiled now.

    Parameters
    ----------
    key : str
        All that shapes the code, in words.
    write : callable
        ``write(module, name)`` writes functions into an LLVM module and tells their names, which begin with ``name``.
    """
    if key in _loaded:
        _loaded.move_to_end(key)
        return _loaded[key]
    codegen = cpu_target.target_context.codegen()
    name = "graph_" + hashlib.sha256(key.encode()).hexdigest()[:24]
    stored = disk_cache.read(name, key, codegen, SOURCES)
    if stored is None:
        module = ir.Module(name)
        names = write(module, name)
        stored = _compile(module), names
        disk_cache.write(name, key, codegen, stored, SOURCES)
    _loaded[key] = code = Code(*stored)
    if len(_loaded) > MAX_LOADED:
        _loaded.popitem(last=False)
    return code


def _compile(module: ir.Module) -> bytes:
    """A module of instructions as an object file."""
    machine = _target_machine()
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    parsed = llvm.parse_assembly(str(module), llvm.create_context())  # which goes with all that it was told
    parsed.verify()
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    passes = builder.getModulePassManager()
    try:
        passes.run(parsed, builder)
    finally:
        _dispose(passes)
    image: bytes = machine.emit_object(parsed)
    return image


def _dispose(passes: Any) -> None:
    """Free a pass manager, some 200 KB. llvmlite would not: its class inherits the method that does nothing before its own."""
    own = [cls for cls in type(passes).__mro__ if "_dispose" in vars(cls) and cls is not ffi.ObjectRef]
    if own:
        vars(own[0])["_dispose"](passes)
        passes.detach()


@cache
def _target() -> tuple[Any, str, str]:
    triple, cpu, features = cpu_target.target_context.codegen().magic_tuple()  # as for all other kernels
    return llvm.Target.from_triple(triple), cpu, features


def _target_machine() -> Any:
    """A new description of the machine: an execution engine takes the one that it is given."""
    target, cpu, features = _target()
    return target.create_target_machine(cpu=cpu, features=features, opt=3, reloc="pic", codemodel="small", jit=True)
