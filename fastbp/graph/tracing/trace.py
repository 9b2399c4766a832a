"""A Python function becomes a graph, by being called once with nodes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeVar

import numpy as np

from ..autodiff.chain_rule import live
from ..autodiff.interpreter import run_backward, run_forward
from .errors import TraceError, call_error, is_about_nodes, missing_attribute, trace_error
from .functions import tape_of
from .node import Node
from .surroundings import Surroundings
from .tape import Tape
from .text import as_code

_ROWS = "Take its rows: x[0], x[1], ..."
Traced = TypeVar("Traced")
_tracing: ContextVar[Tape | None] = ContextVar("tracing", default=None)


@contextmanager
def tracing(tape: Tape) -> Iterator[None]:
    """While a formula is called with nodes of this tape."""
    token = _tracing.set(tape)
    try:
        yield
    finally:
        _tracing.reset(token)


def call(tape: Tape, f: Callable[..., Any], *args: Any) -> Any:
    """What a formula returns for nodes of this tape.

    Raises
    ------
    TraceError
        Also where a function that the formula calls fails because it knows no nodes.
    """
    with tracing(tape):
        try:
            return f(*args)
        except TraceError:
            raise
        except Exception as error:
            if not is_about_nodes(error):
                raise
            raise call_error(error) from error


def active_tape() -> Tape | None:
    """The tape of the formula that is being traced now, if any."""
    return _tracing.get()


class Rows:
    """A two-dimensional argument as a formula sees it: rows (or columns) that are vectors of their own."""

    def __init__(self, tape: Tape, name: str, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.nodes = [tape.input(f"{name}[{i}]", (shape[1],)) for i in range(shape[0])]

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple) and len(key) == 2 and key[1] == slice(None):
            key = key[0]
        if hasattr(key, "__index__") and not isinstance(key, Node):
            return self.nodes[key]
        if isinstance(key, tuple) and len(key) == 2 and all(hasattr(k, "__index__") for k in key):
            return self.nodes[key[0]][key[1]]
        raise trace_error(f"A formula cannot index an array of shape {self.shape} with {key!r}.", _ROWS)

    def __getattr__(self, name: str) -> Any:
        raise missing_attribute(f"An array of shape {self.shape} has no {name} in a formula.", _ROWS)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise trace_error(f"A formula cannot compute with an array of shape {self.shape}.", _ROWS)

    def _no(self, *_: Any) -> Any:
        return self.__array__()

    __hash__ = object.__hash__
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __abs__ = __matmul__ = __rmatmul__ = _no
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __neg__ = (
        _no
    )


class Graph:
    """A formula as a graph of nodes.

    Attributes
    ----------
    inputs : list of Node
        One for each argument (for each row of a two-dimensional argument).
    nodes : list of Node
        All that the result needs, arguments of a node before it.
    outputs : list of Node
        The result, or the results.

    Examples
    --------
    >>> import fastbp
    >>> graph = fastbp.trace(lambda x, y: (x * y + 1.0) ** 2, 2.0, 3.0)
    >>> graph.forward(2.0, 3.0)
    49.0
    >>> graph.backward()
    [42.0, 28.0]
    >>> for node in graph.nodes:
    ...     print(node, node.value, node.grad)
    <Node x> 2.0 42.0
    <Node y> 3.0 28.0
    <Node mul> 6.0 14.0
    <Node constant> 1.0 14.0
    <Node add> 7.0 14.0
    <Node mul> 49.0 1.0
    """

    def __init__(self, name: str, inputs: list[Node], outputs: list[Node]) -> None:
        self.name, self.inputs, self.outputs = name, inputs, outputs
        needed = {node.index: node for node in [*live(outputs), *inputs]}
        self.nodes = [needed[i] for i in sorted(needed)]

    @property
    def tape(self) -> Tape:
        return self.outputs[0].tape

    def __str__(self) -> str:
        return as_code(self)

    __repr__ = __str__

    def forward(self, *args: Any) -> Any:
        """Compute each node's value, step by step, in the order of ``nodes``.

        Parameters
        ----------
        *args
            As for the formula.

        Returns
        -------
        float, array, or list of them
            The result.

        Examples
        --------
        >>> import fastbp
        >>> fastbp.trace(lambda x: x**2, 1.0).forward(3.0)
        9.0
        """
        values = flatten(args)
        if len(values) != len(self.inputs):
            raise TypeError(f"the graph has {len(self.inputs)} arguments, {len(values)} were given")
        results = run_forward(self, values)
        return results[0] if len(results) == 1 else results

    def backward(self, seed: Any = 1.0) -> list[Any]:
        """Compute each node's ``grad``, the derivative of the (first) result by it, from the result back.

        Parameters
        ----------
        seed : float or array
            The derivative by the result itself. Where the result has rows, 1 stands for the derivative of their sum.

        Returns
        -------
        list
            The derivatives by the inputs.

        Examples
        --------
        >>> import fastbp
        >>> graph = fastbp.trace(lambda x: x**2, 1.0)
        >>> _ = graph.forward(3.0)
        >>> graph.backward()
        [6.0]
        """
        return run_backward(self, seed)

    def draw(self, path: Any = None) -> Any:
        """A picture of the graph: operators, values (black) and derivatives (red), forward and backward edges.

        Parameters
        ----------
        path : str or path, optional
            Where to save it: .svg, or what matplotlib can write (.png, .pdf).

        Returns
        -------
        Picture
            Shows itself in a notebook; ``str(picture)`` is the SVG text.

        Examples
        --------
        >>> import fastbp
        >>> str(fastbp.trace(lambda x: x**2, 1.0).draw())[:4]
        '<svg'
        """
        from ..drawing.draw import draw

        return draw(self, path)

    def _repr_svg_(self) -> str:
        return str(self.draw())


def flatten(args: Sequence[Any]) -> list[Any]:
    """Arguments one by one, arrays of two dimensions as their rows."""
    flat: list[Any] = []
    for value in args:
        if np.ndim(value) == 2:
            flat.extend(np.asarray(value))
        else:
            flat.append(value)
    return flat


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """Names for so many arguments of f."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    found: list[str] = []
    for parameter in parameters:
        if parameter.kind == parameter.VAR_POSITIONAL:
            found += [f"{parameter.name}{i}" for i in range(count - len(found))]
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            found.append(parameter.name)
    return (found + [f"a{i}" for i in range(len(found), count)])[:count]


def argument(tape: Tape, name: str, example: Any) -> Any:
    """What stands for one argument while its function is traced."""
    array = np.asarray(example)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"argument {name} must be a number or an array of numbers, got {example!r}")
    if array.ndim > 2:
        raise TypeError(f"argument {name} must have at most two dimensions, got shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"argument {name} is empty")
    return Rows(tape, name, array.shape) if array.ndim == 2 else tape.input(name, array.shape)


def results(tape: Tape, f: Callable[..., Any], *args: Any) -> list[Node]:
    """What a formula returns, as nodes: a tuple gives several."""
    value = call(tape, f, *args)
    nodes = [tape.lift(v) for v in (value if isinstance(value, tuple) else [value])]
    if not nodes or any(node is None for node in nodes):
        raise trace_error(f"A formula must return numbers or nodes, not {value!r}.", "Return a node, or a tuple of nodes.", f)
    return [tape.number(node) for node in nodes if node is not None]


def trace(f: Callable[..., Any], *example_args: Any) -> Graph:
    """The graph of a formula.

    Equal subexpressions become one node, constants are worked out, what the result does not need is dropped. Loops and
    ``sum()`` over nodes are unrolled.

    Parameters
    ----------
    f : callable
        Takes numbers and arrays; computes with operators, with fastbp's functions or NumPy's.
    *example_args : float or array
        Only their shapes count: single numbers, vectors (parameters, or data with a value for each row), or
        two-dimensional arrays, whose rows are vectors.

    Returns
    -------
    Graph

    Raises
    ------
    TraceError
        Where f does what a graph cannot hold, such as branching on a value.

    Examples
    --------
    >>> import fastbp
    >>> print(fastbp.trace(lambda x, w: (fastbp.tanh(w * x) - 1.0) ** 2, 0.5, 2.0))
    graph of <lambda>(x, w):
        v1 = w * x
        v2 = tanh(v1)
        v3 = v2 - 1.0
        v4 = v3 * v3
        return v4
    """
    if tape_of(example_args) is not None:
        raise TypeError("trace takes numbers and arrays as examples, not nodes")
    graph, _ = trace_arguments(Tape(), f, example_args)
    return graph


def trace_within(
    surroundings: Surroundings, f: Callable[..., Any], make: Callable[[Tape, Callable[..., Any]], Traced]
) -> Traced:
    """``make(tape, f)``, where f sees nodes in the place of large arrays around it, if it gets along with them."""
    tape = Tape()
    with_nodes = surroundings.with_arrays_as(tape.captured)
    if with_nodes is not None:
        with suppress(Exception):  # whatever is wrong shows again below, if it does not come from the nodes
            return make(tape, with_nodes)
        surroundings.forget_arrays()
    return make(Tape(), f)


def trace_arguments(
    tape: Tape, f: Callable[..., Any], examples: Sequence[Any], settings: Mapping[str, Any] | None = None
) -> tuple[Graph, list[Any]]:
    """The graph, and what stood for each argument (a Node, or Rows).

    Of ``settings``, arguments given by name, arrays are arguments of the graph too, after the others.
    """
    handed = [argument(tape, n, e) for n, e in zip(argument_names(f, len(examples)), examples, strict=True)]
    named = {n: argument(tape, n, e) if isinstance(e, np.ndarray) and e.ndim else e for n, e in (settings or {}).items()}
    arguments = [*handed, *(item for item in named.values() if isinstance(item, Node | Rows))]
    inputs = [node for item in arguments for node in (item.nodes if isinstance(item, Rows) else [item])]
    seen = [
        _as_condition(tape, item) if np.asarray(e).dtype.kind == "b" else item for item, e in zip(handed, examples, strict=True)
    ]
    outputs = results(tape, partial(f, **named) if named else f, *seen)
    return Graph(getattr(f, "__name__", "formula"), inputs, outputs), handed


def _as_condition(tape: Tape, item: Node | Rows) -> Node | Rows:
    """An argument of true and false, which come as 1 and 0."""
    return tape.make("ne", item, tape.constant(0.0)) if isinstance(item, Node) and item.shape else item
