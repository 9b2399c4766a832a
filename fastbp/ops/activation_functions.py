"""Keras's activations among its ops: the formulas of ``fastbp.activations``, on arrays and in formulas."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from ..activations import formulas

_DOC = """{about}

Parameters
----------
x : number, array or Node
**settings
    As those of ``fastbp.activations.{name}``.

Examples
--------
>>> import fastbp
>>> print(f"{{float(fastbp.ops.{name}({at})):.6f}}")
{result:.6f}
"""


def _make(name: str, *at: float) -> Callable[..., Any]:
    """A formula as a function of ``ops``; ``at`` is where its example looks."""
    formula = getattr(formulas, name)

    @wraps(formula)
    def made(x: Any, *arguments: Any, **settings: Any) -> Any:
        return formulas.compute(formula, x, *arguments, **settings)

    made.__module__ = __package__
    shown, result = ", ".join(map(str, at)), float(formulas.compute(formula, *at))
    made.__doc__ = _DOC.format(about=formula.__doc__, name=name, at=shown, result=result)
    return made


ACTIVATIONS = {
    name: _make(name, -0.5)
    for name in (
        *("relu", "leaky_relu", "relu6", "elu", "selu", "celu", "log_sigmoid", "softsign", "squareplus", "silu"),
        *("hard_sigmoid", "hard_silu", "hard_tanh", "tanh_shrink", "sparse_plus", "sparse_sigmoid"),
    )
}
ACTIVATIONS |= {"hard_shrink": _make("hard_shrink", 0.7), "soft_shrink": _make("soft_shrink", 0.7)}
ACTIVATIONS |= {"threshold": _make("threshold", 0.7, 0.5, 0.0)}
ACTIVATIONS |= {"swish": ACTIVATIONS["silu"], "hard_swish": ACTIVATIONS["hard_silu"]}


def gelu(x: Any, approximate: bool = True) -> Any:
    """x times the normal distribution function of x, by the formula with tanh if ``approximate``.

    Parameters
    ----------
    x : number, array or Node
    approximate : bool

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.gelu([-1.0, 2.0], approximate=False).round(4)
    array([-0.1587,  1.9545])
    """
    return formulas.compute(formulas.gelu, x, approximate)


def glu(x: Any, axis: int = -1) -> Any:
    """The first half of the columns times the sigmoid of the second (Dauphin et al. 2017, arXiv:1612.08083).

    Parameters
    ----------
    x : array or Node
    axis : int

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.glu([[2.0, 0.0]])
    array([[1.]])
    """
    return formulas.compute(formulas.glu, x, axis)


def sparsemax(x: Any, axis: int = -1) -> Any:
    """The probabilities nearest to x, most of them 0 (Martins and Astudillo 2016, arXiv:1602.02068).

    Parameters
    ----------
    x : array
    axis : int

    Examples
    --------
    >>> import fastbp
    >>> fastbp.ops.sparsemax([[2.0, 1.5, 0.0]])
    array([[0.75, 0.25, 0.  ]])
    """
    return formulas.compute(formulas.sparsemax, x, axis)
