"""Activations by name: descriptions that the engine resolves to its integer codes.

>>> from fastbp import activations
>>> activations.get("relu").name
'relu'
>>> activations.leaky_relu(0.1).alpha
0.1
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .arguments import check_signature, function_name, number, unknown
from .kernels import codes

if TYPE_CHECKING:
    from .graph.codegen.bound import BoundFunction


@dataclass(frozen=True)
class Activation:
    """What a layer does to its weighted sums.

    Take one of this module's (``fastbp.activations.tanh``), name it (``"tanh"``), or give a function; see ``custom``.

    Parameters
    ----------
    name : str
        Its name in Keras.
    code : int
        Its code in the kernels.
    alpha : float
        The parameter, for activations that have one.
    function : callable, optional
        The formula of a custom activation.
    """

    name: str
    code: int
    alpha: float = 0.0
    function: Callable[..., Any] | None = field(default=None, repr=False)

    def bind(self, dtype: str) -> "BoundFunction | None":
        """The machine code of the function, as it is now; None where there is no function."""
        if self.function is None:
            return None
        from .graph.codegen.bound import bind_activation  # the graph is imported only where there are formulas
        from .graph.codegen.row_graphs import trace_activation

        return bind_activation(trace_activation(self.function), dtype)


linear = Activation("linear", codes.LINEAR)
relu = Activation("relu", codes.RELU)
selu = Activation("selu", codes.SELU)
tanh = Activation("tanh", codes.TANH)
sigmoid = Activation("sigmoid", codes.SIGMOID)
softplus = Activation("softplus", codes.SOFTPLUS)
silu = swish = Activation("silu", codes.SILU)
softmax = Activation("softmax", codes.SOFTMAX)


def leaky_relu(negative_slope: float = 0.2) -> Activation:
    """``z`` where it is positive, else ``negative_slope * z``.

    Parameters
    ----------
    negative_slope : float
        At least 0.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.Dense(8, fastbp.activations.leaky_relu(0.1)).activation
    Activation(name='leaky_relu', code=2, alpha=0.1)
    """
    return Activation("leaky_relu", codes.LEAKY_RELU, number("negative_slope", negative_slope, 0))


def elu(alpha: float = 1.0) -> Activation:
    """``z`` where it is positive, else ``alpha * (exp(z) - 1)`` (Clevert et al. 2016, arXiv:1511.07289).

    Parameters
    ----------
    alpha : float
        The function tends to ``-alpha`` at minus infinity; at least 0.

    Examples
    --------
    >>> from fastbp import activations
    >>> activations.elu(0.5).alpha
    0.5
    """
    return Activation("elu", codes.ELU, number("alpha", alpha, 0))


def gelu(approximate: bool = False) -> Activation:
    """``z`` times the normal distribution function of ``z`` (Hendrycks and Gimpel 2016, arXiv:1606.08415).

    Parameters
    ----------
    approximate : bool
        Use the formula with tanh, which is a little faster and off by at most 5e-4.

    Examples
    --------
    >>> from fastbp import activations
    >>> activations.gelu(approximate=True).name
    'gelu_tanh'
    """
    return Activation("gelu_tanh", codes.GELU_TANH) if approximate else Activation("gelu", codes.GELU)


def custom(function: Callable[..., Any], name: str | None = None) -> Activation:
    """A custom formula, differentiated and compiled like the activations here.

    Passing the function itself to ``Dense(units, activation=f)`` does the same.

    Parameters
    ----------
    function : callable
        ``f(z)`` of an array (samples, units): computes each unit's output from its ``z`` alone, with operators, fastbp's
        functions or NumPy's. Numbers from outside the formula are constants, read again by each ``compile``.
    name : str, optional
        The function's if not given.

    Raises
    ------
    TraceError
        If the formula cannot be compiled.

    Examples
    --------
    >>> import fastbp
    >>> def gaussian(z):
    ...     return fastbp.exp(-(z**2))
    >>> fastbp.Dense(8, activation=gaussian).activation
    Activation(name='gaussian', code=12, alpha=0.0)
    """
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"activation must be a function of z, got {function!r}")
    check_signature("activation", function, ["z"])
    from .graph.codegen.row_graphs import trace_activation  # now, so that a bad formula raises where it is given

    trace_activation(function)
    return Activation(name or function_name(function), codes.CUSTOM_ACTIVATION, function=function)


_FACTORIES: dict[str, Callable[[], Activation]] = {"leaky_relu": leaky_relu, "elu": elu, "gelu": gelu}
_NAMES = {a.name: a for a in (linear, relu, selu, tanh, sigmoid, softplus, silu, softmax)}
_NAMES |= {name: factory() for name, factory in _FACTORIES.items()}
_NAMES |= {"gelu_tanh": gelu(approximate=True), "swish": silu}


def get(identifier: object) -> Activation:
    """The activation that a name, an ``Activation``, one of this module's functions, None or a function stands for.

    Parameters
    ----------
    identifier : str, Activation, callable or None
        None is linear; for functions see ``custom``.

    Raises
    ------
    TypeError, ValueError
        If there is no such activation.

    Examples
    --------
    >>> from fastbp import activations
    >>> activations.get(None) is activations.linear
    True
    """
    if identifier is None:
        return linear
    if isinstance(identifier, Activation):
        return identifier
    if isinstance(identifier, str):
        if identifier.lower() not in _NAMES:
            raise unknown("activation", identifier, _NAMES)
        return _NAMES[identifier.lower()]
    for factory in _FACTORIES.values():
        if identifier is factory:  # Dense(8, activations.elu), as with Keras's functions
            return factory()
    if callable(identifier) and not isinstance(identifier, type):
        return custom(identifier)
    raise TypeError(f"activation must be a name, a function, an Activation or None, got {identifier!r}")
