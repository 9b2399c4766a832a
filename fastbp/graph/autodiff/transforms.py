"""grad, value_and_grad, jacobian, hessian."""

from collections.abc import Callable, Sequence
from typing import Any

from .derivative import Derivative
from .recipes import gradient_recipe, hessian_recipe, jacobian_recipe, value_and_gradient_recipe


def grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The gradient of f, compiled: a function with the arguments of f.

    It is traced for each new combination of argument shapes (and again when numbers that f refers to change), compiled once for
    each different graph and kept on disk. Inside of another formula it is a part of that formula, so ``grad(grad(f))``
    is the second derivative.

    Arrays that f refers to may change from call to call as numbers may, with one exception: of an array of more than 64 values
    that f computes with as a whole, elements that f also reads one by one stay as they were when f was traced.

    Parameters
    ----------
    f : callable
        Takes numbers and arrays; returns a single number. See ``fastbp.trace`` for what it may do.
        On single numbers it may use Python's ``if``, ``while``, ``max`` and the like: they are followed by the values of each
        call, and each way through them is compiled once.
    argnums : int or sequence of int
        The arguments to differentiate with respect to: numbers, arrays, or containers of them (dicts, lists, tuples, named
        tuples, dataclasses, None), nested as you like.
    has_aux : bool
        Whether f returns a pair (value, aux), of which aux is only passed on.

    Returns
    -------
    callable
        Gives the derivative in the form of the argument; a tuple of them for a sequence of ``argnums``; with ``has_aux`` the
        pair (derivative, aux). Computes in float32 if all its arrays are float32, else in float64.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.grad(lambda x: x**3)(2.0)
    12.0
    >>> fastbp.grad(fastbp.grad(lambda x: x**3))(2.0)
    12.0
    """
    return Derivative(f, argnums, gradient_recipe, has_aux)


def value_and_grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The value of f and its gradient, in one pass over the data.

    Parameters
    ----------
    f, argnums, has_aux
        As for ``fastbp.grad``.

    Returns
    -------
    callable
        Gives (value, gradient); with ``has_aux`` ((value, aux), gradient).

    Examples
    --------
    >>> import fastbp, numpy
    >>> def loss(w, x, y):
    ...     return fastbp.mean((w[0] + w[1] * x - y) ** 2)
    >>> value, gradient = fastbp.value_and_grad(loss)([1.0, 2.0], numpy.array([0.0, 1.0]), numpy.array([1.0, 2.0]))
    >>> value, gradient
    (0.5, [1.0, 1.0])
    """
    return Derivative(f, argnums, value_and_gradient_recipe, has_aux)


def jacobian(f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """All derivatives of the results of f with respect to an argument.

    In reverse mode, or in forward mode where there are more results than parameters.

    Parameters
    ----------
    f : callable
        Returns an array, with up to 64 values or with one or more for each row of the data, or a single number.
    argnums : int or sequence of int
        The arguments to differentiate with respect to: numbers, arrays of at most 64 parameters, or containers of them.
    has_aux : bool
        Whether f returns a pair (value, aux), of which aux is only passed on: the result is then a pair too.

    Returns
    -------
    callable
        Gives an array of the shape of the result followed by that of the parameters; one for each part of
        an argument made of containers. A list of numbers alone counts as an array.

    Examples
    --------
    >>> import fastbp, numpy
    >>> fastbp.jacobian(lambda p, x: p[0] * x + p[1])([2.0, 3.0], numpy.array([5.0, 6.0]))
    array([[5., 1.],
           [6., 1.]])
    """
    return Derivative(f, argnums, jacobian_recipe, has_aux)


def hessian(f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """All second derivatives of f.

    Parameters
    ----------
    f : callable
        Returns a single number.
    argnums : int or sequence of int
        The arguments to differentiate with respect to: numbers, arrays of at most 64 parameters, or containers of them.
    has_aux : bool
        Whether f returns a pair (value, aux), of which aux is only passed on: the result is then a pair too.

    Returns
    -------
    callable
        Gives an array of the shape of the parameters, twice; for a sequence of ``argnums`` a tuple of tuples of
        blocks, and likewise for an argument made of containers. A list of numbers alone counts as an array.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.hessian(lambda p: p[0] ** 2 * p[1])([2.0, 3.0])
    array([[6., 4.],
           [4., 0.]])
    """
    return Derivative(f, argnums, hessian_recipe, has_aux)
