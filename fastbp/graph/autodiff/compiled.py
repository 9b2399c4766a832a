"""What is computed from a formula, compiled at its calls: for each form of arguments and each way through its branches."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MethodType
from typing import Any

import numpy as np

from ..codegen.program import Program
from ..tracing.branches import Branches
from ..tracing.closure_fingerprint import ClosureFingerprint
from ..tracing.functions import as_node
from ..tracing.node import Node, NodeTape
from ..tracing.node_array import shaped
from ..tracing.tape import Tape
from ..tracing.trace import argument, argument_names, as_condition, input_nodes, trace_within
from ..tracing.tree import Structure, as_given, flatten, is_array, is_vector

MAX_CACHED = 32  # forms of one function's arguments
MAX_WAYS = 16  # ways through its branches for each of them
_PLAIN = {bool, int, float, str, bytes, type(None)}

Finish = Callable[[list[Any]], Any]  # from the values of the nodes to what is returned


@dataclass
class Argument:
    """One argument of a formula that is being traced: its form, and what stands for each of its leaves."""

    structure: Structure
    leaves: list[Any]

    def whole(self, leaves: Sequence[Any] | None = None) -> Any:
        """The argument as the formula gets it."""
        return self.structure.rebuild(iter(self.leaves if leaves is None else leaves))

    def given(self, values: Iterator[Any]) -> Any:
        """What has been computed for each leaf, in the form in which the argument was given."""
        parts = [in_shape(next(values), leaf.shape) for leaf in self.leaves]
        return self.structure.rebuild(iter(parts), as_given)


# From a tape, the formula and its arguments: the nodes to compute, and how to return their values.
Build = Callable[[NodeTape, Callable[..., Any], list[Argument]], tuple[list[Node], Finish]]


@dataclass
class Way:
    """A formula as it is along one way through its branches."""

    program: Program
    finish: Finish
    is_guarded: bool  # whether its last result tells if this is the way for these values

    def __call__(self, values: list[Any]) -> tuple[bool, list[Any]]:
        """Whether it is, and the results."""
        found = self.program(values)
        return (bool(found.pop()), found) if self.is_guarded else (True, found)


class CompiledFormula:
    """A function that traces, builds and compiles when it is called, and again when what the formula reads has changed.

    Parameters
    ----------
    f : callable
        The formula.
    build : callable
        What to compute from it.
    """

    def __init__(self, f: Callable[..., Any], build: Build) -> None:
        self.f, self.build = f, build
        self._cache: OrderedDict[Any, tuple[list[Way], ClosureFingerprint]] = OrderedDict()

    def __call__(self, args: Sequence[Any], parameters: set[int], settings: Mapping[str, Any] | None = None) -> Any:
        """Compute for these arguments; ``parameters`` says which are parameters rather than data."""
        settings = settings or {}
        trees = [flatten(arg, is_vector if i in parameters else is_array) for i, arg in enumerate(args)]
        structures = [structure for _, structure in trees]
        arrays = [[_array(f"argument {i}{path}", leaf) for path, leaf in leaves] for i, (leaves, _) in enumerate(trees)]
        named = {name: value for name, value in settings.items() if _is_data(value)}
        every = [*(array for group in arrays for array in group), *named.values()]
        dtype = _dtype(every)
        key = (dtype, *structures, *((a.shape, a.dtype.kind) for a in every), *map(_setting_key, settings.items()))
        values = every
        ways, fingerprint = self._cache.get(key, (None, None))
        if ways is None or fingerprint is None or not fingerprint.unchanged():
            ways, fingerprint = self._cache[key] = [], ClosureFingerprint(self.f)
            fingerprint.is_known &= all(name in named or _is_plain(value) for name, value in settings.items())
            if len(self._cache) > MAX_CACHED:
                self._cache.popitem(last=False)
        for i, way in enumerate(ways):
            holds, found = way(values)
            if holds:
                if i:
                    ways.insert(0, ways.pop(i))
                return way.finish(found)
        paths = [[path for path, _ in leaves] for leaves, _ in trees]

        def make(tape: Tape, f: Callable[..., Any]) -> Way:
            named_nodes = {name: argument(tape, name, value) for name, value in named.items()}
            arguments = _arguments(tape, argument_names(f, len(args)), paths, arrays, structures)
            inputs = input_nodes([*(leaf for a in arguments for leaf in a.leaves), *named_nodes.values()])
            whole = {node.index for node, array in zip(inputs, every, strict=True) if array.dtype.kind in "iu"}
            known = {node.index: _flat(value, dtype) for node, value in zip(inputs, values, strict=True)}
            tape.branches = Branches(known, whole, dtype)
            handed = [_handed(tape, a, group) for a, group in zip(arguments, arrays, strict=True)]
            nodes, finish = self.build(tape, partial(f, **{**settings, **named_nodes}) if settings else f, handed)
            guard = tape.branches.guard()
            flag = [] if guard is None else [tape.number(guard)]
            return Way(Program(inputs, [*nodes, *flag], dtype), finish, bool(flag))

        way = trace_within(fingerprint, self.f, make)
        ways.insert(0, way)
        del ways[MAX_WAYS:]
        return way.finish(way(values)[1])  # where rounding has it otherwise than the flag, both ways are right


_shared: OrderedDict[Any, CompiledFormula] = OrderedDict()


def shared_formula(f: Callable[..., Any], kind: Any, build: Build) -> CompiledFormula:
    """The same object for the same function, of what is computed at once rather than returned as a function.

    A method is made anew whenever it is asked for.
    """
    if not callable(f):
        raise TypeError(f"f must be a function, got {f!r}")
    key = (kind, id(f.__self__), id(f.__func__)) if isinstance(f, MethodType) else (kind, id(f))
    found = _shared.get(key)  # it keeps f, and so its id
    if found is None:
        found = _shared[key] = CompiledFormula(f, build)
        if len(_shared) > MAX_CACHED:
            _shared.popitem(last=False)
    return found


def _arguments(
    tape: Tape, names: list[str], paths: list[list[str]], arrays: list[list[np.ndarray]], structures: list[Structure]
) -> list[Argument]:
    """What stands for each argument."""
    found = []
    for name, places, group, structure in zip(names, paths, arrays, structures, strict=True):
        leaves = [argument(tape, name + place, array) for place, array in zip(places, group, strict=True)]
        found.append(Argument(structure, leaves))
    return found


def _handed(tape: Tape, given: Argument, arrays: list[np.ndarray]) -> Argument:
    """The same with booleans as conditions."""
    leaves = [as_condition(tape, leaf, array) for leaf, array in zip(given.leaves, arrays, strict=True)]
    return Argument(given.structure, leaves)


def arguments_on_tape(tape: NodeTape, args: Sequence[Any], parameters: set[int]) -> list[Argument]:
    """The arguments of a formula that is a part of another one."""
    found = []
    for i, arg in enumerate(args):
        leaves, structure = flatten(arg, is_vector if i in parameters else is_array)
        found.append(Argument(structure, [as_node(tape, leaf) for _, leaf in leaves]))
    return found


def in_shape(value: Any, shape: tuple[int, ...]) -> Any:
    """A vector of values, or of nodes, in the shape of an array."""
    if len(shape) < 2:
        return value
    return value.reshape(shape) if isinstance(value, np.ndarray) else shaped(value, shape)


def _flat(value: np.ndarray, dtype: str) -> Any:
    return np.asarray(value, dtype).ravel() if value.ndim else np.asarray(value, dtype)[()]


def _is_data(value: Any) -> bool:
    """Whether a keyword argument is data, read at each call, rather than a setting, which is a part of the formula."""
    return isinstance(value, np.ndarray) and bool(value.ndim)


def _is_plain(value: Any) -> bool:
    return type(value) in _PLAIN or isinstance(value, np.generic)


def _setting_key(item: tuple[str, Any]) -> Any:
    """The part of a call's cache key for a keyword argument: a setting's value, the shape of data."""
    name, value = item
    return name, type(value), value.shape if _is_data(value) else repr(value) if _is_plain(value) else None


def _dtype(arrays: list[np.ndarray]) -> str:
    """float32 if all arrays are; numbers and integers follow them."""
    kinds = {a.dtype.name for a in arrays if a.ndim and a.dtype.kind == "f"}
    return "float32" if kinds == {"float32"} else "float64"


def _array(name: str, value: Any) -> np.ndarray:
    try:
        return np.asarray(value)
    except ValueError:
        raise TypeError(f"{name} must be a number or an array of numbers, got {value!r}") from None
