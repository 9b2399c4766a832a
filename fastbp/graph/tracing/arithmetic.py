"""The operators of Python and NumPy on what stands for numbers and arrays in a formula."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import missing_attribute, no_arithmetic, trace_error
from .operators import UNARY
from .rounding import Rounding

_ALLOWED = (
    "Use the operators + - * / **, the functions of fastbp (exp, log, sin, where, minimum, sum, mean, ...) "
    "or NumPy's functions of the same names."
)
MAX_CELLS = 1024  # nodes of one array
_NO_MATH = "Instead of functions of math use those of fastbp or NumPy: fastbp.exp(x), np.exp(x), ..."


def check_conditions(*values: Any) -> None:
    """Raise an error unless each is boolean."""
    for value in values:
        if not (value.is_logical if isinstance(value, Arithmetic) else np.asarray(value).dtype.kind == "b"):
            raise trace_error("The operators & | ^ ~ are for conditions, not for numbers.", "Compare first: (x > 0) & (x < 1).")


class Arithmetic(Rounding):
    """What nodes and arrays of nodes have in common (each has a ``tape``)."""

    __slots__ = ()
    __array_priority__ = 100

    if TYPE_CHECKING:  # defined below
        tape: Any

        @property
        def is_logical(self) -> bool: ...

        def __getitem__(self, key: Any) -> Any: ...
        def __neg__(self) -> Any: ...
        def __abs__(self) -> Any: ...
        def __pos__(self) -> Any: ...
        def __invert__(self) -> Any: ...
        def __add__(self, other: Any) -> Any: ...
        def __radd__(self, other: Any) -> Any: ...
        def __sub__(self, other: Any) -> Any: ...
        def __rsub__(self, other: Any) -> Any: ...
        def __mul__(self, other: Any) -> Any: ...
        def __rmul__(self, other: Any) -> Any: ...
        def __truediv__(self, other: Any) -> Any: ...
        def __rtruediv__(self, other: Any) -> Any: ...
        def __pow__(self, other: Any) -> Any: ...
        def __rpow__(self, other: Any) -> Any: ...
        def __and__(self, other: Any) -> Any: ...
        def __rand__(self, other: Any) -> Any: ...
        def __or__(self, other: Any) -> Any: ...
        def __ror__(self, other: Any) -> Any: ...
        def __xor__(self, other: Any) -> Any: ...
        def __rxor__(self, other: Any) -> Any: ...
        def __lt__(self, other: Any) -> Any: ...
        def __le__(self, other: Any) -> Any: ...
        def __gt__(self, other: Any) -> Any: ...
        def __ge__(self, other: Any) -> Any: ...

    # -- what a graph cannot hold

    def __bool__(self) -> bool:
        raise trace_error(
            "A formula cannot branch on a value that is not known yet.",
            "Instead of if, and, or, min(), max() use fastbp.where(condition, a, b), & and |, fastbp.minimum, fastbp.maximum.",
        )

    def _no_number(self, *_: Any) -> Any:
        raise trace_error("A formula cannot turn a node into a Python number.", _NO_MATH)

    __float__ = __int__ = __index__ = __complex__ = _no_number

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """A NumPy array of nodes, each a number: what ``np.array([a, b])`` asks for."""
        if dtype is not None and np.dtype(dtype).kind != "O":
            raise trace_error(f"A formula cannot turn a node into an array of {dtype}.", "Leave the type out.")
        array = self.tape.array(self)
        if array.size > MAX_CELLS:
            raise trace_error(
                f"A formula cannot take an array of shape {array.shape} apart, as np.array and np.asarray do.",
                "np.stack([a, b]) makes an array of arrays; what the formula is given needs no np.asarray.",
            )
        return array.numbers()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # libraries probe for these
            raise AttributeError(f"a node has no {name}")
        raise missing_attribute(f"A node has no {name}.", _ALLOWED)

    __hash__ = object.__hash__

    def __setitem__(self, key: Any, value: Any) -> None:
        raise trace_error("A formula cannot change a value in place.", "Compute a new one; fastbp.where(c, a, b) picks.")

    # -- NumPy's functions

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        return self.tape.apply_ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        return self.tape.apply_function(function, args, options)


def _operator(op: str, swap: bool = False) -> Callable[[Any, Any], Any]:
    def apply(self: Any, other: Any) -> Any:
        lifted = self.tape.lift(other)
        if lifted is None:
            return self.tape.combine(op, other, self) if swap else self.tape.combine(op, self, other)
        return self.tape.apply(op, lifted, self) if swap else self.tape.apply(op, self, lifted)

    return apply


def _unary(op: str) -> Callable[[Any], Any]:
    def apply(self: Any) -> Any:
        return self.tape.apply(op, self)

    return apply


def _connective(op: str, swap: bool = False) -> Callable[[Any, Any], Any]:
    plain = _operator(op, swap)

    def apply(self: Any, other: Any) -> Any:
        check_conditions(self, other)
        return plain(self, other)

    return apply


def _invert(self: Any) -> Any:
    check_conditions(self)
    return self.tape.apply("not", self)


def _positive(self: Any) -> Any:
    if self.is_logical:
        raise no_arithmetic("+")
    return self


for _name, _op in {"add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "pow": "pow"}.items():
    setattr(Arithmetic, f"__{_name}__", _operator(_op))
    setattr(Arithmetic, f"__r{_name}__", _operator(_op, swap=True))
for _name, _op in {"and": "and", "or": "or", "xor": "ne"}.items():
    setattr(Arithmetic, f"__{_name}__", _connective(_op))
    setattr(Arithmetic, f"__r{_name}__", _connective(_op, swap=True))
for _name, _op, _swap in [
    ("lt", "lt", False),
    ("le", "le", False),
    ("gt", "lt", True),
    ("ge", "le", True),
    ("eq", "eq", False),
    ("ne", "ne", False),
]:
    setattr(Arithmetic, f"__{_name}__", _operator(_op, _swap))
for _name in UNARY:  # NumPy calls them on arrays that hold nodes
    setattr(Arithmetic, _name, _unary(_name))
for _name in ("neg", "abs"):
    setattr(Arithmetic, f"__{_name}__", _unary(_name))
setattr(Arithmetic, "__invert__", _invert)  # noqa: B010
setattr(Arithmetic, "__pos__", _positive)  # noqa: B010
