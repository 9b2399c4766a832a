"""Everything that a Python function's code can reach besides its arguments.

Which attributes matter follows from the code: an attribute is read by a name that occurs in the code of some function within
reach. Code that reads attributes in other ways (``getattr``, ``vars``, ``__getattr__`` ...) ends the walk without a proof.
"""

from __future__ import annotations

import abc
import array
import builtins
import collections
import functools
import types
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from .purity import IMPURE_MODULES, IMPURE_NAMES, is_library, is_pure
from .python_code import code_objects, imports, is_written_in_python, may_substitute

MISSING = object()
MAX_COMPARED_BYTES = 1 << 15  # of an array: comparing more takes longer than tracing again
MAX_WATCHED = 2000  # things to compare before each call, likewise

_IMMUTABLE = {
    *(int, float, complex, bool, str, bytes, type(None), type(...), type(NotImplemented), range, slice, object),
    *(Decimal, Fraction, np.ufunc, np.dtype, types.CodeType, types.GenericAlias, types.UnionType),
}
_BUILTIN = {types.BuiltinFunctionType, type(np.mean)}
_SEQUENCES = {list, tuple, set, frozenset, collections.deque}
_MAPPINGS = {dict, collections.OrderedDict, collections.defaultdict, collections.Counter, types.MappingProxyType}
_ARRAYS = {np.ndarray, np.memmap, array.array, bytearray}

# Special methods that computing with an object does not call.
_UNUSED_METHODS = {
    *("__repr__", "__str__", "__format__", "__init_subclass__", "__subclasshook__", "__reduce__", "__reduce_ex__", "__del__"),
    *("__getstate__", "__setstate__", "__copy__", "__deepcopy__", "__hash__", "__sizeof__", "__dir__", "__class_getitem__"),
    *("__set_name__", "__setattr__", "__delattr__", "__replace__", "__annotate__", "__annotate_func__"),
}
_MADE_BY_CLASS_STATEMENTS = (types.MemberDescriptorType, type(vars(collections.namedtuple("_", "x"))["x"]))


def array_contents(value: Any) -> Any:
    """A copy of what can change in an array."""
    if isinstance(value, np.ndarray):
        return value.tobytes(), value.shape, value.dtype
    return value.tobytes() if isinstance(value, array.array) else bytes(value)


class ClosureWalk:
    """One walk through all that ``f`` can reach by the attribute names ``wanted``.

    Attributes
    ----------
    is_known : bool
        Whether everything that matters is in the lists below.
    names : set of str
        The names in all code within reach. If there are more than ``wanted``, another walk is needed.
    cells, entries, attributes, sequences, mappings, contents, large_vectors : list
        What to compare, each with its present value.
    """

    def __init__(self, f: Any, wanted: set[str]) -> None:
        self.root, self.names, self._wanted = f, set(wanted), wanted
        self.is_known = True
        self.root_names: set[str] = set()
        self.cells: list[tuple[types.CellType, Any]] = []
        self.entries: list[tuple[Any, str, Any]] = []
        self.attributes: list[tuple[Any, str, Any]] = []
        self.sequences: list[tuple[Any, tuple[Any, ...]]] = []
        self.mappings: list[tuple[Any, tuple[Any, ...], tuple[Any, ...]]] = []
        self.contents: list[tuple[Any, Any]] = []
        self.large_vectors: list[tuple[np.ndarray, tuple[int, ...], np.dtype]] = []
        self._visited: dict[int, Any] = {}  # it holds the objects, so that no other gets the same id
        self._waiting = [f]
        while self._waiting and self.is_known:
            self._visit(self._waiting.pop())
            if len(self.entries) + len(self.attributes) > MAX_WATCHED:
                self.is_known = False

    def _visit(self, value: Any) -> None:
        kind = type(value)
        if kind in _IMMUTABLE or (isinstance(value, np.generic) and kind is not np.void) or id(value) in self._visited:
            return
        self._visited[id(value)] = value
        if kind is types.FunctionType:
            self._visit_function(value)
        elif kind is types.MethodType:
            self._waiting += value.__self__, value.__func__
        elif kind in _BUILTIN:
            self._visit_builtin(value)
        elif isinstance(value, types.ModuleType):
            self._visit_module(value)
        elif isinstance(value, type):
            if not is_pure(value.__module__):
                self._visit_class(value)
        elif kind is functools.partial:
            self._watch_attributes(value, "func", "args", "keywords")
        elif kind in _ARRAYS:
            self._visit_array(value)
        elif kind in _SEQUENCES:
            self._visit_sequence(value)
        elif kind in _MAPPINGS:
            self._visit_mapping(value)
        elif kind.__module__.startswith("fastbp.") and hasattr(value, "__wrapped__"):  # a derivative
            self._waiting.append(value.__wrapped__)
        else:
            self._visit_object(value)

    def _watch_attributes(self, owner: Any, *names: str) -> None:
        for name in names:
            value = getattr(owner, name, MISSING)
            self.attributes.append((owner, name, value))
            self._waiting.append(value)

    # -- functions

    def _visit_function(self, f: types.FunctionType) -> None:
        if f is not self.root and is_library(f):
            self.is_known = self.is_known and f.__name__ not in IMPURE_NAMES
            return
        parts = list(code_objects(f.__code__))
        names = {name for code in parts for name in code.co_names}
        self.names |= names
        self._watch_attributes(f, "__code__", "__defaults__", "__kwdefaults__")
        if f.__dict__:
            self._visit_mapping(f.__dict__)
        as_root = f is self.root and may_substitute(parts)
        if f is self.root:
            self.root_names = names
        for cell in f.__closure__ or ():
            try:
                value = cell.cell_contents
            except ValueError:  # not filled yet
                self.is_known = False
                return
            self.cells.append((cell, value))
            self._visit_name(value, as_root)
        for name in names:
            value = f.__globals__.get(name, MISSING)
            if value is not MISSING:
                self.entries.append((f.__globals__, name, value))
                self._visit_name(value, as_root)
            elif hasattr(builtins, name):
                self.entries.append((f.__globals__, name, MISSING))
                self.is_known = self.is_known and name not in IMPURE_NAMES
        if names & {"__dict__", "__getattribute__", "__globals__", "__closure__"} or any(map(imports, parts)):
            self.is_known = False

    def _visit_name(self, value: Any, as_root: bool) -> None:
        if as_root and _is_large_vector(value):
            self.large_vectors.append((value, value.shape, value.dtype))
        else:
            self._waiting.append(value)

    def _visit_builtin(self, f: Any) -> None:
        owner = getattr(f, "__self__", None)
        if owner is None or isinstance(owner, types.ModuleType):
            self.is_known = self.is_known and is_pure(f.__module__ or "") and f.__name__ not in IMPURE_NAMES
        else:
            self._waiting.append(owner)

    # -- containers

    def _visit_array(self, value: Any) -> None:
        size = value.nbytes if isinstance(value, np.ndarray) else len(value)
        if size > MAX_COMPARED_BYTES or (isinstance(value, np.ndarray) and value.dtype.hasobject):
            self.is_known = False
        else:
            self.contents.append((value, array_contents(value)))

    def _visit_sequence(self, value: Any) -> None:
        if len(value) > MAX_WATCHED:
            self.is_known = False
            return
        items = tuple(value)
        if not isinstance(value, tuple | frozenset):
            self.sequences.append((value, items))
        self._waiting += items

    def _visit_mapping(self, value: Any) -> None:
        if len(value) > MAX_WATCHED:
            self.is_known = False
            return
        keys, values = tuple(value.keys()), tuple(value.values())
        self.mappings.append((value, keys, values))
        self._waiting += keys
        self._waiting += values
        if isinstance(value, collections.defaultdict):
            self._waiting.append(value.default_factory)

    # -- modules, classes and objects

    def _visit_module(self, module: types.ModuleType) -> None:
        name, table = module.__name__, module.__dict__
        known = is_pure(name) or name == "scipy"
        if name.startswith(IMPURE_MODULES) or not (known or (type(module) is types.ModuleType and "__getattr__" not in table)):
            self.is_known = False
            return
        for attribute in self._wanted:
            value = table.get(attribute, MISSING)
            if value is not MISSING or not known:
                self.entries.append((table, attribute, value))
                self._waiting.append(value)

    def _visit_class(self, kind: type, instance: Any = None) -> None:
        """What the code may read from a class that is written in Python."""
        if type(kind) not in (type, abc.ABCMeta):
            self.is_known = False
            return
        self.attributes.append((kind, "__mro__", kind.__mro__))
        for base in kind.__mro__:
            if base in (object, tuple):
                continue
            if not is_written_in_python(base):
                self.is_known = False
                return
            table = base.__dict__
            used = [n for n, v in table.items() if n.startswith("__") and isinstance(v, types.FunctionType)]
            for name in {*self._wanted, *used} - _UNUSED_METHODS:
                value = table.get(name, MISSING)
                self.entries.append((table, name, value))
                self._visit_class_entry(name, value, instance)

    def _visit_class_entry(self, name: str, value: Any, instance: Any) -> None:
        if isinstance(value, staticmethod | classmethod):
            self._waiting.append(value.__func__)
        elif isinstance(value, property):
            self._waiting += value.fget, value.fset
        elif isinstance(value, functools.cached_property):
            self._waiting.append(value.func)
        elif isinstance(value, _MADE_BY_CLASS_STATEMENTS):
            if instance is not None:
                self._watch_attributes(instance, name)
        elif isinstance(value, types.FunctionType | type) or not hasattr(type(value), "__get__"):
            self._waiting.append(value)
        elif not isinstance(value, types.GetSetDescriptorType):  # __dict__ and __weakref__
            self.is_known = False

    def _visit_object(self, value: Any) -> None:
        kind = type(value)
        if kind is not types.SimpleNamespace:
            self._visit_class(kind, value)
            if not self.is_known:
                return
        self.attributes.append((value, "__class__", kind))
        if isinstance(value, tuple):
            self._waiting += value
        table = getattr(value, "__dict__", None)
        if type(table) is not dict:
            return
        self.attributes.append((value, "__dict__", table))
        if is_pure(kind.__module__):  # the names in a library's own code are not among ``_wanted``
            self._visit_mapping(table)
            return
        for name in self._wanted:
            self.entries.append((table, name, table.get(name, MISSING)))
            self._waiting.append(table.get(name))


def _is_large_vector(value: Any) -> bool:
    is_vector = type(value) is np.ndarray and value.ndim > 0 and value.dtype == np.float64
    return is_vector and value.nbytes > MAX_COMPARED_BYTES
