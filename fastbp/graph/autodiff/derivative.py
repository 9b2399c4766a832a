"""Derivatives of Python functions, named and called as in JAX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..tracing.errors import trace_error
from ..tracing.functions import tape_of
from ..tracing.node import Node, NodeTape
from ..tracing.node_array import flat_node, shaped
from ..tracing.trace import active_tape, as_results, call
from ..tracing.traversal import substitute
from ..tracing.tree import flatten, is_vector
from .compiled import Argument, CompiledFormula, Finish, arguments_on_tape
from .output import Output
from .recipes import Recipe


class Derivative:
    """A function's derivative: traced for each new set of shapes, and again when something it refers to may have changed."""

    def __init__(self, f: Callable[..., Any], argnums: int | Sequence[int], recipe: Recipe, has_aux: bool = False) -> None:
        if not callable(f):
            raise TypeError(f"f must be a function, got {f!r}")
        self._f, self._recipe, self._has_aux = f, recipe, bool(has_aux)
        self.__wrapped__ = f  # as functools.wraps sets it: for inspect, and for what f refers to
        self._single, self._argnums = argument_numbers(argnums)
        self._compiled = CompiledFormula(f, self._build)
        self.__name__ = f"{recipe.__name__.removesuffix('_recipe')}_{getattr(f, '__name__', 'formula')}"
        self.__doc__ = getattr(f, "__doc__", None)

    def __call__(self, *args: Any, **settings: Any) -> Any:
        for i in self._argnums:
            if not -len(args) <= i < len(args):
                raise ValueError(f"argnums names argument {i}, the function was given {len(args)}")
        numbers = {i % len(args) for i in self._argnums}
        tape = active_tape() or tape_of([leaf for arg in args for _, leaf in flatten(arg, is_vector)[0]])
        if tape is not None:
            return self._on_tape(tape, partial(self._f, **settings), arguments_on_tape(tape, args, numbers), numbers)
        return self._compiled(args, numbers, settings)

    def _build(self, tape: NodeTape, f: Callable[..., Any], arguments: list[Argument]) -> tuple[list[Node], Finish]:
        output, aux = self._call(tape, f, [a.whole() for a in arguments])
        chosen = [arguments[i] for i in self._argnums]
        wrt = [flat_node(leaf) for argument in chosen for leaf in argument.leaves]
        if not wrt:
            raise ValueError("there is nothing to differentiate with respect to: the argument holds no numbers")
        forms = _Forms(self._single, chosen)
        nodes, finish = self._recipe(output, wrt)
        if aux is None:
            return nodes, lambda values: finish(values, forms)
        return [*nodes, *aux.nodes], lambda values: self._with_aux(
            finish(values[: len(nodes)], forms), aux.shaped(values[len(nodes) :])
        )

    def _with_aux(self, found: Any, aux: Any) -> Any:
        """As in JAX: beside the value if there is one, else beside the derivative."""
        return ((found[0], aux), found[1]) if self._recipe.__name__.startswith("value") else (found, aux)

    def _call(self, tape: NodeTape, f: Callable[..., Any], args: list[Any]) -> tuple[Node, Output | None]:
        """The result to differentiate, and what else f gives."""
        value = call(tape, f, *args)
        if not self._has_aux:
            return single_output(as_results(tape, value, self._f), self._f), None
        if not isinstance(value, tuple) or len(value) != 2:
            raise TypeError(f"with has_aux=True f must return a pair (value, aux), got {value!r}")
        return single_output(as_results(tape, value[0], self._f), self._f), Output(tape, value[1])

    def _on_tape(self, tape: NodeTape, f: Callable[..., Any], arguments: list[Argument], numbers: set[int]) -> Any:
        """A derivative inside of another formula."""
        variables: list[Node] = []
        inner = []
        for i, argument in enumerate(arguments):
            if i not in numbers:
                inner.append(argument)
                continue
            pairs = [stand_in(tape, leaf) for leaf in argument.leaves]
            inner.append(Argument(argument.structure, [node for node, _ in pairs]))
            variables += [variable for _, of in pairs for variable in of]
        nodes, finish = self._build(tape, f, inner)
        return finish(substitute(nodes, {variable: variable.args[0] for variable in variables}))


class _Forms:
    """Parts, one for each leaf, in the form of the arguments that were differentiated with respect to."""

    def __init__(self, single: bool, arguments: list[Argument]) -> None:
        self._single, self._arguments = single, arguments
        self.shapes = [leaf.shape for argument in arguments for leaf in argument.leaves]

    def given(self, parts: Sequence[Any]) -> Any:
        left = iter(parts)
        found = [argument.given(left) for argument in self._arguments]
        return found[0] if self._single else tuple(found)

    def arrays(self, parts: Sequence[Any]) -> Any:
        left = iter(parts)
        found = [argument.structure.rebuild(left) for argument in self._arguments]
        return found[0] if self._single else tuple(found)


def stand_in(tape: NodeTape, leaf: Any) -> tuple[Any, list[Node]]:
    """Something to differentiate with respect to instead of a node or an array of nodes, and the variables in it."""
    node = flat_node(leaf)
    if node.op == "stack" and node.args:  # a batch has none, and is refused as a variable
        variables = [tape.variable(a) for a in node.args]
        return shaped(tape.stack(variables), leaf.shape), variables
    variable = tape.variable(node)
    return (shaped(variable, leaf.shape) if len(leaf.shape) > 1 else variable), [variable]


def argument_numbers(argnums: Any) -> tuple[bool, list[int]]:
    """Whether ``argnums`` names one argument alone, and all that it names."""
    single = not isinstance(argnums, Sequence) or isinstance(argnums, str)
    numbers = [argnums] if single else argnums
    if any(isinstance(i, bool) or not hasattr(i, "__index__") for i in numbers):
        raise TypeError(f"argnums must be an integer or a sequence of integers, got {argnums!r}")
    return single, [i.__index__() for i in numbers]


def single_output(outputs: list[Node], f: Callable[..., Any]) -> Node:
    if len(outputs) != 1:
        raise trace_error(
            f"A formula to differentiate must return one thing, not a tuple of {len(outputs)}.",
            "Return a number, or fastbp.stack([...]) for jacobian. With has_aux=True a second result is passed on.",
            f,
        )
    return outputs[0]
