"""jvp, vjp and hvp: the Jacobian or the Hessian times a vector, without the matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..tracing.arithmetic import Arithmetic
from ..tracing.functions import tape_of
from ..tracing.node import Node, NodeTape
from ..tracing.node_array import flat_node
from ..tracing.trace import active_tape, call
from ..tracing.traversal import substitute
from ..tracing.tree import flatten, is_vector, matching
from .compiled import Argument, Build, Finish, arguments_on_tape, shared_formula
from .derivative import single_output, stand_in
from .forward_mode import jvp as tangents_of
from .output import Output
from .pieces import filled
from .recipes import derivatives, gradient_recipe


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> Any:
    """The value of f, and how it changes along a direction: the Jacobian times a vector, by forward mode.

    Parameters
    ----------
    f : callable
        As for ``fastbp.grad``, with results of any form.
    primals, tangents : tuple or list
        The arguments of f, and for each the direction, in its form.
    has_aux : bool
        Whether f returns a pair (value, aux) of which only the first is differentiated.

    Returns
    -------
    tuple
        (value, tangent), then aux if there is one.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.jvp(lambda x, y: x * y**2, (2.0, 3.0), (1.0, 0.5))
    (18.0, 15.0)
    """
    args, parameters = _with_tangents(primals, tangents)
    return _run(f, ("jvp", has_aux), partial(_jvp, has_aux=has_aux), args, parameters)


def _jvp(tape: NodeTape, f: Callable[..., Any], arguments: list[Argument], has_aux: bool = False) -> tuple[list[Node], Finish]:
    half = len(arguments) // 2
    output, aux = _outputs(tape, f, arguments[:half], has_aux)
    found = tangents_of(output.nodes, _directions(arguments))
    count = len(found)
    # A tangent that is the same for all rows has their number all the same.
    found = [filled(t, node) for t, node in zip(found, output.nodes, strict=True)]

    def finish(values: list[Any]) -> Any:
        pair = output.shaped(values[:count]), output.shaped_numbers(values[count : 2 * count])
        return pair if aux is None else (*pair, aux.shaped(values[2 * count :]))

    return [*output.nodes, *found, *([] if aux is None else aux.nodes)], finish


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of f, and a function that gives a vector times the Jacobian, by reverse mode.

    Parameters
    ----------
    f : callable
        As for ``fastbp.grad``, with results of any form.
    *primals
        The arguments of f.
    has_aux : bool
        Whether f returns a pair (value, aux) of which only the first is differentiated.

    Returns
    -------
    tuple
        (value, function), then aux if there is one. The function takes the vector in the form of the value and returns a tuple
        with the derivative for each argument, in its form.

    Examples
    --------
    >>> import fastbp
    >>> value, pull = fastbp.vjp(lambda x, y: x * y**2, 2.0, 3.0)
    >>> value, pull(1.0)
    (18.0, (9.0, 12.0))
    """
    if not primals:
        raise ValueError("vjp needs at least one argument to differentiate with respect to")
    primals = tuple(_copied(p) for p in primals)
    parameters = set(range(len(primals)))
    value, aux = _run(f, ("value", has_aux), partial(_value, has_aux=has_aux), primals, parameters)
    structure = flatten(value, lambda _: False)[1]

    def pull(cotangent: Any) -> Any:
        seeds = [leaf for _, leaf in matching(structure, cotangent, "the vector")]
        seeds = [_like(seed, leaf) for seed, (_, leaf) in zip(seeds, flatten(value, lambda _: False)[0], strict=True)]
        build = partial(_vjp, count=len(primals), has_aux=has_aux)
        return _run(f, ("vjp", has_aux, len(primals)), build, [*primals, *seeds], {*parameters})

    return (value, pull, aux) if has_aux else (value, pull)


def _like(seed: Any, value: Any) -> Any:
    """A part of the vector, of the shape and type of the part of the value that it belongs to."""
    shape, given = (v.shape if isinstance(v, Arithmetic) else np.shape(v) for v in (value, seed))
    if given != shape:
        raise ValueError(f"the vector must have the shape of the value, {shape}, got {given}")
    return np.asarray(seed, value.dtype) if isinstance(value, np.ndarray) and not _is_symbolic(seed) else seed


def _value(tape: NodeTape, f: Callable[..., Any], arguments: list[Argument], has_aux: bool) -> tuple[list[Node], Finish]:
    output, aux = _outputs(tape, f, arguments, has_aux)
    count = len(output.nodes)
    nodes = [*output.nodes, *([] if aux is None else aux.nodes)]
    return nodes, lambda values: (output.shaped(values[:count]), None if aux is None else aux.shaped(values[count:]))


def _vjp(
    tape: NodeTape, f: Callable[..., Any], arguments: list[Argument], count: int, has_aux: bool
) -> tuple[list[Node], Finish]:
    primals, seeds = arguments[:count], [leaf for argument in arguments[count:] for leaf in map(flat_node, argument.leaves)]
    output, _ = _outputs(tape, f, primals, has_aux)
    total = tape.constant(0.0)
    for node, seed in zip(output.nodes, seeds, strict=True):
        total = tape.make("add", total, tape.sum(tape.make("mul", node, seed)))
    nodes = derivatives(total, [flat_node(leaf) for argument in primals for leaf in argument.leaves])

    def finish(values: list[Any]) -> Any:
        left = iter(values)
        return tuple(argument.given(left) for argument in primals)

    return nodes, finish


def hvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """The Hessian of f times a vector, without the Hessian: the gradient's change along a direction.

    What JAX's users write as ``jvp(grad(f), primals, tangents)[1]``, for all arguments. See Pearlmutter 1994, Fast exact
    multiplication by the Hessian.

    Parameters
    ----------
    f : callable
        Returns a single number.
    primals, tangents : tuple or list
        The arguments of f, and for each the part of the vector, in its form.

    Returns
    -------
    number, array, ...
        In the form of the argument; a tuple of them for several arguments.

    Examples
    --------
    >>> import fastbp, numpy
    >>> fastbp.hvp(lambda p: p[0] ** 2 * p[1], (numpy.array([2.0, 3.0]),), (numpy.array([1.0, 0.0]),))
    array([6., 4.])
    """
    args, parameters = _with_tangents(primals, tangents)
    return _run(f, "hvp", _hvp, args, parameters)


def _hvp(tape: NodeTape, f: Callable[..., Any], arguments: list[Argument]) -> tuple[list[Node], Finish]:
    half = len(arguments) // 2
    primals = arguments[:half]
    output, _ = _outputs(tape, f, primals, False)
    leaves = [leaf for argument in primals for leaf in argument.leaves]
    nodes, _ = gradient_recipe(single_output(output.nodes, f), [flat_node(leaf) for leaf in leaves])
    found = tangents_of(nodes, _directions(arguments))
    found = [filled(t, node) for t, node in zip(found, nodes, strict=True)]

    def finish(values: list[Any]) -> Any:
        left = iter(values)
        parts = [argument.given(left) for argument in primals]
        return parts[0] if len(parts) == 1 else tuple(parts)

    return found, finish


# -- what the three share


def _with_tangents(primals: Any, tangents: Any) -> tuple[list[Any], set[int]]:
    """The arguments, then the directions in the same form, and which of them are parameters."""
    for name, value in (("primals", primals), ("tangents", tangents)):
        if not isinstance(value, tuple | list):
            raise TypeError(f"{name} must be a tuple or list with one item for each argument of f, got {type(value).__name__}")
    if len(primals) != len(tangents) or not primals:
        raise TypeError(f"primals and tangents must be as many, at least one, got {len(primals)} and {len(tangents)}")
    directions = []
    for i, (primal, tangent) in enumerate(zip(primals, tangents, strict=True)):
        leaves, structure = flatten(primal, is_vector)
        parts = []
        for (path, leaf), (_, part) in zip(leaves, matching(structure, tangent, f"tangents[{i}]"), strict=True):
            if not _is_symbolic(leaf) and not _is_symbolic(part):
                leaf, part = np.asarray(leaf), np.asarray(part)
                if leaf.shape != part.shape:
                    raise ValueError(f"tangents[{i}]{path} must have shape {leaf.shape}, got {part.shape}")
                part = part.astype(leaf.dtype) if leaf.dtype.kind == "f" else part
            parts.append(part)
        directions.append(structure.rebuild(iter(parts)))
    return [*primals, *directions], set(range(2 * len(primals)))


def _is_symbolic(value: Any) -> bool:
    return tape_of([value]) is not None


def _copied(primal: Any) -> Any:
    """An argument that later changes of its arrays do not reach."""
    leaves, structure = flatten(primal, is_vector)
    return structure.rebuild(iter([leaf.copy() if isinstance(leaf, np.ndarray) else leaf for _, leaf in leaves]))


def _outputs(tape: NodeTape, f: Callable[..., Any], arguments: list[Argument], has_aux: bool) -> tuple[Output, Output | None]:
    value = call(tape, f, *(argument.whole() for argument in arguments))
    if not has_aux:
        return Output(tape, value, f), None
    if not isinstance(value, tuple) or len(value) != 2:
        raise TypeError(f"with has_aux=True f must return a pair (value, aux), got {value!r}")
    return Output(tape, value[0], f), Output(tape, value[1])


def _directions(arguments: list[Argument]) -> dict[Node, Node]:
    """For each leaf of the first half of the arguments its direction, from the other half."""
    half = len(arguments) // 2
    found: dict[Node, Node] = {}
    for argument, direction in zip(arguments[:half], arguments[half:], strict=True):
        for leaf, tangent in zip(argument.leaves, map(flat_node, direction.leaves), strict=True):
            node = flat_node(leaf)
            if node.op == "stack":
                found.update({a: tangent.tape.element(tangent, k) for k, a in enumerate(node.args)})
            else:
                found[node] = tangent
    return found


def _run(f: Callable[..., Any], kind: Any, build: Build, args: Sequence[Any], parameters: set[int]) -> Any:
    """Compute, or become a part of the formula that is being traced."""
    tape = active_tape() or tape_of([leaf for arg in args for _, leaf in flatten(arg, is_vector)[0]])
    if tape is None:
        return shared_formula(f, kind, build)(args, parameters)
    arguments = arguments_on_tape(tape, args, parameters)
    variables: list[Node] = []
    inner = []
    for argument in arguments:
        pairs = [stand_in(tape, leaf) for leaf in argument.leaves]
        inner.append(Argument(argument.structure, [node for node, _ in pairs]))
        variables += [variable for _, of in pairs for variable in of]
    nodes, finish = build(tape, f, inner)
    return finish(substitute(nodes, {variable: variable.args[0] for variable in variables}))
