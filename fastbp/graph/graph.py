"""``trace`` and the graph that it gives: to be run step by step, read as code, and looked at as a picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .autodiff.interpreter import run_backward, run_forward
from .drawing.draw import draw
from .drawing.picture import Picture
from .tracing.functions import tape_of
from .tracing.node_graph import NodeGraph
from .tracing.tape import Tape
from .tracing.text import as_code
from .tracing.trace import trace_arguments


class Graph(NodeGraph):
    """A formula as a graph of nodes.

    Attributes
    ----------
    inputs : list of Node
        One for each argument; arrays of several dimensions are vectors in the graph.
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
        values = [np.ravel(a) if np.ndim(a) > 1 else a for a in args]
        if len(values) != len(self.inputs):
            raise TypeError(f"the graph has {len(self.inputs)} arguments, {len(values)} were given")
        found = zip(run_forward(self, values), self.output_shapes, strict=True)
        results = [np.reshape(v, shape) if len(shape) > 1 else v for v, shape in found]
        return results[0] if len(results) == 1 else results

    def backward(self, seed: Any = 1.0) -> list[Any]:
        """Compute each node's ``grad``, the derivative of the (first) result with respect to it, from the result back.

        Parameters
        ----------
        seed : float or array
            The derivative with respect to the result itself. Where the result has rows, 1 stands for the derivative of
            their sum.

        Returns
        -------
        list
            The derivatives with respect to the inputs.

        Examples
        --------
        >>> import fastbp
        >>> graph = fastbp.trace(lambda x: x**2, 1.0)
        >>> _ = graph.forward(3.0)
        >>> graph.backward()
        [6.0]
        """
        seed = np.ravel(seed) if np.ndim(seed) > 1 else seed
        found = zip(run_backward(self, seed), self.input_shapes, strict=True)
        return [np.reshape(v, shape) if len(shape) > 1 else v for v, shape in found]

    def draw(self, path: Any = None) -> Picture:
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
        return draw(self, path)

    def _repr_svg_(self) -> str:
        return str(self.draw())


def trace(f: Callable[..., Any], *example_args: Any) -> Graph:
    """The graph of a formula.

    Equal subexpressions become one node, constants are folded, what the result does not need is dropped. Loops and
    ``sum()`` over nodes are unrolled.

    Parameters
    ----------
    f : callable
        Takes numbers and arrays; computes with operators, with fastbp's functions or NumPy's.
    *example_args : float or array
        Only their shapes count: single numbers, vectors (parameters, or data with a value for each row), or arrays of several
        dimensions. Of these one axis, or all, may be long; where a formula takes columns apart, as in ``x @ w``, it may have
        up to 1024 of them: each is computed on its own.

    Returns
    -------
    Graph

    Raises
    ------
    TraceError
        If f does something that a graph cannot hold, such as branching on a value.

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
    traced, _ = trace_arguments(Tape(), f, example_args)
    return Graph(traced.name, traced.inputs, traced.outputs, (traced.input_shapes, traced.output_shapes))
