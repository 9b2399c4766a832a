"""What an operator of single numbers is: one entry of a table, which all of the graph goes by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, TypeVar

Value = TypeVar("Value")

# Of the operators as functions (``f.exp(x)``), the operator's value and its arguments: a derivative with respect to each
# argument, or None where there is nothing to add.
Derivatives = Callable[..., tuple[Any, ...]]


@dataclass(frozen=True)
class Operator:
    """An operator of one or more numbers.

    Attributes
    ----------
    name : str
    about : str
        What it is, for people.
    code : tuple
        The module below fastbp.kernels.math with its code in vector words, the name there, and what that is to be called with
        to give the code, if anything. It is imported when a formula uses it.
    derivatives : callable
        ``derivatives(f, v, *x)``, see ``Derivatives``. They are differentiated again, so no two terms should cancel.
    shown : str
        The docstring's example's value.
    at : tuple of float
        Where that example looks; as many as it has arguments.
    reference : callable, optional
        What it is in NumPy. Left out, the code itself is run.
    ufuncs : tuple of str
        Names that it has as a ufunc of NumPy or scipy.special.
    parameters : tuple of str
        What its arguments are called.
    public : bool
        Whether ``fastbp.<name>`` is a function.
    """

    name: str
    about: str
    code: tuple[Any, ...]
    derivatives: Derivatives
    shown: str = ""
    at: tuple[float, ...] = (0.5,)
    reference: Callable[..., Any] | None = None
    ufuncs: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ("x",)
    public: bool = True

    def emit(self, s: Any, *x: Any) -> Any:
        """Append the instructions of its value."""
        return _code(*self.code)(s, *x)

    def evaluate(self, *x: Any) -> Any:
        """Its value for numbers and arrays."""
        if self.reference is not None:
            return self.reference(*x)
        from .compiled import over_arrays

        return over_arrays(self.name, self.emit, x)


class Unlisted(str):
    """The name of an operator that is in no table and lives as long as its nodes do: it carries the operator."""

    operator: Operator


def unlisted(operator: Operator) -> Unlisted:
    """The name of such an operator. Equal names must mean equal operators."""
    name = Unlisted(operator.name)
    name.operator = operator
    return name


class OperatorTable(dict[str, Value]):
    """Something for each operator by its name; for one that is in no table, made of it by ``of``."""

    def __init__(self, entries: dict[str, Value], of: Callable[[Operator], Value]) -> None:
        super().__init__(entries)
        self._of = of

    def __missing__(self, name: str) -> Value:
        if not isinstance(name, Unlisted):
            raise KeyError(name)
        return self._of(name.operator)


@cache
def _code(module: str, name: str, *arguments: Any) -> Callable[..., Any]:
    function = getattr(import_module(f"....kernels.math.{module}", __package__), name)
    code: Callable[..., Any] = function(*arguments) if arguments else function
    return code
